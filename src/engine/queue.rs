//! The queue of jobs: order one, stop one, look at all. Not what a job does.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::event::Event;
use super::job::{FileOutcome, JobId, JobKind, JobSpec, Place};
use super::places::Places;
use super::progress::Snapshot;
use super::running::Job;
use super::{delete, transfer};
use crate::ask::Prompter;
use crate::model::FilePath;
use crate::vfs::{FsError, FsErrorKind};

/// Runs jobs, a few at once, in the order they come. Dropped, it aborts them where they are; [`Queue::shutdown`] lets
/// them tidy up.
pub struct Queue {
    places: Arc<dyn Places>,
    prompter: Arc<dyn Prompter>,
    options: QueueOptions,
    events: mpsc::Sender<Event>,
    slots: Arc<Semaphore>,
    started: Instant,
    next_id: AtomicU64,
    jobs: Mutex<Vec<Arc<Job>>>,
    tasks: Mutex<JoinSet<()>>,
}

/// How a [`Queue`] works.
#[derive(Debug, Clone)]
pub struct QueueOptions {
    /// Jobs that run at once.
    pub jobs: usize,
    /// Who wants to know of each file. A full channel slows the jobs, a closed one is ignored.
    pub outcomes: Option<mpsc::Sender<FileOutcome>>,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self { jobs: 2, outcomes: None }
    }
}

/// How long jobs may take to tidy up when the program ends.
const SHUTDOWN: Duration = Duration::from_secs(10);

impl Queue {
    /// A queue that tells `events`, which has to be read, of every job that ends.
    pub fn new(places: Arc<dyn Places>, prompter: Arc<dyn Prompter>, events: mpsc::Sender<Event>, options: QueueOptions) -> Self {
        Self {
            places,
            prompter,
            slots: Arc::new(Semaphore::new(options.jobs.max(1))),
            options,
            events,
            started: Instant::now(),
            next_id: AtomicU64::new(1),
            jobs: Mutex::default(),
            tasks: Mutex::default(),
        }
    }

    /// Puts a job at the end of the queue. To be called within a tokio runtime.
    pub fn submit(&self, spec: JobSpec) -> JobId {
        let id = JobId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let job = Job::new(id, spec, Arc::clone(&self.places), Arc::clone(&self.prompter), self.options.outcomes.clone());
        let job = Arc::new(job);
        lock(&self.jobs).push(Arc::clone(&job));
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(run(job, Arc::clone(&self.slots), self.events.clone()));
        id
    }

    /// Stops a job; it tidies up and then tells that it ended. Nothing happens if there is none of that id.
    pub fn cancel(&self, id: JobId) {
        if let Some(job) = lock(&self.jobs).iter().find(|job| job.id == id) {
            job.stop.cancel();
        }
    }

    /// Stops the jobs that work at `place` and waits until they have tidied up, but not for ever.
    pub async fn stop_at(&self, place: Place) {
        let there: Vec<_> = lock(&self.jobs).iter().filter(|job| [job.spec.from, job.spec.to].contains(&place)).cloned().collect();
        for job in &there {
            job.stop.cancel();
        }
        let ended = join_all(there.iter().map(|job| job.over.cancelled()));
        if timeout(SHUTDOWN, ended).await.is_err() {
            tracing::debug!("jobs did not end in time");
        }
    }

    /// All jobs as they stand.
    pub fn snapshot(&self) -> Snapshot {
        let now = self.started.elapsed();
        Snapshot { jobs: lock(&self.jobs).iter().map(|job| job.progress(now)).collect() }
    }

    /// Forgets jobs that ended.
    pub fn clear_finished(&self) {
        lock(&self.jobs).retain(|job| !job.is_over());
    }

    /// Stops all jobs and waits until they have tidied up, but not for ever.
    pub async fn shutdown(&self) {
        for job in lock(&self.jobs).iter() {
            job.stop.cancel();
        }
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        let ended = async { while tasks.join_next().await.is_some() {} };
        if timeout(SHUTDOWN, ended).await.is_err() {
            tracing::debug!("jobs did not end in time");
            tasks.shutdown().await;
        }
    }
}

async fn run(job: Arc<Job>, slots: Arc<Semaphore>, events: mpsc::Sender<Event>) {
    let slot = tokio::select! {
        biased;
        () = job.stop.cancelled() => None,
        slot = slots.acquire() => slot.ok(),
    };
    if slot.is_some() {
        job.started();
        let work = async {
            match job.spec.kind {
                JobKind::Copy | JobKind::Move => transfer::transfer(&job).await,
                JobKind::Delete => delete::delete(&job).await,
            }
        };
        // Whoever waits for the end of a job hears of it in any case.
        if AssertUnwindSafe(work).catch_unwind().await.is_err() {
            let error = FsError::new(FsErrorKind::Io, "finish the job in", &job.spec.from_dir, "the program failed inside it");
            job.failed(&job.spec.from_dir, None, error).await;
        }
    }
    let report = job.finished();
    job.over.cancel();
    drop(slot);
    // Nobody listening is no failure.
    drop(events.send(Event::JobEnded { id: job.id, report, changed: changed(&job.spec) }).await);
}

fn changed(spec: &JobSpec) -> Vec<(Place, FilePath)> {
    let (from, to) = ((spec.from, spec.from_dir.clone()), (spec.to, spec.to_dir.clone()));
    match spec.kind {
        JobKind::Copy => vec![to],
        JobKind::Delete => vec![from],
        JobKind::Move if from == to => vec![to],
        JobKind::Move => vec![from, to],
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
