//! What you keep: secrets in memory, and the keyring they may be stored in. Knows nothing of whom they are for.

mod secret;

pub use secret::Secret;
