//! From settings, environment and flags to the services the engine works with.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::ask::Prompter;
use crate::config::{DataModeSetting, Directories, Settings, SettingsError, Warning};
use crate::engine::{HostKeyFiles, KeySources, Services, SessionTiming, SshOptions, SshRole};
use crate::identity::ssh_key;
use crate::model::Site;
use crate::protocols::ftp::DataMode;
use crate::protocols::tls::Roots;
use crate::trust::ListFolder;
use crate::trust::store::TrustStore;

/// What was read before anything is connected.
pub struct Setup {
    /// Where files lie.
    pub directories: Directories,
    /// The settings.
    pub settings: Settings,
    /// Remarks on the settings file.
    pub warnings: Vec<Warning>,
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
    /// Reads the environment and the settings file.
    pub fn read() -> Result<Self, SetupError> {
        let directories = Directories::new(variable);
        let (settings, warnings) = Settings::read(
            &directories.settings_file(),
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect(),
        )?;
        Ok(Self { directories, settings, warnings })
    }

    /// Services that keep every decision in `folder` and touch nothing of the person's own: no known_hosts, no keys, no agent.
    pub fn apart(&self, folder: &Path, choices: &Choices, prompter: Arc<dyn Prompter>) -> Result<Services, SetupError> {
        let own = self.services(choices, prompter)?;
        let known_hosts = folder.join("known_hosts");
        Ok(Services {
            trust: Arc::new(TrustStore::open(folder)),
            host_keys: Arc::new(HostKeyFiles::only(known_hosts)),
            keys: Arc::new(KeySources::default()),
            ssh: Arc::new(|_, _| Ok(SshOptions::default())),
            ..own
        })
    }

    /// What the engine works with; `prompter` answers.
    pub fn services(&self, choices: &Choices, prompter: Arc<dyn Prompter>) -> Result<Services, SetupError> {
        let mut roots = Roots::system().with_revocation_lists(ListFolder::at(self.directories.revocation_lists()));
        for file in &choices.roots {
            roots = roots
                .with_pem_file(file)
                .map_err(|error| SetupError::Roots { what: file.display().to_string(), why: error.to_string() })?;
        }
        let keys = KeySources {
            only_files: !choices.keys.is_empty(),
            files: if choices.keys.is_empty() { ssh_key::default_keys(&self.directories.home) } else { choices.keys.clone() },
            agent: variable("SSH_AUTH_SOCK").filter(|_| self.settings.agent).map(PathBuf::from),
        };
        let own = KeySources { only_files: false, files: ssh_key::default_keys(&self.directories.home), agent: keys.agent.clone() };
        let ssh = move |_: &Site, role| {
            // Keys named on the command line are for the destination.
            let keys = (role == SshRole::Hop).then(|| own.clone());
            Ok(SshOptions { keys, ..SshOptions::default() })
        };
        let data_mode = choices.data_mode.unwrap_or(match self.settings.data_mode {
            DataModeSetting::Auto => DataMode::Auto,
            DataModeSetting::Passive => DataMode::Passive,
            DataModeSetting::Active => DataMode::Active,
        });
        Ok(Services {
            prompter,
            trust: Arc::new(TrustStore::open(&self.directories.trust())),
            host_keys: Arc::new(HostKeyFiles::of_home(&self.directories.home)),
            roots,
            keys: Arc::new(keys),
            ssh: Arc::new(ssh),
            data_mode,
            timeout: choices.timeout.unwrap_or_else(|| self.settings.timeout()),
            local_user: variable("USER").or_else(|| variable("LOGNAME")).unwrap_or_else(|| "root".to_owned()),
            now: Timestamp::now,
            timing: SessionTiming::default(),
            asking: Arc::default(),
        })
    }
}

/// A variable of the environment; empty counts as missing.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
