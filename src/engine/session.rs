//! A connected site: one connection to browse with, others lent to transfers, all made anew when they are lost.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::advice::Advice;
use super::connect::{Connected, Login, Target, connect_again};
use super::event::Event;
use super::facts::SessionFacts;
use super::failure::ConnectFailure;
use super::job::SessionId;
use super::places::{Condition, Lease};
use super::services::Services;
use crate::model::{Entry, FilePath};
use crate::protocols::ConnectErrorKind;
use crate::vfs::{FileSystem, FsError, FsErrorKind, FsResult};

/// Connections one session lends to transfers where each carries one file at a time (FTP).
pub(super) const TRANSFER_CONNECTIONS: usize = 4;
/// Files under way at once on a connection that carries many (SFTP).
pub(super) const TRANSFERS_ON_ONE: usize = 8;
/// A connection that rested longer is asked whether it lives before something is changed over it.
const FRESH: Duration = Duration::from_secs(5);
/// How often a resting connection is kept alive; a lent one that rests longer is closed.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// A connected site.
pub(super) struct Session {
    facts: SessionFacts,
    target: Target,
    login: Login,
    services: Services,
    events: mpsc::Sender<Event>,
    browse: tokio::sync::Mutex<Line>,
    resting: Mutex<VecDeque<Resting>>,
    lent: AtomicUsize,
    closed: AtomicBool,
    keeper: Mutex<Option<AbortHandle>>,
}

/// The browse connection, if it stands.
struct Line {
    file_system: Option<Arc<dyn FileSystem>>,
    used: Instant,
}

/// A transfer connection nobody uses at the moment.
struct Resting {
    file_system: Arc<dyn FileSystem>,
    since: Instant,
}

impl Session {
    /// Takes over a connection; its keep-alive task ends with the session.
    pub(super) fn new(id: SessionId, target: Target, connected: Connected, services: Services, events: mpsc::Sender<Event>) -> Arc<Self> {
        let site = crate::model::Site { user: Some(connected.user), ..target.site.clone() };
        let facts = SessionFacts {
            id,
            site,
            home: connected.home,
            protection: connected.protection,
            trust: connected.trust,
            level: connected.level,
            server: connected.server,
            details: connected.details,
        };
        let session = Arc::new(Self {
            facts,
            target,
            login: connected.login,
            services,
            events,
            browse: tokio::sync::Mutex::new(Line { file_system: Some(connected.file_system), used: Instant::now() }),
            resting: Mutex::default(),
            lent: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            keeper: Mutex::default(),
        });
        let keeper = tokio::spawn(keep_alive(Arc::downgrade(&session))).abort_handle();
        *lock(&session.keeper) = Some(keeper);
        session
    }

    /// What a screen shows of it.
    pub(super) fn facts(&self) -> &SessionFacts {
        &self.facts
    }

    /// Lists a folder. A line that broke before the first entry came is made anew once.
    pub(super) async fn list(&self, dir: &FilePath, batches: mpsc::Sender<Vec<Entry>>) -> FsResult<()> {
        let mut again = true;
        loop {
            let file_system = self.browse().await?;
            let (inner, mut arriving) = mpsc::channel(4);
            let mut any = false;
            let forward = async {
                while let Some(batch) = arriving.recv().await {
                    any = true;
                    if batches.send(batch).await.is_err() {
                        break;
                    }
                }
                // The receiver is gone: closing ours ends the listing.
                arriving.close();
            };
            let (listed, ()) = tokio::join!(file_system.list(dir, inner), forward);
            match listed {
                Err(error) if error.is_connection_lost() => {
                    self.lost(&file_system, &error).await;
                    if any || !again {
                        return Err(error);
                    }
                    again = false;
                }
                other => return other,
            }
        }
    }

