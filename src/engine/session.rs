//! A connected site: one connection to browse with, others lent to transfers, all made anew when they are lost.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::advice::Advice;
use super::connect::{Connected, Login, Target, connect_again};
use super::event::Event;
use super::facts::SessionFacts;
use super::failure::ConnectFailure;
use super::job::SessionId;
use super::places::{Condition, Lease};
use super::services::{Services, SessionTiming};
use crate::model::{Entry, FilePath};
use crate::protocols::ConnectErrorKind;
use crate::vfs::{FileSystem, FsError, FsErrorKind, FsResult, ListingBudget};

/// Connections one session lends to transfers where each carries one file at a time (FTP).
pub(super) const TRANSFER_CONNECTIONS: usize = 4;
/// Files under way at once on a connection that carries many (SFTP).
pub(super) const TRANSFERS_ON_ONE: usize = 8;

/// A connected site.
pub(super) struct Session {
    facts: SessionFacts,
    target: Target,
    login: Login,
    services: Services,
    events: mpsc::Sender<Event>,
    /// One connection carries many transfers at once (SFTP).
    shared: bool,
    browse: tokio::sync::Mutex<Line>,
    resting: Mutex<VecDeque<Resting>>,
    /// Connections in the hands of transfers, where each takes a whole one.
    lent: AtomicUsize,
    /// Cancelled when the session ends: nothing is connected any more, nothing kept alive.
    closing: CancellationToken,
}

