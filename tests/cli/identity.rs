//! Whom the program trusts where nobody is asked: nobody but who was named.

use std::fs;

use sealift::server::{HostKey, ServerIdentity};
use sealift::trust::Fingerprint;

use crate::scene::{PASSWORD, Run, Scene, fingerprint_of, foreign_print};

/// `cat` of a file with the password, and no identity.
fn cat(scene: &Scene, url: &str) -> Run {
    scene.bare(&["cat", url]).env("SEALIFT_PASSWORD", PASSWORD)
}

#[test]
fn an_unknown_identity_is_refused_and_named() {
    let scene = Scene::new();
    let prints = [scene.ftps_print.to_string(), scene.sftp_print.openssh()];
    for ((url, _), print) in scene.both("/a.txt").into_iter().zip(prints) {
        for batch in [&[][..], &["--batch"], &["--trust", "known"]] {
            let ran = cat(&scene, &url).args(batch).fails(6, &["is not trusted", "nothing was sent", &format!("--trust {print}")]);
            assert!(!ran.err.contains("on first use"), "{ran}");
        }
        // Exactly this one, for this run only.
        assert_eq!(cat(&scene, &url).args(&["--batch", "--trust", &print]).exits(0).out, "hello");
        cat(&scene, &url).fails(6, &[]);
    }
}

#[test]
fn every_notation_of_a_fingerprint_will_do() {
    let scene = Scene::new();
    for ((url, _), print) in scene.both("/a.txt").into_iter().zip([scene.ftps_print, scene.sftp_print]) {
        for text in [print.to_string(), print.hex(), print.colons(), print.openssh()] {
            assert_eq!(cat(&scene, &url).args(&["--trust", &text]).exits(0).out, "hello", "{text}");
        }
    }
}

#[test]
fn a_fingerprint_in_the_url_pins_the_identity() {
    let scene = Scene::new();
    for ((url, _), print) in scene.both("/a.txt").into_iter().zip([scene.ftps_print, scene.sftp_print]) {
        let pinned = |print: &str| [url.replace("ann@", &format!("ann;fingerprint={print}@")), format!("{url};fingerprint={print}")];
        for url in pinned(&print.to_string()) {
            assert_eq!(cat(&scene, &url).exits(0).out, "hello", "{url}");
        }
        for url in pinned(&foreign_print()) {
            // Not even with --trust: two words that contradict each other are no yes.
            cat(&scene, &url)
                .args(&["--trust", &print.to_string()])
                .fails(6, &["NOT the identity you named", "Nothing was sent", "shown: "]);
        }
    }
}

#[test]
fn a_certificate_that_changed_is_refused_although_it_was_trusted() {
    let scene = Scene::new();
    let url = scene.ftps("/a.txt");
    remember(&scene, &scene.ftps_print);
    assert_eq!(cat(&scene, &url).exits(0).out, "hello");
    let new = ServerIdentity::for_this_machine().unwrap();
    scene.ftps.as_ref().unwrap().replace_identity(&new).unwrap();
    let print = Fingerprint::of(new.leaf()).to_string();
    cat(&scene, &url).args(&["--batch"]).fails(6, &["not the one you trusted", &scene.ftps_print.to_string(), &print]);
    assert_eq!(cat(&scene, &url).args(&["--trust", &print]).exits(0).out, "hello");
    cat(&scene, &url).fails(6, &["not the one you trusted"]);
}

/// Writes a decision as the program does: by making it.
fn remember(scene: &Scene, print: &Fingerprint) {
    use sealift::secrets::Keyring;
    use sealift::trust::store::TrustStore;
    use sealift::trust::{Pin, ProblemKind, Remember, Verified};
    let endpoint = sealift::model::Endpoint::new("127.0.0.1", scene.ftps.as_ref().unwrap().addr.port());
    let accepted = ProblemKind::ALL.iter().copied().filter(|kind| *kind != ProblemKind::ChangedSincePinned).collect();
    let pin = Pin {
        certificate: *print,
        spki: None,
        accepted,
        since: jiff::Timestamp::now(),
        remember: Remember::Always,
        verified: Verified::Blind,
        last_seen: None,
        leaf: None,
        issuer: None,
    };
    TrustStore::open(&scene.home("data/trust"), Keyring::off()).remember(endpoint, pin).unwrap();
}

#[test]
fn a_host_key_that_changed_is_refused_whatever_the_command_line_says() {
    let scene = Scene::new();
    let server = scene.sftp.as_ref().unwrap();
    let url = scene.sftp("/a.txt");
    let known_hosts = scene.home(".ssh/known_hosts");
    fs::create_dir(scene.home(".ssh")).unwrap();
    let [old, new] = [HostKey::throwaway().unwrap(), HostKey::throwaway().unwrap()];
    server.replace_host_key(old.clone()).unwrap();
    fs::write(&known_hosts, format!("[127.0.0.1]:{} {}\n", server.addr.port(), old.public_openssh())).unwrap();
    assert_eq!(cat(&scene, &url).exits(0).out, "hello");
    server.replace_host_key(new.clone()).unwrap();
    let print = fingerprint_of(&new);
    for more in [&["--batch"][..], &["--trust", &print.to_string()]] {
        cat(&scene, &url).args(more).fails(6, &["is not the one you trusted", &print.openssh(), "ssh-keygen -R"]);
    }
}

#[test]
fn another_identity_than_the_named_one_is_called_so_and_never_handed_over() {
    let scene = Scene::new();
    let named = Fingerprint::parse(&foreign_print()).unwrap();
    let (ftps, sftp) = (scene.ftps("/a.txt"), scene.sftp("/a.txt"));
    for (url, named, shown) in
        [(&ftps, named.to_string(), scene.ftps_print.to_string()), (&sftp, named.openssh(), scene.sftp_print.openssh())]
    {
        let first = format!("sealift: NOT the identity you named. Named: {named}; shown: {shown}. Do not connect until you know why.");
        let ran = cat(&scene, url).args(&["--trust", &foreign_print()]).fails(6, &[&first]);
        assert!(!ran.err.contains("--trust") && ran.err.starts_with(&first), "{ran}");
    }
    // A fingerprint that another server showed is not named for this one.
    let ran = scene.bare(&["copy", &sftp, &ftps, "--trust", &scene.sftp_print.to_string()]).env("SEALIFT_PASSWORD", PASSWORD).exits(6);
    assert!(!ran.err.contains("NOT the identity"), "{ran}");
}
