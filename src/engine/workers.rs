//! Who takes the steps of a job: how many at once, over which connections. Not what a step is.
//!
//! Where a connection carries one file at a time (FTP), each worker has its own, and the server's refusal of one more means one
//! worker fewer. Where it carries many (SFTP, disks), small files cost a connection nothing but waiting, so hundreds are
//! under way at once; large ones stay few, because each holds buffers.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::join_all;
use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use super::copy::End;
use super::job::Place;
use super::lane::Lane;
use super::plan::Step;
use super::running::Job;
use super::segments::{self, Helpers};
use super::steps::Steps;
use super::transfer::take_step;
use crate::vfs::{FsError, FsErrorKind};

/// Files of at most so many bytes are small.
const SMALL: u64 = 128 * 1024;
/// Small files under way at once where a connection carries many.
const SMALL_AT_ONCE: usize = 1024;
/// What their bytes may take while they are under way, in KiB.
const SMALL_BYTES: u32 = 64 * 1024;
/// The same between folders of this machine: it waits for nothing but processors and disks.
const SMALL_HERE: usize = 4;

/// Lanes without work.
#[derive(Default)]
struct Resting {
    lanes: Vec<Lane>,
    /// So many more are being opened.
    opening: usize,
}

/// The workers of one job.
pub(super) struct Workers {
    pub(super) job: Arc<Job>,
    /// The lane of the walk: taken where a place gives no other.
    walks: Arc<AsyncMutex<Lane>>,
    /// Lanes nobody uses at the moment.
    resting: Mutex<Resting>,
    /// A lane that was opened ahead came to rest, or did not come about.
    came: Notify,
    /// There will be work for all lanes.
    folder_found: Notify,
    /// A connection of each place carries one file at a time.
    one_each: bool,
    slots: Arc<Semaphore>,
    /// How many slots there are, taken or not; at least one.
    count: AtomicUsize,
    /// Held by whoever moves a large file.
    large: Semaphore,
    /// KiB held by those who move small ones.
    small: Semaphore,
    /// Steps that are taken and not through.
    under_way: AtomicUsize,
    /// No more steps will be found.
    is_walked: AtomicBool,
    /// Workers have lanes of their own; else the walk's is the only one.
    own_lanes: bool,
}

impl Workers {
    pub(super) fn new(job: &Arc<Job>, walks: &Arc<AsyncMutex<Lane>>) -> Self {
        let spec = &job.spec;
        let many = [spec.from, spec.to].into_iter().all(|place| job.places.carries_many(place));
        // This machine waits for nobody.
        let far = [spec.from, spec.to].into_iter().filter(|place| *place != Place::Local);
        let parallel = far.map(|place| job.places.parallel(place)).min().unwrap_or_else(|| job.places.parallel(Place::Local));
        // Where a connection carries one file, a lane within one place may need two.
        let lanes = if spec.from == spec.to && !many { parallel.div_ceil(2) } else { parallel }.clamp(1, 16);
        let count = match (many, spec.from == Place::Local && spec.to == Place::Local) {
            (true, true) => lanes.min(SMALL_HERE),
            (true, false) => SMALL_AT_ONCE,
            // The walk has one of them until it is through.
            (false, _) => lanes.max(2) - 1,
        };
        Self {
            job: Arc::clone(job),
            walks: Arc::clone(walks),
            resting: Mutex::default(),
            came: Notify::new(),
            folder_found: Notify::new(),
            one_each: !many,
            slots: Arc::new(Semaphore::new(count)),
            count: AtomicUsize::new(count),
            large: Semaphore::new(lanes),
            small: Semaphore::new(SMALL_BYTES as usize),
            under_way: AtomicUsize::new(0),
            is_walked: AtomicBool::new(false),
            own_lanes: lanes > 1,
        }
    }

    /// Takes steps until there are no more and all are through. Dropped, it aborts what is under way.
    pub(super) async fn work(self: &Arc<Self>, found: mpsc::Receiver<Step>) {
        let steps = Arc::new(Steps::new(&self.job, found));
        let mut tasks = JoinSet::new();
        // Never closed.
        while let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await {
            if self.job.flow.go().await.is_err() {
                break;
            }
            let taken = steps.next().await;
            if taken.is_empty() || self.job.stop.is_cancelled() {
                break;
            }
            self.under_way.fetch_add(1, Ordering::AcqRel);
            tasks.spawn(Arc::clone(self).take(Arc::clone(&steps), taken, slot));
            while let Some(ended) = tasks.try_join_next() {
                self.note(ended).await;
            }
        }
        while let Some(ended) = tasks.join_next().await {
            self.note(ended).await;
        }
    }

