//! Why there is no connection, as a kind callers match on and words a person reads.

use std::fmt;
use std::io;

use crate::model::{Endpoint, text};
use crate::trust::Evidence;

/// Connecting or logging in failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectError {
    /// What kind of failure; callers match on it.
    pub kind: ConnectErrorKind,
    /// Where.
    pub endpoint: Endpoint,
    /// What the server or the system said, made safe to draw; may be empty.
    pub detail: String,
}

/// Kinds of failure while connecting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectErrorKind {
    /// The host's name has no address.
    UnknownHost,
    /// Nobody listens there.
    Refused,
    /// No way leads there.
    Unreachable,
    /// Nothing came in time.
    TimedOut,
    /// The line broke.
    ConnectionLost,
    /// What answered does not speak this protocol (plain text where TLS was expected, TLS where plain text was, SSH on an FTP port).
    WrongProtocol,
    /// The peer is not trusted (yet); nothing but the hello (TLS) or the key exchange (SSH) was sent to it.
    Untrusted(Box<Evidence>),
    /// A data connection led to another peer than the one that was judged.
    OtherPeer,
    /// The server offers no TLS, or refused to protect the data channel; there is no way on without.
    ProtectionRefused,
    /// The server ended the TLS handshake with this alert.
    Alert(AlertKind),
    /// The server asked for a certificate, and its word on what it got (or did not get) ends the connection.
    ClientCertificate(Box<RefusedCertificate>),
    /// TLS or SSH failed in another way (no common version, cipher, curve; broken handshake).
    Handshake,
    /// User name, password, key or answer was not accepted.
    LoginRefused,
    /// The server closed the door to everybody for now (FTP 421, too many connections).
    Busy,
    /// The login worked, but there is no SFTP on this server.
    NoSftp,
    /// What came is not what the protocol allows, or more than we are willing to hold.
    Protocol,
    /// A person or the program stopped it.
    Cancelled,
}

/// The TLS alerts a client needs to tell apart (RFC 8446 section 6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertKind {
    /// The server wants a client certificate and got none.
    CertificateRequired,
    /// The server does not trust the client certificate (`unknown_ca`, `bad_certificate`, `certificate_unknown`, `access_denied`).
    CertificateNotTrusted,
    /// The client certificate is expired in the server's eyes.
    CertificateExpired,
    /// The client certificate was taken back.
    CertificateRevoked,
    /// The server cannot do with a client certificate of this kind.
    CertificateUnsupported,
    /// Nothing more exact (`handshake_failure`, `decode_error`): also what TLS 1.2 servers say where a certificate is missing.
    HandshakeFailure,
    /// Any other alert.
    Other,
}

/// What a server that asked for a client certificate did not like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedCertificate {
    /// What it says.
    pub why: CertificateRefusal,
    /// A certificate was sent to it.
    pub sent: bool,
    /// The authorities it takes certificates of, each name in one line, made safe to draw; empty: any, or not told.
    pub authorities: Vec<String>,
}

/// A server's word on a client certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateRefusal {
    /// It wants one, and none was sent.
    Wanted,
    /// It does not trust it (yet).
    NotTrusted,
    /// It is over.
    Expired,
    /// It was taken back.
    Revoked,
    /// It is of a kind the server cannot use.
    Unsupported,
    /// TLS went well; the login was refused because of it.
    AfterLogin,
}

impl ConnectError {
    /// An error of `kind` at `endpoint`. `detail` is made safe here.
    pub fn new(kind: ConnectErrorKind, endpoint: &Endpoint, detail: impl AsRef<[u8]>) -> Self {
        Self { kind, endpoint: endpoint.clone(), detail: text::display_safe(detail.as_ref()) }
    }

    /// From the system's error while the line is made or used.
    pub fn from_io(error: &io::Error, endpoint: &Endpoint) -> Self {
        use io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::ConnectionRefused => ConnectErrorKind::Refused,
            Io::HostUnreachable | Io::NetworkUnreachable | Io::NetworkDown | Io::AddrNotAvailable => ConnectErrorKind::Unreachable,
            Io::TimedOut => ConnectErrorKind::TimedOut,
            _ => ConnectErrorKind::ConnectionLost,
        };
        Self::new(kind, endpoint, error.to_string())
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.kind {
            ConnectErrorKind::UnknownHost => "no such host",
            ConnectErrorKind::Refused => "connection refused",
            ConnectErrorKind::Unreachable => "the host cannot be reached",
            ConnectErrorKind::TimedOut => "no answer in time",
            ConnectErrorKind::ConnectionLost => "the connection broke",
            ConnectErrorKind::WrongProtocol => "what answers there does not speak this protocol",
            ConnectErrorKind::Untrusted(_) => "the server's identity is not trusted",
            ConnectErrorKind::OtherPeer => "another server answers on the data connection",
            ConnectErrorKind::ProtectionRefused => "the server refuses to protect the connection",
            ConnectErrorKind::Alert(AlertKind::CertificateNotTrusted) => "the server does not trust the client certificate",
            ConnectErrorKind::Alert(AlertKind::CertificateExpired) => "the server says the client certificate is expired",
            ConnectErrorKind::Alert(AlertKind::CertificateRevoked) => "the server says the client certificate was revoked",
            ConnectErrorKind::Alert(AlertKind::CertificateUnsupported) => "the server cannot use a client certificate of this kind",
            ConnectErrorKind::ClientCertificate(refused) if refused.sent => "the server refused the client certificate",
            ConnectErrorKind::Alert(AlertKind::CertificateRequired) | ConnectErrorKind::ClientCertificate(_) => {
                "the server wants a client certificate"
            }
            ConnectErrorKind::Alert(AlertKind::HandshakeFailure | AlertKind::Other) => "the server ended the TLS handshake",
            ConnectErrorKind::Handshake => "the handshake failed",
            ConnectErrorKind::LoginRefused => "the login was refused",
            ConnectErrorKind::Busy => "the server takes no more connections for now",
            ConnectErrorKind::NoSftp => "this server has no SFTP",
            ConnectErrorKind::Protocol => "the server answered out of protocol",
            ConnectErrorKind::Cancelled => "stopped",
        };
        write!(f, "cannot connect to {}: {what}", self.endpoint)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, " ({})", self.detail) }
    }
}

impl std::error::Error for ConnectError {}
