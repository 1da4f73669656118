//! What the tasks of one job share: the order, the counters, the report, the answers given so far.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::advice::Advice;
use super::job::{FileFailure, FileOutcome, JobId, JobKind, JobSpec, Outcome, Place, Report};
use super::meter::{Meter, Rate, remaining};
use super::places::Places;
use super::progress::{JobProgress, JobState};
use crate::ask::{ConflictAction, Prompter};
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
    /// Cancelled when it has ended.
    pub(super) over: CancellationToken,
    /// The answer that holds for the rest of the job. Whoever holds the lock may ask: one question at a time.
    pub(super) answered: tokio::sync::Mutex<Option<ConflictAction>>,
    title: String,
    outcomes: Option<mpsc::Sender<FileOutcome>>,
    files_done: AtomicU64,
    files_total: AtomicU64,
    bytes_done: Arc<AtomicU64>,
    bytes_total: AtomicU64,
    counting: AtomicBool,
    shown: Mutex<Shown>,
}

/// What changes seldom.
struct Shown {
    state: JobState,
    report: Report,
    under_way: Vec<Arc<Meter>>,
    rate: Rate,
}

impl Job {
    pub(super) fn new(
        id: JobId,
        spec: JobSpec,
        places: Arc<dyn Places>,
        prompter: Arc<dyn Prompter>,
        outcomes: Option<mpsc::Sender<FileOutcome>>,
    ) -> Self {
        Self {
            id,
            title: title(&spec, &*places),
            spec,
            places,
            prompter,
            stop: CancellationToken::new(),
            over: CancellationToken::new(),
            answered: tokio::sync::Mutex::default(),
            outcomes,
            files_done: AtomicU64::new(0),
            files_total: AtomicU64::new(0),
            bytes_done: Arc::default(),
            bytes_total: AtomicU64::new(0),
            counting: AtomicBool::new(true),
            shown: Mutex::new(Shown { state: JobState::Waiting, report: Report::default(), under_way: Vec::new(), rate: Rate::default() }),
        }
    }

    /// Permission bits that may travel. A server does not decide that files here may be written by everybody.
    pub(super) fn mode_mask(&self) -> u32 {
        match (self.spec.from, self.spec.to) {
            (Place::Remote(_), Place::Local) => 0o755,
            _ => 0o777,
        }
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
        {
            let report = &mut self.shown().report;
            match &result {
                Ok(Outcome::Copied | Outcome::Removed) => {
                    report.done += 1;
                    report.bytes += bytes;
                }
                Ok(Outcome::Skipped) => report.skipped += 1,
                Err(error) => {
                    report.failed += 1;
                    if report.failures.len() < Report::MAX_FAILURES {
                        report.failures.push(FileFailure { path: source.display(), why: Advice::from(error).sentence() });
                    }
                }
            }
        }
        if let Some(outcomes) = &self.outcomes {
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
        if error.kind != FsErrorKind::Cancelled {
            self.found(1, 0);
            self.ended(source, target, 0, Err(error)).await;
        }
    }

    /// How many failed or were skipped so far.
    pub(super) fn left_behind(&self) -> u64 {
        let shown = self.shown();
        shown.report.failed + shown.report.skipped
    }

    /// Waits for `work` unless the job is stopped first.
    pub(super) async fn unless_stopped<T>(&self, work: impl Future<Output = FsResult<T>>) -> FsResult<T> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(FsError::connection(FsErrorKind::Cancelled, "go on", "")),
            done = work => done,
        }
    }

    pub(super) fn started(&self) {
        self.shown().state = JobState::Running;
    }

    /// Ends it, and answers its report.
    pub(super) fn finished(&self) -> Report {
        self.counted();
        let mut shown = self.shown();
        shown.report.cancelled = self.stop.is_cancelled();
        shown.state = if shown.report.cancelled { JobState::Cancelled } else { JobState::Finished };
        shown.under_way.clear();
        shown.report.clone()
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.shown().state, JobState::Finished | JobState::Cancelled)
    }

    /// How it stands at `now`, counted from any fixed moment.
    pub(super) fn progress(&self, now: Duration) -> JobProgress {
        let mut shown = self.shown();
        let bytes_done = self.bytes_done.load(Ordering::Relaxed);
        let bytes_total = self.bytes_total.load(Ordering::Relaxed);
        let counting = self.counting.load(Ordering::Relaxed);
        let running = shown.state == JobState::Running;
        let rate = if running { shown.rate.observe(now, bytes_done) } else { 0.0 };
        JobProgress {
            id: self.id,
            kind: self.spec.kind,
            title: self.title.clone(),
            state: shown.state,
            files_done: self.files_done.load(Ordering::Relaxed),
            files_total: self.files_total.load(Ordering::Relaxed),
            bytes_done,
            bytes_total,
            counting: counting && running,
            rate,
            remaining: if counting { None } else { remaining(bytes_total.saturating_sub(bytes_done), rate) },
            files: shown.under_way.iter().map(|meter| meter.progress()).collect(),
            report: matches!(shown.state, JobState::Finished | JobState::Cancelled).then(|| shown.report.clone()),
        }
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn title(spec: &JobSpec, places: &dyn Places) -> String {
    let what = match &*spec.items {
        [item] => item.display(),
        items => format!("{} items", items.len()),
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
