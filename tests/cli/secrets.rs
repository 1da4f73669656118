//! A secret leaves no trace.

use std::fs;
use std::path::Path;

use crate::scene::{PASSWORD, Scene};

/// Every file below `folder` that contains `needle`.
fn holding(folder: &Path, needle: &[u8], found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            holding(&path, needle, found);
        } else if fs::read(&path).unwrap().windows(needle.len()).any(|window| window == needle) {
            found.push(path.display().to_string());
        }
    }
}

#[test]
fn the_password_is_in_no_output_no_log_and_no_file() {
    let scene = Scene::new();
    for (url, _) in scene.both("/") {
        let with_password = url.replace("ann@", &format!("ann:{PASSWORD}@"));
        for run in [
            scene.sealift(&["ls", "-l", &url]),
            scene.sealift(&["ls", "--json", &with_password]),
            scene.sealift(&["cat", &url]).args(&["--password-command", &format!("echo {PASSWORD}")]),
            scene.sealift(&["cat", &url]).args(&["--password-stdin"]).input(&format!("{PASSWORD}\n")),
            scene.sealift(&["copy", "--json", &format!("{with_password}missing"), "."]),
            scene.sealift(&["ls", &with_password.replace("127.0.0.1", "nowhere.invalid")]),
            scene.sealift(&["ls", &with_password.replace('@', ";fingerprint=12@")]),
            scene.sealift(&["ls", &format!("{with_password}%zz")]),
            scene.bare(&["ls", &with_password]),
        ] {
            let mut run = run.env("SEALIFT_LOG", "trace");
            let output = run.start().wait_with_output().unwrap();
            let all = [output.stdout, output.stderr].concat();
            let all = String::from_utf8_lossy(&all);
            assert!(!all.contains(PASSWORD), "{:?}\n{all}", run.command.get_args());
        }
    }
    assert!(scene.log().contains("PASS ****"), "the log is written");
    let mut found = Vec::new();
    holding(&scene.home(""), PASSWORD.as_bytes(), &mut found);
    assert!(found.is_empty(), "{found:?}");
}
