//! The journal's files: what is written is read again, by one process at a time, also after a crash and with damage.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::folder::Folder;
use super::record::{FileRecord, JobRecord, Order, Spot, Tag};
use super::store::{Change, Store, StoreError};
use super::{Account, Ending, Journal};
use crate::engine::event::Event;
use crate::engine::job::{ConflictPolicy, JobKind, JobOptions};
use crate::model::{Entry, FilePath, Kind};
use crate::vfs::{FsError, FsErrorKind};

fn path(text: &str) -> FilePath {
    FilePath::parse(text.as_bytes()).unwrap()
}

fn order(item: &str) -> Order {
    Order {
        kind: JobKind::Copy,
        from: Spot { site: None, dir: path("/from") },
        items: vec![item.try_into().unwrap()],
        to: Spot { site: None, dir: path("/to") },
        new_name: None,
        conflicts: ConflictPolicy::Ask,
        options: JobOptions::default(),
    }
}

fn job(item: &str, place: u64) -> Box<JobRecord> {
    let ordered = Timestamp::from_second(1_000_000_000).unwrap();
    Box::new(JobRecord { order: order(item), title: item.to_owned(), place, ordered, failures: Vec::new() })
}

fn file(moved: u64) -> FileRecord {
    FileRecord {
        part: path("/to/.x.part"),
        size: Some(100),
        modified: Timestamp::from_second(5).ok(),
        moved,
        good: Some(moved / 2),
        in_order: false,
    }
}

fn facts(size: u64) -> Entry {
    let mut facts = Entry::new(*b"x", Kind::File);
    facts.size = Some(size);
    facts.modified = Timestamp::from_second(5).ok();
    facts
}

fn files(folder: &Path) -> BTreeSet<String> {
    let names = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.contains(".lock")).collect()
}

/// A journal, where it lies, and its news.
fn journal(folder: &Path) -> (Journal, mpsc::Receiver<Event>) {
    let (sender, news) = mpsc::channel(8);
    (Journal::at(folder.to_owned(), sender), news)
}

