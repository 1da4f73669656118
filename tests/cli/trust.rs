//! `sealift trust`: what is listed, what removing and adding do to the next connection, and what a known_hosts keeps.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use sealift::server::{HostKey, ServerIdentity};
use serde_json::Value;

use crate::scene::{PASSWORD, Ran, Run, Scene, foreign_print};

fn cat(scene: &Scene, url: &str) -> Run {
    scene.bare(&["cat", url]).env("SEALIFT_PASSWORD", PASSWORD)
}

fn ftps_at(scene: &Scene) -> String {
    scene.ftps.as_ref().unwrap().addr.to_string()
}

fn rows(ran: &Ran) -> Vec<Value> {
    ran.json().into_iter().filter(|line| line.get("summary").is_none()).collect()
}

#[test]
fn what_is_added_is_trusted_listed_shown_and_removed() {
    let scene = Scene::new();
    let (at, url, print) = (ftps_at(&scene), scene.ftps("/a.txt"), scene.ftps_print.to_string());
    scene.bare(&["trust", "list"]).exits(0).says(&["nobody is trusted yet"]);
    scene.bare(&["trust", "add", &at, &print]).exits(0).says(&["trusted", &print]);
    assert_eq!(cat(&scene, &url).exits(0).out, "hello");

    let listed = scene.bare(&["trust", "list", "--json"]).exits(0);
    let row = listed.line_with("kind", "certificate");
    assert_eq!((row["whom"].as_str(), row["verified"].as_str()), (Some(at.as_str()), Some("named")));
    assert_eq!((row["sha256"].as_str(), row["confirmed"].as_str()), (Some(scene.ftps_print.hex().as_str()), Some("no-keyring")));
    assert!(row["last_seen"].is_string(), "the connection was seen: {row}");
    assert_eq!(listed.json().last().unwrap()["summary"]["rows"], 1);
    for whom in [at.as_str(), &print, &url] {
        let shown = scene.bare(&["trust", "show", whom]).exits(0).out;
        assert!(shown.contains(&print) && shown.contains("by a named fingerprint"), "{shown}");
    }

    scene.bare(&["trust", "remove", &at]).fails(2, &["nobody is here to confirm it", "--yes"]);
    scene.bare(&["trust", "remove", &at, "--yes"]).exits(0).says(&["no longer trusted"]);
    cat(&scene, &url).fails(6, &["is not trusted"]);
    scene.bare(&["trust", "remove", &at, "--yes"]).fails(1, &["nothing is trusted under", "trust list"]);
}

#[test]
fn another_certificate_is_replaced_only_on_purpose() {
    let scene = Scene::new();
    let (at, print) = (ftps_at(&scene), scene.ftps_print.to_string());
    scene.bare(&["trust", "add", &at, &foreign_print()]).exits(0);
    cat(&scene, &scene.ftps("/a.txt")).fails(6, &["not the one you trusted"]);
    scene.bare(&["trust", "add", &at, &print]).fails(6, &["another certificate is trusted", &foreign_print(), "--yes"]);
    scene.bare(&["trust", "add", &at, &print, "--yes"]).exits(0);
    assert_eq!(cat(&scene, &scene.ftps("/a.txt")).exits(0).out, "hello");
    for (arguments, code) in [
        (&["trust", "add", "nowhere", &print][..], 2),
        (&["trust", "add", &at, "sha256:12"], 2),
        (&["trust", "add", &at], 2),
        (&["trust", "add", "--authority", "missing.pem"], 8),
        (&["trust", "show", "host:port"], 2),
    ] {
        scene.bare(arguments).exits(code);
    }
}

