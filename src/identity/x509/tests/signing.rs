//! The authority: requests of other tools signed and verified by openssl, weak and foreign ones refused, certificates taken back.

use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::super::Usage;
use super::super::authority::{Authority, AuthorityError, Event, Reason, Record, RecordError, Revoked, Serial};
use super::super::draft::Draft;
use super::super::key::KeyType;
use super::super::key_file::KeyFile;
use super::super::names::Subject;
use super::super::request::{Request, RequestError};
use super::super::store::pem;
use super::{PASSPHRASE, draft, now, run, secret, sh, tools_are_here};

fn in_days(days: i64) -> Timestamp {
    now().checked_add(SignedDuration::from_hours(24 * days)).unwrap()
}

/// An authority whose certificate lies in `authority.pem`.
fn authority(folder: &Path, key_type: KeyType) -> Authority {
    let subject =
        Subject { common_name: "Signing Authority Zürich".to_owned(), units: vec!["A".to_owned(), "B".to_owned()], ..Subject::default() };
    let made = Draft { subject, key_type, days: 3650, ..draft("ca") }.make_authority(now()).unwrap();
    fs::write(folder.join("authority.pem"), pem(std::slice::from_ref(&made.certificate))).unwrap();
    let key = KeyFile::read(made.key.as_bytes()).unwrap().unlock(&secret(PASSPHRASE)).unwrap();
    Authority::new(made.certificate, key, now()).unwrap()
}

fn sign(authority: &Authority, folder: &Path, request: &str) -> Result<Vec<String>, AuthorityError> {
    let request = Request::read(&fs::read(folder.join(request)).unwrap())?;
    let granted = authority.sign(&request, in_days(30), Usage::Client, now())?;
    fs::write(folder.join("signed.pem"), pem(&[granted.certificate])).unwrap();
    Ok(granted.ignored)
}

/// Every string type OpenSSL chooses by itself, an attribute, and wishes that are not granted.
const CONFIG: &str = "[req]\nprompt=no\ndistinguished_name=dn\nstring_mask=default\nattributes=attrs\nreq_extensions=ext\n\
    [dn]\n0.OU=Finance\n1.OU=Payroll\nO=Teletex \u{fc}\nCN=Old String Types\n[attrs]\nchallengePassword=geheim1234\n\
    [ext]\nsubjectAltName=email:a@b.example,DNS:h.example\nbasicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n1.2.3.4.5=ASN1:UTF8String:odd\n";

/// Requests as other tools make them: name, and the line that writes `request`.
const REQUESTS: &[(&str, &str)] = &[
    (
        "RSA",
        "openssl req -new -newkey rsa:2048 -nodes -keyout k.pem -subj '/C=DE/O=ACME/OU=One/OU=Two/OU=Three/CN=ann/emailAddress=a@b.example' -out request",
    ),
    (
        "P-384 with multi-valued RDN",
        "openssl ecparam -name secp384r1 -genkey -noout -out k.pem && openssl req -new -key k.pem -multivalue-rdn -subj '/O=ACME/CN=ann+UID=17' -out request",
    ),
    (
        "Ed25519 and UTF-8",
        "openssl genpkey -algorithm ed25519 -out k.pem && openssl req -new -utf8 -key k.pem -subj '/O=Bäcker/CN=Jürgen' -addext subjectAltName=IP:::1,URI:https://x.example/ -out request",
    ),
    ("attributes, odd extension, CA:TRUE", "openssl req -new -newkey rsa:2048 -nodes -keyout k.pem -utf8 -config odd.conf -out request"),
    ("PrintableString only", "openssl req -new -newkey rsa:2048 -sha512 -nodes -keyout k.pem -config printable.conf -out request"),
    (
        "DER, no subject",
        "openssl req -new -newkey rsa:2048 -nodes -keyout k.pem -subj / -addext subjectAltName=DNS:only.example -outform DER -out request",
    ),
    (
        "GnuTLS, label of Windows",
        "certtool --generate-privkey --ecc --outfile k.pem 2>/dev/null && certtool --generate-request --load-privkey k.pem --template gnutls.cfg --outfile request 2>/dev/null && grep -q 'NEW CERTIFICATE REQUEST' request",
    ),
];

