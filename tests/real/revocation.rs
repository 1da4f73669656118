//! Revocation with the lists, answers and servers of `openssl`: everything at hand is checked, and nothing is believed
//! without its issuer's signature.

use jiff::{SignedDuration, Timestamp};
use libtest_mimic::Trial;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use sealift::model::Endpoint;
use sealift::protocols::ConnectErrorKind;
use sealift::protocols::tls::{Roots, TlsSession, TlsVersions};
use sealift::trust::revocation::{self, RevocationList};
use sealift::trust::{
    Anchors, Certificate, Evidence, ListFolder, PeerIdentity, Pin, ProblemKind, Remember, Revocation, RevocationSource, Verified,
};

use crate::Harness;
use crate::support::daemon::Daemon;
use crate::support::openssl::Authority;

pub(crate) fn trials(harness: &mut Harness) -> Vec<Trial> {
    let authority = harness.start("openssl", Authority::start);
    let daemon: fn(&Authority) -> &Daemon = |authority| &authority.responder;
    let mut trials = Vec::new();
    macro_rules! trials {
        ($($name:ident)+) => { $(trials.push(harness.trial(&authority, stringify!($name), daemon, async |authority: &Authority| {
            // They change one database.
            let _alone = authority.turn.lock().await;
            $name(authority).await;
        }));)+ };
    }
    trials!(staples lists partitioned_lists an_intermediate_is_looked_up_too the_verifier_asks_again_about_a_revoked_one);
    trials!(lists_of_a_folder_count_on_every_connection check_now client_certificates_are_asked_for);
    trials
}

fn chain(authority: &Authority, names: &[&str]) -> Vec<Certificate> {
    names.iter().map(|name| Certificate { der: authority.place().certificate(name).into() }).collect()
}

/// What `staple` and `list` say about the leaf of a chain, one of them usually empty.
fn looked(authority: &Authority, names: &[&str], staple: &[u8], list: &[u8], now: Timestamp) -> Revocation {
    let root = authority.place().certificate("root");
    let anchors = Anchors::of([&*root]);
    let lists = RevocationList::read("a.crl", list);
    revocation::check(&chain(authority, names), || &anchors, staple, &lists, now).leaf
}

fn later(hours: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(hours)
}

fn why(state: &Revocation) -> &str {
    match state {
        Revocation::Unusable { why, .. } => why,
        other => panic!("it counts: {other:?}"),
    }
}

fn assert_revoked(state: &Revocation) {
    match state {
        Revocation::Revoked { since: Some(since), reason: Some(reason), .. } => {
            assert_eq!(reason, "key compromise");
            assert!((Timestamp::now() - *since).total(jiff::Unit::Hour).unwrap() < 1.0, "{since}");
        }
        other => panic!("it is revoked: {other:?}"),
    }
}

async fn staples(authority: &Authority) {
    let place = authority.place();
    let staple = |name: &str, signer: &str, options: &str| std::fs::read(place.answer(name, signer, options)).unwrap();
    let now = Timestamp::now();
    for options in ["", "-sha256", "-resp_key_id"] {
        for signer in ["responder", "root"] {
            let good = looked(authority, &["good"], &staple("good", signer, options), &[], now);
            assert!(matches!(good, Revocation::Good { source: RevocationSource::Staple, until: Some(until) } if until > now), "{good:?}");
            assert_revoked(&looked(authority, &["revoked"], &staple("revoked", signer, options), &[], now));
        }
    }
    let good = staple("good", "responder", "");
    assert!(why(&looked(authority, &["good"], &good, &[], later(2))).contains("out of date"));
    assert!(why(&looked(authority, &["good"], &good, &[], later(-2))).contains("signed it is not valid now"));
    assert!(why(&looked(authority, &["good"], &staple("good", "root", ""), &[], later(-2))).contains("still to come"));
    assert!(why(&looked(authority, &["revoked"], &good, &[], now)).contains("another certificate"));
    let revoked = staple("revoked", "root", "");
    assert_revoked(&looked(authority, &["revoked"], &revoked, &[], later(2)));
    let held = staple("held", "root", "");
    assert!(matches!(looked(authority, &["held"], &held, &[], now), Revocation::Revoked { .. }));
    assert!(why(&looked(authority, &["held"], &held, &[], later(2))).contains("out of date"), "a hold may have ended");

    for signer in ["foreign", "foreign-responder"] {
        let by_another = looked(authority, &["good"], &staple("good", signer, ""), &[], now);
        assert!(why(&by_another).contains("another authority"), "{by_another:?}");
    }
    assert!(why(&looked(authority, &["good"], &staple("good", "revoked", ""), &[], now)).contains("not made for signing"));
    assert!(
        why(&looked(authority, &["good"], &staple("good", "responder", "-resp_no_certs"), &[], now)).contains("not signed by the issuer")
    );
    assert!(why(&looked(authority, &["good"], b"\x30\x03\x0a\x01\x06", &[], now)).contains("may not answer"));
    assert!(why(&looked(authority, &["good"], b"no answer", &[], now)).contains("no answer"));

    // The same certificate, and a database that has never heard of it.
    let index = place.bytes("index");
    std::fs::write(place.path("empty"), "").unwrap();
    place.run(
        "ocsp -index empty -CA root.pem -rsigner root.pem -rkey root.key -issuer root.pem -cert good.pem -respout good.answer -nmin 60 -noverify",
    );
    assert!(why(&looked(authority, &["good"], &place.bytes("good.answer"), &[], now)).contains("does not know"));
    assert_eq!(place.bytes("index"), index);

    // Any flipped bit is noticed, or changes nothing of what is said.
    for at in (0..good.len()).step_by(3) {
        let mut spoilt = good.clone();
        spoilt[at] ^= 1;
        assert!(!matches!(looked(authority, &["good"], &spoilt, &[], later(2)), Revocation::Good { .. }), "byte {at}");
        assert!(!matches!(looked(authority, &["revoked"], &spoilt, &[], now), Revocation::Good { .. }), "byte {at}");
    }
}

