//! SFTP trials: the conformance suite, every way to log in, the host key before any of them, no SFTP.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use libtest_mimic::Trial;
use sealift::identity::ssh_key::{SshKey, SshKeyFile};
use sealift::model::{Endpoint, EntryName, FilePath, Protocol, Site};
use sealift::protocols::ConnectErrorKind;
use sealift::protocols::sftp::{AuthStep, HostKeyJudge, Method, SftpFileSystem, SshConnection, SshSettings, agent_keys};
use sealift::secrets::Secret;
use sealift::trust::{Evidence, HostKey, PeerIdentity};
use sealift::vfs::{FileSystem, list_all};

use super::Harness;
use super::conformance::{self, Flags};
use super::support::agent::Agent;
use super::support::daemon::Daemon;
use super::support::sshd::{Kind, PASSPHRASE, Sshd};

pub(crate) const DAEMON: fn(&Sshd) -> &Daemon = |server| &server.daemon;

/// Every trial on sshd.
pub(crate) fn trials(harness: &mut Harness) -> Vec<Trial> {
    let keys = harness.start("sshd", || Sshd::start(Kind::PublicKey));
    let passwords = harness.start("sshd with passwords", || Sshd::start(Kind::Password));
    let interactive = harness.start("sshd with prompts", || Sshd::start(Kind::KeyboardInteractive));
    let both = harness.start("sshd with key and password", || Sshd::start(Kind::KeyThenPassword));
    let without = harness.start("sshd without SFTP", || Sshd::start(Kind::NoSftp));
    let noisy = harness.start("sshd with a talkative shell", || Sshd::start(Kind::Noisy));
    let conformance = conformance::all().into_iter().map(|(name, behaviour)| {
        harness.trial(&keys, &format!("conformance: {name}"), DAEMON, async move |server: &Sshd| {
            let place = file_system(server).await;
            let flags = Flags { tells_files_from_nothing: false, ..Flags::default() };
            conformance::run(&place, &scratch(server), flags, name, behaviour).await;
        })
    });
    let mut trials: Vec<_> = conformance.collect();
    trials.extend([
        harness.trial(&keys, "a key logs in", DAEMON, key_logs_in),
        harness.trial(&keys, "a locked key needs its passphrase only after its public half was accepted", DAEMON, locked_key),
        harness.trial(&keys, "a foreign key is not accepted, the right one still is", DAEMON, foreign_key),
        harness.trial(&keys, "an agent logs in", DAEMON, agent_logs_in),
        harness.trial(&keys, "a refused host key ends it before any login", DAEMON, refused_host_key),
        harness.trial(&passwords, "a password logs in, a wrong one does not", DAEMON, password_logs_in),
        harness.trial(&interactive, "prompts are asked and answered", DAEMON, prompts),
        harness.trial(&both, "a key alone is only a part", DAEMON, key_then_password),
        harness.trial(&without, "no SFTP is named", DAEMON, no_sftp),
        harness.trial(&noisy, "a shell that prints is named, with its words", DAEMON, talkative_shell),
    ]);
    trials
}

pub(crate) fn settings(server: &Sshd) -> SshSettings {
    let endpoint = Endpoint::new("127.0.0.1", server.daemon.port);
    SshSettings::new(Site { protocol: Protocol::Sftp, endpoint, user: Some(server.user.clone()), default_port_named: false })
}

fn evidence(server: &Sshd, key: &HostKey) -> Box<Evidence> {
    Box::new(Evidence::new(settings(server).site.endpoint, PeerIdentity::HostKey(key.clone())))
}

/// Accepts exactly the key that was made for this server.
pub(crate) fn judge(server: &Sshd) -> HostKeyJudge {
    let line = server.host_key.split_whitespace().nth(1).unwrap();
    let blob = base64::engine::general_purpose::STANDARD.decode(line).unwrap();
    let (expected, other) = (blob, evidence(server, &HostKey::plain("ssh-ed25519", Vec::new())));
    Arc::new(move |key| if *key.blob == *expected { Ok(()) } else { Err(other.clone()) })
}

async fn connect(server: &Sshd) -> SshConnection {
    SshConnection::connect(&settings(server), judge(server)).await.unwrap()
}

pub(crate) fn unlocked(path: &Path) -> SshKey {
    SshKeyFile::read(path).unwrap().unlock(&Secret::new(String::new())).unwrap()
}

pub(crate) async fn file_system(server: &Sshd) -> SftpFileSystem {
    let mut connection = connect(server).await;
    assert_eq!(connection.public_key(&server.user, &unlocked(&server.key)).await.unwrap(), AuthStep::Success);
    connection.into_sftp().await.unwrap()
}

pub(crate) fn scratch(server: &Sshd) -> FilePath {
    FilePath::parse(server.data.as_os_str().as_encoded_bytes()).unwrap()
}

/// The connection is good for SFTP.
async fn works(server: &Sshd, connection: SshConnection) {
    let place = connection.into_sftp().await.unwrap();
    list_all(&place, &scratch(server)).await.unwrap();
}

async fn key_logs_in(server: &Sshd) {
    let mut connection = connect(server).await;
    let AuthStep::Failure { remaining, partial: false } = connection.methods(&server.user).await.unwrap() else { panic!("let in") };
    assert_eq!(remaining, [Method::PublicKey]);
    let key = unlocked(&server.key);
    assert!(connection.public_key_accepted(&server.user, &key.public()).await.unwrap());
    assert_eq!(connection.public_key(&server.user, &key).await.unwrap(), AuthStep::Success);
    works(server, connection).await;
}

