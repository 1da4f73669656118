//! Certificates and passwords: what is asked, how often, and what a no means.

use std::sync::Mutex;

use sealift::ask::{
    ConflictAnswer, ConflictQuestion, Declined, InteractiveQuestion, SecretAnswer, SecretQuestion, TrustAnswer, TrustQuestion, TrustReply,
};
use sealift::engine::{Advice, ConnectFailure, Engine, Place, Target, TrustBasis};
use sealift::model::SecurityLevel;
use sealift::protocols::{ConnectError, ConnectErrorKind};
use sealift::server::ServerIdentity;
use sealift::trust::{Fingerprint, ProblemKind};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::*;
use crate::hostile::assert_only_key_exchange;
use crate::tls::assert_only_hello;

fn kind(failure: &ConnectFailure) -> &ConnectErrorKind {
    let ConnectFailure::Connect(ConnectError { kind, .. }) = failure else { panic!("{failure:?}") };
    kind
}

fn is_untrusted(failure: &ConnectFailure) -> bool {
    matches!(kind(failure), ConnectErrorKind::Untrusted(_))
}

#[tokio::test]
async fn always_is_asked_once_and_holds_for_the_next_program() {
    for scheme in ["ftpes", "ftps"] {
        let mut options = ftp_options(&tree());
        options.implicit = scheme == "ftps";
        let server = FtpServer::start(options).await.unwrap();
        let person = Person::new();
        let prompter = Arc::new(script().trusting(TrustAnswer::Always));
        let (engine, _news) = person.engine(&prompter);
        let facts = engine.connect(target(scheme, server.addr)).await.unwrap();
        assert_eq!((facts.trust, facts.level), (TrustBasis::Pinned { days: 0 }, SecurityLevel::Secure));
        assert_eq!(facts.site.user.as_deref(), Some("ann"));
        assert_eq!(names(&engine, Place::Remote(facts.id), "/").await.unwrap(), ["a.txt", "sub"]);
        engine.connect(target(scheme, server.addr)).await.unwrap();
        let [TrustQuestion { evidence, dangerous: false, can_remember: true, .. }] = &prompter.trust_asked()[..] else { panic!() };
        assert!(!evidence.problems.is_empty());
        let expected = [ProblemKind::SelfSigned, ProblemKind::UnknownIssuer];
        assert!(evidence.problems.iter().all(|problem| expected.contains(&problem.kind)), "{:?}", evidence.problems);
        let (again, asked) = person.connect(script(), target(scheme, server.addr)).await;
        assert!(again.is_ok() && asked.is_empty(), "{again:?} {asked:?}");
    }
}

#[tokio::test]
async fn once_holds_for_this_program_only() {
    let server = serve("ftpes", &tree()).await;
    let person = Person::new();
    for _ in 0..2 {
        let prompter = Arc::new(script().trusting(TrustAnswer::Once));
        let (engine, _news) = person.engine(&prompter);
        for _ in 0..2 {
            assert_eq!(engine.connect(target("ftpes", server.addr)).await.unwrap().trust, TrustBasis::Once);
        }
        assert_eq!(prompter.asked().len(), 1);
    }
}

