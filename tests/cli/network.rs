//! What the line and the command line can do wrong.

use std::net::TcpListener;

use crate::scene::Scene;

#[test]
fn a_port_nobody_listens_on_a_host_nobody_knows_and_a_server_that_is_silent() {
    let scene = Scene::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // It accepts (the kernel does) and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = silent.local_addr().unwrap();
    for scheme in ["ftpes", "ftps", "sftp"] {
        scene.sealift(&["ls", &format!("{scheme}://ann@{closed}/")]).fails(4, &["refused the connection", "Check the port"]);
        scene.sealift(&["ls", "--timeout", "1", &format!("{scheme}://ann@{at}/")]).fails(4, &["did not answer in time", "--timeout"]);
        scene.sealift(&["ls", &format!("{scheme}://ann@nowhere.invalid/")]).fails(4, &["nowhere.invalid", "Check the spelling"]);
    }
}

#[test]
fn command_lines_that_make_no_sense() {
    let scene = Scene::new();
    let ftp = scene.ftps("/").replace("ftpes:", "ftp:");
    for (arguments, words) in [
        (vec!["ls", "http://h/"], vec!["http:// is not spoken here"]),
        (vec!["ls", "sftp:///x"], vec!["no host", "sftp://user@host/folder"]),
        (vec!["ls", "sftp://h:99999/"], vec!["port"]),
        (vec!["ls", "sftp://h/%zz"], vec!["cannot be decoded"]),
        (vec!["ls", "file://elsewhere/x"], vec!["another machine"]),
        (vec!["ls", &ftp], vec!["everybody to read", "--allow-plain"]),
        (vec!["ls", "--trust", "sha256:12", "sftp://h/"], vec!["SHA-256 fingerprint"]),
        (vec!["ls", "sftp://h/;fingerprint=12"], vec!["SHA-256 fingerprint"]),
        (vec!["ls", "--roots", "missing.pem", "sftp://h/"], vec!["missing.pem"]),
        (vec!["copy", "only-one"], vec!["<DST>"]),
        (vec!["ls", "--on-conflict", "skip", "x"], vec!["--on-conflict"]),
        (vec!["copy", "--on-conflict", "perhaps", "x", "y"], vec!["size-differs"]),
        (vec!["mkdir"], vec!["<LOCATION>"]),
    ] {
        scene.bare(&arguments).fails(2, &words);
    }
}

#[test]
fn plain_ftp_works_where_it_is_allowed() {
    let scene = Scene::new();
    let ftp = scene.ftps("/a.txt").replace("ftpes:", "ftp:");
    assert_eq!(scene.sealift(&["cat", "--allow-plain", &ftp]).exits(0).out, "hello");
}

#[test]
fn one_connection_serves_one_site_however_often_it_is_named() {
    let scene = Scene::new();
    let log = |url: &str| {
        scene.sealift(&["mkdir", "-p", &format!("{url}x"), &format!("{url}y"), &format!("{url}z")]).env("SEALIFT_LOG", "debug").exits(0);
        scene.log()
    };
    let ftp = log(&scene.ftps("/"));
    assert_eq!(ftp.matches("PASS ****").count(), 1, "{ftp}");
}
