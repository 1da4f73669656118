//! How a queue works.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Zoned;
use tokio::sync::mpsc;

use crate::engine::job::FileOutcome;

/// How a [`Queue`](super::Queue) works.
#[derive(Debug, Clone)]
pub struct QueueOptions {
    /// Jobs that run at once.
    pub jobs: usize,
    /// Files that move at once in all; 0: as many as the places do well with.
    pub files: usize,
    /// Files that move at once at one site; 0: as many as it does well with.
    pub per_site: usize,
    /// Bytes per second of all together; 0: no limit.
    pub limit: u64,
    /// What is done about a line that breaks.
    pub persistence: Persistence,
    /// Transfers have connections of their own also where they could share the one browsed with: somebody browses.
    pub apart: bool,
    /// The wall clock where the person is.
    pub now: fn() -> Zoned,
    /// Who wants to know of each file. A full channel slows the jobs, a closed one is ignored.
    pub outcomes: Option<mpsc::Sender<FileOutcome>>,
    /// Of files that came through, they want to know nothing.
    pub only_failures: bool,
    /// The folder jobs are written down in, so that what is interrupted can be gone on with.
    pub journal: Option<PathBuf>,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            jobs: 2,
            files: 0,
            per_site: 0,
            limit: 0,
            persistence: Persistence::default(),
            apart: false,
            now: Zoned::now,
            outcomes: None,
            only_failures: false,
            journal: None,
        }
    }
}

/// How often a transfer whose line broke is tried again, and after how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Persistence {
    /// Tries after the first.
    pub tries: u32,
    /// Before the first of them; twice as long before each next one, up to [`Persistence::LONGEST`].
    pub delay: Duration,
    /// Tries have no end.
    pub keep_trying: bool,
}

impl Default for Persistence {
    fn default() -> Self {
        Self { tries: 3, delay: Duration::from_secs(1), keep_trying: false }
    }
}

impl Persistence {
    /// The longest wait between two tries, unless the first is longer already.
    pub const LONGEST: Duration = Duration::from_secs(60);

    /// How long to wait after so many failed tries.
    pub(in crate::engine) fn wait(self, failed: u32) -> Duration {
        let grown = self.delay.saturating_mul(1_u32.checked_shl(failed).unwrap_or(u32::MAX));
        grown.min(Self::LONGEST.max(self.delay))
    }
}
