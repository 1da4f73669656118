//! Jobs within one place that copies itself: this machine.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use sealift::ask::Refuse;
use sealift::engine::{ConflictPolicy, Event, JobKind, JobOptions, JobSpec, Lease, Place, Places, Queue, QueueOptions, Report};
use sealift::vfs::{FsError, LocalFileSystem};
use tokio::sync::mpsc;

use super::{assert_clean, assert_failed};

struct ThisMachine(Arc<LocalFileSystem>);

#[async_trait]
impl Places for ThisMachine {
    async fn lease(&self, _: Place) -> Result<Lease, FsError> {
        Ok(Lease::shared(self.0.clone()))
    }
    fn name(&self, _: Place) -> String {
        "this machine".to_owned()
    }
    fn parallel(&self, _: Place) -> usize {
        8
    }
}

/// Copies (or moves) `from/tree` to `to`, both in `folder`.
async fn run(folder: &Path, kind: JobKind, conflicts: ConflictPolicy) -> Report {
    let (news, mut events) = mpsc::channel(16);
    let queue = Queue::new(Arc::new(ThisMachine(Arc::default())), Arc::new(Refuse), news, QueueOptions::default());
    queue.submit(JobSpec {
        kind,
        from: Place::Local,
        from_dir: LocalFileSystem::path(&folder.join("from")).unwrap(),
        items: vec!["tree".try_into().unwrap()],
        to: Place::Local,
        to_dir: LocalFileSystem::path(&folder.join("to")).unwrap(),
        new_name: None,
        conflicts,
        options: JobOptions::default(),
    });
    let Some(Event::JobEnded { report, .. }) = events.recv().await else { panic!("only jobs end here") };
    report
}

/// 300 small files, two large ones, one of them with a hole, a link; all with a mode and a time of their own.
fn tree() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("from/tree");
    fs::create_dir(folder.path().join("from")).unwrap();
    fs::create_dir(folder.path().join("to")).unwrap();
    for number in 0..300_usize {
        let file = tree.join(format!("{}/file {number}", number % 7));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, vec![number as u8; number * 10]).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600 + number as u32 % 0o100)).unwrap();
    }
    fs::write(tree.join("large"), (0..2_000_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>()).unwrap();
    fs::File::create(tree.join("hole")).unwrap().set_len(50 << 20).unwrap();
    symlink("0/file 0", tree.join("link")).unwrap();
    for name in ["large", "hole", "0/file 0"] {
        let file = fs::File::open(tree.join(name)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::new(1_111_111_111, 222)).unwrap();
    }
    folder
}

fn assert_same(from: &Path, to: &Path) {
    let names = |folder: &Path| {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(from), names(to), "no part is left in {}", to.display());
    for name in names(from) {
        let (old, new) = (from.join(&name), to.join(&name));
        let (was, is) = (fs::symlink_metadata(&old).unwrap(), fs::symlink_metadata(&new).unwrap());
        assert_eq!((was.mtime(), was.mtime_nsec()), (is.mtime(), is.mtime_nsec()), "{}", new.display());
        if was.is_dir() {
            assert_same(&old, &new);
            assert_eq!(was.mode(), is.mode(), "{}", new.display());
        } else if was.is_symlink() {
            assert_eq!(fs::read_link(&old).unwrap(), fs::read_link(&new).unwrap());
        } else {
            assert!(fs::read(&old).unwrap() == fs::read(&new).unwrap(), "{} differs", new.display());
            assert_eq!(was.mode(), is.mode(), "{}", new.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_is_copied_with_what_belongs_to_it_and_holes_stay() {
    let folder = tree();
    let report = run(folder.path(), JobKind::Copy, ConflictPolicy::Ask).await;
    assert_clean(&report, 303);
    assert_same(&folder.path().join("from"), &folder.path().join("to"));
    assert!(fs::metadata(folder.path().join("to/tree/hole")).unwrap().blocks() < 1000);
    assert_eq!(report.bytes, (0..300).map(|number| number * 10).sum::<u64>() + 8_000_000 + (50 << 20));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_the_way_is_decided_by_the_policy_also_for_small_files() {
    let folder = tree();
    let there = folder.path().join("to/tree/3/file 3");
    fs::create_dir_all(there.parent().unwrap()).unwrap();
    fs::write(&there, "there before").unwrap();
    let report = run(folder.path(), JobKind::Copy, ConflictPolicy::Skip).await;
    assert_eq!((report.done, report.skipped, report.failed), (302, 1, 0), "{report:?}");
    assert_eq!(fs::read(&there).unwrap(), b"there before");
    let report = run(folder.path(), JobKind::Copy, ConflictPolicy::Overwrite).await;
    assert_clean(&report, 303);
    assert_eq!(fs::read(&there).unwrap(), [3; 30]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_small_file_that_fails_keeps_no_other_from_its_place() {
    let folder = tree();
    // A folder where a file should go is in the way under every policy.
    fs::create_dir_all(folder.path().join("to/tree/3/file 3")).unwrap();
    let report = run(folder.path(), JobKind::Copy, ConflictPolicy::Overwrite).await;
    assert_failed(&report, "file 3");
    assert_eq!(report.done, 302);
}
