//! Whether a certificate was taken back by its issuer: lists (CRL, RFC 5280 section 5) and answers (OCSP, RFC 6960).

use jiff::Timestamp;

/// What is known of a certificate's revocation. *Not checked* is its own state, never "good".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Revocation {
    /// Nobody looked, or nothing was at hand to look in.
    #[default]
    NotChecked,
    /// Its issuer says it stands.
    Good {
        /// Who says so.
        source: RevocationSource,
        /// Until when that answer holds, UTC.
        until: Option<Timestamp>,
    },
    /// Its issuer took it back.
    Revoked {
        /// Who says so.
        source: RevocationSource,
        /// Since when, UTC.
        since: Option<Timestamp>,
        /// Why, in the words of RFC 5280 section 5.3.1, e.g. `key compromise`.
        reason: Option<String>,
    },
    /// An answer was at hand and does not count.
    Unusable {
        /// Where it came from.
        source: RevocationSource,
        /// Why not, in words: out of date, signed by somebody else.
        why: String,
    },
}

/// Where an answer about a revocation came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevocationSource {
    /// The server brought it along in the handshake (RFC 6066 section 8).
    Staple,
    /// A list in a file here, its name made safe to draw.
    File(String),
    /// It was fetched on request from this address.
    Fetched(String),
}
