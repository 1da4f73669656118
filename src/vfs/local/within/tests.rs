//! What a copy within this machine keeps, notices, and leaves behind.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::vfs::{FileSystem as _, FsErrorKind, LocalFileSystem};

const PLACE: LocalFileSystem = LocalFileSystem;

fn local(path: &Path) -> FilePath {
    LocalFileSystem::path(path).unwrap()
}

async fn copied(from: &Path, to: &Path) -> FsResult<u64> {
    let told = AtomicU64::new(0);
    let copied = PLACE
        .copy_within(&local(from), &local(to), &|bytes| {
            told.fetch_add(bytes, Ordering::Relaxed);
        })
        .await?;
    assert_eq!(copied, told.into_inner(), "what was told is what was copied");
    Ok(copied)
}

/// Something no two places of which are alike.
fn bytes(length: usize) -> Vec<u8> {
    (0..=length as u64 / 8).flat_map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).take(length).collect()
}

/// Mode, owner, times and an attribute that a new file does not have by itself.
fn dress(path: &Path) {
    let file = File::open(path).unwrap();
    if rustix::process::geteuid().is_root() {
        rustix::fs::fchown(&file, Some(rustix::fs::Uid::from_raw(1234)), Some(rustix::fs::Gid::from_raw(4321))).unwrap();
    }
    if let Err(error) = rustix::fs::fsetxattr(&file, "user.colour", b"blue", rustix::fs::XattrFlags::empty()) {
        assert_eq!(error, rustix::io::Errno::OPNOTSUPP);
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o4751)).unwrap();
    let then = std::time::UNIX_EPOCH + std::time::Duration::new(1_000_000_007, 123_456_789);
    file.set_times(fs::FileTimes::new().set_modified(then).set_accessed(then)).unwrap();
}

fn assert_alike(from: &Path, to: &Path) {
    let (old, new) = (fs::metadata(from).unwrap(), fs::metadata(to).unwrap());
    let facts = |facts: &fs::Metadata| (facts.len(), facts.mode(), facts.uid(), facts.gid(), facts.mtime(), facts.mtime_nsec());
    assert_eq!(facts(&new), facts(&old), "{}", to.display());
    let colour = |path| {
        let mut value = [0; 16];
        rustix::fs::getxattr(path, "user.colour", &mut value[..]).map(|length| value[..length].to_vec())
    };
    assert_eq!(colour(to), colour(from));
    assert!(fs::read(from).unwrap() == fs::read(to).unwrap(), "{} differs", to.display());
}

#[tokio::test]
async fn bytes_owner_attributes_mode_and_times_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    for length in [0, 1, 4096, (16 << 20) + 1, 35 << 20] {
        let (from, to) = (folder.path().join(format!("{length}")), folder.path().join(format!("{length} copied")));
        fs::write(&from, bytes(length)).unwrap();
        dress(&from);
        assert_eq!(copied(&from, &to).await, Ok(length as u64));
        assert_alike(&from, &to);
    }
}

#[tokio::test]
async fn holes_stay_holes() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("sparse"), folder.path().join("copied"));
    let file = File::create(&from).unwrap();
    file.set_len(1 << 30).unwrap();
    for at in [0, 5 << 20, 700 << 20] {
        file.write_all_at(&bytes(100_000), at).unwrap();
    }
    assert_eq!(copied(&from, &to).await, Ok(1 << 30));
    let (old, new) = (fs::metadata(&from).unwrap(), fs::metadata(&to).unwrap());
    assert_eq!(new.len(), old.len());
    assert!(new.blocks() <= old.blocks(), "{} blocks for {}", new.blocks(), old.blocks());
    let copy = File::open(&to).unwrap();
    let mut read = vec![0; 200_000];
    for at in [0, 5 << 20, 700 << 20] {
        copy.read_exact_at(&mut read, at).unwrap();
        assert!(read[..100_000] == bytes(100_000) && read[100_000..].iter().all(|&byte| byte == 0), "at {at}");
    }
}

#[test]
fn where_the_kernel_does_not_copy_it_is_read_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let content = bytes((5 << 20) + 7);
    fs::write(folder.path().join("from"), &content).unwrap();
    let source = File::open(folder.path().join("from")).unwrap();
    let target = File::create(folder.path().join("to")).unwrap();
    let mut told = 0;
    let mut tell = |bytes| {
        told += bytes;
        true
    };
    let copied = content::by_hand(&source, &target, content.len() as u64, &mut tell).unwrap();
    assert_eq!((copied, told), (content.len() as u64, content.len() as u64));
    assert!(fs::read(folder.path().join("to")).unwrap() == content);
}

#[tokio::test]
async fn nothing_is_replaced_and_pipes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    fs::write(&from, "new").unwrap();
    fs::write(&to, "old").unwrap();
    assert_eq!(copied(&from, &to).await.unwrap_err().kind, FsErrorKind::AlreadyExists);
    symlink("elsewhere", folder.path().join("link")).unwrap();
    assert_eq!(copied(&from, &folder.path().join("link")).await.unwrap_err().kind, FsErrorKind::AlreadyExists);
    assert!(!folder.path().join("elsewhere").exists());
    assert_eq!(fs::read(&to).unwrap(), b"old");
    rustix::fs::mkfifoat(CWD, folder.path().join("pipe"), Mode::from_raw_mode(0o600)).unwrap();
    let refused = copied(&folder.path().join("pipe"), &folder.path().join("x")).await.unwrap_err();
    assert_eq!((refused.kind, &*refused.detail), (FsErrorKind::Refused, "it is a pipe, not a file"));
}

