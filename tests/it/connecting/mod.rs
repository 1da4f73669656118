//! The engine against the embedded servers: whom it asks what, and what it does when a line breaks.

mod asking_the_issuer;
mod bad_input;
mod browsing;
mod certified;
mod changed;
mod ftps;
mod hop;
mod inspecting;
mod installing;
mod ledger;
mod options;
mod pending;
mod quiet;
mod relay;
mod secrets;
mod session;
mod sftp;
mod ways;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sealift::ask::{Prompter, Refuse, ScriptedPrompter, TrustAnswer};
use sealift::config::sites::SiteBook;
use sealift::engine::{
    Advice, ConnectFailure, Engine, Event, HostKeyFiles, KeySources, Place, QueueOptions, Services, SessionTiming, SshOptions, SshResolver,
    Target,
};
use sealift::identity::x509::authority::AuthorityStore;
use sealift::identity::x509::store::IdentityStore;
use sealift::model::site::ParsedUrl;
use sealift::model::{Entry, FilePath, SiteOptions};
use sealift::protocols::ftp::DataMode;
use sealift::protocols::tls::Roots;
use sealift::secrets::{Keep, Keyring, Secret, SecretStore};
use sealift::server::ftp::{FtpOptions, FtpServer};
use sealift::server::sftp::{SftpOptions, SftpServer};
use sealift::server::{HostKey, Running, ServerIdentity, Users};
use sealift::trust::store::TrustStore;
use sealift::vfs::{FsResult, MemoryFileSystem};
use tempfile::TempDir;
use tokio::sync::mpsc;

pub use self::relay::Relay;

pub const PASSWORD: &str = "never to be read";
const LIMIT: Duration = Duration::from_secs(30);

pub fn path(text: &str) -> FilePath {
    FilePath::try_from(text).unwrap()
}

/// A tree with `/a.txt` and `/sub/b.txt`.
pub fn tree() -> MemoryFileSystem {
    let tree = MemoryFileSystem::new();
    tree.put(&path("/a.txt"), b"hello").unwrap();
    tree.put(&path("/sub/b.txt"), b"below").unwrap();
    tree
}

fn users() -> Users {
    Users::one("ann", Secret::new(PASSWORD.to_owned()))
}

pub fn ftp_options(tree: &MemoryFileSystem) -> FtpOptions {
    let identity = ServerIdentity::for_this_machine().unwrap();
    let mut options = FtpOptions::new(Arc::new(tree.clone()), users(), Some(identity), SocketAddr::from(([127, 0, 0, 1], 0)));
    options.limits.failed_login_delay = Duration::from_millis(1);
    options.limits.stop = Duration::from_millis(100);
    options
}

pub fn sftp_options(tree: &MemoryFileSystem) -> SftpOptions {
    let key = HostKey::throwaway().unwrap();
    let mut options = SftpOptions::new(Arc::new(tree.clone()), users(), key, SocketAddr::from(([127, 0, 0, 1], 0)));
    options.limits.failed_login_delay = Duration::from_millis(1);
    options.limits.stop = Duration::from_millis(100);
    options
}

/// A server for `scheme` over `tree`.
pub async fn serve(scheme: &str, tree: &MemoryFileSystem) -> Running {
    match scheme {
        "sftp" => SftpServer::start(sftp_options(tree)).await.unwrap(),
        _ => FtpServer::start(ftp_options(tree)).await.unwrap(),
    }
}

/// As ann, with her password.
pub fn target(scheme: &str, at: SocketAddr) -> Target {
    let site = ParsedUrl::parse(&format!("{scheme}://ann@{at}")).unwrap().site;
    Target { site, password: Some(Secret::new(PASSWORD.to_owned())), fingerprint: None }
}

/// As ann, who has to be asked for it.
pub fn asking(scheme: &str, at: SocketAddr) -> Target {
    Target { password: None, ..target(scheme, at) }
}

pub fn script() -> ScriptedPrompter {
    ScriptedPrompter::default()
}

/// Somebody with a folder of decisions; several engines may know it.
pub struct Person {
    pub folder: TempDir,
    pub keys: KeySources,
    pub ssh: SshResolver,
    pub roots: Roots,
    pub timing: SessionTiming,
    /// What is set for every site.
    pub options: SiteOptions,
    pub queue: QueueOptions,
}

