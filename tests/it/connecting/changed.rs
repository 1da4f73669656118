//! Identities that are not what was trusted before, through real handshakes: every class of change is asked about and told
//! apart, and so is what became of a certificate that is still the same.

use rcgen::{KeyPair, SerialNumber, date_time_ymd};
use russh::keys::PrivateKey;
use russh::keys::ssh_key::{Algorithm, EcdsaCurve};
use sealift::engine::{SshRole, SshRoute, TrustBasis};
use sealift::protocols::ConnectErrorKind;
use sealift::server::ServerIdentity;
use sealift::trust::assess::assess;
use sealift::trust::{
    Anchors, Certificate, Change, Evidence, Fingerprint, ListFolder, Pin, ProblemKind, Remember, Revocation, RevocationSource, Verified,
};

use super::hop::{Hop, Lets, key};
use super::*;
use crate::certificates::{authority, leaf, self_signed};

/// What a server shows: a chain and the leaf's key.
fn identity(chain: &[&[u8]], key: &KeyPair) -> ServerIdentity {
    use base64::Engine as _;
    let folder = tempfile::tempdir().unwrap();
    let pem = chain.iter().map(|der| {
        let body = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    });
    let both = folder.path().join("both.pem");
    std::fs::write(&both, pem.collect::<String>() + &key.serialize_pem()).unwrap();
    ServerIdentity::from_pem_files(&both, &both).unwrap()
}

async fn showing(identity: &ServerIdentity) -> Running {
    let server = serve("ftpes", &tree()).await;
    server.replace_identity(identity).unwrap();
    server
}

impl Person {
    /// What is shown to a program that asks nobody; it must not get in.
    async fn refused(&self, target: Target) -> Evidence {
        let (engine, _news) = self.engine_for(Arc::new(Refuse));
        let Err(ConnectFailure::Connect(error)) = in_time(engine.connect(target)).await else { panic!("it is silent") };
        let ConnectErrorKind::Untrusted(evidence) = error.kind else { panic!("{error}") };
        assert_readable(&Advice::from(&ConnectFailure::Connect(sealift::protocols::ConnectError {
            kind: ConnectErrorKind::Untrusted(evidence.clone()),
            ..error
        })));
        *evidence
    }

    /// Gets in without a question, and how.
    async fn silently(&self, target: Target) -> TrustBasis {
        let (engine, _news) = self.engine_for(Arc::new(Refuse));
        in_time(engine.connect(target)).await.unwrap().trust
    }

    /// Is asked once, in red or not, and trusts for ever.
    async fn asked(&self, target: Target, dangerous: bool) -> Evidence {
        let prompter = Arc::new(script().trusting(TrustAnswer::Always));
        let (engine, _news) = self.engine(&prompter);
        in_time(engine.connect(target)).await.unwrap();
        let [question] = &prompter.trust_asked()[..] else { panic!("{:?}", prompter.asked()) };
        assert_eq!(question.dangerous, dangerous, "{:?}", question.evidence.problems);
        (*question.evidence).clone()
    }
}

