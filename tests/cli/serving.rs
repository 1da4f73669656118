//! `serve`: what makes no sense together is told before anything listens.

use std::fs;

use crate::scene::Scene;

#[test]
fn what_would_let_in_more_than_was_asked_for_is_refused() {
    let scene = Scene::new();
    fs::create_dir_all(scene.here("served")).unwrap();
    fs::create_dir_all(scene.here("lists")).unwrap();
    let serve = |line: &str| scene.bare(&format!("serve served {line}").split_whitespace().collect::<Vec<_>>());
    serve("--client-cert require --ftps 0 --ftp 0").fails(2, &["nobody can show a certificate"]);
    serve("--client-cert require --ftps 0 --sftp 0").fails(2, &["--authorized-keys"]);
    serve("--client-cert require --crl absent").fails(8, &["absent"]);
    serve("--client-cert require --crl lists").fails(8, &["there is no revocation list in it"]);
    fs::write(scene.here("lists/odd.pem"), "nothing").unwrap();
    serve("--client-cert require --crl lists").fails(8, &["odd.pem", "this is no revocation list"]);
    serve("--no-password --ftps 0").fails(2, &["--client-cert require"]);
}
