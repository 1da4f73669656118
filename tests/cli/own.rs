//! `cert new`, `request`, `authority`, `sign`, `import`, `export`, `revoke`, `list`: from nothing to a signed certificate, with
//! openssl looking on, and without a trace of passphrase or key.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::scene::{Run, Scene};

/// Nothing else in any test contains these.
const OWN: &str = "zebra-Straße-5519";
const AUTHORITY: &str = "quokka-Brücke-8830";
const FILE: &str = "okapi-Höhe-2274";

/// A scene; `None` where openssl is not installed.
fn scene() -> Option<Scene> {
    crate::tools::are_here(&["openssl"]).then(Scene::new)
}

fn run(scene: &Scene, line: &str, passphrase: &str) -> Run {
    let arguments: Vec<&str> = line.split(' ').collect();
    scene.bare(&arguments).env("SEALIFT_PASSPHRASE", passphrase).env("SEALIFT_LOG", "trace")
}

fn make(scene: &Scene, name: &str) {
    let subject = ["--cn", "Ann Müller", "--country", "DE", "--organization", "Bäcker & Söhne", "--unit", "Finance", "--unit", "Payroll"];
    run(scene, &format!("cert new {name} --email ann@example.com --san host.example.com"), OWN).args(&subject).exits(0);
}

fn authority(scene: &Scene) {
    run(scene, "cert authority ours --cn Ours", AUTHORITY).exits(0);
}

fn kept(scene: &Scene, name: &str) -> String {
    scene.home(&format!("data/{name}")).display().to_string()
}

/// openssl in the working folder; the passphrase is in `$PASS`.
#[track_caller]
fn sh(scene: &Scene, line: &str) -> String {
    let output = Command::new("/bin/sh").args(["-c", line]).current_dir(scene.here("")).env("PASS", OWN).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{line}\n{said}");
    said
}

#[test]
fn from_nothing_to_a_signed_certificate_that_can_be_taken_back() {
    let Some(scene) = scene() else { return };
    make(&scene, "bank");
    authority(&scene);
    let listed = run(&scene, "cert list --json", "").exits(0);
    let (bank, ours) = (listed.line_with("name", "bank"), listed.line_with("name", "ours"));
    assert_eq!((&bank["kind"], &bank["self_signed"], &bank["owner"]), (&"identity".into(), &true.into(), &"Ann Müller".into()));
    assert_eq!((&ours["kind"], &ours["expires_soon"]), (&"authority".into(), &false.into()));

    let request = run(&scene, "cert request bank --out bank.csr", "").exits(0);
    assert_eq!(request.out, "");
    let signed = run(&scene, "cert sign bank.csr --authority ours --days 90 --out bank.crt", AUTHORITY).exits(0);
    signed.says(&["signed for Ann Müller until ", "written: bank.crt"]);
    let root = kept(&scene, "authorities/ours/certificate.pem");
    sh(&scene, &format!("openssl verify -x509_strict -purpose sslclient -CAfile {root} bank.crt"));
    let subject = sh(&scene, "openssl x509 -in bank.crt -noout -subject -nameopt sep_comma_plus,utf8");
    assert_eq!(subject.trim(), "subject=C=DE,O=Bäcker & Söhne,OU=Finance,OU=Payroll,CN=Ann Müller,emailAddress=ann@example.com");

    run(&scene, "cert sign bank.csr --authority ours --out bank.crt", AUTHORITY).fails(8, &["bank.crt: it is there already"]);
    run(&scene, "cert sign bank.csr --authority ours --out none/bank.crt", AUTHORITY).fails(8, &["none: there is no such folder"]);
    run(&scene, "cert sign bank.csr --authority ours --out .", AUTHORITY).fails(8, &["./bank.crt: it is there already"]);
    run(&scene, "cert import bank bank.crt", "").exits(0).says(&["beside the old one until the first login"]);
    let listed = run(&scene, "cert list --json", "").exits(0).line_with("name", "bank");
    assert_eq!((&listed["pending"], &listed["self_signed"]), (&true.into(), &true.into()));
    run(&scene, "cert import bank --forget", "").exits(0);
    run(&scene, "cert import bank --forget", "").fails(1, &["no signed certificate of bank waits"]);
    run(&scene, "cert import bank bank.crt --now", "").exits(0);
    let listed = run(&scene, "cert list --json", "").exits(0).line_with("name", "bank");
    assert_eq!((&listed["pending"], &listed["issuer"]), (&false.into(), &"Ours".into()));
    run(&scene, "cert import bank bank.crt", "").exits(0).says(&["has this certificate already"]);

    let serial = sh(&scene, "openssl x509 -in bank.crt -noout -serial").trim().replace("serial=", "");
    run(&scene, &format!("cert revoke {serial} --authority ours --reason key-compromise --out list.pem"), AUTHORITY).exits(0);
    let refused = sh(&scene, &format!("openssl verify -crl_check -CAfile {root} -CRLfile list.pem bank.crt 2>&1 || true"));
    assert!(refused.contains("certificate revoked"), "{refused}");
    run(&scene, "cert revoke bank.crt --authority ours", AUTHORITY).fails(1, &["was taken back on", "already"]);
    // A new list, numbered on.
    let list = run(&scene, "cert revoke --authority ours --next 7", AUTHORITY).exits(0);
    assert!(list.out.starts_with("-----BEGIN X509 CRL-----"));
    assert!(sh(&scene, &format!("openssl crl -in {} -noout -crlnumber", kept(&scene, "authorities/ours/revoked.crl"))).contains("0x02"));
    let record = fs::read_to_string(scene.home("data/authorities/ours/signed.jsonl")).unwrap();
    assert_eq!(record.lines().count(), 4, "{record}");
}

