//! `copy` and `move`.

use rustix::process::{Pid, Signal, kill_process};
use sealift::vfs::memory::faults::{Call, Effect};
use sealift::vfs::{FileSystem as _, FsErrorKind};

use crate::scene::{PASSWORD, Scene, path};

#[test]
fn files_and_folders_travel_both_ways() {
    let scene = Scene::new();
    scene.put("out/x.csv", b"x");
    scene.put("out/in/y.csv", b"y");
    for (url, tree) in scene.both("/") {
        let to = format!("{url}sub");
        scene.sealift(&["copy", "out", "out/x.csv", &to]).exits(0);
        assert_eq!(tree.content(&path("/sub/out/in/y.csv")).unwrap(), b"y");
        assert_eq!(tree.content(&path("/sub/x.csv")).unwrap(), b"x");
        // A single item may get a new name.
        scene.sealift(&["copy", "out/x.csv", &format!("{url}named.csv")]).exits(0);
        scene.sealift(&["copy", "out", &format!("{url}folder")]).exits(0);
        assert_eq!(tree.content(&path("/named.csv")).unwrap(), b"x");
        assert_eq!(tree.content(&path("/folder/in/y.csv")).unwrap(), b"y");

        std::fs::create_dir(scene.here("back")).unwrap();
        let ran = scene.sealift(&["copy", &format!("{url}sub"), &format!("{url}a.txt"), "back"]).exits(0);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
        assert_eq!((scene.read("back/a.txt"), scene.read("back/sub/out/in/y.csv")), ("hello".into(), "y".into()));
        std::fs::remove_dir_all(scene.here("back")).unwrap();
    }
}

#[test]
fn json_tells_of_each_file_where_from_and_where_to() {
    let scene = Scene::new();
    for (url, _) in scene.both("/sub") {
        let ran = scene.sealift(&["copy", "--json", &url, "copied"]).exits(0);
        let line = ran.line_with("source", &format!("{url}/deep/c.txt"));
        assert_eq!(line["target"], scene.here("copied/deep/c.txt").to_str().unwrap());
        assert_eq!((&line["bytes"], &line["outcome"]), (&4.into(), &"copied".into()));
        assert_eq!(ran.json().last().unwrap()["summary"]["bytes"], 9, "{ran}");
        std::fs::remove_dir_all(scene.here("copied")).unwrap();
    }
}

#[test]
fn from_server_to_server_and_within_one() {
    let scene = Scene::new();
    // The password brought along is for the first server that asks, and for no other.
    scene.sealift(&["copy", &scene.ftps("/sub"), &scene.sftp("/there")]).fails(5, &["password of ann"]);
    let second = scene.sftp("/there").replacen("ann@", &format!("ann:{PASSWORD}@"), 1);
    scene.sealift(&["copy", &scene.ftps("/sub"), &second]).exits(0);
    assert_eq!(scene.sftp_tree.content(&path("/there/deep/c.txt")).unwrap(), b"deep");
    for (url, tree) in scene.both("/") {
        scene.sealift(&["copy", &format!("{url}a.txt"), &format!("{url}sub/")]).exits(0);
        assert_eq!(tree.content(&path("/sub/a.txt")).unwrap(), b"hello");
    }
}

#[test]
fn a_folder_does_not_go_into_itself() {
    let scene = Scene::new();
    for (url, tree) in scene.both("/sub") {
        let before = tree.paths();
        scene.sealift(&["copy", &url, &format!("{url}/deep")]).fails(7, &["lies inside it"]);
        scene.sealift(&["copy", &url, &url]).fails(7, &[]);
        assert_eq!(tree.paths(), before);
    }
}

