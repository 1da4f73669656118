//! The engine as its faces hold it: connect, look, change, and the queue of jobs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::advice::Advice;
use super::check_revocation::check_revocation;
use super::connect::{Target, connect};
use super::connect_ssh::LoginKey;
use super::event::Event;
use super::facts::SessionFacts;
use super::failure::ConnectFailure;
use super::install_key::Installations;
use super::job::{FileOutcome, Place, SessionId};
use super::ledger::Ledger;
use super::limiter::Limiter;
use super::places::{Lease, Places};
use super::queue::{Queue, QueueOptions};
use super::services::Services;
use super::session::{Session, TRANSFERS_ON_ONE};
use super::wanted_secret::watch_vault;
use crate::config::sites::SiteBook;
use crate::model::{Entry, EntryName, FilePath, Site};
use crate::protocols::sftp::AuthStep;
use crate::secrets::{Remark, Secret, SecretStore, VaultError};
use crate::trust::{Evidence, Revocation};
use crate::vfs::local::LocalFileSystem;
use crate::vfs::{Create, FileSystem, FsError, FsErrorKind, FsResult, Replace, read_small};

/// Connects, works and transfers. Cheap to clone; all clones are one engine.
#[derive(Clone)]
pub struct Engine {
    sessions: Arc<Sessions>,
    services: Services,
    queue: Arc<Queue>,
    installations: Arc<Installations>,
    events: mpsc::Sender<Event>,
}

/// Every place the engine can reach.
struct Sessions {
    local: Arc<LocalFileSystem>,
    connected: RwLock<BTreeMap<SessionId, Arc<Session>>>,
    /// What was connected once.
    closed: RwLock<BTreeMap<SessionId, Site>>,
    next: AtomicU32,
}

impl Engine {
    /// An engine and its news; `outcomes` hears of every single file of every job. Must be made inside a tokio runtime.
    pub fn new(services: Services, outcomes: Option<mpsc::Sender<FileOutcome>>) -> (Self, mpsc::Receiver<Event>) {
        let (events, news) = mpsc::channel(256);
        let sessions = Arc::new(Sessions {
            local: Arc::new(LocalFileSystem::new()),
            connected: RwLock::default(),
            closed: RwLock::default(),
            next: AtomicU32::new(1),
        });
        let options = QueueOptions { outcomes, journal: services.journal.clone(), ..services.queue.clone() };
        let queue = Queue::new(sessions.clone(), services.prompter.clone(), events.clone(), options);
        (Self { sessions, services, queue: Arc::new(queue), installations: Arc::default(), events }, news)
    }

    /// Connects and logs in; may ask. Dropping the future stops it.
    pub async fn connect(&self, target: Target) -> Result<SessionFacts, ConnectFailure> {
        let mut connected = connect(&target, &self.services).await;
        let remark = connected.as_mut().ok().and_then(|connected| connected.remark.take());
        let remark = remark.map(|words| Remark { words, is_trouble: true });
        for Remark { words, is_trouble } in remark.into_iter().chain(self.services.secrets.take_remarks()) {
            self.tell(Advice { what: words, why: String::new(), next: String::new(), intended: !is_trouble });
        }
        let connected = connected?;
        let id = SessionId(self.sessions.next.fetch_add(1, Ordering::Relaxed));
        let session = Session::new(id, target, connected, self.services.clone(), self.events.clone());
        let facts = session.facts().clone();
        self.sessions.connected.write().unwrap_or_else(PoisonError::into_inner).insert(id, session);
        Ok(facts)
    }

    /// Stops the jobs and installations of a session and lets go of it; bounded in time.
    pub async fn disconnect(&self, id: SessionId) {
        tokio::join!(self.queue.stop_at(Place::Remote(id)), self.installations.stop(|session| session == id));
        let session = self.sessions.connected.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
        if let Some(session) = session {
            self.sessions.closed.write().unwrap_or_else(PoisonError::into_inner).insert(id, session.facts().site.clone());
            session.close().await;
        }
    }

    /// What the server of a session says of an SSH key alone, on a second connection. Asks nothing, and leaves the first as it is.
    pub async fn try_key(&self, id: SessionId, key: &LoginKey) -> Result<AuthStep, ConnectFailure> {
        self.sessions.get(id)?.try_key(key).await
    }

