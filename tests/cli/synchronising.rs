//! `sync`.

use std::time::{Duration, SystemTime};

use sealift::vfs::FsErrorKind;
use sealift::vfs::memory::faults::{Call, Effect};

use crate::scene::{Scene, path};

/// Sets the time of a file here, in seconds before now.
fn age(scene: &Scene, name: &str, seconds: u64) {
    let file = std::fs::File::options().write(true).open(scene.here(name)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
}

fn sample() -> Scene {
    let scene = Scene::new();
    scene.put("out/new.txt", b"new");
    scene.put("out/sub/b.txt", b"below, and longer");
    scene.put("out/sub/deep/c.txt", b"deep");
    scene
}

#[test]
fn a_dry_run_changes_nothing_and_says_so_with_its_code() {
    let scene = sample();
    for (url, tree) in scene.both("/sub") {
        let before = tree.paths();
        let ran = scene.sealift(&["sync", "out/sub", &url, "--dry-run", "--overwrite-newer"]).exits(10);
        assert!(ran.out.contains("update      -> b.txt"), "{ran}");
        assert!(ran.err.contains("to update"), "{ran}");
        let ran = scene.sealift(&["sync", "out", &url, "--dry-run", "--json", "--delete"]).exits(10);
        assert_eq!(ran.line_with("path", "new.txt")["effect"], "create");
        assert_eq!(ran.line_with("path", "b.txt")["action"], "delete-right");
        assert_eq!(ran.json().last().unwrap()["summary"]["delete"], 3, "{ran}");
        assert_eq!(tree.paths(), before);
    }
}

#[test]
fn the_target_becomes_like_the_source_and_then_nothing_is_left_to_do() {
    let scene = sample();
    for (url, tree) in scene.both("/sub") {
        let ran = scene.sealift(&["sync", "out", &url, "--delete"]).exits(0);
        assert_eq!(ran.out, "", "{ran}");
        assert_eq!(tree.content(&path("/sub/sub/deep/c.txt")).unwrap(), b"deep");
        assert!(tree.content(&path("/sub/b.txt")).is_none());
        let trash: Vec<_> = tree.paths().into_iter().filter(|path| path.contains(".sealift-trash/")).collect();
        assert!(trash.iter().any(|path| path.ends_with("/b.txt")) && trash.iter().any(|path| path.ends_with("/deep/c.txt")), "{trash:?}");
        scene.sealift(&["sync", "out", &url, "--delete", "--dry-run"]).exits(0);
        scene.sealift(&["sync", "out", &url, "--delete", "--dry-run", "--checksum"]).exits(0);
        // What is only there stays without --delete.
        tree.put(&path("/sub/theirs"), b"x").unwrap();
        scene.sealift(&["sync", "out", &url]).exits(0);
        scene.sealift(&["sync", "out", &url, "--delete=permanent"]).exits(0);
        assert!(!tree.paths().iter().any(|path| path.ends_with("/theirs")));
        // And the other way round, into a folder that is still to be made.
        let ran = scene.sealift(&["sync", &url, "back", "--json"]).exits(0);
        assert_eq!(ran.json().last().unwrap()["summary"]["failed"], 0, "{ran}");
        assert_eq!(scene.read("back/sub/deep/c.txt"), "deep");
        assert!(!scene.here("back/.sealift-trash").exists());
        std::fs::remove_dir_all(scene.here("back")).unwrap();
    }
}

#[test]
fn a_plan_is_a_file_that_is_carried_out_later_or_refused_row_by_row() {
    let scene = sample();
    for (at, (url, tree)) in scene.both("/sub").into_iter().enumerate() {
        let plan = format!("plan-{at}");
        scene.sealift(&["sync", "out", &url, "--delete", "--plan", &plan]).exits(10).says(&["--apply"]);
        let text = scene.read(&plan);
        assert!(text.contains(url.split_once('@').unwrap().1) && !text.contains("correct-horse"), "{text}");
        assert!(tree.content(&path("/sub/new.txt")).is_none(), "a plan changes nothing");
        scene.sealift(&["sync", "out", &url, "--plan", &plan]).fails(8, &["could not be written"]);
        scene.put("out/sub/deep/c.txt", b"changed since");
        let ran = scene.sealift(&["sync", "--apply", &plan]).exits(3).says(&["changed since it was compared", "nothing was deleted"]);
        assert_eq!(tree.content(&path("/sub/new.txt")).unwrap(), b"new", "{ran}");
        assert!(tree.content(&path("/sub/sub/deep/c.txt")).is_none());
        assert!(tree.content(&path("/sub/b.txt")).is_some());
        scene.put("out/sub/deep/c.txt", b"deep");
    }
    scene.put("half", scene.read("plan-0").rsplit_once("{\"summary\"").unwrap().0.as_bytes());
    scene.sealift(&["sync", "--apply", "half"]).fails(8, &["its end is missing"]);
    scene.put("strange", b"#!/bin/sh\n");
    scene.sealift(&["sync", "--apply", "strange"]).fails(8, &["line 1 is no part of a plan"]);
}

#[test]
fn an_empty_source_is_taken_for_a_disk_that_is_not_there() {
    let scene = Scene::new();
    std::fs::create_dir(scene.here("mount")).unwrap();
    for (url, tree) in scene.both("/sub") {
        let before = tree.paths();
        for more in [&["--delete"][..], &["--delete", "--dry-run"], &["--delete", "--plan", "no-plan"]] {
            let arguments = [&["sync", "mount", &url], more].concat();
            scene.sealift(&arguments).fails(1, &["nothing was changed", "mounted", "--empty-source"]);
        }
        assert_eq!(tree.paths(), before);
        assert!(!scene.here("no-plan").exists());
        scene.sealift(&["sync", "mount", &url, "--delete", "--empty-source"]).exits(0);
        assert!(tree.content(&path("/sub/b.txt")).is_none());
    }
}

#[test]
fn conflicts_are_left_told_and_partial() {
    let scene = sample();
    age(&scene, "out/sub/b.txt", 5000);
    for (url, tree) in scene.both("/sub") {
        scene.sealift(&["sync", "out/sub", &url]).exits(3).says(&["b.txt (DST is newer)", "--overwrite-newer"]);
        assert_eq!(tree.content(&path("/sub/b.txt")).unwrap(), b"below");
        scene.sealift(&["sync", "out/sub", &url, "--overwrite-newer"]).exits(0);
        assert_eq!(tree.content(&path("/sub/b.txt")).unwrap(), b"below, and longer");
    }
}

#[test]
fn the_newer_goes_both_ways() {
    let scene = sample();
    scene.put("out/sub/mine.txt", b"mine");
    age(&scene, "out/sub/b.txt", 5000);
    let (url, tree) = (scene.sftp("/sub"), scene.sftp_tree.clone());
    scene.sealift(&["sync", "out/sub", &url, "--direction", "both", "--exclude", "deep/"]).exits(0);
    assert_eq!((scene.read("out/sub/b.txt"), tree.content(&path("/sub/mine.txt")).unwrap()), ("below".into(), b"mine".to_vec()));
    scene.sealift(&["sync", "out/sub", &url, "--direction", "both", "--exclude", "deep/", "--dry-run"]).exits(0);
}

#[test]
fn what_is_left_out_stays_as_it_is() {
    let scene = sample();
    scene.put("out/sub/big.txt", &[b'x'; 3000]);
    let (url, tree) = (scene.sftp("/sub"), scene.sftp_tree.clone());
    let arguments =
        ["sync", "out/sub", &url, "--delete", "--exclude", "deep/", "--include", "*.txt", "--max-size", "2K", "--newer-than", "1d"];
    scene.sealift(&arguments).args(&["--overwrite-newer"]).exits(0);
    assert!(tree.content(&path("/sub/deep/c.txt")).is_some() && tree.content(&path("/sub/big.txt")).is_none());
    scene.sealift(&["sync", "out", &url, "--exclude", "{a"]).fails(2, &["\"{a\" is no pattern"]);
    scene.sealift(&["sync", "out", "out/sub"]).fails(2, &["lies inside it"]);
    scene.sealift(&["sync", "out"]).exits(2);
}

#[test]
fn a_folder_that_cannot_be_read_keeps_its_counterpart_whole() {
    let scene = sample();
    scene.put("target/sub/deep/only-here", b"x");
    scene.put("target/gone", b"x");
    scene.ftps_tree.faults().always(Call::List, "/sub/deep", Effect::Fail(FsErrorKind::PermissionDenied));
    scene.ftps_tree.put(&path("/from/sub/deep/c.txt"), b"x").unwrap();
    let url = scene.ftps("/from");
    scene.sealift(&["sync", &url, "target", "--delete"]).exits(3).says(&["sub/deep: it could not be read"]);
    scene.sealift(&["sync", &url, "target", "--delete", "--dry-run"]).exits(3);
    assert_eq!(scene.read("target/sub/deep/only-here"), "x");
    assert!(!scene.here("target/gone").exists() && scene.here("target/.sealift-trash").exists());
    scene.sealift(&["sync", &scene.ftps("/missing"), "target", "--delete"]).fails(7, &["missing"]);
}
