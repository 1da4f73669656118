//! Why a connection did not come about, the questions nobody answered included.

use std::fmt;
use std::path::PathBuf;

use crate::model::{Endpoint, SecurityLevel};
use crate::protocols::{CertificateRefusal, ConnectError};
use crate::trust::store::StoreError;
use crate::trust::{Evidence, Fingerprint};
use crate::vfs::FsError;

/// Connecting failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectFailure {
    /// The line, the peer or the login.
    Connect(ConnectError),
    /// A person looked at the peer's identity and said no.
    Rejected(Box<Evidence>),
    /// The peer is not the one whose fingerprint was named for this connection; nobody is asked then.
    NotAsNamed {
        /// The fingerprints that were named.
        named: Vec<Fingerprint>,
        /// What was shown instead.
        evidence: Box<Evidence>,
    },
    /// How to get to an SSH host is not known; nothing was connected.
    NoWay {
        /// Where the way should have led.
        endpoint: Endpoint,
        /// Why, a sentence.
        why: String,
    },
    /// A password, passphrase or answer was needed and nobody gave one.
    NoSecret {
        /// What was needed, e.g. `the password of bob`.
        wanted: String,
    },
    /// A key file could not be used.
    Key {
        /// Which.
        file: String,
        /// Why, in words.
        why: String,
    },
    /// What was decided could not be written down.
    NotRemembered {
        /// Where it should have been written.
        place: String,
        /// Why.
        why: String,
    },
    /// Whether the peer is trusted could not be looked up.
    Ledger(StoreError),
    /// The server wants to know who we are, and what it was shown (if anything) did not satisfy it. It may yet.
    ClientCertificate(Box<Refusal>),
    /// The connection would be less secure than the person wants it at this site; no login was tried.
    BelowLevel {
        /// Where.
        endpoint: Endpoint,
        /// At least this is wanted.
        wanted: SecurityLevel,
        /// This it would be.
        offered: SecurityLevel,
    },
    /// The connection stands, but the first request failed.
    FileSystem(FsError),
}

/// A server's word on our client certificate, and what an administrator needs to change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where.
    pub endpoint: Endpoint,
    /// What the server says.
    pub why: CertificateRefusal,
    /// The authorities it takes certificates of, made safe to draw; empty: any, or not told.
    pub authorities: Vec<String>,
    /// Its words, made safe to draw; may be empty.
    pub said: String,
    /// What it was shown; `None`: nothing.
    pub shown: Option<Shown>,
}

impl Refusal {
    /// Whether nothing but the certificate was sent: no user name, and no password that the server counts.
    pub fn is_before_login(&self) -> bool {
        self.why != CertificateRefusal::AfterLogin
    }
}

/// A client certificate that was shown to a server: public facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// What it is called here.
    pub name: String,
    /// Whose it is.
    pub subject: String,
    /// Who signed it; `None`: it signed itself.
    pub issuer: Option<String>,
    /// SHA-256.
    pub fingerprint: Fingerprint,
    /// Its file: what an administrator needs.
    pub file: PathBuf,
    /// Itself, DER.
    pub certificate: Vec<u8>,
    /// A signed one on its first way to a server; the one before it is kept until it got there.
    pub is_new: bool,
}

/// Nothing is sent to a server where it would be less secure than the person wants it.
pub(super) fn at_least(wanted: Option<SecurityLevel>, offered: SecurityLevel, endpoint: &Endpoint) -> Result<(), ConnectFailure> {
    match wanted {
        Some(wanted) if offered < wanted => Err(ConnectFailure::BelowLevel { endpoint: endpoint.clone(), wanted, offered }),
        _ => Ok(()),
    }
}

impl From<ConnectError> for ConnectFailure {
    fn from(error: ConnectError) -> Self {
        Self::Connect(error)
    }
}

impl From<StoreError> for ConnectFailure {
    fn from(error: StoreError) -> Self {
        Self::Ledger(error)
    }
}

impl From<FsError> for ConnectFailure {
    fn from(error: FsError) -> Self {
        Self::FileSystem(error)
    }
}

impl fmt::Display for ConnectFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => error.fmt(f),
            Self::Rejected(evidence) => write!(f, "cannot connect to {}: its identity was rejected", evidence.endpoint),
            Self::NotAsNamed { evidence, .. } => {
                write!(f, "cannot connect to {}: its identity is not the one that was named", evidence.endpoint)
            }
            Self::NoWay { endpoint, why } => write!(f, "cannot connect to {endpoint}: the way there is not known ({why})"),
            Self::NoSecret { wanted } => write!(f, "{wanted} is needed and was not given"),
            Self::Key { file, why } => write!(f, "the key {file} cannot be used: {why}"),
            Self::NotRemembered { place, why } => write!(f, "the decision could not be written to {place}: {why}"),
            Self::Ledger(error) => error.fmt(f),
            Self::ClientCertificate(refusal) => {
                let what = if refusal.shown.is_some() { "refused your certificate" } else { "wants a certificate from you" };
                write!(f, "cannot connect to {}: the server {what}", refusal.endpoint)
            }
            Self::BelowLevel { endpoint, .. } => write!(f, "cannot connect to {endpoint}: it is less secure there than you want it"),
            Self::FileSystem(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConnectFailure {}
