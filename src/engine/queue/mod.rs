//! The queue of jobs: order one, steer one, look at all. Not what a job does, and not in which order they go.

mod options;

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;
use jiff::Zoned;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

pub use self::options::{Persistence, QueueOptions};
use super::advice::Advice;
use super::event::Event;
use super::job::{FileOutcome, JobId, JobKind, JobSpec, Place, Report};
use super::journal::Journal;
use super::limiter::Limiter;
use super::order::{Again, QueueOrder, Start};
use super::places::Places;
use super::progress::{JobState, Snapshot};
use super::running::Job;
use super::schedule::{Entry, Schedule};
use super::turns::Turns;
use super::{delete, sync, transfer};
use crate::ask::Prompter;
use crate::model::FilePath;
use crate::vfs::{FsError, FsErrorKind};

/// Runs jobs, a few at once, in an order that can be changed. Dropped, it aborts them where they are; [`Queue::shutdown`] lets
/// them tidy up.
pub struct Queue {
    inner: Arc<Inner>,
    next_id: AtomicU64,
    tasks: Mutex<JoinSet<()>>,
    /// Who looks at the clock while a job waits for a time.
    clock: Mutex<Option<AbortHandle>>,
}

/// What all jobs share.
pub(super) struct Surroundings {
    pub(super) places: Arc<dyn Places>,
    pub(super) prompter: Arc<dyn Prompter>,
    pub(super) outcomes: Option<mpsc::Sender<FileOutcome>>,
    pub(super) only_failures: bool,
    pub(super) journal: Journal,
    pub(super) persistence: Persistence,
    /// Of all bytes.
    pub(super) limiter: Arc<Limiter>,
    pub(super) turns: Turns,
    pub(super) started: Instant,
}

pub(super) struct Inner {
    around: Arc<Surroundings>,
    now: fn() -> Zoned,
    events: mpsc::Sender<Event>,
    schedule: Mutex<Schedule<Arc<Job>>>,
}

/// How long jobs may take to tidy up when the program ends.
const SHUTDOWN: Duration = Duration::from_secs(10);
/// How often the wall clock is looked at while a job waits for a time: it may be set, and the machine may sleep.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(20);
/// How long the journal may take then.
const FLUSH: Duration = Duration::from_secs(5);

impl Queue {
    /// A queue that tells `events`, which has to be read, of every job that ends. To be made within a tokio runtime.
    pub fn new(places: Arc<dyn Places>, prompter: Arc<dyn Prompter>, events: mpsc::Sender<Event>, options: QueueOptions) -> Self {
        let journal = options.journal.map_or_else(Journal::default, |folder| Journal::at(folder, events.clone()));
        let around = Surroundings {
            journal,
            places,
            prompter,
            outcomes: options.outcomes,
            only_failures: options.only_failures,
            persistence: options.persistence,
            limiter: Arc::new(Limiter::new(options.limit)),
            turns: Turns::new(options.files, options.per_site),
            started: Instant::now(),
        };
        let schedule = Mutex::new(Schedule::new(options.jobs));
        let inner = Inner { around: Arc::new(around), now: options.now, events, schedule };
        Self { inner: Arc::new(inner), next_id: AtomicU64::new(1), tasks: Mutex::default(), clock: Mutex::default() }
    }

    /// Puts a job into the queue, behind those of its priority. To be called within a tokio runtime.
    pub fn submit(&self, spec: JobSpec) -> JobId {
        let id = JobId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let (priority, places) = (spec.options.priority, [spec.from, spec.to]);
        let state = match spec.options.start {
            Start::Soon => JobState::Waiting,
            Start::Held => JobState::Held,
            Start::At(time) => JobState::Scheduled(time),
        };
        let job = Arc::new(Job::new(id, spec, Arc::clone(&self.inner.around)));
        self.inner.schedule().add(id, Arc::clone(&job), state, priority, places);
        self.note_order();
        drop(self.spawn(run(Arc::clone(&self.inner), job)));
        self.follow_times(state);
        self.inner.start_due();
        id
    }