/// The browse connection, if it stands.
struct Line {
    file_system: Option<Arc<dyn FileSystem>>,
    /// When the server last answered.
    heard: Instant,
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
            peer: connected.peer.map(Arc::new),
        };
        let session = Arc::new(Self {
            facts,
            target,
            login: connected.login,
            services,
            events,
            shared: connected.file_system.capabilities().parallel,
            browse: tokio::sync::Mutex::new(Line { file_system: Some(connected.file_system), heard: Instant::now() }),
            resting: Mutex::default(),
            lent: AtomicUsize::new(0),
            closing: CancellationToken::new(),
        });
        let keeping = keep_alive(Arc::downgrade(&session), session.services.timing);
        tokio::spawn(session.closing.clone().run_until_cancelled_owned(keeping));
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
            let (inner, mut arriving) = mpsc::channel::<Vec<Entry>>(4);
            let (mut any, mut budget, mut taken) = (false, ListingBudget::default(), Ok(()));
            let forward = async {
                while let Some(batch) = arriving.recv().await {
                    any = true;
                    taken = budget.take(dir, &batch);
                    if taken.is_err() || batches.send(batch).await.is_err() {
                        break;
                    }
                }
                // The receiver is gone or has enough: closing ours ends the listing.
                arriving.close();
            };
            let (listed, ()) = tokio::join!(file_system.list(dir, inner), forward);
            self.note(&file_system, &listed).await;
            match taken.and(listed) {
                Err(error) if error.is_connection_lost() && again && !any => again = false,
                other => return other,
            }
        }
    }

    /// Does something that may be repeated (a look-up). A line that broke is made anew once.
    pub(super) async fn look<T>(&self, act: impl for<'a> Fn(&'a dyn FileSystem) -> BoxFuture<'a, FsResult<T>>) -> FsResult<T> {
        let mut again = true;
        loop {
            let file_system = self.browse().await?;
            let result = act(&*file_system).await;
            self.note(&file_system, &result).await;
            match result {
                Err(error) if error.is_connection_lost() && again => again = false,
                other => return other,
            }
        }
    }

    /// Does something that changes the server, at most once: a line that rested is tried first, and made anew if it broke.
    pub(super) async fn change<T>(&self, act: impl for<'a> FnOnce(&'a dyn FileSystem) -> BoxFuture<'a, FsResult<T>>) -> FsResult<T> {
        let mut file_system = self.browse().await?;
        let rested = self.browse.lock().await.heard.elapsed() > self.services.timing.fresh;
        if rested {
            let alive = file_system.keep_alive().await;
            self.note(&file_system, &alive).await;
            if alive.is_err() {
                file_system = self.browse().await?;
            }
        }
        let result = act(&*file_system).await;
        self.note(&file_system, &result).await;
        result
    }

    /// The connection to browse with, made anew if it was lost.
    async fn browse(&self) -> FsResult<Arc<dyn FileSystem>> {
        let mut line = self.browse.lock().await;
        if let Some(file_system) = &line.file_system {
            return Ok(file_system.clone());
        }
        let file_system = self.reconnect().await.map_err(not_again)?;
        *line = Line { file_system: Some(file_system.clone()), heard: Instant::now() };
        drop(line);
        self.tell(None);
        Ok(file_system)
    }

    /// What a result says of the line it came over: it lives, or it is forgotten.
    async fn note<T>(&self, used: &Arc<dyn FileSystem>, result: &FsResult<T>) {
        let mut line = self.browse.lock().await;
        match result {
            Err(error) if error.is_connection_lost() => self.forget(&mut line, used, error),
            _ => line.heard = Instant::now(),
        }
    }

    /// Forgets a connection that broke, if it is still the one in use, and says so.
    fn forget(&self, line: &mut Line, broken: &Arc<dyn FileSystem>, error: &FsError) {
        if line.file_system.take_if(|current| Arc::ptr_eq(current, broken)).is_some() {
            self.tell(Some(Advice::from(error)));
        }
    }

    /// A screen that does not read its events misses this one: a line's state is no reason to wait.
    fn tell(&self, lost: Option<Advice>) {
        drop(self.events.try_send(Event::SessionLine { id: self.facts.id, lost }));
    }

    async fn reconnect(&self) -> Result<Arc<dyn FileSystem>, ConnectFailure> {
        let again = connect_again(&self.target, &self.login, &self.services);
        let closed = || FsError::connection(FsErrorKind::Cancelled, "connect again", "the session was closed").into();
        self.closing.run_until_cancelled(again).await.unwrap_or_else(|| Err(closed()))
    }

    /// A connection for one transfer. Where the server takes no more of them, the one browsed with is lent, once.
    pub(super) async fn lease(self: &Arc<Self>) -> FsResult<Lease> {
        let session = self.clone();
        if self.shared {
            let browse = self.browse().await?;
            return Ok(Lease::new(browse, move |file_system, condition| session.take_back_shared(&file_system, condition)));
        }
        let connection = match self.rested() {
            Some(connection) => Ok(connection),
            None => self.reconnect().await,
        };
        match connection {
            Ok(own) => {
                self.lent.fetch_add(1, Ordering::AcqRel);
                Ok(Lease::new(own, move |file_system, condition| session.take_back_own(file_system, condition)))
            }
            Err(ConnectFailure::Connect(error)) if matches!(error.kind, ConnectErrorKind::Busy | ConnectErrorKind::LoginRefused) => {
                let browse = self.browse().await?;
                if self.lent.compare_exchange(0, 1, Ordering::AcqRel, Ordering::Acquire).is_err() {
                    return Err(FsError::connection(FsErrorKind::Refused, "open another connection", error.to_string()));
                }
                Ok(Lease::new(browse, move |file_system, condition| {
                    session.lent.fetch_sub(1, Ordering::AcqRel);
                    session.take_back_shared(&file_system, condition);
                }))
            }
            Err(failure) => Err(not_again(failure)),
        }
    }

    fn rested(&self) -> Option<Arc<dyn FileSystem>> {
        lock(&self.resting)
            .pop_back()
            .filter(|resting| resting.since.elapsed() < self.services.timing.keep_alive)
            .map(|resting| resting.file_system)
    }

    /// A connection of a transfer's own comes back, and rests if it is of any more use.
    fn take_back_own(&self, file_system: Arc<dyn FileSystem>, condition: Condition) {
        self.lent.fetch_sub(1, Ordering::AcqRel);
        if condition == Condition::Usable && !self.closing.is_cancelled() {
            lock(&self.resting).push_back(Resting { file_system, since: Instant::now() });
        }
    }

    /// A connection that is also browsed with comes back; if it broke, the next browse makes it anew.
    fn take_back_shared(&self, file_system: &Arc<dyn FileSystem>, condition: Condition) {
        // Whoever holds the lock is using the line and will find out.
        if let (Condition::Lost, Ok(mut line)) = (condition, self.browse.try_lock()) {
            self.forget(&mut line, file_system, &FsError::connection(FsErrorKind::ConnectionLost, "transfer", ""));
        }
    }

    /// Says good-bye on every connection that is not lent. A server that does not listen any more is not waited for.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        let resting: Vec<Resting> = lock(&self.resting).drain(..).collect();
        let farewell = async {
            let browse = self.browse.lock().await.file_system.take();
            let all = resting.into_iter().map(|resting| resting.file_system).chain(browse);
            futures::future::join_all(all.map(|file_system| async move { file_system.close().await })).await;
        };
        drop(tokio::time::timeout(self.services.timing.farewell, farewell).await);
    }

    /// Keeps the browse connection alive where nobody uses it, and lets go of transfer connections that rest.
    async fn look_after(&self, timing: SessionTiming) {
        let tired: Vec<Resting> = {
            let mut resting = lock(&self.resting);
            let (stay, tired) = resting.drain(..).partition(|resting| resting.since.elapsed() < timing.keep_alive);
            *resting = stay;
            Vec::from(tired)
        };
        for resting in tired {
            drop(tokio::time::timeout(timing.farewell, resting.file_system.close()).await);
        }
        let idle = {
            let line = self.browse.lock().await;
            line.file_system.clone().filter(|_| line.heard.elapsed() >= timing.keep_alive)
        };
        if let Some(file_system) = idle {
            let alive = file_system.keep_alive().await;
            self.note(&file_system, &alive).await;
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

async fn keep_alive(session: Weak<Session>, timing: SessionTiming) {
    loop {
        tokio::time::sleep(timing.keep_alive).await;
        let Some(session) = session.upgrade() else { return };
        session.look_after(timing).await;
    }
}

/// A reconnect that failed, as the file operation that needed it sees it. What trying again cannot mend is no lost line.
fn not_again(failure: ConnectFailure) -> FsError {
    use ConnectErrorKind::{LoginRefused, ProtectionRefused, Untrusted};
    let kind = match &failure {
        ConnectFailure::Connect(error) if matches!(error.kind, Untrusted(_) | ProtectionRefused | LoginRefused) => FsErrorKind::Security,
        _ => FsErrorKind::ConnectionLost,
    };
    match failure {
        ConnectFailure::FileSystem(error) => error,
        other => FsError::connection(kind, "connect again", other.to_string()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
