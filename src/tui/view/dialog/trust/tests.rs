//! Every popup as a person sees it, at the size of a small terminal and of half of one.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, CustomExtension, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, RevocationReason, RevokedCertParams, SerialNumber,
};

use super::*;
use crate::app::Msg;
use crate::ask::{Prompter as _, TrustQuestion};
use crate::engine::Snapshot;
use crate::model::Endpoint;
use crate::model::site::ParsedUrl;
use crate::trust::assess::assess;
use crate::trust::evidence::Remembered;
use crate::trust::revocation::{self, RevocationList};
use crate::trust::{
    Anchors, Certificate, Fingerprint, HostCertificate, HostKey, Pin, Problem, Remember, Revocation, RevocationSource, TlsFacts, Verified,
};
use crate::tui::fixture::Stage;
use crate::tui::theme::Theme;

const HOST: &str = "files.example.com";

fn pem(text: &str) -> Certificate {
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    Certificate { der: STANDARD.decode(body).unwrap().into() }
}

macro_rules! fixture {
    ($name:literal) => {
        pem(include_str!(concat!("../../../../../tests/fixtures/", $name, ".pem")))
    };
}

/// When the stage plays.
fn now() -> Timestamp {
    Timestamp::from_second(1_795_253_400).unwrap()
}

/// What `host` shows with this chain, looked at by a machine that trusts the two roots.
fn shown(host: &str, chain: Vec<Certificate>, pin: Option<&Pin>) -> Evidence {
    let roots = [fixture!("changed/root"), fixture!("changed/another")];
    let endpoint = Endpoint::new(host, 21);
    let assessment = assess(&chain, &endpoint, &Anchors::of(roots.iter().map(|root| &*root.der)), now());
    Evidence::of_certificates(endpoint, chain, assessment, pin)
}

fn question(evidence: Evidence) -> TrustQuestion {
    let pin = evidence.remembered.as_ref().map(|_| pin_of(vec![fixture!("changed/old")]));
    let dangerous = matches!(crate::trust::judge(&evidence, pin.as_ref()), crate::trust::Verdict::Ask { dangerous: true });
    let scheme = if evidence.identity.leaf().is_some() { "ftpes" } else { "sftp" };
    let site = ParsedUrl::parse(&format!("{scheme}://bob@{}", evidence.endpoint.host)).unwrap().site;
    TrustQuestion { site, on_the_way_to: None, evidence: Box::new(evidence), dangerous, can_remember: true }
}

fn pin_of(chain: Vec<Certificate>) -> Pin {
    let since = "2026-01-11T10:00:00Z".parse().unwrap();
    Pin::of(&shown(HOST, chain, None), Remember::Always, Verified::Blind, since)
}

fn self_signed() -> TrustQuestion {
    question(shown(HOST, vec![fixture!("changed/home-made")], None))
}

fn expired_and_wrong_name() -> TrustQuestion {
    let der = include_bytes!("../../../../../tests/fixtures/certificates/self-signed-expired.der");
    question(shown("store.example.org", vec![Certificate { der: der[..].into() }], None))
}

fn genuine_of_another() -> TrustQuestion {
    let mut evidence = shown("store.example.org", vec![fixture!("changed/rekeyed"), fixture!("changed/issuing")], None);
    evidence.tls = TlsFacts { version: Some("TLS1.3".into()), suite: Some("TLS_AES_256_GCM_SHA384".into()), ..TlsFacts::default() };
    question(evidence)
}

fn revoked() -> TrustQuestion {
    let mut evidence = shown(HOST, vec![fixture!("changed/rekeyed"), fixture!("changed/issuing")], None);
    let text = "it was taken back on 2026-11-19 (key compromise)".into();
    evidence.problems.push(Problem { kind: ProblemKind::Revoked, at: 0, text });
    let since = "2026-11-19T08:00:00Z".parse().ok();
    evidence.revocation = Revocation::Revoked { source: RevocationSource::Staple, since, reason: Some("key compromise".into()) };
    question(evidence)
}

/// It names an issuer that did not sign it.
fn forged() -> TrustQuestion {
    let mut leaf = fixture!("changed/rekeyed");
    *leaf.der.last_mut().unwrap() ^= 1;
    let question = question(shown(HOST, vec![leaf, fixture!("changed/issuing")], None));
    assert!(question.dangerous);
    question
}

/// Trusted in its time.
fn expired_since() -> TrustQuestion {
    let der = include_bytes!("../../../../../tests/fixtures/certificates/self-signed-expired.der");
    let chain = vec![Certificate { der: der[..].into() }];
    let mut pin = pin_of(chain.clone());
    assert!(pin.accepted.remove(&ProblemKind::Expired));
    pin.since = "2025-06-01T10:00:00Z".parse().unwrap();
    question(shown(HOST, chain, Some(&pin)))
}

