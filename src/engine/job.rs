//! What a job is and what came of it, as plain values.

use serde::{Deserialize, Serialize};

use super::journal::Tag;
use super::order::{Priority, Start};
use super::sync::Picked;
use crate::model::{EntryName, FilePath, TransferType};
use crate::vfs::{DigestAlgorithm, FsError};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JobKind {
    /// Copies items, folders whole.
    Copy,
    /// Moves items: a rename within one place, else a copy and then the removal of what was copied whole.
    Move,
    /// Removes items, folders whole.
    Delete,
}

impl JobSpec {
    /// What it takes from where to where. For a deletion the second is not used.
    pub(super) fn pairs(&self) -> Vec<(FilePath, FilePath)> {
        if !self.options.only.is_empty() {
            return self.options.only.clone();
        }
        let pair = |item| (self.from_dir.join(item), self.to_dir.join(self.new_name.as_ref().unwrap_or(item)));
        self.items.iter().map(pair).collect()
    }
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
    /// What else was chosen for it.
    pub options: JobOptions,
}

/// How a job does what it does, where there is a choice; the default is what a key press orders. A job that is gone on with by
/// another run keeps them: what is missing in the journal is as in the default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct JobOptions {
    /// When it begins.
    pub start: Start,
    /// How urgent it is.
    pub priority: Priority,
    /// Exactly these, from where to where, in place of the items; empty: the items.
    pub only: Vec<(FilePath, FilePath)>,
    /// What is done with symbolic links.
    pub links: Links,
    /// What FTP does with the ends of lines; `None`: as it is set for the site.
    pub transfer_type: Option<TransferType>,
    /// Each file is verified before it gets its name.
    pub verify: bool,
    /// The job in the journal whose remainder this is: it takes its place there, and goes on with its unfinished files.
    #[serde(skip)]
    pub rest_of: Option<Tag>,
    /// Instead of items: what a plan picks below the two folders. Such a job is not gone on with by another run: the plan is.
    #[serde(skip)]
    pub picked: Option<Picked>,
}

impl JobOptions {
    /// What a job of a plan needs.
    pub(super) fn picking(picked: Picked) -> Self {
        Self { picked: Some(picked), ..Self::default() }
    }
}

/// What a copy does with symbolic links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Links {
    /// They are copied as links where both places can make them, else followed.
    #[default]
    AsPossible,
    /// What they lead to is copied under their names.
    Follow,
    /// They are copied as links; where that cannot be done, they fail by name.
    Copy,
    /// They are left out.
    Skip,
}

/// What to do about files that are in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
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
    /// Copy under the name with date and time appended.
    DateName,
    /// Replace what is smaller.
    Larger,
    /// Replace where the size differs.
    SizeDiffers,
    /// Replace where the time differs.
    DateDiffers,
    /// Replace where size or time differs.
    Differs,
    /// Go on behind what is there, where it is the beginning of the source.
    Resume,
}

/// What became of one file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Copied (or moved, or made), and the receiver confirmed it.
    Copied,
    /// Copied, or moved, behind bytes that were there from an earlier try; all of them, perhaps.
    Resumed,
    /// Copied, and what arrived is what was sent.
    Verified(Proof),
    /// Left, because something was in the way.
    Skipped,
    /// Removed.
    Removed,
}

/// How a copy was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proof {
    /// The server told this digest of what it has.
    Told(DigestAlgorithm),
    /// It was sent back here.
    ReadBack,
    /// It was read back from the disk of this machine.
    Disk,
}

impl Proof {
    /// In words, behind *verified:*.
    pub fn words(self) -> String {
        match self {
            Self::Told(algorithm) => format!("{} told by the server", algorithm.name()),
            Self::ReadBack => "read back".to_owned(),
            Self::Disk => "read back from the disk".to_owned(),
        }
    }
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileFailure {
    /// The source path, made safe to draw.
    pub path: String,
    /// Where it would have gone, made safe to draw; empty for a removal.
    pub target: String,
    /// A sentence a person can act on.
    pub why: String,
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Files copied, moved or removed.
    pub done: u64,
    /// Files left because something was in the way, and links left out.
    pub skipped: u64,
    /// Those of them that somebody was to be asked about, who gave no answer.
    pub unanswered: u64,
    /// Files of them whose copy was verified.
    pub verified: u64,
    /// How they were, each way once.
    pub proofs: Vec<Proof>,
    /// Bytes moved.
    pub bytes: u64,
    /// What failed, in the order it failed; at most [`Report::MAX_FAILURES`] are kept.
    pub failures: Vec<FileFailure>,
    /// How many failed in all.
    pub failed: u64,
    /// How many had failed and were tried again as another job.
    pub retried: u64,
    /// It was stopped before it was through.
    pub cancelled: bool,
    /// What was done with symbolic links.
    pub links: LinkTally,
}

/// What a job did with the symbolic links it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkTally {
    /// Followed: what they lead to was copied, or tried to be.
    pub followed: u64,
    /// Left out, because that was chosen; they count as skipped, too.
    pub skipped: u64,
    /// Copied as links that lead to what was not copied with them.
    pub leading_out: u64,
}

impl LinkTally {
    /// Adds another one.
    fn add(&mut self, other: Self) {
        self.followed += other.followed;
        self.skipped += other.skipped;
        self.leading_out += other.leading_out;
    }

    /// What a person should know of it; empty where there is nothing.
    pub fn words(self) -> String {
        let links = |count: u64| if count == 1 { "1 link".to_owned() } else { format!("{count} links") };
        let parts =
            [(self.followed, " followed"), (self.skipped, " left out"), (self.leading_out, " copied that lead out of what was copied")];
        let said = parts.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{}{words}", links(*count)));
        said.collect::<Vec<_>>().join(", ")
    }
}

impl Report {
    /// How many failures are kept with their words.
    pub const MAX_FAILURES: usize = 1000;

    /// What else a person should know: how many were verified and how, and what was done with links.
    pub fn remarks(&self) -> Vec<String> {
        let ways: Vec<_> = self.proofs.iter().map(|proof| proof.words()).collect();
        let verified = (self.verified > 0).then(|| format!("{} verified: {}", self.verified, ways.join(", ")));
        verified.into_iter().chain(Some(self.links.words()).filter(|words| !words.is_empty())).collect()
    }

    /// Takes in what came of another job.
    pub fn add(&mut self, other: &Self) {
        self.done += other.done;
        self.skipped += other.skipped;
        self.unanswered += other.unanswered;
        self.verified += other.verified;
        for proof in &other.proofs {
            self.proved(*proof);
        }
        self.bytes += other.bytes;
        self.failed += other.failed;
        self.cancelled |= other.cancelled;
        self.links.add(other.links);
    }

    pub(super) fn proved(&mut self, proof: Proof) {
        if !self.proofs.contains(&proof) {
            self.proofs.push(proof);
        }
    }
}
