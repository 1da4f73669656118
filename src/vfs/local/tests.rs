//! What only this machine can show.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use super::*;
use crate::model::Kind;
use crate::vfs::{list_all, list_with_facts};

fn scratch() -> (tempfile::TempDir, FilePath) {
    let folder = tempfile::tempdir().unwrap();
    let path = LocalFileSystem::path(folder.path()).unwrap();
    (folder, path)
}

fn name(text: &str) -> EntryName {
    EntryName::try_from(text).unwrap()
}

fn make_pipe(folder: &tempfile::TempDir) {
    rustix::fs::mkfifoat(CWD, folder.path().join("pipe"), Mode::from_raw_mode(0o600)).unwrap();
}

#[tokio::test]
async fn pipes_and_devices_are_refused_in_words_and_at_once() {
    let (folder, dir) = scratch();
    make_pipe(&folder);
    symlink("pipe", folder.path().join("link")).unwrap();
    let place = LocalFileSystem::new();
    let limit = Duration::from_secs(10);
    for path in [dir.join(&name("pipe")), dir.join(&name("link"))] {
        let read = tokio::time::timeout(limit, place.open(&path, 0)).await.unwrap().err().unwrap();
        assert_eq!((read.kind, &*read.detail), (FsErrorKind::Refused, "it is a pipe, not a file"));
        let write = tokio::time::timeout(limit, place.create(&path, Create::Truncate)).await.unwrap().err().unwrap();
        assert_eq!(write.kind, FsErrorKind::Refused);
    }
    let device = place.open(&FilePath::try_from("/dev/zero").unwrap(), 0).await.err().unwrap();
    assert_eq!((device.kind, &*device.detail), (FsErrorKind::Refused, "it is a device, not a file"));
    assert_eq!(place.stat(&dir.join(&name("pipe"))).await.unwrap().kind, Kind::Other);
}

#[tokio::test]
async fn kinds_come_with_the_listing_and_facts_only_when_asked() {
    let (folder, dir) = scratch();
    make_pipe(&folder);
    std::fs::write(folder.path().join("file"), "12345").unwrap();
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    symlink("folder", folder.path().join("link")).unwrap();
    let place = LocalFileSystem::new();
    let mut listed = list_all(&place, &dir).await.unwrap();
    listed.sort_by(|a, b| a.raw_name().cmp(b.raw_name()));
    assert_eq!(listed.iter().map(|entry| entry.kind).collect::<Vec<_>>(), [Kind::File, Kind::Dir, Kind::Symlink, Kind::Other]);
    assert!(listed.iter().all(|entry| entry.size.is_none() && entry.details.is_none()));
    let facts = place.stat_many(&dir, &["file", "link"].map(name)).await.unwrap();
    assert_eq!(facts[0].size, Some(5));
    let details = facts[1].details.as_ref().unwrap();
    assert_eq!((details.target.as_deref(), details.target_kind), (Some(&b"folder"[..]), Some(Kind::Dir)));
}

#[tokio::test]
async fn the_first_batch_is_small_and_none_is_large() {
    let (folder, dir) = scratch();
    for number in 0..10_000 {
        std::fs::write(folder.path().join(number.to_string()), "").unwrap();
    }
    let (sender, mut batches) = mpsc::channel::<Vec<Entry>>(1);
    let place = LocalFileSystem::new();
    let sizes = async {
        let mut sizes = Vec::new();
        while let Some(batch) = batches.recv().await {
            sizes.push(batch.len());
        }
        sizes
    };
    let (listed, sizes) = tokio::join!(place.list(&dir, sender), sizes);
    listed.unwrap();
    assert_eq!(sizes, [256, 4096, 4096, 1552]);
    let names: Vec<_> = (0..10_000).rev().map(|number: u32| name(&number.to_string())).collect();
    let facts = place.stat_many(&dir, &names).await.unwrap();
    assert!(facts.iter().zip(&names).all(|(entry, name)| entry.raw_name() == name.as_bytes()) && facts.len() == 10_000);
}

