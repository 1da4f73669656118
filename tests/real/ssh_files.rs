//! SFTP trials on sshd: much data over a long line, with keys exchanged anew on the way; digests, and copies by the server.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use libtest_mimic::Trial;
use sealift::model::{Endpoint, EntryName, FilePath};
use sealift::protocols::sftp::{AuthStep, SftpFileSystem, SshConnection, SshSettings};
use sealift::vfs::{Create, Digest, DigestAlgorithm, FileSystem, FsErrorKind, Hasher, NewMetadata, Replace};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Harness;
use super::ssh::{DAEMON, file_system, judge, scratch, settings, unlocked};
use super::support::random::Random;
use super::support::sshd::{Kind, Sshd};

/// Every trial on sshd.
pub(crate) fn trials(harness: &mut Harness) -> Vec<Trial> {
    let keys = harness.start("sshd for files", || Sshd::start(Kind::PublicKey));
    let rekeying = harness.start("sshd with short-lived keys", || Sshd::start(Kind::Rekeying));
    let several = harness.start("sshd far away", || Sshd::start(Kind::PublicKey));
    let sftp_only = harness.start("sshd with SFTP only", || Sshd::start(Kind::SftpOnly));
    vec![
        harness.trial(&rekeying, "files pass whole while keys are exchanged", DAEMON, files_pass_whole),
        harness.trial(&keys, "a far upload that is given up leaves what it says", DAEMON, given_up),
        harness.trial(&keys, "facts are set as a file is committed", DAEMON, facts_with_the_commit),
        harness.trial(&keys, "a rename that may not replace does not", DAEMON, rename_refuses),
        harness.trial(&keys, "digests are those of the files, whatever their names", DAEMON, digests),
        harness.trial(&keys, "commands are not run where they are switched off", DAEMON, commands_switched_off),
        harness.trial(&sftp_only, "a login without a shell has no digests, and goes on", DAEMON, no_digests),
        harness.trial(&keys, "the server copies by itself", DAEMON, copies_within),
        harness.trial(
            &several,
            "a large file goes over several connections of a long line, both ways, killed or not",
            DAEMON,
            over_several,
        ),
    ]
}

/// There and back.
const TURN: Duration = Duration::from_millis(40);

/// A long way to `port` on this host; answers where it begins. It ends with the set of tasks.
async fn long_way(port: u16) -> (u16, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let entrance = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut ways = JoinSet::new();
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let ((near_out, near_in), (far_out, far_in)) = (near.into_split(), far.into_split());
            ways.spawn(late(near_out, far_in));
            ways.spawn(late(far_out, near_in));
        }
    });
    (entrance, tasks)
}

