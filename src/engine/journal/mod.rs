//! Jobs on disk, so that what was interrupted can be gone on with: by another run after a crash, by this one after a pause.
//!
//! - `store`: one file of the journal, an ACID store (the only importer of redb)
//! - `folder`: one file for each running sealift; the lock on it tells living owners from dead ones
//! - `keeper`: the task that writes, gathering what comes within a moment
//! - `record`: what is written
//! - `account`: the journal as one job sees it
//!
//! What must be durable before what: a job, and with it its [`Tag`], before its first unfinished file is made, because every
//! unfinished file has the tag in its name: there is none the journal does not know. Everything else may be lost by a crash: how
//! far a file is (less is believed then, and its end compared anyway), and that one is through (the target is looked at again).

mod account;
mod folder;
mod keeper;
mod record;
mod store;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

pub(super) use self::account::{Account, Ending, Part};
use self::folder::Folder;
pub(super) use self::keeper::Reach;
use self::keeper::{Begun, Keeper, Note};
pub use self::record::{FileRecord, Interrupted, JobRecord, Order, Spot, Tag};
use super::event::Event;

/// Notes that wait to be written; more make their senders wait.
const NOTES: usize = 1024;
/// How long a disk may take for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The journal of this run. Clones are the same; a journal that is off takes everything and keeps nothing.
#[derive(Clone, Default)]
pub(super) struct Journal(Option<Arc<Inner>>);

struct Inner {
    folder: Folder,
    notes: mpsc::Sender<Note>,
    troubles: Arc<AtomicU64>,
    _keeper: AbortOnDropHandle<()>,
}

impl Journal {
    /// A journal in `folder`, which is made when there is something to write; trouble is told to `news` once. Must be made inside
    /// a tokio runtime.
    pub(super) fn at(folder: PathBuf, news: mpsc::Sender<Event>) -> Self {
        let folder = Folder::at(folder);
        let (notes, received) = mpsc::channel(NOTES);
        let troubles = Arc::new(AtomicU64::new(0));
        let keeper = AbortOnDropHandle::new(tokio::spawn(Keeper::new(folder.clone(), news, troubles.clone()).run(received)));
        Self(Some(Arc::new(Inner { folder, notes, troubles, _keeper: keeper })))
    }

    /// What runs that ended left unfinished, in the order it was ordered, and remarks on what cannot be read.
    pub(super) async fn interrupted(&self) -> (Vec<Interrupted>, Vec<String>) {
        let Some(inner) = &self.0 else { return Default::default() };
        let folder = inner.folder.clone();
        keeper::off_loop(move || Ok(folder.interrupted())).await.unwrap_or_default()
    }

    /// Forgets jobs of runs that ended.
    pub(super) async fn forget(&self, tags: Vec<Tag>) {
        let Some(inner) = &self.0 else { return };
        let folder = inner.folder.clone();
        drop(
            keeper::off_loop(move || {
                folder.forget(&tags);
                Ok(())
            })
            .await,
        );
    }

    /// Brings everything to the disk; answers how many jobs of this run are left to go on with.
    pub(super) async fn flush(&self) -> usize {
        let (reply, flushed) = oneshot::channel();
        self.tell(Note::Flush(reply)).await;
        flushed.await.unwrap_or_default()
    }

    /// How often the disk did not take it: what was begun before the last time is not kept any more.
    fn troubles(&self) -> u64 {
        self.0.as_ref().map_or(0, |inner| inner.troubles.load(Ordering::Relaxed))
    }

    async fn begin(&self, job: JobRecord, rest_of: Option<Tag>) -> Begun {
        let (reply, begun) = oneshot::channel();
        self.tell(Note::Begin(Box::new(job), rest_of, reply)).await;
        match timeout(PATIENCE, begun).await {
            Ok(Ok(begun)) => begun,
            _ => Begun { tag: Tag::random(), kept: false, earlier: None },
        }
    }

    async fn tell(&self, note: Note) {
        if let Some(inner) = &self.0 {
            // A writer that is gone, or stuck on its disk, keeps nothing any more; transfers go on.
            if inner.notes.send_timeout(note, PATIENCE).await.is_err() {
                tracing::debug!("the journal takes nothing any more");
            }
        }
    }
}
