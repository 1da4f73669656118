//! The pretended connection to a memory tree: every call passes it, and it can break.

use std::future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::faults::{Call, Effect, Faults};
use crate::model::FilePath;
use crate::vfs::{FsError, FsErrorKind, FsResult};

/// A connection; clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) faults: Faults,
    broken: Arc<AtomicBool>,
}

impl Line {
    /// A connection that holds.
    pub(super) fn new(faults: Faults) -> Self {
        Self { faults, broken: Arc::default() }
    }

    fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    fn lose(&self) {
        self.broken.store(true, Ordering::Release);
    }

    /// Fails if the connection broke meanwhile, so that what was done is not answered.
    pub(super) fn answer(&self, attempted: &'static str, path: &FilePath) -> FsResult<()> {
        if self.is_broken() { Err(lost(attempted, path)) } else { Ok(()) }
    }

    /// Lets `call` through, or strikes it. Answers by how much the file changed meanwhile, which only readers heed.
    pub(super) async fn pass(&self, call: Call, attempted: &'static str, path: &FilePath) -> FsResult<i64> {
        if self.is_broken() {
            return Err(lost(attempted, path));
        }
        match self.faults.strike(call, path) {
            None => Ok(0),
            Some(Effect::Resize(by)) => Ok(by),
            Some(Effect::Fail(kind)) => Err(FsError::new(kind, attempted, path, "")),
            Some(Effect::Stall) => future::pending().await,
            Some(Effect::LoseConnection) => {
                self.lose();
                Err(lost(attempted, path))
            }
            Some(Effect::LoseAnswer) => {
                self.lose();
                Ok(0)
            }
        }
    }
}

/// The line broke.
fn lost(attempted: &'static str, path: &FilePath) -> FsError {
    FsError::new(FsErrorKind::ConnectionLost, attempted, path, "")
}
