//! What lets the work of one job go on: whether it is its turn, whether it was stopped, how fast it may be. And who of it still
//! holds a connection, so that a pause is known to have come.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::limiter::Limiter;
use crate::vfs::{FsError, FsErrorKind, FsResult};

/// The gate of one job: closed until it is its turn, and while it is paused.
#[derive(Debug)]
pub(super) struct Flow {
    /// Cancelled when the job is to stop for good.
    pub(super) stop: CancellationToken,
    /// Told when a wait for a lost line is to be cut short.
    pub(super) again: Notify,
    open: AtomicBool,
    gate: watch::Sender<bool>,
    /// How often it was closed.
    pauses: AtomicU64,
    held: AtomicUsize,
    given_back: Notify,
    /// The job's own, those of its sites, the one of all.
    limiters: Vec<Arc<Limiter>>,
}

impl Flow {
    /// A closed gate. The first limiter is the job's own.
    pub(super) fn new(limiters: Vec<Arc<Limiter>>) -> Self {
        Self {
            stop: CancellationToken::new(),
            again: Notify::new(),
            open: AtomicBool::new(false),
            gate: watch::Sender::new(false),
            pauses: AtomicU64::new(0),
            held: AtomicUsize::new(0),
            given_back: Notify::new(),
            limiters,
        }
    }

    /// It is the job's turn.
    pub(super) fn open(&self) {
        if self.stop.is_cancelled() {
            return;
        }
        self.open.store(true, Ordering::Release);
        self.gate.send_replace(true);
    }

    /// The job ends for good, once it has tidied up.
    pub(super) fn end(&self) {
        self.stop.cancel();
        self.open.store(false, Ordering::Release);
    }

    /// What is under way stops between two pieces and gives its connections back.
    pub(super) fn close(&self) {
        self.pauses.fetch_add(1, Ordering::AcqRel);
        self.open.store(false, Ordering::Release);
        self.gate.send_replace(false);
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// How often it was closed so far: a connection leased before the last time is given back.
    pub(super) fn pauses(&self) -> u64 {
        self.pauses.load(Ordering::Acquire)
    }

    /// Waits until the gate is open. Fails if the job is stopped first.
    pub(super) async fn go(&self) -> FsResult<()> {
        if self.is_open() {
            return Ok(());
        }
        let mut gate = self.gate.subscribe();
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(stopped()),
            _ = gate.wait_for(|open| *open) => Ok(()),
        }
    }

    /// Whether the gate is open, with every change of it.
    pub(super) fn turns(&self) -> watch::Receiver<bool> {
        self.gate.subscribe()
    }

    /// Waits until the gate is closed.
    pub(super) async fn closed(&self) {
        let mut gate = self.gate.subscribe();
        // The sender lives as long as `self`.
        drop(gate.wait_for(|open| !open).await);
    }

    /// Does what may begin anew later: not while the gate is closed, and no longer once the job is stopped.
    pub(super) async fn unless_paused<T>(&self, work: impl Future<Output = FsResult<T>>) -> FsResult<T> {
        tokio::select! {
            biased;
            // First, because what is ready needs no look at the others.
            done = work => done,
            () = self.stop.cancelled() => Err(stopped()),
            () = self.closed() => Err(paused()),
        }
    }

    /// Waits until so many bytes may move: the one call wherever bytes are pumped, once for each piece. Costs nothing where
    /// nothing is limited. Fails as [`Flow::unless_paused`].
    pub(super) async fn throttle(&self, bytes: u64) -> FsResult<()> {
        if !self.is_open() {
            return Err(if self.stop.is_cancelled() { stopped() } else { paused() });
        }
        if !self.is_limited() {
            return Ok(());
        }
        let limited = async {
            for limiter in &self.limiters {
                limiter.take(bytes).await;
            }
            Ok(())
        };
        self.unless_paused(limited).await
    }

    /// Whether any limit is in force.
    pub(super) fn is_limited(&self) -> bool {
        self.limiters.iter().any(|limiter| limiter.rate() > 0)
    }

    /// The job's own limit.
    pub(super) fn limiter(&self) -> Option<&Limiter> {
        self.limiters.first().map(|limiter| &**limiter)
    }

    /// Counts a connection that is held until the answer is dropped.
    pub(super) fn hold(self: &Arc<Self>) -> Holding {
        self.held.fetch_add(1, Ordering::AcqRel);
        Holding(Arc::clone(self))
    }

    /// Waits until no connection is held.
    pub(super) async fn idle(&self) {
        loop {
            let given_back = self.given_back.notified();
            if self.held.load(Ordering::Acquire) == 0 {
                return;
            }
            given_back.await;
        }
    }
}

/// A connection is held for the job.
#[derive(Debug)]
pub(super) struct Holding(Arc<Flow>);

impl Drop for Holding {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::AcqRel);
        self.0.given_back.notify_waiters();
    }
}

/// Waits for `work` unless `stop` comes first.
pub(super) async fn unless_stopped<T>(stop: &CancellationToken, work: impl Future<Output = FsResult<T>>) -> FsResult<T> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(stopped()),
        done = work => done,
    }
}

fn paused() -> FsError {
    FsError::connection(FsErrorKind::Paused, "go on", "")
}

pub(super) fn stopped() -> FsError {
    FsError::connection(FsErrorKind::Cancelled, "go on", "")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn forever() -> FsResult<()> {
        std::future::pending().await
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_gate_stops_what_may_begin_anew_and_a_stop_ends_all() {
        let flow = Flow::new(Vec::new());
        flow.open();
        let (ended, ()) = tokio::join!(flow.unless_paused(forever()), async { flow.close() });
        assert_eq!(ended.unwrap_err().kind, FsErrorKind::Paused);
        assert_eq!(flow.throttle(1).await.unwrap_err().kind, FsErrorKind::Paused);
        let (gone, ()) = tokio::join!(flow.go(), async { flow.open() });
        assert!(gone.is_ok() && flow.throttle(1).await.is_ok());
        flow.close();
        let (stopped, ()) = tokio::join!(flow.go(), async { flow.end() });
        assert_eq!(stopped.unwrap_err().kind, FsErrorKind::Cancelled);
        assert_eq!(flow.throttle(1).await.unwrap_err().kind, FsErrorKind::Cancelled);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_does_not_wait_for_a_limit() {
        let flow = Flow::new(vec![Arc::new(Limiter::new(1))]);
        flow.open();
        flow.throttle(1_000_000).await.unwrap();
        let close = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            flow.close();
        };
        let (ended, ()) = tokio::join!(flow.throttle(1), close);
        assert_eq!(ended.unwrap_err().kind, FsErrorKind::Paused);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_idle_once_everything_was_given_back() {
        let flow = Arc::new(Flow::new(Vec::new()));
        let held = [flow.hold(), flow.hold()];
        let back = async {
            for one in held {
                tokio::time::sleep(Duration::from_secs(1)).await;
                drop(one);
            }
        };
        let before = tokio::time::Instant::now();
        tokio::join!(flow.idle(), back);
        assert_eq!(before.elapsed(), Duration::from_secs(2));
    }
}
