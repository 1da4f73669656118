//! One row for each kind of problem, and pairs: what is wrong with a chain is found, all of it and nothing else.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use rcgen::{BasicConstraints, CustomExtension, ExtendedKeyUsagePurpose, IsCa, date_time_ymd};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, UnixTime};

use sealift::model::Endpoint;
use sealift::trust::assess::{Assessment, PlatformVerdict, assess};
use sealift::trust::certificate::CertificateFacts;
use sealift::trust::describe;
use sealift::trust::{Anchors, Certificate, Fingerprint, ProblemKind};

use crate::certificates::{Made, authority, common_name, fixture, self_signed};

use ProblemKind::{
    BadChainSignature, CaAsEndEntity, Expired, NameFromCnOnly, NameMismatch, NotYetValid, OldVersion, Other, Revoked, SelfSigned,
    UnknownCriticalExtension, UnknownIssuer, WeakKey, WeakSignature, WrongUsage,
};

/// What it is, the issuers sent with it, the leaf, and what is to be found.
type Row<'a> = (&'static str, Vec<&'a [u8]>, Made, &'static [(ProblemKind, usize)]);

fn look(chain: &[&[u8]], host: &str, anchors: &[&[u8]]) -> Assessment {
    let chain: Vec<_> = chain.iter().map(|&der| Certificate { der: der.into() }).collect();
    let now: Timestamp = "2030-06-01T00:00:00Z".parse().unwrap();
    assess(&chain, &Endpoint::new(host, 990), &Anchors::of(anchors.iter().copied()), now)
}

/// The verdict of the verifier that decides, over the same chain at the same instant.
fn webpki_accepts(chain: &[&[u8]], root: &[u8]) -> bool {
    let chain: Vec<_> = chain.iter().map(|&der| CertificateDer::from(der)).collect();
    let mut roots = RootCertStore::empty();
    roots.add(root.into()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(1_906_502_400));
    verifier.verify_server_cert(&chain[0], &chain[1..], &"localhost".try_into().unwrap(), &[], now).is_ok()
}

fn found(assessment: &Assessment) -> Vec<(ProblemKind, usize)> {
    assessment.problems.iter().map(|problem| (problem.kind, problem.at)).collect()
}

#[test]
fn every_problem_of_certificates_made_here() {
    let root = authority("Root");
    let middle = root.signs_authority("Middle");
    let stranger = authority("Root");
    let good = middle.signs(|_| {});
    let table: Vec<Row<'_>> = vec![
        ("good", vec![&middle.der], middle.signs(|_| {}), &[]),
        ("the leaf twice, the root too", vec![&middle.der, &middle.der, &root.der], middle.signs(|_| {}), &[]),
        ("wildcard", vec![&middle.der], middle.signs(|p| p.subject_alt_names = vec![dns("*.example.com"), dns("localhost")]), &[]),
        ("no intermediate", vec![], middle.signs(|_| {}), &[(UnknownIssuer, 0)]),
        ("another root of that name", vec![], stranger.signs(|_| {}), &[(UnknownIssuer, 0)]),
        ("signed by a leaf", vec![&good.der, &middle.der], good.signs(|_| {}), &[(UnknownIssuer, 0)]),
        ("self-signed", vec![], self_signed(|_| {}), &[(UnknownIssuer, 0), (SelfSigned, 0)]),
        ("wrong name", vec![&middle.der], middle.signs(|p| p.subject_alt_names = vec![dns("other.example")]), &[(NameMismatch, 0)]),
        (
            "no name at all",
            vec![&middle.der],
            middle.signs(|p| {
                p.subject_alt_names.clear();
                p.distinguished_name = rcgen::DistinguishedName::new();
            }),
            &[(NameMismatch, 0)],
        ),
        ("only a common name", vec![&middle.der], middle.signs(|p| p.subject_alt_names.clear()), &[(NameFromCnOnly, 0)]),
        (
            "for clients",
            vec![&middle.der],
            middle.signs(|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]),
            &[(WrongUsage, 0)],
        ),
        ("for anything", vec![&middle.der], middle.signs(|p| p.extended_key_usages = vec![]), &[]),
        ("an authority", vec![&middle.der], middle.signs(|p| p.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)), &[(CaAsEndEntity, 0)]),
        ("expired", vec![&middle.der], middle.signs(|p| p.not_after = date_time_ymd(2030, 5, 31)), &[(Expired, 0)]),
        ("not yet valid", vec![&middle.der], middle.signs(|p| p.not_before = date_time_ymd(2030, 6, 2)), &[(NotYetValid, 0)]),
        (
            "critical extension",
            vec![&middle.der],
            middle.signs(|p| p.custom_extensions = vec![critical()]),
            &[(UnknownCriticalExtension, 0)],
        ),
        (
            "expired, wrong name, for clients",
            vec![&middle.der],
            middle.signs(|p| {
                p.not_after = date_time_ymd(2029, 1, 1);
                p.subject_alt_names = vec![dns("other.example")];
                p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            }),
            &[(NameMismatch, 0), (Expired, 0), (WrongUsage, 0)],
        ),
    ];
    for (name, issuers, leaf, expected) in table {
        let mut chain: Vec<&[u8]> = vec![&leaf.der];
        chain.extend(issuers);
        let assessment = look(&chain, "localhost", &[&root.der]);
        assert_eq!(found(&assessment), expected, "{name}: {:?}", assessment.problems);
        assert!(!assessment.unusable, "{name}");
        assert_eq!(webpki_accepts(&chain, &root.der), expected.is_empty(), "{name}: webpki's verdict and ours");
    }
}

