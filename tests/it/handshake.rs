//! What is told of a handshake: what was agreed on, what the server asked, and every step in its order, as it was.

use rustls::NamedGroup;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use sealift::protocols::tls::{Roots, TlsSession, TlsVersions, facts_of};
use sealift::trust::TlsFacts;

use crate::certificates::{authority, self_signed};
use crate::tls::{BOTH, Identity, Server, greeting, in_time, no_roots, pin_of, refused, session};

fn steps(facts: &TlsFacts) -> Vec<&str> {
    assert!(facts.timeline.is_sorted_by_key(|step| step.after), "{:?}", facts.timeline);
    facts.timeline.iter().map(|step| step.what.as_str()).collect()
}

fn detail<'a>(facts: &'a TlsFacts, what: &str) -> &'a str {
    let step = facts.timeline.iter().rfind(|step| step.what == what);
    &step.unwrap_or_else(|| panic!("no {what}: {:?}", facts.timeline)).detail
}

/// The facts of a handshake that works.
async fn connected(server: &Server, roots: &Roots, versions: TlsVersions) -> (TlsSession, TlsFacts) {
    let session = session(None, roots, versions);
    greeting(&mut in_time(session.connect(server.dial().await)).await.unwrap()).await;
    let facts = session.facts();
    assert_eq!(session.evidence().unwrap().tls, facts);
    (session, facts)
}

fn only(group: NamedGroup) -> CryptoProvider {
    let provider = aws_lc_rs::default_provider();
    let kx_groups = provider.kx_groups.iter().copied().filter(|known| known.name() == group).collect();
    CryptoProvider { kx_groups, ..provider }
}

#[tokio::test]
async fn both_versions_are_told_in_their_own_order() {
    let root = authority("Root");
    let roots = Roots::only(vec![root.der.clone()]);
    let server = Server::start(Identity::of(&root.signs(|_| {}))).await;

    let (_, facts) = connected(&server, &roots, TlsVersions::Any).await;
    assert_eq!(
        steps(&facts),
        [
            "we sent ClientHello",
            "the server sent ServerHello",
            "the server sent Certificate",
            "we accepted Certificate",
            "the server sent CertificateVerify",
            "the server sent Finished",
            "we sent Finished",
        ]
    );
    let offer = detail(&facts, "we sent ClientHello");
    assert!(offer.starts_with("TLS1.3, TLS1.2; key exchange X25519, P-256, P-384, X25519MLKEM768; "), "{offer}");
    assert_eq!(detail(&facts, "the server sent ServerHello"), format!("TLS1.3, {}, X25519", facts.suite.as_deref().unwrap()));
    assert!(detail(&facts, "the server sent Certificate").starts_with("1 certificate, "), "{:?}", facts.timeline);
    assert_eq!(detail(&facts, "the server sent CertificateVerify"), "ECDSA P-256 with SHA-256: the server holds the certificate's key");
    assert_eq!((facts.key_exchange.as_deref(), facts.resumed), (Some("X25519"), false));

    let (_, facts) = connected(&server, &roots, TlsVersions::Only12).await;
    assert_eq!(
        steps(&facts),
        [
            "we sent ClientHello",
            "the server sent ServerHello",
            "the server sent Certificate",
            "the server sent ServerKeyExchange",
            "the server sent ServerHelloDone",
            "we accepted Certificate",
            "we checked ServerKeyExchange",
            "we sent ClientKeyExchange",
            "we sent ChangeCipherSpec",
            "we sent Finished",
            "the server sent ChangeCipherSpec",
            "the server sent Finished",
        ]
    );
    assert!(detail(&facts, "we sent ClientHello").starts_with("TLS1.2; key exchange X25519, P-256, P-384"), "{:?}", facts.timeline);
    assert_eq!(detail(&facts, "the server sent ServerKeyExchange"), "X25519, signed by ECDSA with SHA-256");
    assert_eq!(detail(&facts, "we checked ServerKeyExchange"), "ECDSA with SHA-256: the server holds the certificate's key");
    assert_eq!(facts.key_exchange.as_deref(), Some("X25519"));
}

