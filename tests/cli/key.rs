//! `key`: made, converted, shown, handed over, installed; and nothing of it in a place it does not belong.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};
use sealift::server::sftp::{AcceptedKeys, SftpOptions, SftpServer};
use sealift::server::{HostKey, Running};
use sealift::vfs::FileSystem as _;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::scene::{PASSWORD, Ran, Run, Scene, anywhere, fingerprint_of, path, users};
use crate::secrets::holding;

/// Nothing else in any test contains these.
const OWN: &str = "wombat-Nähe-3361";
const FILE: &str = "civet-Größe-9047";

fn run(scene: &Scene, line: &str) -> Run {
    scene.bare(&line.split(' ').collect::<Vec<_>>()).env("SEALIFT_PASSPHRASE", OWN).env("SEALIFT_LOG", "trace")
}

/// Without a passphrase at hand.
fn bare(scene: &Scene, line: &str) -> Run {
    scene.bare(&line.split(' ').collect::<Vec<_>>())
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// A server that accepts these keys: it, and what connects to it.
fn server(scene: &Scene, keys: &str) -> (Running, String) {
    let host_key = HostKey::throwaway().unwrap();
    let print = fingerprint_of(&host_key);
    let mut options = SftpOptions::new(Arc::new(scene.sftp_tree.clone()), users(), host_key, anywhere());
    options.keys = AcceptedKeys::parse(keys).unwrap();
    let server = scene.runtime.block_on(SftpServer::start(options)).unwrap();
    let to = format!("sftp://ann@{} --trust {print} --batch", server.addr);
    (server, to)
}

/// What is in a file of the server, if it is there.
fn content(scene: &Scene, file: &str) -> Option<String> {
    scene.runtime.block_on(async {
        let mut source = scene.sftp_tree.open(&path(file), 0).await.ok()?;
        let mut content = Vec::new();
        while let Some(bytes) = source.read().await.unwrap() {
            content.extend_from_slice(&bytes);
        }
        Some(String::from_utf8(content).unwrap())
    })
}

#[test]
fn a_new_key_is_locked_private_and_used_by_its_name() {
    let scene = Scene::new();
    let made = run(&scene, "key new bank --comment ann@work").exits(0).says(&["data/ssh/bank", "SHA256:", "key install bank"]);
    let [line] = made.lines()[..] else { panic!("{made}") };
    assert!(line.starts_with("ssh-ed25519 AAAA") && line.ends_with(" ann@work"), "{line}");
    let file = scene.home("data/ssh/bank");
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    assert_eq!(fs::read_to_string(file.with_extension("pub")).unwrap(), format!("{line}\n"));

    let (_server, to) = server(&scene, line);
    run(&scene, &format!("ls {to} --key bank")).exits(0);
    bare(&scene, &format!("ls {to} --key bank")).fails(5, &["passphrase of", "ssh/bank"]);
    // A file of that name comes first.
    scene.put("bank", b"no key");
    run(&scene, &format!("ls {to} --key bank")).fails(5, &["bank cannot be used"]);
}

#[test]
fn what_is_not_to_be_made_is_refused_before_anything_is() {
    let scene = Scene::new();
    for (line, words) in [
        ("key new", "<NAME>"),
        ("key new x --type rsa --bits 2048", "3072 to 8192"),
        ("key new x --type ecdsa --bits 512", "256, 384 or 521"),
        ("key new x --bits 4096", "Ed25519 has 256 bits"),
        ("key new x --file y", "cannot be used with"),
        ("key new x.pub", "public halves"),
        ("key new --file sftp://h/x", "never on a server"),
        ("key new x --no-passphrase --passphrase-command true", "cannot be used with"),
    ] {
        run(&scene, line).fails(2, &[words]);
    }
    bare(&scene, "key new x").fails(5, &["no terminal to ask at"]);
    scene.put("taken.pub", b"mine");
    run(&scene, "key new --file taken").fails(8, &["taken.pub: it is there already"]);
    assert!(!scene.here("taken").exists() && !scene.home("data/ssh").exists());
    assert_eq!(scene.read("taken.pub"), "mine");

    bare(&scene, "key new --file open --no-passphrase --type ecdsa --bits 384").exits(0).says(&["NOT locked"]);
    assert_eq!(bare(&scene, "key show open --json").exits(0).json()[0]["locked"], false);
}

#[test]
fn every_format_goes_both_ways() {
    let scene = Scene::new();
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let line = run(&scene, &format!("key new --file {kind} --type {kind} --comment me@work")).exits(0).out;
        for (to, more) in [("openssh-private", ""), ("pkcs8", ""), ("ppk", ""), ("ppk", " --ppk-version 2")] {
            let out = format!("{kind}-{to}{}", more.replace(' ', ""));
            run(&scene, &format!("key convert {kind} --to {to}{more} --out {out}")).exits(0).says(&["locked", &out]);
            assert_eq!(mode(&scene.here(&out)), 0o600);
            let shown = bare(&scene, &format!("key show {out} --json")).exits(0).json();
            assert_eq!((&shown[0]["kind"], &shown[0]["locked"]), (&"private-key".into(), &true.into()));
            // PKCS#8 hides its public half, and has no comment.
            let (public, expected) = match to {
                "pkcs8" => (run(&scene, &format!("key convert {out}")).exits(0), line.replace(" me@work", "")),
                _ => (bare(&scene, &format!("key convert {out}")).exits(0), line.clone()),
            };
            // A locked file of OpenSSH's hides the comment alone.
            assert_eq!(public.out, if to == "openssh-private" { line.replace(" me@work", "") } else { expected }, "{out}");
            bare(&scene, &format!("key convert {out} --to pkcs8 --out x")).fails(5, &["no terminal"]);
            run(&scene, &format!("key convert {out} --to pkcs8")).fails(2, &["to a file only", "--out"]);
            run(&scene, &format!("key convert {out} --to pkcs8 --out {kind}")).fails(8, &["it is there already"]);
        }
        let rfc = bare(&scene, &format!("key convert {kind} --to rfc4716 --out {kind}.4716")).exits(0);
        assert_eq!(rfc.out, "");
        assert!(scene.read(&format!("{kind}.4716")).starts_with("---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"me@work\"\n"));
        assert_eq!(bare(&scene, &format!("key convert {kind}.4716")).exits(0).out, line);
        bare(&scene, &format!("key convert {kind}.4716 --to ppk --out x")).fails(8, &["only the public half"]);
        assert!(!scene.here("x").exists());
    }
}

