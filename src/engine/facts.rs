//! What a pane's header says of a connection, as plain values.

use std::sync::Arc;

use crate::model::{Endpoint, FilePath, SecurityLevel, Site};
use crate::trust::{Evidence, Fingerprint, Pin, Verified};

use super::job::SessionId;

/// A connected site as a screen shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFacts {
    /// Which session.
    pub id: SessionId,
    /// Which site, with the user that logged in.
    pub site: Site,
    /// The folder the login landed in.
    pub home: FilePath,
    /// How the line is protected: `TLS1.3`, `SSH`, or empty for plain FTP.
    pub protection: String,
    /// How the peer is trusted.
    pub trust: TrustBasis,
    /// The security level, in the field's words.
    pub level: SecurityLevel,
    /// What the server says of itself, made safe to draw; may be empty.
    pub server: String,
    /// Full names for the inspector: cipher suite or SSH algorithms, fingerprint and so on, as label and value.
    pub details: Vec<(String, String)>,
    /// Who answered and why that one is trusted; `None` for plain FTP.
    pub peer: Option<Arc<Peer>>,
}

impl SessionFacts {
    /// Whether a person said yes to what was shown, and nothing else speaks for the peer.
    pub fn is_blind(&self) -> bool {
        let decided = matches!(self.trust, TrustBasis::Pinned { .. } | TrustBasis::Once);
        let pin = self.peer.as_ref().and_then(|peer| peer.pin.as_ref());
        decided && pin.is_some_and(|pin| pin.verified == Verified::Blind)
    }
}

/// The peer of a connection, for the inspector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// What it showed, and what is wrong with it.
    pub evidence: Evidence,
    /// The decision that lets it be trusted, if a person made one.
    pub pin: Option<Pin>,
    /// The hosts on the way there (SSH's ProxyJump), nearest first, each judged like the last.
    pub hops: Vec<Hop>,
}

/// A host on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Its host key's.
    pub fingerprint: Fingerprint,
    /// Why it is trusted.
    pub trust: TrustBasis,
}

/// Why a peer is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrustBasis {
    /// An authority vouches for it: a certificate authority of the system (or of `--roots`), or one that known_hosts names.
    Authority,
    /// A person pinned it so many whole days ago.
    Pinned {
        /// Days since.
        days: u32,
    },
    /// A person accepted it for this run of the program.
    Once,
    /// A line of known_hosts.
    KnownHost,
    /// Nobody vouches for anything: plain FTP.
    Plain,
}