#[tokio::test]
async fn two_connections_to_one_new_server_are_one_question() {
    for scheme in ["ftpes", "sftp"] {
        let server = serve(scheme, &tree()).await;
        let person = Person::new();
        let prompter = Arc::new(script().trusting(TrustAnswer::Once));
        let (engine, _news) = person.engine(&prompter);
        let both = async { tokio::join!(engine.connect(target(scheme, server.addr)), engine.connect(target(scheme, server.addr))) };
        let (one, other) = in_time(both).await;
        assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
        assert_eq!(prompter.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_no_is_a_no_and_nothing_but_the_hello_was_sent() {
    for answer in [Some(TrustAnswer::Reject), None] {
        let mut options = ftp_options(&tree());
        options.implicit = true;
        let server = FtpServer::start(options).await.unwrap();
        let relay = Relay::start(server.addr).await;
        let prompter = answer.map_or_else(script, |answer| script().trusting(answer));
        let (refused, asked) = Person::new().connect(prompter, asking("ftps", relay.address)).await;
        let failure = refused.unwrap_err();
        let advice = Advice::from(&failure);
        assert_readable(&advice);
        assert_eq!((matches!(failure, ConnectFailure::Rejected(_)), advice.intended), (answer.is_some(), answer.is_some()), "{failure:?}");
        assert_eq!(asked.len(), 1);
        let [sent] = &relay.sent()[..] else { panic!("it connected again") };
        assert_only_hello(sent);
    }
}

/// Somebody who looks at what the server was sent in the moment they are asked.
struct Witness {
    relay: Arc<Relay>,
    answers: ScriptedPrompter,
    sent_by_then: Mutex<Vec<Vec<Vec<u8>>>>,
}

#[async_trait::async_trait]
impl Prompter for Witness {
    async fn trust(&self, question: TrustQuestion) -> Result<TrustReply, Declined> {
        self.sent_by_then.lock().unwrap().push(self.relay.sent());
        Prompter::trust(&self.answers, question).await
    }
    async fn secret(&self, question: SecretQuestion) -> Result<SecretAnswer, Declined> {
        Prompter::secret(&self.answers, question).await
    }
    async fn interactive(&self, _: InteractiveQuestion) -> Result<Vec<Secret>, Declined> {
        Err(Declined)
    }
    async fn conflict(&self, _: ConflictQuestion) -> Result<ConflictAnswer, Declined> {
        Err(Declined)
    }
}

#[tokio::test]
async fn until_somebody_decides_no_server_hears_who_is_there() {
    for scheme in ["ftpes", "ftps", "sftp"] {
        let server = if scheme == "ftps" {
            FtpServer::start(FtpOptions { implicit: true, ..ftp_options(&tree()) }).await.unwrap()
        } else {
            serve(scheme, &tree()).await
        };
        let relay = Arc::new(Relay::start(server.addr).await);
        let person = Person::new();
        let only_hello = |sent: &[u8]| match scheme {
            "sftp" => assert_only_key_exchange(sent),
            "ftpes" => assert_only_hello(sent.strip_prefix(b"AUTH TLS\r\n").expect("TLS is asked for first")),
            _ => assert_only_hello(sent),
        };
        // Unknown first, then another one than before; a host key that changed is not even asked about.
        for changed in [false, true] {
            if changed && scheme == "sftp" {
                break;
            }
            let before = relay.sent().len();
            let answers = script().trusting(TrustAnswer::Always).secret(PASSWORD);
            let witness = Arc::new(Witness { relay: Arc::clone(&relay), answers, sent_by_then: Mutex::default() });
            let (engine, _news) = person.engine_for(Arc::clone(&witness) as Arc<dyn Prompter>);
            in_time(engine.connect(asking(scheme, relay.address))).await.unwrap();
            in_time(engine.shutdown()).await;
            let by_then = witness.sent_by_then.lock().unwrap();
            let [sent] = &by_then[..] else { panic!("{scheme}: asked {} times", by_then.len()) };
            assert_eq!(sent.len(), before + 1, "{scheme}: one connection, which is over");
            only_hello(&sent[before]);
            let all = relay.sent();
            only_hello(&all[before]);
            assert!(all.len() > before + 1, "{scheme}: the login took another connection");
            let clear = all.concat();
            assert!(!clear.windows(4).any(|word| matches!(word, b"USER" | b"PASS")), "{scheme}");
            if scheme != "sftp" {
                server.replace_identity(&ServerIdentity::for_this_machine().unwrap()).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_refuses_tls_is_left_and_never_spoken_to_without() {
    let tree = tree();
    let plain = FtpOptions::new(Arc::new(tree), users(), None, SocketAddr::from(([127, 0, 0, 1], 0)));
    let server = FtpServer::start(plain).await.unwrap();
    let relay = Relay::start(server.addr).await;
    let prompter = script().trusting(TrustAnswer::Always).secret(PASSWORD);
    let (refused, asked) = Person::new().connect(prompter, target("ftpes", relay.address)).await;
    let failure = refused.unwrap_err();
    assert_eq!(kind(&failure), &ConnectErrorKind::ProtectionRefused);
    assert_readable(&Advice::from(&failure));
    assert_eq!((asked.len(), relay.sent()), (0, vec![b"AUTH TLS\r\n".to_vec()]), "one try, and nothing behind it");
    // The same server lets in whoever asks for it without.
    assert!(Person::new().connect(script(), target("ftp", relay.address)).await.0.is_ok());
}

#[tokio::test]
async fn a_changed_certificate_is_a_dangerous_question() {
    let server = serve("ftpes", &tree()).await;
    let person = Person::new();
    let old = ServerIdentity::for_this_machine().unwrap();
    server.replace_identity(&old).unwrap();
    person.trust(target("ftpes", server.addr)).await;
    server.replace_identity(&ServerIdentity::for_this_machine().unwrap()).unwrap();
    let prompter = Arc::new(script().trusting(TrustAnswer::Reject).trusting(TrustAnswer::Always));
    let (engine, _news) = person.engine(&prompter);
    assert!(matches!(engine.connect(target("ftpes", server.addr)).await, Err(ConnectFailure::Rejected(_))));
    engine.connect(target("ftpes", server.addr)).await.unwrap();
    let asked = prompter.trust_asked();
    assert_eq!(asked.len(), 2, "a rejected certificate is not remembered");
    for question in asked {
        assert!(question.dangerous && question.evidence.has(ProblemKind::ChangedSincePinned));
        assert_eq!(question.evidence.remembered.unwrap().fingerprint, Fingerprint::of(old.leaf()));
    }
}

#[tokio::test]
async fn a_server_that_changes_while_somebody_looks_is_refused() {
    struct Swap(Running, std::sync::atomic::AtomicU32);
    #[async_trait::async_trait]
    impl Prompter for Swap {
        async fn trust(&self, _: TrustQuestion) -> Result<TrustReply, Declined> {
            self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            drop(self.0.replace_identity(&ServerIdentity::for_this_machine().unwrap()));
            drop(self.0.replace_host_key(HostKey::throwaway().unwrap()));
            Ok(TrustAnswer::Once.into())
        }
        async fn secret(&self, _: SecretQuestion) -> Result<SecretAnswer, Declined> {
            Err(Declined)
        }
        async fn interactive(&self, _: InteractiveQuestion) -> Result<Vec<Secret>, Declined> {
            Err(Declined)
        }
        async fn conflict(&self, _: ConflictQuestion) -> Result<ConflictAnswer, Declined> {
            Err(Declined)
        }
    }
    for scheme in ["ftpes", "sftp"] {
        let server = serve(scheme, &tree()).await;
        let target = target(scheme, server.addr);
        let swap = Arc::new(Swap(server, std::sync::atomic::AtomicU32::new(0)));
        let (engine, _news) = Person::new().engine_for(Arc::clone(&swap) as Arc<dyn Prompter>);
        let failure = in_time(engine.connect(target)).await.unwrap_err();
        assert!(is_untrusted(&failure), "{failure:?}");
        assert_readable(&Advice::from(&failure));
        assert_eq!(swap.1.load(std::sync::atomic::Ordering::Relaxed), 1, "asked again");
    }
}

#[tokio::test]
async fn a_wrong_password_is_asked_for_three_times() {
    for scheme in ["ftpes", "sftp"] {
        let server = serve(scheme, &tree()).await;
        let person = Person::new();
        person.trust(target(scheme, server.addr)).await;
        let wrong = || script().secret("x").secret("y");
        let (refused, asked) = person.connect(wrong().secret("z").secret("w"), asking(scheme, server.addr)).await;
        assert_eq!(kind(&refused.unwrap_err()), &ConnectErrorKind::LoginRefused);
        assert_eq!(asked, ["password ann 1", "password ann 2", "password ann 3"]);
        let (connected, asked) = person.connect(wrong().secret(PASSWORD), asking(scheme, server.addr)).await;
        assert!(connected.is_ok() && asked.len() == 3, "{connected:?}");
        let wrong = || Target { password: Some(Secret::new("w".to_owned())), ..target(scheme, server.addr) };
        let (connected, asked) = person.connect(script().secret(PASSWORD), wrong()).await;
        assert!(connected.is_ok() && asked == ["password ann 2"], "{connected:?} {asked:?}");
        let (refused, _) = person.connect(script(), wrong()).await;
        assert_eq!(kind(&refused.unwrap_err()), &ConnectErrorKind::LoginRefused, "the server's no, not that nobody answered");
        let (refused, _) = person.connect(script(), asking(scheme, server.addr)).await;
        assert!(matches!(refused, Err(ConnectFailure::NoSecret { .. })));
    }
}

#[tokio::test]
async fn the_fingerprint_of_the_url_is_all_that_counts() {
    let identity = ServerIdentity::for_this_machine().unwrap();
    let server = serve("ftpes", &tree()).await;
    server.replace_identity(&identity).unwrap();
    let named = |fingerprint| Target { fingerprint: Some(fingerprint), ..target("ftpes", server.addr) };
    let prompter = Arc::new(script());
    let (engine, _news) = Person::new().engine(&prompter);
    let facts = in_time(engine.connect(named(Fingerprint::of(identity.leaf())))).await.unwrap();
    assert_eq!(facts.trust, TrustBasis::Once, "no authority vouches for it");
    let failure = in_time(engine.connect(named(Fingerprint::of(b"other")))).await.unwrap_err();
    assert!(matches!(failure, ConnectFailure::NotAsNamed { .. }) && prompter.asked().is_empty(), "{failure:?}");
    assert_readable(&Advice::from(&failure));
}

#[tokio::test]
async fn plain_ftp_says_so() {
    let server = serve("ftp", &tree()).await;
    let (engine, _news): (Engine, _) = Person::new().engine_for(Arc::new(Refuse));
    let facts = in_time(engine.connect(target("ftp", server.addr))).await.unwrap();
    assert_eq!((facts.trust, facts.level, facts.protection.as_str()), (TrustBasis::Plain, SecurityLevel::None, ""));
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_trusts_nobody_and_is_not_written_over() {
    let server = serve("ftpes", &tree()).await;
    let person = Person::new();
    let ledger = TrustStore::open(person.folder.path(), Keyring::off()).file();
    std::fs::write(&ledger, "torn").unwrap();
    let prompter = Arc::new(script().trusting(TrustAnswer::Always));
    let (engine, _news) = person.engine(&prompter);
    let failure = in_time(engine.connect(target("ftpes", server.addr))).await.unwrap_err();
    assert!(matches!(failure, ConnectFailure::Ledger(_)), "{failure:?}");
    assert_readable(&Advice::from(&failure));
    assert!(prompter.trust_asked().is_empty(), "nobody knows whether another one was trusted before");
    assert_eq!(std::fs::read(&ledger).unwrap(), b"torn");
}

#[tokio::test]
async fn a_server_that_takes_one_command_at_a_time_is_connected_to_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        for connections in 1.. {
            let mut line = BufReader::new(listener.accept().await.unwrap().0);
            let mut reply = "220 ready";
            while line.write_all(format!("{reply}\r\n").as_bytes()).await.is_ok() {
                let mut command = String::new();
                if !matches!(line.read_line(&mut command).await, Ok(1..)) {
                    break;
                }
                reply = match command.get(..4) {
                    // Two at once are too many.
                    _ if !line.buffer().is_empty() => break,
                    Some("USER") => "331 password",
                    Some("PWD\r") => "257 \"/home\"",
                    Some("QUIT") => return connections,
                    _ => "200 ok",
                };
            }
        }
        0
    });
    let (engine, _news) = Person::new().engine_for(Arc::new(Refuse));
    let facts = in_time(engine.connect(target("ftp", address))).await.unwrap();
    assert_eq!(facts.home, path("/home"));
    in_time(engine.shutdown()).await;
    assert_eq!(in_time(server).await.unwrap(), 2);
}
