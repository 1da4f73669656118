//! The way from a certificate up to a root, as a person sees it: a tree with where each part came from.

use super::evidence::Certificate;
use super::fingerprint::Fingerprint;

/// One certificate on the way up; the peer's own is the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainLink {
    /// Where it came from.
    pub origin: Origin,
    /// Its owner in one line, made safe to draw; of a missing one, the name it should have.
    pub name: String,
    /// The certificate; `None` if it is missing, or if the store knows only its name and key.
    pub certificate: Option<Certificate>,
    /// SHA-256 of its SubjectPublicKeyInfo, where it is known.
    pub spki: Option<Fingerprint>,
    /// How its own signature stands, made by the next link.
    pub signature: LinkSignature,
}

/// Where a certificate of a chain came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The peer sent it, at this place of its list.
    Sent {
        /// From 0.
        at: usize,
    },
    /// It is a root this machine (or `--roots`) trusts.
    Store,
    /// Nobody has it: the chain ends here.
    Missing,
}

/// How the signature on a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkSignature {
    /// The next link's key made it.
    Valid,
    /// Its own key made it.
    SelfSigned,
    /// It names the next link, whose key did not make it.
    Forged,
    /// Nobody here knows the algorithm, or the signer is missing.
    Unchecked,
    /// It is a root: what vouches for it is that it is in the store.
    Root,
}
