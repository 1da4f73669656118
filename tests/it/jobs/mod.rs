//! Jobs of the queue between two memory trees that fail where a test wants.

mod conflicts;
mod faults;
mod moves;
mod walks;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sealift::ask::{Prompter, Refuse};
use sealift::engine::{
    ConflictPolicy, Event, FileOutcome, JobId, JobKind, JobSpec, Lease, Place, Places, Queue, QueueOptions, Report, SessionId,
};
use sealift::model::FilePath;
use sealift::vfs::memory::MemoryOptions;
use sealift::vfs::{FsError, MemoryFileSystem};
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
}

#[async_trait]
impl Places for Trees {
    async fn lease(&self, place: Place) -> Result<Lease, FsError> {
        self.leases.fetch_add(1, Ordering::Relaxed);
        let tree = if place == Place::Local { &self.local } else { &self.remote };
        Ok(Lease::shared(Arc::new(tree.reconnect())))
    }
    fn name(&self, place: Place) -> String {
        if place == Place::Local { "this machine".to_owned() } else { "sftp://demo".to_owned() }
    }
    fn parallel(&self, _: Place) -> usize {
        self.parallel
    }
}

/// A queue over two trees with `/from` and `/to` in each.
pub struct Bench {
    pub trees: Arc<Trees>,
    pub queue: Queue,
    pub events: mpsc::Receiver<Event>,
    pub outcomes: mpsc::Receiver<FileOutcome>,
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
        for tree in [&local, &remote] {
            tree.put_dir(&path("/from")).unwrap();
            tree.put_dir(&path("/to")).unwrap();
        }
        let trees = Arc::new(Trees { local, remote, parallel, leases: AtomicUsize::new(0) });
        let (sender, outcomes) = mpsc::channel(20_000);
        let places = Arc::clone(&trees) as Arc<dyn Places>;
        let (news, events) = mpsc::channel(256);
        let queue = Queue::new(places, prompter, news, QueueOptions { outcomes: Some(sender), ..QueueOptions::default() });
        Self { trees, queue, events, outcomes }
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

    pub async fn ended(&mut self, job: JobId) -> Report {
        let event = tokio::time::timeout(Duration::from_secs(300), self.events.recv()).await.expect("the job did not end");
        let Event::JobEnded { id, report, .. } = event.unwrap() else { panic!("only jobs end here") };
        assert_eq!(id, job);
        report
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
