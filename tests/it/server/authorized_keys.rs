//! The file of keys below the root of an SFTP server: what it says at a login holds for that login.

use sealift::engine::{AuthorizeOutcome, Engine, LoginKey, Place, SessionId, authorize, withdraw};
use sealift::identity::ssh_key::{SshKey, SshKeyType, authorized_keys};
use sealift::protocols::sftp::{AuthStep, Method};
use sealift::server::Running;
use sealift::server::sftp::{SftpOptions, SftpServer};
use sealift::vfs::{FileSystem as _, MemoryFileSystem};

use super::{path, tree};
use crate::connecting::{Person, sftp_options, target};

const FILE: &str = "/.ssh/authorized_keys";

fn key() -> SshKey {
    SshKey::generate(SshKeyType::Ed25519, "me@work").unwrap()
}

/// A server that reads `file`, and somebody who is logged in with a password.
async fn connected(tree: &MemoryFileSystem, file: &str) -> (Running, Engine, SessionId) {
    let options = SftpOptions { authorized_keys: Some(path(file)), ..sftp_options(tree) };
    let server = SftpServer::start(options).await.unwrap();
    let (engine, place, _news) = Person::new().connected(target("sftp", server.addr)).await;
    let Place::Remote(session) = place else { panic!("{place:?}") };
    (server, engine, session)
}

/// Whether the server lets `key` in, and nothing else of the person.
async fn admits(engine: &Engine, session: SessionId, key: &SshKey) -> bool {
    match engine.try_key(session, &LoginKey::Open(key.clone())).await.unwrap() {
        AuthStep::Success => true,
        AuthStep::Failure { partial, remaining } => {
            assert!(!partial && remaining.contains(&Method::PublicKey), "keys go on being taken");
            false
        }
        AuthStep::Prompts { .. } => panic!("nobody is to be asked"),
    }
}

#[tokio::test]
async fn a_key_that_is_added_over_sftp_comes_in_until_it_is_taken_out() {
    let tree = tree();
    let (_server, engine, session) = connected(&tree, FILE).await;
    let key = key();
    assert!(!admits(&engine, session, &key).await, "there is no file yet");

    let over_sftp = engine.lease(Place::Remote(session)).await.unwrap();
    let mut done = authorize(&*over_sftp, &path("/"), None, &key.public(), false).await.unwrap();
    assert_eq!((&done.outcome, done.file.display().as_str()), (&AuthorizeOutcome::Added, FILE));
    assert!(admits(&engine, session, &key).await);
    assert!(!admits(&engine, session, &self::key()).await, "another key is not in it");

    withdraw(&*over_sftp, &mut done).await.unwrap();
    assert!(!admits(&engine, session, &key).await, "it was taken out");
}

#[tokio::test]
async fn only_a_line_without_options_in_a_file_of_some_size_lets_in() {
    let tree = tree();
    let (_server, engine, session) = connected(&tree, FILE).await;
    let (key, other) = (key(), key());
    let (line, other) = (key.public().line(), other.public().line());
    // The longest comment that leaves room for the key.
    let filled = |length: usize| format!("#{}\n{line}", "x".repeat(length - line.len() - 2));
    for (content, is_let_in) in [
        (format!("# mine\r\n\r\n{other}\r\n  {line} and more\r\n"), true),
        (format!("\u{fffd}\0 not a line\n{line}"), true),
        (format!("command=\"true\" {line}\n"), false),
        (format!("cert-authority {line}\n"), false),
        (format!("from=\"127.0.0.1\" {line}\n"), false),
        (format!("restrict {line}\n"), false),
        (format!("no-pty {line}\n{line}\n"), false),
        (format!("#{line}\n"), false),
        (String::new(), false),
        (filled(authorized_keys::LARGEST), true),
        (filled(authorized_keys::LARGEST + 1), false),
    ] {
        tree.put(&path(FILE), content.as_bytes()).unwrap();
        let start = content.chars().take(40).collect::<String>();
        assert_eq!(admits(&engine, session, &key).await, is_let_in, "{start} … ({} bytes)", content.len());
    }
}

#[tokio::test]
async fn a_file_that_is_a_folder_a_device_or_leads_in_a_circle_lets_nobody_in() {
    let tree = tree();
    tree.put_other(&path("/device")).unwrap();
    tree.make_symlink(&path("/circle"), b"circle").await.unwrap();
    for file in ["/sub", "/device", "/circle", "/a.txt/below"] {
        let (_server, engine, session) = connected(&tree, file).await;
        assert!(!admits(&engine, session, &key()).await, "{file}");
    }
}
