//! Chains as a whole: which way up counts, what a person sees of it, and that no change of a byte makes trust.

use std::sync::LazyLock;

use jiff::Timestamp;
use proptest::prelude::*;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, NameConstraints, date_time_ymd};

use sealift::protocols::tls::{Roots, verify_chain};
use sealift::trust::assess::{Assessment, Purpose, Usage, alone};
use sealift::trust::certificate::public_key_of;
use sealift::trust::signature::Signed;
use sealift::trust::{Certificate, Fingerprint, LinkSignature, Origin, ProblemKind};

use crate::certificates::{Made, authority, common_name, fixture, self_signed};

const SERVER: Purpose<'_> = Purpose { host: Some("localhost"), usage: Usage::Server };

fn now() -> Timestamp {
    "2030-06-01T00:00:00Z".parse().unwrap()
}

fn verify(chain: &[&[u8]], roots: &[&[u8]], purpose: Purpose<'_>) -> Assessment {
    let chain: Vec<_> = chain.iter().map(|&der| Certificate { der: der.into() }).collect();
    verify_chain(&chain, purpose, &Roots::only(roots.iter().map(|der| der.to_vec()).collect()), &[], now())
}

fn found(assessment: &Assessment) -> Vec<(ProblemKind, usize)> {
    assessment.problems.iter().map(|problem| (problem.kind, problem.at)).collect()
}

fn tree(assessment: &Assessment) -> Vec<(&str, Origin, LinkSignature)> {
    assessment.chain.iter().map(|link| (link.name.as_str(), link.origin, link.signature)).collect()
}

fn sent(at: usize) -> Origin {
    Origin::Sent { at }
}

type Change = fn(&mut CertificateParams);

/// An authority with a key of its own, and a certificate for it from each of `signers`, changed.
fn cross_signed(signers: &[(&Made, Change)]) -> (Made, Vec<Vec<u8>>) {
    let own = authority("Cross");
    let certificates = signers.iter().map(|(signer, change)| {
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name("Cross");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        signer.certifies(&params, &own.key)
    });
    let certificates = certificates.collect();
    (own, certificates)
}

#[test]
fn the_way_up_is_a_tree_a_person_can_read() {
    use LinkSignature::{Forged, Root, SelfSigned, Unchecked, Valid};
    let root = authority("Root");
    let middle = root.signs_authority("Middle");
    let leaf = middle.signs(|_| {});
    let good = verify(&[&leaf.der, &root.der, &middle.der], &[&root.der], SERVER);
    assert_eq!(tree(&good), [("localhost", sent(0), Valid), ("Middle", sent(2), Valid), ("Root", Origin::Store, Root)]);
    assert_eq!(good.chain[2].certificate.as_ref().map(|root| &*root.der), Some(&*root.der));
    assert_eq!(good.chain[1].spki, public_key_of(&middle.der).map(Fingerprint::of));

    let alone = verify(&[&leaf.der], &[&root.der], SERVER);
    assert_eq!(tree(&alone), [("localhost", sent(0), Unchecked), ("Middle", Origin::Missing, Unchecked)]);
    let own = self_signed(|_| {});
    assert_eq!(tree(&verify(&[&own.der], &[&root.der], SERVER)), [("localhost", sent(0), SelfSigned)]);
    assert_eq!(tree(&verify(&[&own.der], &[&own.der], SERVER)), [("localhost", sent(0), Root)], "it was made a root by hand");
    let strange = authority("Middle").signs(|_| {});
    let forged = verify(&[&strange.der, &middle.der], &[&root.der], SERVER);
    assert_eq!(tree(&forged), [("localhost", sent(0), Forged), ("Middle", sent(1), Unchecked)]);
    let below = verify(&[&leaf.signs(|p| p.distinguished_name.push(DnType::CommonName, "below")).der, &leaf.der], &[&root.der], SERVER);
    assert_eq!(tree(&below)[1], ("localhost", sent(1), Unchecked));
    assert!(below.problems.iter().any(|problem| problem.text == "localhost signed it, and is no authority"), "{:?}", below.problems);
    let unknown = verify(&[&leaf.der, &middle.der, &root.der], &[&own.der], SERVER);
    assert_eq!(tree(&unknown)[2], ("Root", sent(2), SelfSigned));
    assert_eq!(found(&unknown), [(ProblemKind::UnknownIssuer, 0)]);
}

#[test]
fn of_cross_signed_ways_the_best_counts() {
    let [one, two] = ["One", "Two"].map(authority);
    let expired: Change = |p| p.not_after = date_time_ymd(2029, 1, 1);
    let (cross, certificates) = cross_signed(&[(&one, expired), (&two, |_| {})]);
    let [old, new] = [certificates[0].as_slice(), certificates[1].as_slice()];
    let leaf = cross.signs(|_| {});
    let other = cross.signs(|p| p.subject_alt_names = vec![rcgen::SanType::DnsName("other.example".try_into().unwrap())]);
    for chain in [[&leaf.der, old, new], [&leaf.der, new, old]] {
        for roots in [&[one.der.as_slice(), &two.der][..], &[&two.der]] {
            assert_eq!(found(&verify(&chain, roots, SERVER)), []);
        }
        // Only the expired way leads to the one that is trusted.
        let place = chain.iter().position(|der| *der == old).unwrap();
        assert_eq!(found(&verify(&chain, &[&one.der], SERVER)), [(ProblemKind::Expired, place)]);
    }
    let both = verify(&[&other.der, old, new], &[&one.der, &two.der], SERVER);
    assert_eq!(found(&both), [(ProblemKind::NameMismatch, 0)], "the expired way is not told of: nobody has to take it");
}

