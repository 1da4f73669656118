//! From settings, environment and flags to the services the engine works with.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::ssh::{self, Tell};
use crate::ask::Prompter;
use crate::config::sites::{SiteBook, SiteBookError};
use crate::config::ssh_config::{Person, SshConfig, SshConfigFiles, ThisMachine};
use crate::config::{Directories, Settings, SettingsError, TransferSettings, Warning};
use crate::engine::{HostKeyFiles, KeySources, OptionsOf, Persistence, QueueOptions, RefusedIdentity, Services, SessionTiming, SshOptions};
use crate::identity::ssh_key::SshKeyFolder;
use crate::identity::x509::authority::AuthorityStore;
use crate::identity::x509::store::IdentityStore;
use crate::model::{DataMode, IdentityChoice, SiteOptions};
use crate::protocols::tls::Roots;
use crate::secrets::{Keep, Keyring, SecretStore};
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
    /// The sites the person keeps.
    pub sites: Arc<SiteBook>,
}

/// What the command line chose for connections; what is `None` or empty is as the settings say.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Certificates that also count as authorities (PEM).
    pub roots: Vec<PathBuf>,
    /// SSH key files, or names of keys made here; only these are then offered.
    pub keys: Vec<PathBuf>,
    /// How long a silent server is waited for.
    pub timeout: Option<Duration>,
    /// How FTP data connections are made.
    pub data_mode: Option<DataMode>,
    /// Which client certificate servers are shown that ask for one.
    pub identity: Option<IdentityChoice>,
    /// Which SSH configuration is read.
    pub ssh_config: Option<SshConfigFiles>,
}

/// The program cannot start as it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The settings file.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The file of sites.
    #[error(transparent)]
    Sites(#[from] SiteBookError),
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
        let ssh = SshConfig::read(choices.ssh_config.as_ref().unwrap_or(&usual), person(&directories), Arc::new(ThisMachine));
        warnings.extend_from_slice(ssh.warnings());
        // Without it a level that is set for a site would not be kept.
        let sites = SiteBook::at(directories.sites_file());
        warnings.extend_from_slice(&sites.read()?.warnings);
        Ok(Self { directories, settings, warnings, ssh: Arc::new(ssh), sites: Arc::new(sites) })
    }

    /// Services that keep every decision in `folder` and touch nothing of the person's own: no known_hosts, no keyring, no keys, no agent.
    pub fn apart(&self, folder: &Path, choices: &Choices, prompter: Arc<dyn Prompter>) -> Result<Services, SetupError> {
        let own = self.services(choices, prompter, Arc::new(|_| {}))?;
        let known_hosts = folder.join("known_hosts");
        let sites = Arc::new(SiteBook::at(folder.join("sites.toml")));
        Ok(Services {
            trust: Arc::new(TrustStore::open(folder, Keyring::off())),
            secrets: Arc::new(SecretStore::open(folder, Keyring::off(), Keep::Never, Duration::ZERO)),
            host_keys: Arc::new(HostKeyFiles::only(known_hosts)),
            keys: Arc::new(KeySources::default()),
            identities: IdentityStore::open(folder),
            authorities: AuthorityStore::open(folder),
            ssh_keys: SshKeyFolder::open(folder),
            ssh: Arc::new(|_, _| Ok(SshOptions::default())),
            journal: None,
            options: options_of(choices, sites.clone(), &self.directories),
            sites,
            ..own
        })
    }

    /// The SSH keys a person has without saying anything: the files `ssh` tries by itself, and the agent.
    pub fn usual_ssh_keys(&self) -> KeySources {
        ssh::usual_keys(&self.directories.home, self.settings.agent)
    }

    /// `user@machine`, as stands behind a key that is made here.
    pub fn person_at_machine(&self) -> String {
        let person = Person::of_this_process(self.directories.home.clone(), local_user());
        format!("{}@{}", person.user, person.machine)
    }

    /// The secrets the person keeps.
    pub fn secret_store(&self) -> SecretStore {
        self.secrets(self.keyring())
    }

    fn secrets(&self, keyring: Keyring) -> SecretStore {
        let idle = match self.settings.secrets.lock_after {
            0 => Duration::MAX,
            minutes => Duration::from_secs(u64::from(minutes) * 60),
        };
        SecretStore::open(&self.directories.data, keyring, self.settings.secrets.keep, idle)
    }

    /// Whom the SSH configuration is read for.
    pub fn person(&self) -> Person {
        person(&self.directories)
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
        let kept = SshKeyFolder::open(&self.directories.data);
        let mut usual = self.usual_ssh_keys();
        // One that cannot be read is told where the keys are listed.
        usual.files.extend(kept.list().unwrap_or_default().into_iter().map(|(_, file)| file));
        let keys = match choices.keys.as_slice() {
            [] => usual.clone(),
            named => {
                KeySources { files: named.iter().map(|named| kept.find(named)).collect(), only_files: true, named: true, ..usual.clone() }
            }
        };
        let resolver = ssh::resolver(self.ssh.clone(), choices, usual, self.settings.agent, tell);
        let keyring = self.keyring();
        Ok(Services {
            prompter,
            trust: Arc::new(TrustStore::open(&self.directories.trust(), keyring.clone())),
            secrets: Arc::new(self.secrets(keyring)),
            host_keys: Arc::new(HostKeyFiles::of_home(&self.directories.home)),
            roots,
            keys: Arc::new(keys),
            ssh: resolver,
            options: options_of(choices, self.sites.clone(), &self.directories),
            sites: self.sites.clone(),
            identities: IdentityStore::open(&self.directories.data),
            authorities: AuthorityStore::open(&self.directories.data),
            ssh_keys: kept,
            data_mode: self.settings.data_mode,
            remote_commands: self.settings.remote_commands,
            timeout: choices.timeout.unwrap_or_else(|| self.settings.timeout()),
            local_user: local_user(),
            now: Timestamp::now,
            journal: Some(self.directories.journal()),
            timing: SessionTiming::default(),
            refused_identity: RefusedIdentity::default(),
            queue: queue_options(&self.settings.transfers),
            asking: Arc::default(),
        })
    }
}

