//! The settings file: defaults < file < environment. Flags of the command line win over all, where they are read.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Config, Environment, File, FileFormat, Map, Value, ValueKind};
use serde::Deserialize;

use crate::model::DataMode;
use crate::model::bytes::parse_rate;
use crate::model::text::display_safe;
use crate::secrets::Keep;

/// What a fault that is not the file's is named after.
const VARIABLES: &str = "the environment (SEALIFT_…)";

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
# Have files hashed on SSH servers by their own programs (sha256sum and the like), to verify and compare copies, where SFTP
# itself has no way; without it they are read back.
remote_commands = true
# Read OpenSSH's configuration (~/.ssh/config, /etc/ssh/ssh_config).
ssh_config = true
# Keep decisions in the keyring of the system too, where there is one, and ask again about what it does not confirm.
keyring = true

[secrets]
# Where passwords and passphrases are kept that you say are to be kept: keyring (or the vault, where there is no keyring and
# you made one), vault, or never.
keep = \"keyring\"
# Minutes after which an open vault that nobody uses locks itself; 0: not before the program ends.
lock_after = 15

[transfers]
# Jobs that run at once; others wait.
jobs = 2
# Files that move at once, in all and at one site, over all jobs; 0: as many as the places do well with.
files = 0
per_site = 0
# Bytes per second of all together, such as \"500k\" or \"1.5MiB/s\" (by 1024) or \"2MB\" (by 1000); \"\": no limit.
limit = \"\"
# How often a transfer whose line broke is tried again, and the seconds before the first try; before each next one
# twice as many, up to a minute.
tries = 3
delay = 1
# Try again without end.
keep_trying = false
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
    pub data_mode: DataMode,
    /// Offer the keys of the SSH agent.
    pub agent: bool,
    /// Have files hashed on SSH servers by programs of the login's shell.
    pub remote_commands: bool,
    /// Read OpenSSH's configuration.
    pub ssh_config: bool,
    /// Keep decisions in the system's keyring too, and ask again about what it does not confirm.
    pub keyring: bool,
    /// Passwords and passphrases.
    pub secrets: SecretSettings,
    /// The queue of transfers.
    pub transfers: TransferSettings,
}

/// What is kept of passwords and passphrases.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SecretSettings {
    /// Where.
    pub keep: Keep,
    /// Minutes after which an open vault that nobody uses locks itself; 0: not before the program ends.
    pub lock_after: u32,
}

/// How the queue of transfers works.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TransferSettings {
    /// Jobs that run at once.
    pub jobs: usize,
    /// Files that move at once in all; 0: as many as the places do well with.
    pub files: usize,
    /// Files that move at once at one site; 0: as many as it does well with.
    pub per_site: usize,
    /// Bytes per second of all together; 0: no limit.
    #[serde(deserialize_with = "rate")]
    pub limit: u64,
    /// How often a transfer whose line broke is tried again.
    pub tries: u32,
    /// Seconds before the first try; at least one.
    pub delay: u64,
    /// Tries have no end.
    pub keep_trying: bool,
}

/// A rate as people write it; an empty text and a plain 0 are none.
fn rate<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.trim() {
        "" | "0" => Ok(0),
        text => parse_rate(text)
            .ok_or_else(|| serde::de::Error::custom(format!("transfers.limit \"{text}\" is no rate such as 500k, 2M or 1.5MiB/s"))),
    }
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
    /// The file, or the environment.
    pub file: String,
    /// Why, naming line or key where known.
    pub why: String,
}

impl Settings {
    /// The defaults with their explanations, as a file.
    pub fn defaults() -> &'static str {
        DEFAULTS
    }

    /// Reads `file` (which may be missing) and the `SEALIFT_…` environment over the defaults. An empty variable is none.
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
        let unknown = own.iter().flat_map(|(key, value)| unknown(key, value, known.get(key)));
        let warnings = unknown
            .map(|key| Warning { file: file.to_owned(), line: line_of(&text, &key), text: format!("there is no setting \"{key}\"") })
            .collect();
        let files =
            Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml)).add_source(File::from_str(&text, FileFormat::Toml));
        let variables = Environment::with_prefix("SEALIFT")
            .prefix_separator("_")
            .separator("__")
            .try_parsing(true)
            .ignore_empty(true)
            .source(Some(environment));
        let settings = files.clone().add_source(variables).build().and_then(Config::try_deserialize::<Self>);
        settings.map(|settings| (settings, warnings)).map_err(|error| {
            let is_the_file = files.build().and_then(Config::try_deserialize::<Self>).is_err();
            let at_fault = if is_the_file { file.display().to_string() } else { VARIABLES.to_owned() };
            SettingsError { file: at_fault, why: error.to_string() }
        })
    }

    /// How long a silent server is waited for.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.max(1))
    }
}

/// The keys of a section that no setting has, or its own.
fn unknown(key: &str, value: &Value, known: Option<&Value>) -> Vec<String> {
    match (&value.kind, known.map(|known| &known.kind)) {
        (_, None) => vec![key.to_owned()],
        (ValueKind::Table(own), Some(ValueKind::Table(known))) => own.keys().filter(|key| !known.contains_key(*key)).cloned().collect(),
        _ => Vec::new(),
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
    fn an_empty_variable_is_none_and_a_wrong_one_is_not_the_files_fault() {
        assert!(read("", &[("SEALIFT_KEYRING", "")]).unwrap().0.keyring);
        let error = read("", &[("SEALIFT_KEYRING", "perhaps")]).unwrap_err();
        assert_eq!(error.file, VARIABLES);
        assert!(error.why.contains("keyring"), "{error}");
        assert_ne!(read("keyring = \"perhaps\"", &[("SEALIFT_TIMEOUT", "soon")]).unwrap_err().file, VARIABLES);
    }

    #[test]
    fn sections_are_read_and_watched_as_well() {
        let (settings, warnings) = read("[secrets]\nkep = 1\nlock_after = 5\n", &[("SEALIFT_SECRETS__KEEP", "vault")]).unwrap();
        assert_eq!(settings.secrets, SecretSettings { keep: Keep::Vault, lock_after: 5 });
        assert_eq!((warnings[0].line, warnings[0].text.as_str()), (2, "there is no setting \"kep\""));
        assert!(read("[secrets]\nkeep = \"file\"", &[]).unwrap_err().to_string().contains("file"));
        let (defaults, warnings) = read(Settings::defaults(), &[]).unwrap();
        assert_eq!((defaults.secrets.keep, warnings.len()), (Keep::Keyring, 0));
    }

    #[test]
    fn limits_are_read_as_people_write_them() {
        let limit = |text: &str, environment: &[(&str, &str)]| read(text, environment).map(|(settings, _)| settings.transfers.limit);
        assert_eq!(limit("", &[]).unwrap(), 0);
        assert_eq!(limit("[transfers]\nlimit = \"1.5MiB/s\"", &[]).unwrap(), 3 << 19);
        assert_eq!(limit("[transfers]\nlimit = 9000", &[("SEALIFT_TRANSFERS__JOBS", "5")]).unwrap(), 9000);
        assert_eq!(limit("", &[("SEALIFT_TRANSFERS__LIMIT", "2M")]).unwrap(), 2 << 20);
        assert!(limit("[transfers]\nlimit = \"fast\"", &[]).unwrap_err().to_string().contains("\"fast\" is no rate"));
    }

    #[test]
    fn a_missing_file_is_no_error() {
        assert!(Settings::read(Path::new("/nonexistent/config.toml"), Map::new()).is_ok());
    }
}
