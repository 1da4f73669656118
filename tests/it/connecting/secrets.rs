//! Secrets that are kept: looked up after the peer was judged, tried once, replaced only by what turned out to be right.

use std::sync::Mutex;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sealift::engine::{SshRole, SshRoute};
use sealift::model::Endpoint;
use sealift::secrets::vault::Cost;
use sealift::secrets::{Fetched, Label, Vault, VaultError};
use sealift::server::sftp::AcceptedKeys;
use sealift::setup::{GivenAnswers, SecretSource};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::hop::{Hop, Lets};
use super::*;
use crate::certificates::{authority, self_signed};

const VAULT_PASSPHRASE: &str = "of the vault";

/// Somebody who made a vault.
fn person() -> Person {
    let person = Person::new();
    vault_of(&person).make(&Secret::new(VAULT_PASSPHRASE.to_owned()), Cost::LEAST, Timestamp::now()).unwrap();
    person
}

fn vault_of(person: &Person) -> Vault {
    Vault::at(person.folder.path().join("vault"), Duration::from_secs(900))
}

fn store_of(person: &Person) -> SecretStore {
    let store = SecretStore::open(person.folder.path(), Keyring::off(), Keep::Vault, Duration::from_secs(900));
    store.vault().unlock(&Secret::new(VAULT_PASSPHRASE.to_owned()), Timestamp::now()).unwrap();
    store
}

/// What is kept for ann.
fn kept(person: &Person, target: &Target) -> Option<String> {
    match store_of(person).fetch(&label(target), Timestamp::now()) {
        Fetched::Kept(secret, _) => Some(secret.expose().to_owned()),
        Fetched::Nothing => None,
        Fetched::VaultLocked => panic!("it is open"),
    }
}

fn keep(person: &Person, target: &Target, password: &str) {
    store_of(person).keep(&label(target), &Secret::new(password.to_owned()), Timestamp::now()).unwrap();
}

fn label(target: &Target) -> Label {
    Label::password(&target.site, "ann")
}

