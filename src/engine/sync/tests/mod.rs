//! Two trees in memory, compared and made alike.

mod applied;
mod compared;
mod kept;
mod large;
mod random;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::*;
use crate::ask::Refuse;
use crate::engine::job::{Place, SessionId};
use crate::engine::places::{Lease, Places};
use crate::engine::queue::{Queue, QueueOptions};
use crate::model::FilePath;
use crate::vfs::memory::{MemoryFileSystem, MemoryOptions};
use crate::vfs::{FileSystem, FsError, FsErrorKind, NewMetadata};

/// The right side.
pub(super) const RIGHT: Place = Place::Remote(SessionId(1));

/// Two sides; their roots are `/l` and `/r`.
#[derive(Clone)]
pub(super) struct Two {
    pub(super) left: MemoryFileSystem,
    pub(super) right: MemoryFileSystem,
    /// The right side gives so many connections at once, and refuses more.
    pub(super) most: usize,
    lent: Arc<AtomicUsize>,
}

#[async_trait]
impl Places for Two {
    async fn lease(&self, place: Place) -> Result<Lease, FsError> {
        if place == Place::Local {
            return Ok(Lease::shared(Arc::new(self.left.reconnect())));
        }
        let more = |lent: usize| (lent < self.most).then_some(lent + 1);
        if self.lent.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_err() {
            return Err(FsError::connection(FsErrorKind::Refused, "open another connection", "there are enough"));
        }
        let lent = Arc::clone(&self.lent);
        let give_back = move |_, _| {
            lent.fetch_sub(1, Ordering::AcqRel);
        };
        Ok(Lease::new(Arc::new(self.right.reconnect()), give_back))
    }
    fn name(&self, place: Place) -> String {
        format!("{place:?}")
    }
    fn parallel(&self, _: Place) -> usize {
        4
    }
}

/// A second at which tests begin.
pub(super) const THEN: i64 = 1_790_000_011;

pub(super) fn path(text: &str) -> FilePath {
    FilePath::try_from(text).unwrap()
}

impl Two {
    pub(super) fn new() -> Self {
        Self::with(MemoryOptions::default())
    }

    /// The right side can do less.
    pub(super) fn with(right: MemoryOptions) -> Self {
        let two = Self { left: MemoryFileSystem::new(), right: MemoryFileSystem::with_options(right), most: 1000, lent: Arc::default() };
        two.left.put_dir(&path("/l")).unwrap();
        two.right.put_dir(&path("/r")).unwrap();
        two
    }

    /// A file below a root, with content and a time, in seconds after [`THEN`].
    pub(super) async fn put(&self, side: SyncSide, name: &str, content: &str, second: i64) {
        let (place, root) = if side == SyncSide::Left { (&self.left, "/l") } else { (&self.right, "/r") };
        let path = path(&format!("{root}/{name}"));
        place.put(&path, content.as_bytes()).unwrap();
        if place.capabilities().set_modified {
            let modified = Timestamp::from_second(THEN + second).ok();
            place.set_metadata(&path, NewMetadata { modified, mode: None }).await.unwrap();
        }
    }

    pub(super) async fn both(&self, name: &str, content: &str) {
        self.put(SyncSide::Left, name, content, 0).await;
        self.put(SyncSide::Right, name, content, 0).await;
    }

    pub(super) fn order(options: SyncOptions) -> CompareOrder {
        CompareOrder {
            left: CompareEnd { place: Place::Local, dir: path("/l"), name: "/l".into() },
            right: CompareEnd { place: RIGHT, dir: path("/r"), name: "sftp://me@host/r".into() },
            options,
            newer_than: None,
            older_than: None,
        }
    }

    pub(super) async fn try_compare(&self, options: SyncOptions) -> Result<Plan, CompareError> {
        let places: Arc<dyn Places> = Arc::new(self.clone());
        compare::compare(&places, &Self::order(options), &CompareProgress::default(), Timestamp::now).await
    }

    pub(super) async fn compare(&self, options: SyncOptions) -> Plan {
        self.try_compare(options).await.unwrap()
    }

    pub(super) async fn apply(&self, plan: Plan) -> Staged {
        let (events, mut news) = mpsc::channel(64);
        let queue = Queue::new(Arc::new(self.clone()), Arc::new(Refuse), events, QueueOptions::default());
        let stages = Arc::new(plan).jobs([Place::Local, RIGHT], Timestamp::from_second(THEN).unwrap());
        let (staged, ()) = tokio::join!(
            async {
                let staged = queue.run_stages(stages).await;
                queue.shutdown().await;
                drop(queue);
                staged
            },
            async { while news.recv().await.is_some() {} }
        );
        staged
    }

    /// The paths of a side below its root.
    pub(super) fn paths(&self, side: SyncSide) -> Vec<String> {
        let (place, root) = if side == SyncSide::Left { (&self.left, "/l/") } else { (&self.right, "/r/") };
        place.paths().into_iter().filter_map(|path| Some(path.strip_prefix(root)?.to_owned())).filter(|path| !path.is_empty()).collect()
    }
}

pub(super) fn mirror() -> SyncOptions {
    SyncOptions { deletion: Deletion::Trash, ..SyncOptions::default() }
}

/// What a plan says, a line a row: `create a/b`.
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    (0..plan.len())
        .map(|at| {
            let row = plan.row(at).unwrap();
            let slash = if row.is_dir() { "/" } else { "" };
            format!("{} {}{slash}", row.effect().name(), String::from_utf8_lossy(&plan.path(at)))
        })
        .collect()
}
