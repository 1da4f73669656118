//! The engine as its faces hold it: connect, look, change, and the queue of jobs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::advice::Advice;
use super::check_revocation::check_revocation;
use super::connect::{Target, connect};
use super::event::Event;
use super::facts::SessionFacts;
use super::failure::ConnectFailure;
use super::job::{FileOutcome, Place, SessionId};
use super::ledger::Ledger;
use super::places::{Lease, Places};
use super::queue::{Queue, QueueOptions};
use super::services::Services;
use super::session::{Session, TRANSFER_CONNECTIONS, TRANSFERS_ON_ONE};
use crate::model::{Entry, EntryName, FilePath, Protocol};
use crate::trust::{Evidence, Revocation};
use crate::vfs::local::LocalFileSystem;
use crate::vfs::{Create, FileSystem, FsError, FsErrorKind, FsResult, Replace};

/// Connects, works and transfers. Cheap to clone; all clones are one engine.
#[derive(Clone)]
pub struct Engine {
    sessions: Arc<Sessions>,
    services: Services,
    queue: Arc<Queue>,
    events: mpsc::Sender<Event>,
}

/// Every place the engine can reach.
struct Sessions {
    local: Arc<LocalFileSystem>,
    connected: RwLock<BTreeMap<SessionId, Arc<Session>>>,
    next: AtomicU32,
}

impl Engine {
    /// An engine and its news; `outcomes` hears of every single file of every job. Must be made inside a tokio runtime.
    pub fn new(services: Services, outcomes: Option<mpsc::Sender<FileOutcome>>) -> (Self, mpsc::Receiver<Event>) {
        let (events, news) = mpsc::channel(256);
        let sessions =
            Arc::new(Sessions { local: Arc::new(LocalFileSystem::new()), connected: RwLock::default(), next: AtomicU32::new(1) });
        let queue =
            Queue::new(sessions.clone(), services.prompter.clone(), events.clone(), QueueOptions { outcomes, ..QueueOptions::default() });
        (Self { sessions, services, queue: Arc::new(queue), events }, news)
    }

    /// Connects and logs in; may ask. Dropping the future stops it.
    pub async fn connect(&self, target: Target) -> Result<SessionFacts, ConnectFailure> {
        let mut connected = connect(&target, &self.services).await?;
        if let Some(what) = connected.remark.take() {
            let advice = Advice { what, why: String::new(), next: String::new(), intended: false };
            // Who does not listen has no place to say it.
            drop(self.events.try_send(Event::Notice(advice)));
        }
        let id = SessionId(self.sessions.next.fetch_add(1, Ordering::Relaxed));
        let session = Session::new(id, target, connected, self.services.clone(), self.events.clone());
        let facts = session.facts().clone();
        self.sessions.connected.write().unwrap_or_else(PoisonError::into_inner).insert(id, session);
        Ok(facts)
    }

    /// Stops the jobs of a session and lets go of it; bounded in time.
    pub async fn disconnect(&self, id: SessionId) {
        self.queue.stop_at(Place::Remote(id)).await;
        let session = self.sessions.connected.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
        if let Some(session) = session {
            session.close().await;
        }
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

    /// A connection of one's own, e.g. to read a file as a stream.
    pub async fn lease(&self, place: Place) -> FsResult<Lease> {
        self.sessions.lease(place).await
    }

    /// A small file as a whole, over a connection of its own; `None` if it has more than `most` bytes.
    pub async fn read_small(&self, place: Place, path: &FilePath, most: usize) -> FsResult<Option<Vec<u8>>> {
        let file_system = self.lease(place).await?;
        let mut source = file_system.open(path, 0).await?;
        let mut content = Vec::new();
        while let Some(bytes) = source.read().await? {
            if content.len() + bytes.len() > most {
                source.abort().await;
                return Ok(None);
            }
            content.extend_from_slice(&bytes);
        }
        Ok(Some(content))
    }

    /// Writes a new file on this machine, mode 0600. [`FsErrorKind::AlreadyExists`] if there is something of that name.
    pub async fn write_new(&self, path: &FilePath, content: Vec<u8>) -> FsResult<()> {
        let mut sink = self.sessions.local.create(path, Create::New).await?;
        sink.write(content.into()).await?;
        sink.commit().await.map(drop)
    }

    /// Everything the person trusts.
    pub fn ledger(&self) -> Ledger {
        Ledger::new(&self.services)
    }

    /// Stops all jobs and says good-bye everywhere; bounded in time.
    pub async fn shutdown(&self) {
        self.queue.shutdown().await;
        let sessions = std::mem::take(&mut *self.sessions.connected.write().unwrap_or_else(PoisonError::into_inner));
        futures::future::join_all(sessions.values().map(|session| session.close())).await;
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
            Place::Remote(id) => self.get(id)?.lease().await,
        }
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
            Place::Remote(id) => match self.get(id).map(|session| session.facts().site.protocol) {
                Ok(Protocol::Sftp) => TRANSFERS_ON_ONE,
                _ => TRANSFER_CONNECTIONS,
            },
        }
    }
}