async fn lists(authority: &Authority) {
    let place = authority.place();
    let now = Timestamp::now();
    let list = place.list("root", "");
    let good = looked(authority, &["good"], &[], &list, now);
    assert!(matches!(&good, Revocation::Good { source: RevocationSource::File(name), until: Some(_) } if name == "a.crl"), "{good:?}");
    assert_revoked(&looked(authority, &["revoked"], &[], &list, now));
    assert_revoked(&looked(authority, &["revoked", "root"], &[], &list, now));
    assert!(why(&looked(authority, &["good"], &[], &list, later(24 * 40))).contains("out of date"));
    assert!(why(&looked(authority, &["good"], &[], &list, later(-2))).contains("still to come"));
    assert_revoked(&looked(authority, &["revoked"], &[], &list, later(24 * 40)));
    assert!(why(&looked(authority, &["held"], &[], &list, later(24 * 40))).contains("out of date"));
    assert_eq!(looked(authority, &["root"], &[], &list, now), Revocation::NotChecked, "it can only be taken back by itself");
    assert_eq!(looked(authority, &["good"], &[], &place.list("foreign", ""), now), Revocation::NotChecked, "another's list");

    // A list of the right name by another key, and a good staple beside a list that takes it back.
    place.run(
        "req -x509 -config config -extensions root -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -keyout twin.key -out twin.pem \
         -subj /CN=root",
    );
    assert!(why(&looked(authority, &["good"], &[], &place.list("twin", ""), now)).contains("not signed by the key"));
    let both = looked(authority, &["revoked"], &std::fs::read(place.answer("good", "root", "")).unwrap(), &list, now);
    assert_revoked(&both);

    place.run("crl -in root.crl -outform DER -out list.der");
    for (at, &byte) in place.bytes("list.der").iter().enumerate() {
        let mut spoilt = place.bytes("list.der");
        spoilt[at] = byte ^ 1;
        assert!(!matches!(looked(authority, &["revoked"], &[], &spoilt, now), Revocation::Good { .. }), "byte {at}");
    }
}

async fn partitioned_lists(authority: &Authority) {
    let place = authority.place();
    let look = |extensions: &str| {
        let list = place.list("root", &format!("-crlexts {extensions}"));
        looked(authority, &["good"], &[], &list, Timestamp::now())
    };
    for whole in ["partition", "users"] {
        let state = look(whole);
        assert!(matches!(state, Revocation::Good { .. }), "{whole}: {state:?}");
    }
    for (part, words) in [
        ("other-partition", "another place"),
        ("authorities", "certificates of authorities"),
        ("indirect", "other issuers"),
        ("reasons", "some reasons"),
        ("delta", "only the changes"),
        ("unknown", "critical extension"),
    ] {
        let state = look(part);
        assert!(why(&state).contains(words), "{part}: {state:?}");
    }
}

