//! Jobs of the queue between two memory trees that fail where a test wants.

mod conflicts;
mod faults;
mod links;
mod moves;
mod pauses;
mod queue;
mod resume;
mod segments;
mod twins;
mod verify;
mod walks;
#[cfg(target_os = "linux")]
mod within;
mod workers;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sealift::ask::{Prompter, Refuse};
use sealift::engine::{
    ConflictPolicy, Event, FileOutcome, JobId, JobKind, JobOptions, JobSpec, JobState, Lease, Place, Places, Queue, QueueOptions, Report,
    SessionId, Snapshot,
};
use sealift::model::{Endpoint, FilePath, Protocol, Site};
use sealift::vfs::memory::MemoryOptions;
use sealift::vfs::{FsError, FsErrorKind, MemoryFileSystem};
use tokio::sync::mpsc;

pub const REMOTE: Place = Place::Remote(SessionId(1));

pub fn path(text: &str) -> FilePath {
    FilePath::try_from(text).unwrap()
}

/// Two trees; each lease is a connection of its own.
pub struct Trees {
    pub local: MemoryFileSystem,
    pub remote: MemoryFileSystem,
    pub parallel: usize,
    pub leases: AtomicUsize,
    /// Leases nobody gave back yet.
    pub held: Arc<AtomicUsize>,
    /// One job at a time works at the remote end.
    pub alone: bool,
    /// Leases the remote place gives; then it refuses more.
    pub most: AtomicUsize,
    /// One connection carries many files.
    pub many: AtomicBool,
}

#[async_trait]
impl Places for Trees {
    async fn lease(&self, place: Place) -> Result<Lease, FsError> {
        self.leases.fetch_add(1, Ordering::Relaxed);
        if place == REMOTE && self.most.fetch_update(Ordering::AcqRel, Ordering::Acquire, |most| most.checked_sub(1)).is_err() {
            return Err(FsError::connection(FsErrorKind::Refused, "open another connection", "too many"));
        }
        let tree = if place == Place::Local { &self.local } else { &self.remote };
        self.held.fetch_add(1, Ordering::Relaxed);
        let held = Arc::clone(&self.held);
        Ok(Lease::new(Arc::new(tree.reconnect()), move |_, _| {
            held.fetch_sub(1, Ordering::Relaxed);
        }))
    }
    fn alone(&self, place: Place) -> bool {
        self.alone && place != Place::Local
    }
    fn name(&self, place: Place) -> String {
        if place == Place::Local { "this machine".to_owned() } else { "sftp://demo".to_owned() }
    }
    fn parallel(&self, _: Place) -> usize {
        self.parallel
    }
    fn carries_many(&self, _: Place) -> bool {
        self.many.load(Ordering::Relaxed)
    }
    fn site(&self, place: Place) -> Option<Site> {
        let endpoint = Endpoint::new("demo", 22);
        (place == REMOTE).then_some(Site { protocol: Protocol::Sftp, endpoint, user: None, default_port_named: false })
    }
}

