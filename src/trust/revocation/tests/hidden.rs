//! A server whose certificate was taken back, or that of its authority, and that sends more than it should.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType, DnValue, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, PublicKeyData, RevokedCertParams, SerialNumber,
};

use super::super::*;

const LEAF: u64 = 7;
const INTERMEDIATE: u64 = 70;

/// A root, an authority below it and a server; the two authorities took back what is below them.
struct Scene {
    root: Issuer<'static, KeyPair>,
    anchors: Anchors,
    intermediate: Issuer<'static, KeyPair>,
    /// Leaf and intermediate.
    chain: Vec<Certificate>,
    root_list: Vec<u8>,
    intermediate_list: Vec<u8>,
    stranger: Issuer<'static, KeyPair>,
}

fn authority(name: &str, usages: &[KeyUsagePurpose], serial: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = usages.to_vec();
    params.serial_number = Some(SerialNumber::from(serial));
    params
}

const BOTH: &[KeyUsagePurpose] = &[KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];

fn signed(params: &CertificateParams, key: &impl PublicKeyData, by: &Issuer<'_, KeyPair>) -> Certificate {
    Certificate { der: params.signed_by(key, by).unwrap().der().as_ref().into() }
}

fn list(number: u64, by: &Issuer<'_, KeyPair>) -> Vec<u8> {
    let list = CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2026, 1, 1),
        next_update: rcgen::date_time_ymd(2026, 1, 20),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from(number),
            revocation_time: rcgen::date_time_ymd(2026, 1, 2),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(by).unwrap().der().to_vec()
}

fn scene() -> Scene {
    let new = |name| Issuer::new(authority(name, BOTH, 1), KeyPair::generate().unwrap());
    let (root, intermediate, stranger) = (new("Root"), new("Intermediate"), new("Stranger"));
    let own = authority("Root", BOTH, 1).self_signed(root.key()).unwrap();
    let mut leaf = CertificateParams::new(["localhost".to_owned()]).unwrap();
    leaf.serial_number = Some(SerialNumber::from(LEAF));
    let leaf = signed(&leaf, &KeyPair::generate().unwrap(), &intermediate);
    let real = signed(&authority("Intermediate", BOTH, INTERMEDIATE), intermediate.key(), &root);
    let (root_list, intermediate_list) = (list(INTERMEDIATE, &root), list(LEAF, &intermediate));
    Scene {
        anchors: Anchors::of([own.der().as_ref()]),
        chain: vec![leaf, real],
        root_list,
        intermediate_list,
        root,
        intermediate,
        stranger,
    }
}

impl Scene {
    /// The chain with something between the leaf and its real issuer.
    fn with(&self, between: &[Certificate]) -> Vec<Certificate> {
        [&self.chain[..1], between, &self.chain[1..]].concat()
    }

    fn check(&self, chain: &[Certificate], list: &[u8]) -> Checked {
        let now = "2026-01-10T00:00:00Z".parse().unwrap();
        check(chain, || &self.anchors, &[], &RevocationList::read("a", list), now)
    }

    /// A certificate for the intermediate's name and key that anybody can make.
    fn fake(&self, usages: &[KeyUsagePurpose]) -> Certificate {
        signed(&authority("Intermediate", usages, 5), self.intermediate.key(), &self.stranger)
    }

    fn assert_leaf_taken_back(&self, chain: &[Certificate]) {
        let checked = self.check(chain, &self.intermediate_list);
        assert!(matches!(checked.leaf, Revocation::Revoked { .. }), "{:?}", checked.leaf);
        assert_eq!(checked.problems.iter().map(|problem| problem.at).collect::<Vec<_>>(), [0]);
        let now = "2026-01-10T00:00:00Z".parse().unwrap();
        let place = RevocationPlace::List("http://example.com/".to_owned());
        let fetched = check_fetched(chain, || &self.anchors, &place, &self.intermediate_list, now);
        assert!(matches!(fetched, Revocation::Revoked { .. }), "{fetched:?}");
    }
}

#[test]
fn an_issuer_made_up_without_the_right_to_sign_lists_hides_nothing() {
    let scene = scene();
    let fake = scene.fake(&[KeyUsagePurpose::KeyCertSign]);
    scene.assert_leaf_taken_back(&scene.with(std::slice::from_ref(&fake)));
    scene.assert_leaf_taken_back(&[scene.chain[0].clone(), fake.clone()]);
    // Without the right it still says nothing good.
    let other = list(99, &scene.intermediate);
    assert!(matches!(scene.check(&scene.chain, &other).leaf, Revocation::Good { .. }));
    assert!(matches!(scene.check(&scene.with(std::slice::from_ref(&fake)), &other).leaf, Revocation::Good { .. }), "the real one has it");
    let alone = scene.check(&[scene.chain[0].clone(), fake], &other).leaf;
    assert!(matches!(&alone, Revocation::Unusable { why, .. } if why.contains("does not allow")), "{alone:?}");
}

#[test]
fn certificates_that_mean_nothing_hide_nothing() {
    let scene = scene();
    let junk = |number| signed(&authority(&format!("Junk {number}"), BOTH, number), &KeyPair::generate().unwrap(), &scene.stranger);
    scene.assert_leaf_taken_back(&scene.with(&(0..30).map(junk).collect::<Vec<_>>()));
    let of_its_name = |number| signed(&authority("Intermediate", BOTH, number), &KeyPair::generate().unwrap(), &scene.stranger);
    scene.assert_leaf_taken_back(&scene.with(&(0..30).map(of_its_name).collect::<Vec<_>>()));
}

#[test]
fn a_way_to_nowhere_hides_no_authority_that_was_taken_back() {
    let scene = scene();
    for usages in [BOTH, &[KeyUsagePurpose::KeyCertSign]] {
        let chain = scene.with(&[scene.fake(usages)]);
        let checked = scene.check(&chain, &scene.root_list);
        assert_eq!(checked.problems.iter().map(|problem| (problem.kind, problem.at)).collect::<Vec<_>>(), [(ProblemKind::Revoked, 2)]);
        assert_eq!(checked.leaf, Revocation::NotChecked, "nothing is known of the leaf itself");
    }
}

#[test]
fn more_than_is_looked_at_is_a_problem_itself() {
    let scene = scene();
    let of_its_key = |number| signed(&authority("Intermediate", BOTH, number), scene.intermediate.key(), &scene.root);
    let other_key = |number| signed(&authority("Intermediate", BOTH, number), &KeyPair::generate().unwrap(), &scene.stranger);
    let both = [(100..150).map(of_its_key).collect::<Vec<_>>(), (100..700).map(other_key).collect()];
    for (between, list) in both.into_iter().zip([&scene.root_list, &scene.intermediate_list]) {
        let checked = scene.check(&scene.with(&between), list);
        assert!(checked.problems.iter().any(|problem| problem.text.contains("cannot be told")), "{checked:?}");
        assert!(!matches!(checked.leaf, Revocation::Good { .. }));
    }
    assert_eq!(scene.check(&scene.chain, &list(99, &scene.root)).problems, []);
}

#[test]
fn a_list_that_writes_its_issuers_name_otherwise_counts() {
    let scene = scene();
    let mut params = authority("", BOTH, 1);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, DnValue::PrintableString("INTERMEDIATE".try_into().unwrap()));
    let same_key = KeyPair::from_pem(&scene.intermediate.key().serialize_pem()).unwrap();
    let checked = scene.check(&scene.chain, &list(LEAF, &Issuer::new(params, same_key)));
    assert!(matches!(checked.leaf, Revocation::Revoked { .. }), "{:?}", checked.leaf);
}
