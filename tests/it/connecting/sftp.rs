//! Host keys and the ways to log in over SSH.

use std::fs;
use std::process::Command;

use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey};
use sealift::model::SecurityLevel;
use sealift::server::sftp::AcceptedKeys;
use sealift::trust::{Fingerprint, ProblemKind};

use super::*;

async fn with(change: impl FnOnce(&mut SftpOptions)) -> Running {
    let mut options = sftp_options(&tree());
    change(&mut options);
    SftpServer::start(options).await.unwrap()
}

#[tokio::test]
async fn always_is_written_where_ssh_finds_it() {
    let server = serve("sftp", &tree()).await;
    let person = Person::new();
    let prompter = Arc::new(script().trusting(TrustAnswer::Always));
    let (engine, _news) = person.engine(&prompter);
    engine.connect(target("sftp", server.addr)).await.unwrap();
    let [question] = &prompter.trust_asked()[..] else { panic!("{:?}", prompter.asked()) };
    assert!(question.evidence.has(ProblemKind::UnknownHostKey) && !question.dangerous && question.can_remember);
    let name = format!("[127.0.0.1]:{}", server.addr.port());
    assert!(fs::read_to_string(person.known_hosts()).unwrap().starts_with(&format!("{name} ssh-ed25519 ")));
    // Where ssh is not installed there is nobody to agree with.
    if let Ok(found) = Command::new("ssh-keygen").arg("-F").arg(&name).arg("-f").arg(person.known_hosts()).output() {
        assert!(found.status.success() && !found.stdout.is_empty());
    }
    let (again, asked) = person.connect(script(), target("sftp", server.addr)).await;
    assert!(again.is_ok() && asked.is_empty());
}

#[tokio::test]
async fn once_writes_nothing() {
    let server = serve("sftp", &tree()).await;
    let person = Person::new();
    for _ in 0..2 {
        let prompter = Arc::new(script().trusting(TrustAnswer::Once));
        let (engine, _news) = person.engine(&prompter);
        for _ in 0..2 {
            engine.connect(target("sftp", server.addr)).await.unwrap();
        }
        assert_eq!(prompter.asked().len(), 1);
    }
    assert!(!person.known_hosts().exists());
}

#[tokio::test]
async fn a_changed_or_revoked_key_is_refused_without_a_question() {
    let key = HostKey::throwaway().unwrap();
    let own = key.public_openssh();
    let server = with(|options| options.host_key = key).await;
    let name = format!("[127.0.0.1]:{}", server.addr.port());
    let other = HostKey::throwaway().unwrap().public_openssh();
    for (line, remedy) in [(format!("\n{name} {other}\n"), true), (format!("\n@revoked {name} {own}\n{name} {own}\n"), false)] {
        let person = Person::new();
        fs::write(person.known_hosts(), line).unwrap();
        let (refused, asked) = person.connect(script().trusting(TrustAnswer::Always), target("sftp", server.addr)).await;
        assert!(asked.is_empty(), "{asked:?}");
        let advice = Advice::from(&refused.unwrap_err());
        assert_readable(&advice);
        assert!(advice.why.contains(&format!("{} line 2", person.known_hosts().display())), "{advice:?}");
        assert_eq!(advice.next.contains(&format!("ssh-keygen -R '{name}'")), remedy, "{advice:?}");
        assert!(!advice.intended);
    }
}

#[tokio::test]
async fn known_hosts_that_cannot_be_read_are_told() {
    let server = serve("sftp", &tree()).await;
    let person = Person::new();
    fs::create_dir(person.known_hosts()).unwrap();
    // Whether the key changed cannot be told, so nobody is asked to trust it.
    let (refused, asked) = person.connect(script().trusting(TrustAnswer::Once), target("sftp", server.addr)).await;
    let advice = Advice::from(&refused.unwrap_err());
    assert_readable(&advice);
    assert!(asked.is_empty() && advice.why.contains("cannot be read"), "{advice:?}");
}

#[tokio::test]
async fn the_fingerprint_of_the_url_is_all_that_counts() {
    let key = HostKey::throwaway().unwrap();
    let public = russh::keys::PublicKey::from_openssh(&key.public_openssh()).unwrap();
    let print = Fingerprint::parse(&public.fingerprint(russh::keys::HashAlg::Sha256).to_string()).unwrap();
    let server = with(|options| options.host_key = key).await;
    let named = |print| Target { fingerprint: Some(print), ..target("sftp", server.addr) };
    let person = Person::new();
    let (connected, asked) = person.connect(script(), named(print)).await;
    assert!(connected.is_ok() && asked.is_empty());
    let (refused, asked) = person.connect(script(), named(Fingerprint::of(b"other"))).await;
    let advice = Advice::from(&refused.unwrap_err());
    assert_readable(&advice);
    assert!(asked.is_empty() && advice.what.contains("NOT the identity you named") && !advice.next.contains("ssh-keygen"), "{advice:?}");
    assert!(!person.known_hosts().exists());
    fs::write(person.known_hosts(), format!("@revoked * {}\n", public.to_openssh().unwrap())).unwrap();
    let (refused, asked) = person.connect(script(), named(print)).await;
    assert!(asked.is_empty() && Advice::from(&refused.unwrap_err()).why.contains("revoked"));
}

