//! From settings, environment and flags to the services the engine works with.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::ssh::{self, Tell};
use crate::ask::Prompter;
use crate::config::ssh_config::{Person, SshConfig, SshConfigFiles, ThisMachine};
use crate::config::{DataModeSetting, Directories, Settings, SettingsError, Warning};
use crate::engine::{HostKeyFiles, KeySources, Services, SessionTiming, SshOptions};
use crate::protocols::ftp::DataMode;
use crate::protocols::tls::Roots;
use crate::secrets::Keyring;
use crate::trust::ListFolder;
use crate::trust::store::TrustStore;

/// What was read before anything is connected.
pub struct Setup {
    /// Where files lie.
    pub directories: Directories,
    /// The settings.
    pub settings: Settings,
    /// Remarks on the settings file and on the SSH configuration.
    pub warnings: Vec<Warning>,
    /// The person's SSH configuration.
    pub ssh: Arc<SshConfig>,
}

/// What the command line chose for connections; what is `None` or empty is as the settings say.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Certificates that also count as authorities (PEM).
    pub roots: Vec<PathBuf>,
    /// SSH key files; only these are then offered.
    pub keys: Vec<PathBuf>,
    /// How long a silent server is waited for.
    pub timeout: Option<Duration>,
    /// How FTP data connections are made.
    pub data_mode: Option<DataMode>,
    /// Which SSH configuration is read.
    pub ssh_config: Option<SshConfigFiles>,
}

/// The program cannot start as it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The settings file.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Certificate authorities.
    #[error("{what}: {why}")]
    Roots {
        /// Which ones.
        what: String,
        /// Why they cannot be used.
        why: String,
    },
}

impl Setup {
    /// Reads the environment, the settings file and the SSH configuration.
    pub fn read(choices: &Choices) -> Result<Self, SetupError> {
        let directories = Directories::new(variable);
        let (settings, mut warnings) = Settings::read(
            &directories.settings_file(),
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect(),
        )?;
        let usual = if settings.ssh_config { SshConfigFiles::Usual } else { SshConfigFiles::None };
        let person = Person::of_this_process(directories.home.clone(), local_user());
        let ssh = SshConfig::read(choices.ssh_config.as_ref().unwrap_or(&usual), person, Arc::new(ThisMachine));
        warnings.extend_from_slice(ssh.warnings());
        Ok(Self { directories, settings, warnings, ssh: Arc::new(ssh) })
    }

    /// Services that keep every decision in `folder` and touch nothing of the person's own: no known_hosts, no keyring, no keys, no agent.
    pub fn apart(&self, folder: &Path, choices: &Choices, prompter: Arc<dyn Prompter>) -> Result<Services, SetupError> {
        let own = self.services(choices, prompter, Arc::new(|_| {}))?;
        let known_hosts = folder.join("known_hosts");
        Ok(Services {
            trust: Arc::new(TrustStore::open(folder, Keyring::off())),
            host_keys: Arc::new(HostKeyFiles::only(known_hosts)),
            keys: Arc::new(KeySources::default()),
            ssh: Arc::new(|_, _| Ok(SshOptions::default())),
            ..own
        })
    }

    /// The person's keyring, unless the settings say otherwise.
    fn keyring(&self) -> Keyring {
        if self.settings.keyring { Keyring::system() } else { Keyring::off() }
    }

    /// What the engine works with; `prompter` answers, `tell` hears what is odd in the SSH configuration of a host.
    pub fn services(&self, choices: &Choices, prompter: Arc<dyn Prompter>, tell: Tell) -> Result<Services, SetupError> {
        let mut roots = Roots::system().with_revocation_lists(ListFolder::at(self.directories.revocation_lists()));
        for file in &choices.roots {
            roots = roots
                .with_pem_file(file)
                .map_err(|error| SetupError::Roots { what: file.display().to_string(), why: error.to_string() })?;
        }
        let usual = ssh::usual_keys(&self.directories.home, self.settings.agent);
        let keys = match choices.keys.as_slice() {
            [] => usual.clone(),
            named => KeySources { files: named.to_vec(), only_files: true, named: true, ..usual.clone() },
        };
        let resolver = ssh::resolver(self.ssh.clone(), choices, usual, self.settings.agent, tell);
        let data_mode = choices.data_mode.unwrap_or(match self.settings.data_mode {
            DataModeSetting::Auto => DataMode::Auto,
            DataModeSetting::Passive => DataMode::Passive,
            DataModeSetting::Active => DataMode::Active,
        });
        Ok(Services {
            prompter,
            trust: Arc::new(TrustStore::open(&self.directories.trust(), self.keyring())),
            host_keys: Arc::new(HostKeyFiles::of_home(&self.directories.home)),
            roots,
            keys: Arc::new(keys),
            ssh: resolver,
            data_mode,
            timeout: choices.timeout.unwrap_or_else(|| self.settings.timeout()),
            local_user: local_user(),
            now: Timestamp::now,
            timing: SessionTiming::default(),
            asking: Arc::default(),
        })
    }
}

fn local_user() -> String {
    variable("USER").or_else(|| variable("LOGNAME")).unwrap_or_else(|| "root".to_owned())
}

/// A variable of the environment; empty counts as missing.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
