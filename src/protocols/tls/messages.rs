//! The handshake messages that travel in the clear (RFC 8446 section 4, RFC 5246 section 7.4), read beside rustls, which
//! does not tell what was in them. Only for a person to see: nothing is decided by what stands here.

use rustls::{CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};

/// Record types (RFC 8446 section 5.1).
pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;

/// Message types (RFC 8446 section 4, RFC 5246 section 7.4, RFC 6066 section 8).
pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;
pub(super) const NEW_SESSION_TICKET: u8 = 4;
pub(super) const CERTIFICATE: u8 = 11;
pub(super) const SERVER_KEY_EXCHANGE: u8 = 12;
pub(super) const CERTIFICATE_REQUEST: u8 = 13;
pub(super) const SERVER_HELLO_DONE: u8 = 14;
pub(super) const CERTIFICATE_VERIFY: u8 = 15;
pub(super) const CLIENT_KEY_EXCHANGE: u8 = 16;
pub(super) const CERTIFICATE_STATUS: u8 = 22;

/// No record is longer (RFC 5246 section 6.2.3).
const LONGEST_RECORD: usize = 0x4800;

/// No message in the clear that rustls takes is longer.
const LONGEST_MESSAGE: usize = 0x1_0000;

/// What one side sends, cut into records and handshake messages.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Behind the last whole record.
    record: Vec<u8>,
    /// Behind the last whole message.
    message: Vec<u8>,
    is_encrypted: bool,
    is_over: bool,
}

/// What came out of a [`Flow`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A handshake message: its type and body.
    Message(u8, Vec<u8>),
    /// A record of another type.
    Record(u8),
    /// A handshake record that cannot be read.
    Encrypted,
}

impl Flow {
    /// Takes the next bytes. What is not TLS ends it.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if !self.is_over {
            self.record.extend_from_slice(bytes);
        }
    }

    /// Records that follow are not in the clear.
    pub(super) fn expect_encrypted(&mut self) {
        self.is_encrypted = true;
    }

    /// Nothing more comes out.
    pub(super) fn end(&mut self) {
        *self = Self { is_over: true, ..Self::default() };
    }

    /// The next message or record, once it is whole.
    pub(super) fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.next_message() {
                return Some(item);
            }
            let &[kind, _, _, high, low] = self.record.first_chunk()?;
            let end = 5 + usize::from(u16::from_be_bytes([high, low]));
            if !(CHANGE_CIPHER_SPEC..=23).contains(&kind) || end > 5 + LONGEST_RECORD || self.message.len() > LONGEST_MESSAGE {
                self.end();
                return None;
            }
            if self.record.len() < end {
                return None;
            }
            let record: Vec<u8> = self.record.drain(..end).collect();
            if kind != HANDSHAKE {
                return Some(Item::Record(kind));
            }
            if self.is_encrypted {
                return Some(Item::Encrypted);
            }
            self.message.extend_from_slice(&record[5..]);
        }
    }

    fn next_message(&mut self) -> Option<Item> {
        let &[kind, a, b, c] = self.message.first_chunk()?;
        let end = 4 + u32::from_be_bytes([0, a, b, c]) as usize;
        if self.message.len() < end {
            return None;
        }
        let message: Vec<u8> = self.message.drain(..end).collect();
        Some(Item::Message(kind, message[4..].to_vec()))
    }
}

/// What a client offers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ClientHello {
    pub(super) versions: Vec<ProtocolVersion>,
    pub(super) groups: Vec<NamedGroup>,
    pub(super) suites: usize,
}

impl ClientHello {
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut body = Bytes(body);
        let version = body.u16()?;
        let _random = body.take(32)?;
        let _session = body.short()?;
        let suites = body.long()?.0.len() / 2;
        let _compression = body.short()?;
        let mut hello = Self { suites, ..Self::default() };
        body.each_extension(|kind, mut value| {
            match kind {
                SUPPORTED_VERSIONS => hello.versions = value.short()?.numbers().map(ProtocolVersion::from).collect(),
                SUPPORTED_GROUPS => hello.groups = value.long()?.numbers().map(NamedGroup::from).collect(),
                _ => {}
            }
            Some(())
        })?;
        if hello.versions.is_empty() {
            hello.versions.push(version.into());
        }
        Some(hello)
    }
}

/// What a server chose.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServerHello {
    pub(super) version: ProtocolVersion,
    pub(super) suite: CipherSuite,
    /// TLS 1.3 only; in TLS 1.2 it comes with the ServerKeyExchange.
    pub(super) group: Option<NamedGroup>,
    /// It is a HelloRetryRequest.
    pub(super) is_retry: bool,
    /// TLS 1.3: it goes on with a session of before.
    pub(super) is_resumption: bool,
}

impl ServerHello {
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut body = Bytes(body);
        let version = body.u16()?.into();
        let is_retry = body.take(32)?.0 == RETRY;
        let _session = body.short()?;
        let suite = body.u16()?.into();
        let _compression = body.take(1)?;
        let mut hello = Self { version, suite, group: None, is_retry, is_resumption: false };
        body.each_extension(|kind, mut value| {
            match kind {
                SUPPORTED_VERSIONS => hello.version = value.u16()?.into(),
                KEY_SHARE => hello.group = Some(value.u16()?.into()),
                PRE_SHARED_KEY => hello.is_resumption = true,
                _ => {}
            }
            Some(())
        })?;
        Some(hello)
    }
}

/// The group and the signature scheme of a ServerKeyExchange (RFC 8422 section 5.4).
pub(super) fn server_key_exchange(body: &[u8]) -> Option<(NamedGroup, SignatureScheme)> {
    let mut body = Bytes(body);
    let _kind = body.take(1).filter(|kind| kind.0 == [NAMED_CURVE])?;
    let group = body.u16()?;
    let _point = body.short()?;
    Some((group.into(), body.u16()?.into()))
}