    /// Stops a job; it tidies up and then tells that it ended. Nothing happens if there is none of that id.
    pub fn cancel(&self, id: JobId) {
        if let Some(entry) = self.inner.schedule().get(id) {
            entry.job.flow.end();
        }
    }

    /// Stops all jobs; they tidy up, and nothing of them is gone on with.
    pub fn cancel_all(&self) {
        for job in self.inner.jobs(|_| true) {
            job.flow.end();
        }
    }

    /// Does what a person wants. To be called within a tokio runtime.
    pub fn carry_out(&self, order: QueueOrder) {
        let inner = &self.inner;
        match order {
            QueueOrder::Pause(id) => inner.pause(|entry| entry.id == id),
            QueueOrder::PauseAll => inner.pause(|entry| entry.state.is_active()),
            QueueOrder::Resume(id) => inner.resume(|entry| entry.id == id),
            QueueOrder::ResumeAll => {
                inner.resume(|entry| matches!(entry.state, JobState::Pausing | JobState::Paused | JobState::Held));
            }
            QueueOrder::Later(id, when) => {
                let time = when.after(&(inner.now)());
                if let Some(state @ (JobState::Held | JobState::Scheduled(_) | JobState::Waiting | JobState::Paused)) =
                    inner.schedule().state(id)
                {
                    *state = JobState::Scheduled(time);
                }
                self.follow_times(JobState::Scheduled(time));
            }
            QueueOrder::Shift(id, shift) => {
                inner.schedule().shift(id, shift);
                self.note_order();
            }
            QueueOrder::Prioritise(id, priority) => {
                inner.schedule().prioritise(id, priority);
                self.note_order();
            }
            QueueOrder::Retry(id, again) => drop(inner.take_again(id, again).map(|spec| self.submit(spec))),
            QueueOrder::RetryAll => {
                let failed: Vec<_> =
                    inner.schedule().entries().iter().filter(|entry| entry.state == JobState::Failed).map(|entry| entry.id).collect();
                for id in failed {
                    self.carry_out(QueueOrder::Retry(id, Again::Failed));
                }
            }
            QueueOrder::TryNow(id) => inner.with(id, |job| job.flow.again.notify_waiters()),
            QueueOrder::KeepTrying(id, keeps) => inner.with(id, |job| job.keep_trying(keeps)),
            QueueOrder::Limit(Some(id), rate) => {
                inner.with(id, |job| {
                    if let Some(limiter) = job.flow.limiter() {
                        limiter.set_rate(rate);
                    }
                });
            }
            QueueOrder::Limit(None, rate) => inner.around.limiter.set_rate(rate),
            QueueOrder::Jobs(most) => inner.schedule().set_most(most),
            QueueOrder::Files(most) => inner.around.turns.set_all(most),
            QueueOrder::Forget(id) => inner.schedule().forget(|entry| entry.id == id),
        }
        inner.start_due();
    }

    /// Waits until a job has ended; answers its report. `None` if there is no such job, or it was cleared meanwhile.
    pub async fn ended(&self, id: JobId) -> Option<Report> {
        let job = self.inner.schedule().get(id).map(|entry| Arc::clone(&entry.job))?;
        job.over.cancelled().await;
        Some(job.report())
    }

    /// Stops the jobs that work at `place` and waits until they have tidied up, but not for ever.
    pub async fn stop_at(&self, place: Place) {
        let there: Vec<_> = self.inner.jobs(|job| [job.spec.from, job.spec.to].contains(&place));
        for job in &there {
            job.flow.end();
        }
        let ended = join_all(there.iter().map(|job| job.over.cancelled()));
        if timeout(SHUTDOWN, ended).await.is_err() {
            tracing::debug!("jobs did not end in time");
        }
    }

    /// All jobs as they stand.
    pub fn snapshot(&self) -> Snapshot {
        let now = self.inner.around.started.elapsed();
        let schedule = self.inner.schedule();
        let jobs = schedule.entries().iter().map(|entry| entry.job.progress(now, entry.state, entry.priority)).collect();
        Snapshot { jobs, limit: self.inner.around.limiter.rate(), at_once: schedule.most() }
    }

