//! `ls` and `cat`.

use std::io::Read;

use sealift::model::{Entry, EntryName, FilePath, Kind};

use crate::scene::{Ran, Scene, path};

/// FTP does not tell where a link leads, SFTP does: so links stand among the files or the folders.
fn sorted(ran: &Ran) -> Vec<&str> {
    let mut lines = ran.lines();
    lines.sort_unstable();
    lines
}

#[test]
fn a_folder_is_listed_plain_and_with_what_is_hidden() {
    let scene = Scene::new();
    for (url, _) in scene.both("/") {
        let ran = scene.sealift(&["ls", &url]).exits(0);
        assert_eq!(sorted(&ran), ["100% sure; #1?.txt", "a.txt", "link", "sub"], "{ran}");
        assert_eq!(ran.err, "");
        assert!(scene.sealift(&["ls", "-a", &url]).exits(0).lines().contains(&".hidden"));
    }
}

#[test]
fn the_long_form_has_mode_size_time_and_where_links_lead() {
    let scene = Scene::new();
    for (url, _) in scene.both("") {
        let ran = scene.sealift(&["ls", "-l", &url]).exits(0);
        let has = |begin: &str, end: &str| ran.lines().iter().any(|line| line.starts_with(begin) && line.ends_with(end));
        assert!(has("-rw-r--r-- ", " a.txt") && ran.out.contains(" 5 20"), "{ran}");
        assert!(has("d", " sub") && has("l", " link -> sub"), "{ran}");
    }
}

#[test]
fn files_links_the_home_folder_and_odd_names_are_found() {
    let scene = Scene::new();
    for (at, expected) in [
        ("/a.txt", vec!["a.txt"]),
        ("/.hidden", vec![".hidden"]),
        ("/sub", vec!["b.txt", "deep"]),
        ("/link", vec!["b.txt", "deep"]),
        ("/link/", vec!["b.txt", "deep"]),
        ("/~/sub", vec!["b.txt", "deep"]),
        ("/~", vec!["100% sure; #1?.txt", "a.txt", "link", "sub"]),
        ("/sub/../sub/deep", vec!["c.txt"]),
        ("/100%25%20sure%3B%20%231%3F.txt", vec!["100% sure; #1?.txt"]),
    ] {
        for (url, _) in scene.both(at) {
            assert_eq!(sorted(&scene.sealift(&["ls", &url]).exits(0)), expected, "{url}");
        }
    }
}

#[test]
fn a_link_to_a_file_is_listed_as_itself() {
    use sealift::vfs::FileSystem as _;
    let scene = Scene::new();
    for (url, tree) in scene.both("/to-file") {
        scene.runtime.block_on(tree.make_symlink(&path("/to-file"), b"a.txt")).unwrap();
        assert_eq!(scene.sealift(&["ls", &url]).exits(0).lines(), ["to-file"]);
    }
}

#[test]
fn json_has_every_entry_and_a_summary() {
    let scene = Scene::new();
    let ran = scene.sealift(&["ls", "--json", &scene.sftp("/")]).exits(0);
    let file = ran.line_with("name", "a.txt");
    assert_eq!((&file["kind"], &file["size"], &file["mode"]), (&"file".into(), &5.into(), &"0644".into()));
    assert!(file["modified"].as_str().unwrap().ends_with('Z'), "{ran}");
    assert_eq!(ran.line_with("name", "link")["kind"], "symlink");
    assert_eq!(ran.line_with("name", ".hidden")["size"], 1);
    assert_eq!(ran.json().last().unwrap()["summary"]["entries"], 5, "{ran}");
}

#[test]
fn names_that_are_hostile_or_not_utf8_are_listed_and_marked() {
    let scene = Scene::new();
    let name = EntryName::new(&b"caf\xe9.txt"[..]).unwrap();
    scene.ftps_tree.put(&FilePath::root().join(&name), b"latin").unwrap();
    for hostile in [&b"../escape"[..], b"red \x1b[31m.txt", b"line\r\nbreak"] {
        scene.ftps_tree.plant_line(&path("/"), Entry::new(hostile, Kind::File)).unwrap();
    }
    let ran = scene.sealift(&["ls", "--json", &scene.ftps("/")]).exits(0);
    assert_eq!(ran.line_with("name_b64", "Y2Fm6S50eHQ=")["size"], 5, "{ran}");
    assert!(ran.line_with("name", "../escape")["unsafe"].as_str().unwrap().contains("slash"));
    // The line after the break is a listing's line of its own, which nobody understands.
    assert_eq!(ran.line_with("unparsed", "break")["kind"], serde_json::Value::Null);
    assert_eq!(ran.json().last().unwrap()["summary"]["unparsed"], 1, "{ran}");

    let ran = scene.sealift(&["ls", &scene.ftps("/")]).exits(0);
    assert!(!ran.out.chars().any(|c| c.is_control() && c != '\n'), "{ran}");
    assert!(ran.out.contains("escape") && ran.out.contains("break"), "{ran}");
    assert_eq!(scene.sealift(&["cat", &scene.ftps("/caf%E9.txt")]).exits(0).out, "latin");
}

#[test]
fn local_folders_are_listed_like_remote_ones() {
    use std::os::unix::ffi::OsStrExt as _;
    let scene = Scene::new();
    scene.put("one/x y%20.txt", b"x");
    let absolute = scene.here("one");
    for at in ["one", "./one/", "one/../one", absolute.to_str().unwrap(), &format!("file://{}", absolute.display())] {
        assert_eq!(scene.bare(&["ls", at]).exits(0).lines(), ["x y%20.txt"], "{at}");
    }
    assert_eq!(scene.bare(&["cat", &format!("file://{}/x%20y%2520.txt", absolute.display())]).exits(0).out, "x");
    std::fs::write(scene.here("").join(std::ffi::OsStr::from_bytes(b"caf\xe9")), "bytes").unwrap();
    let mut run = scene.bare(&["cat"]);
    run.command.arg(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    assert_eq!(run.exits(0).out, "bytes");
    scene.bare(&["ls", "missing"]).fails(8, &["missing", "it is not there"]);
}

#[test]
fn cat_writes_the_file_and_nothing_else() {
    let scene = Scene::new();
    for (url, tree) in scene.both("/a.txt") {
        let ran = scene.sealift(&["cat", &url]).exits(0);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("hello", ""));
        tree.put(&path("/big"), &vec![b'x'; 5 << 20]).unwrap();
    }
    for (url, _) in scene.both("/big") {
        assert_eq!(scene.sealift(&["cat", &url]).exits(0).out.len(), 5 << 20);
    }
    for (url, _) in scene.both("/sub") {
        scene.sealift(&["cat", &url]).fails(7, &["Cannot read /sub"]);
    }
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let scene = Scene::new();
    for (url, tree) in scene.both("/big") {
        tree.put(&path("/big"), &vec![b'x'; 20 << 20]).unwrap();
        let mut child = scene.sealift(&["cat", &url]).start();
        let mut some = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut some).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
    }
}
