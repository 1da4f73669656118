//! What a screen shows of running jobs: pulled as one snapshot, never pushed per chunk.

use std::time::Duration;

use super::job::{JobId, JobKind, Report};

/// All jobs at one moment, oldest first. Finished jobs stay until they are cleared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// The jobs.
    pub jobs: Vec<JobProgress>,
}

impl Snapshot {
    /// Whether any job still runs or waits: the screen needs a tick.
    pub fn is_active(&self) -> bool {
        self.jobs.iter().any(|job| matches!(job.state, JobState::Running | JobState::Waiting))
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
    /// In the queue.
    Waiting,
    /// Under way.
    Running,
    /// Through; its report tells with how many failures.
    Finished,
    /// Stopped by a person.
    Cancelled,
}
