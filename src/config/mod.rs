//! Settings and where files lie. Yields plain values; knows nothing of who uses them.

mod places;
mod settings;
pub mod sites;
pub mod ssh_config;

pub use places::Directories;
pub use settings::{SecretSettings, Settings, SettingsError, TransferSettings, Warning};