#[test]
fn what_authorities_may_not_do_is_told_behind_anything_else() {
    use ProblemKind::{Expired, NameMismatch, Other, WrongUsage};
    let root = authority("Root");
    let narrow: Change = |p| {
        let permitted_subtrees = vec![rcgen::GeneralSubtree::DnsName("example.com".to_owned())];
        p.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    };
    let (cross, certificates) = cross_signed(&[(&root, narrow), (&root, |p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)))]);
    let [narrow, short] = [certificates[0].as_slice(), certificates[1].as_slice()];
    let plain = cross.signs(|_| {});
    let spoilt = cross.signs(|p| {
        p.not_after = date_time_ymd(2029, 1, 1);
        p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let look = |chain: &[&[u8]], host| found(&verify(chain, &[&root.der], Purpose { host: Some(host), usage: Usage::Server }));
    assert_eq!(look(&[&plain.der, narrow], "localhost"), [(Other, 0)]);
    assert_eq!(look(&[&spoilt.der, narrow], "other.example"), [(NameMismatch, 0), (Expired, 0), (WrongUsage, 0), (Other, 0)]);
    let below = cross.signs_authority("Below");
    let deep = below.signs(|p| p.not_after = date_time_ymd(2029, 1, 1));
    assert_eq!(look(&[&deep.der, &below.der, short], "localhost"), [(Expired, 0), (Other, 2)]);
    assert_eq!(look(&[&plain.der, short], "localhost"), []);
}

#[test]
fn without_a_host_and_for_clients() {
    let root = authority("Root");
    let client = root.signs(|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    let server = root.signs(|_| {});
    for (leaf, usage, expected) in [
        (&client, Usage::Client, &[][..]),
        (&server, Usage::Server, &[]),
        (&client, Usage::Server, &[(ProblemKind::WrongUsage, 0)]),
        (&server, Usage::Client, &[(ProblemKind::WrongUsage, 0)]),
    ] {
        assert_eq!(found(&verify(&[&leaf.der], &[&root.der], Purpose { host: None, usage })), expected);
        assert_ne!(found(&verify(&[&leaf.der], &[], Purpose { host: None, usage })), [], "no roots, no trust");
    }
    assert_eq!(verify(&[], &[&root.der], SERVER).problems.len(), 1);
}

#[test]
fn a_certificate_alone_tells_of_itself() {
    let look = |der: &[u8]| alone(&Certificate { der: der.into() }, now()).iter().map(|problem| problem.kind).collect::<Vec<_>>();
    assert_eq!(look(&fixture("v1-ec.pem")), [ProblemKind::OldVersion]);
    assert_eq!(look(&fixture("sha1.pem")), [ProblemKind::WeakSignature]);
    assert_eq!(look(&self_signed(|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]).der), []);
    assert_eq!(look(b"no certificate"), []);
}

/// A root, a chain that is good, and the leaf's key.
static GOOD: LazyLock<(Vec<u8>, [Vec<u8>; 2])> = LazyLock::new(|| {
    let root = authority("Root");
    let middle = root.signs_authority("Middle");
    let leaf = middle.signs(|_| {});
    (root.der, [leaf.der, middle.der])
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn no_change_makes_trust(
        which in 0usize..2,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        let (root, good) = &*GOOD;
        let mut chain = good.clone();
        for (at, byte) in changes {
            let at = at.index(chain[which].len());
            chain[which][at] = byte;
        }
        if let Some(cut) = cut {
            let length = cut.index(chain[which].len());
            chain[which].truncate(length);
        }
        let judged = verify(&[&chain[0], &chain[1]], &[root], SERVER);
        if judged.problems.is_empty() {
            // What counts is what was signed.
            let signed = |der: &[u8]| Signed::read(der).map(|signed| signed.message.to_vec());
            prop_assert!(!judged.unusable);
            prop_assert_eq!(signed(&chain[0]), signed(&good[0]));
            prop_assert_eq!(signed(&chain[1]), signed(&good[1]));
        }
    }

    #[test]
    fn any_order_behind_the_leaf_is_the_same_chain(order in Just((0usize..6).collect::<Vec<_>>()).prop_shuffle()) {
        let (root, [leaf, middle]) = &*GOOD;
        let others = [fixture("authority.pem"), fixture("v1-ec.pem"), middle.clone(), middle.clone(), leaf.clone(), root.clone()];
        let mut chain: Vec<&[u8]> = vec![leaf];
        chain.extend(order.iter().map(|&at| others[at].as_slice()));
        prop_assert_eq!(found(&verify(&chain, &[root], SERVER)), []);
    }
}