#[test]
fn openssl_is_an_authority_too_and_its_chain_comes_home() {
    let Some(scene) = scene() else { return };
    make(&scene, "bank");
    run(&scene, "cert request bank --out bank.csr", "").exits(0);
    sh(&scene, "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj '/CN=Verisign of old' -out ca.pem 2>/dev/null");
    sh(
        &scene,
        "openssl x509 -req -in bank.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 9 -copy_extensions copyall -out one.pem 2>/dev/null",
    );
    sh(&scene, "openssl crl2pkcs7 -nocrl -certfile ca.pem -certfile one.pem -outform DER -out back.p7b");
    run(&scene, "cert import bank back.p7b --now", "").exits(0).says(&["certificate of Ann Müller, by Verisign of old"]);
    assert_eq!(run(&scene, "cert export bank --to chain", "").exits(0).out.matches("BEGIN CERTIFICATE").count(), 2);
    // Any authority's key signs here, encrypted in any way.
    sh(&scene, "openssl rsa -aes128 -traditional -in ca.key -passout env:PASS -out old.key 2>/dev/null");
    run(&scene, "cert sign bank.csr --ca-cert ca.pem --ca-key old.key --until 2026-12-01 --out two.pem", OWN).exits(0);
    sh(&scene, "openssl verify -CAfile ca.pem two.pem && test $(wc -l < ca.pem.signed.jsonl) = 1");
    run(&scene, "cert sign bank.csr --ca-cert ca.pem --ca-key old.key --until 2090-01-01", OWN).fails(1, &["cannot be valid longer"]);
}