#[tokio::test]
async fn a_new_file_is_its_owners_alone_and_follows_no_link() {
    let (folder, dir) = scratch();
    symlink("elsewhere", folder.path().join("link")).unwrap();
    let place = LocalFileSystem::new();
    let planted = place.create(&dir.join(&name("link")), Create::New).await.err().unwrap();
    assert_eq!(planted.kind, FsErrorKind::AlreadyExists);
    assert!(!folder.path().join("elsewhere").exists());
    place.create(&dir.join(&name("file")), Create::New).await.unwrap().commit().await.unwrap();
    let mode = std::fs::metadata(folder.path().join("file")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::write(folder.path().join("other"), "12345").unwrap();
    symlink("other", folder.path().join("part")).unwrap();
    assert!(place.create(&dir.join(&name("part")), Create::ResumeAt(2)).await.is_err());
    assert_eq!(std::fs::read(folder.path().join("other")).unwrap(), b"12345");
}

#[tokio::test]
async fn a_link_in_a_circle_and_a_name_too_long_are_refused_not_blamed_on_the_disk() {
    let (folder, dir) = scratch();
    symlink("circle", folder.path().join("circle")).unwrap();
    let place = LocalFileSystem::new();
    assert_eq!(place.open(&dir.join(&name("circle")), 0).await.err().unwrap().kind, FsErrorKind::Refused);
    assert_eq!(place.make_dir(&dir.join(&name(&"n".repeat(300)))).await.unwrap_err().kind, FsErrorKind::Refused);
}

#[tokio::test]
async fn a_write_that_fails_later_is_told_and_no_success() {
    // The kernel's full disk: the way to it is a device, so the sink is made by hand.
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut sink = Box::new(LocalSink::over(full, &FilePath::root()));
    for _ in 0..4 {
        if sink.write(vec![0; 300_000].into()).await.is_err() {
            break;
        }
    }
    assert!(sink.commit().await.is_err());
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut sink = Box::new(LocalSink::over(full, &FilePath::root()));
    sink.write(vec![0; 10].into()).await.unwrap();
    assert_eq!(sink.commit().await.unwrap_err().kind, FsErrorKind::NoSpace);
}

#[tokio::test]
async fn times_before_1970_and_parts_of_a_second_are_kept() {
    let (folder, dir) = scratch();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let (place, path) = (LocalFileSystem::new(), dir.join(&name("file")));
    for text in ["1969-12-31T23:59:58.25Z", "2024-02-29T12:00:00.123456789Z"] {
        let time: jiff::Timestamp = text.parse().unwrap();
        place.set_metadata(&path, NewMetadata { modified: Some(time), mode: None }).await.unwrap();
        assert_eq!(place.stat(&path).await.unwrap().modified, Some(time), "{text}");
    }
}

#[tokio::test]
async fn metadata_is_never_set_through_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let place = LocalFileSystem::new();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    std::fs::write(&file, "x").unwrap();
    symlink(&file, &link).unwrap();
    let before = std::fs::metadata(&file).unwrap();
    let metadata = NewMetadata { modified: "2001-02-03T04:05:06Z".parse().ok(), mode: Some(0o777) };
    place.set_metadata(&LocalFileSystem::path(&link).unwrap(), metadata).await.unwrap_err();
    let after = std::fs::metadata(&file).unwrap();
    assert_eq!((before.permissions(), before.modified().unwrap()), (after.permissions(), after.modified().unwrap()));
}

#[tokio::test]
async fn a_folder_comes_with_its_facts_whether_it_is_small_or_large() {
    use std::os::unix::ffi::OsStrExt as _;
    let (folder, dir) = scratch();
    std::fs::write(folder.path().join("file"), "12345").unwrap();
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    symlink("folder", folder.path().join("link")).unwrap();
    symlink("nowhere", folder.path().join("dangling")).unwrap();
    std::fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"two\nlines")), "").unwrap();
    std::fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"\xff")), "1").unwrap();
    let place = LocalFileSystem::new();
    let in_order = |mut entries: Vec<Entry>| {
        entries.sort_by(|a, b| a.raw_name().cmp(b.raw_name()));
        entries
    };
    let few = in_order(place.list_few(&dir).await.unwrap().unwrap());
    // What the two questions answer, of which the second takes no name with a line break.
    let names: Vec<_> = few.iter().filter_map(|entry| entry.name().ok()).collect();
    let mut asked = place.stat_many(&dir, &names).await.unwrap();
    asked.extend(list_all(&place, &dir).await.unwrap().into_iter().filter(|entry| entry.name().is_err()));
    assert_eq!(few, in_order(asked));
    assert_eq!(few.len(), 6);
    for number in 0..metadata::LARGE {
        std::fs::write(folder.path().join(number.to_string()), "").unwrap();
    }
    assert_eq!(place.list_few(&dir).await, Ok(None));
    let many = list_with_facts(&place, &dir).await.unwrap();
    assert_eq!(many.len(), few.len() + metadata::LARGE);
    assert!(many.iter().all(|entry| entry.modified.is_some() || entry.name().is_err()));
    assert_eq!(place.list_few(&dir.join(&name("file"))).await.unwrap_err().kind, FsErrorKind::NotADirectory);
}

#[tokio::test]
async fn every_byte_is_read_and_written_whatever_the_pieces_are() {
    let (folder, dir) = scratch();
    let place = LocalFileSystem::new();
    let content: Vec<u8> = (0..(1_u32 << 20) + 3).map(|number| (number % 251) as u8).collect();
    for size in [0, 1, 4095, 4096, 4097, (512 << 10) - 1, 512 << 10, (512 << 10) + 1, 1 << 20, (1 << 20) + 3] {
        let content = &content[..size];
        // More parts than a system call takes, some of them empty.
        let parts = if size < 8192 { content.chunks(3) } else { content.chunks(32 << 10) };
        let mut sink = place.create(&dir.join(&name("written")), Create::Truncate).await.unwrap();
        for part in parts {
            sink.write(bytes::Bytes::new()).await.unwrap();
            sink.write(bytes::Bytes::copy_from_slice(part)).await.unwrap();
        }
        assert_eq!(sink.commit().await.unwrap(), size as u64);
        assert!(std::fs::read(folder.path().join("written")).unwrap() == content, "{size} bytes");
        for from in [0, size / 2, size] {
            let mut source = place.open(&dir.join(&name("written")), from as u64).await.unwrap();
            let mut read = Vec::new();
            while let Some(piece) = source.read().await.unwrap() {
                assert!((1..=1 << 20).contains(&piece.len()));
                read.extend_from_slice(&piece);
            }
            assert!(read == content[from..], "{size} bytes from {from} on");
        }
    }
}
