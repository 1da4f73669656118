//! Which connections of a session transfers are lent, and how they come back.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::{ONLY_ONE, Resting, Session, TRANSFER_CONNECTIONS, TRANSFERS_ON_ONE, lock, not_again};
use crate::engine::connect::Login;
use crate::engine::failure::ConnectFailure;
use crate::engine::limiter::Limiter;
use crate::engine::places::{Condition, Lease};
use crate::protocols::ConnectErrorKind;
use crate::vfs::{FileSystem, FsError, FsErrorKind, FsResult};

/// A connection in the hands of a transfer; dropped, it is counted no more.
struct Lent(Arc<Session>);

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.lent.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The connection browsed with in the hands of a job; dropped, the next job may have it.
struct LentBrowse(Arc<Session>);

impl Drop for LentBrowse {
    fn drop(&mut self) {
        self.0.browse_is_lent.store(false, Ordering::Release);
    }
}

impl Session {
    /// A connection for one transfer, of a job or beside it. Where the server takes no more of them, the one browsed with is
    /// lent, once.
    pub(in crate::engine) async fn lease(self: &Arc<Self>, for_job: bool) -> FsResult<Lease> {
        if self.shared {
            if for_job && let Some((lent, own)) = self.work().await? {
                return Ok(Lease::new(own, move |file_system, condition| lent.0.take_back_work(&file_system, condition)));
            }
            let session = self.clone();
            let browse = self.browse().await?;
            return Ok(Lease::new(browse, move |file_system, condition| session.take_back_shared(&file_system, condition)));
        }
        // Nobody browses while it is lent.
        if for_job
            && !self.services.queue.apart
            && let Some(lent) = self.lend_browse()
        {
            let browse = self.browse().await?;
            return Ok(Lease::new(browse, move |file_system, condition| lent.0.take_back_shared(&file_system, condition)));
        }
        let refused = match self.lend(self.most_lent().unwrap_or(usize::MAX)) {
            None => "the connections you allow at this site are all in use".to_owned(),
            Some(lent) => {
                let connection = match self.rested() {
                    Some(connection) => Ok(connection),
                    None => self.reconnect().await,
                };
                match connection {
                    Ok(own) => return Ok(Lease::new(own, move |file_system, condition| lent.0.take_back_own(file_system, condition))),
                    Err(ConnectFailure::Connect(error))
                        if matches!(error.kind, ConnectErrorKind::Busy | ConnectErrorKind::LoginRefused) =>
                    {
                        error.to_string()
                    }
                    Err(failure) => return Err(not_again(failure)),
                }
            }
        };
        let browse = self.browse().await?;
        let lent = self.lend(1).zip(self.lend_browse());
        let lent = lent.ok_or_else(|| FsError::connection(FsErrorKind::Refused, "open another connection", refused))?;
        Ok(Lease::new(browse, move |file_system, condition| {
            let (counted, browse) = lent;
            browse.0.take_back_shared(&file_system, condition);
            drop(counted);
        }))
    }

    /// A connection of its own for a stretch of one large file. A person who limits the connections, or a server that gave no
    /// second one, gets none where one carries all transfers.
    pub(in crate::engine) async fn lease_apart(self: &Arc<Self>) -> FsResult<Lease> {
        if !self.shared {
            return self.lease(true).await;
        }
        let none = |why: &str| FsError::connection(FsErrorKind::Refused, "open another connection", why);
        if self.most_lent().is_some() || self.has_only_one() {
            return Err(none("there are to be no more"));
        }
        let lent = self.lend(usize::MAX).ok_or_else(|| none(""))?;
        let own = match self.rested() {
            Some(rested) => rested,
            None => self.reconnect().await.map_err(|failure| self.no_second(failure))?,
        };
        Ok(Lease::new(own, move |file_system, condition| lent.0.take_back_own(file_system, condition)))
    }

    /// Another connection was not given: for a while none is asked for.
    fn no_second(&self, failure: ConnectFailure) -> FsError {
        let pause = if is_no_second(&failure) { ONLY_ONE } else { self.services.timing.keep_alive };
        *lock(&self.only_one_until) = Some(Instant::now() + pause);
        not_again(failure)
    }

    fn has_only_one(&self) -> bool {
        lock(&self.only_one_until).is_some_and(|until| Instant::now() < until)
    }

