//! The journal as one job sees it: under which names its unfinished files lie, what was left of it before, what is left of it now.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::Timestamp;

use super::keeper::{Note, Reach};
use super::record::{FileRecord, JobRecord, Order, Tag};
use super::store::{Change, SourceHash};
use super::{Begun, Journal};
use crate::engine::conflict::{MAX_NAME, cut_name};
use crate::model::{Entry, EntryName, FilePath};
use crate::vfs::{FsError, FsErrorKind, FsResult};

/// Files through that are noted for one job at most.
const MOST_DONE: usize = 1_000_000;
/// Failures whose words are kept.
const MOST_FAILURES: usize = 20;

/// One job's account of itself.
pub(in crate::engine) struct Account {
    journal: Journal,
    /// Set once, when the job begins.
    begun: OnceLock<Beginning>,
    entries: Mutex<Entries>,
    /// Something of it is left to go on with, though it ended.
    is_left: AtomicBool,
}

/// How the job began.
struct Beginning {
    tag: Tag,
    record: Option<JobRecord>,
    is_resumed: bool,
    /// Of the journal, when it began.
    troubles: u64,
}

#[derive(Default)]
struct Entries {
    /// Targets that are being written to at the moment.
    under_way: HashSet<FilePath>,
    /// What an earlier run left, until it is taken up.
    earlier: HashMap<FilePath, FileRecord>,
    done: HashSet<SourceHash>,
    done_noted: usize,
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Ending {
    /// By itself, or because a person stopped it.
    Over,
    /// Because the program ends.
    Left,
}

/// The name a target's bytes are gathered under, while this lives.
pub(in crate::engine) struct Part<'a> {
    account: &'a Account,
    target: FilePath,
    pub(in crate::engine) path: FilePath,
    /// Nobody else writes to the target, so that the name is the one another run finds again.
    is_own: bool,
}

impl Account {
    pub(in crate::engine) fn new(journal: Journal) -> Self {
        Self { journal, begun: OnceLock::new(), entries: Mutex::default(), is_left: AtomicBool::new(false) }
    }

    /// Puts the job on the disk before anything else of it is done; answers whether it goes on with one that was interrupted.
    pub(in crate::engine) async fn begin(&self, order: Option<Order>, title: &str, place: u64) -> bool {
        let record =
            order.map(|order| JobRecord { order, title: title.to_owned(), place, ordered: Timestamp::now(), failures: Vec::new() });
        let begun = match (&record, &self.journal.0) {
            (Some(record), Some(_)) => self.journal.begin(record.clone()).await,
            _ => Begun { tag: Tag::random(), kept: false, earlier: None },
        };
        let is_resumed = begun.earlier.is_some();
        if let Some(earlier) = begun.earlier {
            let mut entries = self.entries();
            entries.earlier = earlier.files;
            entries.done = earlier.done;
        }
        let beginning = Beginning { tag: begun.tag, record: record.filter(|_| begun.kept), is_resumed, troubles: self.journal.troubles() };
        drop(self.begun.set(beginning));
        is_resumed
    }

    /// What its unfinished files are named by.
    pub(in crate::engine) fn tag(&self) -> Tag {
        self.begun.get_or_init(|| Beginning { tag: Tag::random(), record: None, is_resumed: false, troubles: 0 }).tag
    }

    /// Whether it goes on with one that was interrupted.
    pub(in crate::engine) fn is_resumed(&self) -> bool {
        self.begun.get().is_some_and(|begun| begun.is_resumed)
    }

    /// Whether what is left of it is known to the next run.
    pub(in crate::engine) fn is_kept(&self) -> bool {
        self.begun.get().is_some_and(|begun| begun.record.is_some() && begun.troubles == self.journal.troubles())
    }

