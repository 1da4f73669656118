//! `cert show` and `cert verify`, over chains that openssl and GnuTLS made a moment ago.

use std::path::Path;
use std::process::Command;

use sealift::server::ServerIdentity;
use sealift::trust::Fingerprint;
use serde_json::{Value, json};

use crate::scene::{PASSWORD, Ran, Scene};

const MAKE: &str = include_str!("../support/make-certificates");

/// A scene whose working folder holds the chains; `None` where openssl or certtool is not installed.
fn scene() -> Option<Scene> {
    if !crate::tools::are_here(&["openssl", "certtool"]) {
        return None;
    }
    let scene = Scene::new();
    let ran = Command::new("/bin/sh").args(["-c", MAKE]).current_dir(scene.here("")).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    Some(scene)
}

fn verify(scene: &Scene, name: &str, more: &[&str]) -> (Ran, Value) {
    let chain = format!("{name}.pem");
    let run = scene.bare(&["cert", "verify", &chain, "--roots", "roots.pem", "--json"]).args(more);
    let ran = Ran::from({ run }.start().wait_with_output().unwrap());
    let object = ran.json().pop().unwrap_or_else(|| panic!("{name}\n{ran}"));
    (ran, object)
}

fn problems(object: &Value) -> Vec<(&str, u64)> {
    object["problems"].as_array().unwrap().iter().map(|one| (one["kind"].as_str().unwrap(), one["at"].as_u64().unwrap())).collect()
}

/// Whether openssl takes it too, which is less strict about what is old or weak.
fn openssl_accepts(folder: &Path, name: &str) -> bool {
    let chain = format!("{name}.pem");
    let arguments = [
        "verify",
        "-no-CApath",
        "-no-CAstore",
        "-CAfile",
        "roots.pem",
        "-untrusted",
        &chain,
        "-purpose",
        "sslserver",
        "-verify_hostname",
        "localhost",
        &chain,
    ];
    Command::new("openssl").args(arguments).current_dir(folder).output().unwrap().status.success()
}

/// Each chain, and what is wrong with it where it is shown for localhost with the list of those taken back at hand.
const TABLE: &[(&str, &[(&str, u64)])] = &[
    ("good", &[]),
    ("duplicates", &[]),
    ("shuffled", &[]),
    ("cross-signed", &[]),
    ("gnu-good", &[]),
    ("other-name", &[("name-mismatch", 0)]),
    ("cn-only", &[("name-from-cn-only", 0)]),
    ("for-clients", &[("wrong-usage", 0)]),
    ("authority", &[("ca-as-end-entity", 0)]),
    ("expired", &[("expired", 0)]),
    ("early", &[("not-yet-valid", 0)]),
    ("critical", &[("unknown-critical-extension", 0)]),
    ("sha1", &[("unknown-issuer", 0), ("weak-signature", 0)]),
    ("weak-key", &[("weak-key", 0)]),
    ("koblitz", &[("other", 0)]),
    ("old-version", &[("old-version", 0), ("name-from-cn-only", 0)]),
    ("self-signed", &[("unknown-issuer", 0), ("self-signed", 0)]),
    ("openssl-default", &[("unknown-issuer", 0), ("self-signed", 0), ("ca-as-end-entity", 0), ("name-from-cn-only", 0)]),
    ("no-issuer", &[("unknown-issuer", 0)]),
    ("foreign", &[("unknown-issuer", 0)]),
    ("below-leaf", &[("unknown-issuer", 0)]),
    ("forged", &[("bad-chain-signature", 0), ("unknown-issuer", 0)]),
    ("revoked", &[("revoked", 0)]),
    ("under-expired", &[("expired", 1)]),
    ("under-clients", &[("wrong-usage", 1)]),
    ("too-deep", &[("other", 2)]),
    ("not-permitted", &[("other", 0)]),
    ("expired-other-name", &[("name-mismatch", 0), ("expired", 0)]),
    ("expired-for-clients", &[("expired", 0), ("wrong-usage", 0)]),
    ("expired-sha1", &[("unknown-issuer", 0), ("expired", 0), ("weak-signature", 0)]),
    ("early-cn-only", &[("not-yet-valid", 0), ("name-from-cn-only", 0)]),
    ("authority-other-name", &[("name-mismatch", 0), ("ca-as-end-entity", 0)]),
    ("critical-expired", &[("expired", 0), ("unknown-critical-extension", 0)]),
    ("self-signed-other-name", &[("name-mismatch", 0), ("unknown-issuer", 0), ("self-signed", 0)]),
    ("cross-signed-other-name", &[("name-mismatch", 0)]),
    ("not-permitted-expired", &[("expired", 0), ("other", 0)]),
    ("revoked-other-name", &[("revoked", 0), ("name-mismatch", 0)]),
    ("revoked-expired", &[("revoked", 0), ("expired", 0)]),
    ("everything", &[("name-mismatch", 0), ("expired", 0), ("wrong-usage", 0), ("unknown-critical-extension", 0)]),
    ("gnu-for-clients", &[("wrong-usage", 0)]),
    ("gnu-critical", &[("unknown-critical-extension", 0)]),
    ("gnu-cn-only", &[("name-from-cn-only", 0)]),
    ("gnu-self-signed", &[("unknown-issuer", 0), ("self-signed", 0)]),
];