#[test]
fn given_up_before_it_began_nothing_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    fs::write(&from, bytes(100)).unwrap();
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    let (_, failure) = copy_and_keep(&local(&from), &local(&to), &sender).unwrap_err();
    assert_eq!(failure.kind, FsErrorKind::Cancelled);
    assert!(!to.exists());
}

#[test]
fn given_up_on_the_way_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    fs::write(&from, bytes(9 << 20)).unwrap();
    let (source, target) = (File::open(&from).unwrap(), File::create(&to).unwrap());
    let before = rustix::fs::fstat(&source).unwrap();
    let failure = content::copy(&source, &target, &before, &mut |_| false).unwrap_err();
    assert_eq!(failure.kind, FsErrorKind::Cancelled);
}

#[test]
fn a_file_that_changes_its_size_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, bytes(100)).unwrap();
    let file = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let before = rustix::fs::fstat(&file).unwrap();
    assert!(unchanged(&file, &before, 100).is_ok());
    for (size, how) in [(101, "it grew"), (99, "it shrank")] {
        file.set_len(size).unwrap();
        let failure = unchanged(&file, &before, 100).unwrap_err();
        assert_eq!((failure.kind, &*failure.detail), (FsErrorKind::ChangedMeanwhile, how));
    }
}

#[test]
fn a_small_file_is_read_whole_or_it_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, bytes(100)).unwrap();
    // What was read before it is no part of it.
    let mut buffer = vec![7; 200];
    assert_eq!(small::read_whole(&File::open(&path).unwrap(), 100, &mut buffer).unwrap(), 100);
    assert_eq!(buffer[..100], bytes(100));
    for (size, how) in [(99, "it grew"), (101, "it shrank"), (0, "it grew"), (5000, "it shrank")] {
        let failure = small::read_whole(&File::open(&path).unwrap(), size, &mut buffer).unwrap_err();
        assert_eq!((failure.kind, &*failure.detail), (FsErrorKind::ChangedMeanwhile, how));
    }
}

#[tokio::test]
async fn small_files_replace_nothing_whichever_is_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    for side in [&from, &to] {
        fs::create_dir(side).unwrap();
    }
    for number in 0..40 {
        fs::write(from.join(number.to_string()), "new").unwrap();
    }
    let taken = [0, 1, 5, 16, 17, 39];
    for number in taken {
        fs::write(to.join(number.to_string()), "there before").unwrap();
    }
    let file = |number: i32| (local(&from.join(number.to_string())), local(&to.join(number.to_string())));
    let copied = PLACE.copy_small_within((0..40).map(file).collect()).await;
    if copied[2].as_ref().is_err_and(|error| error.kind == FsErrorKind::Unsupported) {
        // The file system of this folder for temporary files has no files without names.
        return;
    }
    for (number, copied) in copied.into_iter().enumerate() {
        let is_taken = taken.contains(&number);
        assert_eq!(copied.map_err(|error| error.kind), if is_taken { Err(FsErrorKind::AlreadyExists) } else { Ok(3) });
        let content = if is_taken { "there before" } else { "new" };
        assert_eq!(fs::read_to_string(to.join(number.to_string())).unwrap(), content);
    }
    assert_eq!(fs::read_dir(&to).unwrap().count(), 40);
}

#[tokio::test]
async fn small_files_come_whole_or_not_at_all_and_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    let mut files = Vec::new();
    for number in 0..70 {
        // More folders than are kept open.
        let name = format!("{}/{number}", number % 35);
        fs::create_dir_all(from.join(&name).parent().unwrap()).unwrap();
        fs::create_dir_all(to.join(&name).parent().unwrap()).unwrap();
        fs::write(from.join(&name), bytes(number * 100)).unwrap();
        dress(&from.join(&name));
        files.push(name);
    }
    fs::write(to.join("3/3"), "there before").unwrap();
    fs::remove_file(from.join("4/4")).unwrap();
    fs::remove_file(from.join("5/5")).unwrap();
    symlink("../6/6", from.join("5/5")).unwrap();
    let order = files.iter().map(|name| (local(&from.join(name)), local(&to.join(name)))).collect();
    let copied = PLACE.copy_small_within(order).await;
    if copied[0].as_ref().is_err_and(|error| error.kind == FsErrorKind::Unsupported) {
        // The file system of this folder for temporary files has no files without names.
        return;
    }
    for (number, (name, copied)) in files.iter().zip(copied).enumerate() {
        match number {
            3 => assert_eq!(copied.unwrap_err().kind, FsErrorKind::AlreadyExists),
            4 => assert_eq!(copied.unwrap_err().kind, FsErrorKind::NotFound),
            5 => assert_eq!(copied.unwrap_err().kind, FsErrorKind::Refused),
            _ => {
                assert_eq!(copied, Ok(number as u64 * 100));
                assert_alike(&from.join(name), &to.join(name));
            }
        }
    }
    assert_eq!(fs::read(to.join("3/3")).unwrap(), b"there before");
    assert_eq!((0..35).map(|number| fs::read_dir(to.join(number.to_string())).unwrap().count()).sum::<usize>(), 68);
}

#[test]
fn a_file_of_somebody_else_does_not_run_with_their_rights() {
    assert_eq!((facts::mode(0o106_755, false).bits(), facts::mode(0o106_755, true).bits()), (0o755, 0o6755));
}
