//! What a job is and what came of it, as plain values.

use crate::model::{EntryName, FilePath};
use crate::vfs::FsError;

/// A connected site. Stays the same across reconnects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u32);

/// A side a job or a pane works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// This machine.
    Local,
    /// A connected site.
    Remote(SessionId),
}

/// A job in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Copies items, folders whole.
    Copy,
    /// Moves items: a rename within one place, else a copy and then the removal of what was copied whole.
    Move,
    /// Removes items, folders whole.
    Delete,
}

/// A job as it is ordered. Bound to places and paths, never to what a pane shows later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSpec {
    /// What to do.
    pub kind: JobKind,
    /// Where the items are.
    pub from: Place,
    /// The folder they are in.
    pub from_dir: FilePath,
    /// Their names.
    pub items: Vec<EntryName>,
    /// Where they go (for a deletion: the same as `from`).
    pub to: Place,
    /// The folder they go to (for a deletion: unused).
    pub to_dir: FilePath,
    /// The new name, for a single item.
    pub new_name: Option<EntryName>,
    /// What to do where something is in the way.
    pub conflicts: ConflictPolicy,
}

/// What to do about files that are in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ConflictPolicy {
    /// Ask; without an answer skip.
    #[default]
    Ask,
    /// Replace.
    Overwrite,
    /// Leave.
    Skip,
    /// Replace what is older.
    Newer,
    /// Copy under a free name.
    Rename,
    /// Replace what is smaller.
    Larger,
    /// Replace where the size differs.
    SizeDiffers,
    /// Replace where the time differs.
    DateDiffers,
}

/// What became of one file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Copied (or moved, or made), and the receiver confirmed it.
    Copied,
    /// Left, because something was in the way.
    Skipped,
    /// Removed.
    Removed,
}

/// What became of one file, for those who want to know of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOutcome {
    /// In which job.
    pub job: JobId,
    /// The file, link or folder.
    pub source: FilePath,
    /// Where it went, or would have gone; `None` for a removal.
    pub target: Option<FilePath>,
    /// Bytes moved.
    pub bytes: u64,
    /// What came of it.
    pub result: Result<Outcome, FsError>,
}

/// A file or folder that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFailure {
    /// The source path, made safe to draw.
    pub path: String,
    /// A sentence a person can act on.
    pub why: String,
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Files copied, moved or removed.
    pub done: u64,
    /// Files left because something was in the way.
    pub skipped: u64,
    /// Bytes moved.
    pub bytes: u64,
    /// What failed, in the order it failed; at most [`Report::MAX_FAILURES`] are kept.
    pub failures: Vec<FileFailure>,
    /// How many failed in all.
    pub failed: u64,
    /// It was stopped before it was through.
    pub cancelled: bool,
}

impl Report {
    /// How many failures are kept with their words.
    pub const MAX_FAILURES: usize = 1000;
}