#[test]
fn every_problem_and_pairs_of_them_are_named_and_nothing_else() {
    let Some(scene) = scene() else { return };
    for (name, expected) in TABLE {
        let (ran, object) = verify(&scene, name, &["--host", "localhost", "--crl", "middle.crl"]);
        assert_eq!(problems(&object), *expected, "{name}\n{ran}");
        assert_eq!((&object["trusted"], ran.code), (&json!(expected.is_empty()), Some(if expected.is_empty() { 0 } else { 6 })), "{name}");
        assert!(!expected.is_empty() || openssl_accepts(&scene.here(""), name), "{name}: openssl refuses what is trusted here");
    }
}

/// Through a handshake, each of them: let in where nothing is wrong; else refused, and let in once it is named.
#[test]
fn on_a_server_each_of_them_is_judged_alike_and_can_be_trusted_by_its_fingerprint() {
    let Some(scene) = scene() else { return };
    let server = scene.ftps.as_ref().unwrap();
    std::fs::create_dir_all(scene.home("config/crls")).unwrap();
    std::fs::copy(scene.here("middle.crl"), scene.home("config/crls/middle.crl")).unwrap();
    let url = scene.ftps("/a.txt").replace("127.0.0.1", "localhost");
    // Our own server can show none of these; the TLS client meets their like in `tests/it/tls.rs`.
    let not_shown = ["weak-key", "koblitz", "old-version", "critical", "critical-expired", "everything", "gnu-critical"];
    for (name, expected) in TABLE.iter().filter(|(name, _)| !not_shown.contains(name)) {
        let keys = [*name, name.trim_end_matches("-signed"), "good"].map(|name| scene.here(&format!("{name}.key")));
        let key = keys.into_iter().find(|key| key.exists()).unwrap();
        let identity = ServerIdentity::from_pem_files(&scene.here(&format!("{name}.pem")), &key).unwrap();
        server.replace_identity(&identity).unwrap_or_else(|error| panic!("{name}: {error}"));
        let looked = ["cert", "verify", "--json", "--roots", "roots.pem", "--crl", "middle.crl", &url];
        let code = if expected.is_empty() { 0 } else { 6 };
        assert_eq!(problems(&scene.bare(&looked).exits(code).json()[0]), *expected, "{name}");

        let cat = || scene.bare(&["cat", &url, "--roots", "roots.pem"]).env("SEALIFT_PASSWORD", PASSWORD);
        if expected.is_empty() {
            assert_eq!(cat().exits(0).out, "hello", "{name}");
        } else {
            cat().fails(6, &["othing was sent"]);
            let print = Fingerprint::of(identity.leaf()).to_string();
            let named = cat().args(&["--trust", &print]);
            if expected.iter().any(|(kind, _)| *kind == "revoked") {
                named.fails(6, &["othing was sent"]);
            } else {
                assert_eq!(named.exits(0).out, "hello", "{name}");
            }
        }
    }
}

#[test]
fn the_options_change_the_verdict() {
    let Some(scene) = scene() else { return };
    for (name, more, expected) in [
        ("other-name", &[][..], &[][..]),
        ("other-name", &["--host", "OTHER.example."], &[]),
        ("good", &["--host", "127.0.0.1"], &[]),
        ("good", &["--host", "127.0.0.2"], &[("name-mismatch", 0)]),
        ("for-clients", &["--usage", "client"], &[]),
        ("good", &["--usage", "client"], &[("wrong-usage", 0)]),
        ("good", &["--at", "2001-01-01T00:00:00Z"], &[("not-yet-valid", 0), ("not-yet-valid", 1)]),
        ("good", &["--at", "2090-01-01T00:00:00+02:00"], &[("expired", 0), ("expired", 1)]),
        ("revoked", &[], &[]),
    ] {
        assert_eq!(problems(&verify(&scene, name, more).1), expected, "{name} {more:?}");
    }
    // The authorities of this machine know nothing of these.
    let ran = scene.bare(&["cert", "verify", "good.pem", "--host", "localhost"]).exits(6);
    assert!(ran.out.starts_with("not trusted\n  unknown-issuer: ") && ran.err.is_empty(), "{ran}");
    let ran = scene.bare(&["cert", "verify", "good.pem", "--host", "localhost", "--roots", "root.pem"]).exits(0);
    assert!(
        ran.out.starts_with("trusted\nlocalhost (sent, signed by the next)\n  Middle (sent, signed by the next)\n    Root (store, root)\n"),
        "{ran}"
    );
    assert!(ran.out.ends_with("not checked\n"), "{ran}");
    let piped = scene.bare(&["cert", "verify", "-", "--roots", "root.pem"]).input(&scene.read("good.pem"));
    assert!(piped.exits(0).out.starts_with("trusted (no --host given, so no name was checked)\n"));
    let json = scene.bare(&["cert", "verify", "good.pem", "--roots", "root.pem", "--json"]).exits(0).json().remove(0);
    assert_eq!((&json["trusted"], &json["name_checked"]), (&json!(true), &json!(false)));

    scene.bare(&["cert", "verify", "good.pem", "--at", "tomorrow"]).fails(2, &["--at tomorrow", "2026-12-31T00:00:00Z"]);
    scene.bare(&["cert", "verify", "good.pem", "--crl", "root.pem"]).fails(8, &["root.pem", "no revocation list"]);
    scene.bare(&["cert", "verify", "good.pem", "--roots", "middle.key"]).fails(8, &["middle.key", "no certificate"]);
    scene.bare(&["cert", "verify", "middle.key"]).fails(8, &["middle.key", "no certificate"]);
    scene.put("damaged.pem", scene.read("good.pem").replacen("MII", "M!I", 1).as_bytes());
    scene.bare(&["cert", "verify", "damaged.pem", "--roots", "root.pem"]).fails(8, &["damaged.pem", "a part of it cannot be read"]);
    scene.bare(&["cert", "verify", "nowhere.pem"]).fails(8, &["nowhere.pem", "No such file"]);
}