async fn an_intermediate_is_looked_up_too(authority: &Authority) {
    let place = authority.place();
    place.issue("middle", "root", "root");
    place.issue("below", "leaf", "middle");
    place.issue("middle-without-lists", "no-lists", "root");
    place.issue("below-without-lists", "leaf", "middle-without-lists");
    place.revoke("middle", "cACompromise");
    let root = place.certificate("root");
    let anchors = Anchors::of([&*root]);
    let lists = RevocationList::read("a.crl", &place.list("root", ""));
    let checked = revocation::check(&chain(authority, &["below", "middle"]), || &anchors, &[], &lists, Timestamp::now());
    assert_eq!(checked.leaf, Revocation::NotChecked, "its own issuer said nothing");
    let problems: Vec<_> = checked.problems.iter().map(|problem| (problem.kind, problem.at)).collect();
    assert_eq!(problems, [(ProblemKind::Revoked, 1)]);
    assert!(checked.problems[0].text.contains("CA compromise") && checked.problems[0].text.contains("a.crl"), "{checked:?}");

    let list = place.list("middle-without-lists", "");
    let state = looked(authority, &["below-without-lists", "middle-without-lists"], &[], &list, Timestamp::now());
    assert!(why(&state).contains("does not allow"), "{state:?}");
}

fn session(port: u16, pin: Option<Pin>, roots: &Roots, versions: TlsVersions) -> TlsSession {
    TlsSession::new(&Endpoint::new("127.0.0.1", port), pin, roots, versions).unwrap()
}

async fn dial(port: u16) -> TcpStream {
    TcpStream::connect(("127.0.0.1", port)).await.unwrap()
}

async fn refused(port: u16, pin: Option<Pin>, roots: &Roots, versions: TlsVersions) -> Evidence {
    let error = session(port, pin, roots, versions).connect(dial(port).await).await.expect_err("it is not trusted");
    match error.kind {
        ConnectErrorKind::Untrusted(evidence) => *evidence,
        other => panic!("{other:?}"),
    }
}

fn roots(authority: &Authority) -> Roots {
    Roots::only(vec![authority.place().certificate("root")])
}

const BOTH: [TlsVersions; 2] = [TlsVersions::Any, TlsVersions::Only12];

async fn the_verifier_asks_again_about_a_revoked_one(authority: &Authority) {
    let file = |name: &str| authority.place().answer(name, "responder", "").to_str().unwrap().to_owned();
    let good = authority.tls_server("good", &["-status_file", &file("good")]);
    let revoked = authority.tls_server("revoked", &["-status_file", &file("revoked")]);
    let silent = authority.tls_server("revoked", &[]);
    for versions in BOTH {
        let trusted = session(good.port, None, &roots(authority), versions);
        drop(trusted.connect(dial(good.port).await).await.unwrap());
        let evidence = trusted.evidence().unwrap();
        assert!(matches!(evidence.revocation, Revocation::Good { source: RevocationSource::Staple, .. }), "{:?}", evidence.revocation);

        let unasked = session(silent.port, None, &roots(authority), versions);
        drop(unasked.connect(dial(silent.port).await).await.unwrap());
        assert_eq!(unasked.evidence().unwrap().revocation, Revocation::NotChecked, "never good by itself");
        let pin = Pin::of(&unasked.evidence().unwrap(), Remember::Always, Verified::Blind, Timestamp::now());
        for pin in [None, Some(pin)] {
            let evidence = refused(revoked.port, pin.clone(), &roots(authority), versions).await;
            let kinds: Vec<_> = evidence.problems.iter().map(|problem| problem.kind).collect();
            assert_eq!(kinds, [ProblemKind::Revoked], "also where the platform accepts, pinned or not");
            assert_revoked(&evidence.revocation);
            assert!(evidence.problems[0].text.contains("key compromise"), "{:?}", evidence.problems);
            let verdict = sealift::trust::judge(&evidence, pin.as_ref());
            assert_eq!(verdict, sealift::trust::Verdict::Ask { dangerous: true });
            let knowing = Pin::of(&evidence, Remember::Once, Verified::Blind, Timestamp::now());
            session(revoked.port, Some(knowing), &roots(authority), versions).connect(dial(revoked.port).await).await.unwrap();
        }
    }
}