#[test]
fn every_way_to_settle_a_conflict() {
    let scene = Scene::new();
    for (url, tree) in scene.both("/a.txt") {
        let reset = || {
            tree.put(&path("/a.txt"), b"there").unwrap();
            scene.put("a.txt", b"longer");
            // Long ago, so that what is there is the newer one.
            let old = std::fs::File::options().write(true).open(scene.here("a.txt")).unwrap();
            old.set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000)).unwrap();
        };
        for (policy, after) in [
            ("overwrite", "longer"),
            ("skip", "there"),
            ("newer", "there"),
            ("larger", "longer"),
            ("size-differs", "longer"),
            ("date-differs", "longer"),
            ("differs", "longer"),
            ("date-name", "there"),
            ("rename", "there"),
        ] {
            reset();
            let ran = scene.sealift(&["copy", "--json", "--on-conflict", policy, "a.txt", &url]).exits(0);
            assert_eq!(tree.content(&path("/a.txt")).unwrap(), after.as_bytes(), "{policy} {ran}");
        }
        assert_eq!(tree.content(&path("/a (2).txt")).unwrap(), b"longer", "{:?}", tree.paths());
        assert!(tree.paths().iter().any(|path| path.starts_with("/a 20")), "{:?}", tree.paths());
        reset();
        // Nobody is there to be asked: it is left, and that is told.
        let ran = scene.sealift(&["copy", "--json", "a.txt", &url]).exits(3).says(&["not replaced", "--on-conflict"]);
        assert_eq!(ran.json()[0]["outcome"], "skipped");
        assert_eq!(tree.content(&path("/a.txt")).unwrap(), b"there");
    }
}

#[test]
fn what_is_verified_is_told_with_the_way_it_was() {
    let scene = Scene::new();
    scene.put("out/x.csv", b"x");
    scene.put("out/y.csv", &vec![b'y'; 1 << 20]);
    for (url, tree) in scene.both("/") {
        let ran = scene.sealift(&["copy", "--verify", "--json", "out", &url]).exits(0);
        let line = ran.line_with("source", scene.here("out/y.csv").to_str().unwrap());
        assert_eq!(line["outcome"], "verified", "{ran}");
        let way = line["verified_by"].as_str().unwrap();
        assert!(way == "read back" || way.ends_with("told by the server"), "{way}");
        assert_eq!(tree.content(&path("/out/y.csv")).unwrap().len(), 1 << 20);

        let ran = scene.sealift(&["copy", "--verify", &format!("{url}out"), "back"]).exits(0);
        ran.says(&["2 verified: read back from the disk"]);
        std::fs::remove_dir_all(scene.here("back")).unwrap();
    }
}

#[test]
fn what_arrives_damaged_gets_no_name_and_code_nine() {
    let scene = Scene::new();
    scene.put("damaged.csv", &vec![b'd'; 1 << 20]);
    scene.put("whole.csv", b"whole");
    for (url, tree) in scene.both("/") {
        tree.put(&path("/damaged.csv"), b"before").unwrap();
        tree.faults().once(Call::Write(0), "damaged", Effect::FlipBit);
        let ran = scene.sealift(&["copy", "--verify", "--json", "--on-conflict", "overwrite", "damaged.csv", "whole.csv", &url]).exits(9);
        let ran = ran.says(&[&format!("{url}damaged.csv"), "what arrived is not what was sent", "did not get its name"]);
        assert_eq!(ran.line_with("outcome", "verified")["bytes"], 5, "{ran}");
        assert_eq!(tree.content(&path("/damaged.csv")).unwrap(), b"before");
        assert!(!tree.paths().iter().any(|path| path.contains(".part")), "{:?}", tree.paths());
    }
}