#[test]
fn the_new_file_keeps_the_passphrase_or_takes_another() {
    let scene = Scene::new();
    run(&scene, "key new --file old").exits(0);
    let opens = |file: &str, passphrase: &str, code: i32| {
        let line = format!("key convert {file} --to pkcs8 --no-passphrase --out {file}.{code}");
        bare(&scene, &line).env("SEALIFT_PASSPHRASE", passphrase).exits(code);
    };
    run(&scene, "key convert old --to ppk --out same").exits(0);
    opens("same", OWN, 0);
    run(&scene, "key convert old --to ppk --out other").env("SEALIFT_NEW_PASSPHRASE", FILE).exits(0);
    opens("other", OWN, 5);
    opens("other", FILE, 0);
    // One that was open takes the passphrase at hand.
    run(&scene, "key convert same.0 --to openssh-private --out locked").exits(0);
    opens("locked", OWN, 0);
    bare(&scene, "key convert same.0 --to openssh-private --out x").fails(5, &["no terminal"]);
}

#[test]
fn what_is_shown_and_listed() {
    let scene = Scene::new();
    run(&scene, "key new bank --type ecdsa --bits 521 --comment ann@work").exits(0);
    let shown = bare(&scene, "key show bank --json").exits(0).json().remove(0);
    for (field, value) in
        [("kind", "private-key"), ("format", "OpenSSH"), ("cipher", "aes256-ctr"), ("key_algorithm", "ecdsa-sha2-nistp521")]
    {
        assert_eq!(shown[field], value, "{shown}");
    }
    assert_eq!((&shown["key_bits"], &shown["locked"], &shown["comment"]), (&521.into(), &true.into(), &"ann@work".into()));
    assert!(shown["md5"].as_str().unwrap().starts_with("MD5:") && shown.get("mode_problem").is_none(), "{shown}");
    let file = scene.home("data/ssh/bank");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let words = bare(&scene, "key show bank").exits(0).out;
    assert!(words.contains("0640") && words.contains("chmod 600"), "{words}");

    fs::create_dir(scene.home(".ssh")).unwrap();
    let usual = scene.home(".ssh/id_ed25519");
    bare(&scene, &format!("key new --file {} --no-passphrase", usual.display())).exits(0);
    fs::write(scene.home("data/ssh/notes.txt"), "no key").unwrap();
    let listed = bare(&scene, "key list --json").exits(0).json();
    let facts: Vec<_> = listed.iter().map(|key| (key["place"].as_str().unwrap(), key["locked"] == true)).collect();
    assert_eq!(facts, [("sealift", true), ("ssh", false)]);
    assert_eq!((&listed[0]["name"], &listed[0]["sha256"], &listed[0]["mode_problem"]), (&"bank".into(), &shown["sha256"], &"0640".into()));
    let lines = bare(&scene, "key list").exits(0).out;
    assert!(lines.contains("ann@work (locked; others may read it (mode 0640): chmod 600)") && lines.contains("(NOT locked)"), "{lines}");
    bare(&scene, "key show nothing").fails(8, &["nothing", "key list"]);
    scene.put("text", b"hello");
    bare(&scene, "key show text").fails(8, &["text: this is no SSH key"]);
}