    /// Does something that may be repeated (a look-up). A line that broke is made anew once.
    pub(super) async fn look<T>(&self, act: impl for<'a> Fn(&'a dyn FileSystem) -> BoxFuture<'a, FsResult<T>>) -> FsResult<T> {
        let file_system = self.browse().await?;
        match act(&*file_system).await {
            Err(error) if error.is_connection_lost() => self.lost(&file_system, &error).await,
            other => return other,
        }
        let file_system = self.browse().await?;
        act(&*file_system).await
    }

    /// Does something that changes the server, at most once: a line that rested is tried first, and made anew if it broke.
    pub(super) async fn change<T>(&self, act: impl for<'a> FnOnce(&'a dyn FileSystem) -> BoxFuture<'a, FsResult<T>>) -> FsResult<T> {
        let rested = self.browse.lock().await.used.elapsed() > FRESH;
        let mut file_system = self.browse().await?;
        if rested && let Err(error) = file_system.keep_alive().await {
            self.lost(&file_system, &error).await;
            file_system = self.browse().await?;
        }
        let result = act(&*file_system).await;
        if let Err(error) = &result
            && error.is_connection_lost()
        {
            self.lost(&file_system, error).await;
        }
        result
    }

    /// The connection to browse with, made anew if it was lost.
    async fn browse(&self) -> FsResult<Arc<dyn FileSystem>> {
        let mut line = self.browse.lock().await;
        line.used = Instant::now();
        if let Some(file_system) = &line.file_system {
            return Ok(file_system.clone());
        }
        let file_system = self.reconnect().await.map_err(as_lost)?;
        line.file_system = Some(file_system.clone());
        drop(line);
        self.tell(Event::SessionLine { id: self.facts.id, lost: None });
        Ok(file_system)
    }

    /// Forgets a connection that broke, if it is still the one in use, and says so.
    async fn lost(&self, broken: &Arc<dyn FileSystem>, error: &FsError) {
        let mut line = self.browse.lock().await;
        if line.file_system.as_ref().is_some_and(|current| Arc::ptr_eq(current, broken)) {
            line.file_system = None;
            self.tell(Event::SessionLine { id: self.facts.id, lost: Some(Advice::from(error)) });
        }
    }

    /// A screen that does not read its events misses this one: a line's state is no reason to wait.
    fn tell(&self, event: Event) {
        drop(self.events.try_send(event));
    }

    async fn reconnect(&self) -> Result<Arc<dyn FileSystem>, ConnectFailure> {
        if self.closed.load(Ordering::Acquire) {
            return Err(FsError::connection(FsErrorKind::Cancelled, "connect again", "the session was closed").into());
        }
        connect_again(&self.target, &self.login, &self.services).await
    }

    /// A connection for one transfer. Where the server takes no more of them, the one browsed with is lent, once.
    pub(super) async fn lease(self: &Arc<Self>) -> FsResult<Lease> {
        let browse = self.browse().await?;
        if browse.capabilities().parallel {
            let session = self.clone();
            return Ok(Lease::new(browse, move |file_system, condition| session.take_back_shared(&file_system, condition)));
        }
        let connection = match self.rested() {
            Some(connection) => Ok(connection),
            None => self.reconnect().await,
        };
        let (file_system, own) = match connection {
            Ok(file_system) => (file_system, true),
            Err(ConnectFailure::Connect(error)) if matches!(error.kind, ConnectErrorKind::Busy | ConnectErrorKind::LoginRefused) => {
                if self.lent.load(Ordering::Acquire) > 0 {
                    return Err(FsError::connection(FsErrorKind::Refused, "open another connection", error.to_string()));
                }
                (browse, false)
            }
            Err(failure) => return Err(as_lost(failure)),
        };
        self.lent.fetch_add(1, Ordering::AcqRel);
        let session = self.clone();
        Ok(Lease::new(file_system, move |file_system, condition| {
            session.lent.fetch_sub(1, Ordering::AcqRel);
            if !own {
                session.take_back_shared(&file_system, condition);
            } else if condition == Condition::Usable && !session.closed.load(Ordering::Acquire) {
                lock(&session.resting).push_back(Resting { file_system, since: Instant::now() });
            }
        }))
    }

    fn rested(&self) -> Option<Arc<dyn FileSystem>> {
        lock(&self.resting).pop_back().filter(|resting| resting.since.elapsed() < KEEPALIVE).map(|resting| resting.file_system)
    }

    /// A connection that is also browsed with comes back; if it broke, the next browse makes it anew.
    fn take_back_shared(&self, file_system: &Arc<dyn FileSystem>, condition: Condition) {
        // Whoever holds the lock is using the line and will find out.
        if let (Condition::Lost, Ok(mut line)) = (condition, self.browse.try_lock())
            && line.file_system.as_ref().is_some_and(|current| Arc::ptr_eq(current, file_system))
        {
            line.file_system = None;
        }
    }

    /// Says good-bye on every connection.
    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        if let Some(keeper) = lock(&self.keeper).take() {
            keeper.abort();
        }
        let resting: Vec<Resting> = lock(&self.resting).drain(..).collect();
        let browse = self.browse.lock().await.file_system.take();
        let all = resting.into_iter().map(|resting| resting.file_system).chain(browse);
        let farewell = futures::future::join_all(all.map(|file_system| async move { file_system.close().await }));
        // A server that does not listen any more is not waited for.
        drop(tokio::time::timeout(Duration::from_secs(2), farewell).await);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(keeper) = lock(&self.keeper).take() {
            keeper.abort();
        }
    }
}

/// Keeps the browse connection alive while nobody uses it, and lets go of transfer connections that rest.
async fn keep_alive(session: Weak<Session>) {
    loop {
        tokio::time::sleep(KEEPALIVE).await;
        let Some(session) = session.upgrade() else { return };
        let tired: Vec<Resting> = {
            let mut resting = lock(&session.resting);
            let (stay, tired) = resting.drain(..).partition(|resting| resting.since.elapsed() < KEEPALIVE);
            *resting = stay;
            Vec::from(tired)
        };
        for resting in tired {
            drop(tokio::time::timeout(Duration::from_secs(2), resting.file_system.close()).await);
        }
        let idle = {
            let line = session.browse.lock().await;
            line.file_system.clone().filter(|_| line.used.elapsed() >= KEEPALIVE)
        };
        if let Some(file_system) = idle
            && let Err(error) = file_system.keep_alive().await
        {
            session.lost(&file_system, &error).await;
        }
    }
}

/// A reconnect that failed, as the file operation that needed it sees it.
fn as_lost(failure: ConnectFailure) -> FsError {
    match failure {
        ConnectFailure::FileSystem(error) => error,
        other => FsError::connection(FsErrorKind::ConnectionLost, "connect again", other.to_string()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
