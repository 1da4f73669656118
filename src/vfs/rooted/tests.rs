//! What a folder that is served gives away, and what not.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use bytes::Bytes;

use super::*;
use crate::vfs::list_all;

/// The folder by either way: in one step where this kernel can, and name by name.
fn both_ways(folder: &Path) -> [RootedFileSystem; 2] {
    let walked = Root::open(folder).unwrap().without_openat2();
    [RootedFileSystem::new(folder).unwrap(), RootedFileSystem { root: Arc::new(walked), is_read_only: false }]
}

fn path(text: &str) -> FilePath {
    FilePath::try_from(text).unwrap()
}

#[tokio::test]
async fn links_lead_nowhere_but_inside() {
    let outer = tempfile::tempdir().unwrap();
    let served = outer.path().join("served");
    fs::create_dir_all(served.join("in")).unwrap();
    fs::write(outer.path().join("secret"), "s").unwrap();
    fs::write(served.join("in/file"), "f").unwrap();
    symlink("in/file", served.join("inner")).unwrap();
    symlink(outer.path(), served.join("out")).unwrap();
    symlink(outer.path().join("secret"), served.join("file-out")).unwrap();
    symlink(outer.path().join("new"), served.join("nowhere")).unwrap();
    let place = RootedFileSystem::new(&served).unwrap();

    assert_eq!(list_all(&place, &path("/")).await.unwrap().len(), 5);
    place.open(&path("/inner"), 0).await.map(drop).unwrap();
    let denied = |result: FsResult<()>| assert_eq!(result.unwrap_err().kind, FsErrorKind::PermissionDenied);
    denied(place.open(&path("/file-out"), 0).await.map(drop));
    denied(place.open(&path("/out/secret"), 0).await.map(drop));
    denied(list_all(&place, &path("/out")).await.map(drop));
    denied(place.stat(&path("/out/secret")).await.map(drop));
    denied(place.remove_file(&path("/out/secret")).await);
    denied(place.make_dir(&path("/out/made")).await);
    denied(place.rename(&path("/inner"), &path("/out/moved"), Replace::No).await);
    denied(place.create(&path("/nowhere"), Create::Truncate).await.map(drop));
    denied(place.create(&path("/file-out"), Create::Truncate).await.map(drop));
    denied(place.remove_dir(&path("/")).await);
    assert_eq!(place.make_symlink(&path("/l"), b"/etc").await.unwrap_err().kind, FsErrorKind::Unsupported);
    // Removing a link removes the link.
    place.remove_file(&path("/file-out")).await.unwrap();
    assert!(outer.path().join("secret").exists() && !outer.path().join("new").exists());
    let gone = place.stat(&path("/gone")).await.unwrap_err().to_string();
    assert!(gone.contains("/gone") && !gone.contains("served"), "{gone}");
}

#[tokio::test]
async fn reads_and_writes_unless_it_is_to_be_read_only() {
    let folder = tempfile::tempdir().unwrap();
    let place = RootedFileSystem::new(folder.path()).unwrap();
    let mut sink = place.create(&path("/new"), Create::New).await.unwrap();
    sink.write(Bytes::from_static(b"content")).await.unwrap();
    sink.commit().await.unwrap();
    assert_eq!(fs::read(folder.path().join("new")).unwrap(), b"content");

    let place = place.read_only();
    place.open(&path("/new"), 0).await.map(drop).unwrap();
    for result in [
        place.create(&path("/new"), Create::Truncate).await.map(drop),
        place.remove_file(&path("/new")).await,
        place.make_dir(&path("/d")).await,
        place.rename(&path("/new"), &path("/old"), Replace::No).await,
        place.set_metadata(&path("/new"), NewMetadata { mode: Some(0o777), ..NewMetadata::default() }).await,
    ] {
        assert_eq!(result.unwrap_err().kind, FsErrorKind::PermissionDenied);
    }
    assert_eq!(fs::read(folder.path().join("new")).unwrap(), b"content");
}