#[test]
fn the_sheet_has_the_key_twice_and_no_secret() {
    let scene = Scene::new();
    let line = run(&scene, "key new bank --comment ann@work").exits(0).out;
    let sheet = bare(&scene, "key sheet bank").exits(0).out;
    let rfc = bare(&scene, "key convert bank --to rfc4716").exits(0).out;
    let shown = bare(&scene, "key show bank --json").exits(0).json().remove(0);
    for part in [&line, &rfc, shown["md5"].as_str().unwrap(), "wc -l", ">> ~/.ssh/authorized_keys", "chmod 600", "SHA256:"] {
        assert!(sheet.contains(part), "{part}\n{sheet}");
    }
    assert!(!sheet.contains("PRIVATE"));
    bare(&scene, "key sheet bank.pub --out sheet.txt").fails(8, &[]);
    bare(&scene, &format!("key sheet {} --out sheet.txt", scene.home("data/ssh/bank.pub").display())).exits(0);
    assert_eq!(scene.read("sheet.txt"), sheet);
}

#[test]
fn a_key_is_installed_and_tried_or_taken_back() {
    let scene = Scene::new();
    let line = run(&scene, "key new bank --comment ann@work").exits(0).out;
    let other = run(&scene, "key new other").exits(0).out;
    let (_server, to) = server(&scene, &line);
    let installed = |key: &str, more: &str| run(&scene, &format!("key install {key} {to}{more}")).env("SEALIFT_PASSWORD", PASSWORD);
    let content = || content(&scene, "/.ssh/authorized_keys");
    assert_eq!(installed("bank", " --dry-run").exits(0).says(&["would be added to /.ssh/authorized_keys"]).out, line);
    assert_eq!(content(), None);
    // The server does not take this one, whatever its file says: nothing is left of it.
    installed("other", "").fails(5, &["with the key", "alone, does not work", "refused the key", "is as it was before"]);
    assert_eq!(content(), None);

    let next = format!("next: sealift ls --key bank {};", to.split_once(' ').unwrap().0);
    installed("bank", "").exits(0).says(&["added to /.ssh/authorized_keys", "a second login, with this key alone, works", &next]);
    assert_eq!(content().as_ref(), Some(&line));
    installed("bank", "").exits(0).says(&["already (line 1); nothing was written", "works"]);
    installed("other", "").fails(5, &["is as it was before"]);
    assert_eq!(content().as_ref(), Some(&line));
    installed("other", " --keep").fails(5, &["was left in"]).says(&["before-sealift"]);
    assert_eq!(content(), Some(format!("{line}{other}")));

    // A wrong passphrase is told before anything is written; a public half alone cannot be tried.
    let elsewhere = format!("key install bank {} --trust {} --batch --file keys", scene.sftp("/"), scene.sftp_print);
    let wrong = run(&scene, &elsewhere).env("SEALIFT_PASSWORD", PASSWORD).env("SEALIFT_PASSPHRASE", "wrong");
    wrong.fails(5, &["does not open this key"]);
    assert_eq!(self::content(&scene, "/keys"), None);
    scene.put("alone.pub", line.as_bytes());
    installed("alone.pub", " --file keys").exits(0).says(&["added to /keys", "was not tried"]);
    let ftp = format!("key install bank {} --trust {}", scene.ftps("/"), scene.ftps_print);
    run(&scene, &ftp).env("SEALIFT_PASSWORD", PASSWORD).fails(2, &["SSH servers only"]);
}