/// In the ledger file, and not in the keyring.
fn unconfirmed() -> TrustQuestion {
    let chain = vec![fixture!("changed/home-made")];
    let pin = Pin { remember: Remember::Unconfirmed, ..pin_of(chain.clone()) };
    question(shown(HOST, chain, Some(&pin)))
}

fn unusable() -> TrustQuestion {
    question(shown("localhost", vec![fixture!("certificates/rsa-1024")], None))
}

/// A certificate for every class of change; a new key by the same authority where nothing else is said.
fn changed(change: Change) -> TrustQuestion {
    let issued = |leaf| vec![leaf, fixture!("changed/issuing")];
    let (before, now) = match change {
        Change::RenewedSameKey => (issued(fixture!("changed/old")), issued(fixture!("changed/renewed"))),
        Change::AuthorityChanged => (issued(fixture!("changed/old")), vec![fixture!("changed/moved")]),
        Change::AuthorityLost => (issued(fixture!("changed/old")), vec![fixture!("changed/home-made")]),
        Change::SelfSignedReplaced => (vec![fixture!("changed/home-made-old")], vec![fixture!("changed/home-made")]),
        _ => (issued(fixture!("changed/old")), issued(fixture!("changed/rekeyed"))),
    };
    let mut pin = pin_of(before);
    if change == Change::Unclassified {
        (pin.leaf, pin.issuer) = (None, None);
    }
    let question = question(shown(HOST, now, Some(&pin)));
    assert_eq!(question.evidence.remembered.as_ref().unwrap().change, change);
    assert!(question.dangerous, "never silent, never one letter");
    question
}

fn host_key(kind: ProblemKind, remembered: Option<Change>) -> TrustQuestion {
    let blob = [b"\0\0\0\x0bssh-ed25519\0\0\0\x20".as_slice(), &[7; 32]].concat();
    let text = match (kind, remembered) {
        (ProblemKind::ChangedSincePinned, _) => "this is not the key known for files.example.com:22 (~/.ssh/known_hosts line 12)",
        (_, Some(_)) => "known_hosts has another type of key for files.example.com:22 (~/.ssh/known_hosts line 12), not this one",
        _ => "no known_hosts line names files.example.com:22",
    };
    let remembered = remembered.map(|change| Remembered {
        fingerprint: Fingerprint::of(b"before"),
        place: "~/.ssh/known_hosts line 12".into(),
        same_key: false,
        change,
        certificate: None,
    });
    let identity = PeerIdentity::HostKey(HostKey::plain("ssh-ed25519", blob));
    question(Evidence {
        problems: vec![Problem { kind, at: 0, text: text.into() }],
        unusable: kind != ProblemKind::UnknownHostKey,
        remembered,
        ..Evidence::new(Endpoint::new(HOST, 22), identity)
    })
}

fn host_certificate() -> TrustQuestion {
    let mut question = host_key(ProblemKind::UnknownHostKey, None);
    if let PeerIdentity::HostKey(key) = &mut question.evidence.identity {
        key.certificate = Some(Box::new(HostCertificate {
            algorithm: "ssh-ed25519-cert-v01@openssh.com".into(),
            id: "files-2026".into(),
            serial: 7,
            principals: vec![HOST.into()],
            not_before: "2026-01-01T00:00:00Z".parse().ok(),
            not_after: "2027-01-01T00:00:00Z".parse().ok(),
            is_for_hosts: true,
            critical: Vec::new(),
            authority: b"authority"[..].into(),
            signature: "ssh-ed25519".into(),
            is_signed: true,
        }));
    }
    question
}

fn hop() -> TrustQuestion {
    let mut question = host_key(ProblemKind::UnknownHostKey, None);
    question.on_the_way_to = Some(Endpoint::new("inner.example.com", 22));
    question
}

/// One of each for whoever tries them at every size.
pub(in crate::tui::view) fn every_question() -> Vec<TrustQuestion> {
    let host_key_changed = host_key(ProblemKind::ChangedSincePinned, Some(Change::HostKeyReplaced));
    vec![self_signed(), genuine_of_another(), unusable(), changed(Change::AuthorityLost), host_key_changed, hop()]
}

fn stage(columns: u16, rows: u16, question: TrustQuestion, keys: &str) -> Stage {
    let mut stage = Stage::new(columns, rows);
    std::mem::forget(stage.ask(|prompter| async move { prompter.trust(question).await }));
    if keys != "<wait>" {
        stage.tell(Msg::Tick(Snapshot::default()));
        match keys.strip_prefix("paste ") {
            Some(text) => {
                stage.tell(Msg::Paste(text.to_owned()));
                stage.keys("<enter>");
            }
            None => stage.keys(keys),
        }
    }
    stage
}

