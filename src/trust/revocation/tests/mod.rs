//! The parsers against damaged input, and the weighing of several states. Real lists and answers are in `tests/real`.

mod hidden;

use std::sync::LazyLock;

use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevocationReason, RevokedCertParams, SerialNumber, SigningKey,
};
use sha1::Sha1;

use super::*;
use crate::trust::der::{self, BIT_STRING, ENUMERATED, GENERALIZED_TIME, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, context};
use crate::trust::signature::Signed;

/// A leaf with its root, a list that takes number 7 back, and an answer that takes the leaf back.
struct Scene {
    chain: Vec<Certificate>,
    root: Anchors,
    list: Vec<u8>,
    answer: Vec<u8>,
    now: Timestamp,
}

static SCENE: LazyLock<Scene> = LazyLock::new(|| scene(8));
static TAKEN_BACK: LazyLock<Scene> = LazyLock::new(|| scene(7));

fn scene(serial: u64) -> Scene {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let root = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let mut wanted = CertificateParams::new(["localhost".to_owned()]).unwrap();
    wanted.serial_number = Some(SerialNumber::from(serial));
    wanted.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = wanted.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
    let day = |day| rcgen::date_time_ymd(2026, 1, day);
    let list = CertificateRevocationListParams {
        this_update: day(1),
        next_update: day(20),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from(7),
            revocation_time: day(2),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: Some(day(1)),
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let list = list.signed_by(&issuer).unwrap().der().to_vec();
    let chain = vec![Certificate { der: certificate.der().as_ref().into() }];
    let anchors = Anchors::of([root.der().as_ref()]);
    let answer = answer(&leaf(&chain, || &anchors)[0], issuer.key());
    Scene { chain, root: anchors, list, answer, now: "2026-01-10T00:00:00Z".parse().unwrap() }
}

/// What the issuer of `subject`, whose key this is, would answer: taken back, with a reason.
fn answer(subject: &Subject<'_>, key: &KeyPair) -> Vec<u8> {
    let time = |text: &str| der::element(GENERALIZED_TIME, &[text.as_bytes()]);
    let sequence = |parts: &[&[u8]]| der::element(SEQUENCE, parts);
    let question = answer::question(subject);
    let id =
        der::only(&question, SEQUENCE).and_then(|outer| outer.inside().inside(SEQUENCE)?.inside(SEQUENCE)?.inside(SEQUENCE)).unwrap().0;
    let reason = der::element(context(0), &[&der::element(ENUMERATED, &[&[1]])]);
    let status = der::element(context(1), &[&time("20260103000000Z"), &reason]);
    let until = der::element(context(0), &[&time("20260120000000Z")]);
    let single = sequence(&[id, &status, &time("20260102000000Z"), &until]);
    let responder = der::element(context(2), &[&der::element(OCTET_STRING, &[&subject.issuer_hashes::<Sha1>().1])]);
    let data = sequence(&[&responder, &time("20260102000000Z"), &sequence(&[&single])]);
    let algorithm = sequence(&[Signed::read(&SCENE_ALGORITHM).unwrap().algorithm]);
    let signature = der::element(BIT_STRING, &[&[0], &key.sign(&data).unwrap()]);
    let basic = sequence(&[&data, &algorithm, &signature]);
    let kind = der::element(OBJECT_IDENTIFIER, &[&[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01]]);
    let bytes = der::element(context(0), &[&sequence(&[&kind, &der::element(OCTET_STRING, &[&basic])])]);
    sequence(&[&der::element(ENUMERATED, &[&[0]]), &bytes])
}

/// Something signed with ECDSA and SHA-256, for its algorithm.
static SCENE_ALGORITHM: LazyLock<Vec<u8>> =
    LazyLock::new(|| CertificateParams::default().self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec());

impl Scene {
    fn look(&self, staple: &[u8], list: &[u8]) -> Revocation {
        check(&self.chain, || &self.root, staple, &RevocationList::read("a", list), self.now).leaf
    }
}

#[test]
fn a_list_and_an_answer_say_what_they_say() {
    let (good, revoked) = (&*SCENE, &*TAKEN_BACK);
    let until = "2026-01-20T00:00:00Z".parse().ok();
    assert_eq!(good.look(&[], &good.list), Revocation::Good { source: RevocationSource::File("a".into()), until });
    let (since, reason) = ("2026-01-02T00:00:00Z".parse().ok(), Some("key compromise".to_owned()));
    let source = RevocationSource::File("a".into());
    assert_eq!(revoked.look(&[], &revoked.list), Revocation::Revoked { source, since, reason: reason.clone() });
    let since = "2026-01-03T00:00:00Z".parse().ok();
    assert_eq!(good.look(&good.answer, &[]), Revocation::Revoked { source: RevocationSource::Staple, since, reason });
    assert_eq!(good.look(&[], &[]), Revocation::NotChecked);
    let alone = check(&good.chain, || &TAKEN_BACK.root, &good.answer, &[], good.now).leaf;
    assert!(matches!(&alone, Revocation::Unusable { why, .. } if why == NO_ISSUER), "{alone:?}");
    let foreign = good.look(&revoked.answer, &[]);
    assert!(matches!(&foreign, Revocation::Unusable { why, .. } if why.contains("not signed by the issuer")), "{foreign:?}");
}

#[test]
fn what_is_taken_back_outweighs_everything() {
    let source = RevocationSource::Staple;
    let by_weight = [
        Revocation::NotChecked,
        Revocation::Unusable { source: source.clone(), why: String::new() },
        Revocation::Good { source: source.clone(), until: None },
        Revocation::Revoked { source, since: None, reason: None },
    ];
    for (one, first) in by_weight.iter().enumerate() {
        for (other, second) in by_weight.iter().enumerate() {
            assert_eq!(first.clone().or(second.clone()), by_weight[one.max(other)]);
        }
    }
    assert_eq!(by_weight[3].problem(1).unwrap().at, 1);
    assert!(by_weight[..3].iter().all(|state| state.problem(0).is_none()));
}

#[test]
fn a_question_names_the_certificate_by_its_issuer_and_number() {
    let places = places(&SCENE.chain, || &SCENE.root);
    assert_eq!(places, [], "it names nobody to ask");
    let question = answer::question(&leaf(&SCENE.chain, || &SCENE.root)[0]);
    assert!(question.ends_with(&[0x02, 0x01, 0x08]), "the number stands last");
    assert_eq!(question.len(), 2 * 4 + 2 + 11 + 22 + 22 + 3);
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let state = SCENE.look(&bytes, &bytes);
        prop_assert!(state.weight() < 2, "{state:?}");
    }

    #[test]
    fn damage_never_makes_anything_good(at in any::<prop::sample::Index>(), byte: u8, cut in any::<prop::sample::Index>(), cuts: bool) {
        for original in [&TAKEN_BACK.list, &TAKEN_BACK.answer] {
            let mut spoilt = original.clone();
            let place = at.index(spoilt.len());
            spoilt[place] = byte;
            if cuts {
                spoilt.truncate(cut.index(original.len()));
            }
            for state in [TAKEN_BACK.look(&spoilt, &[]), TAKEN_BACK.look(&[], &spoilt)] {
                prop_assert!(state.weight() != 2, "{state:?}");
            }
        }
    }
}