    /// Asks the issuer of a peer's certificate whether it still stands; see [`check_revocation`].
    pub async fn check_revocation(&self, evidence: &Evidence) -> Revocation {
        let roots = self.services.current_roots().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "no authority of the ledger counts");
            self.services.roots.clone()
        });
        check_revocation(evidence, &roots, (self.services.now)()).await
    }

    /// The queue of jobs.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Lists a folder; see [`FileSystem::list`].
    pub async fn list(&self, place: Place, dir: &FilePath, batches: mpsc::Sender<Vec<Entry>>) -> FsResult<()> {
        match place {
            Place::Local => self.sessions.local.list(dir, batches).await,
            Place::Remote(id) => self.sessions.get(id)?.list(dir, batches).await,
        }
    }

    /// The facts of one path; see [`FileSystem::stat`].
    pub async fn stat(&self, place: Place, path: &FilePath) -> FsResult<Entry> {
        match place {
            Place::Local => self.sessions.local.stat(path).await,
            Place::Remote(id) => {
                let path = path.clone();
                self.sessions
                    .get(id)?
                    .look(move |file_system| {
                        let path = path.clone();
                        Box::pin(async move { file_system.stat(&path).await })
                    })
                    .await
            }
        }
    }

    /// The facts of several names; see [`FileSystem::stat_many`].
    pub async fn stat_many(&self, place: Place, dir: &FilePath, names: &[EntryName]) -> FsResult<Vec<Entry>> {
        match place {
            Place::Local => self.sessions.local.stat_many(dir, names).await,
            Place::Remote(id) => {
                let (dir, names) = (dir.clone(), names.to_vec());
                self.sessions
                    .get(id)?
                    .look(move |file_system| {
                        let (dir, names) = (dir.clone(), names.clone());
                        Box::pin(async move { file_system.stat_many(&dir, &names).await })
                    })
                    .await
            }
        }
    }

    /// Makes one folder.
    pub async fn make_dir(&self, place: Place, path: &FilePath) -> FsResult<()> {
        match place {
            Place::Local => self.sessions.local.make_dir(path).await,
            Place::Remote(id) => {
                let path = path.clone();
                self.sessions.get(id)?.change(move |file_system| Box::pin(async move { file_system.make_dir(&path).await })).await
            }
        }
    }

    /// Renames within one place, replacing nothing.
    pub async fn rename(&self, place: Place, from: &FilePath, to: &FilePath) -> FsResult<()> {
        match place {
            Place::Local => self.sessions.local.rename(from, to, Replace::No).await,
            Place::Remote(id) => {
                let (from, to) = (from.clone(), to.clone());
                self.sessions
                    .get(id)?
                    .change(move |file_system| Box::pin(async move { file_system.rename(&from, &to, Replace::No).await }))
                    .await
            }
        }
    }

    /// The session connected to `site`, if there is one.
    pub(super) fn session_of(&self, site: &Site) -> Option<SessionId> {
        let connected = self.sessions.connected.read().unwrap_or_else(PoisonError::into_inner);
        connected.iter().find(|(_, session)| session.facts().site == *site).map(|(&id, _)| id)
    }

    /// A connection of one's own, e.g. to read a file as a stream.
    pub async fn lease(&self, place: Place) -> FsResult<Lease> {
        match place {
            // Beside what a person looks at, not beside transfers.
            Place::Remote(id) => self.sessions.get(id)?.lease(false).await,
            Place::Local => self.sessions.lease(place).await,
        }
    }

    /// A small file as a whole, over a connection of its own; `None` if it has more than `most` bytes.
    pub async fn read_small(&self, place: Place, path: &FilePath, most: usize) -> FsResult<Option<Vec<u8>>> {
        read_small(&*self.lease(place).await?, path, most).await
    }

    /// Writes a new file on this machine, mode 0600. [`FsErrorKind::AlreadyExists`] if there is something of that name.
    pub async fn write_new(&self, path: &FilePath, content: Vec<u8>) -> FsResult<()> {
        let mut sink = self.sessions.local.create(path, Create::New).await?;
        sink.write(content.into()).await?;
        sink.commit().await.map(drop)
    }

    /// Whether a file of this name can be made on this machine.
    pub(super) async fn is_free(&self, path: &FilePath) -> FsResult<()> {
        match self.sessions.local.stat(path).await {
            Err(error) if error.kind == FsErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Err(FsError::new(FsErrorKind::AlreadyExists, "write", path, "")),
        }
    }

    pub(super) fn places(&self) -> Arc<dyn Places> {
        self.sessions.clone()
    }

    pub(super) fn installations(&self) -> &Installations {
        &self.installations
    }

    /// Who does not listen has no place to say it.
    pub(super) fn tell(&self, advice: Advice) {
        drop(self.events.try_send(Event::Notice(advice)));
    }

    pub(super) fn services(&self) -> &Services {
        &self.services
    }

    /// Opens the vault, which locks itself when nobody uses it.
    pub async fn open_vault(&self, passphrase: Secret) -> Result<(), VaultError> {
        let (store, now) = (self.secrets(), self.services.now);
        let opened = tokio::task::spawn_blocking(move || store.vault().unlock(&passphrase, now())).await;
        opened.unwrap_or_else(|error| Err(VaultError::Failed(error.to_string())))?;
        watch_vault(&self.services.secrets, now);
        Ok(())
    }

    /// The secrets the person keeps. What is done there blocks.
    pub fn secrets(&self) -> Arc<SecretStore> {
        self.services.secrets.clone()
    }

    /// Everything the person trusts.
    pub fn ledger(&self) -> Ledger {
        Ledger::new(&self.services)
    }

    /// The sites the person keeps.
    pub fn sites(&self) -> &Arc<SiteBook> {
        &self.services.sites
    }

    /// Stops all jobs and installations and says good-bye everywhere; bounded in time. Answers how many jobs can be gone on with.
    pub async fn shutdown(&self) -> usize {
        let (left, ()) = tokio::join!(self.queue.shutdown(), self.installations.stop(|_| true));
        let sessions = std::mem::take(&mut *self.sessions.connected.write().unwrap_or_else(PoisonError::into_inner));
        futures::future::join_all(sessions.values().map(|session| session.close())).await;
        left
    }
}