#[tokio::test]
async fn every_class_of_changed_certificate_is_told_apart_and_never_silent() {
    use Change::{AuthorityChanged, AuthorityLost, NewKeySameAuthority, RenewedSameKey, SelfSignedReplaced, Unclassified};
    let [ours, theirs] = ["Ours", "Theirs"].map(authority);
    let (old, new, moved) = (ours.signs(|_| {}), ours.signs(|_| {}), theirs.signs(|_| {}));
    let (own, other_own) = (self_signed(|_| {}), self_signed(|_| {}));
    let renewed = ours.certifies(&leaf(|_| {}), &old.key);
    let before = identity(&[&old.der, &ours.der], &old.key);
    let home_made = identity(&[&own.der], &own.key);
    let by_ours = identity(&[&new.der, &ours.der], &new.key);
    for (class, before, now, is_valid) in [
        (RenewedSameKey, &before, identity(&[&renewed, &ours.der], &old.key), true),
        (NewKeySameAuthority, &before, by_ours.clone(), true),
        (AuthorityChanged, &before, identity(&[&moved.der, &theirs.der], &moved.key), true),
        (AuthorityLost, &before, home_made.clone(), false),
        (SelfSignedReplaced, &home_made, identity(&[&other_own.der], &other_own.key), false),
        (SelfSignedReplaced, &home_made, by_ours.clone(), true),
        (Unclassified, &before, by_ours, true),
    ] {
        for roots in [vec![], vec![ours.der.clone(), theirs.der.clone()]] {
            let vouched = is_valid && !roots.is_empty();
            let server = showing(before).await;
            let target = || target("ftpes", server.addr);
            let mut person = Person::new();
            if class == Unclassified {
                let store = TrustStore::open(person.folder.path(), Keyring::off());
                let named = Pin::named(Fingerprint::of(before.leaf()), None, Timestamp::now());
                store.remember(target().site.endpoint, named).unwrap();
            } else {
                person.trust(target()).await;
            }
            // The authorities come to be trusted only afterwards: what a person decided still stands before them.
            person.roots = Roots::only(roots);
            assert_eq!(person.silently(target()).await, TrustBasis::Pinned { days: 0 });

            server.replace_identity(&now).unwrap();
            let shown = person.refused(target()).await;
            let remembered = shown.remembered.as_ref().expect("another one is remembered");
            assert_eq!((remembered.change, remembered.same_key), (class, class == RenewedSameKey));
            assert_eq!(remembered.fingerprint, Fingerprint::of(before.leaf()));
            assert_eq!(shown.identity.fingerprint(), Fingerprint::of(now.leaf()));
            assert!(shown.has(ProblemKind::ChangedSincePinned), "{class:?}");
            assert_eq!(shown.problems.len() == 1, vouched, "{class:?}: {:?}", shown.problems);
            assert_eq!(person.asked(target(), true).await.remembered, shown.remembered);
            assert_eq!(person.silently(target()).await, TrustBasis::Pinned { days: 0 });
        }
    }
}

#[tokio::test]
async fn a_certificate_that_expired_since_is_asked_about_again() {
    let own = self_signed(|p| (p.not_before, p.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2025, 1, 1)));
    let server = showing(&identity(&[&own.der], &own.key)).await;
    let target = || target("ftpes", server.addr);
    let person = Person::new();
    // Trusted in its time.
    let then: Timestamp = "2024-06-01T00:00:00Z".parse().unwrap();
    let chain = vec![Certificate { der: own.der.as_slice().into() }];
    let endpoint = target().site.endpoint;
    let assessment = assess(&chain, &endpoint, &Anchors::default(), then);
    let pin = Pin::of(&Evidence::of_certificates(endpoint.clone(), chain, assessment, None), Remember::Always, Verified::Fingerprint, then);
    assert!(!pin.accepted.contains(&ProblemKind::Expired));
    TrustStore::open(person.folder.path(), Keyring::off()).remember(endpoint, pin).unwrap();

    let shown = person.refused(target()).await;
    assert!(shown.has(ProblemKind::Expired) && !shown.has(ProblemKind::ChangedSincePinned), "{:?}", shown.problems);
    assert_eq!(shown.remembered, None, "it is the same certificate");
    let asked = person.asked(target(), false).await.problems;
    let new: Vec<_> = asked.iter().filter(|problem| problem.text.ends_with("(new since you trusted it on 2024-06-01)")).collect();
    assert!(new.len() == 1 && new[0].kind == ProblemKind::Expired, "what was known is not called new: {asked:?}");
    assert_eq!(person.silently(target()).await, TrustBasis::Pinned { days: 0 });
}

