//! What it means that a peer shows another identity than the one trusted before. Sorts; decides nothing.

use super::chain::ChainLink;
use super::fingerprint::Fingerprint;
use super::pins::Pin;

/// The kinds of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// Another certificate over the same public key: a renewal.
    RenewedSameKey,
    /// Another key, vouched for by the same authority.
    NewKeySameAuthority,
    /// Another authority vouches for the new one.
    AuthorityChanged,
    /// The old one vouched for itself, and so does the new one or an authority.
    SelfSignedReplaced,
    /// Another certificate, and of the old one too little was kept to say more.
    Unclassified,
    /// SSH: another key of the same type.
    HostKeyReplaced,
    /// SSH: a key of a type that was not known for this host, beside those that are.
    HostKeyTypeAdded,
}

impl Change {
    /// Sorts a certificate (its key and the chain above it) that came in place of the pinned one.
    pub fn of_certificates(pin: &Pin, spki: Option<Fingerprint>, _chain: &[ChainLink]) -> Self {
        if spki.is_some() && pin.spki == spki { Self::RenewedSameKey } else { Self::Unclassified }
    }
}