/// The run ends: its file is left to whoever comes.
async fn ended(journal: Journal, left: usize) {
    assert_eq!(journal.flush().await, left);
    drop(journal);
    // Until its task is gone, and the file with it.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

async fn begun(journal: &Journal, item: &str) -> Account {
    let account = Account::new(journal.clone());
    account.begin(Some(order(item)), item, 1).await;
    account
}

#[test]
fn what_is_written_is_read_again_in_the_order_of_the_queue() {
    let folder = TempDir::new().unwrap();
    let at = folder.path().join("a.redb");
    let store = Store::create(&at).unwrap();
    assert_eq!(at.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let target = FilePath::parse(b"/to/\xff x").unwrap();
    store
        .apply(&[
            Change::Job(Tag(7), job("second", 2)),
            Change::Job(Tag(9), job("first", 1)),
            Change::File(Tag(7), target.clone(), file(40)),
            Change::File(Tag(9), path("/to/gone"), file(1)),
            Change::FileGone(Tag(9), path("/to/gone")),
            Change::Done(Tag(9), 3),
        ])
        .unwrap();
    assert!(matches!(Store::open(at.clone()), Err(StoreError::InUse)), "its owner lives");
    drop(store);
    let store = Store::open(at).unwrap();
    let jobs = store.jobs().unwrap();
    assert_eq!(jobs.iter().map(|kept| &*kept.job.title).collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(jobs[1].files, [(target, file(40))]);
    assert_eq!((store.done(Tag(9)).unwrap(), store.done(Tag(7)).unwrap()), (vec![3], vec![]));
    assert!(store.is_of_this_boot());
    store.apply(&[Change::JobGone(Tag(7)), Change::JobGone(Tag(9))]).unwrap();
    assert!(store.jobs().unwrap().is_empty() && store.done(Tag(9)).unwrap().is_empty());
}

#[test]
fn a_damaged_file_is_set_aside_and_a_newer_one_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let make = |name: &str| {
        let store = Store::create(&folder.path().join(name)).unwrap();
        store.apply(&[Change::Job(Tag(1), job(name, 1))]).unwrap();
    };
    for name in ["good.redb", "flipped.redb", "cut.redb"] {
        make(name);
    }
    std::fs::write(folder.path().join("nonsense.redb"), b"this was never a journal").unwrap();
    std::fs::write(folder.path().join("empty.redb"), b"").unwrap();
    let flipped = folder.path().join("flipped.redb");
    let mut bytes = std::fs::read(&flipped).unwrap();
    for byte in &mut bytes[4096..] {
        *byte ^= 0x55;
    }
    std::fs::write(&flipped, bytes).unwrap();
    std::fs::File::options().write(true).open(folder.path().join("cut.redb")).unwrap().set_len(5000).unwrap();
    super::store::tests::write_version(&folder.path().join("newer.redb"), "2");

    let (interrupted, remarks) = Folder::at(folder.path().to_owned()).interrupted();
    assert_eq!(interrupted.iter().map(|one| &*one.job.title).collect::<Vec<_>>(), ["good.redb"]);
    assert_eq!(remarks.iter().filter(|remark| remark.contains("set aside")).count(), 4, "{remarks:#?}");
    assert_eq!(remarks.iter().filter(|remark| remark.contains("newer sealift")).count(), 1, "{remarks:#?}");
    let names = ["cut.damaged", "empty.damaged", "flipped.damaged", "good.redb", "newer.redb", "nonsense.damaged"];
    assert_eq!(files(folder.path()), BTreeSet::from(names.map(str::to_owned)));
    assert_eq!(Folder::at(folder.path().to_owned()).interrupted().1.len(), 1, "what is set aside is told once");
}

/// Whatever byte is wrong, the file is refused or reads as it was written: it is never believed and never brings the program down.
#[test]
fn no_single_wrong_byte_is_believed() {
    let folder = TempDir::new().unwrap();
    let at = folder.path().join("a.redb");
    let store = Store::create(&at).unwrap();
    store.apply(&[Change::Job(Tag(1), job("x", 1)), Change::File(Tag(1), path("/to/x"), file(40))]).unwrap();
    let written = store.jobs().unwrap()[0].clone();
    drop(store);
    let whole = std::fs::read(&at).unwrap();
    let interesting = (0..320).chain((0..whole.len()).filter(|&byte| whole[byte] != 0).step_by(37));
    for byte in interesting {
        let mut bytes = whole.clone();
        bytes[byte] ^= 0x10;
        std::fs::write(&at, bytes).unwrap();
        if let Ok(store) = Store::open(at.clone()) {
            match store.jobs() {
                Ok(jobs) if jobs.is_empty() => {}
                Ok(jobs) => assert_eq!((&jobs[0].job, &jobs[0].files), (&written.job, &written.files), "byte {byte}"),
                Err(_) => {}
            }
        }
    }
}

#[tokio::test]
async fn a_job_that_is_through_leaves_no_file() {
    let folder = TempDir::new().unwrap();
    let at = folder.path().join("journal");
    let (journal, _news) = journal(&at);
    assert_eq!(journal.flush().await, 0);
    assert!(!at.exists(), "nothing is made before there is something to write");
    let account = begun(&journal, "x").await;
    assert!(account.is_kept() && !account.is_resumed());
    assert_eq!(files(&at).len(), 1);
    account.ended(Ending::Over, std::iter::empty()).await;
    assert_eq!(journal.flush().await, 0);
    assert_eq!(files(&at), BTreeSet::new());
}

#[tokio::test]
async fn the_next_run_goes_on_with_what_the_last_one_left() {
    let folder = TempDir::new().unwrap();
    let target = path("/to/x");
    let left = {
        let (journal, _news) = journal(folder.path());
        let account = begun(&journal, "x").await;
        let other = begun(&journal, "other").await;
        let part = account.part(&target).unwrap();
        assert!(part.leave(&facts(100), 60, Some(50)).await);
        account.done(&path("/from/renamed")).await;
        account.ended(Ending::Left, ["it broke".to_owned()].into_iter()).await;
        other.ended(Ending::Over, std::iter::empty()).await;
        let path = part.path.clone();
        drop(part);
        drop((account, other));
        ended(journal, 1).await;
        path
    };
    let (journal, _news) = journal(folder.path());
    let (interrupted, remarks) = journal.interrupted().await;
    assert_eq!((interrupted.len(), remarks.len()), (1, 0));
    assert_eq!(interrupted[0].name(), "x (60%)");
    assert_eq!(interrupted[0].job.failures, ["it broke"]);

    assert!(!begun(&journal, "y").await.is_resumed(), "another order");
    let account = begun(&journal, "x").await;
    assert!(account.is_resumed());
    let part = account.part(&target).unwrap();
    assert_eq!(part.path, left, "under the same name");
    // The target is on this machine, which ran on: as many as there are.
    assert_eq!(part.earlier(&facts(100)).map(|file| file.unwrap().good), Some(None));
    assert!(part.earlier(&facts(100)).is_none(), "once");
    assert!(account.was_done(&path("/from/renamed")) && !account.was_done(&path("/from/x")));
    assert!(journal.interrupted().await.0.is_empty(), "it is this run's now");
    assert_eq!(files(folder.path()).len(), 1);
}

#[tokio::test]
async fn a_source_that_changed_is_not_gone_on_with() {
    let folder = TempDir::new().unwrap();
    let target = path("/to/x");
    let with_time = |second: Option<i64>| {
        let mut facts = facts(100);
        facts.modified = second.and_then(|second| Timestamp::from_second(second).ok());
        facts
    };
    for changed in [facts(99), with_time(Some(6)), with_time(None)] {
        let (journal, _news) = journal(folder.path());
        let account = begun(&journal, "x").await;
        account.part(&target).unwrap().leave(&facts(100), 60, None).await;
        account.ended(Ending::Left, std::iter::empty()).await;
        let again = begun(&journal, "x").await;
        assert!(again.is_resumed());
        let part = again.part(&target).unwrap();
        assert_eq!(part.earlier(&changed), Some(Err(part.path.clone())));
        drop(part);
        again.ended(Ending::Over, std::iter::empty()).await;
    }
}

#[tokio::test]
async fn how_far_a_file_is_is_seen_by_whoever_comes_after_a_crash() {
    let folder = TempDir::new().unwrap();
    let (journal, _news) = journal(folder.path());
    let account = begun(&journal, "x").await;
    let target = path("/to/x");
    let part = account.part(&target).unwrap();
    let reach = part.begin(&facts(100)).await.unwrap();
    reach.is(70, None);
    journal.flush().await;
    // As a crash leaves it: the file as it is on the disk, and no owner.
    let crashed = TempDir::new().unwrap();
    for name in files(folder.path()) {
        std::fs::copy(folder.path().join(&name), crashed.path().join(&name)).unwrap();
    }
    let (interrupted, _) = Folder::at(crashed.path().to_owned()).interrupted();
    assert_eq!((interrupted[0].files[0].1.moved, interrupted[0].files[0].1.good), (70, None));
    assert!(journal.interrupted().await.0.is_empty(), "the owner of the other lives");
}

#[tokio::test]
async fn what_a_crash_of_the_program_leaves_counts_as_far_as_it_has_no_gaps() {
    let target = path("/to/x");
    for (in_order, believed) in [(true, None), (false, Some(30))] {
        let (folder, crashed) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let (running, _news) = journal(folder.path());
        let account = begun(&running, "x").await;
        let part = account.part(&target).unwrap();
        let reach = part.begin(&facts(100)).await.unwrap();
        if in_order {
            reach.goes_in_order();
        }
        reach.is(70, Some(30));
        running.flush().await;
        for name in files(folder.path()) {
            std::fs::copy(folder.path().join(&name), crashed.path().join(&name)).unwrap();
        }
        let (next, _news) = journal(crashed.path());
        let again = begun(&next, "x").await;
        // This machine ran on: what one writer wrote is there as far as the file is long.
        assert_eq!(again.part(&target).unwrap().earlier(&facts(100)).map(|file| file.unwrap().good), Some(believed));
    }
}

#[tokio::test]
async fn two_runs_at_once_keep_apart_and_only_one_takes_over() {
    let folder = TempDir::new().unwrap();
    {
        let (journal, _news) = journal(folder.path());
        begun(&journal, "x").await.ended(Ending::Left, std::iter::empty()).await;
        ended(journal, 1).await;
    }
    let ((first, _a), (second, _b)) = (journal(folder.path()), journal(folder.path()));
    let (one, other) = tokio::join!(begun(&first, "x"), begun(&second, "x"));
    assert_ne!(one.is_resumed(), other.is_resumed());
    let target = path("/to/x");
    assert_ne!(one.part(&target).unwrap().path, other.part(&target).unwrap().path);
}

#[tokio::test]
async fn what_is_forgotten_is_not_offered_again() {
    let folder = TempDir::new().unwrap();
    {
        let (journal, _news) = journal(folder.path());
        for item in ["x", "y"] {
            begun(&journal, item).await.ended(Ending::Left, std::iter::empty()).await;
        }
        ended(journal, 2).await;
    }
    let (journal, _news) = journal(folder.path());
    let (interrupted, _) = journal.interrupted().await;
    journal.forget(vec![interrupted[0].tag]).await;
    let (rest, _) = journal.interrupted().await;
    assert_eq!(rest.iter().map(|one| one.tag).collect::<Vec<_>>(), [interrupted[1].tag]);
    journal.forget(vec![interrupted[1].tag]).await;
    assert_eq!(files(folder.path()), BTreeSet::new());
}

#[tokio::test]
async fn a_folder_that_takes_nothing_is_told_once_and_jobs_go_on() {
    let folder = TempDir::new().unwrap();
    let at: PathBuf = folder.path().join("file/journal");
    std::fs::write(folder.path().join("file"), b"in the way").unwrap();
    let (journal, mut news) = journal(&at);
    for _ in 0..2 {
        let account = begun(&journal, "x").await;
        assert!(!account.is_kept());
        assert!(!account.part(&path("/to/x")).unwrap().leave(&facts(100), 60, None).await, "nobody would know of it");
        account.ended(Ending::Over, std::iter::empty()).await;
    }
    assert!(matches!(news.try_recv(), Ok(Event::Notice(advice)) if advice.what.contains("cannot be noted")));
    assert!(news.try_recv().is_err());
}

#[tokio::test]
async fn a_job_whose_line_broke_is_left_and_one_that_was_refused_is_not() {
    let folder = TempDir::new().unwrap();
    let (journal, _news) = journal(folder.path());
    for (kind, left) in [(FsErrorKind::PermissionDenied, 0), (FsErrorKind::NoSpace, 1)] {
        let account = begun(&journal, "x").await;
        account.failed(&FsError::new(kind, "write", &path("/to/x"), ""));
        account.ended(Ending::Over, std::iter::empty()).await;
        assert_eq!(journal.flush().await, left);
    }
}