#[tokio::test]
async fn a_certificate_that_was_taken_back_since_is_asked_about_again() {
    let ours = authority("Ours");
    let taken = ours.signs(|p| p.serial_number = Some(SerialNumber::from(7)));
    let server = showing(&identity(&[&taken.der, &ours.der], &taken.key)).await;
    let target = || target("ftpes", server.addr);
    for (roots, before) in [(vec![], TrustBasis::Pinned { days: 0 }), (vec![ours.der.clone()], TrustBasis::Authority)] {
        let mut person = Person::new();
        let lists = person.folder.path().join("crls");
        std::fs::create_dir(&lists).unwrap();
        person.roots = Roots::only(roots).with_revocation_lists(ListFolder::at(lists.clone()));
        if before != TrustBasis::Authority {
            person.trust(target()).await;
        }
        assert_eq!(person.silently(target()).await, before);
        std::fs::write(lists.join("another.crl"), authority("Ours").takes_back(7)).unwrap();
        assert_eq!(person.silently(target()).await, before, "a list by somebody who only has the name");

        std::fs::write(lists.join("ours.crl"), ours.takes_back(7)).unwrap();
        let shown = person.refused(target()).await;
        assert!(shown.has(ProblemKind::Revoked) && !shown.has(ProblemKind::ChangedSincePinned), "{:?}", shown.problems);
        let told = &shown.revocation;
        assert!(matches!(told, Revocation::Revoked { source: RevocationSource::File(name), .. } if name == "ours.crl"), "{told:?}");
        person.asked(target(), true).await;
        assert_eq!(person.silently(target()).await, TrustBasis::Pinned { days: 0 });
    }
}

fn ecdsa() -> PrivateKey {
    PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 }).unwrap()
}

#[tokio::test]
async fn another_type_of_host_key_is_asked_about_in_red_and_kept_beside_the_old_one() {
    let server = serve("sftp", &tree()).await;
    let target = || target("sftp", server.addr);
    let person = Person::new();
    let line = format!("[127.0.0.1]:{} {}\n", server.addr.port(), ecdsa().public_key().to_openssh().unwrap());
    std::fs::write(person.known_hosts(), &line).unwrap();
    let shown = person.refused(target()).await;
    let remembered = shown.remembered.as_ref().expect("the other type is known");
    assert!(remembered.change == Change::HostKeyTypeAdded && remembered.place.ends_with("line 1"), "{remembered:?}");
    assert!(!shown.has(ProblemKind::ChangedSincePinned) && !shown.unusable);
    assert_eq!(person.asked(target(), true).await.remembered, shown.remembered);
    assert_eq!(person.silently(target()).await, TrustBasis::KnownHost);
    let written = std::fs::read_to_string(person.known_hosts()).unwrap();
    assert!(written.starts_with(&line) && written.lines().count() == 2, "{written}");
}

#[tokio::test]
async fn of_several_host_keys_the_known_type_is_asked_for() {
    let (preferred, known) = (key(), ecdsa());
    let hop = Hop::with_keys(vec![preferred, known.clone()], None, Lets::Through).await;
    let server = serve("sftp", &tree()).await;
    let route = SshRoute::Jump(vec![hop.site("nell")]);
    let ssh: SshResolver = Arc::new(move |_, role| {
        let route = if role == SshRole::Hop { SshRoute::Direct } else { route.clone() };
        Ok(SshOptions { route, ..SshOptions::default() })
    });
    let over = async |known_hosts: &str| {
        let person = Person { ssh: ssh.clone(), ..Person::new() };
        std::fs::write(person.known_hosts(), known_hosts).unwrap();
        let prompter = Arc::new(script().trusting(TrustAnswer::Once).trusting(TrustAnswer::Once).secret("nell's"));
        let (engine, _news) = person.engine(&prompter);
        let facts = in_time(engine.connect(target("sftp", server.addr))).await.unwrap();
        (facts.peer.unwrap().hops[0].fingerprint, facts.trust, prompter.trust_asked().len())
    };
    let line = format!("[127.0.0.1]:{} {}\n", hop.address.port(), known.public_key().to_openssh().unwrap());
    let known = Fingerprint::of(&known.public_key().to_bytes().unwrap());
    let (shown, _, asked) = over(&line).await;
    assert_eq!((shown, asked), (known, 1), "only the destination is new");
    let (shown, _, asked) = over("").await;
    assert_eq!((shown == known, asked), (false, 2), "by itself it shows the other one");
}
