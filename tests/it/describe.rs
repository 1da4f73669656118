//! The one description of an identity: its sections, its marks, its names in JSON.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CrlDistributionPoint, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, date_time_ymd,
};
use serde_json::{Map, Value};

use sealift::trust::certificate::CertificateFacts;
use sealift::trust::describe::{self, Section};
use sealift::trust::{
    Certificate, ClientCertificate, Fingerprint, HostCertificate, HostKey, Pin, Problem, ProblemKind, Remember, Revocation,
    RevocationSource, TlsFacts, Verified,
};

use crate::certificates::{authority, fixture, self_signed};

fn now() -> Timestamp {
    "2030-06-01T00:00:00Z".parse().unwrap()
}

fn json(sections: &[Section]) -> Map<String, Value> {
    let mut object = Map::new();
    describe::put_json(&mut object, sections);
    object
}

fn invalid(sections: &[Section]) -> Vec<&'static str> {
    for section in sections {
        assert!(section.fields.iter().skip(1).all(|field| !field.invalid), "only the first field of {} bears the mark", section.title);
    }
    sections.iter().filter(|section| section.fields[0].invalid).map(|section| section.title).collect()
}

#[test]
fn everything_a_certificate_says_is_there() {
    let root = authority("Root");
    let made = root.signs(|p| {
        p.distinguished_name.push(DnType::OrganizationName, "Example");
        p.not_before = date_time_ymd(2030, 1, 1);
        p.not_after = date_time_ymd(2030, 6, 11);
        p.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        p.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
        p.use_authority_key_identifier_extension = true;
        p.crl_distribution_points = vec![CrlDistributionPoint { uris: vec!["http://crl.example/a".to_owned()] }];
        p.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0])];
    });
    let facts = CertificateFacts::read(&made.der).unwrap();
    let sections = describe::certificate_for(&facts, Some("127.0.0.1"), &[], now());
    let titles: Vec<_> = sections.iter().map(|section| section.title).collect();
    assert_eq!(
        titles,
        [
            "Issued to",
            "Issued by",
            "Validity",
            "Names",
            "Key",
            "Signature",
            "Usage",
            "Fingerprints",
            "Serial number",
            "Revocation addresses",
            "Key identifiers",
            "Other extensions"
        ]
    );
    let object = json(&sections);
    for (key, expected) in [
        ("subject", r#"[{"label":"CN","value":"localhost"},{"label":"O","value":"Example"}]"#),
        ("issuer", r#"[{"label":"CN","value":"Root"}]"#),
        ("not_before", r#""2030-01-01T00:00:00Z""#),
        ("days_left", "10"),
        ("names", r#"["localhost","127.0.0.1"]"#),
        ("matching_name", r#""127.0.0.1""#),
        ("key_algorithm", r#""ECDSA""#),
        ("key_bits", "256"),
        ("key_curve", r#""P-256""#),
        ("signature_algorithm", r#""ECDSA with SHA-256""#),
        ("key_usage", r#"["Digital Signature"]"#),
        ("extended_key_usage", r#"["server authentication","client authentication"]"#),
        ("is_authority", "false"),
        ("version", "3"),
        ("crl_addresses", r#"["uri:http://crl.example/a"]"#),
        ("extensions", r#"[{"label":"1.3.6.1.4.1.99999.1","value":"05:00"}]"#),
    ] {
        assert_eq!(object[key], serde_json::from_str::<Value>(expected).unwrap(), "{key}");
    }
    assert_eq!(object["sha256"], Fingerprint::of(&made.der).hex());
    assert_eq!(object["spki_sha256"], facts.spki.hex());
    assert!(object["spki_pin"].as_str().unwrap().starts_with("sha256//") && object["spki_pin"].as_str().unwrap().ends_with('='));
    assert_eq!(object["sha1"].as_str().unwrap().len(), 40);
    assert!(object["authority_key_id"].is_string() && !object.contains_key("invalid"));
    let middle = root.signs(|p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(2)));
    assert_eq!(json(&describe::certificate(&CertificateFacts::read(&middle.der).unwrap(), &[], now()))["path_length"], 2);
}

#[test]
fn the_mark_stands_on_the_section_at_fault_and_unknown_problems_have_none() {
    use ProblemKind as Kind;
    let facts = CertificateFacts::read(&self_signed(|_| {}).der).unwrap();
    let marks = |kinds: &[ProblemKind]| {
        let problems: Vec<_> = kinds.iter().map(|&kind| Problem { kind, at: 0, text: String::new() }).collect();
        invalid(&describe::certificate(&facts, &problems, now()))
    };
    for kind in Kind::ALL {
        let expected: &[&str] = match kind {
            Kind::NameMismatch | Kind::NameFromCnOnly => &["Issued to"],
            Kind::UnknownIssuer | Kind::SelfSigned | Kind::BadChainSignature | Kind::Revoked => &["Issued by"],
            Kind::Expired | Kind::NotYetValid => &["Validity"],
            Kind::WeakKey => &["Key"],
            Kind::WeakSignature => &["Signature"],
            Kind::WrongUsage | Kind::CaAsEndEntity => &["Usage"],
            Kind::OldVersion => &["Serial number"],
            Kind::UnknownCriticalExtension | Kind::ChangedSincePinned | Kind::Unconfirmed | Kind::UnknownHostKey | Kind::Other => &[],
        };
        assert_eq!(marks(&[kind]), expected, "{kind:?}");
    }
    assert_eq!(marks(&[Kind::Expired, Kind::NameMismatch, Kind::UnknownIssuer]), ["Issued to", "Issued by", "Validity"]);
}

#[test]
fn keys_have_a_word_for_their_strength() {
    for (name, bits, strength) in [
        ("rsa-1024.pem", "1024", "too weak"),
        ("v1-rsa.pem", "2048", "good enough until about 2030"),
        ("dsa.pem", "null", "too weak"),
        ("secp256k1.pem", "256", "strong"),
    ] {
        let object = json(&describe::certificate(&CertificateFacts::read(&fixture(name)).unwrap(), &[], now()));
        assert_eq!(
            (object.get("key_bits").unwrap_or(&Value::Null).to_string().as_str(), &object["key_strength"]),
            (bits, &strength.into()),
            "{name}"
        );
    }
}

#[test]
fn what_is_beside_the_certificate() {
    let facts = TlsFacts {
        version: Some("TLS1.3".to_owned()),
        client_certificate: ClientCertificate { asked: true, sent: false, authorities: vec!["CN=Bank".to_owned()] },
        ..TlsFacts::default()
    };
    let object = json(&describe::connection(&facts));
    assert_eq!((&object["tls_version"], &object["client_certificate"]), (&"TLS1.3".into(), &"asked for, none sent".into()));
    assert_eq!(describe::handshake(&facts), []);

    assert_eq!(json(&describe::revocation(&Revocation::NotChecked, now()))["revocation"], "not checked");
    let revoked = Revocation::Revoked { source: RevocationSource::Staple, since: Some(now()), reason: Some("key compromise".to_owned()) };
    let sections = describe::revocation(&revoked, now());
    assert_eq!(invalid(&sections), ["Revocation"]);
    assert_eq!(json(&sections)["revoked_since"], "2030-06-01T00:00:00Z");

    let print = Fingerprint::of(b"leaf");
    let pin = Pin {
        certificate: print,
        spki: None,
        accepted: BTreeSet::from([ProblemKind::Expired]),
        since: "2030-05-29T00:00:00Z".parse().unwrap(),
        remember: Remember::Always,
        verified: Verified::Fingerprint,
        last_seen: None,
        leaf: Some(Certificate { der: Box::default() }),
        issuer: None,
    };
    let object = json(&describe::pin(&pin, now()));
    assert_eq!((&object["pinned_sha256"], &object["pinned_days"]), (&print.hex().into(), &3.into()));
    assert_eq!(object["accepted_problems"], serde_json::json!(["expired"]));
}

#[test]
fn a_host_key_and_its_certificate() {
    let blob = [&[0, 0, 0, 11][..], b"ssh-ed25519", &[0, 0, 0, 32], &[7; 32]].concat();
    let certificate = HostCertificate {
        algorithm: "ssh-ed25519-cert-v01@openssh.com".to_owned(),
        id: "web".to_owned(),
        serial: 5,
        principals: vec!["web.example".to_owned()],
        not_before: None,
        not_after: Some("2030-05-01T00:00:00Z".parse().unwrap()),
        is_for_hosts: true,
        critical: Vec::new(),
        authority: b"authority".as_slice().into(),
        signature: "ssh-ed25519".to_owned(),
        is_signed: true,
    };
    let key = HostKey { certificate: Some(Box::new(certificate)), ..HostKey::plain("ssh-ed25519", blob.clone()) };
    let sections = describe::host_key(&key, now());
    assert_eq!(invalid(&sections), ["Validity"]);
    let object = json(&sections);
    assert_eq!((&object["sha256"], &object["key_strength"]), (&Fingerprint::of(&blob).hex().into(), &"strong".into()));
    assert_eq!((&object["serial"], &object["principals"]), (&5.into(), &serde_json::json!(["web.example"])));
    for cut in 0..blob.len() {
        assert!(!describe::host_key(&HostKey::plain("ssh-ed25519", &blob[..cut]), now()).is_empty());
    }
}
