//! What connecting needs besides the site: who answers, what is trusted, which keys there are. Cheap to clone.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::client_identity::RefusedIdentity;
use super::ledger::in_the_store;
use super::queue::QueueOptions;
use super::ssh_options::SshResolver;
use crate::ask::Prompter;
use crate::config::sites::SiteBook;
use crate::identity::ssh_key::SshKeyFolder;
use crate::identity::x509::authority::AuthorityStore;
use crate::identity::x509::store::IdentityStore;
use crate::model::{DataMode, Endpoint, Site, SiteOptions};
use crate::protocols::tls::Roots;
use crate::secrets::SecretStore;
use crate::trust::store::{StoreError, TrustStore};
use crate::trust::{Fingerprint, Pin, Verified};

/// What a person set for a site.
pub type OptionsOf = Arc<dyn Fn(&Site) -> SiteOptions + Send + Sync>;

/// Shared by every connection of the program.
#[derive(Clone)]
pub struct Services {
    /// Who answers questions.
    pub prompter: Arc<dyn Prompter>,
    /// TLS identities a person trusts.
    pub trust: Arc<TrustStore>,
    /// SSH host keys a person trusts.
    pub host_keys: Arc<HostKeyFiles>,
    /// Certificate authorities.
    pub roots: Roots,
    /// Which SSH keys may be offered.
    pub keys: Arc<KeySources>,
    /// How each SSH host is reached, known and logged in to.
    pub ssh: SshResolver,
    /// What the person set for each site.
    pub options: OptionsOf,
    /// The secrets the person keeps.
    pub secrets: Arc<SecretStore>,
    /// The sites the person keeps.
    pub sites: Arc<SiteBook>,
    /// The person's client certificates.
    pub identities: IdentityStore,
    /// The SSH keys made here.
    pub ssh_keys: SshKeyFolder,
    /// The person's own authorities.
    pub authorities: AuthorityStore,
    /// The user SSH logs in as where none is named.
    pub local_user: String,
    /// Who opens FTP data connections where nothing is set for the site.
    pub data_mode: DataMode,
    /// Whether programs of SSH servers may hash files where nothing is set for the site.
    pub remote_commands: bool,
    /// How long a silent server is waited for.
    pub timeout: Duration,
    /// The wall clock.
    pub now: fn() -> Timestamp,
    /// The folder of the journal of jobs; `None`: none is kept.
    pub journal: Option<PathBuf>,
    /// When resting lines are looked after.
    pub timing: SessionTiming,
    /// The client identity a server refused last, open for another try.
    pub refused_identity: RefusedIdentity,
    /// How the queue works; who hears of each file is told to [`super::Engine::new`].
    pub queue: QueueOptions,
    /// Held while somebody is asked whom to trust, or to open the vault: two connections are one question.
    pub asking: Arc<tokio::sync::Mutex<()>>,
}

impl Services {
    /// The decision about `endpoint`, looked up off the runtime's threads.
    pub(super) async fn pin(&self, endpoint: &Endpoint) -> Result<Option<Pin>, StoreError> {
        let endpoint = endpoint.clone();
        in_the_store(&self.trust, move |store| store.pin(&endpoint)).await
    }

    /// The authorities of the machine, of the command line, and of the person's ledger as it is now.
    pub async fn current_roots(&self) -> Result<Roots, StoreError> {
        let own = in_the_store(&self.trust, |store| {
            Ok(store.authorities().unwrap_or_else(|error| {
                tracing::warn!(%error, "no authority of the ledger counts");
                Vec::new()
            }))
        })
        .await?;
        Ok(self.roots.with(own.into_iter().map(|authority| authority.certificate.der.into()).collect()))
    }

    /// Writes down how a host key came to be trusted. What goes wrong is logged: known_hosts has the decision itself.
    pub(super) async fn note_host_key(&self, endpoint: &Endpoint, key: Fingerprint, verified: Verified) {
        let (at, now) = (endpoint.clone(), (self.now)());
        if let Err(error) = in_the_store(&self.trust, move |store| store.note_host_key(&at, &key, verified, now)).await {
            tracing::warn!(%error, "nothing is noted about a host key");
        }
    }

