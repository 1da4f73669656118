//! What you keep: secrets in memory, and the ladder of places they may be kept in. Asks nobody and connects to nothing.
//!
//! - `secret`: a password or passphrase in memory
//! - `keyring`: the first rung, the operating system's own store
//! - `vault`: the second, a file behind a passphrase, only where a person made one
//! - `label`: what a kept secret is for
//! - `index`: which secrets are kept and where, without the secrets
//! - `rung`: the places in their order; the last is to ask each time
//! - `store`: the ladder itself
//! - `private_file`: files only their owner may read; `core_dump`: files nobody should

mod core_dump;
mod index;
pub mod keyring;
mod label;
pub(crate) mod private_file;
mod rung;
mod secret;
mod store;
pub mod vault;

pub use core_dump::write_no_core_files;
pub use index::KeptSecret;
pub use keyring::{Keyring, KeyringError};
pub use label::{Label, NoLabel};
pub use rung::{Keep, Rung, Standing};
pub use secret::Secret;
pub use store::{Fetched, Remark, SecretStore, SecretStoreError};
pub use vault::{Vault, VaultError};