/// How many certificates a Certificate message of TLS 1.2 holds, and how many bytes they have.
pub(super) fn certificates(body: &[u8]) -> Option<(usize, usize)> {
    let mut list = Bytes(body).longer()?;
    let (mut count, mut bytes) = (0, 0);
    while !list.0.is_empty() {
        bytes += list.longer()?.0.len();
        count += 1;
    }
    Some((count, bytes))
}

/// Extension types (RFC 8446 section 4.2).
const SUPPORTED_GROUPS: u16 = 10;
const PRE_SHARED_KEY: u16 = 41;
const SUPPORTED_VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;

/// ECCurveType (RFC 8422 section 5.4).
const NAMED_CURVE: u8 = 3;

/// The random number that makes a ServerHello a HelloRetryRequest (RFC 8446 section 4.1.3).
const RETRY: &[u8] = &[
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
    0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// Bytes to read from the front.
#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take(&mut self, length: usize) -> Option<Self> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(Self(taken))
    }

    /// A number of so many bytes.
    fn number(&mut self, length: usize) -> Option<usize> {
        Some(self.take(length)?.0.iter().fold(0, |number, &byte| number << 8 | usize::from(byte)))
    }

    fn u16(&mut self) -> Option<u16> {
        self.number(2).map(|number| number as u16)
    }

    /// A vector with one byte of length.
    fn short(&mut self) -> Option<Self> {
        let length = self.number(1)?;
        self.take(length)
    }

    /// A vector with two bytes of length.
    fn long(&mut self) -> Option<Self> {
        let length = self.number(2)?;
        self.take(length)
    }

    /// A vector with three bytes of length.
    fn longer(&mut self) -> Option<Self> {
        let length = self.number(3)?;
        self.take(length)
    }

    fn numbers(self) -> impl Iterator<Item = u16> {
        self.0.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
    }

    /// The extensions at the end of a hello; there may be none.
    fn each_extension(mut self, mut each: impl FnMut(u16, Self) -> Option<()>) -> Option<()> {
        let mut list = if self.0.is_empty() { Self(&[]) } else { self.long()? };
        while !list.0.is_empty() {
            let kind = list.u16()?;
            each(kind, list.long()?)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The body of a ServerHello with an empty session id and these extensions.
    fn hello(random: &[u8], suite: [u8; 2], extensions: &[u8]) -> Vec<u8> {
        [&[3, 3][..], random, &[0], &suite, &[0], &(extensions.len() as u16).to_be_bytes(), extensions].concat()
    }

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind], &(body.len() as u32).to_be_bytes()[1..], body].concat()
    }

    fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
        [&[kind, 3, 3], &(payload.len() as u16).to_be_bytes()[..], payload].concat()
    }

    #[test]
    fn what_a_server_chose_is_found() {
        let tls13 = ServerHello::read(&hello(&[0; 32], [0x13, 0x01], &[0, 51, 0, 2, 0, 29, 0, 43, 0, 2, 3, 4])).unwrap();
        assert_eq!((tls13.version, tls13.group), (ProtocolVersion::TLSv1_3, Some(NamedGroup::X25519)));
        assert_eq!((tls13.suite, tls13.is_retry, tls13.is_resumption), (CipherSuite::TLS13_AES_128_GCM_SHA256, false, false));
        let retry = ServerHello::read(&hello(RETRY, [0x13, 0x01], &[0, 51, 0, 2, 0, 24, 0, 43, 0, 2, 3, 4])).unwrap();
        assert_eq!((retry.is_retry, retry.group), (true, Some(NamedGroup::secp384r1)));
        let tls12 = ServerHello::read(&hello(&[0; 32], [0xc0, 0x2f], &[])).unwrap();
        assert_eq!((tls12.version, tls12.group), (ProtocolVersion::TLSv1_2, None));
    }

    #[test]
    fn messages_come_out_however_they_were_cut() {
        let long = vec![7; 300];
        let messages = [message(2, b"abc"), message(11, &long), message(14, b"")].concat();
        let (first, second) = messages.split_at(100);
        let wire = [record(22, first), record(22, second), record(20, &[1]), record(23, b"secret")].concat();
        let wanted =
            [Item::Message(2, b"abc".to_vec()), Item::Message(11, long), Item::Message(14, Vec::new()), Item::Record(20), Item::Record(23)];
        for size in [1, 7, 4096] {
            let mut flow = Flow::default();
            let mut items = Vec::new();
            for chunk in wire.chunks(size) {
                flow.feed(chunk);
                items.extend(std::iter::from_fn(|| flow.next()));
            }
            assert_eq!(items, wanted, "in pieces of {size}");
        }
    }

    #[test]
    fn plain_text_ends_it() {
        let mut flow = Flow::default();
        flow.feed(b"220 plain as day\r\n");
        assert_eq!((flow.next(), flow.is_over), (None, true));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_keep_much(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in any::<prop::sample::Index>()) {
            let mut server = hello(&[0; 32], [0x13, 0x01], &bytes);
            let _hello = ServerHello::read(&server);
            server.truncate(cut.index(server.len()));
            for body in [&server, &bytes] {
                let _read = (ServerHello::read(body), ClientHello::read(body), server_key_exchange(body), certificates(body));
            }
            let mut flow = Flow::default();
            for chunk in record(22, &bytes).chunks(1 + cut.index(50)) {
                flow.feed(chunk);
                while flow.next().is_some() {}
            }
            prop_assert!(flow.record.len() < 5 + LONGEST_RECORD);
        }
    }
}
