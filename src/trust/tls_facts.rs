//! What a TLS handshake agreed on, and how it went. Facts only.

use std::net::IpAddr;
use std::time::Duration;

/// What the TLS connection had agreed on when the peer was judged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsFacts {
    /// Where the peer really was when it was judged, whatever its name leads to later.
    pub peer_address: Option<IpAddr>,
    /// `TLS1.3` or `TLS1.2`.
    pub version: Option<String>,
    /// The cipher suite's IANA name.
    pub suite: Option<String>,
    /// The key exchange group, e.g. `X25519MLKEM768`.
    pub key_exchange: Option<String>,
    /// Whether the session was resumed.
    pub resumed: bool,
    /// What the server asked of us.
    pub client_certificate: ClientCertificate,
    /// The handshake step by step, as far as it went.
    pub timeline: Vec<HandshakeStep>,
}

/// Whether a server wants a certificate from the client (RFC 8446 section 4.3.2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientCertificate {
    /// It asked for one.
    pub asked: bool,
    /// One was sent.
    pub sent: bool,
    /// The authorities it would accept, each name in one line, made safe to draw; empty: any, or not told.
    pub authorities: Vec<String>,
}

/// A step of a handshake, in the words of TLS 1.3 or 1.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandshakeStep {
    /// Who did what: `we sent ClientHello`.
    pub what: String,
    /// What it agreed on or proved, for a person; may be empty.
    pub detail: String,
    /// Since the handshake began.
    pub after: Duration,
}
