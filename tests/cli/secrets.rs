//! A secret leaves no trace.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::kept::{VAULT_PASSPHRASE, keep, opening};
use crate::scene::{PASSWORD, Scene};

/// Every file below `folder` that contains `needle`.
pub fn holding(folder: &Path, needle: &[u8], found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            holding(&path, needle, found);
        } else if fs::read(&path).unwrap().windows(needle.len()).any(|window| window == needle) {
            found.push(path.display().to_string());
        }
    }
}

#[test]
fn the_password_is_in_no_output_no_log_and_no_file() {
    let scene = Scene::new();
    for (url, _) in scene.both("/") {
        let with_password = url.replace("ann@", &format!("ann:{PASSWORD}@"));
        for run in [
            scene.sealift(&["ls", "-l", &url]),
            scene.sealift(&["ls", "--json", &with_password]),
            scene.sealift(&["cat", &url]).args(&["--password-command", &format!("echo {PASSWORD}")]),
            scene.sealift(&["cat", &url]).args(&["--password-stdin"]).input(&format!("{PASSWORD}\n")),
            scene.sealift(&["copy", "--json", &format!("{with_password}missing"), "."]),
            scene.sealift(&["ls", &with_password.replace("127.0.0.1", "nowhere.invalid")]),
            scene.sealift(&["ls", &with_password.replace('@', ";fingerprint=12@")]),
            scene.sealift(&["ls", &format!("{with_password}%zz")]),
            scene.bare(&["ls", &with_password]),
        ] {
            let mut run = run.env("SEALIFT_LOG", "trace");
            let output = run.start().wait_with_output().unwrap();
            let all = [output.stdout, output.stderr].concat();
            let all = String::from_utf8_lossy(&all);
            assert!(!all.contains(PASSWORD), "{:?}\n{all}", run.command.get_args());
        }
    }
    assert!(scene.log().contains("PASS ****"), "the log is written");
    let mut found = Vec::new();
    holding(&scene.home(""), PASSWORD.as_bytes(), &mut found);
    assert!(found.is_empty(), "{found:?}");
}

/// How a secret could stand somewhere.
fn spellings(secret: &str) -> [String; 4] {
    let hex = |upper: bool| secret.bytes().map(|byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") }).collect();
    [secret.to_owned(), STANDARD_NO_PAD.encode(secret), hex(false), hex(true)]
}

#[test]
fn what_is_kept_is_in_no_output_no_log_and_no_file_but_sealed() {
    const STALE: &str = "stale-horse-1187";
    let scene = Scene::new();
    let (url, print) = (scene.ftps("/a.txt"), scene.ftps_print.to_string());
    let label = keep(&scene, PASSWORD);
    let cat = ["cat", &url, "--batch", "--trust", &print];
    let mut said = Vec::new();
    let mut session = |arguments: &[&str]| {
        let output = opening(&scene, arguments).env("SEALIFT_LOG", "trace").start().wait_with_output().unwrap();
        said.extend([output.stdout, output.stderr].concat());
        output.status.code()
    };
    assert_eq!(session(&cat), Some(0));
    keep(&scene, STALE);
    assert_eq!(session(&cat), Some(5));
    for (arguments, code) in [
        (&["secret", "list", "--json"][..], 0),
        (&["secret", "status"], 0),
        (&["secret", "move", &label, "--to", "keyring"], 8),
        (&["secret", "vault", "passphrase", "--new-passphrase-command", "printenv SEALIFT_VAULT_PASSPHRASE || echo another"], 0),
        (&["secret", "list"], 0),
    ] {
        assert_eq!(session(arguments), Some(code), "{arguments:?}");
    }
    let said = String::from_utf8_lossy(&said);
    assert!(scene.log().contains("PASS ****") && said.contains(&label), "there is something to be searched");
    for spelling in [PASSWORD, STALE, VAULT_PASSPHRASE].into_iter().flat_map(spellings) {
        assert!(!said.contains(&spelling), "{spelling}\n{said}");
        let mut found = Vec::new();
        holding(&scene.home(""), spelling.as_bytes(), &mut found);
        assert!(found.is_empty(), "{spelling}: {found:?}");
    }
    // A command that is run for a secret sees no other one.
    opening(&scene, &["secret", "forget", &label]).fails(5, &["does not open the vault"]);
    opening(&scene, &["secret", "forget", &label]).env("SEALIFT_VAULT_PASSPHRASE", "another").exits(0);
}

/// What it starts is limited as it is.
#[test]
fn no_core_file_is_written() {
    let scene = Scene::new();
    let limits = format!("grep 'core file' /proc/self/limits >limits; echo {PASSWORD}");
    let run = scene.sealift(&["ls", &scene.sftp("/")]).args(&["--password-command", &limits]);
    let mut command = std::process::Command::new("/bin/sh");
    let program = run.command.get_program();
    command.args(["-c", "ulimit -c unlimited; exec \"$@\"", "sh"]).arg(program).args(run.command.get_args());
    let status = command.env_clear().envs(scene.environment()).current_dir(scene.here("")).status().unwrap();
    assert!(status.success());
    let limits = scene.read("limits");
    assert_eq!(limits.split_whitespace().nth(4), Some("0"), "{limits}");
}