#[test]
fn identities_go_out_to_other_programs_and_come_back() {
    let Some(scene) = scene() else { return };
    make(&scene, "bank");
    for (form, check) in [
        ("pem", "openssl pkey -in out.pem -passin env:PASS -noout && openssl x509 -in out.pem -noout"),
        ("pkcs12", "openssl pkcs12 -in out.pkcs12 -passin env:PASS -noout"),
        ("pkcs12-legacy", "openssl pkcs12 -in out.pkcs12-legacy -passin env:PASS -noout -legacy"),
        ("der", "openssl x509 -inform DER -in out.der -noout"),
        ("certificate", "openssl x509 -in out.certificate -noout"),
    ] {
        let out = format!("out.{form}");
        run(&scene, &format!("cert export bank --to {form} --out {out}"), OWN).exits(0);
        sh(&scene, check);
        let mode = fs::metadata(scene.here(&out)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode == 0o600, form.starts_with('p'), "{form} {mode:o}");
        run(&scene, &format!("cert export bank --to {form} --out {out}"), OWN).fails(8, &["it is there already"]);
    }
    run(&scene, "cert export bank --to pkcs12", OWN).fails(2, &["a file is needed", "--out"]);
    for (name, file) in [("again", "out.pkcs12"), ("once-more", "out.pkcs12-legacy"), ("third", "out.pem")] {
        run(&scene, &format!("cert import {name} {file}"), OWN).exits(0);
        run(&scene, &format!("cert export {name} --to pem --out {name}.pem"), OWN).exits(0);
        sh(
            &scene,
            &format!("openssl pkey -in {name}.pem -passin env:PASS -pubout > a && openssl x509 -in out.pem -noout -pubkey > b && cmp a b"),
        );
    }
    let locked = run(&scene, "cert export bank --to pkcs12 --out other.p12", OWN).env("SEALIFT_NEW_PASSPHRASE", FILE);
    locked.exits(0);
    run(&scene, "cert import other other.p12", OWN).fails(5, &["the passphrase does not open this key"]);
    run(&scene, "cert import other other.p12", FILE).exits(0);
    run(&scene, "cert rename other others", "").exits(0);
    run(&scene, "cert remove others", "").fails(5, &["no terminal to ask at", "--yes"]);
    run(&scene, "cert remove others --yes", "").exits(0);
    assert!(!run(&scene, "cert list", "").exits(0).out.contains("other"));
}

#[test]
fn what_cannot_be_done_says_why_and_changes_nothing() {
    let Some(scene) = scene() else { return };
    make(&scene, "bank");
    run(&scene, "cert new bank --cn x", OWN).fails(1, &["there is one called bank already"]);
    run(&scene, "cert new ../x --cn x", OWN).fails(2, &["the name becomes a folder"]);
    run(&scene, "cert new x --country Germany", OWN).fails(2, &["two capital letters", "a name is needed"]);
    run(&scene, "cert new x --cn x --san a/b", OWN).fails(2, &["a/b: this is no host name"]);
    run(&scene, "cert new x --cn x --folder sftp://host/x", OWN).fails(2, &["on this machine only"]);
    run(&scene, "cert new x --cn x", "").fails(5, &["--passphrase-command"]);
    scene.bare(&["cert", "new", "x", "--cn", "x", "--passphrase-command", "exit 3"]).fails(5, &["failed", "exit status: 3"]);
    run(&scene, "cert export bank --to pkcs12 --out x.p12", "wrong").fails(5, &["the passphrase does not open this key"]);
    run(&scene, "cert request nobody", "").fails(1, &["there is none called nobody", "cert list"]);
    run(&scene, "cert sign bank.csr --authority nobody", "").fails(8, &["bank.csr"]);
    sh(&scene, "openssl req -new -newkey rsa:1024 -nodes -keyout k -subj /CN=x -out weak.csr 2>/dev/null");
    authority(&scene);
    run(&scene, "cert sign weak.csr --authority ours", AUTHORITY).fails(1, &["weak.csr", "too weak (RSA 1024 bits)"]);
    run(&scene, "cert sign weak.csr", AUTHORITY).fails(2, &["--authority"]);
    sh(&scene, "openssl req -x509 -newkey rsa:2048 -nodes -keyout k -subj /CN=stranger -out stranger.pem 2>/dev/null");
    run(&scene, "cert import bank stranger.pem", "").fails(1, &["belongs to your private key", "stranger"]);
    run(&scene, "cert import new stranger.pem", "").fails(2, &["no identity called new, and no private key"]);
    run(&scene, "cert revoke 77 --authority ours", AUTHORITY).fails(1, &["no certificate with the number 77"]);
    run(&scene, "cert revoke stranger.pem --authority ours", AUTHORITY).fails(1, &["Ours did not sign this certificate"]);
    assert!(!scene.here("x.p12").exists());
    assert_eq!(fs::read_dir(scene.home("data/identities")).unwrap().count(), 1);
}

