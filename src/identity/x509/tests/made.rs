//! What a draft becomes, as openssl and certtool see it.

use std::fs;

use super::super::draft::{Draft, MakeError, Step, check_name};
use super::super::key::KeyType;
use super::super::names::{AlternativeName, Field};
use super::super::request::Request;
use super::super::store::pem;
use super::{PASSPHRASE, draft, now, secret, sh, tools_are_here};
use crate::trust::certificate::CertificateFacts;

#[test]
fn openssl_and_certtool_read_every_kind_of_identity() {
    if !tools_are_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for key_type in [KeyType::P256, KeyType::P384, KeyType::Rsa3072, KeyType::Ed25519] {
        let made = Draft { key_type, ..draft("x") }.make(now()).unwrap();
        let request = made.request.unwrap();
        fs::write(dir.path().join("key.pem"), &*made.key).unwrap();
        fs::write(dir.path().join("certificate.pem"), pem(std::slice::from_ref(&made.certificate))).unwrap();
        fs::write(dir.path().join("request.pem"), &request).unwrap();
        sh(dir.path(), "openssl verify -check_ss_sig -x509_strict -purpose sslclient -CAfile certificate.pem certificate.pem");
        sh(dir.path(), "openssl req -verify -noout -in request.pem");
        sh(dir.path(), "certtool --crq-info --infile request.pem | grep -q 'Self signature: verified'");
        sh(dir.path(), "certtool -i --infile certificate.pem | grep -q 'TLS WWW Client'");
        let subject = "C=DE,ST=Bayern,L=München,O=Bäcker & Söhne,OU=Finance,OU=Payroll,CN=Ann Müller,emailAddress=ann@example.com";
        for file in ["x509 -in certificate.pem", "req -in request.pem"] {
            assert_eq!(
                sh(dir.path(), &format!("openssl {file} -noout -subject -nameopt sep_comma_plus,utf8")).trim(),
                format!("subject={subject}")
            );
        }
        let text = sh(dir.path(), "openssl x509 -in certificate.pem -noout -text");
        for words in [
            "CA:FALSE",
            "Digital Signature\n",
            "TLS Web Client Authentication\n",
            "email:ann@example.com, DNS:host.example.com, IP Address:192.0.2.7",
        ] {
            assert!(text.contains(words), "{words}\n{text}");
        }
        // The key belongs to both.
        let public = sh(dir.path(), "openssl pkey -in key.pem -passin env:PASS -pubout");
        assert_eq!(public, sh(dir.path(), "openssl x509 -in certificate.pem -noout -pubkey"));
        assert_eq!(public, sh(dir.path(), "openssl req -in request.pem -noout -pubkey"));
        let read = Request::read(request.as_bytes()).unwrap();
        read.check().unwrap();
        assert_eq!((read.owner().as_str(), read.names.len(), read.ignored.len()), ("Ann Müller", 5, 0));
    }
}

#[test]
fn a_certificate_begins_five_minutes_ago_and_lasts_as_said() {
    let now = now();
    let made = draft("x").make(now).unwrap();
    let facts = CertificateFacts::read(&made.certificate).unwrap();
    assert_eq!(now.as_second() - facts.not_before.as_second(), 300);
    assert_eq!(facts.not_after.as_second() - now.as_second(), 825 * 24 * 3600);
    assert_eq!(facts.serial.split(':').count(), 20);
    assert_eq!((facts.version, facts.is_authority, facts.self_issued), (3, false, true));
    let long = Draft { days: 20_000, ..draft("x") }.make(now).unwrap();
    assert_eq!(CertificateFacts::read(&long.certificate).unwrap().not_after.as_second() - now.as_second(), 20_000 * 24 * 3600);
}

#[test]
fn a_step_that_is_not_filled_in_blocks_and_says_which_field() {
    let wrong = |step, change: &dyn Fn(&mut Draft)| {
        let mut draft = draft("bank");
        assert!(Step::ALL.iter().all(|step| draft.check(*step).is_empty()));
        change(&mut draft);
        let fields: Vec<_> = draft.check(step).into_iter().map(|wrong| wrong.field).collect();
        assert!(matches!(draft.make(now()), Err(MakeError::Invalid(first)) if Some(first.field) == fields.first().copied()));
        fields
    };
    assert_eq!(wrong(Step::Name, &|draft| draft.name.clear()), [Field::Name]);
    assert_eq!(wrong(Step::Name, &|draft| draft.name = "../x".to_owned()), [Field::Name]);
    assert_eq!(wrong(Step::Owner, &|draft| draft.subject.common_name = " ".to_owned()), [Field::CommonName]);
    assert_eq!(wrong(Step::Owner, &|draft| draft.subject.country = "de".to_owned()), [Field::Country]);
    assert_eq!(wrong(Step::Owner, &|draft| draft.subject.email = "ann".to_owned()), [Field::Email]);
    assert_eq!(wrong(Step::Owner, &|draft| draft.subject.organization = "x".repeat(65)), [Field::Organization]);
    assert_eq!(wrong(Step::Owner, &|draft| draft.subject.units = vec!["a\u{202e}b".to_owned(), String::new()]), [Field::Unit, Field::Unit]);
    assert_eq!(wrong(Step::Key, &|draft| draft.days = 0), [Field::Days]);
    assert_eq!(wrong(Step::Passphrase, &|draft| (draft.passphrase, draft.confirmation) = (secret(""), secret(""))), [Field::Passphrase]);
    assert_eq!(wrong(Step::Passphrase, &|draft| draft.confirmation = secret("other")), [Field::Confirmation]);
}

#[test]
fn names_are_those_of_folders_and_alternative_names_those_of_hosts_and_people() {
    for good in ["bank", "Müller & Co".replace('&', "-").as_str(), "ann@example.com", "a.b_c-d"] {
        assert!(check_name(good).is_ok(), "{good}");
    }
    for bad in ["", ".", "..", ".hidden", "a/b", "a\\b", "-x", "a\n", "x\u{202e}", " x", "x ", &"x".repeat(65)] {
        assert!(check_name(bad).is_err(), "{bad:?}");
    }
    for (typed, shown) in [
        ("Example.com", "DNS:Example.com"),
        ("*.example.com", "DNS:*.example.com"),
        ("dns:localhost", "DNS:localhost"),
        ("IP:::1", "IP:::1"),
        ("192.0.2.1", "IP:192.0.2.1"),
        ("Email:a@b.c", "email:a@b.c"),
        ("uri:urn:x", "URI:urn:x"),
    ] {
        let name = AlternativeName::parse(typed).unwrap();
        assert_eq!(name.to_string(), shown);
        assert_eq!(AlternativeName::parse(shown).unwrap(), name);
    }
    for bad in ["", "a..b", "-x", "münchen.de", "ip:1.2.3", "@x", "a b", "dns:a/b", "uri:x", "a@*.b"] {
        assert_eq!(AlternativeName::parse(bad).unwrap_err().field, Field::AlternativeName, "{bad}");
    }
}

#[test]
fn the_passphrase_is_in_nothing_that_was_made() {
    let made = draft("x").make(now()).unwrap();
    let all = [made.key.as_bytes(), &made.certificate, made.request.unwrap().as_bytes()].concat();
    assert!(!all.windows(PASSPHRASE.len()).any(|window| window == PASSPHRASE.as_bytes()));
}