#[test]
fn requests_of_other_tools_are_signed_with_their_subjects_byte_for_byte() {
    if !tools_are_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    fs::write(folder.join("odd.conf"), CONFIG).unwrap();
    fs::write(
        folder.join("printable.conf"),
        "[req]\nprompt=no\ndistinguished_name=dn\nstring_mask=pkix\n[dn]\nC=CH\nO=Plain\nOU=a\nL=Bern\nCN=b\n",
    )
    .unwrap();
    fs::write(
        folder.join("gnutls.cfg"),
        "organization = GnuTLS user\nunit = one\nunit = two\ncn = ann\ndns_name = g.example\nemail = a@g.example\n",
    )
    .unwrap();
    for (at, (name, line)) in REQUESTS.iter().enumerate() {
        let authority = authority(folder, [KeyType::P256, KeyType::Rsa3072, KeyType::Ed25519, KeyType::P384][at % 4]);
        sh(folder, line);
        let ignored = sign(&authority, folder, "request").unwrap_or_else(|error| panic!("{name}: {error}"));
        sh(folder, "openssl verify -x509_strict -purpose sslclient -CAfile authority.pem signed.pem");
        assert!(!run(folder, "openssl verify -purpose sslserver -CAfile authority.pem signed.pem").0, "{name} is for clients");
        sh(folder, "certtool --verify --load-ca-certificate authority.pem --infile signed.pem >/dev/null");
        sh(folder, "openssl pkey -in k.pem -pubout > a; openssl x509 -in signed.pem -noout -pubkey > b; cmp a b");
        let text = sh(folder, "openssl x509 -in signed.pem -noout -text");
        assert!(text.contains("CA:FALSE") && !text.contains("Certificate Sign\n") && !text.contains("1.2.3.4.5"), "{name}\n{text}");
        assert_eq!(ignored.is_empty(), at != 3, "{name}: {ignored:?}");
        let request = Request::read(&fs::read(folder.join("request")).unwrap()).unwrap();
        let der = sh_bytes(folder, "openssl x509 -in signed.pem -outform DER");
        assert!(der.windows(request.subject_der().len()).any(|window| window == request.subject_der()), "{name}");
        if let Some(names) = request.alternative_names() {
            assert!(der.windows(names.len()).any(|window| window == names), "{name}");
        }
        if at != 5 {
            let form = "-noout -subject -nameopt multiline,show_type,utf8,sep_multiline";
            assert_eq!(
                sh(folder, &format!("openssl x509 -in signed.pem {form}")),
                sh(folder, &format!("openssl req -in request {form}")),
                "{name}"
            );
        }
    }
}

fn sh_bytes(folder: &Path, line: &str) -> Vec<u8> {
    sh(folder, &format!("{line} > bytes"));
    fs::read(folder.join("bytes")).unwrap()
}

