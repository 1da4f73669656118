//! Where a job gets its file systems from. Not how they connect: that is the session's matter.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;

use super::job::Place;
use super::limiter::Limiter;
use crate::model::{Site, TransferType};
use crate::vfs::{FileSystem, FsError};

/// Hands out file systems for transfers.
#[async_trait]
pub trait Places: Send + Sync {
    /// A file system for one transfer at a time. It never waits for another lease to come back: it takes an idle
    /// connection, makes a new one, or fails. Making one asks nobody.
    async fn lease(&self, place: Place) -> Result<Lease, FsError>;

    /// What the place is called in a sentence: `this machine`, `ftpes://user@host`. Safe to draw.
    fn name(&self, place: Place) -> String;

    /// The site behind a place, by which another run finds it again; `None` for this machine, and where it is none any more.
    fn site(&self, _place: Place) -> Option<Site> {
        None
    }

    /// How many leases make sense at once; a job keeps to it, several jobs together may not.
    fn parallel(&self, place: Place) -> usize;

    /// Whether one connection carries many files at once, so that one more small one costs nothing but waiting.
    fn carries_many(&self, _place: Place) -> bool {
        false
    }

    /// Whether several connections bring one large file sooner than one, see [`FileSystem::gains_by_more`].
    fn gains_by_more(&self, place: Place) -> bool {
        !self.carries_many(place)
    }

    /// A connection of its own, for a stretch of one large file. Otherwise as [`Places::lease`].
    async fn lease_apart(&self, place: Place) -> Result<Lease, FsError> {
        self.lease(place).await
    }

    /// Where the place is now: a site that was connected anew since is another session of the same site.
    fn now(&self, place: Place) -> Place {
        place
    }

    /// How many connections at once the place takes, the one browsed with among them, where it refused one more.
    fn most_given(&self, _place: Place) -> Option<usize> {
        None
    }

    /// Whether one job works there at a time: where connections are few, two would take them from each other.
    fn alone(&self, _place: Place) -> bool {
        false
    }

    /// The limit of speed a person set for the place.
    fn limiter(&self, _place: Place) -> Option<Arc<Limiter>> {
        None
    }
}

/// A borrowed file system. Dropping it gives it back.
pub struct Lease {
    file_system: Arc<dyn FileSystem>,
    /// What is used in its place, over the same connection.
    view: Option<Arc<dyn FileSystem>>,
    give_back: Option<GiveBack>,
    condition: Condition,
}

/// In what condition a file system comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// As it was.
    Usable,
    /// Its line broke; it is of no more use.
    Lost,
}

type GiveBack = Box<dyn FnOnce(Arc<dyn FileSystem>, Condition) + Send + Sync>;

impl Lease {
    /// A lease that ends with a call of `give_back`.
    pub fn new(file_system: Arc<dyn FileSystem>, give_back: impl FnOnce(Arc<dyn FileSystem>, Condition) + Send + Sync + 'static) -> Self {
        Self { file_system, view: None, give_back: Some(Box::new(give_back)), condition: Condition::Usable }
    }

    /// A lease of something many may use at once, such as the local file system.
    pub fn shared(file_system: Arc<dyn FileSystem>) -> Self {
        Self { file_system, view: None, give_back: None, condition: Condition::Usable }
    }

    /// The same lease, with the ends of lines treated so where the place knows any treatment of them.
    pub(super) fn with_transfer_type(mut self, transfer_type: TransferType) -> Self {
        self.view = self.file_system.with_transfer_type(transfer_type);
        self
    }

    /// Gives it back as one whose line broke.
    pub fn lost(mut self) {
        self.condition = Condition::Lost;
    }
}

impl Deref for Lease {
    type Target = dyn FileSystem;
    fn deref(&self) -> &Self::Target {
        &**self.view.as_ref().unwrap_or(&self.file_system)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(give_back) = self.give_back.take() {
            give_back(Arc::clone(&self.file_system), self.condition);
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("condition", &self.condition).finish_non_exhaustive()
    }
}