#[tokio::test]
async fn a_password_that_was_right_is_kept_if_the_person_says_so() {
    for scheme in ["ftpes", "sftp"] {
        let server = serve(scheme, &tree()).await;
        let (person, target) = (person(), asking(scheme, server.addr));
        let first = script().trusting(TrustAnswer::Always).secret(PASSWORD);
        let (connected, asked) = person.connect(first, target.clone()).await;
        assert!(connected.is_ok() && asked.iter().any(|asked| asked == "password ann 1"), "{asked:?}");
        assert_eq!(kept(&person, &target), None, "nobody said so");

        let prompter = Arc::new(script().kept_secret("wrong").kept_secret(PASSWORD).secret(VAULT_PASSPHRASE));
        let (engine, _news) = person.engine(&prompter);
        in_time(engine.connect(target.clone())).await.unwrap();
        assert_eq!(prompter.asked(), ["password ann 1", "password ann 2", "vault 1"], "{scheme}");
        let question = &prompter.secrets_asked()[0];
        assert_eq!((question.keeper, question.kept_was_wrong), (Some("the vault"), false));
        assert_eq!(kept(&person, &target).as_deref(), Some(PASSWORD));
        in_time(engine.connect(target.clone())).await.unwrap();
        assert_eq!(prompter.asked().len(), 3, "the vault is open, and what is in it is right");

        let (connected, asked) = person.connect(script().secret(VAULT_PASSPHRASE), target.clone()).await;
        assert!(connected.is_ok(), "{scheme}");
        assert_eq!(asked, ["vault 1"], "{scheme}");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_stale_one_is_tried_once_and_replaced_only_by_a_right_one() {
    for scheme in ["ftpes", "sftp"] {
        let server = serve(scheme, &tree()).await;
        let (person, target) = (person(), asking(scheme, server.addr));
        person.trust(super::target(scheme, server.addr)).await;
        keep(&person, &target, "stale");

        let wrong = script().secret(VAULT_PASSPHRASE).kept_secret("wrong").kept_secret("wrong again").kept_secret(PASSWORD);
        let prompter = Arc::new(wrong);
        let (engine, _news) = person.engine(&prompter);
        let refused = in_time(engine.connect(target.clone())).await;
        assert!(matches!(refused, Err(ConnectFailure::Connect(_))), "{scheme}");
        assert_eq!(prompter.asked(), ["vault 1", "password ann 1", "password ann 2"], "{scheme}: three logins, one of them kept");
        let [_, first, second] = &prompter.secrets_asked()[..] else { unreachable!() };
        assert!(first.kept_was_wrong && second.kept_was_wrong && first.keeper == Some("the vault"));
        assert_eq!(kept(&person, &target).as_deref(), Some("stale"), "nothing better is known");

        // The same run: it is not tried again.
        in_time(engine.connect(target.clone())).await.unwrap();
        assert_eq!(prompter.asked()[3..], ["password ann 1"], "{scheme}");
        assert_eq!(kept(&person, &target).as_deref(), Some(PASSWORD));
        server.stop().await;
    }
}

#[tokio::test]
async fn where_nobody_can_be_asked_a_stale_one_is_still_tried_only_once() {
    for scheme in ["ftpes", "sftp"] {
        let server = serve(scheme, &tree()).await;
        let (person, target) = (person(), asking(scheme, server.addr));
        person.trust(super::target(scheme, server.addr)).await;
        keep(&person, &target, "stale");
        let (engine, _news) = person.engine_for(Arc::new(Refuse));
        engine.open_vault(Secret::new(VAULT_PASSPHRASE.to_owned())).await.unwrap();
        assert!(matches!(in_time(engine.connect(target.clone())).await, Err(ConnectFailure::Connect(_))), "{scheme}: it was tried");
        assert!(matches!(in_time(engine.connect(target.clone())).await, Err(ConnectFailure::NoSecret { .. })), "{scheme}: not again");
        assert_eq!(kept(&person, &target).as_deref(), Some("stale"));
        server.stop().await;
    }
}

#[tokio::test]
async fn one_that_was_wrong_is_forgotten_where_the_right_one_is_not_to_be_kept() {
    let server = serve("ftpes", &tree()).await;
    let (person, target) = (person(), asking("ftpes", server.addr));
    person.trust(super::target("ftpes", server.addr)).await;
    keep(&person, &target, "stale");
    let (connected, asked) = person.connect(script().secret(VAULT_PASSPHRASE).secret(PASSWORD), target.clone()).await;
    assert!(connected.is_ok() && asked == ["vault 1", "password ann 1"], "{asked:?}");
    assert_eq!(kept(&person, &target), None, "it would only be refused again");
}

#[tokio::test]
async fn one_that_somebody_else_forgot_is_not_said_to_be_forgotten_now() {
    for is_there in [true, false] {
        let server = serve("ftpes", &tree()).await;
        let (person, target) = (person(), asking("ftpes", server.addr));
        person.trust(super::target("ftpes", server.addr)).await;
        keep(&person, &target, "stale");
        let answers = script().secret(VAULT_PASSPHRASE).secret("wrong").secret("wrong").secret(PASSWORD);
        let (engine, mut news) = person.engine(&Arc::new(answers));
        in_time(engine.connect(target.clone())).await.unwrap_err();
        if !is_there {
            assert_eq!(store_of(&person).forget(&label(&target), Timestamp::now()), Ok(true));
        }
        in_time(engine.connect(target)).await.unwrap();
        let mut told = String::new();
        while let Ok(event) = news.try_recv() {
            if let Event::Notice(advice) = event {
                told.push_str(&advice.what);
            }
        }
        assert_eq!(told.contains("is kept no more"), is_there, "{told}");
    }
}

#[tokio::test]
async fn nothing_is_looked_up_for_a_peer_nobody_judged() {
    for scheme in ["ftpes", "sftp"] {
        let server = serve(scheme, &tree()).await;
        let (person, target) = (person(), asking(scheme, server.addr));
        keep(&person, &target, PASSWORD);
        let (refused, asked) = person.connect(script().trusting(TrustAnswer::Reject).secret(VAULT_PASSPHRASE), target).await;
        assert!(matches!(refused, Err(ConnectFailure::Rejected(_))));
        assert_eq!(asked, [format!("trust {}", server.addr)]);
        server.stop().await;
    }
}

#[tokio::test]
async fn who_does_not_open_the_vault_is_asked_each_time() {
    let server = serve("ftpes", &tree()).await;
    let (person, target) = (person(), asking("ftpes", server.addr));
    person.trust(super::target("ftpes", server.addr)).await;
    keep(&person, &target, PASSWORD);
    // Three wrong passphrases are no.
    let prompter = Arc::new(["x", "y", "z"].into_iter().fold(script(), ScriptedPrompter::secret).kept_secret(PASSWORD).secret(PASSWORD));
    let (engine, mut news) = person.engine(&prompter);
    for _ in 0..2 {
        in_time(engine.connect(target.clone())).await.unwrap();
    }
    assert_eq!(prompter.asked(), ["vault 1", "vault 2", "vault 3", "password ann 1", "password ann 1"]);
    let Some(Event::Notice(advice)) = in_time(news.recv()).await else { panic!("a notice") };
    assert!(advice.what.contains("was not kept") && advice.what.contains("vault is locked"), "{advice:?}");
    assert_eq!(kept(&person, &target).as_deref(), Some(PASSWORD));
    // Opened by hand it is used again.
    assert_eq!(engine.open_vault(Secret::new("x".to_owned())).await, Err(VaultError::WrongPassphrase));
    engine.open_vault(Secret::new(VAULT_PASSPHRASE.to_owned())).await.unwrap();
    in_time(engine.connect(target)).await.unwrap();
    assert_eq!(prompter.asked().len(), 5);
}

#[tokio::test]
async fn what_was_brought_along_comes_first_and_is_never_kept() {
    let server = serve("ftpes", &tree()).await;
    let (person, target) = (person(), asking("ftpes", server.addr));
    person.trust(super::target("ftpes", server.addr)).await;
    let given = |password: &str, then: ScriptedPrompter| {
        let password = SecretSource::Value(Secret::new(password.to_owned()));
        Arc::new(GivenAnswers::new(Vec::new(), password, SecretSource::Nothing, |_| {}, then)) as Arc<dyn Prompter>
    };
    let (engine, _news) = person.engine_for(given(PASSWORD, script()));
    in_time(engine.connect(target.clone())).await.unwrap();
    assert_eq!(kept(&person, &target), None);
    // It is a person's last word also where another one is kept: that one is not tried behind it.
    keep(&person, &target, PASSWORD);
    let (engine, _news) = person.engine_for(given("wrong", script()));
    assert!(matches!(in_time(engine.connect(target.clone())).await, Err(ConnectFailure::Connect(_))));
    // What opens the vault comes in the same way, where nobody is there.
    let nobody = GivenAnswers::new(Vec::new(), SecretSource::Nothing, SecretSource::Nothing, |_| {}, Refuse);
    let opens = SecretSource::Value(Secret::new(VAULT_PASSPHRASE.to_owned()));
    let (engine, _news) = person.engine_for(Arc::new(nobody.with_vault_passphrase(opens)));
    in_time(engine.connect(target)).await.unwrap();
}

#[tokio::test]
async fn the_passphrase_of_a_key_is_kept_under_its_fingerprint() {
    // Made by ssh-keygen for these tests, with the passphrase "open sesame".
    let key = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/keys/locked"));
    let mut options = sftp_options(&tree());
    options.password = false;
    options.keys = AcceptedKeys::parse(include_str!("../../fixtures/keys/locked.pub")).unwrap();
    let server = SftpServer::start(options).await.unwrap();
    let mut person = person();
    person.keys = KeySources { files: vec![key], only_files: true, ..KeySources::default() };
    let answers = script().trusting(TrustAnswer::Always).kept_secret("wrong").kept_secret("open sesame").secret(VAULT_PASSPHRASE);
    let (connected, asked) = person.connect(answers, asking("sftp", server.addr)).await;
    assert!(connected.is_ok() && asked.last().is_some_and(|last| last == "vault 1"), "{asked:?}");
    let (connected, asked) = person.connect(script().secret(VAULT_PASSPHRASE), asking("sftp", server.addr)).await;
    assert!(connected.is_ok() && asked == ["vault 1"], "{asked:?}");
    let [row] = &store_of(&person).list(Timestamp::now()).unwrap()[..] else { panic!("one row") };
    assert!(row.label.starts_with("ssh-key:SHA256:"), "{row:?}");
}

#[tokio::test]
async fn a_password_goes_to_no_other_host_at_the_same_address() {
    let server = serve("sftp", &tree()).await;
    let hop = Hop::start(Lets::Through).await;
    let (address, near) = (Endpoint::new("127.0.0.1", server.addr.port()), hop.site("nell"));
    for has_alias in [true, false] {
        let mut person = person();
        let (address, near) = (address.clone(), near.clone());
        person.ssh = Arc::new(move |site, role| {
            let there = SshOptions { endpoint: Some(address.clone()), ..SshOptions::default() };
            Ok(match role {
                SshRole::Hop => SshOptions::default(),
                SshRole::Destination if has_alias => {
                    SshOptions { host_key_alias: Some(format!("host-of-{}", site.endpoint.host)), ..there }
                }
                SshRole::Destination => SshOptions { route: SshRoute::Jump(vec![near.clone()]), ..there },
            })
        });
        let at = |name: &str| Target { site: ParsedUrl::parse(&format!("sftp://ann@{name}")).unwrap().site, ..asking("sftp", server.addr) };
        let answers = || (0..3).fold(script(), |script, _| script.trusting(TrustAnswer::Always));
        let answers = || if has_alias { answers() } else { answers().secret("nell's") };
        let (connected, asked) = person.connect(answers().kept_secret(PASSWORD).secret(VAULT_PASSPHRASE), at("one")).await;
        assert!(connected.is_ok(), "{connected:?} {asked:?}");
        let labels: Vec<_> = store_of(&person).list(Timestamp::now()).unwrap().into_iter().map(|row| row.label).collect();
        assert_eq!(labels, [if has_alias { "sftp://ann@host-of-one" } else { "sftp://ann@one" }]);
        let (refused, asked) = person.connect(answers(), at("two")).await;
        assert!(matches!(refused, Err(ConnectFailure::NoSecret { .. })), "{refused:?} {asked:?}");
        assert!(!asked.contains(&"vault 1".to_owned()), "nothing is kept for it: {asked:?}");
        let (connected, asked) = person.connect(answers().secret(VAULT_PASSPHRASE), at("one")).await;
        assert!(connected.is_ok(), "{connected:?} {asked:?}");
    }
}

/// A server (implicit TLS) that asks for a certificate and has one answer for users and one for passwords.
struct Judge {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Judge {
    async fn start(to_user: &'static str, to_password: &'static str) -> Self {
        let own = self_signed(|_| {});
        let mut roots = RootCertStore::empty();
        roots.add(authority("clients").der.into()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let asks = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).allow_unauthenticated().build().unwrap();
        let key = PrivateKeyDer::try_from(own.key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(rustls::ALL_VERSIONS).unwrap();
        let config = config.with_client_cert_verifier(asks).with_single_cert(vec![own.der.into()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let hears = heard.clone();
        let task = tokio::spawn(async move {
            while let Ok((line, _)) = listener.accept().await {
                // Who does not trust it leaves in the handshake.
                let Ok(line) = acceptor.accept(line).await else { continue };
                let mut line = BufReader::new(line);
                let mut reply = "220 ready";
                let mut command = String::new();
                while line.write_all(format!("{reply}\r\n").as_bytes()).await.and(line.flush().await).is_ok() {
                    command.clear();
                    if !matches!(line.read_line(&mut command).await, Ok(1..)) {
                        break;
                    }
                    hears.lock().unwrap().push(command.trim_end().to_owned());
                    reply = match command.get(..4) {
                        Some("USER") => to_user,
                        Some("PASS") => to_password,
                        _ => "200 ok",
                    };
                }
            }
        });
        Self { address, heard, task }
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn who_comes_without_a_password_is_not_asked_for_one() {
    let judge = Judge::start("232 the certificate is enough", "530 no").await;
    let person = person();
    let prompter = Arc::new(script().trusting(TrustAnswer::Once));
    let (engine, _news) = person.engine(&prompter);
    in_time(engine.connect(asking("ftps", judge.address))).await.unwrap();
    assert_eq!(prompter.asked().len(), 1, "whom to trust, and nothing else: {:?}", prompter.asked());
    assert!(!judge.heard.lock().unwrap().iter().any(|line| line.starts_with("PASS")));
}

#[tokio::test]
async fn a_word_on_the_certificate_does_not_hide_that_the_password_was_wrong() {
    let cases = [("331 password", "530 Login incorrect (certificate ok)", true), ("533 no certificate, no user", "230 in", false)];
    for (to_user, to_password, is_marked) in cases {
        let judge = Judge::start(to_user, to_password).await;
        let (person, target) = (person(), asking("ftps", judge.address));
        keep(&person, &target, "stale");
        let prompter = Arc::new(script().trusting(TrustAnswer::Always).secret(VAULT_PASSPHRASE));
        let (engine, _news) = person.engine(&prompter);
        let refused = in_time(engine.connect(target.clone())).await;
        assert!(matches!(refused, Err(ConnectFailure::ClientCertificate(_))), "{refused:?}");
        let again = in_time(engine.connect(target)).await;
        assert_eq!(matches!(again, Err(ConnectFailure::NoSecret { .. })), is_marked, "{again:?}");
        let passwords = judge.heard.lock().unwrap().iter().filter(|line| line.starts_with("PASS")).count();
        assert_eq!(passwords, usize::from(is_marked), "a server that counts hears it once");
    }
}
