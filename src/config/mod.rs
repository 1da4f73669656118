//! Settings and where files lie. Yields plain values; knows nothing of who uses them.

mod places;
mod settings;
pub mod ssh_config;

pub use places::Directories;
pub use settings::{DataModeSetting, Settings, SettingsError, Warning};
