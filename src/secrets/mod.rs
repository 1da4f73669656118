//! What you keep: secrets in memory, and the keyring they may be stored in. Knows nothing of whom they are for.

pub mod keyring;
mod secret;

pub use keyring::{Keyring, KeyringError};
pub use secret::Secret;