    /// Where more connections for one file come from, where it is the last, so that nobody else uses them.
    pub(super) fn helpers(&self) -> Option<Helpers<'_>> {
        let (spec, places) = (&self.job.spec, &self.job.places);
        let is_last = self.is_walked.load(Ordering::Acquire) && self.under_way.load(Ordering::Acquire) == 1;
        if !is_last || !self.own_lanes || spec.from == spec.to {
            return None;
        }
        let side = if places.gains_by_more(spec.from) {
            End::Source
        } else if places.carries_many(spec.to) && places.gains_by_more(spec.to) {
            End::Target
        } else {
            return None;
        };
        let most = if places.carries_many(spec.from) { segments::MOST } else { segments::MOST.min(self.count.load(Ordering::Relaxed)) };
        Some(Helpers { job: &self.job, side, most })
    }

    /// Gives back, in every pause, what nobody uses just then; who uses something gives it back himself. Never ends.
    pub(super) async fn rest_in_pauses(&self) {
        let flow = &self.job.flow;
        loop {
            flow.closed().await;
            self.resting().lanes.clear();
            tokio::select! {
                () = async { self.walks.lock().await.rest() } => {}
                _ = flow.go() => {}
            }
            if flow.go().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// A folder was found: while the walk lists it, the lanes for what is in it are opened.
    pub(super) fn expect_work(&self) {
        if self.one_each && self.own_lanes {
            self.folder_found.notify_one();
        }
    }

    /// Opens all lanes at once as soon as a folder is found; each takes several turns on a long line. Never ends.
    pub(super) async fn open_ahead(&self) {
        self.folder_found.notified().await;
        let more = {
            let mut resting = self.resting();
            let in_use = self.under_way.load(Ordering::Acquire);
            resting.opening = self.count.load(Ordering::Relaxed).saturating_sub(resting.lanes.len() + in_use);
            resting.opening
        };
        join_all((0..more).map(|_| async {
            let mut lane = Lane::default();
            let opened = lane.both(&self.job).await.is_ok();
            self.resting().opening -= 1;
            if opened {
                self.rest(lane);
            }
            self.came.notify_waiters();
        }))
        .await;
        std::future::pending::<()>().await;
    }

    /// A lane that rests, also one that is being opened; else one that is opened at its first use.
    async fn some_lane(&self) -> Lane {
        loop {
            let came = self.came.notified();
            {
                let mut resting = self.resting();
                if let Some(lane) = resting.lanes.pop() {
                    return lane;
                }
                if resting.opening == 0 {
                    return Lane::default();
                }
            }
            came.await;
        }
    }

    /// The walk is through, and its lane free for another worker.
    pub(super) fn walk_is_over(&self) {
        self.is_walked.store(true, Ordering::Release);
        if self.own_lanes {
            self.count.fetch_add(1, Ordering::Relaxed);
            self.slots.add_permits(1);
        }
    }

    async fn note(&self, ended: Result<(), tokio::task::JoinError>) {
        if let Err(error) = ended {
            // What it had under way is cleared away by the next run, or gone on with.
            self.job.account.stays();
            let error = FsError::connection(FsErrorKind::Io, "copy", error.to_string());
            self.job.failed(&self.job.spec.from_dir, None, error).await;
        }
    }

    async fn take(self: Arc<Self>, steps: Arc<Steps>, taken: Vec<Step>, slot: OwnedSemaphorePermit) {
        let is_small = |step: &Step| step.link.is_some() || step.facts.size.is_some_and(|size| size <= SMALL);
        // Never closed.
        let room = match &*taken {
            [step] if is_small(step) => self.small.acquire_many(kibibytes(step)).await,
            _ if taken.iter().all(is_small) => self.small.acquire().await,
            _ => self.large.acquire().await,
        };
        self.take_over_some_lane(&steps, taken, slot).await;
        drop(room);
        self.under_way.fetch_sub(1, Ordering::AcqRel);
    }

    async fn take_over_some_lane(&self, steps: &Steps, taken: Vec<Step>, slot: OwnedSemaphorePermit) {
        if self.own_lanes {
            if self.is_walked.load(Ordering::Acquire)
                && let Ok(mut lane) = self.walks.try_lock()
            {
                return self.take_all(steps, &mut lane, taken).await;
            }
            let mut lane = self.some_lane().await;
            match lane.both(&self.job).await.map(drop) {
                Ok(()) => {
                    self.take_all(steps, &mut lane, taken).await;
                    self.rest(lane);
                    return;
                }
                Err((error, _)) if error.is_connection_lost() => {}
                // The place gives no more.
                Err((error, _)) => self.dismiss(slot, &error),
            }
        }
        self.take_all(steps, &mut *self.walks.lock().await, taken).await;
    }

    async fn take_all(&self, steps: &Steps, lane: &mut Lane, taken: Vec<Step>) {
        let left = match lane.both(&self.job).await {
            Ok((place, _)) => steps.copy_small(&self.job, place, taken).await,
            Err(_) => taken,
        };
        for step in left {
            take_step(self, lane, step).await;
        }
    }

    /// Nobody uses this lane for now; in a pause it is given back.
    fn rest(&self, lane: Lane) {
        let mut resting = self.resting();
        if self.job.flow.is_open() {
            resting.lanes.push(lane);
            self.came.notify_waiters();
        }
    }

    /// One worker fewer, unless it is the last.
    fn dismiss(&self, slot: OwnedSemaphorePermit, why: &FsError) {
        let fewer = |count: usize| (count > 1).then(|| count - 1);
        if self.count.fetch_update(Ordering::AcqRel, Ordering::Acquire, fewer).is_ok() {
            tracing::debug!(%why, "one worker fewer");
            slot.forget();
        }
    }

    fn resting(&self) -> std::sync::MutexGuard<'_, Resting> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a small file holds while it is under way.
fn kibibytes(step: &Step) -> u32 {
    let bytes = step.facts.size.filter(|_| step.link.is_none()).unwrap_or(0);
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX).clamp(1, SMALL_BYTES)
}
