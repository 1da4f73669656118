//! On a tree in memory.

use super::*;
use crate::vfs::MemoryFileSystem;
use crate::vfs::memory::MemoryOptions;
use crate::vfs::memory::faults::{Call, Effect};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJhR3xVTLWn4b9Y1cLM7wAbo7RNA5tMPTzlHZRhTcBnN me@work";
const FILE: &str = "/home/ann/.ssh/authorized_keys";

fn path(text: &str) -> FilePath {
    FilePath::try_from(text).unwrap()
}

fn key() -> SshPublicKey {
    SshPublicKey::parse(KEY).unwrap()
}

async fn tree(content: Option<(&str, u32)>) -> MemoryFileSystem {
    tree_with(MemoryOptions::default(), content).await
}

async fn tree_with(options: MemoryOptions, content: Option<(&str, u32)>) -> MemoryFileSystem {
    let tree = MemoryFileSystem::with_options(options);
    for folder in ["/home", "/home/ann"] {
        tree.make_dir(&path(folder)).await.unwrap();
        mode(&tree, folder, 0o755).await;
    }
    if let Some((content, bits)) = content {
        tree.put(&path(FILE), content.as_bytes()).unwrap();
        mode(&tree, FILE, bits).await;
        mode(&tree, "/home/ann/.ssh", 0o700).await;
    }
    tree
}

async fn mode(tree: &MemoryFileSystem, at: &str, mode: u32) {
    tree.set_metadata(&path(at), NewMetadata { mode: Some(mode), modified: None }).await.unwrap();
}

async fn text(tree: &MemoryFileSystem, at: &str) -> String {
    String::from_utf8(read(tree, &path(at)).await.unwrap()).unwrap()
}

async fn bits(tree: &MemoryFileSystem, at: &str) -> Option<u32> {
    tree.stat(&path(at)).await.unwrap().mode()
}

async fn install(tree: &MemoryFileSystem, dry_run: bool) -> FsResult<Authorized> {
    authorize(tree, &path("/home/ann"), None, &key(), dry_run).await
}

