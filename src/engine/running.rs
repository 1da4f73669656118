//! What the tasks of one job share: the order, the counters, the report, the answers given so far.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::advice::Advice;
use super::flow::{Flow, unless_stopped};
use super::job::{FileFailure, FileOutcome, JobId, JobKind, JobSpec, LinkTally, Outcome, Place, Report};
use super::journal::{Account, Ending, Order};
use super::limiter::Limiter;
use super::meter::{Meter, Rate, remaining};
use super::order::Priority;
use super::places::{Lease, Places};
use super::progress::{JobProgress, JobState, LineWait};
use super::queue::Surroundings;
use super::settle::Answers;
use super::verify::Learned;
use crate::ask::Prompter;
use crate::model::FilePath;
use crate::vfs::{FsError, FsErrorKind, FsResult};

/// A job in the queue.
pub(super) struct Job {
    pub(super) id: JobId,
    pub(super) spec: JobSpec,
    pub(super) places: Arc<dyn Places>,
    pub(super) prompter: Arc<dyn Prompter>,
    /// Cancelled when the job is to stop.
    pub(super) stop: CancellationToken,
    /// Its turns, pauses and limits.
    pub(super) flow: Arc<Flow>,
    /// It is stopped because the program ends: what is under way is left to be gone on with.
    pub(super) leaving: AtomicBool,
    /// What is written down of it.
    pub(super) account: Account,
    /// Cancelled when it has ended.
    pub(super) over: CancellationToken,
    /// The answers that hold for more than one file. Whoever holds the lock may ask: one question at a time.
    pub(super) answers: tokio::sync::Mutex<Answers>,
    /// Held while a file is copied whose name may be one with another's at the target.
    pub(super) twins: tokio::sync::Mutex<()>,
    /// The last folder at the target that was seen to keep names of one fold apart.
    apart: Mutex<Option<FilePath>>,
    /// What was learned of the digests its target tells.
    pub(super) digests: Learned,
    title: String,
    around: Arc<Surroundings>,
    keeps_trying: AtomicBool,
    files_done: AtomicU64,
    files_total: AtomicU64,
    bytes_done: Arc<AtomicU64>,
    bytes_total: AtomicU64,
    counting: AtomicBool,
    shown: Mutex<Shown>,
}

/// What changes seldom.
#[derive(Default)]
struct Shown {
    report: Report,
    /// Whence and whereto what the report says failed was on its way.
    failed: Vec<(FilePath, Option<FilePath>)>,
    under_way: Vec<Arc<Meter>>,
    /// Waits for a line that broke: until when, and which try comes then.
    waits: Vec<(Duration, u32)>,
    rate: Rate,
}

impl Job {
    pub(super) fn new(id: JobId, spec: JobSpec, around: Arc<Surroundings>) -> Self {
        let (places, prompter) = (Arc::clone(&around.places), Arc::clone(&around.prompter));
        let mut limiters = vec![Arc::new(Limiter::new(0))];
        limiters.extend(places.limiter(spec.from));
        limiters.extend(places.limiter(spec.to).filter(|_| spec.from != spec.to));
        limiters.push(Arc::clone(&around.limiter));
        let flow = Arc::new(Flow::new(limiters));
        let account = Account::new(around.journal.clone(), id.0, spec.options.priority);
        Self {
            id,
            title: title(&spec, &*places),
            spec,
            places,
            prompter,
            stop: flow.stop.clone(),
            flow,
            leaving: AtomicBool::new(false),
            account,
            over: CancellationToken::new(),
            answers: tokio::sync::Mutex::default(),
            twins: tokio::sync::Mutex::default(),
            apart: Mutex::default(),
            digests: Learned::default(),
            keeps_trying: AtomicBool::new(around.persistence.keep_trying),
            around,
            files_done: AtomicU64::new(0),
            files_total: AtomicU64::new(0),
            bytes_done: Arc::default(),
            bytes_total: AtomicU64::new(0),
            counting: AtomicBool::new(true),
            shown: Mutex::default(),
        }
    }

    /// Stops it because the program ends, unless a person stopped it before.
    pub(super) fn leave(&self) {
        if !self.stop.is_cancelled() {
            self.leaving.store(true, Ordering::Relaxed);
            self.flow.end();
        }
    }