#[tokio::test]
async fn links_inside_are_followed_up_and_down_and_from_the_root() {
    let outer = tempfile::tempdir().unwrap();
    let served = outer.path().join("served");
    fs::create_dir_all(served.join("a/b/c")).unwrap();
    fs::write(served.join("a/file"), "f").unwrap();
    symlink("a/b/c", served.join("deep")).unwrap();
    symlink("./..//../file", served.join("a/b/c/up")).unwrap();
    symlink(served.canonicalize().unwrap().join("deep/up"), served.join("absolute")).unwrap();
    symlink(served.canonicalize().unwrap(), served.join("a/whole")).unwrap();
    symlink("../a/b/..", served.join("a/folder")).unwrap();
    symlink("../served/a/file", served.join("around")).unwrap();
    symlink("/", served.join("top")).unwrap();
    symlink(format!("{}-not/file", served.canonicalize().unwrap().display()), served.join("beside")).unwrap();
    symlink("circle", served.join("circle")).unwrap();
    symlink("a/made", served.join("later")).unwrap();
    fs::create_dir(outer.path().join("served-not")).unwrap();
    fs::write(outer.path().join("served-not/file"), "s").unwrap();
    for place in both_ways(&served) {
        for name in ["/deep/up", "/absolute", "/a/whole/absolute", "/a/folder/file", "/a/folder/whole/a/folder/file"] {
            let mut source = place.open(&path(name), 0).await.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(source.read().await.unwrap().as_deref(), Some(&b"f"[..]), "{name}");
        }
        assert_eq!(list_all(&place, &path("/a/folder")).await.unwrap().len(), 4);
        for name in ["/around", "/top/etc/passwd", "/beside"] {
            let error = place.open(&path(name), 0).await.map(drop).unwrap_err();
            assert_eq!(error.kind, FsErrorKind::PermissionDenied, "{error}");
            assert!(!error.to_string().contains("served/"), "{error}");
        }
        assert_eq!(place.open(&path("/circle"), 0).await.map(drop).unwrap_err().kind, FsErrorKind::Refused);
        assert_eq!(place.stat(&path("/deep")).await.unwrap().details.unwrap().target_kind, Some(Kind::Dir));
        // Not even whether there is something outside is told.
        assert_eq!(place.stat_many(&path("/"), &["top".try_into().unwrap()]).await.unwrap()[0].details.as_ref().unwrap().target_kind, None);
        assert_eq!(place.create(&path("/later"), Create::New).await.map(drop).unwrap_err().kind, FsErrorKind::AlreadyExists);
        place.create(&path("/later"), Create::Truncate).await.unwrap().commit().await.unwrap();
        fs::remove_file(served.join("a/made")).unwrap();
    }
}

#[tokio::test]
async fn no_rename_meanwhile_leads_out() {
    const ROUNDS: usize = 150;
    let outer = tempfile::tempdir().unwrap();
    let (served, secret) = (outer.path().join("served"), outer.path().join("outside/file"));
    fs::create_dir_all(served.join("folder")).unwrap();
    fs::create_dir(outer.path().join("outside")).unwrap();
    fs::write(&secret, "secret").unwrap();
    fs::write(outer.path().join("outside/outside"), "").unwrap();
    fs::write(served.join("file"), "inside").unwrap();
    fs::write(served.join("folder/file"), "inside").unwrap();
    symlink(&secret, served.join("file-out")).unwrap();
    symlink("../outside", served.join("folder-out")).unwrap();
    let before = fs::metadata(&secret).unwrap();

    let is_over = Arc::new(AtomicBool::new(false));
    let renaming = thread::spawn({
        let (is_over, place) = (is_over.clone(), fs::File::open(&served).unwrap());
        move || {
            let swap = |one, other| rustix::fs::renameat_with(&place, one, &place, other, rustix::fs::RenameFlags::EXCHANGE).unwrap();
            while !is_over.load(Ordering::Relaxed) {
                swap("file", "file-out");
                swap("folder", "folder-out");
            }
        }
    });
    for place in both_ways(&served) {
        for _ in 0..ROUNDS {
            for file in ["/file", "/folder/file"].map(path) {
                if let Ok(mut source) = place.open(&file, 0).await {
                    assert_ne!(source.read().await.unwrap().as_deref(), Some(&b"secret"[..]), "{file:?}");
                }
                if let Ok(mut sink) = place.create(&file, Create::Truncate).await {
                    sink.write(Bytes::from_static(b"inside")).await.unwrap();
                    sink.abort().await;
                }
                drop(place.set_metadata(&file, NewMetadata { mode: Some(0o640), ..NewMetadata::default() }).await);
            }
            drop(place.make_dir(&path("/folder/made")).await);
            drop(place.rename(&path("/folder/file"), &path("/folder/moved"), Replace::Yes).await);
            drop(place.remove_file(&path("/folder/moved")).await);
            drop(place.remove_file(&path("/folder/file")).await);
            let listed = list_all(&place, &path("/folder")).await.unwrap_or_default();
            assert!(listed.iter().all(|entry| entry.raw_name() != b"outside"), "{listed:?}");
        }
    }
    is_over.store(true, Ordering::Relaxed);
    renaming.join().unwrap();
    let after = fs::metadata(&secret).unwrap();
    assert_eq!(fs::read(&secret).unwrap(), b"secret");
    assert_eq!((before.permissions(), before.modified().unwrap()), (after.permissions(), after.modified().unwrap()));
    assert_eq!(fs::read_dir(outer.path().join("outside")).unwrap().count(), 2);
}
