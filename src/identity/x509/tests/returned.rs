//! Certificates that come back: from our authority and from openssl's, in every wrapping, right and wrong ones.

use std::fs;
use std::path::Path;

use super::super::bundle::{Bundle, BundleError};
use super::super::draft::Made;
use super::super::key::KeyError;
use super::super::key_file::KeyFile;
use super::super::pkcs12::{self, Strength};
use super::super::request::Request;
use super::super::returned::{Refused, Remark, Returned, check};
use super::super::{Usage, store};
use super::{PASSPHRASE, draft, now, secret, sh, tools_are_here};
use crate::trust::certificate::{CertificateFacts, public_key_of};

/// A root, an intermediate and the signed certificate of a draft, made by openssl: `root.pem`, `middle.pem`, `leaf.pem`.
fn signed_by_openssl(folder: &Path, extensions: &str) -> Made {
    let made = draft("x").make(now()).unwrap();
    fs::write(folder.join("request"), made.request.as_ref().unwrap()).unwrap();
    fs::write(folder.join("leaf.conf"), extensions).unwrap();
    fs::write(folder.join("middle.conf"), "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n").unwrap();
    sh(
        folder,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout rk.pem -subj '/CN=The Root' -days 99 -out root.pem 2>/dev/null",
    );
    sh(
        folder,
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout mk.pem -subj '/CN=The Middle' -out mr 2>/dev/null",
    );
    sh(
        folder,
        "openssl x509 -req -in mr -CA root.pem -CAkey rk.pem -CAcreateserial -extfile middle.conf -days 99 -out middle.pem 2>/dev/null",
    );
    sh(
        folder,
        "openssl x509 -req -in request -CA middle.pem -CAkey mk.pem -CAcreateserial -extfile leaf.conf -days 99 -out leaf.pem 2>/dev/null",
    );
    made
}

const SAME_NAMES: &str = "extendedKeyUsage=clientAuth\nsubjectAltName=email:ann@example.com,DNS:host.example.com,IP:192.0.2.7,IP:2001:db8::1,URI:https://example.com/ann\n";

fn take(folder: &Path, file: &str, made: &Made) -> Result<Returned, Refused> {
    let bundle = Bundle::read(&fs::read(folder.join(file)).unwrap()).unwrap();
    assert!(!bundle.is_locked());
    let request = Request::read(made.request.as_ref().unwrap().as_bytes()).unwrap();
    check(bundle.certificates(), public_key_of(&made.certificate).unwrap(), Some(&request), Usage::Client, now())
}

fn owners(returned: &Returned) -> Vec<String> {
    returned.chain.iter().map(|der| CertificateFacts::read(der).unwrap().owner()).collect()
}

#[test]
fn a_chain_is_put_in_order_whatever_it_comes_in() {
    if !tools_are_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let made = signed_by_openssl(folder, SAME_NAMES);
    fs::write(folder.join("own.pem"), store::pem(std::slice::from_ref(&made.certificate))).unwrap();
    sh(folder, "(echo Dear Ann; cat root.pem leaf.pem own.pem middle.pem leaf.pem root.pem) > mixed.pem");
    sh(
        folder,
        "openssl crl2pkcs7 -nocrl -certfile mixed.pem -out p7.pem && openssl crl2pkcs7 -nocrl -certfile mixed.pem -outform DER -out p7.der",
    );
    for file in ["mixed.pem", "p7.pem", "p7.der"] {
        let returned = take(folder, file, &made).unwrap();
        assert_eq!(owners(&returned), ["Ann Müller", "The Middle", "The Root"], "{file}");
        assert_eq!(returned.remarks, [], "{file}");
    }
    sh(folder, "openssl x509 -in leaf.pem -outform DER -out leaf.der; cat root.pem leaf.pem > gap.pem");
    assert_eq!(take(folder, "leaf.der", &made).unwrap().remarks, [Remark::MissingIssuer("The Middle".to_owned())]);
    let gap = take(folder, "gap.pem", &made).unwrap();
    assert_eq!(owners(&gap), ["Ann Müller"]);
    assert_eq!(gap.remarks, [Remark::MissingIssuer("The Middle".to_owned()), Remark::NotInChain("The Root".to_owned())]);
    // Another authority of the same name did not sign it.
    sh(
        folder,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout x.pem -subj '/CN=The Middle' -out false.pem 2>/dev/null; cat leaf.pem false.pem > two.pem",
    );
    assert_eq!(take(folder, "two.pem", &made).unwrap().remarks[0], Remark::MissingIssuer("The Middle".to_owned()));
}

