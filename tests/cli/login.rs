//! Passwords, passphrases and keys, where there is nobody to ask.

use std::sync::Arc;

use sealift::server::sftp::{AcceptedKeys, SftpOptions, SftpServer};
use sealift::server::{HostKey, Running};

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
fn a_key_file_nobody_named_and_nobody_can_read_is_passed_over() {
    let scene = Scene::new();
    std::fs::create_dir(scene.home(".ssh")).unwrap();
    std::fs::write(scene.home(".ssh/id_ed25519"), "no key").unwrap();
    let server = sftp_with_keys(&scene, true);
    let run = || scene.bare(&["cat", &server.1]).env("SEALIFT_PASSWORD", PASSWORD).args(&["--trust", &server.2]);
    assert_eq!(run().exits(0).out, "hello");
    // One that was named is another matter.
    run().args(&["--key", scene.home(".ssh/id_ed25519").to_str().unwrap()]).fails(5, &["id_ed25519 cannot be used"]);
}

/// A server that accepts the locked key: it, the URL of a file there, and its host key's fingerprint.
fn sftp_with_keys(scene: &Scene, password: bool) -> (Running, String, String) {
    let host_key = HostKey::throwaway().unwrap();
    let print = fingerprint_of(&host_key).to_string();
    let mut options = SftpOptions::new(Arc::new(scene.sftp_tree.clone()), users(), host_key, anywhere());
    options.password = password;
    options.keys = AcceptedKeys::parse(include_str!("../fixtures/keys/locked.pub")).unwrap();
    let server = scene.runtime.block_on(SftpServer::start(options)).unwrap();
    let url = format!("sftp://ann@{}/a.txt", server.addr);
    (server, url, print)
}

#[test]
fn a_locked_key_wants_its_passphrase() {
    let scene = Scene::new();
    // Made by ssh-keygen for this test, with the passphrase "open sesame".
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/keys/locked");
    let (_server, url, print) = sftp_with_keys(&scene, false);
    let run = || scene.bare(&["cat", &url, "--trust", &print, "--key", key]);
    run().fails(5, &["passphrase of", "SEALIFT_PASSPHRASE"]);
    run().env("SEALIFT_PASSPHRASE", "wrong").fails(5, &["passphrase"]);
    assert_eq!(run().env("SEALIFT_PASSPHRASE", "open sesame").exits(0).out, "hello");
    assert_eq!(run().args(&["--passphrase-command", "echo open sesame"]).exits(0).out, "hello");
}