    /// Puts it on the disk; answers whether it goes on with one that was interrupted.
    pub(super) async fn begin(&self) -> bool {
        let order = Order::of(&self.spec, &*self.places);
        self.account.begin(order, &self.title, self.spec.options.rest_of).await
    }

    /// Writes down how it ended.
    pub(super) async fn close_account(&self, report: &Report) {
        let ending = if self.leaving.load(Ordering::Relaxed) { Ending::Left } else { Ending::Over };
        self.account.ended(ending, report.failures.iter().map(|failure| failure.why.clone())).await;
    }

    /// Permission bits that may travel. A server does not decide that files here may be written by everybody.
    pub(super) fn mode_mask(&self) -> u32 {
        match (self.spec.from, self.spec.to) {
            (Place::Remote(_), Place::Local) => 0o755,
            _ => 0o777,
        }
    }

    /// What it is called, safe to draw.
    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// More work was found.
    pub(super) fn found(&self, files: u64, bytes: u64) {
        self.files_total.fetch_add(files, Ordering::Relaxed);
        self.bytes_total.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Work that was found will not move these bytes.
    pub(super) fn left_out(&self, bytes: u64) {
        self.bytes_total.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// No more work will be found.
    pub(super) fn counted(&self) {
        self.counting.store(false, Ordering::Relaxed);
    }

    /// A meter that a screen sees until it is given to [`Job::taken_off`].
    pub(super) fn meter(&self, name: String, total: Option<u64>) -> Arc<Meter> {
        let meter = Arc::new(Meter::new(name, total, Arc::clone(&self.bytes_done)));
        self.shown().under_way.push(Arc::clone(&meter));
        meter
    }

    /// The file behind `meter` is no longer under way.
    pub(super) fn taken_off(&self, meter: &Arc<Meter>) {
        self.shown().under_way.retain(|other| !Arc::ptr_eq(other, meter));
    }

    /// One file, link or folder is through.
    pub(super) async fn ended(&self, source: &FilePath, target: Option<&FilePath>, bytes: u64, result: FsResult<Outcome>) {
        self.files_done.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = &result {
            self.account.failed(error);
        }
        {
            let shown = &mut *self.shown();
            let report = &mut shown.report;
            match &result {
                Ok(Outcome::Copied | Outcome::Resumed | Outcome::Removed | Outcome::Verified(_)) => {
                    report.done += 1;
                    report.bytes += bytes;
                    if let Ok(Outcome::Verified(proof)) = result {
                        report.verified += 1;
                        report.proved(proof);
                    }
                }
                Ok(Outcome::Skipped) => report.skipped += 1,
                Err(error) => {
                    report.failed += 1;
                    if report.failures.len() < Report::MAX_FAILURES {
                        let words = target.map(FilePath::display).unwrap_or_default();
                        report.failures.push(FileFailure { path: source.display(), target: words, why: Advice::from(error).sentence() });
                        shown.failed.push((source.clone(), target.cloned()));
                    }
                }
            }
        }
        if let Some(outcomes) = self.around.outcomes.as_ref().filter(|_| result.is_err() || !self.around.only_failures) {
            let outcome = FileOutcome { job: self.id, source: source.clone(), target: target.cloned(), bytes, result };
            tokio::select! {
                biased;
                // A receiver that is gone wants to know no more.
                sent = outcomes.send(outcome) => drop(sent),
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// Something failed that nobody had counted as work before.
    pub(super) async fn failed(&self, source: &FilePath, target: Option<&FilePath>, error: FsError) {
        if !self.is_no_failure(&error) {
            self.found(1, 0);
            self.ended(source, target, 0, Err(error)).await;
        }
    }

    /// Whether an error only says that the job was stopped, also in a pause or while it waited for a line.
    pub(super) fn is_no_failure(&self, error: &FsError) -> bool {
        error.kind == FsErrorKind::Cancelled || self.stop.is_cancelled() && error.is_connection_lost()
    }

    /// Whether anything failed so far.
    pub(super) fn has_failed(&self) -> bool {
        self.shown().report.failed > 0
    }

    /// Nobody answered a question, so a file was left.
    pub(super) fn unanswered(&self) {
        self.shown().report.unanswered += 1;
    }

    /// Whether names that differ only in case are two in this folder of the target, as far as it was seen.
    pub(super) fn keeps_apart(&self, folder: &FilePath) -> bool {
        self.apart.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(folder)
    }

    /// In this folder of the target, they are two.
    pub(super) fn learn_apart(&self, folder: FilePath) {
        *self.apart.lock().unwrap_or_else(PoisonError::into_inner) = Some(folder);
    }

    /// Counts a symbolic link.
    pub(super) fn link(&self, count: impl FnOnce(&mut LinkTally)) {
        count(&mut self.shown().report.links);
    }

    /// How many failed or were skipped so far.
    pub(super) fn left_behind(&self) -> u64 {
        let shown = self.shown();
        shown.report.failed + shown.report.skipped
    }

    /// Waits for `work` unless the job is stopped first.
    pub(super) async fn unless_stopped<T>(&self, work: impl Future<Output = FsResult<T>>) -> FsResult<T> {
        unless_stopped(&self.stop, work).await
    }

    /// Waits for its turn, and does what a pause does not break off: the pause has come once it is done.
    pub(super) async fn in_turn<T>(&self, work: impl Future<Output = FsResult<T>>) -> FsResult<T> {
        self.flow.go().await?;
        let _held = self.flow.hold();
        self.unless_stopped(work).await
    }

    /// A connection for one transfer, which treats the ends of lines as the job wants it.
    pub(super) async fn lease(&self, place: Place) -> FsResult<Lease> {
        self.places.lease(place).await.map(|lease| self.in_its_type(lease))
    }

    /// The same for a stretch of one large file, see [`Places::lease_apart`](super::places::Places::lease_apart).
    pub(super) async fn lease_apart(&self, place: Place) -> FsResult<Lease> {
        self.places.lease_apart(place).await.map(|lease| self.in_its_type(lease))
    }

    fn in_its_type(&self, lease: Lease) -> Lease {
        match self.spec.options.transfer_type {
            Some(transfer_type) => lease.with_transfer_type(transfer_type),
            None => lease,
        }
    }

    /// A file's turn to move; it ends when the answer is dropped.
    pub(super) async fn file_turn(&self) -> FsResult<Vec<OwnedSemaphorePermit>> {
        let turn = self.around.turns.take([self.spec.from, self.spec.to]);
        self.flow.unless_paused(async { Ok(turn.await) }).await
    }

    /// Whether a person limited how many files move at once.
    pub(super) fn has_turns(&self) -> bool {
        self.around.turns.are_limited()
    }

    /// How long to wait before the next try, where so many failed on a broken line; `None`: no more.
    pub(super) fn next_try(&self, failed: u32) -> Option<Duration> {
        let persistence = self.around.persistence;
        (failed < persistence.tries || self.keeps_trying.load(Ordering::Relaxed)).then(|| persistence.wait(failed))
    }

    /// Whether it tries again without end.
    pub(super) fn keep_trying(&self, keeps: bool) {
        self.keeps_trying.store(keeps, Ordering::Relaxed);
    }

    /// Tells a screen that a try is waited for, until the answer is dropped.
    pub(super) fn waits(&self, wait: Duration, attempt: u32) -> Waits<'_> {
        let entry = (self.around.started.elapsed() + wait, attempt);
        self.shown().waits.push(entry);
        Waits { job: self, entry }
    }

    /// Ends it, and answers its report and how it ended.
    pub(super) fn finished(&self) -> (Report, JobState) {
        self.counted();
        let mut shown = self.shown();
        shown.report.cancelled = self.stop.is_cancelled();
        shown.under_way.clear();
        let state = match &shown.report {
            report if report.cancelled => JobState::Cancelled,
            report if report.failed > 0 => JobState::Failed,
            _ => JobState::Finished,
        };
        (shown.report.clone(), state)
    }

    /// What came of it so far.
    pub(super) fn report(&self) -> Report {
        self.shown().report.clone()
    }

    /// Takes what failed out of the report, all or the one at an index: it is tried again.
    pub(super) fn take_failed(&self, only: Option<usize>) -> Vec<(FilePath, Option<FilePath>)> {
        let shown = &mut *self.shown();
        let taken: Vec<_> = match only {
            None => std::mem::take(&mut shown.failed),
            Some(at) if at < shown.failed.len() => vec![shown.failed.remove(at)],
            Some(_) => return Vec::new(),
        };
        match only {
            None => shown.report.failures.clear(),
            Some(at) => drop(shown.report.failures.remove(at)),
        }
        shown.report.failed -= taken.len() as u64;
        shown.report.retried += taken.len() as u64;
        taken
    }

    /// What came of it so far: files done, and files that failed.
    pub(super) fn counts(&self) -> (u64, u64) {
        let shown = self.shown();
        (shown.report.done + shown.report.skipped, shown.report.failed)
    }

    /// How it stands at `now`, counted from the start of the queue.
    pub(super) fn progress(&self, now: Duration, state: JobState, priority: Priority) -> JobProgress {
        let mut shown = self.shown();
        let bytes_done = self.bytes_done.load(Ordering::Relaxed);
        let bytes_total = self.bytes_total.load(Ordering::Relaxed);
        let counting = self.counting.load(Ordering::Relaxed);
        let running = state == JobState::Running;
        let line = shown.waits.iter().min().copied().filter(|_| running);
        let rate = if running {
            shown.rate.observe(now, bytes_done)
        } else {
            // A pause is no slow stretch.
            shown.rate = Rate::default();
            0.0
        };
        JobProgress {
            id: self.id,
            kind: self.spec.kind,
            title: self.title.clone(),
            line: line.map(|(until, attempt)| LineWait { again_in: until.saturating_sub(now), attempt }),
            state,
            files_done: self.files_done.load(Ordering::Relaxed),
            files_total: self.files_total.load(Ordering::Relaxed),
            bytes_done,
            bytes_total,
            counting: counting && !state.is_over() && (running || bytes_total > 0),
            rate,
            remaining: if counting { None } else { remaining(bytes_total.saturating_sub(bytes_done), rate) },
            files: shown.under_way.iter().map(|meter| meter.progress()).collect(),
            report: state.is_over().then(|| shown.report.clone()),
            priority,
            from: self.spec.from,
            to: (self.spec.to, self.spec.to_dir.clone()),
            keeps_trying: self.keeps_trying.load(Ordering::Relaxed),
            limit: self.flow.limiter().map_or(0, Limiter::rate),
            crowded: if running { self.crowded() } else { Vec::new() },
        }
    }

    /// The sites it works with that refused another connection, and how many they take.
    fn crowded(&self) -> Vec<(String, usize)> {
        let (from, to) = (self.spec.from, Some(self.spec.to).filter(|to| *to != self.spec.from));
        let given = |place: Place| Some((self.places.name(place), self.places.most_given(place)?));
        std::iter::once(from).chain(to).filter_map(given).collect()
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A wait that a screen shows.
pub(super) struct Waits<'a> {
    job: &'a Job,
    entry: (Duration, u32),
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let waits = &mut self.job.shown().waits;
        if let Some(at) = waits.iter().position(|entry| *entry == self.entry) {
            waits.swap_remove(at);
        }
    }
}

fn title(spec: &JobSpec, places: &dyn Places) -> String {
    let what = match (&spec.options.picked, &*spec.options.only, &*spec.items) {
        (Some(picked), ..) => picked.words(),
        (None, [(one, _)], _) => one.name().map(|name| name.display()).unwrap_or_default(),
        (None, [], [item]) => item.display(),
        (None, [], items) => format!("{} items", items.len()),
        (None, only, _) => format!("{} items", only.len()),
    };
    let at = |place, dir: &FilePath| match place {
        Place::Local => dir.display(),
        Place::Remote(_) => format!("{}{}", places.name(place), dir.display()),
    };
    match spec.kind {
        JobKind::Delete => format!("{what} in {}", at(spec.from, &spec.from_dir)),
        JobKind::Copy | JobKind::Move => {
            format!("{what} from {} to {}", at(spec.from, &spec.from_dir), at(spec.to, &spec.to_dir))
        }
    }
}
