//! Certificates and passwords: what is asked, how often, and what a no means.

use sealift::ask::{TrustAnswer, TrustQuestion};
use sealift::engine::{Advice, ConnectFailure, Engine, Place, SecurityLevel, Target, TrustBasis};
use sealift::protocols::{ConnectError, ConnectErrorKind};
use sealift::server::ServerIdentity;
use sealift::trust::{Fingerprint, ProblemKind};

use super::*;
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
        async fn trust(&self, _: TrustQuestion) -> Result<sealift::ask::TrustReply, sealift::ask::Declined> {
            self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            drop(self.0.replace_identity(&ServerIdentity::for_this_machine().unwrap()));
            drop(self.0.replace_host_key(HostKey::throwaway().unwrap()));
            Ok(TrustAnswer::Once.into())
        }
        async fn secret(&self, _: sealift::ask::SecretQuestion) -> Result<sealift::ask::SecretAnswer, sealift::ask::Declined> {
            Err(sealift::ask::Declined)
        }
        async fn interactive(&self, _: sealift::ask::InteractiveQuestion) -> Result<Vec<Secret>, sealift::ask::Declined> {
            Err(sealift::ask::Declined)
        }
        async fn conflict(&self, _: sealift::ask::ConflictQuestion) -> Result<sealift::ask::ConflictAnswer, sealift::ask::Declined> {
            Err(sealift::ask::Declined)
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
async fn a_ledger_that_cannot_be_read_is_told_and_not_written_over() {
    let server = serve("ftpes", &tree()).await;
    let person = Person::new();
    let ledger = TrustStore::open(person.folder.path(), Keyring::off()).file();
    std::fs::write(&ledger, "torn").unwrap();
    let prompter = Arc::new(script().trusting(TrustAnswer::Always));
    let (engine, _news) = person.engine(&prompter);
    let failure = in_time(engine.connect(target("ftpes", server.addr))).await.unwrap_err();
    assert!(matches!(failure, ConnectFailure::NotRemembered { .. }), "{failure:?}");
    assert_readable(&Advice::from(&failure));
    assert!(prompter.trust_asked()[0].evidence.has(ProblemKind::Other));
    assert_eq!(std::fs::read(&ledger).unwrap(), b"torn");
}
