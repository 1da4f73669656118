//! Names that break careless code, and symbolic links.

use sealift::model::{EntryName, FilePath, Kind};
use sealift::vfs::{Create, FsErrorKind, Replace, list_all};

use super::{Flags, Ground, behaviours};

behaviours![
    plain_but_awkward_names_work,
    unicode_names_work,
    odd_names_work,
    names_without_utf8_work,
    long_names_work,
    link_is_described_itself,
    dangling_link_is_listed,
    link_is_read_through,
    removing_a_link_keeps_what_it_leads_to,
    renaming_a_link_keeps_it_a_link,
];

async fn round_trip(ground: &Ground<'_>, names: &[&[u8]]) {
    files_round_trip(ground, names).await;
    folders_round_trip(ground, names).await;
}

fn child(ground: &Ground<'_>, name: &[u8]) -> FilePath {
    ground.dir.join(&EntryName::new(name).unwrap())
}

async fn files_round_trip(ground: &Ground<'_>, names: &[&[u8]]) {
    for name in names {
        let path = child(ground, name);
        ground.write(&path, Create::New, name).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(ground.place.stat(&path).await.unwrap().raw_name(), *name);
        assert_eq!(ground.read(&path, 0).await.unwrap(), *name);
    }
    let mut expected: Vec<_> = names.iter().map(|name| name.to_vec()).collect();
    expected.sort();
    assert_eq!(ground.names().await, expected);
    for name in names {
        let moved = ground.path("moved");
        ground.place.rename(&child(ground, name), &moved, Replace::No).await.unwrap();
        ground.place.remove_file(&moved).await.unwrap();
    }
    assert!(ground.names().await.is_empty());
}

async fn folders_round_trip(ground: &Ground<'_>, names: &[&[u8]]) {
    for name in names {
        let path = child(ground, name);
        ground.place.make_dir(&path).await.unwrap();
        assert_eq!(list_all(ground.place, &path).await.unwrap(), []);
        ground.place.remove_dir(&path).await.unwrap();
    }
    assert!(ground.names().await.is_empty());
}

async fn plain_but_awkward_names_work(ground: &Ground<'_>) {
    round_trip(ground, &[b"two words", b"-leading-dash", b"-rf", b".hidden", b"...", b"a -> b", b"x;y", b"#1", b"100%41", b"~", b"12:30"])
        .await;
}

async fn unicode_names_work(ground: &Ground<'_>) {
    let names = ["größe", "漢字.txt", "שלום", "e\u{301}", "😀", "a\u{202e}fdp.exe"];
    round_trip(ground, &names.map(str::as_bytes)).await;
}

async fn odd_names_work(ground: &Ground<'_>) {
    const ODD: [&str; 9] = ["[brackets]", "a*b", "what?", "\"quoted\"", "it's", "back\\slash", "{a,b}", " leading", "trailing "];
    let Flags { untaken, untaken_dirs, .. } = ground.flags;
    let without = |untaken: &[&str]| -> Vec<_> { ODD.iter().filter(|name| !untaken.contains(name)).map(|name| name.as_bytes()).collect() };
    files_round_trip(ground, &without(untaken)).await;
    folders_round_trip(ground, &without(untaken_dirs)).await;
    // What is left out is left out for a reason, and costs nobody the connection.
    for name in untaken {
        let path = ground.path(name);
        let taken = ground.write(&path, Create::New, b"x").await.is_ok() && ground.place.stat(&path).await.is_ok();
        assert!(!taken, "{name:?} is taken after all");
    }
    for name in untaken_dirs {
        let path = ground.path(name);
        let taken = ground.place.make_dir(&path).await.is_ok() && ground.place.stat(&path).await.is_ok();
        assert!(!taken, "{name:?} is taken after all");
    }
    ground.put("plain", b"x").await;
}

async fn names_without_utf8_work(ground: &Ground<'_>) {
    if ground.flags.byte_names {
        round_trip(ground, &[b"caf\xe9", b"\xff\xfe", b"\xc3("]).await;
    }
}

async fn long_names_work(ground: &Ground<'_>) {
    round_trip(ground, &[&[b'n'; 200]]).await;
}

/// `link` leading to `target`, where the place can make links.
async fn link(ground: &Ground<'_>, target: &str) -> Option<FilePath> {
    let path = ground.path("link");
    if !ground.place.capabilities().symlinks {
        let error = ground.place.make_symlink(&path, target.as_bytes()).await.unwrap_err();
        assert_eq!(error.kind, FsErrorKind::Unsupported, "{error}");
        return None;
    }
    ground.place.make_symlink(&path, target.as_bytes()).await.unwrap();
    Some(path)
}

async fn link_is_described_itself(ground: &Ground<'_>) {
    ground.make_dir("folder").await;
    let Some(link) = link(ground, "folder").await else { return };
    let entry = ground.place.stat(&link).await.unwrap();
    let details = entry.details.unwrap();
    assert_eq!((entry.kind, details.target.as_deref(), details.target_kind), (Kind::Symlink, Some(&b"folder"[..]), Some(Kind::Dir)));
}

async fn dangling_link_is_listed(ground: &Ground<'_>) {
    let Some(link) = link(ground, "gone").await else { return };
    let entries = list_all(ground.place, &ground.dir).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.kind).collect::<Vec<_>>(), [Kind::Symlink]);
    assert_eq!(ground.place.stat(&link).await.unwrap().details.and_then(|details| details.target_kind), None);
    ground.failed(ground.read(&link, 0).await, FsErrorKind::NotFound);
}

async fn link_is_read_through(ground: &Ground<'_>) {
    ground.put("file", b"content").await;
    let Some(link) = link(ground, "file").await else { return };
    assert_eq!(ground.read(&link, 0).await.unwrap(), b"content");
    ground.failed(ground.write(&link, Create::New, b"x").await, FsErrorKind::AlreadyExists);
}

async fn removing_a_link_keeps_what_it_leads_to(ground: &Ground<'_>) {
    let file = ground.put("file", b"content").await;
    let Some(link) = link(ground, "file").await else { return };
    ground.place.remove_file(&link).await.unwrap();
    assert!(!ground.is_there(&link).await);
    assert_eq!(ground.read(&file, 0).await.unwrap(), b"content");
}

async fn renaming_a_link_keeps_it_a_link(ground: &Ground<'_>) {
    ground.put("file", b"content").await;
    let Some(link) = link(ground, "file").await else { return };
    let moved = ground.path("moved");
    ground.place.rename(&link, &moved, Replace::No).await.unwrap();
    assert_eq!(ground.place.stat(&moved).await.unwrap().kind, Kind::Symlink);
    assert!(ground.is_there(&ground.path("file")).await);
}
