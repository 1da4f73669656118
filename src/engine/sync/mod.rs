//! Synchronises two folders: compares them into a plan, keeps the plan as a file, carries it out through the queue.
//!
//! Nothing is changed before a plan says so, and carrying it out checks every row once more: what is not as it was compared
//! is left, and told. Folders are made first, then files are copied, then deletions happen, and those only if all copies
//! came through. There is no memory of earlier runs: in both directions a missing file is made again, never deleted.

mod apply;
mod clock;
mod compare;
mod content;
mod copies;
mod facts;
mod file;
mod filter;
mod hands;
mod judge;
mod moment;
mod options;
mod plan;
mod removals;
mod row;
#[cfg(test)]
mod tests;
mod words;

pub use apply::{Picked, Staged};
pub use clock::Clock;
pub use compare::{CompareEnd, CompareError, CompareOrder, CompareProgress};
pub use facts::Facts;
pub use file::PlanFileError;
pub use filter::{PatternError, Rules};
pub use moment::Moment;
pub use options::{Comparison, Deletion, Direction, Links, SyncOptions, SyncSide};
pub use plan::{Plan, PlanEnd, Remark, Totals};
pub use row::{Decision, Effect, Finding, Row};

pub(super) use copies::feed;
pub(super) use removals::remove;

use jiff::Timestamp;

use super::engine::Engine;

/// The folder that deletions go to, at the root of a side; a run has a folder of its own in it. It is never compared.
pub const TRASH: &str = ".sealift-trash";

/// Words said in more than one place.
mod remark_words {
    pub(super) const EMPTY_SOURCE: &str = "it has nothing at all, as a disk that is not mounted; so nothing is deleted on the other side";
    pub(super) const EMPTY_FOLDER: &str = "it is empty, and the other side's is not: nothing in that one is deleted";
}

impl Engine {
    /// Compares two folders; see [`Plan`]. Dropping the future stops it. Changes nothing, but for a small file that is made and
    /// removed where a side is written to and its clock is to be looked at.
    ///
    /// # Errors
    /// A side that cannot be read at all, a line that stays lost, a pattern that is none, folders that overlap.
    pub async fn compare(&self, order: &CompareOrder, progress: &CompareProgress) -> Result<Plan, CompareError> {
        let order = order.at(&(self.services().queue.now)());
        compare::compare(&self.places(), &order, progress, self.services().now).await
    }

    /// The time of this machine, as the engine reads it.
    pub fn now(&self) -> Timestamp {
        (self.services().now)()
    }
}

/// What this program leaves about: trash, unfinished files, files that measure a clock.
fn is_our_own(name: &[u8]) -> bool {
    let is_part = || name.starts_with(b".") && name.ends_with(b".part") && name.windows(9).any(|nine| nine == b".sealift-");
    name == TRASH.as_bytes() || name.starts_with(clock::PROBE) || is_part()
}