    /// Forgets jobs that ended.
    pub fn clear_finished(&self) {
        self.inner.schedule().forget(|_| true);
    }

    /// The journal of the jobs.
    pub(super) fn journal(&self) -> &Journal {
        &self.inner.around.journal
    }

    /// Stops all jobs and waits until they have tidied up, but not for ever. What is under way, or waits, is left to be gone on
    /// with; answers how many jobs the next run can go on with.
    pub async fn shutdown(&self) -> usize {
        for job in self.inner.jobs(|_| true) {
            job.leave();
        }
        if let Some(clock) = lock(&self.clock).take() {
            clock.abort();
        }
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        let ended = async { while tasks.join_next().await.is_some() {} };
        if timeout(SHUTDOWN, ended).await.is_err() {
            tracing::debug!("jobs did not end in time");
            tasks.shutdown().await;
        }
        timeout(FLUSH, self.journal().flush()).await.unwrap_or_default()
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task)
    }

    /// Writes down which job comes before which, and how urgent they are.
    fn note_order(&self) {
        let moved = self.inner.place();
        if !moved.is_empty() {
            drop(self.spawn(async move {
                for job in moved {
                    job.account.note_standing().await;
                }
            }));
        }
    }

    /// Lets somebody look at the clock while a job waits for a time.
    fn follow_times(&self, state: JobState) {
        if matches!(state, JobState::Scheduled(_))
            && let Some(before) = lock(&self.clock).replace(self.spawn(follow_times(Arc::clone(&self.inner))))
        {
            before.abort();
        }
    }
}

impl Inner {
    fn schedule(&self) -> MutexGuard<'_, Schedule<Arc<Job>>> {
        lock(&self.schedule)
    }

    fn jobs(&self, wanted: impl Fn(&Job) -> bool) -> Vec<Arc<Job>> {
        let schedule = self.schedule();
        schedule.entries().iter().filter(|entry| !entry.state.is_over() && wanted(&entry.job)).map(|entry| Arc::clone(&entry.job)).collect()
    }

    fn with(&self, id: JobId, act: impl FnOnce(&Job)) {
        if let Some(entry) = self.schedule().get(id) {
            act(&entry.job);
        }
    }

    /// Tells the jobs that are not over where they stand; answers those that stand elsewhere than before.
    fn place(&self) -> Vec<Arc<Job>> {
        let schedule = self.schedule();
        schedule
            .places()
            .filter(|(place, entry)| entry.job.account.stands(*place, entry.priority))
            .map(|(_, entry)| entry.job.clone())
            .collect()
    }

    /// Opens the gates of the jobs whose turn it is.
    fn start_due(&self) {
        let now = (self.now)().timestamp();
        for job in self.schedule().start(now, |place| self.around.places.alone(place)) {
            job.flow.open();
        }
    }

    fn pause(&self, wanted: impl Fn(&Entry<Arc<Job>>) -> bool) {
        let schedule = &mut *self.schedule();
        let ids: Vec<_> = schedule.entries().iter().filter(|entry| wanted(entry)).map(|entry| (entry.id, Arc::clone(&entry.job))).collect();
        for (id, job) in ids {
            match schedule.state(id) {
                Some(state @ JobState::Running) => {
                    *state = JobState::Pausing;
                    job.flow.close();
                }
                // One that was paused before is paused still.
                Some(state @ JobState::Waiting) => *state = if job.flow.pauses() > 0 { JobState::Paused } else { JobState::Held },
                Some(state @ JobState::Scheduled(_)) => *state = JobState::Held,
                _ => {}
            }
        }
    }

    fn resume(&self, wanted: impl Fn(&Entry<Arc<Job>>) -> bool) {
        let schedule = &mut *self.schedule();
        let ids: Vec<_> = schedule.entries().iter().filter(|entry| wanted(entry)).map(|entry| (entry.id, Arc::clone(&entry.job))).collect();
        for (id, job) in ids {
            match schedule.state(id) {
                // It has its place among the running ones still.
                Some(state @ JobState::Pausing) => {
                    *state = JobState::Running;
                    job.flow.open();
                }
                Some(state @ (JobState::Paused | JobState::Held | JobState::Scheduled(_))) => *state = JobState::Waiting,
                _ => {}
            }
        }
    }

    /// A job that was to pause holds no connection any more: its place is free.
    fn paused(&self, id: JobId) {
        if let Some(state @ JobState::Pausing) = self.schedule().state(id) {
            *state = JobState::Paused;
        }
        self.start_due();
    }

    /// What is to be tried again of a job that is over, as a new one; the old one keeps what is left of its report.
    fn take_again(&self, id: JobId, again: Again) -> Option<JobSpec> {
        let schedule = &mut *self.schedule();
        let entry = schedule.get(id).filter(|entry| entry.state.is_over())?;
        let job = Arc::clone(&entry.job);
        if job.spec.options.picked.is_some() {
            let advice = Advice {
                what: format!("{} is not tried again", job.title()),
                why: "what it did is not in its plan any more".to_owned(),
                next: "Compare the two folders again.".to_owned(),
                intended: true,
            };
            drop(self.events.try_send(Event::Notice(advice)));
            return None;
        }
        let spec = job.again(again)?;
        let (done, failed) = job.counts();
        schedule.over(id, if failed > 0 { JobState::Failed } else { JobState::Finished });
        if again == Again::All || done + failed == 0 {
            schedule.forget(|entry| entry.id == id);
        }
        Some(spec)
    }
}