#[test]
fn links_are_followed_copied_or_left_out() {
    let scene = Scene::new();
    scene.put("out/file", b"content");
    std::os::unix::fs::symlink("file", scene.here("out/link")).unwrap();
    for (url, tree) in scene.both("/") {
        scene.sealift(&["copy", "--links", "follow", "out", &format!("{url}followed")]).exits(0).says(&["1 link followed"]);
        assert_eq!(tree.content(&path("/followed/link")).unwrap(), b"content");
        let ran = scene.sealift(&["copy", "--json", "--links", "skip", "out", &format!("{url}without")]).exits(0);
        assert_eq!(ran.line_with("outcome", "skipped")["source"], scene.here("out/link").to_str().unwrap());
        assert!(tree.content(&path("/without/link")).is_none());
    }
    let (sftp, tree) = (scene.sftp("/"), &scene.sftp_tree);
    scene.sealift(&["copy", "--links", "copy", "out", &format!("{sftp}linked")]).exits(0);
    assert_eq!(scene.runtime.block_on(tree.stat(&path("/linked/link"))).unwrap().kind, sealift::model::Kind::Symlink);
    // FTP makes none.
    scene.sealift(&["copy", "--links", "copy", "out", &scene.ftps("/linked")]).exits(3).says(&["cannot be made there"]);
}

#[test]
fn the_ends_of_lines_are_chosen_for_one_copy() {
    let scene = Scene::new();
    let text = b"one\ntwo\n";
    scene.put("out/a.csv", text);
    scene.put("out/b.bin", text);
    let (url, tree) = (scene.ftps("/"), &scene.ftps_tree);
    // This server keeps what comes over the line.
    for (kind, csv, bin) in
        [("ascii", "one\r\ntwo\r\n", "one\r\ntwo\r\n"), ("auto", "one\r\ntwo\r\n", "one\ntwo\n"), ("binary", "one\ntwo\n", "one\ntwo\n")]
    {
        let there = format!("{url}{kind}");
        scene.sealift(&["copy", "--transfer-type", kind, "out", &there]).exits(0);
        let content = |name: &str| String::from_utf8(tree.content(&path(&format!("/{kind}/{name}"))).unwrap()).unwrap();
        assert_eq!((&*content("a.csv"), &*content("b.bin")), (csv, bin), "{kind}");
        let back = format!("back-{kind}");
        scene.sealift(&["copy", "--verify", "--transfer-type", kind, &there, &back]).exits(0);
        assert_eq!(
            (scene.read(&format!("{back}/a.csv")), scene.read(&format!("{back}/b.bin"))),
            ("one\ntwo\n".into(), "one\ntwo\n".into())
        );
    }
    for (from, to) in [("out", scene.sftp("/text")), ("out", "here".to_owned())] {
        scene.sealift(&["copy", "--transfer-type", "ascii", from, &to]).fails(2, &["--transfer-type is about FTP", "Leave it out"]);
    }
}

#[test]
fn moved_is_copied_and_gone() {
    let scene = Scene::new();
    for (url, tree) in scene.both("/") {
        scene.put("out/x.csv", b"x");
        scene.sealift(&["move", "out", &url]).exits(0);
        assert!(!scene.here("out").exists());
        scene.sealift(&["move", &format!("{url}out"), &format!("{url}renamed")]).exits(0);
        assert_eq!(tree.content(&path("/renamed/x.csv")).unwrap(), b"x");
        scene.sealift(&["move", &format!("{url}renamed/x.csv"), "."]).exits(0);
        assert_eq!(scene.read("x.csv"), "x");
        assert!(tree.content(&path("/renamed/x.csv")).is_none());
        std::fs::remove_file(scene.here("x.csv")).unwrap();
    }
}

#[test]
fn one_unreadable_file_is_named_and_the_rest_is_copied() {
    let scene = Scene::new();
    for (url, tree) in scene.both("/sub") {
        tree.faults().always(Call::Open, "b.txt", Effect::Fail(FsErrorKind::PermissionDenied));
        let ran = scene.sealift(&["copy", "--json", &url, "copied"]).exits(3);
        let ran = ran.says(&[&format!("Cannot read {url}/b.txt"), "permission denied", "Check the owner"]);
        let line = ran.line_with("outcome", "failed");
        assert!(line["error"].as_str().unwrap().contains("permission denied"));
        assert_eq!(scene.read("copied/deep/c.txt"), "deep");
        assert!(!scene.here("copied/b.txt").exists());
        std::fs::remove_dir_all(scene.here("copied")).unwrap();
    }
}

