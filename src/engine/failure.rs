//! Why a connection did not come about, the questions nobody answered included.

use std::fmt;

use crate::model::Endpoint;
use crate::protocols::ConnectError;
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
    /// The connection stands, but the first request failed.
    FileSystem(FsError),
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
            Self::FileSystem(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConnectFailure {}