#[test]
fn what_cannot_be_used_is_refused_and_what_differs_is_told() {
    if !tools_are_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let made = signed_by_openssl(folder, SAME_NAMES);
    assert_eq!(take(folder, "middle.pem", &made), Err(Refused::WrongKey("The Middle".to_owned())));
    let at = |file: &str, now| {
        let bundle = Bundle::read(&fs::read(folder.join(file)).unwrap()).unwrap();
        check(bundle.certificates(), public_key_of(&made.certificate).unwrap(), None, Usage::Client, now)
    };
    assert!(matches!(at("leaf.pem", "2040-01-01T00:00:00Z".parse().unwrap()), Err(Refused::Expired(_))));
    assert!(matches!(at("leaf.pem", "2020-01-01T00:00:00Z".parse().unwrap()).unwrap().remarks[0], Remark::NotYetValid(_)));
    let reissue = |extensions: &str, subject: &str| {
        fs::write(folder.join("leaf.conf"), extensions).unwrap();
        sh(
            folder,
            &format!(
                "openssl x509 -req -in request -CA root.pem -CAkey rk.pem -CAcreateserial -extfile leaf.conf -days 9 {subject} -out other.pem 2>/dev/null; cat root.pem >> other.pem"
            ),
        );
        take(folder, "other.pem", &made)
    };
    assert!(matches!(reissue("extendedKeyUsage=serverAuth\n", ""), Err(Refused::WrongUsage(..))));
    let other = reissue("extendedKeyUsage=clientAuth\nsubjectAltName=DNS:x.example\n", "-subj /CN=Somebody").unwrap();
    let [Remark::OtherSubject { granted, .. }, Remark::OtherNames { asked, .. }] = &other.remarks[..] else {
        panic!("{:?}", other.remarks)
    };
    assert!(granted == "CN=Somebody" && asked.contains("host.example.com"));
    assert!(reissue(&format!("{SAME_NAMES}basicConstraints=CA:TRUE"), "").unwrap().remarks.contains(&Remark::IsAuthority));
    // openssl writes version 1 without an extension file.
    sh(folder, "openssl x509 -req -in request -CA root.pem -CAkey rk.pem -CAcreateserial -days 9 -out old.pem 2>/dev/null");
    let old = take(folder, "old.pem", &made).unwrap();
    assert!(old.remarks.contains(&Remark::OldVersion(1)), "{:?}", old.remarks);
}

#[test]
fn pkcs12_goes_both_ways_between_us_openssl_and_gnutls() {
    if !tools_are_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let made = signed_by_openssl(folder, SAME_NAMES);
    fs::write(folder.join("key.pem"), &*made.key).unwrap();
    sh(folder, "cat middle.pem root.pem > rest.pem; openssl pkey -in key.pem -passin env:PASS -out open.pem");
    let key = KeyFile::read(made.key.as_bytes()).unwrap().unlock(&secret(PASSPHRASE)).unwrap();
    for form in ["", "-legacy", "-keypbe AES-128-CBC -certpbe AES-256-CBC -macalg sha512", "-nomac", "-keypbe NONE -certpbe NONE"] {
        sh(
            folder,
            &format!("openssl pkcs12 -export -inkey open.pem -in leaf.pem -certfile rest.pem -passout env:PASS {form} -out file.p12"),
        );
        let bytes = fs::read(folder.join("file.p12")).unwrap();
        let bundle = Bundle::read(&bytes).unwrap();
        assert!(bundle.is_locked() && bundle.certificates().is_empty(), "{form}");
        let opened = bundle.open(&secret(PASSPHRASE)).unwrap_or_else(|error| panic!("{form}: {error}"));
        assert_eq!(opened.key.unwrap().public(), key.public(), "{form}");
        let returned = check(&opened.certificates, &key.public(), None, Usage::Client, now()).unwrap();
        assert_eq!(owners(&returned), ["Ann Müller", "The Middle", "The Root"], "{form}");
        if form != "-keypbe NONE -certpbe NONE" || !form.contains("nomac") {
            let wrong = Bundle::read(&bytes).unwrap().open(&secret("wrong")).err();
            assert_eq!(wrong, Some(BundleError::Key(KeyError::WrongPassphrase)), "{form}");
        }
    }
    let chain = Bundle::read(&fs::read(folder.join("rest.pem")).unwrap()).unwrap().certificates().to_vec();
    let leaf = Bundle::read(&fs::read(folder.join("leaf.pem")).unwrap()).unwrap().certificates().to_vec();
    let chain = [leaf, chain].concat();
    for (strength, legacy) in [(Strength::Modern, ""), (Strength::Legacy, "-legacy")] {
        let bytes = pkcs12::write(&key, &chain, "Ann", &secret(PASSPHRASE), strength).unwrap();
        fs::write(folder.join("ours.p12"), &bytes).unwrap();
        sh(
            folder,
            &format!(
                "openssl pkcs12 -in ours.p12 -passin env:PASS -nodes {legacy} -out all.pem && openssl pkey -in all.pem -out again.pem && cmp open.pem again.pem"
            ),
        );
        assert_eq!(sh(folder, "grep -c 'BEGIN CERTIFICATE' all.pem").trim(), "3");
        assert!(sh(folder, "certtool --p12-info --inder --infile ours.p12 --password \"$PASS\" 2>&1").contains("BEGIN CERTIFICATE"));
        let opened = Bundle::read(&bytes).unwrap().open(&secret(PASSPHRASE)).unwrap();
        assert_eq!((opened.certificates.len(), opened.key.unwrap().public()), (3, key.public()));
    }
    // Rounds that would take a long time: the MAC's, which are the last thing in the file.
    let mut endless = fs::read(folder.join("ours.p12")).unwrap();
    let at = endless.len() - 3;
    assert_eq!(endless[at..], [0, 0xc3, 0x50]);
    endless[at..].copy_from_slice(&[0x7f, 0xff, 0xff]);
    assert_eq!(Bundle::read(&endless).unwrap().open(&secret(PASSPHRASE)).err(), Some(BundleError::Key(KeyError::TooExpensive)));
    let damaged = fs::read(folder.join("ours.p12")).unwrap();
    assert!(matches!(
        Bundle::read(&damaged[..300]).and_then(|bundle| bundle.open(&secret(PASSPHRASE))),
        Err(BundleError::Key(KeyError::Damaged(_)))
    ));
    assert_eq!(Bundle::read(b"nothing").err(), Some(BundleError::Nothing));
    assert_eq!(
        Bundle::read(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").err(),
        Some(BundleError::Damaged("what is inside is none"))
    );
}
