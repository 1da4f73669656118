//! A connected site: one connection to browse with, others lent to transfers, all made anew when they are lost.
//!
//! Where one connection carries many transfers (SFTP) they share one beside that browsed with: a listing would stand in line
//! behind every byte of theirs that is on its way, in the buffers of both ends and the window of the channel.

mod lending;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::advice::{Advice, problem_words};
use super::connect::{Connected, Login, Target, connect_again};
use super::connect_ssh::{LoginKey, try_key};
use super::event::Event;
use super::facts::SessionFacts;
use super::failure::ConnectFailure;
use super::job::SessionId;
use super::limiter::Limiter;
use super::services::{Services, SessionTiming};
use crate::model::{Entry, FilePath};
use crate::protocols::sftp::AuthStep;
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::vfs::{FileSystem, FsError, FsErrorKind, FsResult, ListingBudget};

/// Connections one session lends to transfers where each carries one file at a time (FTP).
const TRANSFER_CONNECTIONS: usize = 8;
/// How long a server that gives no second connection is not asked for one.
const ONLY_ONE: Duration = Duration::from_secs(3600);
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
    /// What all transfers share, where one connection carries many.
    work: tokio::sync::Mutex<Option<Arc<dyn FileSystem>>>,
    /// Until then the server is not asked for a second one of those: transfers go over the one browsed with.
    only_one_until: Mutex<Option<Instant>>,
    resting: Mutex<VecDeque<Resting>>,
    /// Of all bytes of transfers with it.
    limiter: Arc<Limiter>,
    /// Connections in the hands of transfers, where each takes a whole one.
    lent: AtomicUsize,
    /// The connection browsed with is in the hands of a job, as if it were one of those.
    browse_is_lent: AtomicBool,
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
        let limiter = Arc::new(Limiter::new((services.options)(&target.site).limit.unwrap_or(0)));
        let session = Arc::new(Self {
            facts,
            target,
            login: connected.login,
            services,
            events,
            shared: connected.file_system.capabilities().parallel,
            browse: tokio::sync::Mutex::new(Line { file_system: Some(connected.file_system), heard: Instant::now() }),
            work: tokio::sync::Mutex::default(),
            only_one_until: Mutex::default(),
            resting: Mutex::default(),
            limiter,
            lent: AtomicUsize::new(0),
            browse_is_lent: AtomicBool::new(false),
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

    /// What the server says of an SSH key alone, on a connection of its own that ends with the answer. Asks nothing.
    pub(super) async fn try_key(&self, key: &LoginKey) -> Result<AuthStep, ConnectFailure> {
        match &self.login {
            Login::Ssh(login) => Box::pin(try_key(login, key)).await,
            Login::Ftp(_) => Err(FsError::connection(FsErrorKind::Unsupported, "log in with an SSH key", "this is no SSH server").into()),
        }
    }

    async fn reconnect(&self) -> Result<Arc<dyn FileSystem>, ConnectFailure> {
        let again = connect_again(&self.target, &self.login, &self.services);
        let closed = || FsError::connection(FsErrorKind::Cancelled, "connect again", "the session was closed").into();
        self.closing.run_until_cancelled(again).await.unwrap_or_else(|| Err(closed()))
    }

    /// Says good-bye on every connection that is not lent. A server that does not listen any more is not waited for.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        let resting: Vec<Resting> = lock(&self.resting).drain(..).collect();
        let farewell = async {
            let browse = self.browse.lock().await.file_system.take();
            let work = self.work.lock().await.take();
            let all = resting.into_iter().map(|resting| resting.file_system).chain(browse).chain(work);
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
        if self.lent.load(Ordering::Acquire) == 0 {
            // Looked at again under the lock that hands it out.
            let mut work = self.work.lock().await;
            let unused = if self.lent.load(Ordering::Acquire) == 0 { work.take() } else { None };
            drop(work);
            if let Some(file_system) = unused {
                drop(tokio::time::timeout(timing.farewell, file_system.close()).await);
            }
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
        // Of a peer that was trusted before, what is wrong now says more than that it is not trusted.
        ConnectFailure::Connect(ConnectError { kind: Untrusted(ref evidence), .. }) if !evidence.problems.is_empty() => {
            let problems: Vec<_> = evidence.problems.iter().map(problem_words).collect();
            FsError::connection(kind, "connect again", format!("{failure}: {}", problems.join(" ")))
        }
        other => FsError::connection(kind, "connect again", other.to_string()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
