//! Which clients a server lets in by their certificates: the operator's lists, and the judge of one connection.
//!
//! | file | what |
//! |---|---|
//! | `lists.rs` | who is trusted, refused, or waits to be decided; pure |
//! | `file.rs` | the lists on the disk, shared by a server that runs and an operator who decides |
//! | `basis.rs` | what a certificate is worth by them |
//! | `judge.rs` | what rustls asks about the certificate a client shows |

mod basis;
mod file;
mod judge;
mod lists;
#[cfg(test)]
mod tests;

pub use file::{Clients, ClientsError};
pub(super) use judge::Judge;
pub use lists::{Client, Lists};

/// Whether clients are asked for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AskForCertificate {
    /// No.
    #[default]
    Off,
    /// A client may come without one; one that shows one has to be trusted.
    Ask,
    /// Nobody comes in without a trusted one.
    Require,
}