#[test]
fn files_are_shown_with_their_marks_and_without_their_secrets() {
    let Some(scene) = scene() else { return };
    let ran = scene.bare(&["cert", "show", "expired.pem"]).exits(0);
    let marked: Vec<_> = ran.lines().into_iter().filter(|line| line.ends_with("   Invalid")).collect();
    assert_eq!(marked, ["  Valid                    [====================]   Invalid"], "{ran}");
    assert_eq!(ran.lines().iter().filter(|line| line.starts_with("certificate: ")).count(), 2, "{ran}");

    let objects = scene.bare(&["cert", "show", "--json", "expired.pem"]).exits(0).json();
    assert_eq!(
        (objects.len(), &objects[0]["invalid"], &objects[0]["names"]),
        (2, &json!(["validity"]), &json!(["localhost", "127.0.0.1"]))
    );
    let printed = Command::new("openssl")
        .args(["x509", "-in", "expired.crt", "-noout", "-fingerprint", "-sha256"])
        .current_dir(scene.here(""))
        .output()
        .unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap().trim().rsplit('=').next().unwrap().replace(':', "").to_lowercase();
    assert_eq!(objects[0]["sha256"], printed);

    let key = scene.bare(&["cert", "show", "--json", "-"]).input(&scene.read("good.key")).exits(0).json().remove(0);
    let good = scene.bare(&["cert", "show", "--json", "good.pem"]).exits(0).json().remove(0);
    assert_eq!((&key["kind"], &key["locked"], &key["spki_sha256"]), (&json!("private-key"), &json!(false), &good["spki_sha256"]));
    let secret = scene.read("good.key").lines().nth(1).unwrap().to_owned();
    assert!(!key.to_string().contains(&secret[..20]));

    let list = scene.bare(&["cert", "show", "--json", "middle.crl"]).exits(0).json().remove(0);
    assert_eq!((&list["kind"], &list["revoked_count"]), (&json!("revocation-list"), &json!(3)));
    scene.bare(&["cert", "show", "make.conf"]).fails(8, &["make.conf"]);
    scene.bare(&["cert", "show", "ca.conf"]).fails(8, &["no certificate, request, revocation list or key"]);
    scene.put("cut.pem", &scene.read("good.pem").as_bytes()[..300]);
    assert!(scene.bare(&["cert", "show", "cut.pem"]).exits(8).out.contains("cut off"));
}

#[test]
fn a_server_is_looked_at_without_being_trusted_or_told_anything() {
    let scene = Scene::new();
    let objects = scene.bare(&["cert", "show", "--json", &scene.ftps("/")]).env("SEALIFT_PASSWORD", PASSWORD).exits(0).json();
    assert_eq!(objects[0]["sha256"], scene.ftps_print.hex());
    assert!(objects[0]["problems"].as_array().unwrap().iter().any(|one| one["kind"] == "unknown-issuer"), "{objects:?}");
    assert_eq!(objects[0]["tls_version"], "TLS1.3");
    let objects = scene.bare(&["cert", "show", "--json", &scene.sftp("/")]).exits(0).json();
    assert_eq!((&objects[0]["kind"], &objects[0]["sha256"]), (&json!("host-key"), &json!(scene.sftp_print.hex())));
    assert!(!scene.home("data/trust/ledger.json").exists() && !scene.home(".ssh").exists(), "nothing is remembered");

    let ran = scene.bare(&["cert", "verify", &scene.ftps("/")]).exits(6);
    assert!(ran.out.contains("unknown-issuer"), "{ran}");
    scene.bare(&["cert", "verify", &scene.sftp("/")]).fails(2, &["host key", "cert show"]);
    scene.bare(&["cert", "show", "ftp://127.0.0.1/"]).fails(2, &["shows no identity"]);
    scene.bare(&["cert", "show", "ftpes://127.0.0.1:1/"]).fails(4, &["127.0.0.1:1"]);
}
