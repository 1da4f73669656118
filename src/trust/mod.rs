//! Whom you trust: facts of certificates and host keys, every problem with them, pins, and the verdict.
//!
//! Decides; never connects, never asks, never draws.

mod algorithm;
pub mod anchors;
pub mod assess;
pub mod certificate;
pub mod evidence;
pub mod fingerprint;
pub mod judge;
pub mod known_hosts;
pub mod pins;
mod private_file;
pub mod signature;
pub mod store;

pub use anchors::Anchors;
pub use evidence::{Certificate, Evidence, HostKey, PeerIdentity, Problem, ProblemKind, Remembered, TlsFacts};
pub use fingerprint::Fingerprint;
pub use judge::{Verdict, judge};
pub use pins::{Pin, PinBook, Remember};