#[test]
fn every_problem_of_the_fixtures() {
    let root = fixture("authority.pem");
    for (name, expected, unusable) in [
        ("v1-ec.pem", &[(UnknownIssuer, 0), (SelfSigned, 0), (OldVersion, 0), (NameFromCnOnly, 0)][..], false),
        ("v1-rsa.pem", &[(UnknownIssuer, 0), (SelfSigned, 0), (OldVersion, 0), (NameFromCnOnly, 0)], false),
        ("v1-signed.pem", &[(OldVersion, 0), (NameFromCnOnly, 0)], false),
        ("openssl-default.pem", &[(UnknownIssuer, 0), (SelfSigned, 0), (CaAsEndEntity, 0), (NameFromCnOnly, 0)], false),
        ("sha1.pem", &[(UnknownIssuer, 0), (WeakSignature, 0)], false),
        ("md5.pem", &[(UnknownIssuer, 0), (WeakSignature, 0)], false),
        ("rsa-1024.pem", &[(WeakKey, 0)], true),
        ("dsa.pem", &[(WeakKey, 0)], true),
        ("secp256k1.pem", &[(Other, 0)], true),
    ] {
        let leaf = fixture(name);
        let assessment = look(&[&leaf], "localhost", &[&root]);
        assert_eq!((found(&assessment), assessment.unusable), (expected.to_vec(), unusable), "{name}: {:?}", assessment.problems);
    }
}

#[test]
fn problems_name_their_place_in_the_chain() {
    let root = authority("Root");
    let middle = root.signs_authority("Middle");
    let leaf = middle.signs(|_| {});
    // The signature's last byte: the leaf names the right issuer, which did not make it.
    let mut forged = leaf.der.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(found(&look(&[&forged, &middle.der], "localhost", &[&root.der])), [(BadChainSignature, 0), (UnknownIssuer, 0)]);
    let mut forged = middle.der.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(found(&look(&[&leaf.der, &forged, &root.der], "localhost", &[])), [(BadChainSignature, 1), (UnknownIssuer, 0)]);

    let now: Timestamp = "4500-01-01T00:00:00Z".parse().unwrap();
    let chain = [&leaf.der, &leaf.der, &middle.der].map(|der| Certificate { der: der.as_slice().into() });
    let late = assess(&chain, &Endpoint::new("127.0.0.1", 1), &Anchors::of([root.der.as_slice()]), now);
    assert_eq!(found(&late), [(Expired, 0), (Expired, 2)], "places are those of the chain as sent");
}

#[test]
fn only_so_many_certificates_and_so_many_issuers_are_looked_at() {
    let root = authority("Root");
    let middle = root.signs_authority("Middle");
    let leaf = middle.signs(|_| {});
    let strangers: Vec<_> = (0..12).map(|_| self_signed(|_| {}).der).collect();
    for (between, expected) in [(8, &[][..]), (9, &[(UnknownIssuer, 0)])] {
        let mut chain: Vec<&[u8]> = vec![&leaf.der];
        chain.extend(strangers[..between].iter().map(Vec::as_slice));
        chain.push(&middle.der);
        assert_eq!(found(&look(&chain, "localhost", &[&root.der])), expected, "{between} before it");
    }
    let mut line = vec![root];
    for depth in 0..9 {
        let next = line[depth].signs_authority(&format!("Authority {depth}"));
        line.push(next);
    }
    let leaf = line[9].signs(|_| {});
    let mut chain: Vec<&[u8]> = vec![&leaf.der];
    chain.extend(line[1..].iter().rev().map(|made| made.der.as_slice()));
    let deep = look(&chain, "localhost", &[&line[0].der]);
    assert_eq!(found(&deep), [(UnknownIssuer, 0)]);
    assert!(deep.problems[0].text.contains("too long"), "{:?}", deep.problems);
    assert_eq!(found(&look(&chain, "localhost", &[&line[4].der])), []);
}

