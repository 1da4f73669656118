//! The settings file: defaults < file < environment. Flags of the command line win over all, where they are read.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Config, Environment, File, FileFormat, Map, Value};
use serde::Deserialize;

use crate::model::text::display_safe;

/// The defaults, which are also the commented sample.
const DEFAULTS: &str = "\
# dark, light, mono or high-contrast.
theme = \"dark\"
# Show names that begin with a dot.
show_hidden = false
# Draw frames and marks with ASCII characters only.
ascii = false
# Seconds a silent server is waited for.
timeout = 30
# How FTP data connections are made: auto, passive or active.
data_mode = \"auto\"
# Offer the keys of the SSH agent.
agent = true
# Read OpenSSH's configuration (~/.ssh/config, /etc/ssh/ssh_config).
ssh_config = true
# Keep decisions in the keyring of the system too, where there is one, and ask again about what it does not confirm.
keyring = true
";

/// Every setting, as plain values.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Settings {
    /// The theme's name.
    pub theme: String,
    /// Show names that begin with a dot.
    pub show_hidden: bool,
    /// ASCII frames and marks only.
    pub ascii: bool,
    /// Seconds a silent server is waited for; at least one.
    timeout: u64,
    /// How FTP data connections are made.
    pub data_mode: DataModeSetting,
    /// Offer the keys of the SSH agent.
    pub agent: bool,
    /// Read OpenSSH's configuration.
    pub ssh_config: bool,
    /// Keep decisions in the system's keyring too, and ask again about what it does not confirm.
    pub keyring: bool,
}

/// How FTP data connections are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataModeSetting {
    /// Passive, and active where the server has no passive mode.
    Auto,
    /// We connect.
    Passive,
    /// The server connects.
    Active,
}

/// A remark on the settings file that keeps nothing from working.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 for the whole file.
    pub line: usize,
    /// What is odd there.
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = display_safe(self.file.as_os_str().as_encoded_bytes());
        match self.line {
            0 => write!(f, "{file}: {}", self.text),
            line => write!(f, "{file} line {line}: {}", self.text),
        }
    }
}

/// The settings cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the settings in {file} cannot be used: {why}")]
pub struct SettingsError {
    /// The file.
    pub file: String,
    /// Why, naming line or key where known.
    pub why: String,
}

impl Settings {
    /// The defaults with their explanations, as a file.
    pub fn defaults() -> &'static str {
        DEFAULTS
    }

    /// Reads `file` (which may be missing) and the `SEALIFT_…` environment over the defaults.
    pub fn read(file: &Path, environment: Map<String, String>) -> Result<(Self, Vec<Warning>), SettingsError> {
        let failed = |why: String| SettingsError { file: file.display().to_string(), why };
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(failed(error.to_string())),
        };
        let known = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml)).build();
        let known: Map<String, Value> = known.and_then(Config::try_deserialize).map_err(|error| failed(error.to_string()))?;
        let own = Config::builder().add_source(File::from_str(&text, FileFormat::Toml)).build();
        let own: Map<String, Value> = own.and_then(Config::try_deserialize).map_err(|error| failed(error.to_string()))?;
        let warnings = own
            .keys()
            .filter(|key| !known.contains_key(*key))
            .map(|key| Warning { file: file.to_owned(), line: line_of(&text, key), text: format!("there is no setting \"{key}\"") })
            .collect();
        let settings: Self = Config::builder()
            .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
            .add_source(File::from_str(&text, FileFormat::Toml))
            .add_source(Environment::with_prefix("SEALIFT").try_parsing(true).source(Some(environment)))
            .build()
            .and_then(Config::try_deserialize)
            .map_err(|error| failed(error.to_string()))?;
        Ok((settings, warnings))
    }

    /// How long a silent server is waited for.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.max(1))
    }
}

fn line_of(text: &str, key: &str) -> usize {
    let is_key = |line: &str| line.trim_start().trim_start_matches('[').to_lowercase().starts_with(&key.to_lowercase());
    text.lines().position(is_key).map_or(1, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, environment: &[(&str, &str)]) -> Result<(Settings, Vec<Warning>), SettingsError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Settings::read(file.path(), environment.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn file_over_defaults_and_environment_over_file() {
        let (settings, warnings) =
            read("theme = \"light\"\ntimeout = 5\n", &[("SEALIFT_TIMEOUT", "7"), ("SEALIFT_PASSWORD", "x")]).unwrap();
        assert_eq!((settings.theme.as_str(), settings.timeout(), settings.show_hidden), ("light", Duration::from_secs(7), false));
        assert!(warnings.is_empty());
    }

    #[test]
    fn unknown_keys_warn_with_their_line_and_wrong_values_fail() {
        let (_, warnings) = read("# mine\nthem = 1\n", &[]).unwrap();
        assert_eq!((warnings[0].line, warnings[0].text.as_str()), (2, "there is no setting \"them\""));
        assert!(read("data_mode = \"pasv\"", &[]).unwrap_err().to_string().contains("data_mode"));
        assert!(read("theme = ", &[]).is_err());
    }

    #[test]
    fn a_missing_file_is_no_error() {
        assert!(Settings::read(Path::new("/nonexistent/config.toml"), Map::new()).is_ok());
    }
}