async fn lists_of_a_folder_count_on_every_connection(authority: &Authority) {
    let folder = tempfile::tempdir().unwrap();
    let roots = roots(authority).with_revocation_lists(ListFolder::at(folder.path().join("crls")));
    let server = authority.tls_server("revoked", &[]);
    let trusted = async |server: &Daemon| {
        let session = session(server.port, None, &roots, TlsVersions::Any);
        drop(session.connect(dial(server.port).await).await.unwrap());
        session.evidence().unwrap().revocation
    };
    assert_eq!(trusted(&server).await, Revocation::NotChecked, "there is no such folder yet");
    std::fs::create_dir(folder.path().join("crls")).unwrap();
    std::fs::write(folder.path().join("crls/notes.txt"), "these are my lists").unwrap();
    assert_eq!(trusted(&server).await, Revocation::NotChecked);
    let list = authority.place().list("root", "");
    std::fs::write(folder.path().join("crls/root.pem"), &list).unwrap();
    let evidence = refused(server.port, None, &roots, TlsVersions::Any).await;
    assert!(evidence.has(ProblemKind::Revoked), "a new file counts at once");
    let good = trusted(&authority.tls_server("good", &[])).await;
    assert!(matches!(good, Revocation::Good { source: RevocationSource::File(ref name), .. } if name == "root.pem"), "{good:?}");
    std::fs::remove_file(folder.path().join("crls/root.pem")).unwrap();
    assert_eq!(trusted(&server).await, Revocation::NotChecked, "and one that is gone does not");
}

async fn check_now(authority: &Authority) {
    let roots = roots(authority);
    let evidence = |host: &str, name: &str| {
        let mut evidence = Evidence::new(Endpoint::new("localhost", 990), PeerIdentity::Certificates(chain(authority, &[name])));
        evidence.tls.peer_address = host.parse().ok();
        evidence
    };
    let ask = async |host: &str, name: &str| sealift::engine::check_revocation(&evidence(host, name), &roots, Timestamp::now()).await;
    let port = authority.responder.port;
    let good = ask("127.0.0.1", "good").await;
    let from = format!("http://127.0.0.1:{port}/");
    assert!(matches!(&good, Revocation::Good { source: RevocationSource::Fetched(address), .. } if *address == from), "{good:?}");
    assert_revoked(&ask("127.0.0.1", "revoked").await);
    assert_eq!(ask("127.0.0.1", "root").await, Revocation::NotChecked, "it vouches for itself");

    // A server elsewhere does not make this machine ask inside its own network, also where its name leads here by now.
    let from_outside = ask("192.0.2.1", "good").await;
    assert!(why(&from_outside).contains("no certificate from outside"), "{from_outside:?}");

    // What no responder knows is looked up in the list, which somebody serves.
    let place = authority.place();
    let index = place.bytes("index");
    place.issue("unlisted", "leaf", "root");
    std::fs::write(place.path("index"), &index).unwrap();
    let state = ask("127.0.0.1", "unlisted").await;
    assert!(why(&state).contains("does not know"), "nobody serves the list: {state:?}");
    place.list("root", "");
    place.run("crl -in root.crl -outform DER -out served.der");
    let listener = TcpListener::bind(("127.0.0.1", authority.list_port)).await.unwrap();
    let list = place.bytes("served.der");
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 1024];
        let length = stream.read(&mut request).await.unwrap();
        assert!(request[..length].starts_with(b"GET /own.crl HTTP/1.1\r\nHost: 127.0.0.1:"), "{:?}", String::from_utf8_lossy(&request));
        stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", list.len()).as_bytes()).await.unwrap();
        stream.write_all(&list).await.unwrap();
    };
    let (state, ()) = tokio::join!(ask("127.0.0.1", "unlisted"), serve);
    assert!(
        matches!(&state, Revocation::Good { source: RevocationSource::Fetched(address), .. } if address.ends_with("/own.crl")),
        "{state:?}"
    );
}

async fn client_certificates_are_asked_for(authority: &Authority) {
    let root = authority.place().path("root.pem").to_str().unwrap().to_owned();
    let server = authority.tls_server("good", &["-verify", "3", "-CAfile", &root]);
    for versions in BOTH {
        let session = session(server.port, None, &roots(authority), versions);
        let mut stream = session.connect(dial(server.port).await).await.expect("a server that only asks lets us in");
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        let mut page = [0; 8];
        stream.read_exact(&mut page).await.unwrap();
        assert_eq!(&page, b"HTTP/1.0");
        let asked = session.facts().client_certificate;
        assert_eq!((asked.asked, asked.sent, asked.authorities.as_slice()), (true, false, &["root".to_owned()][..]));
        drop(stream);
        let resumed = session.connect_data(dial(server.port).await).await.unwrap();
        assert!(sealift::protocols::tls::facts_of(&resumed).resumed, "the resolver is the same one");
    }
}