/// A way to `server` on which nothing goes on once there is a file of keys; what came to it then is handed over.
fn way_that_stalls(scene: &Scene, server: SocketAddr) -> (SocketAddr, mpsc::Receiver<TcpStream>) {
    let (stalled, stalling) = mpsc::channel(1);
    let tree = scene.sftp_tree.clone();
    let listener = scene.runtime.block_on(TcpListener::bind(anywhere())).unwrap();
    let address = listener.local_addr().unwrap();
    scene.runtime.spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            if tree.stat(&path("/.ssh/authorized_keys")).await.is_ok() {
                stalled.send(client).await.unwrap();
                continue;
            }
            let mut server = TcpStream::connect(server).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    });
    (address, stalling)
}

#[test]
fn an_interrupt_leaves_no_key_that_was_not_tried() {
    for (more, expected, left) in [("", None, "/.ssh/authorized_keys is as it was before"), (" --keep", Some(()), "was left in")] {
        let scene = Scene::new();
        let line = run(&scene, "key new bank").exits(0).out;
        let (server, to) = server(&scene, &line);
        let (way, mut stalling) = way_that_stalls(&scene, server.addr);
        let to = to.replace(&server.addr.to_string(), &way.to_string());
        let mut installing = run(&scene, &format!("key install bank {to}{more}")).env("SEALIFT_PASSWORD", PASSWORD);
        let child = installing.start();
        let _second_login = scene.runtime.block_on(stalling.recv()).unwrap();
        assert_eq!(content(&scene, "/.ssh/authorized_keys").as_ref(), Some(&line));
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        let ran = Ran::from(child.wait_with_output().unwrap()).says(&["interrupted", "was stopped before the server answered", left]);
        assert_eq!((ran.code, content(&scene, "/.ssh/authorized_keys")), (Some(130), expected.map(|()| line)), "{ran}");
    }
}

#[test]
fn no_passphrase_and_no_private_number_is_in_any_output_log_file_or_on_any_server() {
    let scene = Scene::new();
    let line = run(&scene, "key new bank").exits(0).out;
    let (_server, to) = server(&scene, &line);
    let mut said = Vec::new();
    for (line, ok) in [
        (format!("key install bank {to}"), true),
        ("key convert bank --to ppk --out bank.ppk".to_owned(), true),
        ("key convert bank --to pkcs8 --out bank.pem".to_owned(), true),
        ("key show bank.ppk --json".to_owned(), true),
        ("key list".to_owned(), true),
        ("key sheet bank.pem".to_owned(), true),
        ("key convert bank --to openssh-private".to_owned(), false),
    ] {
        let mut run = run(&scene, &line).env("SEALIFT_PASSWORD", PASSWORD).env("SEALIFT_NEW_PASSPHRASE", OWN);
        let output = run.start().wait_with_output().unwrap();
        assert_eq!(output.status.success(), ok, "{line}\n{}", String::from_utf8_lossy(&output.stderr));
        said.extend([output.stdout, output.stderr].concat());
    }
    assert_eq!(content(&scene, "/.ssh/authorized_keys"), Some(line));
    run(&scene, "key convert bank --to pkcs8 --no-passphrase --out open.pem").exits(0);
    let open = fs::read_to_string(scene.here("open.pem")).unwrap();
    fs::remove_file(scene.here("open.pem")).unwrap();
    let number = open.lines().nth(1).unwrap()[24..60].to_owned();
    for needle in [OWN, &number, "BEGIN PRIVATE KEY"] {
        assert!(!said.windows(needle.len()).any(|window| window == needle.as_bytes()), "{}", String::from_utf8_lossy(&said));
        let mut found = Vec::new();
        holding(&scene.home(""), needle.as_bytes(), &mut found);
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn a_password_brought_along_does_where_a_key_nobody_named_cannot_be_opened() {
    let scene = Scene::new();
    run(&scene, "key new bank").exits(0);
    let (_server, to) = server(&scene, &fs::read_to_string(scene.home("data/ssh/bank.pub")).unwrap());
    bare(&scene, &format!("ls {to}")).env("SEALIFT_PASSWORD", PASSWORD).exits(0);
    bare(&scene, &format!("ls {to}")).fails(5, &["passphrase"]);
    bare(&scene, &format!("ls --key bank {to}")).env("SEALIFT_PASSWORD", PASSWORD).fails(5, &["passphrase"]);
}
