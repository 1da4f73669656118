//! Who you are to a server that asks for a certificate: keys, certificates, requests, and a small authority that signs them.
//!
//! Opens no connection, asks nobody, reads no clock. What computes long says so.

pub mod acts;
pub mod authority;
pub mod bundle;
mod certificate;
mod der;
pub mod draft;
pub mod expiry;
mod folder;
pub mod key;
pub mod key_file;
mod legacy_pem;
pub mod names;
pub mod pkcs12;
pub mod request;
pub mod returned;
pub mod store;

#[cfg(test)]
mod tests;

pub use certificate::Usage;
pub use folder::{FolderError, Listed};
