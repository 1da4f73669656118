//! TLS for FTP: one session for a control connection and its data connections, a verifier that trusts only what the
//! platform accepts or a person pinned, and the tickets a server wants to see again. Asks nobody.

mod client_certificate;
mod failure;
mod messages;
mod names;
mod observed;
mod recorder;
mod roots;
mod session;
pub(crate) mod signature;
mod tickets;
mod verifier;
mod verify;

pub use client_certificate::ClientProof;
pub use failure::alert_of;
pub use observed::ObservedStream;
pub use roots::Roots;
pub use session::{TlsSession, TlsStream, TlsVersions, end_sending, facts_of};
pub use verify::verify_chain;
