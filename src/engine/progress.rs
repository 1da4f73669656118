//! What a screen shows of running jobs: pulled as one snapshot, never pushed per chunk.

use std::time::Duration;

use jiff::Timestamp;

use super::job::{JobId, JobKind, Place, Report};
use super::order::Priority;
use crate::model::FilePath;

/// All jobs at one moment, in the order they go. Jobs that are over stay until they are cleared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// The jobs.
    pub jobs: Vec<JobProgress>,
    /// Bytes per second for all together; 0: no limit.
    pub limit: u64,
    /// Jobs that run at once.
    pub at_once: usize,
}

impl Snapshot {
    /// Whether any job moves or is about to: the screen needs a tick.
    pub fn is_active(&self) -> bool {
        self.jobs.iter().any(|job| job.state.is_active())
    }
}

/// One job at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct JobProgress {
    /// Which.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// `3 items from HOST:/dir to /here`, made safe to draw.
    pub title: String,
    /// Where it stands.
    pub state: JobState,
    /// Files (and for deletions folders) done, skipped or failed.
    pub files_done: u64,
    /// Files found so far; grows while folders are still walked.
    pub files_total: u64,
    /// Bytes moved.
    pub bytes_done: u64,
    /// Bytes found so far.
    pub bytes_total: u64,
    /// Folders are still walked, so totals grow.
    pub counting: bool,
    /// Bytes per second over the last seconds.
    pub rate: f64,
    /// Time left at this rate; `None` while counting or stalled.
    pub remaining: Option<Duration>,
    /// The files under way.
    pub files: Vec<FileProgress>,
    /// What came of it, once it ended.
    pub report: Option<Report>,
    /// How urgent it is.
    pub priority: Priority,
    /// Where it takes from.
    pub from: Place,
    /// Where it goes.
    pub to: (Place, FilePath),
    /// Its line broke, and it waits before it tries again.
    pub line: Option<LineWait>,
    /// It tries again without end when its line breaks.
    pub keeps_trying: bool,
    /// Bytes per second for this job; 0: no limit of its own.
    pub limit: u64,
    /// Sites it works with that take no more connections at once than these, the one browsed with among them; their names are safe to draw.
    pub crowded: Vec<(String, usize)>,
}

impl JobProgress {
    /// A job that has not begun, on this machine.
    pub fn waiting(id: JobId, kind: JobKind, title: String) -> Self {
        Self {
            id,
            kind,
            title,
            state: JobState::Waiting,
            files_done: 0,
            files_total: 0,
            bytes_done: 0,
            bytes_total: 0,
            counting: false,
            rate: 0.0,
            remaining: None,
            files: Vec::new(),
            report: None,
            priority: Priority::default(),
            from: Place::Local,
            to: (Place::Local, FilePath::root()),
            line: None,
            keeps_trying: false,
            limit: 0,
            crowded: Vec::new(),
        }
    }
}

/// A wait for a line that broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineWait {
    /// When it is tried again, from now on.
    pub again_in: Duration,
    /// Which try that will be, the first one not counted.
    pub attempt: u32,
}

/// One file under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProgress {
    /// Its name, made safe to draw.
    pub name: String,
    /// Bytes moved.
    pub done: u64,
    /// Bytes in all, where known.
    pub total: Option<u64>,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// In the queue, until a person lets it begin.
    Held,
    /// In the queue, until its time has come.
    Scheduled(Timestamp),
    /// In the queue, until it is its turn; also one that was paused and is to go on.
    Waiting,
    /// Under way.
    Running,
    /// About to be paused: what cannot stop at once comes to its end.
    Pausing,
    /// Stopped for a while; it holds no connection, and what is half done goes on later.
    Paused,
    /// Through, and nothing failed.
    Finished,
    /// Through; its report tells what failed.
    Failed,
    /// Stopped by a person.
    Cancelled,
}

impl JobState {
    /// It does nothing any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Cancelled)
    }

    /// It moves, or does so as soon as others let it.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Waiting | Self::Running | Self::Pausing)
    }

    /// It counts among those that run at once.
    pub(super) fn has_turn(self) -> bool {
        matches!(self, Self::Running | Self::Pausing)
    }
}