#[test]
fn weak_foreign_and_changed_requests_are_refused_with_the_reason() {
    if !tools_are_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let authority = authority(folder, KeyType::P256);
    let refused = |line: &str| {
        sh(folder, line);
        match sign(&authority, folder, "request") {
            Err(AuthorityError::Request(error)) => error,
            other => panic!("{line}: {other:?}"),
        }
    };
    let new = "openssl req -new -nodes -keyout k.pem -subj /CN=x -out request";
    assert_eq!(refused(&format!("{new} -newkey rsa:1024")), RequestError::WeakKey("RSA 1024 bits".to_owned()));
    assert!(matches!(refused(&format!("{new} -newkey rsa:2048 -sha1")), RequestError::WeakSignature(how) if how.contains("SHA-1")));
    assert!(matches!(refused(&format!("{new} -newkey rsa:2048 -md5")), RequestError::WeakSignature(how) if how.contains("MD5")));
    let pss = "-newkey rsa:2048 -sha256 -sigopt rsa_padding_mode:pss";
    assert!(
        matches!(refused(&format!("{new} {pss} -sigopt rsa_pss_saltlen:222")), RequestError::UnknownSignature(how) if how == "RSA-PSS")
    );
    sh(folder, &format!("{new} {pss} -sigopt rsa_pss_saltlen:32"));
    sign(&authority, folder, "request").unwrap();
    assert!(matches!(refused(&format!("{new} -newkey ed448")), RequestError::UnknownSignature(_)));
    assert_eq!(refused(&format!("{new} -newkey rsa:2048 -subj /")), RequestError::Nameless);
    assert_eq!(refused("echo nothing > request"), RequestError::NoRequest);
    assert_eq!(
        refused("openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -subj /CN=x -out request 2>/dev/null"),
        RequestError::NoRequest
    );
    // Somebody else's name under one's own signature.
    sh(folder, &format!("{new} -newkey rsa:2048 -subj /CN=alice -outform DER"));
    let mut der = fs::read(folder.join("request")).unwrap();
    let at = der.windows(5).position(|window| window == b"alice").unwrap();
    der[at..at + 5].copy_from_slice(b"admin");
    fs::write(folder.join("request"), &der).unwrap();
    assert!(matches!(sign(&authority, folder, "request"), Err(AuthorityError::Request(RequestError::NoPossession))));
    der.push(0);
    fs::write(folder.join("request"), &der).unwrap();
    assert!(matches!(sign(&authority, folder, "request"), Err(AuthorityError::Request(RequestError::Damaged(_)))));
}

#[test]
fn an_authority_that_may_not_sign_does_not() {
    let made = draft("x").make(now()).unwrap();
    let open = |pem: &str| KeyFile::read(pem.as_bytes()).unwrap().unlock(&secret(PASSPHRASE)).unwrap();
    let key = || open(&made.key);
    assert!(matches!(Authority::new(made.certificate.clone(), key(), now()), Err(AuthorityError::NotAnAuthority(_))));
    let authority = draft("ca").make_authority(now()).unwrap();
    let short = Draft { days: 10, ..draft("ca") }.make_authority(now()).unwrap();
    assert!(matches!(Authority::new(authority.certificate.clone(), key(), now()), Err(AuthorityError::WrongKey(_))));
    assert!(matches!(Authority::new(short.certificate.clone(), open(&short.key), in_days(11)), Err(AuthorityError::NotValid(_))));
    assert!(matches!(Authority::new(b"x".to_vec(), key(), now()), Err(AuthorityError::NoCertificate)));
    let ten_days = Authority::new(short.certificate.clone(), open(&short.key), now()).unwrap();
    let request = Request::read(made.request.as_ref().unwrap().as_bytes()).unwrap();
    assert!(matches!(ten_days.sign(&request, in_days(30), Usage::Client, now()), Err(AuthorityError::TooLong(_))));
    assert_eq!(ten_days.sign(&request, now(), Usage::Client, now()), Err(AuthorityError::InThePast));
    assert!(matches!(ten_days.serial_of(&made.certificate), Err(AuthorityError::NotMine(_))));
}

