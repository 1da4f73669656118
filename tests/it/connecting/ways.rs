//! SSH over other hosts and over commands: whom each host is to be trusted by, what it hears, and how the way ends.

use std::fs;

use sealift::engine::{ConflictPolicy, HostKeyChecking, JobKind, JobOptions, JobSpec, SshRole, SshRoute, TrustBasis};
use sealift::model::{Endpoint, Site};
use sealift::protocols::ConnectErrorKind;
use sealift::setup::{GivenAnswers, SecretSource};
use sealift::trust::ProblemKind;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::hop::{Hop, Lets, key};
use super::session::ended;
use super::*;

/// The last host is reached by this route, the others as `others` says.
fn by(route: SshRoute, others: impl Fn(&Site) -> SshOptions + Send + Sync + 'static) -> SshResolver {
    Arc::new(move |site, role| {
        Ok(match role {
            SshRole::Destination => SshOptions { route: route.clone(), ..SshOptions::default() },
            SshRole::Hop => others(site),
        })
    })
}

fn person(route: SshRoute) -> Person {
    Person { ssh: by(route, |_| SshOptions::default()), ..Person::new() }
}

fn yes() -> ScriptedPrompter {
    script().trusting(TrustAnswer::Always).trusting(TrustAnswer::Always).trusting(TrustAnswer::Always)
}

#[tokio::test]
async fn every_host_is_asked_about_and_logged_in_to_on_its_own() {
    let server = serve("sftp", &tree()).await;
    let (near, far) = (Hop::start(Lets::Through).await, Hop::start(Lets::Through).await);
    let person = person(SshRoute::Jump(vec![near.site("nell"), far.site("fay")]));
    let prompter = Arc::new(yes().secret("nell's").secret("fay's"));
    let (engine, _news) = person.engine(&prompter);
    let facts = in_time(engine.connect(target("sftp", server.addr))).await.unwrap();

    let at = |address: SocketAddr| Endpoint::new(&address.ip().to_string(), address.port());
    let [to_near, to_far, to_last] = [near.address, far.address, server.addr].map(at);
    assert_eq!(
        prompter.asked(),
        [
            format!("trust {to_near}"),
            "password nell 1".into(),
            format!("trust {to_far}"),
            "password fay 1".into(),
            format!("trust {to_last}")
        ]
    );
    let questions = prompter.trust_asked();
    let ways: Vec<_> = questions.iter().map(|question| question.on_the_way_to.clone()).collect();
    assert_eq!(ways, [Some(to_last.clone()), Some(to_last.clone()), None]);
    assert_eq!(questions[0].site, near.site("nell"), "the question names the hop");
    assert_eq!(*near.logins.lock().unwrap(), ["nell nell's"], "no other password comes there");
    assert_eq!(*far.logins.lock().unwrap(), ["fay fay's"]);
    assert_eq!(*near.asked_for.lock().unwrap(), [to_far.to_string(), to_far.to_string()], "once to be judged, once trusted");

    let peer = facts.peer.unwrap();
    assert_eq!(
        peer.hops.iter().map(|hop| (&hop.endpoint, hop.trust)).collect::<Vec<_>>(),
        [(&to_near, TrustBasis::KnownHost), (&to_far, TrustBasis::KnownHost)]
    );
    assert_eq!(fs::read_to_string(person.known_hosts()).unwrap().lines().count(), 3);
    assert_eq!(names(&engine, Place::Remote(facts.id), "/").await.unwrap(), ["a.txt", "sub"]);
}

#[tokio::test]
async fn a_way_that_broke_is_gone_again_without_a_question() {
    let server = serve("sftp", &tree()).await;
    let hop = Hop::start(Lets::Through).await;
    let relay = Relay::start(hop.address).await;
    let near = ParsedUrl::parse(&format!("sftp://nell@{}", relay.address)).unwrap().site;
    let prompter = Arc::new(yes().secret("nell's"));
    let (engine, _news) = person(SshRoute::Jump(vec![near])).engine(&prompter);
    let facts = in_time(engine.connect(target("sftp", server.addr))).await.unwrap();
    let asked = prompter.asked().len();
    relay.cut().await;
    assert_eq!(names(&engine, Place::Remote(facts.id), "/sub").await.unwrap(), ["b.txt"]);
    assert_eq!((prompter.asked().len(), hop.logins.lock().unwrap().len()), (asked, 2));
}