#[test]
fn decisions_travel_and_replace_none() {
    let (scene, other) = (Scene::new(), Scene::new());
    let at = ftps_at(&scene);
    scene.bare(&["trust", "add", &at, &scene.ftps_print.to_string()]).exits(0);
    let file = other.here("exported.json");
    scene.bare(&["trust", "export", file.to_str().unwrap()]).exits(0);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    scene.bare(&["trust", "export", file.to_str().unwrap()]).fails(8, &["cannot write"]);

    other.bare(&["trust", "import", "exported.json"]).exits(0).says(&["1 taken over"]);
    assert_eq!(rows(&other.bare(&["trust", "list", "--json"]).exits(0))[0]["verified"], "imported");
    assert_eq!(cat(&other, &scene.ftps("/a.txt")).exits(0).out, "hello");
    other.bare(&["trust", "import", "exported.json"]).exits(0).says(&["0 taken over, 1 known already"]);
    other.bare(&["trust", "add", &at, &foreign_print(), "--yes"]).exits(0);
    other.bare(&["trust", "import", "exported.json"]).exits(3).says(&["left as it is", &foreign_print()]);
    assert_eq!(rows(&other.bare(&["trust", "show", &at, "--json"]).exits(0))[0]["sha256"], foreign_print()["sha256:".len()..]);
    other.put("odd.json", b"{}");
    other.bare(&["trust", "import", "odd.json"]).fails(8, &["odd.json is damaged", "Your own ledger is untouched"]);
}

