//! Listing, making, removing and renaming.

use sealift::model::Kind;
use sealift::vfs::{FsErrorKind, Replace, list_all};
use tokio::sync::mpsc;

use super::{Ground, behaviours, sorted};

behaviours![
    empty_folder_lists_nothing,
    listing_tells_names_and_kinds,
    large_folder_is_listed_whole,
    listing_brings_what_it_promises,
    listing_a_missing_folder_fails,
    listing_a_file_fails,
    listing_ends_when_nobody_listens,
    dropped_listing_harms_nothing,
    stat_tells_file_and_folder,
    stat_of_the_root_is_a_folder,
    stat_of_a_missing_name_is_not_found,
    stat_below_a_missing_folder_fails,
    stat_many_keeps_order_and_leaves_out_the_missing,
    make_dir_over_anything_fails,
    make_dir_below_a_missing_folder_fails,
    remove_dir_removes_only_empty_ones,
    remove_of_the_wrong_kind_fails,
    remove_of_a_missing_name_fails,
    rename_moves_a_file,
    rename_moves_a_folder_with_its_content,
    rename_replaces_when_asked,
    rename_replaces_nothing_otherwise,
    rename_of_a_missing_name_fails,
    rename_into_another_folder,
    keep_alive_holds,
];

async fn empty_folder_lists_nothing(ground: &Ground<'_>) {
    assert_eq!(list_all(ground.place, &ground.dir).await.unwrap(), []);
}

async fn listing_tells_names_and_kinds(ground: &Ground<'_>) {
    ground.put("file", b"x").await;
    ground.make_dir("folder").await;
    let mut found: Vec<_> = list_all(ground.place, &ground.dir).await.unwrap().iter().map(|e| (e.display_name(), e.kind)).collect();
    found.sort();
    assert_eq!(found, [("file".to_owned(), Kind::File), ("folder".to_owned(), Kind::Dir)]);
}

async fn large_folder_is_listed_whole(ground: &Ground<'_>) {
    let mut names: Vec<_> = (0..2000).map(|number| format!("entry-{number}")).collect();
    for name in &names {
        ground.make_dir(name).await;
    }
    names.sort();
    assert_eq!(ground.names().await, names.iter().map(|name| name.as_bytes().to_vec()).collect::<Vec<_>>());
}

async fn listing_brings_what_it_promises(ground: &Ground<'_>) {
    let path = ground.put("file", b"12345").await;
    let entries = list_all(ground.place, &ground.dir).await.unwrap();
    let entry = if ground.place.capabilities().listing_has_facts {
        entries.into_iter().next()
    } else {
        ground.place.stat_many(&ground.dir, &[path.name().unwrap()]).await.unwrap().pop()
    };
    let entry = entry.unwrap();
    assert_eq!(entry.size, Some(5));
    assert!(entry.modified.is_some());
}

async fn listing_a_missing_folder_fails(ground: &Ground<'_>) {
    ground.failed(list_all(ground.place, &ground.path("gone")).await, FsErrorKind::NotFound);
}

async fn listing_a_file_fails(ground: &Ground<'_>) {
    let path = ground.put("file", b"x").await;
    ground.failed(list_all(ground.place, &path).await, FsErrorKind::NotADirectory);
    assert!(ground.is_there(&path).await);
}

async fn listing_ends_when_nobody_listens(ground: &Ground<'_>) {
    let path = ground.put("file", b"x").await;
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    ground.place.list(&ground.dir, sender).await.unwrap();
    assert!(ground.is_there(&path).await);
}

async fn dropped_listing_harms_nothing(ground: &Ground<'_>) {
    let path = ground.put("file", b"x").await;
    let (sender, _receiver) = mpsc::channel(1);
    let mut listing = ground.place.list(&ground.dir, sender);
    assert!(futures::poll!(&mut listing).is_pending() || ground.is_there(&path).await);
    drop(listing);
    // Working, or lost for good: never out of step.
    if let Err(error) = ground.place.stat(&path).await {
        assert_eq!(error.kind, FsErrorKind::ConnectionLost, "{error}");
    }
}

async fn stat_tells_file_and_folder(ground: &Ground<'_>) {
    let file = ground.place.stat(&ground.put("file", b"123").await).await.unwrap();
    assert_eq!((file.kind, file.size, file.raw_name()), (Kind::File, Some(3), &b"file"[..]));
    let folder = ground.place.stat(&ground.make_dir("folder").await).await.unwrap();
    assert_eq!((folder.kind, folder.raw_name()), (Kind::Dir, &b"folder"[..]));
}

async fn stat_of_the_root_is_a_folder(ground: &Ground<'_>) {
    assert_eq!(ground.place.stat(&sealift::model::FilePath::root()).await.unwrap().kind, Kind::Dir);
}

async fn stat_of_a_missing_name_is_not_found(ground: &Ground<'_>) {
    // Whether something is there decides what is overwritten, so every place must tell this one.
    assert_eq!(ground.place.stat(&ground.path("gone")).await.unwrap_err().kind, FsErrorKind::NotFound);
}

async fn stat_below_a_missing_folder_fails(ground: &Ground<'_>) {
    let below = ground.path("gone").join(&"x".try_into().unwrap());
    ground.failed(ground.place.stat(&below).await, FsErrorKind::NotFound);
}

