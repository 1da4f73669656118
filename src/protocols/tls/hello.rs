//! What the server's first record agrees on, read before the handshake takes it: a connection that ends with an
//! untrusted certificate no longer tells, and a person wants to see version and suite while deciding.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};

use rustls::{CipherSuite, ProtocolVersion};
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio_rustls::Connect;

use super::session::TlsStream;
use crate::trust::TlsFacts;

/// Drives `connect` and looks at the ServerHello on its way. The facts are empty if it came in pieces or not at all.
pub(super) async fn observe(connect: Connect<TcpStream>) -> (io::Result<TlsStream>, TlsFacts) {
    let mut connect = pin!(connect);
    let mut facts = None;
    let result = poll_fn(|context| {
        if facts.is_none() {
            facts = connect.get_ref().and_then(|stream| peek(stream, context));
        }
        connect.as_mut().poll(context)
    })
    .await;
    (result, facts.unwrap_or_default())
}

/// What has arrived so far, without taking it.
fn peek(stream: &TcpStream, context: &mut Context<'_>) -> Option<TlsFacts> {
    let mut bytes = [0; 1024];
    let mut buffer = ReadBuf::new(&mut bytes);
    match stream.poll_peek(context, &mut buffer) {
        Poll::Ready(Ok(_)) => server_hello(buffer.filled()),
        _ => None,
    }
}

/// Reads version and suite out of a record with a ServerHello (RFC 5246 section 7.4.1.3, RFC 8446 section 4.1.3).
fn server_hello(record: &[u8]) -> Option<TlsFacts> {
    // Record header 5, type and length of the message 4, then version 2 and random 32.
    let (header, rest) = record.split_at_checked(9)?;
    if header[0] != 22 || header[5] != 2 {
        return None;
    }
    let mut version = u16_at(rest, 0)?;
    let session_id = 35 + usize::from(*rest.get(34)?);
    let suite = u16_at(rest, session_id)?;
    let mut extensions = rest.get(session_id + 5..).unwrap_or_default();
    while let (Some(kind), Some(length)) = (u16_at(extensions, 0), u16_at(extensions, 2)) {
        // supported_versions: the real version of TLS 1.3 and later.
        if kind == 43 {
            version = u16_at(extensions, 4)?;
        }
        extensions = extensions.get(4 + usize::from(length)..).unwrap_or_default();
    }
    Some(TlsFacts { version: version_name(version.into()), suite: suite_name(suite.into()), ..TlsFacts::default() })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// `TLS1.3`.
pub(super) fn version_name(version: ProtocolVersion) -> Option<String> {
    version.as_str().map(|name| name.replace("TLSv1_", "TLS1."))
}

/// The IANA name; rustls writes `TLS13_AES…` where IANA writes `TLS_AES…`.
pub(super) fn suite_name(suite: CipherSuite) -> Option<String> {
    suite.as_str().map(|name| name.replacen("TLS13_", "TLS_", 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A ServerHello with an empty session id and these extensions.
    fn record(suite: [u8; 2], extensions: &[u8]) -> Vec<u8> {
        let hello = [&[3, 3][..], &[0; 32], &[0], &suite, &[0], &(extensions.len() as u16).to_be_bytes(), extensions].concat();
        let length = (hello.len() as u16).to_be_bytes();
        [&[22, 3, 3, 0, 0, 2, 0][..], &length, &hello].concat()
    }

    #[test]
    fn version_and_suite_are_found() {
        let facts =
            |version: &str, suite: &str| Some(TlsFacts { version: Some(version.into()), suite: Some(suite.into()), ..TlsFacts::default() });
        let tls13 = record([0x13, 0x01], &[0, 51, 0, 2, 9, 9, 0, 43, 0, 2, 3, 4]);
        assert_eq!(server_hello(&tls13), facts("TLS1.3", "TLS_AES_128_GCM_SHA256"));
        let tls12 = record([0xc0, 0x2f], &[]);
        assert_eq!(server_hello(&tls12), facts("TLS1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"));
        assert_eq!(server_hello(b"220 plain as day\r\n"), None);
        assert_eq!(server_hello(&[21, 3, 3, 0, 2, 2, 40, 0, 0, 0]), None, "an alert");
    }

    proptest! {
        #[test]
        fn no_record_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100), cut in any::<prop::sample::Index>()) {
            let mut hello = record([0x13, 0x01], &bytes);
            let _facts = server_hello(&hello);
            hello.truncate(cut.index(hello.len()));
            let _facts = server_hello(&hello);
            let _facts = server_hello(&bytes);
        }
    }
}
