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

    /// Lets `call` through, or strikes it.
    pub(super) async fn pass(&self, call: Call, attempted: &'static str, path: &FilePath) -> FsResult<()> {
        let count = |left: u64| if left == u64::MAX { Some(left) } else { left.checked_sub(1) };
        if self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, count).is_err() {
            return Err(lost(attempted, path));
        }
        let Some(effect) = self.faults.strike(call, path) else { return Ok(()) };
        if effect == Effect::LoseConnection {
            self.lose_after(0);
        }
        match effect.error(attempted, path) {
            Some(error) => Err(error),
            None => future::pending().await,
        }
    }
}

/// The line broke.
pub(super) fn lost(attempted: &'static str, path: &FilePath) -> FsError {
    FsError::new(FsErrorKind::ConnectionLost, attempted, path, "")
}
