//! What a pane's header says of a connection, as plain values.

use crate::model::{FilePath, Site};

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
}

/// Why a peer is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrustBasis {
    /// A certificate authority of the system (or of `--roots`) vouches for it.
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

/// The levels of CuteFTP and EFT Server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecurityLevel {
    /// Plain FTP.
    None,
    /// The server proved who it is.
    Secure,
    /// And so did we, with a certificate or key of our own making.
    MoreSecure,
    /// And ours is signed by an authority.
    MostSecure,
}