#[test]
fn what_the_server_refuses_and_what_the_disk_refuses() {
    let scene = Scene::new();
    scene.put("x", b"x");
    scene.put("file", b"in the way");
    for (url, tree) in scene.both("/") {
        scene.sealift(&["copy", &format!("{url}missing"), "."]).fails(7, &[&format!("{url}missing"), "it is not there", "Check the name"]);
        scene.sealift(&["copy", "missing", &url]).fails(8, &["missing", "it is not there"]);
        scene.sealift(&["copy", "x", &format!("{url}no/such/")]).fails(7, &["/no/such"]);
        scene.sealift(&["copy", &format!("{url}a.txt"), "file/"]).fails(2, &["is not a folder"]);
        scene.sealift(&["copy", &format!("{url}a.txt"), &format!("{url}sub"), "file"]).fails(2, &["is not a folder"]);
        scene.sealift(&["copy", &format!("{url}a.txt"), "/proc/"]).fails(8, &["/proc/a.txt"]);
        tree.faults().always(Call::Create, "denied", Effect::Fail(FsErrorKind::PermissionDenied));
        scene.sealift(&["copy", "x", &format!("{url}denied")]).fails(7, &[&format!("{url}denied"), "permission denied", "Check the owner"]);
    }
}

#[test]
fn two_sources_of_one_name_are_refused_before_anything_is_copied() {
    let scene = Scene::new();
    scene.put("one/x", b"1");
    scene.put("two/x", b"2");
    scene.bare(&["copy", "one/x", "two/x", "."]).fails(2, &["called x"]);
    assert!(!scene.here("x").exists());
}

#[test]
fn an_interrupt_leaves_no_half_file_and_the_same_command_goes_on() {
    let scene = Scene::new();
    for (url, tree) in scene.both("/big") {
        tree.put(&path("/big"), &vec![b'x'; 2 << 20]).unwrap();
        tree.faults().always(Call::Read(1 << 20), "big", Effect::Stall);
        let mut child = scene.sealift(&["copy", &url, "landed"]).start();
        // Under way as soon as the part is there.
        let parts =
            || std::fs::read_dir(scene.here("")).unwrap().flatten().filter(|entry| entry.metadata().is_ok_and(|m| m.is_file())).count();
        while parts() == 0 {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it could be interrupted");
            std::thread::yield_now();
        }
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(!scene.here("landed").exists(), "nothing has its name before it is whole");
        tree.faults().clear();
        scene.sealift(&["copy", &url, "landed"]).exits(0);
        assert_eq!(scene.read("landed").len(), 2 << 20);
        assert_eq!(parts(), 1, "no part file is left");
        std::fs::remove_file(scene.here("landed")).unwrap();
    }
}

#[test]
fn the_same_command_goes_on_though_its_folder_is_there_now() {
    let scene = Scene::new();
    for (url, tree) in scene.both("/dir") {
        tree.put(&path("/dir/a"), b"a").unwrap();
        tree.put(&path("/dir/big"), &vec![b'x'; 2 << 20]).unwrap();
        tree.faults().always(Call::Read(1 << 20), "big", Effect::Stall);
        let mut child = scene.sealift(&["copy", &url, "fresh"]).start();
        while !scene.here("fresh/a").exists() {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        tree.faults().clear();
        let said = ["going on with what was interrupted: dir"];
        scene.sealift(&["copy", &url, "fresh"]).exits(0).says(&said);
        let names = |folder| std::fs::read_dir(scene.here(folder)).unwrap().count();
        assert_eq!((names("fresh"), scene.read("fresh/big").len(), &*scene.read("fresh/a")), (2, 2 << 20, "a"));
        // Through, the words mean the folder that is there now.
        scene.sealift(&["copy", &url, "fresh"]).exits(0);
        assert_eq!(names("fresh/dir"), 2);
        std::fs::remove_dir_all(scene.here("fresh")).unwrap();
    }
}