#[test]
fn what_cannot_be_read_cannot_be_used() {
    let leaf = self_signed(|_| {});
    let mut trailing = leaf.der.clone();
    trailing.push(0);
    for der in [&trailing[..], &leaf.der[..leaf.der.len() - 1], b"no certificate", b""] {
        let assessment = look(&[der], "localhost", &[]);
        assert_eq!((found(&assessment), assessment.unusable, assessment.spki), (vec![(Other, 0)], true, None));
    }
    assert!(look(&[], "localhost", &[]).unusable);
    let bad_usage = self_signed(|p| p.custom_extensions = vec![CustomExtension::from_oid_content(&[2, 5, 29, 37], vec![1, 2, 3])]);
    assert!(look(&[&bad_usage.der], "localhost", &[]).unusable, "usage twice, once unreadable");
}

#[test]
fn the_platform_has_the_last_word_and_never_refuses_in_silence() {
    let root = authority("Root");
    let good = look(&[&root.signs(|_| {}).der], "localhost", &[&root.der]);
    let own = look(&[&self_signed(|_| {}).der], "localhost", &[]);
    let weak = look(&[&fixture("rsa-1024.pem")], "localhost", &[&fixture("authority.pem")]);
    let refuses = |kind| PlatformVerdict::Refuses { kind, words: "no\x1b".to_owned() };
    assert_eq!(found(&own.clone().with_platform(PlatformVerdict::Accepts)), []);
    assert_eq!(found(&weak.with_platform(PlatformVerdict::Accepts)), [(WeakKey, 0)]);
    assert_eq!(found(&own.clone().with_platform(refuses(None))), [(UnknownIssuer, 0), (SelfSigned, 0)]);
    assert_eq!(found(&own.with_platform(refuses(Some(Revoked)))), [(Revoked, 0), (UnknownIssuer, 0), (SelfSigned, 0)]);
    let silent = good.clone().with_platform(refuses(None));
    assert_eq!((found(&silent), silent.problems[0].text.as_str()), (vec![(Other, 0)], "no\\x1b"));
    assert_eq!(found(&good.with_platform(refuses(Some(UnknownIssuer)))), [(UnknownIssuer, 0)]);
}

#[test]
fn facts_are_read_and_safe_to_draw() {
    let made = self_signed(|p| {
        p.distinguished_name = common_name("evil\x1b]0;x\x07\u{202e}");
        p.not_after = date_time_ymd(2031, 1, 2);
    });
    let facts = CertificateFacts::read(&made.der).unwrap();
    assert_eq!(facts.owner(), "evil\\x1b]0;x\\x07\\u{202e}");
    assert_eq!((&facts.names, facts.self_issued), (&vec!["localhost".to_owned(), "127.0.0.1".to_owned()], true));
    assert_eq!((facts.key.as_str(), facts.signature.as_str(), facts.version), ("ECDSA P-256", "ECDSA with SHA-256", 3));
    assert_eq!((facts.not_after, facts.is_authority), ("2031-01-02T00:00:00Z".parse().unwrap(), false));
    assert_eq!((facts.usage(), facts.fingerprint), (vec!["server authentication".to_owned()], Fingerprint::of(&made.der)));
    let rsa = CertificateFacts::read(&fixture("rsa-1024.pem")).unwrap();
    assert_eq!((rsa.key.as_str(), rsa.issuer_name().as_str()), ("RSA 1024 bits", "Fixture Authority"));
}

fn dns(name: &str) -> rcgen::SanType {
    rcgen::SanType::DnsName(name.try_into().unwrap())
}

pub(crate) fn critical() -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
    extension.set_criticality(true);
    extension
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn a_mutated_certificate_never_panics_and_never_looks_clean(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(), of in 0usize..9) {
        let names = ["v1-ec", "v1-rsa", "v1-signed", "openssl-default", "sha1", "md5", "rsa-1024", "dsa", "secp256k1"];
        let mut der = fixture(&format!("{}.pem", names[of]));
        let root = fixture("authority.pem");
        let at = at.index(der.len());
        der[at] = byte;
        let whole = look(&[&der, &root], "localhost", &[&root]);
        prop_assert!(!whole.problems.is_empty());
        if let Ok(facts) = CertificateFacts::read(&der) {
            let sections = describe::certificate_for(&facts, Some("localhost"), &whole.problems, Timestamp::UNIX_EPOCH);
            let mut object = serde_json::Map::new();
            describe::put_json(&mut object, &sections);
            // JSON would write a control character so.
            prop_assert!(!serde_json::to_string(&object).unwrap().contains("\\u00"), "{:?}", object);
        }
        der.truncate(cut.index(der.len()));
        prop_assert!(look(&[&der], "localhost", &[&root]).unusable);
        prop_assert!(CertificateFacts::read(&der).is_err());
    }
}