async fn locked_key(server: &Sshd) {
    let file = SshKeyFile::read(&server.locked_key).unwrap();
    assert!(file.is_locked());
    let mut connection = connect(server).await;
    let public = file.public().expect("OpenSSH's format keeps the public half readable");
    assert!(connection.public_key_accepted(&server.user, public).await.unwrap());
    assert!(file.unlock(&Secret::new("wrong".into())).is_err());
    let key = file.unlock(&Secret::new(PASSPHRASE.into())).unwrap();
    assert_eq!(connection.public_key(&server.user, &key).await.unwrap(), AuthStep::Success);
    works(server, connection).await;
}

async fn foreign_key(server: &Sshd) {
    let mut connection = connect(server).await;
    let foreign = unlocked(&server.foreign_key);
    assert!(!connection.public_key_accepted(&server.user, &foreign.public()).await.unwrap());
    assert!(matches!(connection.public_key(&server.user, &foreign).await.unwrap(), AuthStep::Failure { partial: false, .. }));
    assert_eq!(connection.public_key(&server.user, &unlocked(&server.key)).await.unwrap(), AuthStep::Success);
    works(server, connection).await;
}

async fn agent_logs_in(server: &Sshd) {
    let agent = Agent::start().unwrap();
    let mut connection = connect(server).await;
    assert!(agent_keys(&agent.socket).await.is_empty());
    agent.add(&server.foreign_key).unwrap();
    agent.add(&server.key).unwrap();
    let keys = agent_keys(&agent.socket).await;
    assert_eq!(keys.len(), 2);
    let right = unlocked(&server.key).public().fingerprint();
    let key = keys.iter().find(|key| key.fingerprint() == right).unwrap();
    assert!(connection.public_key_accepted(&server.user, key).await.unwrap());
    assert_eq!(connection.agent(&server.user, &agent.socket, key).await.unwrap(), AuthStep::Success);
    works(server, connection).await;
}

async fn refused_host_key(server: &Sshd) {
    let shown = evidence(server, &HostKey::plain("ssh-ed25519", Vec::new()));
    let judge: HostKeyJudge = Arc::new(move |_| Err(shown.clone()));
    let error = SshConnection::connect(&settings(server), judge).await.err().expect("the judge refused");
    assert!(matches!(error.kind, ConnectErrorKind::Untrusted(_)), "{error}");
}

async fn password_logs_in(server: &Sshd) {
    let password = server.password.as_ref().unwrap();
    let mut connection = connect(server).await;
    let wrong = connection.password(&server.user, &Secret::new("wrong".into())).await.unwrap();
    let AuthStep::Failure { remaining, partial: false } = wrong else { panic!("{wrong:?}") };
    assert!(remaining.contains(&Method::Password));
    assert_eq!(connection.password(&server.user, &Secret::new(password.clone())).await.unwrap(), AuthStep::Success);
    let place = connection.into_sftp().await.unwrap();
    let folder = scratch(server).join(&EntryName::try_from("made by the user").unwrap());
    place.make_dir(&folder).await.unwrap();
    assert!(server.data.join("made by the user").is_dir());
}

async fn prompts(server: &Sshd) {
    let mut connection = connect(server).await;
    let AuthStep::Failure { remaining, .. } = connection.methods(&server.user).await.unwrap() else { panic!("let in") };
    assert_eq!(remaining, [Method::KeyboardInteractive]);
    for (answer, right) in [("wrong", false), (server.password.as_ref().unwrap().as_str(), true)] {
        let step = connection.interactive_start(&server.user).await.unwrap();
        let AuthStep::Prompts { prompts, .. } = &step else { panic!("{step:?}") };
        assert_eq!(prompts.len(), 1);
        let (text, echo) = &prompts[0];
        assert!(text.contains("Password") && !echo, "{prompts:?}");
        let step = connection.interactive_answer(vec![Secret::new(answer.into())]).await.unwrap();
        assert_eq!(step == AuthStep::Success, right, "{step:?}");
    }
    works(server, connection).await;
}

async fn key_then_password(server: &Sshd) {
    let mut connection = connect(server).await;
    let step = connection.public_key(&server.user, &unlocked(&server.key)).await.unwrap();
    assert_eq!(step, AuthStep::Failure { remaining: vec![Method::Password], partial: true });
    let password = Secret::new(server.password.clone().unwrap());
    assert_eq!(connection.password(&server.user, &password).await.unwrap(), AuthStep::Success);
    works(server, connection).await;
}

async fn talkative_shell(server: &Sshd) {
    let mut connection = connect(server).await;
    assert_eq!(connection.public_key(&server.user, &unlocked(&server.key)).await.unwrap(), AuthStep::Success);
    let error = connection.into_sftp().await.err().expect("SFTP cannot speak");
    assert_eq!(error.kind, ConnectErrorKind::NoSftp, "{error}");
    assert!([".bashrc", "Welcome to the machine"].iter().all(|words| error.detail.contains(words)), "{error}");
}

async fn no_sftp(server: &Sshd) {
    let mut connection = connect(server).await;
    assert_eq!(connection.public_key(&server.user, &unlocked(&server.key)).await.unwrap(), AuthStep::Success);
    let error = connection.into_sftp().await.err().expect("there is no SFTP");
    assert_eq!(error.kind, ConnectErrorKind::NoSftp, "{error}");
}