#[test]
fn openssl_refuses_who_was_taken_back_and_nobody_else() {
    if !tools_are_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    for key_type in [KeyType::P256, KeyType::Rsa3072] {
        let authority = authority(folder, key_type);
        let mut serials = Vec::new();
        for name in ["good", "bad"] {
            let request = draft(name).make(now()).unwrap().request.unwrap();
            let granted = authority.sign(&Request::read(request.as_bytes()).unwrap(), in_days(30), Usage::Client, now()).unwrap();
            assert_eq!(authority.serial_of(&granted.certificate).unwrap(), granted.serial);
            fs::write(folder.join(format!("{name}.pem")), pem(&[granted.certificate])).unwrap();
            serials.push(granted.serial);
        }
        let check = "openssl verify -x509_strict -crl_check -CAfile authority.pem -CRLfile list.pem";
        for revoked in [vec![], vec![Revoked { serial: serials[1].clone(), at: now(), reason: Reason::KeyCompromise }]] {
            let list = authority.revocation_list(&revoked, 7, now(), in_days(30)).unwrap();
            fs::write(folder.join("list.der"), list).unwrap();
            sh(folder, "openssl crl -inform DER -in list.der -CAfile authority.pem -out list.pem 2>&1 | grep -q 'verify OK'");
            let text = sh(folder, "openssl crl -in list.pem -noout -text");
            assert!(text.contains("X509v3 CRL Number: \n                7\n"), "{text}");
            sh(folder, &format!("{check} good.pem"));
            let (accepted, said) = run(folder, &format!("{check} bad.pem"));
            assert_eq!(accepted, revoked.is_empty(), "{said}");
            assert!(accepted || said.contains("certificate revoked"), "{said}");
            assert_eq!(text.contains("Key Compromise"), !revoked.is_empty());
        }
    }
}

#[test]
fn rustls_takes_whom_the_authority_signed_and_refuses_who_was_taken_back() {
    use rustls::pki_types::{CertificateDer, UnixTime};
    use rustls::server::WebPkiClientVerifier;
    let dir = tempfile::tempdir().unwrap();
    let authority = authority(dir.path(), KeyType::Ed25519);
    let request = Request::read(draft("x").make(now()).unwrap().request.unwrap().as_bytes()).unwrap();
    let granted = authority.sign(&request, in_days(30), Usage::Client, now()).unwrap();
    let verify = |revoked: &[Revoked]| {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from(authority.certificate().to_vec())).unwrap();
        let list = authority.revocation_list(revoked, 1, now(), in_days(1)).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).with_crls([list.into()]).build().unwrap();
        verifier.verify_client_cert(&CertificateDer::from(granted.certificate.clone()), &[], UnixTime::now()).err()
    };
    assert_eq!(verify(&[]), None);
    let revoked = Revoked { serial: granted.serial.clone(), at: now(), reason: Reason::Unspecified };
    assert_eq!(verify(&[revoked]), Some(rustls::Error::InvalidCertificate(rustls::CertificateError::Revoked)));
}

#[test]
fn the_record_only_grows_and_one_program_at_a_time_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("signed.jsonl");
    let (one, two) = (Serial::parse("0A:ff").unwrap(), Serial::parse("1").unwrap());
    let at: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
    let mut record = Record::open(&path).unwrap();
    assert!(matches!(Record::open(&path), Err(RecordError::Busy)));
    assert_eq!(record.next_number(), 1);
    let fingerprint = crate::trust::Fingerprint::of(b"x");
    record.append(Event::Signed { at, serial: one.clone(), subject: "ann".to_owned(), not_after: at, fingerprint }).unwrap();
    assert!(record.check_revocable(&one, false).is_ok());
    assert!(matches!(record.check_revocable(&two, false), Err(RecordError::Unknown(_))));
    assert!(record.check_revocable(&two, true).is_ok());
    record.append(Event::Revoked { at, serial: one.clone(), reason: Reason::Superseded }).unwrap();
    record.append(Event::List { at, number: 4, next: at }).unwrap();
    drop(record);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("{\"event\":\"signed\",\"at\":\"2026-11-21T10:00:00Z\",\"serial\":\"0aff\",\"subject\":\"ann\""), "{text}");
    let record = Record::open(&path).unwrap();
    assert_eq!((record.events().len(), record.next_number(), record.revoked().len()), (3, 5, 1));
    assert!(matches!(record.check_revocable(&one, true), Err(RecordError::AlreadyRevoked(..))));
    drop(record);
    fs::write(&path, text + "{\"event\":\"sig").unwrap();
    assert!(matches!(Record::open(&path), Err(RecordError::Damaged(4))));
}
