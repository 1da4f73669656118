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
    Some(TlsFacts { version: version_name(version.into()), suite: suite_name(suite.into()), resumed: false })
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