fn seen(name: &str, make: impl Fn() -> TrustQuestion, keys: &str) {
    for (columns, rows) in [(80, 24), (40, 12)] {
        insta::assert_snapshot!(format!("{name}-{columns}x{rows}"), stage(columns, rows, make(), keys).screen(columns, rows));
    }
}

#[test]
fn strangers() {
    seen("self-signed", self_signed, "");
    seen("self-signed-deaf", self_signed, "<wait>");
    seen("self-signed-details", self_signed, "i");
    seen("expired-wrong-name", expired_and_wrong_name, "");
    seen("expired-wrong-name-details", expired_and_wrong_name, "i");
    seen("another-server", genuine_of_another, "");
    seen("another-server-details", genuine_of_another, "i");
    seen("another-server-details-end", genuine_of_another, "iG");
    seen("another-server-type-last", genuine_of_another, "ozzzz<enter>");
    seen("revoked", revoked, "");
    seen("forged", forged, "");
    seen("new-fault", expired_since, "");
    seen("unconfirmed", unconfirmed, "");
    seen("unusable", unusable, "");
}

#[test]
fn changed_identities() {
    for (name, change) in [
        ("renewed", Change::RenewedSameKey),
        ("new-key", Change::NewKeySameAuthority),
        ("authority-changed", Change::AuthorityChanged),
        ("authority-lost", Change::AuthorityLost),
        ("self-signed-replaced", Change::SelfSignedReplaced),
        ("unclassified", Change::Unclassified),
    ] {
        seen(&format!("changed-{name}"), || changed(change), "");
    }
    seen("changed-details", || changed(Change::SelfSignedReplaced), "i");
    seen("changed-details-end", || changed(Change::SelfSignedReplaced), "iG");
    seen("changed-type-last", || changed(Change::AuthorityLost), "a");
}

#[test]
fn host_keys() {
    use ProblemKind::{ChangedSincePinned, UnknownHostKey};
    seen("host-key", || host_key(UnknownHostKey, None), "");
    seen("host-key-details", || host_key(UnknownHostKey, None), "i");
    seen("host-key-certificate", host_certificate, "");
    seen("host-key-certificate-details", host_certificate, "i");
    seen("host-key-hop", hop, "");
    seen("host-key-type-added", || host_key(UnknownHostKey, Some(Change::HostKeyTypeAdded)), "");
    seen("host-key-replaced", || host_key(ChangedSincePinned, Some(Change::HostKeyReplaced)), "");
}

