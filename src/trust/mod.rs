//! Whom you trust: facts of certificates and host keys, every problem with them, pins, and the verdict.
//!
//! Decides; never connects, never asks, never draws.

pub(crate) mod algorithm;
pub mod anchors;
pub mod assess;
pub mod certificate;
pub mod chain;
pub mod change;
mod der;
pub mod describe;
pub mod document;
pub mod evidence;
pub mod fingerprint;
mod host_key;
pub mod judge;
pub mod known_hosts;
pub mod ledger;
pub mod pins;
pub mod revocation;
pub(crate) mod rfc4716;
pub mod signature;
pub(crate) mod ssh_blob;
pub mod store;
mod tls_facts;
mod words;

pub(crate) use crate::secrets::private_file;
pub use anchors::Anchors;
pub use chain::{ChainLink, LinkSignature, Origin};
pub use change::{Change, ChangeWords, Difference, differences};
pub use evidence::{Certificate, Evidence, PeerIdentity, Problem, ProblemKind, Remembered};
pub use fingerprint::{Compared, Fingerprint, PastedFingerprint};
pub use host_key::{HostCertificate, HostKey};
pub use judge::{Verdict, judge};
pub use pins::{Pin, PinBook, Remember, Verified};
pub use revocation::{ListFolder, Revocation, RevocationSource};
pub use tls_facts::{ClientCertificate, HandshakeStep, TlsFacts};
pub use words::{Words, forget_host_key};