    /// The name to gather a target's bytes under. A listing may name one file twice: the second gets a name of its own.
    pub(in crate::engine) fn part(&self, target: &FilePath) -> FsResult<Part<'_>> {
        let is_own = self.entries().under_way.insert(target.clone());
        let another = (!is_own).then(Tag::random);
        let path = part_path(target, self.tag(), another);
        if path.is_err() && is_own {
            self.entries().under_way.remove(target);
        }
        path.map(|path| Part { account: self, target: target.clone(), path, is_own })
    }

    /// Whether the file with this source was through before.
    pub(in crate::engine) fn was_done(&self, source: &FilePath) -> bool {
        self.entries().done.contains(&hash(source))
    }

    /// The file with this source is through, which the target may not show.
    pub(in crate::engine) async fn done(&self, source: &FilePath) {
        if !self.is_kept() {
            return;
        }
        let is_new = {
            let mut entries = self.entries();
            entries.done_noted += 1;
            entries.done_noted <= MOST_DONE
        };
        if is_new {
            self.journal.tell(Note::Change(Change::Done(self.tag(), hash(source)))).await;
        }
    }

    /// Something of it is still lying about: the job is left to go on with.
    pub(in crate::engine) fn stays(&self) {
        self.is_left.store(true, Ordering::Relaxed);
    }

    /// Something failed that may work later: the job is left to go on with.
    pub(in crate::engine) fn failed(&self, error: &FsError) {
        if error.is_connection_lost() || error.kind == FsErrorKind::NoSpace {
            self.stays();
        }
    }

    /// Whether something of it is left to go on with, though it ends.
    pub(in crate::engine) fn is_left(&self) -> bool {
        self.is_left.load(Ordering::Relaxed)
    }

    /// Unfinished files of an earlier run that nothing of this one went on with.
    pub(in crate::engine) fn unclaimed(&self) -> Vec<FilePath> {
        let files = std::mem::take(&mut self.entries().earlier);
        files.into_values().map(|file| file.part).collect()
    }

    /// The job ended, `failures` in words. What is left of it stays in the journal.
    pub(in crate::engine) async fn ended(&self, ending: Ending, failures: impl Iterator<Item = String>) {
        let Some(Beginning { tag, record: Some(record), .. }) = self.begun.get().filter(|_| self.is_kept()) else { return };
        let is_left = ending == Ending::Left || self.is_left();
        let change = if is_left {
            Change::Job(*tag, Box::new(JobRecord { failures: failures.take(MOST_FAILURES).collect(), ..record.clone() }))
        } else {
            Change::JobGone(*tag)
        };
        self.journal.tell(Note::Change(change)).await;
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part<'_> {
    /// What an earlier run left for this target: a part of the source as it is now under this name, else the name of something
    /// that is of no use.
    pub(in crate::engine) fn earlier(&self, facts: &Entry) -> Option<Result<FileRecord, FilePath>> {
        let file = if self.is_own { self.account.entries().earlier.remove(&self.target)? } else { return None };
        Some(if file.part == self.path && file.is_of(facts) { Ok(file) } else { Err(file.part) })
    }

    /// Notes that a file worth it is under way; answers where to write how far it is.
    pub(in crate::engine) async fn begin(&self, facts: &Entry) -> Option<Arc<Reach>> {
        if !self.is_own || !self.account.is_kept() {
            return None;
        }
        let reach = Arc::new(Reach::new());
        let file = FileRecord { in_order: false, ..self.record(facts, 0, Some(0)) };
        self.account.journal.tell(Note::UnderWay(self.account.tag(), self.target.clone(), file, reach.clone())).await;
        Some(reach)
    }

    /// The file is no longer under way, and nothing is left under the name.
    pub(in crate::engine) async fn end(&self) {
        self.account.journal.tell(Note::Ended(self.account.tag(), self.target.clone(), None)).await;
    }

    /// `moved` bytes are left under the name, the first `good` known to be safe, to be gone on with another time. Says whether
    /// another run will know of it.
    pub(in crate::engine) async fn leave(&self, facts: &Entry, moved: u64, good: Option<u64>) -> bool {
        if !self.is_own || !self.account.is_kept() {
            return false;
        }
        self.account.stays();
        let file = self.record(facts, moved, good);
        self.account.journal.tell(Note::Ended(self.account.tag(), self.target.clone(), Some(file))).await;
        true
    }

    fn record(&self, facts: &Entry, moved: u64, good: Option<u64>) -> FileRecord {
        FileRecord { part: self.path.clone(), size: facts.size, modified: facts.modified, moved, good, in_order: true }
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        if self.is_own {
            self.account.entries().under_way.remove(&self.target);
        }
    }
}