impl Sessions {
    fn get(&self, id: SessionId) -> FsResult<Arc<Session>> {
        let session = self.connected.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        session.ok_or_else(|| FsError::connection(FsErrorKind::Cancelled, "use the connection", "it was closed"))
    }
}

#[async_trait]
impl Places for Sessions {
    async fn lease(&self, place: Place) -> FsResult<Lease> {
        match place {
            Place::Local => Ok(Lease::shared(self.local.clone())),
            Place::Remote(id) => self.get(id)?.lease(true).await,
        }
    }

    async fn lease_apart(&self, place: Place) -> FsResult<Lease> {
        if let Place::Remote(id) = place { self.get(id)?.lease_apart().await } else { self.lease(place).await }
    }

    fn gains_by_more(&self, place: Place) -> bool {
        matches!(place, Place::Remote(id) if self.get(id).is_ok_and(|session| session.gains_by_more()))
    }

    fn name(&self, place: Place) -> String {
        match place {
            Place::Local => "this machine".to_owned(),
            Place::Remote(id) => self.get(id).map_or_else(|_| "a closed connection".to_owned(), |session| session.facts().site.url()),
        }
    }

    fn parallel(&self, place: Place) -> usize {
        match place {
            Place::Local => TRANSFERS_ON_ONE,
            Place::Remote(id) => self.get(id).map_or(1, |session| session.parallel()),
        }
    }

    fn carries_many(&self, place: Place) -> bool {
        match place {
            Place::Local => true,
            Place::Remote(id) => self.get(id).is_ok_and(|session| session.carries_many()),
        }
    }

    fn site(&self, place: Place) -> Option<Site> {
        match place {
            Place::Local => None,
            Place::Remote(id) => self.get(id).ok().map(|session| session.facts().site.clone()),
        }
    }

    fn now(&self, place: Place) -> Place {
        let Place::Remote(id) = place else { return place };
        let connected = self.connected.read().unwrap_or_else(PoisonError::into_inner);
        let closed = self.closed.read().unwrap_or_else(PoisonError::into_inner);
        let Some(site) = closed.get(&id).filter(|_| !connected.contains_key(&id)) else { return place };
        connected.iter().find(|(_, session)| session.facts().site == *site).map_or(place, |(id, _)| Place::Remote(*id))
    }

    fn limiter(&self, place: Place) -> Option<Arc<Limiter>> {
        if let Place::Remote(id) = place { self.get(id).ok().map(|session| session.limiter()) } else { None }
    }

    fn most_given(&self, place: Place) -> Option<usize> {
        if let Place::Remote(id) = place { self.get(id).ok()?.most_given() } else { None }
    }

    fn alone(&self, place: Place) -> bool {
        matches!(place, Place::Remote(id) if self.get(id).is_ok_and(|session| session.alone()))
    }
}