    /// The connection all transfers share; `None` where they go over the one browsed with.
    async fn work(self: &Arc<Self>) -> FsResult<Option<(Lent, Arc<dyn FileSystem>)>> {
        if !self.services.queue.apart || self.has_only_one() {
            return Ok(None);
        }
        let mut work = self.work.lock().await;
        let Some(lent) = self.lend(usize::MAX) else { return Ok(None) };
        if let Some(standing) = &*work {
            return Ok(Some((lent, standing.clone())));
        }
        match self.reconnect().await {
            Ok(own) => {
                *work = Some(own.clone());
                Ok(Some((lent, own)))
            }
            Err(ConnectFailure::Connect(error))
                if matches!(error.kind, ConnectErrorKind::Untrusted(_) | ConnectErrorKind::ProtectionRefused) =>
            {
                Err(not_again(error.into()))
            }
            // Too many lines, or a code that counts once and nobody is asked for again: no reason to transfer nothing.
            Err(failure) => {
                tracing::debug!(%failure, "transfers go over the connection that is browsed with");
                self.no_second(failure);
                Ok(None)
            }
        }
    }

    /// The connection of all transfers comes back from one of them; if it broke, the next one makes it anew.
    fn take_back_work(&self, file_system: &Arc<dyn FileSystem>, condition: Condition) {
        // Whoever holds the lock is making it anew, or closing it.
        if let (Condition::Lost, Ok(mut work)) = (condition, self.work.try_lock()) {
            work.take_if(|current| Arc::ptr_eq(current, file_system));
        }
    }

    /// The limit of speed for the site.
    pub(in crate::engine) fn limiter(&self) -> Arc<Limiter> {
        self.limiter.clone()
    }

    /// Whether one job works here at a time: where the person set a limit of connections.
    pub(in crate::engine) fn alone(&self) -> bool {
        !self.shared && self.most_lent().is_some()
    }

    /// How many leases make sense at once.
    pub(in crate::engine) fn parallel(&self) -> usize {
        if self.shared {
            return TRANSFERS_ON_ONE;
        }
        let own = self.most_lent().unwrap_or(TRANSFER_CONNECTIONS);
        // Where nobody browses, that connection works too.
        (own + usize::from(!self.services.queue.apart)).max(1)
    }

    /// Whether several connections bring one large file sooner than one.
    pub(in crate::engine) fn gains_by_more(&self) -> bool {
        // Whoever holds the lock makes the line anew: nothing is known of it.
        let line = self.browse.try_lock().ok().and_then(|line| line.file_system.clone());
        line.map_or(!self.shared, |line| line.gains_by_more())
    }

    /// Whether one connection carries many files at once.
    pub(in crate::engine) fn carries_many(&self) -> bool {
        self.shared
    }

    /// Connections transfers may have beside the one browsed with, where the person set a limit.
    fn most_lent(&self) -> Option<usize> {
        (self.services.options)(&self.target.site).connections.map(|most| usize::from(most.get()) - 1)
    }

    /// How many connections at once the server takes, where it refused one more.
    pub(in crate::engine) fn most_given(&self) -> Option<usize> {
        if let Login::Ftp(login) = &self.login { login.most_given() } else { None }
    }

    /// Counts one more connection lent, while fewer than `most` are.
    fn lend(self: &Arc<Self>, most: usize) -> Option<Lent> {
        let more = |lent: usize| (lent < most).then_some(lent + 1);
        self.lent.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok().map(|_| Lent(self.clone()))
    }

    /// The connection browsed with, unless it is lent already.
    fn lend_browse(self: &Arc<Self>) -> Option<LentBrowse> {
        (!self.browse_is_lent.swap(true, Ordering::AcqRel)).then(|| LentBrowse(self.clone()))
    }

    fn rested(&self) -> Option<Arc<dyn FileSystem>> {
        lock(&self.resting)
            .pop_back()
            .filter(|resting| resting.since.elapsed() < self.services.timing.keep_alive)
            .map(|resting| resting.file_system)
    }

    /// A connection of a transfer's own comes back, and rests if it is of any more use.
    fn take_back_own(&self, file_system: Arc<dyn FileSystem>, condition: Condition) {
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
}

/// Whether a server, or a person who would have to be asked, gives no second connection.
fn is_no_second(failure: &ConnectFailure) -> bool {
    match failure {
        ConnectFailure::Connect(error) => matches!(error.kind, ConnectErrorKind::Busy | ConnectErrorKind::LoginRefused),
        ConnectFailure::NoSecret { .. } | ConnectFailure::Key { .. } => true,
        _ => false,
    }
}