#[test]
fn files_apart_serve_a_listener() {
    let Some(scene) = scene() else { return };
    fs::create_dir(scene.here("pki")).unwrap();
    let new = "cert new host --cn localhost --san localhost --usage server --key-type rsa3072 --compatible --folder pki";
    run(&scene, new, OWN).exits(0).says(&["host.key (keep it)"]);
    run(&scene, new, OWN).fails(8, &["host.key: it is there already"]);
    sh(&scene, "openssl verify -CAfile pki/host.crt -purpose sslserver -verify_hostname localhost pki/host.crt");
    sh(&scene, "openssl req -verify -in pki/host.csr -noout 2>&1 && openssl rsa -in pki/host.key -passin env:PASS -check -noout");
    assert_eq!(fs::metadata(scene.here("pki/host.key")).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!scene.home("data/identities").exists());
}

/// Every file below `folder` whose name or contents have `needle`.
fn holding(folder: &Path, needle: &[u8], found: &mut Vec<String>) {
    let has = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if has(path.as_os_str().as_encoded_bytes()) || !path.is_dir() && has(&fs::read(&path).unwrap()) {
            found.push(path.display().to_string());
        }
        if path.is_dir() {
            holding(&path, needle, found);
        }
    }
}

#[test]
fn no_passphrase_and_no_private_key_is_in_any_output_log_file_or_name() {
    let Some(scene) = scene() else { return };
    let mut said = Vec::new();
    for (line, passphrase) in [
        ("cert new bank --cn Ann", OWN),
        ("cert authority ours --cn Ours", AUTHORITY),
        ("cert request bank --cn Ann --unit New --out bank.csr", OWN),
        ("cert sign bank.csr --authority ours --out bank.crt", AUTHORITY),
        ("cert import bank bank.crt --now", ""),
        ("cert export bank --to pkcs12 --out bank.p12", OWN),
        ("cert export bank --to pem --out bank.pem", OWN),
        ("cert import copy bank.p12", OWN),
        ("cert import copy2 bank.pem", "wrong-zebra"),
        ("cert revoke bank.crt --authority ours", AUTHORITY),
        ("cert list --json", OWN),
    ] {
        let mut run = run(&scene, line, passphrase).env("SEALIFT_NEW_PASSPHRASE", FILE);
        let output = run.start().wait_with_output().unwrap();
        assert_eq!(output.status.success(), !line.contains("copy"), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
        said.extend([output.stdout, output.stderr].concat());
    }
    // The private number of the identity's key, as it stands in its file once that is opened.
    let key = kept(&scene, "identities/bank/key.pem");
    let open =
        Command::new("openssl").args(["pkey", "-in", &key, "-passin", "env:PASS", "-outform", "DER"]).env("PASS", OWN).output().unwrap();
    let at = open.stdout.windows(2).position(|window| window == [4, 32]).unwrap() + 2;
    let number = open.stdout[at..at + 32].to_vec();
    for needle in
        [OWN.as_bytes(), AUTHORITY.as_bytes(), FILE.as_bytes(), b"wrong-zebra", b"BEGIN PRIVATE KEY", b"BEGIN EC PRIVATE KEY", &number]
    {
        assert!(!said.windows(needle.len()).any(|window| window == needle), "{}", String::from_utf8_lossy(&said));
        let mut found = Vec::new();
        holding(&scene.home(""), needle, &mut found);
        assert!(found.is_empty(), "{found:?}");
    }
}