/// Hands everything on half a turn later.
async fn late(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let (sender, mut waiting) = mpsc::channel::<(Instant, Vec<u8>)>(4096);
    let reading = async move {
        loop {
            let mut piece = vec![0; 64 * 1024];
            let length = from.read(&mut piece).await.unwrap_or(0);
            piece.truncate(length);
            if length == 0 || sender.send((Instant::now() + TURN / 2, piece)).await.is_err() {
                return;
            }
        }
    };
    let writing = async move {
        while let Some((at, piece)) = waiting.recv().await {
            tokio::time::sleep_until(at).await;
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(reading, writing);
}

async fn connected(server: &Sshd, settings: SshSettings) -> SftpFileSystem {
    let mut connection = SshConnection::connect(&settings, judge(server)).await.unwrap();
    assert_eq!(connection.public_key(&server.user, &unlocked(&server.key)).await.unwrap(), AuthStep::Success);
    connection.into_sftp().await.unwrap()
}

/// A place at the end of the long way.
async fn far(server: &Sshd, adjust: impl FnOnce(&mut SshSettings)) -> (SftpFileSystem, JoinSet<()>) {
    let (port, way) = long_way(server.daemon.port).await;
    let mut settings = settings(server);
    settings.site.endpoint = Endpoint::new("127.0.0.1", port);
    adjust(&mut settings);
    (connected(server, settings).await, way)
}

fn content(length: usize) -> Bytes {
    Random::new(1).bytes(length).into()
}

fn at(server: &Sshd, name: &str) -> (FilePath, PathBuf) {
    (scratch(server).join(&EntryName::try_from(name).unwrap()), server.data.join(name))
}

async fn put(place: &SftpFileSystem, path: &FilePath, content: &Bytes) {
    let mut sink = place.create(path, Create::New).await.unwrap();
    for from in (0..content.len()).step_by(1 << 20) {
        sink.write(content.slice(from..content.len().min(from + (1 << 20)))).await.unwrap();
    }
    assert_eq!(sink.commit().await, Ok(content.len() as u64));
}

async fn files_pass_whole(server: &Sshd) {
    let (place, _way) = far(server, |settings| settings.rekey_after = 3 << 20).await;
    let content = content(48 << 20);
    let (path, local) = at(server, "much");
    put(&place, &path, &content).await;
    assert!(std::fs::read(&local).unwrap() == content, "what arrived differs");
    let mut source = place.open(&path, 0).await.unwrap();
    let mut read = Vec::new();
    while let Some(bytes) = source.read().await.unwrap() {
        read.extend_from_slice(&bytes);
    }
    assert!(read == content, "what came back differs");
    // The first, and two more: no more than the server allows. Each says so as it starts.
    let sessions = server.daemon.log().matches("Starting session: subsystem 'sftp'").count();
    assert_eq!(sessions, 3);
}

async fn given_up(server: &Sshd) {
    let (place, _way) = far(server, |_| ()).await;
    let content = content(32 << 20);
    let (path, local) = at(server, "given up");
    let mut sink = place.create(&path, Create::New).await.unwrap();
    for from in (0..content.len()).step_by(1 << 20) {
        sink.write(content.slice(from..from + (1 << 20))).await.unwrap();
    }
    let arrived = sink.known_good().unwrap() as usize;
    sink.abort().await;
    let there = std::fs::read(&local).unwrap();
    assert!(there.len() >= arrived && there[..] == content[..there.len()], "{} of {arrived} bytes", there.len());
}

async fn facts_with_the_commit(server: &Sshd) {
    let place = file_system(server).await;
    let (path, _) = at(server, "facts");
    let mut sink = place.create(&path, Create::New).await.unwrap();
    sink.write("content".into()).await.unwrap();
    let modified = Timestamp::from_second(1_000_000_000).unwrap();
    assert!(sink.set_metadata(NewMetadata { modified: Some(modified), mode: Some(0o640) }));
    assert_eq!(sink.commit().await, Ok(7));
    let entry = place.stat(&path).await.unwrap();
    assert_eq!((entry.size, entry.modified, entry.mode()), (Some(7), Some(modified), Some(0o640)));
}

async fn rename_refuses(server: &Sshd) {
    let place = file_system(server).await;
    let ((new, _), (old, local)) = (at(server, "new"), at(server, "old"));
    put(&place, &new, &"new!".into()).await;
    put(&place, &old, &"old!".into()).await;
    let error = place.rename(&new, &old, Replace::No).await.unwrap_err();
    assert_eq!(error.kind, FsErrorKind::AlreadyExists, "{error}");
    assert_eq!(std::fs::read(&local).unwrap(), b"old!");
    place.rename(&new, &old, Replace::Yes).await.unwrap();
    assert_eq!(std::fs::read(&local).unwrap(), b"new!");
}

fn sha256(content: &[u8]) -> Digest {
    let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
    hasher.update(content);
    hasher.finish()
}

async fn digests(server: &Sshd) {
    let place = file_system(server).await;
    for name in
        ["plain", "it's", "a\\b\\nc", "$(touch gone) `touch gone`", "two  blanks; & | > <", "!history", "-b", "ä\u{301}", "\"*?[x]~{a,b}"]
    {
        let (path, _) = at(server, name);
        put(&place, &path, &Bytes::copy_from_slice(name.as_bytes())).await;
        let wanted = [DigestAlgorithm::Sha256, DigestAlgorithm::Md5];
        assert_eq!(place.digest(&path, &wanted).await, Ok(Some(sha256(name.as_bytes()))), "{name}");
    }
    let name = EntryName::new(b"not \xff utf-8".to_vec()).unwrap();
    let path = scratch(server).join(&name);
    put(&place, &path, &"bytes".into()).await;
    assert_eq!(place.digest(&path, &[DigestAlgorithm::Sha256]).await, Ok(Some(sha256(b"bytes"))));
    let (missing, _) = at(server, "missing");
    let error = place.digest(&missing, &[DigestAlgorithm::Sha256]).await.unwrap_err();
    assert_eq!(error.kind, FsErrorKind::NotFound);
}

async fn commands_switched_off(server: &Sshd) {
    let place = connected(server, SshSettings { remote_commands: false, ..settings(server) }).await;
    let (path, _) = at(server, "unhashed");
    put(&place, &path, &"x".into()).await;
    assert_eq!(place.digest(&path, &DigestAlgorithm::STRONGEST_FIRST).await, Ok(None));
}

async fn no_digests(server: &Sshd) {
    let place = file_system(server).await;
    let (path, _) = at(server, "unhashed");
    put(&place, &path, &"x".into()).await;
    for _ in 0..2 {
        assert_eq!(place.digest(&path, &DigestAlgorithm::STRONGEST_FIRST).await, Ok(None));
    }
    place.stat(&path).await.unwrap();
}

async fn copies_within(server: &Sshd) {
    let place = file_system(server).await;
    assert!(place.capabilities().copies_within);
    let content = content((17 << 20) + 4);
    let ((from, _), (to, local)) = (at(server, "from"), at(server, "to"));
    put(&place, &from, &content).await;
    let told = Mutex::new(0);
    let copied = place.copy_within(&from, &to, &|bytes| *told.lock().unwrap() += bytes).await;
    assert_eq!((copied, *told.lock().unwrap()), (Ok(content.len() as u64), content.len() as u64));
    assert!(std::fs::read(&local).unwrap() == content);
    assert_eq!(place.copy_within(&from, &to, &|_| ()).await.unwrap_err().kind, FsErrorKind::AlreadyExists);
    let ((empty, _), (still, local)) = (at(server, "empty"), at(server, "still empty"));
    put(&place, &empty, &Bytes::new()).await;
    assert_eq!(place.copy_within(&empty, &still, &|_| ()).await, Ok(0));
    assert_eq!(std::fs::read(&local).unwrap(), b"");
    let (missing, _) = at(server, "missing");
    let (other, local) = at(server, "other");
    assert_eq!(place.copy_within(&missing, &other, &|_| ()).await.unwrap_err().kind, FsErrorKind::NotFound);
    assert!(!local.exists());
}

async fn over_several(server: &Sshd) {
    let (port, _way) = long_way(server.daemon.port).await;
    let home = tempfile::tempdir().unwrap();
    let ssh = home.path().join(".ssh");
    std::fs::create_dir(&ssh).unwrap();
    std::fs::write(ssh.join("known_hosts"), format!("[127.0.0.1]:{port} {}", server.host_key)).unwrap();
    let content = content(64 << 20);
    let local = home.path().join("large");
    std::fs::write(&local, &content).unwrap();
    let there = tempfile::Builder::new().prefix("several-").tempdir_in(&server.data).unwrap();
    // Whoever the server works as.
    std::fs::set_permissions(there.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let folder = format!("sftp://{}@127.0.0.1:{port}{}", server.user, there.path().display());
    let back = home.path().join("back");
    std::fs::create_dir(&back).unwrap();
    let logins = || server.daemon.said("Accepted publickey");
    for (from, to, folder) in [
        (local.display().to_string(), folder.clone(), there.path().to_owned()),
        (format!("{folder}/large"), back.display().to_string(), back.clone()),
    ] {
        let copy = |further: &[&str]| {
            tokio::process::Command::new(env!("CARGO_BIN_EXE_sealift"))
                .args(["copy", "--batch", "--key"])
                .arg(&server.key)
                .args([&from, &to])
                .args(further)
                .env_clear()
                .envs([("HOME", home.path().to_owned()), ("SEALIFT_STATE_DIR", home.path().join("state"))])
                .env("SEALIFT_KEYRING", "false")
                .stderr(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        };
        let names = || std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap()).collect::<Vec<_>>();
        let before = logins();
        // Held back, so that the other connections stand in time; killed while several write.
        let mut killed = copy(&["--limit", "12M"]);
        let written = || names().iter().map(|entry| entry.metadata().map_or(0, |facts| facts.blocks() * 512)).sum::<u64>();
        while logins() < before + 3 || written() < 24 << 20 {
            assert_eq!(killed.try_wait().unwrap(), None, "{} logins, {} bytes", logins() - before, written());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        killed.kill().await.unwrap();
        let output = copy(&[]).wait_with_output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(std::fs::read(folder.join("large")).unwrap() == content, "{} differs", folder.display());
        assert_eq!(names().len(), 1, "nothing else is left");
    }
}