#[tokio::test]
async fn a_server_that_wants_another_group_asks_for_it_first() {
    let root = authority("Root");
    let roots = Roots::only(vec![root.der.clone()]);
    let server = Server::start_from(only(NamedGroup::secp384r1), Identity::of(&root.signs(|_| {})), None, false).await;
    let (_, facts) = connected(&server, &roots, TlsVersions::Any).await;
    let first = ["we sent ClientHello", "the server sent HelloRetryRequest", "we sent ClientHello", "the server sent ServerHello"];
    assert_eq!(steps(&facts)[..4], first);
    assert!(steps(&facts).iter().all(|step| !step.contains("ChangeCipherSpec")), "it means nothing in TLS 1.3");
    assert_eq!(detail(&facts, "the server sent HelloRetryRequest"), "it wants a key exchange with P-384");
    assert_eq!(facts.key_exchange.as_deref(), Some("P-384"));

    let server = Server::start_from(only(NamedGroup::X25519MLKEM768), Identity::of(&root.signs(|_| {})), None, false).await;
    let (_, facts) = connected(&server, &roots, TlsVersions::Any).await;
    assert_eq!(facts.key_exchange.as_deref(), Some("X25519MLKEM768"));
}

#[tokio::test]
async fn a_refusal_is_told_as_far_as_it_went() {
    let root = authority("Root");
    let server = Server::start_from(aws_lc_rs::default_provider(), Identity::of(&self_signed(|_| {})), Some(&root), true).await;
    for versions in BOTH {
        let facts = refused(&server, None, &no_roots(), versions).await.tls;
        let first = match versions {
            TlsVersions::Any => &["the server sent ServerHello", "the server sent CertificateRequest", "the server sent Certificate"][..],
            TlsVersions::Only12 => &[
                "the server sent ServerHello",
                "the server sent Certificate",
                "the server sent ServerKeyExchange",
                "the server sent CertificateRequest",
                "the server sent ServerHelloDone",
            ],
        };
        assert_eq!(steps(&facts), [&["we sent ClientHello"], first, &["we ended the handshake"]].concat());
        assert_eq!(detail(&facts, "we ended the handshake"), "its certificate is not trusted");
        assert!(facts.version.is_some() && facts.suite.is_some() && facts.key_exchange.is_some(), "{facts:?}");
        assert_eq!((facts.client_certificate.asked, facts.client_certificate.sent), (true, false));
        assert_eq!(facts.client_certificate.authorities, ["Root"]);
    }
}

#[tokio::test]
async fn a_server_that_only_asks_lets_in_and_resumes() {
    let root = authority("Root");
    let roots = Roots::only(vec![root.der.clone()]);
    let identity = Identity::of(&root.signs(|_| {}));
    let server = Server::start_from(aws_lc_rs::default_provider(), identity, Some(&root), false).await;
    for versions in BOTH {
        let (session, facts) = connected(&server, &roots, versions).await;
        assert_eq!((facts.client_certificate.asked, facts.client_certificate.sent), (true, false));
        assert_eq!(detail(&facts, "we sent Certificate"), "none");
        let told = facts.timeline.len();
        let data = in_time(session.connect_data(server.dial().await)).await.unwrap();
        assert!(facts_of(&data).resumed, "one resolver to a session");
        assert_eq!(session.facts().timeline.len(), told, "a data connection is not part of it");
    }
}

#[tokio::test]
async fn what_the_server_could_not_prove_is_told() {
    let (own, thief) = (self_signed(|_| {}), self_signed(|_| {}));
    let server = Server::start(Identity::replayed(&own.der, &thief)).await;
    for versions in BOTH {
        let evidence = refused(&server, None, &no_roots(), versions).await;
        let session = session(Some(&pin_of(&evidence)), &no_roots(), versions);
        in_time(session.connect(server.dial().await)).await.expect_err("the key is another one");
        let facts = session.facts();
        let step = if versions == TlsVersions::Any { "the server sent CertificateVerify" } else { "we checked ServerKeyExchange" };
        assert!(detail(&facts, step).ends_with(": not made with the certificate's key"), "{:?}", facts.timeline);
        assert_eq!(steps(&facts)[facts.timeline.len() - 3..], ["we accepted Certificate", step, "we ended the handshake"]);
        assert_eq!(session.evidence(), None, "who could not prove anything was not accepted");
    }
}

#[tokio::test]
async fn a_servers_refusal_is_told_with_its_alert() {
    let root = authority("Root");
    let roots = Roots::only(vec![root.der.clone()]);
    let server = Server::start_from(aws_lc_rs::default_provider(), Identity::of(&root.signs(|_| {})), Some(&root), true).await;
    let session = session(None, &roots, TlsVersions::Only12);
    in_time(session.connect(server.dial().await)).await.expect_err("it wants a certificate");
    assert_eq!(detail(&session.facts(), "the server ended the handshake"), "certificate_required (116)");
}