fn queue_options(settings: &TransferSettings) -> QueueOptions {
    QueueOptions {
        jobs: settings.jobs,
        files: settings.files,
        per_site: settings.per_site,
        limit: settings.limit,
        persistence: Persistence {
            tries: settings.tries,
            delay: Duration::from_secs(settings.delay.max(1)),
            keep_trying: settings.keep_trying,
        },
        ..QueueOptions::default()
    }
}

/// What is set for a site; what the command line chose holds for all of them.
fn options_of(choices: &Choices, sites: Arc<SiteBook>, directories: &Directories) -> OptionsOf {
    let (choices, home, kept) = (choices.clone(), directories.home.clone(), SshKeyFolder::open(&directories.data));
    Arc::new(move |site| {
        let set = sites.sites().options_of(site);
        SiteOptions {
            identity: choices.identity.clone().unwrap_or(set.identity),
            data_mode: choices.data_mode.or(set.data_mode),
            key: set.key.filter(|_| choices.keys.is_empty()).map(|key| key_file(&key, &kept, &home)),
            ..set
        }
    })
}

/// Where a key lies: a name alone is one made here, else one of `~/.ssh`.
fn key_file(key: &Path, kept: &SshKeyFolder, home: &Path) -> PathBuf {
    match key.strip_prefix("~") {
        Ok(rest) => home.join(rest),
        Err(_) if key.parent() == Some(Path::new("")) => {
            let made = key.to_str().and_then(|name| kept.file(name).ok()).filter(|made| made.is_file());
            made.unwrap_or_else(|| home.join(".ssh").join(key))
        }
        Err(_) => key.to_owned(),
    }
}

fn person(directories: &Directories) -> Person {
    Person::of_this_process(directories.home.clone(), local_user())
}

fn local_user() -> String {
    variable("USER").or_else(|| variable("LOGNAME")).unwrap_or_else(|| "root".to_owned())
}

/// A variable of the environment; empty counts as missing.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