#[test]
fn a_host_key_goes_and_every_other_line_stays() {
    let scene = Scene::new();
    let server = scene.sftp.as_ref().unwrap();
    let (url, port, key) = (scene.sftp("/a.txt"), server.addr.port(), HostKey::throwaway().unwrap());
    server.replace_host_key(key.clone()).unwrap();
    let key = key.public_openssh();
    let other = "# mine\n\n\todd line\nother.example,10.0.0.1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIu6IxS9aV4Yk5M4gjEOKMEjl5Mn7dzZsvGkmyZhZW4r a comment";
    let known_hosts = scene.home("dotfiles");
    fs::create_dir(scene.home(".ssh")).unwrap();
    symlink(&known_hosts, scene.home(".ssh/known_hosts")).unwrap();
    fs::write(&known_hosts, format!("[127.0.0.1]:{port} {key}\n{other}")).unwrap();
    fs::set_permissions(&known_hosts, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(cat(&scene, &url).exits(0).out, "hello");

    assert_eq!(rows(&scene.bare(&["trust", "list", "--json"]).exits(0)).len(), 2);
    let at = format!("127.0.0.1:{port}");
    scene.bare(&["trust", "remove", &at, "--yes"]).exits(0).says(&["no longer trusted"]);
    assert_eq!(fs::read_to_string(&known_hosts).unwrap(), other);
    assert_eq!(fs::metadata(&known_hosts).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(scene.home(".ssh/known_hosts")).unwrap().is_symlink());
    cat(&scene, &url).fails(6, &["is not trusted"]);

    scene.bare(&["trust", "remove", "other.example:22", "--yes"]).exits(0);
    assert_eq!(fs::read_to_string(&known_hosts).unwrap(), "# mine\n\n\todd line\n");
}

#[test]
fn an_authority_vouches_until_it_is_removed() {
    let scene = Scene::new();
    let print = make_authority(&scene);
    let url = scene.ftps("/a.txt");
    let server = scene.ftps.as_ref().unwrap();
    let identity = ServerIdentity::from_pem_files(&scene.here("leaf.pem"), &scene.here("leaf.key")).unwrap();
    server.replace_identity(&identity).unwrap();
    cat(&scene, &url).fails(6, &["is not trusted"]);

    scene.bare(&["trust", "add", "--authority", "leaf.pem"]).fails(2, &["is no authority's"]);
    scene.bare(&["trust", "add", "--authority", "ca.pem"]).fails(2, &["nobody is here to be asked", "--fingerprint"]);
    scene.bare(&["trust", "add", "--authority", "ca.pem", "--fingerprint", &foreign_print()]).fails(6, &["not the authority you named"]);
    scene.bare(&["trust", "add", "--authority", "ca.pem", "--fingerprint", &print]).exits(0).says(&["Our CA"]);
    assert_eq!(cat(&scene, &url).exits(0).out, "hello");
    let row = scene.bare(&["trust", "list", "--json"]).exits(0).line_with("kind", "authority");
    assert_eq!((row["whom"].as_str(), row["verified"].as_str()), (Some("Our CA"), Some("fingerprint")));

    scene.bare(&["trust", "remove", &print, "--yes"]).exits(0);
    cat(&scene, &url).fails(6, &["is not trusted"]);
}

#[test]
fn a_named_host_key_stands_in_known_hosts_or_nowhere() {
    let scene = Scene::new();
    let server = scene.sftp.as_ref().unwrap();
    let (url, at, print) = (scene.sftp("/a.txt"), server.addr.to_string(), scene.sftp_print.openssh());
    let place = format!("sftp://{at}");
    make_authority(&scene);
    for (arguments, code, words) in [
        (&[place.as_str(), &foreign_print()][..], 6, "NOT the identity you named"),
        (&[&place, "ca.pem"], 2, "host key"),
        (&[&at, &print], 2, "does not say whether"),
        (&["127.0.0.1:22", &foreign_print()], 2, "sftp://127.0.0.1:22"),
    ] {
        let ran = scene.bare(&["trust", "add"]).args(arguments).fails(code, &[words]);
        assert!(!ran.err.contains("trusted:"), "{ran}");
    }
    assert!(!scene.home(".ssh/known_hosts").exists());
    scene.bare(&["trust", "list"]).exits(0).says(&["nobody is trusted yet"]);

    scene.bare(&["trust", "add", &place, &print]).exits(0).says(&["trusted:", &print, "known_hosts"]);
    assert_eq!(cat(&scene, &url).exits(0).out, "hello");
    let row = scene.bare(&["trust", "list", "--json"]).exits(0).line_with("kind", "host-key");
    assert_eq!(row["verified"], "named");
    scene.bare(&["trust", "add", &place, &print]).exits(0).says(&["trusted already"]);

    // Another key, in a file or as a line, does not take the place of the known one.
    let key = HostKey::throwaway().unwrap();
    let public = key.public_openssh();
    scene.put("key.pub", public.as_bytes());
    scene.bare(&["trust", "add", &at, "key.pub"]).fails(6, &["is not the one you trusted"]);
    scene.bare(&["trust", "remove", &at, "--yes"]).exits(0);
    scene.bare(&["trust", "add", &at, &format!("somebody {public}")]).exits(0).says(&["trusted:"]);
    server.replace_host_key(key).unwrap();
    assert_eq!(cat(&scene, &url).exits(0).out, "hello");
}

#[test]
fn nothing_is_accepted_in_advance_but_what_was_seen_or_is_usual() {
    let scene = Scene::new();
    make_authority(&scene);
    let accepted = |whom: &str| {
        let row = scene.bare(&["trust", "show", whom, "--json"]).exits(0).json().remove(0);
        row["accepted"].as_array().unwrap().iter().map(|kind| kind.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    scene.bare(&["trust", "add", "127.0.0.1:2121", "leaf.pem"]).exits(0).says(&["accepted with it: unknown-issuer"]);
    assert_eq!(accepted("127.0.0.1:2121"), ["unknown-issuer"]);
    scene.bare(&["trust", "add", "other.example:21", "leaf.pem"]).exits(0);
    assert_eq!(accepted("other.example:21"), ["unknown-issuer", "name-mismatch"]);
    scene.bare(&["trust", "add", "third.example:21", &foreign_print()]).exits(0);
    assert_eq!(accepted("third.example:21"), ["unknown-issuer", "self-signed", "name-from-cn-only", "ca-as-end-entity", "old-version"]);
}

/// An authority (`ca.pem`), a certificate for 127.0.0.1 it signed and its key (`leaf.pem`, `leaf.key`); answers the
/// authority's fingerprint.
fn make_authority(scene: &Scene) -> String {
    use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Our CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    leaf.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    for (name, text) in [("ca.pem", authority.pem()), ("leaf.pem", leaf.pem()), ("leaf.key", key.serialize_pem())] {
        scene.put(name, text.as_bytes());
    }
    sealift::trust::Fingerprint::of(authority.der()).to_string()
}