impl Person {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            keys: KeySources::default(),
            ssh: Arc::new(|_, _| Ok(SshOptions::default())),
            roots: Roots::only(Vec::new()),
            timing: SessionTiming::default(),
            options: SiteOptions::default(),
            queue: QueueOptions::default(),
        }
    }

    pub fn known_hosts(&self) -> PathBuf {
        self.folder.path().join("known_hosts")
    }

    /// A program that runs for this person.
    pub fn engine(&self, prompter: &Arc<ScriptedPrompter>) -> (Engine, mpsc::Receiver<Event>) {
        self.engine_for(Arc::clone(prompter) as Arc<dyn Prompter>)
    }

    pub fn engine_for(&self, prompter: Arc<dyn Prompter>) -> (Engine, mpsc::Receiver<Event>) {
        Engine::new(self.services(prompter), None)
    }

    pub fn services(&self, prompter: Arc<dyn Prompter>) -> Services {
        Services {
            journal: None,
            prompter,
            trust: Arc::new(TrustStore::open(self.folder.path(), Keyring::off())),
            host_keys: Arc::new(HostKeyFiles::only(self.known_hosts())),
            roots: self.roots.clone(),
            keys: Arc::new(self.keys.clone()),
            options: {
                let options = self.options.clone();
                Arc::new(move |_| options.clone())
            },
            sites: Arc::new(SiteBook::at("/nonexistent/sites.toml".into())),
            ssh: self.ssh.clone(),
            secrets: Arc::new(SecretStore::open(self.folder.path(), Keyring::off(), Keep::Vault, Duration::from_secs(900))),
            identities: IdentityStore::open(self.folder.path()),
            authorities: AuthorityStore::open(self.folder.path()),
            ssh_keys: sealift::identity::ssh_key::SshKeyFolder::open(self.folder.path()),
            local_user: "ann".to_owned(),
            data_mode: DataMode::Auto,
            remote_commands: true,
            timeout: Duration::from_secs(5),
            now: Timestamp::now,
            timing: self.timing,
            refused_identity: sealift::engine::RefusedIdentity::default(),
            queue: self.queue.clone(),
            asking: Arc::default(),
        }
    }

    /// Connects with these answers; also what was asked, in words.
    pub async fn connect(&self, prompter: ScriptedPrompter, target: Target) -> (Result<Place, ConnectFailure>, Vec<String>) {
        let prompter = Arc::new(prompter);
        let (engine, _news) = self.engine(&prompter);
        let connected = in_time(engine.connect(target)).await.map(|facts| Place::Remote(facts.id));
        in_time(engine.shutdown()).await;
        (connected, prompter.asked())
    }

    /// Trusts whoever is at `target` for ever.
    pub async fn trust(&self, target: Target) {
        let (connected, _) = self.connect(script().trusting(TrustAnswer::Always), target).await;
        connected.unwrap();
    }

    /// An engine that is connected and asks nobody any more.
    pub async fn connected(&self, target: Target) -> (Engine, Place, mpsc::Receiver<Event>) {
        self.trust(target.clone()).await;
        let (engine, news) = self.engine_for(Arc::new(Refuse));
        let facts = in_time(engine.connect(target)).await.unwrap();
        (engine, Place::Remote(facts.id), news)
    }
}

pub async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("it does not end")
}

/// The names in a folder, sorted.
pub async fn names(engine: &Engine, place: Place, dir: &str) -> FsResult<Vec<String>> {
    let (sender, mut receiver) = mpsc::channel::<Vec<Entry>>(4);
    let dir = path(dir);
    let collect = async {
        let mut names = Vec::new();
        while let Some(batch) = receiver.recv().await {
            names.extend(batch.iter().map(|entry| entry.name().unwrap().display()));
        }
        names.sort();
        names
    };
    let (listed, names) = in_time(async { tokio::join!(engine.list(place, &dir, sender), collect) }).await;
    listed.map(|()| names)
}

/// What happened and what to do, each a sentence (the first may begin with a host's name).
pub fn assert_readable(advice: &Advice) {
    assert!(advice.next.starts_with(char::is_uppercase), "{advice:?}");
    assert!([&advice.what, &advice.next].iter().all(|text| text.split(' ').count() > 2), "{advice:?}");
}