/// Where the bytes of `path` are gathered: `.NAME.sealift-TAG.part` beside it, at most 255 bytes long. The same target of the same
/// job always has the same name, also where its own is cut.
fn part_path(path: &FilePath, tag: Tag, another: Option<Tag>) -> FsResult<FilePath> {
    let not_a_file = || FsError::new(FsErrorKind::IsADirectory, "write", path, "");
    let (folder, name) = path.parent().zip(path.name()).ok_or_else(not_a_file)?;
    let another = another.map(|tag| format!("-{tag}")).unwrap_or_default();
    let mut suffix = format!("{another}.sealift-{tag}.part");
    if 1 + name.as_bytes().len() + suffix.len() > MAX_NAME {
        suffix = format!("-{:08x}{suffix}", hash(path) as u32);
    }
    let name = [b".", cut_name(name.as_bytes(), MAX_NAME - 1 - suffix.len()), suffix.as_bytes()].concat();
    EntryName::new(name).map(|name| folder.join(&name)).map_err(|_| not_a_file())
}

/// FNV-1a, 64 bits: the same in every build of the program.
fn hash(path: &FilePath) -> SourceHash {
    path.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_beside_their_file_and_fit_and_are_known_again() {
        let tag = Tag(0xbeef);
        for name in ["x".to_owned(), "ä".repeat(127), "n".repeat(255), format!("{}1", "n".repeat(254))] {
            let path = FilePath::root().join(&name.as_str().try_into().unwrap());
            let part = part_path(&path, tag, None).unwrap();
            let bytes = part.name().unwrap().as_bytes().to_vec();
            assert_eq!(part.parent(), path.parent());
            assert!(bytes.len() <= 255 && std::str::from_utf8(&bytes).is_ok(), "{part:?}");
            assert_eq!(part, part_path(&path, tag, None).unwrap());
            assert_ne!(part, part_path(&path, tag, Some(Tag(7))).unwrap());
            for part in [&part, &part_path(&path, tag, Some(Tag(7))).unwrap()] {
                assert_eq!(Tag::of_part(part.name().unwrap().as_bytes()), Some(tag));
            }
        }
        assert_eq!(Tag::of_part(b".x.sealift-0000beeg.part"), None);
        assert_eq!(Tag::of_part(b"x.part"), None);
    }

    #[test]
    fn long_names_that_begin_alike_do_not_share_a_part() {
        let path = |last: &str| FilePath::root().join(&format!("{}{last}", "n".repeat(254)).as_str().try_into().unwrap());
        assert_ne!(part_path(&path("1"), Tag(1), None).unwrap(), part_path(&path("2"), Tag(1), None).unwrap());
    }

    #[test]
    fn two_files_of_one_name_get_two_parts() {
        let account = Account::new(Journal::default());
        let target = FilePath::parse(b"/x").unwrap();
        let first = account.part(&target).unwrap();
        let second = account.part(&target).unwrap();
        assert_ne!(first.path, second.path);
        drop(second);
        let third = account.part(&target).unwrap();
        assert_ne!(first.path, third.path);
        drop((first, third));
        assert_eq!(account.part(&target).unwrap().path, part_path(&target, account.tag(), None).unwrap());
    }
}