async fn stat_many_keeps_order_and_leaves_out_the_missing(ground: &Ground<'_>) {
    ground.put("a", b"1").await;
    ground.put("b", b"22").await;
    let names = ["b", "gone", "a"].map(|name| name.try_into().unwrap());
    let entries = ground.place.stat_many(&ground.dir, &names).await.unwrap();
    let facts: Vec<_> = entries.iter().map(|entry| (entry.display_name(), entry.size)).collect();
    assert_eq!(facts, [("b".to_owned(), Some(2)), ("a".to_owned(), Some(1))]);
}

async fn make_dir_over_anything_fails(ground: &Ground<'_>) {
    let folder = ground.make_dir("folder").await;
    ground.failed(ground.place.make_dir(&folder).await, FsErrorKind::AlreadyExists);
    let file = ground.put("file", b"x").await;
    ground.failed(ground.place.make_dir(&file).await, FsErrorKind::AlreadyExists);
    assert_eq!(ground.read(&file, 0).await.unwrap(), b"x");
}

async fn make_dir_below_a_missing_folder_fails(ground: &Ground<'_>) {
    let below = ground.path("gone").join(&"x".try_into().unwrap());
    ground.failed(ground.place.make_dir(&below).await, FsErrorKind::NotFound);
}

async fn remove_dir_removes_only_empty_ones(ground: &Ground<'_>) {
    let folder = ground.make_dir("folder").await;
    let file = folder.join(&"file".try_into().unwrap());
    ground.write(&file, sealift::vfs::Create::New, b"x").await.unwrap();
    ground.failed(ground.place.remove_dir(&folder).await, FsErrorKind::NotEmpty);
    assert!(ground.is_there(&file).await);
    ground.place.remove_file(&file).await.unwrap();
    ground.place.remove_dir(&folder).await.unwrap();
    assert!(!ground.is_there(&folder).await);
}

async fn remove_of_the_wrong_kind_fails(ground: &Ground<'_>) {
    let folder = ground.make_dir("folder").await;
    ground.failed(ground.place.remove_file(&folder).await, FsErrorKind::IsADirectory);
    let file = ground.put("file", b"x").await;
    ground.failed(ground.place.remove_dir(&file).await, FsErrorKind::NotADirectory);
    assert!(ground.is_there(&folder).await && ground.is_there(&file).await);
}

async fn remove_of_a_missing_name_fails(ground: &Ground<'_>) {
    ground.failed(ground.place.remove_file(&ground.path("gone")).await, FsErrorKind::NotFound);
    ground.failed(ground.place.remove_dir(&ground.path("gone")).await, FsErrorKind::NotFound);
}

async fn rename_moves_a_file(ground: &Ground<'_>) {
    let (from, to) = (ground.put("from", b"content").await, ground.path("to"));
    ground.place.rename(&from, &to, Replace::No).await.unwrap();
    assert!(!ground.is_there(&from).await);
    assert_eq!(ground.read(&to, 0).await.unwrap(), b"content");
}

async fn rename_moves_a_folder_with_its_content(ground: &Ground<'_>) {
    let (from, to) = (ground.make_dir("from").await, ground.path("to"));
    let name = "file".try_into().unwrap();
    ground.write(&from.join(&name), sealift::vfs::Create::New, b"content").await.unwrap();
    ground.place.rename(&from, &to, Replace::No).await.unwrap();
    assert_eq!(ground.read(&to.join(&name), 0).await.unwrap(), b"content");
    assert!(!ground.is_there(&from).await);
}

async fn rename_replaces_when_asked(ground: &Ground<'_>) {
    let (from, to) = (ground.put("from", b"new").await, ground.put("to", b"old").await);
    ground.place.rename(&from, &to, Replace::Yes).await.unwrap();
    assert_eq!(ground.read(&to, 0).await.unwrap(), b"new");
    assert!(!ground.is_there(&from).await);
}

async fn rename_replaces_nothing_otherwise(ground: &Ground<'_>) {
    let (from, to) = (ground.put("from", b"new").await, ground.put("to", b"old").await);
    // The engine relies on this kind to keep what is in the way.
    assert_eq!(ground.place.rename(&from, &to, Replace::No).await.unwrap_err().kind, FsErrorKind::AlreadyExists);
    assert_eq!(ground.read(&to, 0).await.unwrap(), b"old");
    assert_eq!(ground.read(&from, 0).await.unwrap(), b"new");
}

async fn rename_of_a_missing_name_fails(ground: &Ground<'_>) {
    ground.failed(ground.place.rename(&ground.path("gone"), &ground.path("to"), Replace::Yes).await, FsErrorKind::NotFound);
    assert!(!ground.is_there(&ground.path("to")).await);
}

async fn rename_into_another_folder(ground: &Ground<'_>) {
    let (from, folder) = (ground.put("file", b"content").await, ground.make_dir("folder").await);
    let to = folder.join(&"file".try_into().unwrap());
    ground.place.rename(&from, &to, Replace::No).await.unwrap();
    assert_eq!(ground.read(&to, 0).await.unwrap(), b"content");
    assert_eq!(sorted(&list_all(ground.place, &ground.dir).await.unwrap()), [b"folder".to_vec()]);
}

async fn keep_alive_holds(ground: &Ground<'_>) {
    ground.place.keep_alive().await.unwrap();
    ground.place.keep_alive().await.unwrap();
    assert!(ground.is_there(&ground.dir).await);
}