#[tokio::test]
async fn a_list_of_revoked_keys_counts_and_without_it_nobody_is_connected_to() {
    let key = HostKey::throwaway().unwrap();
    let public = key.public_openssh();
    let server = with(|options| options.host_key = key).await;
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("revoked");
    let options = SshOptions { revoked_host_keys: Some(list.clone()), ..SshOptions::default() };
    let person = Person { ssh: Arc::new(move |_, _| Ok(options.clone())), ..Person::new() };
    let ours = [b"# mine\n", public.trim().as_bytes(), b" M\xfcller\n"].concat();
    let cases: [(Option<&[u8]>, _); 4] =
        [(None, "cannot be read"), (Some(&ours), "revoked"), (Some(b"SSHKRL\n\0\x01"), "binary list"), (Some(b"serial: 1\n"), "line 1")];
    for (contents, words) in cases {
        if let Some(contents) = contents {
            fs::write(&list, contents).unwrap();
        }
        let (refused, asked) = person.connect(script().trusting(TrustAnswer::Once), target("sftp", server.addr)).await;
        let advice = Advice::from(&refused.unwrap_err());
        assert!(asked.is_empty() && advice.why.contains(words), "{words}: {advice:?}");
    }
    fs::write(&list, "# nobody\n\n").unwrap();
    assert!(person.connect(script().trusting(TrustAnswer::Once), target("sftp", server.addr)).await.0.is_ok());
}

/// A key file in the person's folder, and its public half.
pub fn key_file(person: &mut Person, passphrase: Option<&str>) -> String {
    let mut rng = russh::keys::key::safe_rng();
    let key = PrivateKey::random(&mut rng, Algorithm::Ed25519).unwrap();
    let stored = passphrase.map_or_else(|| key.clone(), |passphrase| key.encrypt(&mut rng, passphrase).unwrap());
    let file = person.folder.path().join(format!("id{}", person.keys.files.len()));
    fs::write(&file, stored.to_openssh(LineEnding::LF).unwrap()).unwrap();
    person.keys.files.push(file);
    key.public_key().to_openssh().unwrap()
}

#[tokio::test]
async fn a_key_logs_in_and_raises_the_level() {
    let mut person = Person::new();
    drop(key_file(&mut person, None));
    let public = key_file(&mut person, None);
    let server = with(|options| (options.keys, options.password) = (AcceptedKeys::parse(&public).unwrap(), false)).await;
    let (engine, _news) = person.engine(&Arc::new(script().trusting(TrustAnswer::Once)));
    let facts = in_time(engine.connect(asking("sftp", server.addr))).await.unwrap();
    assert_eq!(facts.level, SecurityLevel::MoreSecure);
}

#[tokio::test]
async fn a_passphrase_is_asked_for_only_when_the_server_takes_the_key() {
    let mut person = Person::new();
    let public = key_file(&mut person, Some("right"));
    let file = person.keys.files[0].display().to_string();
    let knows = with(|options| options.keys = AcceptedKeys::parse(&public).unwrap()).await;
    let other = with(|options| options.keys = AcceptedKeys::parse(&key_file(&mut Person::new(), None)).unwrap()).await;
    let yes = || script().trusting(TrustAnswer::Always);
    let (connected, asked) = person.connect(yes().secret("x").secret("y").secret("right"), asking("sftp", knows.addr)).await;
    assert!(connected.is_ok(), "{connected:?}");
    assert_eq!(asked[1..], (1..=3).map(|attempt| format!("passphrase {file} {attempt}")).collect::<Vec<_>>());
    let (connected, asked) = person.connect(yes().secret(PASSWORD), asking("sftp", other.addr)).await;
    assert!(connected.is_ok() && asked[1..] == ["password ann 1"], "{asked:?}");
}

#[tokio::test]
async fn a_key_file_nobody_can_use_does_not_stand_in_the_way_of_the_password() {
    let mut person = Person::new();
    let public = key_file(&mut person, None);
    fs::write(&person.keys.files[0], "no key").unwrap();
    let server = with(|options| options.keys = AcceptedKeys::parse(&public).unwrap()).await;
    person.trust(target("sftp", server.addr)).await;
    let strict = with(|options| (options.keys, options.password) = (AcceptedKeys::parse(&public).unwrap(), false)).await;
    let (refused, _) = person.connect(script().trusting(TrustAnswer::Once), asking("sftp", strict.addr)).await;
    assert!(matches!(refused, Err(ConnectFailure::Key { .. })), "{refused:?}");
}

#[tokio::test]
async fn the_servers_own_prompts_are_asked_together() {
    let server = with(|options| (options.password, options.code) = (false, Some(Secret::new("123".to_owned())))).await;
    let prompter = script().trusting(TrustAnswer::Once).interactive(&[PASSWORD, "999"]).interactive(&[PASSWORD, "123"]);
    let (connected, asked) = Person::new().connect(prompter, asking("sftp", server.addr)).await;
    assert!(connected.is_ok(), "{connected:?}");
    assert_eq!(asked[1..], ["interactive Password: |Code: "; 2]);
}

#[tokio::test]
async fn a_machine_without_sftp_is_named() {
    let server = with(|options| options.subsystem = false).await;
    let (refused, _) = Person::new().connect(script().trusting(TrustAnswer::Once), target("sftp", server.addr)).await;
    let advice = Advice::from(&refused.unwrap_err());
    assert_readable(&advice);
    assert!(advice.what.contains("no SFTP"), "{advice:?}");
}