/// A queue over two trees with `/from` and `/to` in each.
pub struct Bench {
    pub trees: Arc<Trees>,
    pub queue: Queue,
    pub events: mpsc::Receiver<Event>,
    pub outcomes: mpsc::Receiver<FileOutcome>,
    /// Notices that came.
    pub told: Vec<String>,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(MemoryFileSystem::new(), MemoryFileSystem::new(), 3, Arc::new(Refuse))
    }

    pub fn asking(prompter: Arc<dyn Prompter>) -> Self {
        Self::with(MemoryFileSystem::new(), MemoryFileSystem::new(), 3, prompter)
    }

    /// The remote tree cannot make links and serves one transfer at a time, as FTP.
    pub fn like_ftp() -> Self {
        let mut options = MemoryOptions::default();
        options.capabilities.symlinks = false;
        options.capabilities.parallel = false;
        Self::with(MemoryFileSystem::new(), MemoryFileSystem::with_options(options), 1, Arc::new(Refuse))
    }

    pub fn with(local: MemoryFileSystem, remote: MemoryFileSystem, parallel: usize, prompter: Arc<dyn Prompter>) -> Self {
        Self::made(local, remote, parallel, prompter, &QueueOptions::default(), false)
    }

    pub fn with_options(options: &QueueOptions) -> Self {
        Self::made(MemoryFileSystem::new(), MemoryFileSystem::new(), 3, Arc::new(Refuse), options, false)
    }

    /// One job at a time works at the remote end.
    pub fn alone() -> Self {
        Self::made(MemoryFileSystem::new(), MemoryFileSystem::new(), 3, Arc::new(Refuse), &QueueOptions::default(), true)
    }

    /// Its jobs are written down in `journal`, as those of one run of the program.
    pub fn kept(local: &MemoryFileSystem, remote: &MemoryFileSystem, journal: &Path) -> Self {
        let options = QueueOptions { journal: Some(journal.to_owned()), ..QueueOptions::default() };
        Self::made(local.reconnect(), remote.reconnect(), 3, Arc::new(Refuse), &options, false)
    }

    fn made(
        local: MemoryFileSystem,
        remote: MemoryFileSystem,
        parallel: usize,
        prompter: Arc<dyn Prompter>,
        options: &QueueOptions,
        alone: bool,
    ) -> Self {
        for tree in [&local, &remote] {
            tree.put_dir(&path("/from")).unwrap();
            tree.put_dir(&path("/to")).unwrap();
        }
        let trees = Arc::new(Trees {
            local,
            remote,
            parallel,
            leases: AtomicUsize::new(0),
            held: Arc::default(),
            alone,
            most: AtomicUsize::new(usize::MAX),
            many: AtomicBool::new(false),
        });
        let (sender, outcomes) = mpsc::channel(20_000);
        let places = Arc::clone(&trees) as Arc<dyn Places>;
        let (news, events) = mpsc::channel(256);
        let queue = Queue::new(places, prompter, news, QueueOptions { outcomes: Some(sender), ..options.clone() });
        Self { trees, queue, events, outcomes, told: Vec::new() }
    }

    pub fn put(&self, file: &str, content: &[u8]) {
        self.trees.local.put(&path(file), content).unwrap();
    }

    pub fn uploaded(&self, file: &str) -> Option<Vec<u8>> {
        self.trees.remote.content(&path(file))
    }

    /// Everything below the remote `/to`.
    pub fn arrived(&self) -> Vec<String> {
        self.trees.remote.paths().iter().filter_map(|path| path.strip_prefix("/to/")).filter(|p| !p.is_empty()).map(str::to_owned).collect()
    }

    pub async fn upload(&mut self, items: &[&str]) -> Report {
        self.run(upload(items)).await
    }

    pub async fn run(&mut self, spec: JobSpec) -> Report {
        let id = self.queue.submit(spec);
        self.ended(id).await
    }

    /// Waits until the jobs stand as `wanted` has it. With the clock paused, a timer fires only when nothing else can move.
    pub async fn until(&self, wanted: impl Fn(&Snapshot) -> bool) -> Snapshot {
        for _ in 0..1_000_000 {
            let snapshot = self.queue.snapshot();
            if wanted(&snapshot) {
                return snapshot;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("{:#?}", self.queue.snapshot());
    }

    /// Waits until the first job is in `state`.
    pub async fn until_first_is(&self, state: JobState) {
        self.until(|snapshot| snapshot.jobs[0].state == state).await;
    }

    pub fn states(&self) -> Vec<JobState> {
        self.queue.snapshot().jobs.iter().map(|job| job.state).collect()
    }

    pub async fn ended(&mut self, job: JobId) -> Report {
        loop {
            let event = tokio::time::timeout(Duration::from_secs(300), self.events.recv()).await.expect("the job did not end");
            match event.unwrap() {
                Event::JobEnded { id, report, .. } => {
                    assert_eq!(id, job);
                    return report;
                }
                Event::Notice(advice) => self.told.push(advice.what),
                Event::SessionLine { .. } => panic!("no line is told of here"),
            }
        }
    }
}

/// A copy from the local `/from` to the remote `/to`.
pub fn upload(items: &[&str]) -> JobSpec {
    JobSpec {
        kind: JobKind::Copy,
        from: Place::Local,
        from_dir: path("/from"),
        items: items.iter().map(|&item| item.try_into().unwrap()).collect(),
        to: REMOTE,
        to_dir: path("/to"),
        new_name: None,
        conflicts: ConflictPolicy::Ask,
        options: JobOptions::default(),
    }
}

/// Everything worked: nothing failed, was skipped or stopped.
pub fn assert_clean(report: &Report, done: u64) {
    assert_eq!((report.done, report.skipped, report.failed, report.cancelled), (done, 0, 0, false), "{report:?}");
}

/// Exactly one failure, whose sentence has `words`.
pub fn assert_failed(report: &Report, words: &str) {
    assert_eq!(report.failed, 1, "{report:?}");
    assert!(report.failures[0].why.contains(words), "{report:?}");
}

/// The one file system of a tree, for what tests do beside the queue.
pub fn beside(tree: &MemoryFileSystem) -> MemoryFileSystem {
    tree.reconnect()
}
