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

/// What happens to a file while nobody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unseen {
    /// Nothing.
    Nothing,
    /// It grew by so many bytes, or shrank.
    Resized(i64),
    /// The next byte is another one.
    Damaged,
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

    /// Lets `call` through, or strikes it. Answers what happens unseen, which only readers and writers heed.
    pub(super) async fn pass(&self, call: Call, attempted: &'static str, path: &FilePath) -> FsResult<Unseen> {
        if self.is_broken() {
            return Err(lost(attempted, path));
        }
        match self.faults.strike(call, path) {
            None => Ok(Unseen::Nothing),
            Some(Effect::Resize(by)) => Ok(Unseen::Resized(by)),
            Some(Effect::FlipBit) => Ok(Unseen::Damaged),
            Some(Effect::Fail(kind)) => Err(FsError::new(kind, attempted, path, "")),
            Some(Effect::Stall) => future::pending().await,
            Some(Effect::LoseConnection) => {
                self.lose();
                Err(lost(attempted, path))
            }
            Some(Effect::LoseAnswer) => {
                self.lose();
                Ok(Unseen::Nothing)
            }
        }
    }
}

/// The line broke.
fn lost(attempted: &'static str, path: &FilePath) -> FsError {
    FsError::new(FsErrorKind::ConnectionLost, attempted, path, "")
}