#[tokio::test]
async fn a_host_on_the_way_that_is_not_trusted_hears_nothing_and_lets_nothing_through() {
    let server = serve("sftp", &tree()).await;
    let hop = Hop::start(Lets::Through).await;
    let person = person(SshRoute::Jump(vec![hop.site("nell")]));
    let (rejected, asked) = person.connect(script().trusting(TrustAnswer::Reject).secret("nell's"), target("sftp", server.addr)).await;
    assert!(matches!(rejected, Err(ConnectFailure::Rejected(_))) && asked.len() == 1, "{rejected:?} {asked:?}");

    let other = key().public_key().to_openssh().unwrap();
    fs::write(person.known_hosts(), format!("[127.0.0.1]:{} {other}\n", hop.address.port())).unwrap();
    let (refused, asked) = person.connect(yes().secret("nell's"), target("sftp", server.addr)).await;
    let advice = Advice::from(&refused.unwrap_err());
    assert_readable(&advice);
    assert!(asked.is_empty() && advice.what.contains(&hop.address.to_string()), "{advice:?}");
    let remedy = format!("ssh-keygen -R '[127.0.0.1]:{}' -f '{}'", hop.address.port(), person.known_hosts().display());
    assert!(advice.next.contains(&remedy), "{advice:?}");
    assert!(hop.logins.lock().unwrap().is_empty() && hop.asked_for.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_hop_cannot_pose_as_where_it_leads() {
    let server = serve("sftp", &tree()).await;
    let stolen = key();
    let (another, impostor) = (serve("sftp", &tree()).await, Hop::with(stolen.clone(), None, Lets::Through).await);
    // It shows the key that is known for the destination: that says nothing of the hop.
    let way = person(SshRoute::Jump(vec![impostor.site("nell")]));
    let known = format!("[127.0.0.1]:{} {}\n", server.addr.port(), stolen.public_key().to_openssh().unwrap());
    fs::write(way.known_hosts(), &known).unwrap();
    let (refused, asked) = way.connect(script(), target("sftp", server.addr)).await;
    assert!(refused.is_err() && asked == [format!("trust {}", impostor.address)], "{asked:?}");
    // It leads somewhere else: the key there is not the one that is known.
    let liar = Hop::start(Lets::To(another.addr)).await;
    let way = person(SshRoute::Jump(vec![liar.site("nell")]));
    fs::write(way.known_hosts(), known).unwrap();
    let (refused, asked) = way.connect(script().trusting(TrustAnswer::Once).secret("nell's"), target("sftp", server.addr)).await;
    let Err(ConnectFailure::Connect(error)) = refused else { panic!("{refused:?}") };
    let ConnectErrorKind::Untrusted(evidence) = error.kind else { panic!("{error}") };
    assert!(evidence.has(ProblemKind::ChangedSincePinned) && asked.len() == 2, "{asked:?}");
}

#[tokio::test]
async fn a_hop_that_leads_nowhere_is_named() {
    let nowhere = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (lets, words) in [(Lets::Nothing, "lets no connections through"), (Lets::Through, "cannot connect to it")] {
        let hop = Hop::start(lets).await;
        let prompter = script().trusting(TrustAnswer::Once).secret("nell's");
        let (refused, _) = person(SshRoute::Jump(vec![hop.site("nell")])).connect(prompter, target("sftp", nowhere)).await;
        let advice = Advice::from(&refused.unwrap_err());
        assert_readable(&advice);
        assert!(advice.why.contains(words) && advice.why.contains(&hop.address.to_string()), "{advice:?}");
    }
    let (refused, asked) = person(SshRoute::Jump(vec![ParsedUrl::parse(&format!("sftp://nell@{nowhere}")).unwrap().site]))
        .connect(script(), target("sftp", nowhere))
        .await;
    let failure = refused.unwrap_err().to_string();
    assert!(asked.is_empty() && failure.contains("this host is on the way to"), "{failure}");
}

#[tokio::test]
async fn a_hop_that_falls_silent_is_waited_for_no_longer_than_the_limit() {
    let hop = Hop::start(Lets::Through).await;
    let relay = Relay::start(hop.address).await;
    relay.mute();
    let near = ParsedUrl::parse(&format!("sftp://nell@{}", relay.address)).unwrap().site;
    let options = SshOptions { timeout: Some(Duration::from_millis(200)), ..SshOptions::default() };
    let person = Person { ssh: by(SshRoute::Jump(vec![near]), move |_| options.clone()), ..Person::new() };
    let (refused, _) = person.connect(script(), target("sftp", hop.address)).await;
    let Err(ConnectFailure::Connect(error)) = refused else { panic!("{refused:?}") };
    assert_eq!((error.kind, error.endpoint.port), (ConnectErrorKind::TimedOut, relay.address.port()));
}

#[tokio::test]
async fn a_way_in_a_circle_and_a_configuration_nobody_can_read_are_told() {
    let site = target("sftp", SocketAddr::from(([127, 0, 0, 1], 9))).site;
    let circle = site.clone();
    let resolvers: [SshResolver; 2] = [
        Arc::new(move |_, _| Ok(SshOptions { route: SshRoute::Jump(vec![circle.clone()]), ..SshOptions::default() })),
        Arc::new(|_, _| Err("~/.ssh/config line 3 is not understood".to_owned())),
    ];
    for (ssh, words) in resolvers.into_iter().zip(["in a circle", "line 3"]) {
        let person = Person { ssh, ..Person::new() };
        let (refused, _) = person.connect(script(), Target { site: site.clone(), password: None, fingerprint: None }).await;
        let advice = Advice::from(&refused.unwrap_err());
        assert_readable(&advice);
        assert!(advice.why.contains(words), "{advice:?}");
    }
}

#[tokio::test]
async fn much_in_both_directions_at_once_goes_through_a_hop() {
    let tree = tree();
    let much = vec![7; 24 << 20];
    tree.put(&path("/down"), &much).unwrap();
    let server = serve("sftp", &tree).await;
    let hop = Hop::start(Lets::Through).await;
    let prompter = Arc::new(yes().secret("nell's"));
    let (engine, mut news) = person(SshRoute::Jump(vec![hop.site("nell")])).engine(&prompter);
    let facts = in_time(engine.connect(target("sftp", server.addr))).await.unwrap();
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("up"), &much).unwrap();
    let (there, local) = (Place::Remote(facts.id), path(here.path().to_str().unwrap()));
    let job = |from, from_dir: &FilePath, item: &str, to, to_dir: &FilePath| JobSpec {
        kind: JobKind::Copy,
        from,
        from_dir: from_dir.clone(),
        items: vec![item.try_into().unwrap()],
        to,
        to_dir: to_dir.clone(),
        new_name: None,
        conflicts: ConflictPolicy::Skip,
        options: JobOptions::default(),
    };
    engine.queue().submit(job(there, &path("/"), "down", Place::Local, &local));
    engine.queue().submit(job(Place::Local, &local, "up", there, &path("/")));
    for _ in 0..2 {
        assert!(ended(&mut news).await.failures.is_empty());
    }
    fs::remove_file(here.path().join("up")).unwrap();
    engine.queue().submit(job(there, &path("/"), "up", Place::Local, &local));
    assert!(ended(&mut news).await.failures.is_empty());
    for file in ["down", "up"] {
        assert!(fs::read(here.path().join(file)).unwrap() == much, "{file}");
    }
}

/// A command that is a way to `address`; bash can connect by itself.
fn bash_to(address: SocketAddr) -> SshRoute {
    let (ip, port) = (address.ip(), address.port());
    SshRoute::Command(format!("bash -c 'exec 3<>/dev/tcp/{ip}/{port}; echo on the way >&2; cat <&3 & cat >&3; kill $!'"))
}

#[tokio::test]
async fn a_command_carries_it_and_ends_with_it() {
    let server = serve("sftp", &tree()).await;
    let person = person(bash_to(server.addr));
    let (engine, _news) = person.engine(&Arc::new(yes()));
    let elsewhere = target("sftp", SocketAddr::from(([127, 0, 0, 1], 9)));
    let facts = in_time(engine.connect(elsewhere)).await.unwrap();
    assert!(facts.details.iter().any(|(label, value)| label == "ProxyCommand" && value.contains("/dev/tcp")));
    assert_eq!(names(&engine, Place::Remote(facts.id), "/sub").await.unwrap(), ["b.txt"]);
    assert!(fs::read_to_string(person.known_hosts()).unwrap().starts_with("[127.0.0.1]:9 "), "known under its own name");

    // One that does not end by itself holds a line to us, which ends with it.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let stubborn = format!("bash -c 'trap \"\" TERM; exec 3<>/dev/tcp/127.0.0.1/{port}; read x <&3'");
    let person = self::person(SshRoute::Command(stubborn));
    let connecting = person.connect(script(), target("sftp", server.addr));
    let (mut line, _) = tokio::select! {
        line = listener.accept() => line.unwrap(),
        (ended, _) = connecting => panic!("{ended:?}"),
    };
    in_time(line.read_to_end(&mut Vec::new())).await.unwrap();
}

#[tokio::test]
async fn a_command_that_ends_tells_how_and_what_it_said() {
    for (command, words) in [
        ("sh -c 'echo the tunnel is closed >&2; exit 3'", ["exit status: 3", "the tunnel is closed"]),
        ("/no/such/command", ["ended with exit status: 127", "it said: "]),
    ] {
        let person = person(SshRoute::Command(command.to_owned()));
        let (refused, _) = person.connect(script(), target("sftp", SocketAddr::from(([127, 0, 0, 1], 9)))).await;
        let advice = Advice::from(&refused.unwrap_err());
        assert_readable(&advice);
        assert!(words.iter().all(|word| advice.why.contains(word)), "{advice:?}");
    }
}

#[tokio::test]
async fn strict_checking_asks_nobody_and_lax_checking_asks_all_the_same() {
    let server = serve("sftp", &tree()).await;
    let with = |checking| Person { ssh: Arc::new(move |_, _| Ok(SshOptions { checking, ..SshOptions::default() })), ..Person::new() };
    let (refused, asked) = with(HostKeyChecking::Strict).connect(yes(), target("sftp", server.addr)).await;
    let advice = Advice::from(&refused.unwrap_err());
    assert_readable(&advice);
    assert!(asked.is_empty() && advice.why.contains("StrictHostKeyChecking"), "{advice:?}");
    let prompter = Arc::new(script());
    let (engine, _news) = with(HostKeyChecking::Lax).engine(&prompter);
    assert!(in_time(engine.connect(target("sftp", server.addr))).await.is_err());
    assert!(prompter.trust_asked()[0].evidence.problems[0].text.contains("asked all the same"));
}

#[tokio::test]
async fn names_and_files_are_as_the_configuration_says() {
    let server = serve("sftp", &tree()).await;
    let folder = tempfile::tempdir().unwrap();
    let files = vec![folder.path().join("first"), folder.path().join("second")];
    let options = SshOptions {
        endpoint: Some(Endpoint::new("127.0.0.1", server.addr.port())),
        user: Some("ann".to_owned()),
        host_key_alias: Some("the-lab".to_owned()),
        user_known_hosts: Some(files.clone()),
        ..SshOptions::default()
    };
    let person = Person { ssh: Arc::new(move |_, _| Ok(options.clone())), ..Person::new() };
    let site = ParsedUrl::parse("sftp://lab").unwrap().site;
    let prompter = Arc::new(yes().secret(PASSWORD));
    let (engine, _news) = person.engine(&prompter);
    let facts = in_time(engine.connect(Target { site, password: None, fingerprint: None })).await.unwrap();
    assert_eq!(
        (facts.site.url(), prompter.asked()),
        ("sftp://ann@lab".to_owned(), vec!["trust the-lab:22".to_owned(), "password ann 1".to_owned()])
    );
    assert!(fs::read_to_string(&files[0]).unwrap().starts_with("the-lab ssh-ed25519 "));
    assert!(!person.known_hosts().exists() && !files[1].exists());
}

#[tokio::test]
async fn a_password_brought_along_is_not_for_hosts_on_the_way() {
    let server = serve("sftp", &tree()).await;
    let hop = Hop::start(Lets::Through).await;
    let password = SecretSource::Value(Secret::new(PASSWORD.to_owned()));
    let asked_then = yes().secret("nell's");
    let given = GivenAnswers::new(Vec::new(), password, SecretSource::Nothing, |_| {}, asked_then);
    let (engine, _news) = person(SshRoute::Jump(vec![hop.site("nell")])).engine_for(Arc::new(given));
    in_time(engine.connect(asking("sftp", server.addr))).await.unwrap();
    assert_eq!(*hop.logins.lock().unwrap(), ["nell nell's"]);
}
