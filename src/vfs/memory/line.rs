//! The pretended connection to a memory tree: every call passes it, and it can break.

use std::future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::faults::{Call, Effect, Faults};
use crate::model::FilePath;
use crate::vfs::{FsError, FsErrorKind, FsResult};

/// A connection; clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) faults: Faults,
    /// Calls until it breaks.
    left: Arc<AtomicU64>,
}

impl Line {
    /// A connection that holds.
    pub(super) fn new(faults: Faults) -> Self {
        Self { faults, left: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// Breaks after so many calls more.
    pub(super) fn lose_after(&self, calls: u64) {
        self.left.store(calls, Ordering::Release);
    }

    /// Fails if the connection broke meanwhile, so that what was done is not answered.
    pub(super) fn answer(&self, attempted: &'static str, path: &FilePath) -> FsResult<()> {
        if self.left.load(Ordering::Acquire) == 0 { Err(lost(attempted, path)) } else { Ok(()) }
    }

    /// Lets `call` through, or strikes it. Answers by how much the file changed meanwhile, which only readers heed.
    pub(super) async fn pass(&self, call: Call, attempted: &'static str, path: &FilePath) -> FsResult<i64> {
        let count = |left: u64| if left == u64::MAX { Some(left) } else { left.checked_sub(1) };
        if self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, count).is_err() {
            return Err(lost(attempted, path));
        }
        match self.faults.strike(call, path) {
            None => Ok(0),
            Some(Effect::Resize(by)) => Ok(by),
            Some(Effect::Fail(kind)) => Err(FsError::new(kind, attempted, path, "")),
            Some(Effect::Stall) => future::pending().await,
            Some(Effect::LoseConnection) => {
                self.lose_after(0);
                Err(lost(attempted, path))
            }
            Some(Effect::LoseAnswer) => {
                self.lose_after(0);
                Ok(0)
            }
        }
    }
}

/// The line broke.
fn lost(attempted: &'static str, path: &FilePath) -> FsError {
    FsError::new(FsErrorKind::ConnectionLost, attempted, path, "")
}