async fn names(tree: &MemoryFileSystem) -> Vec<String> {
    let mut names: Vec<_> = crate::vfs::list_all(tree, &path("/home/ann/.ssh")).await.unwrap().iter().map(Entry::display_name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_is_missing_is_made_for_its_owner_alone() {
    let tree = tree(None).await;
    assert_eq!(install(&tree, true).await.unwrap().outcome, AuthorizeOutcome::WouldAdd);
    assert!(tree.stat(&path("/home/ann/.ssh")).await.is_err(), "a dry run writes nothing");
    let done = install(&tree, false).await.unwrap();
    assert_eq!((done.outcome, done.backup, done.warnings), (AuthorizeOutcome::Added, None, Vec::new()));
    assert_eq!(text(&tree, FILE).await, format!("{KEY}\n"));
    assert_eq!((bits(&tree, "/home/ann/.ssh").await, bits(&tree, FILE).await), (Some(0o700), Some(0o600)));
    assert_eq!(names(&tree).await, ["authorized_keys"]);
    let again = install(&tree, false).await.unwrap();
    assert_eq!(again.outcome, AuthorizeOutcome::Present { line: 1, options: String::new() });
    assert_eq!(text(&tree, FILE).await, format!("{KEY}\n"));
}

#[tokio::test]
async fn every_byte_and_the_mode_stay_and_it_can_be_taken_back() {
    for (before, between) in [("# mine\r\n\nssh-rsa AAAA x", "\n"), ("a\n", ""), ("", "")] {
        let tree = tree(Some((before, 0o640))).await;
        let mut done = install(&tree, false).await.unwrap();
        assert_eq!(text(&tree, FILE).await, format!("{before}{between}{KEY}\n"));
        assert_eq!(bits(&tree, FILE).await, Some(0o640));
        let backup = done.backup.as_ref().unwrap().display();
        assert_eq!((text(&tree, &backup).await.as_str(), bits(&tree, &backup).await), (before, Some(0o600)));
        withdraw(&tree, &mut done).await.unwrap();
        assert_eq!((text(&tree, FILE).await.as_str(), bits(&tree, FILE).await), (before, Some(0o640)));
        assert_eq!(names(&tree).await, ["authorized_keys"]);
    }
    let tree = tree(None).await;
    let mut done = install(&tree, false).await.unwrap();
    withdraw(&tree, &mut done).await.unwrap();
    assert!(names(&tree).await.is_empty());
}

#[tokio::test]
async fn where_replacing_is_two_steps_the_file_is_never_gone() {
    let mut options = MemoryOptions::default();
    options.capabilities.replaces_in_one_step = false;
    let tree = tree_with(options, Some(("a\n", 0o640))).await;
    // Neither taken away nor anything put in its place.
    for call in [Call::Remove, Call::Rename] {
        tree.faults().always(call, "authorized_keys", Effect::Fail(FsErrorKind::PermissionDenied));
    }
    let mut done = install(&tree, false).await.unwrap();
    assert_eq!((text(&tree, FILE).await, bits(&tree, FILE).await), (format!("a\n{KEY}\n"), Some(0o640)));
    assert_eq!(text(&tree, &done.backup.as_ref().unwrap().display()).await, "a\n");
    tree.faults().clear();
    tree.faults().always(Call::Rename, "before-sealift", Effect::Fail(FsErrorKind::PermissionDenied));
    withdraw(&tree, &mut done).await.unwrap();
    assert_eq!((text(&tree, FILE).await.as_str(), bits(&tree, FILE).await), ("a\n", Some(0o640)));
    assert_eq!(names(&tree).await, ["authorized_keys"]);
}

#[tokio::test]
async fn what_somebody_else_wrote_since_is_not_taken_back() {
    let tree = tree(Some(("a\n", 0o600))).await;
    let mut done = install(&tree, false).await.unwrap();
    tree.put(&path(FILE), b"theirs, longer than before and after").unwrap();
    assert_eq!(withdraw(&tree, &mut done).await.unwrap_err().kind, FsErrorKind::ChangedMeanwhile);
    assert!(text(&tree, FILE).await.starts_with("theirs"));
}

#[tokio::test]
async fn copies_of_earlier_runs_and_parts_of_others_stay() {
    let tree = tree(Some(("a\n", 0o600))).await;
    let theirs = [".before-sealift", ".before-sealift-2", ".sealift-part"].map(|suffix| format!("{FILE}{suffix}"));
    for file in &theirs {
        tree.put(&path(file), file.as_bytes()).unwrap();
    }
    let mut done = install(&tree, false).await.unwrap();
    let backup = done.backup.as_ref().unwrap().display();
    assert_eq!((backup.as_str(), text(&tree, &backup).await.as_str()), (&*format!("{FILE}.before-sealift-3"), "a\n"));
    withdraw(&tree, &mut done).await.unwrap();
    for file in &theirs {
        assert_eq!(text(&tree, file).await, *file);
    }
    assert_eq!(names(&tree).await.len(), 4);

    for number in 3..=MOST_BACKUPS {
        tree.put(&path(&format!("{FILE}.before-sealift-{number}")), b"").unwrap();
    }
    assert_eq!(install(&tree, false).await.unwrap_err().kind, FsErrorKind::AlreadyExists);
    assert_eq!(text(&tree, FILE).await, "a\n");
}

#[tokio::test]
async fn a_link_stays_a_link_and_a_circle_is_told() {
    let tree = tree(Some(("a\n", 0o600))).await;
    tree.rename(&path(FILE), &path("/home/ann/keys"), Replace::No).await.unwrap();
    tree.make_symlink(&path(FILE), b"../keys").await.unwrap();
    assert_eq!(install(&tree, false).await.unwrap().file, path("/home/ann/keys"));
    assert_eq!(text(&tree, "/home/ann/keys").await, format!("a\n{KEY}\n"));
    assert_eq!(tree.stat(&path(FILE)).await.unwrap().kind, Kind::Symlink);
    tree.remove_file(&path("/home/ann/keys")).await.unwrap();
    tree.make_symlink(&path("/home/ann/keys"), b".ssh/authorized_keys").await.unwrap();
    assert_eq!(install(&tree, false).await.unwrap_err().kind, FsErrorKind::Refused);
}

#[tokio::test]
async fn what_the_server_minds_is_told_and_nothing_is_loosened_or_tightened() {
    let tree = tree(Some(("a\n", 0o666))).await;
    mode(&tree, "/home/ann", 0o775).await;
    let warnings = install(&tree, false).await.unwrap().warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("authorized_keys (mode 0666)") && warnings[1].contains("/home/ann (mode 0775)"), "{warnings:?}");
    assert_eq!((bits(&tree, FILE).await, bits(&tree, "/home/ann").await), (Some(0o666), Some(0o775)));
}

#[tokio::test]
async fn another_file_is_looked_for_from_the_home_folder_on() {
    let tree = tree(None).await;
    for (file, expected) in [("keys/own", "/home/ann/keys/own"), ("/home/keys", "/home/keys")] {
        authorize(&tree, &path("/home/ann"), Some(file.as_bytes()), &key(), false).await.unwrap();
        assert_eq!(text(&tree, expected).await, format!("{KEY}\n"));
    }
    let missing = authorize(&tree, &path("/home/ann"), Some(b"no/where/keys"), &key(), false).await.unwrap_err();
    assert_eq!(missing.kind, FsErrorKind::NotFound);
    let folder = authorize(&tree, &path("/home/ann"), Some(b"keys"), &key(), false).await.unwrap_err();
    assert_eq!(folder.kind, FsErrorKind::IsADirectory);
}