/// Starts jobs whose time has come, as long as one waits for a time.
async fn follow_times(inner: Arc<Inner>) {
    loop {
        let Some(time) = inner.schedule().next_time() else { return };
        let left = time.duration_since((inner.now)().timestamp());
        sleep(Duration::try_from(left).unwrap_or_default().min(LOOK_AT_CLOCK)).await;
        inner.start_due();
    }
}

async fn run(inner: Arc<Inner>, job: Arc<Job>) {
    // Before its turn comes: what waits is not forgotten either.
    if job.begin().await {
        let what = format!("going on with what was interrupted: {}", job.title());
        // Who does not listen has no place to say it.
        drop(inner.events.try_send(Event::Notice(Advice { what, why: String::new(), next: String::new(), intended: true })));
    }
    let work = async {
        if job.flow.go().await.is_err() {
            return;
        }
        let work = async {
            match job.spec.kind {
                JobKind::Copy | JobKind::Move => transfer::transfer(&job).await,
                JobKind::Delete => match &job.spec.options.picked {
                    Some(picked) => sync::remove(&job, picked).await,
                    None => delete::delete(&job).await,
                },
            }
        };
        // Whoever waits for the end of a job hears of it in any case.
        if AssertUnwindSafe(work).catch_unwind().await.is_err() {
            let error = FsError::new(FsErrorKind::Io, "finish the job in", &job.spec.from_dir, "the program failed inside it");
            job.failed(&job.spec.from_dir, None, error).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = tell_of_pauses(&inner, &job) => {}
    }
    let (report, state) = job.finished();
    job.close_account(&report).await;
    inner.schedule().over(job.id, state);
    job.over.cancel();
    inner.start_due();
    // Nobody listening is no failure.
    drop(inner.events.send(Event::JobEnded { id: job.id, report, changed: changed(&job.spec) }).await);
}

/// Has the place of a job freed once it holds nothing in a pause. Never ends.
async fn tell_of_pauses(inner: &Inner, job: &Job) {
    let mut turns = job.flow.turns();
    loop {
        if !*turns.borrow_and_update() {
            tokio::select! {
                () = job.flow.idle() => inner.paused(job.id),
                _ = turns.changed() => continue,
            }
        }
        // The sender lives as long as the job.
        drop(turns.changed().await);
    }
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
