//! Passwords, passphrases and keys, where there is nobody to ask.

use std::process::Command;
use std::sync::Arc;

use sealift::server::HostKey;
use sealift::server::sftp::{AcceptedKeys, SftpOptions, SftpServer};

use crate::scene::{PASSWORD, Scene, anywhere, fingerprint_of, users};

#[test]
fn without_a_password_it_says_how_to_give_one() {
    let scene = Scene::new();
    for (url, _) in scene.both("/") {
        for batch in [&[][..], &["--batch"]] {
            let mut run = scene.sealift(&["ls", &url]).args(batch);
            run.command.env_remove("SEALIFT_PASSWORD");
            run.fails(5, &["password of ann", "--password-command", "SEALIFT_PASSWORD"]);
        }
    }
}

#[test]
fn a_wrong_password_is_refused_once_and_no_more() {
    let scene = Scene::new();
    for (url, _) in scene.both("/") {
        scene
            .sealift(&["ls", &url])
            .env("SEALIFT_PASSWORD", "wrong")
            .env("SEALIFT_LOG", "debug")
            .fails(5, &["refused the login", "Check user name"]);
    }
    assert_eq!(scene.log().matches("PASS ****").count(), 1);
}

#[test]
fn the_ways_to_bring_a_password() {
    let scene = Scene::new();
    for (url, _) in scene.both("/a.txt") {
        let run = |arguments: &[&str]| {
            let mut run = scene.sealift(&["cat", &url]).args(arguments);
            run.command.env_remove("SEALIFT_PASSWORD");
            run
        };
        assert_eq!(run(&["--password-command", &format!("echo {PASSWORD}; echo second line")]).exits(0).out, "hello");
        assert_eq!(run(&["--password-stdin"]).input(&format!("{PASSWORD}\r\n")).exits(0).out, "hello");
        run(&["--password-stdin"]).fails(2, &["--password-stdin", "no password"]);
        run(&["--password-command", "exit 3"]).fails(5, &["password", "failed: exit status: 3", "was not given"]);
        run(&["--password-command", "true"]).fails(5, &["printed nothing"]);
        run(&["--password-command", "x", "--password-stdin"]).fails(2, &["cannot be used with"]);
    }
}

#[test]
fn a_password_inside_a_url_works_with_a_warning() {
    let scene = Scene::new();
    for (url, _) in scene.both("/") {
        let url = url.replace("ann@", &format!("ann:{PASSWORD}@"));
        let mut run = scene.sealift(&["mkdir", "-p", &format!("{url}x"), &format!("{url}y")]);
        run.command.env_remove("SEALIFT_PASSWORD");
        let ran = run.exits(0).says(&["a password inside a URL", "list of processes"]);
        assert_eq!(ran.err.lines().count(), 1, "once is enough\n{ran}");
    }
}

#[test]
fn a_locked_key_wants_its_passphrase() {
    let scene = Scene::new();
    let key = scene.home("key");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "open sesame", "-C", "a key", "-f"]).arg(&key).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("left out: there is no ssh-keygen");
        return;
    }
    let host_key = HostKey::throwaway().unwrap();
    let print = fingerprint_of(&host_key).to_string();
    let mut options = SftpOptions::new(Arc::new(scene.sftp_tree.clone()), users(), host_key, anywhere());
    options.password = false;
    options.keys = AcceptedKeys::parse(&std::fs::read_to_string(key.with_extension("pub")).unwrap()).unwrap();
    let server = scene.runtime.block_on(SftpServer::start(options)).unwrap();
    let url = format!("sftp://ann@{}/a.txt", server.addr);
    let run = || scene.bare(&["cat", &url, "--trust", &print, "--key", key.to_str().unwrap()]);
    run().fails(5, &["passphrase of", "SEALIFT_PASSPHRASE"]);
    run().env("SEALIFT_PASSPHRASE", "wrong").fails(5, &["passphrase"]);
    assert_eq!(run().env("SEALIFT_PASSPHRASE", "open sesame").exits(0).out, "hello");
    assert_eq!(run().args(&["--passphrase-command", "echo open sesame"]).exits(0).out, "hello");
}