    /// Writes down that a trusted peer was seen. What goes wrong is logged: the connection stands.
    pub(super) async fn seen(&self, endpoint: &Endpoint, shown: Fingerprint) {
        let (at, now) = (endpoint.clone(), (self.now)());
        if let Err(error) = in_the_store(&self.trust, move |store| store.seen(&at, &shown, now)).await {
            tracing::warn!(%error, "when a peer was seen is not written down");
        }
    }
}

/// When a session looks after its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTiming {
    /// A line that was silent for longer is asked whether it lives before something is changed over it.
    pub fresh: Duration,
    /// A resting line is kept alive this often; one that was lent and rests longer is closed.
    pub keep_alive: Duration,
    /// How long a server may take to hear a good-bye.
    pub farewell: Duration,
}

impl Default for SessionTiming {
    fn default() -> Self {
        Self { fresh: Duration::from_secs(5), keep_alive: Duration::from_secs(30), farewell: Duration::from_secs(2) }
    }
}

/// Where host keys are known from, and those accepted for this run of the program.
#[derive(Debug, Default)]
pub struct HostKeyFiles {
    /// Read in this order, OpenSSH's format.
    pub read: Vec<PathBuf>,
    /// Where *always* writes; `None`: it cannot be offered.
    pub write: Option<PathBuf>,
    /// How many of those read are the person's own; the system's come behind.
    own: usize,
    once: Mutex<Vec<(Endpoint, Fingerprint)>>,
}

impl HostKeyFiles {
    /// The files of OpenSSH for a user with this home folder.
    pub fn of_home(home: &Path) -> Self {
        let own = home.join(".ssh/known_hosts");
        Self {
            read: vec![own.clone(), home.join(".ssh/known_hosts2"), "/etc/ssh/ssh_known_hosts".into(), "/etc/ssh/ssh_known_hosts2".into()],
            write: Some(own),
            own: 2,
            once: Mutex::default(),
        }
    }

    /// One file, read and written.
    pub fn only(file: PathBuf) -> Self {
        Self { read: vec![file.clone()], write: Some(file), own: 1, once: Mutex::default() }
    }

    /// The files to read and the one to write, where the person's own or the system's are replaced for one host.
    pub fn with(&self, own: Option<Vec<PathBuf>>, system: Option<Vec<PathBuf>>) -> (Vec<PathBuf>, Option<PathBuf>) {
        let (default_own, default_system) = self.read.split_at(self.own.min(self.read.len()));
        let write = match &own {
            // What is written there is gone at once.
            Some(files) => files.first().filter(|file| *file != Path::new("/dev/null")).cloned(),
            None => self.write.clone(),
        };
        let mut read = own.unwrap_or_else(|| default_own.to_vec());
        read.extend(system.unwrap_or_else(|| default_system.to_vec()));
        (read, write)
    }

    /// Accepts a key until the program ends.
    pub fn accept_once(&self, endpoint: &Endpoint, key: Fingerprint) {
        self.once.lock().unwrap_or_else(PoisonError::into_inner).push((endpoint.clone(), key));
    }

    /// Whether a key was accepted for this run.
    pub fn is_accepted_once(&self, endpoint: &Endpoint, key: &Fingerprint) -> bool {
        self.once.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|(at, print)| at == endpoint && print == key)
    }
}

/// Which SSH keys may be offered to a server.
#[derive(Debug, Clone, Default)]
pub struct KeySources {
    /// Key files, in the order they are offered.
    pub files: Vec<PathBuf>,
    /// Only these files, also where an agent holds other keys (OpenSSH's IdentitiesOnly).
    pub only_files: bool,
    /// A person named these files just now: one that cannot be used is an error and not passed over.
    pub named: bool,
    /// Certificates for these keys, beside those that lie next to them (`FILE-cert.pub`).
    pub certificates: Vec<PathBuf>,
    /// The agent's socket.
    pub agent: Option<PathBuf>,
}