/// A certificate with these faults: of an authority nobody here knows, expired, taken back, of another name; and more.
fn faulty([stranger, expired, revoked, misnamed]: [bool; 4], change: impl FnOnce(&mut CertificateParams)) -> TrustQuestion {
    let day = |days: i64| SystemTime::from(now() + jiff::SignedDuration::from_hours(24 * days));
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Example Root");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let mut params = CertificateParams::new([if misnamed { "other.example" } else { HOST }.to_owned()]).unwrap();
    params.serial_number = Some(SerialNumber::from(7));
    (params.not_before, params.not_after) = (day(-90).into(), day(if expired { -1 } else { 90 }).into());
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    change(&mut params);
    let leaf = params.signed_by(&KeyPair::generate().unwrap(), &root).unwrap();
    let taken = RevokedCertParams {
        serial_number: SerialNumber::from(if revoked { 7 } else { 8 }),
        revocation_time: day(-1).into(),
        reason_code: Some(RevocationReason::KeyCompromise),
        invalidity_date: None,
    };
    let list = CertificateRevocationListParams {
        this_update: day(-1).into(),
        next_update: day(1).into(),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![taken],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let list = RevocationList::read("root.crl", list.signed_by(&root).unwrap().der());

    let chain: Vec<_> = [leaf.der().as_ref(), root.der()].map(|der: &[u8]| Certificate { der: der.into() }).into();
    let anchors = if stranger { Anchors::default() } else { Anchors::of([root.der().as_ref()]) };
    let endpoint = Endpoint::new(HOST, 21);
    let revocation = revocation::check(&chain, || &anchors, &[], &list, now());
    let assessment = assess(&chain, &endpoint, &anchors, now()).with_revocation(revocation);
    question(Evidence::of_certificates(endpoint, chain, assessment, None))
}

/// The labels of what is marked as invalid on a screen.
fn marked(drawn: &str) -> Vec<&str> {
    let lines = drawn.lines().filter_map(|line| line.split_once("[Invalid]"));
    lines.map(|(label, _)| label.trim_matches(['│', ' '])).collect()
}

#[test]
fn every_failing_check_and_every_pair_is_marked_and_told() {
    let checks: [(&[&str], &str); 4] = [
        (&["Issued by"], "which this machine does not trust"),
        (&["Validity"], "It was valid until"),
        (&["Issued by", "Revocation"], "Its issuer took it back"),
        (&["Issued to"], "It is for other.example, not for files.example.com"),
    ];
    for which in (0..16_u32).filter(|which| which.count_ones() <= 2) {
        let fails = [0, 1, 2, 3].map(|check| which & (1 << check) != 0);
        let question = faulty(fails, |_| {});
        if which == 0 {
            assert_eq!(question.evidence.problems, [], "nothing is found where nothing is wrong");
            continue;
        }
        let drawn = stage(80, 24, question, "").screen(80, 24);
        // Sentences are broken into lines.
        let text = drawn.split(['│', ' ', '\n']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        for ((sections, words), fails) in checks.iter().zip(fails) {
            assert_eq!(text.contains(words), fails, "{words}\n{drawn}");
            assert!(!fails || sections.iter().all(|section| marked(&drawn).contains(section)), "{sections:?}\n{drawn}");
        }
        let expected = checks.iter().zip(fails).filter(|(_, fails)| *fails).flat_map(|((sections, _), _)| *sections);
        let is_expected = |label: &&str| expected.clone().any(|section| section == label);
        assert!(marked(&drawn).iter().all(is_expected), "nothing else is marked\n{drawn}");
    }
}

#[test]
fn what_belongs_to_no_section_is_an_invalid_certificate_without_a_mark() {
    let odd = |params: &mut CertificateParams| {
        let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions = vec![extension];
    };
    let damaged = || question(shown(HOST, vec![Certificate { der: b"\x30\x03no certificate"[..].into() }], None));
    let unknown = || faulty([false; 4], odd);
    for (columns, rows) in [(80, 24), (40, 12)] {
        for (question, words) in [(unknown(), "extension"), (damaged(), "damaged")] {
            let drawn = stage(columns, rows, question, "").screen(columns, rows);
            assert!(drawn.contains("Invalid certificate") && drawn.contains(words), "{drawn}");
            assert_eq!(marked(&drawn), Vec::<&str>::new(), "{drawn}");
        }
    }
    // The three answers for the one a person may decide about, none for the other.
    assert!(stage(80, 24, unknown(), "").screen(80, 24).contains(">[R]eject<   [O]nce    [A]lways"));
    assert!(!stage(80, 24, damaged(), "").screen(80, 24).contains("[O]nce"));
    // With another fault beside it, that one is marked.
    let drawn = stage(80, 24, faulty([false, true, false, false], odd), "").screen(80, 24);
    assert_eq!(marked(&drawn), ["Validity"], "{drawn}");
}

#[test]
fn comparisons() {
    let print = self_signed().evidence.identity.fingerprint();
    seen("compare", self_signed, "fab");
    seen("compare-matched", self_signed, &format!("paste sha256 Fingerprint={}", print.colons()));
    seen("compare-mismatched", self_signed, &format!("paste {}", Fingerprint::of(b"another").openssh()));
    seen("compare-no-fingerprint", self_signed, "paste what is this?");
}

#[test]
fn without_unicode_and_without_colours() {
    for (columns, rows) in [(80, 24), (40, 12)] {
        let mut stage = stage(columns, rows, changed(Change::AuthorityChanged), "");
        stage.look.ascii = true;
        stage.look.theme = Theme::named("dark").unwrap().without_colours();
        let drawn = stage.screen(columns, rows);
        assert!(drawn.contains("ANOTHER"));
        insta::assert_snapshot!(format!("changed-ascii-{columns}x{rows}"), drawn);
    }
}

/// The decision can be made without scrolling on the smallest usual terminal.
#[test]
fn every_summary_fits_80x24() {
    let changes = [
        Change::RenewedSameKey,
        Change::NewKeySameAuthority,
        Change::AuthorityChanged,
        Change::AuthorityLost,
        Change::SelfSignedReplaced,
        Change::Unclassified,
    ];
    let questions = every_question().into_iter().chain([expired_and_wrong_name(), revoked()]).chain(changes.map(changed));
    for question in questions {
        let headline = question.evidence.headline();
        let mut stage = stage(80, 24, question, "");
        let drawn = stage.screen(80, 24);
        assert!(!drawn.contains("more lines"), "{headline}\n{drawn}");
    }
}
