//! `sealift sync` against real servers: there, nothing left to do, changed, deleted into the trash, and back.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use libtest_mimic::Trial;
use tempfile::TempDir;

use super::support::daemon::Daemon;
use super::support::sshd::{Kind, Sshd};
use super::support::system::{PamService, SystemUser};
use super::support::vsftpd::Vsftpd;
use super::support::{FtpServer, proftpd, vsftpd};
use super::{Harness, Started};
use sealift::trust::Fingerprint;

type Kept = (FtpServer, Option<(SystemUser, PamService)>);

pub(crate) fn trials(harness: &mut Harness) -> Vec<Trial> {
    let sshd = harness.start("sshd synchronised", || Sshd::start(Kind::PublicKey));
    let vsftpd = harness.start("vsftpd synchronised", || {
        let options = vsftpd::Options { require_reuse: true, ..Default::default() };
        Vsftpd::start(options).map(|server| (server.ftp, Some((server.account, server.pam))))
    });
    let proftpd = harness.start("ProFTPD synchronised", || proftpd::start(proftpd::Options::default()).map(|server| (server, None)));
    let daemon: fn(&Sshd) -> &Daemon = |server| &server.daemon;
    let mut trials = vec![harness.trial(&sshd, "there and back", daemon, async |server: &Sshd| over_sftp(server))];
    trials.extend([&vsftpd, &proftpd].map(|server| ftp_trial(harness, server)));
    trials
}

fn ftp_trial(harness: &Harness, started: &Started<Kept>) -> Trial {
    let daemon: fn(&Kept) -> &Daemon = |kept| &kept.0.daemon;
    harness.trial(started, "there and back", daemon, async |kept: &Kept| over_ftp(&kept.0))
}

fn over_sftp(server: &Sshd) {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".ssh")).unwrap();
    let known = format!("[127.0.0.1]:{} {}", server.daemon.port, server.host_key);
    fs::write(home.path().join(".ssh/known_hosts"), known).unwrap();
    let there = server.data.join("sync");
    let url = format!("sftp://{}@127.0.0.1:{}{}", server.user, server.daemon.port, there.display());
    there_and_back(&home, &there, &url, &["--key", server.key.to_str().unwrap()], "");
}

fn over_ftp(server: &FtpServer) {
    let home = tempfile::tempdir().unwrap();
    let url = format!("ftpes://{}@127.0.0.1:{}/sync", server.user, server.daemon.port);
    let trusted = Fingerprint::of(&server.certificates.server).to_string();
    there_and_back(&home, &server.data.join("sync"), &url, &["--trust", &trusted], &server.password);
}

/// `there` is what `url` names, as it lies on this machine.
fn there_and_back(home: &TempDir, there: &Path, url: &str, more: &[&str], password: &str) {
    let at = |name: &str| home.path().join(name);
    let sync = |arguments: &[&str], code: i32| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
        command.args(["sync", "--batch"]).args(arguments).args(more).env_clear().current_dir(home.path());
        command.envs([
            ("HOME", at("")),
            ("SEALIFT_CONFIG_DIR", at("config")),
            ("SEALIFT_DATA_DIR", at("data")),
            ("SEALIFT_STATE_DIR", at("state")),
        ]);
        command.envs([("PATH", "/usr/bin:/bin"), ("TZ", "UTC"), ("SEALIFT_KEYRING", "false"), ("SEALIFT_PASSWORD", password)]);
        let Output { status, stdout, stderr } = command.output().unwrap();
        let told = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert_eq!(status.code(), Some(code), "{arguments:?}\n{told}");
        told
    };
    for file in 0..40 {
        let path = at(&format!("out/d{}/e{}/file-{file}", file % 3, file % 5));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("content {file}")).unwrap();
    }
    fs::create_dir(at("out/empty")).unwrap();
    sync(&["out", url, "--delete"], 0);
    for arguments in [
        &["out", url, "--delete", "-n"][..],
        &["out", url, "--delete", "-n", "--checksum"],
        &["out", url, "--delete", "-n", "--direction", "both"],
    ] {
        sync(arguments, 0);
    }
    assert_eq!(fs::read_to_string(there.join("d0/e0/file-0")).unwrap(), "content 0");
    assert!(there.join("empty").is_dir());

    fs::write(at("out/d0/e0/file-0"), "content that grew").unwrap();
    fs::remove_file(at("out/d1/e1/file-1")).unwrap();
    fs::remove_dir_all(at("out/d2")).unwrap();
    let told = sync(&["out", url, "--delete", "--plan", "plan"], 10);
    assert!(told.contains("1 to update"), "{told}");
    sync(&["--apply", "plan"], 0);
    sync(&["out", url, "--delete", "-n"], 0);
    assert_eq!(fs::read_to_string(there.join("d0/e0/file-0")).unwrap(), "content that grew");
    assert!(!there.join("d1/e1/file-1").exists() && !there.join("d2").exists());
    let trash = fs::read_dir(there.join(".sealift-trash")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::read_to_string(trash.join("d1/e1/file-1")).unwrap(), "content 1");
    assert!(trash.join("d2/e2/file-2").exists());

    sync(&[url, "back"], 0);
    sync(&[url, "back", "-n", "--delete"], 0);
    assert_eq!(fs::read_to_string(at("back/d0/e0/file-0")).unwrap(), "content that grew");
    assert!(!at("back/.sealift-trash").exists());
}
