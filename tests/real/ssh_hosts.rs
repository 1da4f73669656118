//! The built program on sshd, by hosts of an SSH configuration: keys, agents, certificates, and what is switched off.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use libtest_mimic::Trial;
use tempfile::TempDir;

use super::Harness;
use super::support::agent::Agent;
use super::support::daemon::Daemon;
use super::support::sshd::{Kind, Sshd};

const DAEMON: fn(&Sshd) -> &Daemon = |server| &server.daemon;

pub(crate) fn trials(harness: &mut Harness) -> Vec<Trial> {
    let server = harness.start("sshd by name", || Sshd::start(Kind::PublicKey));
    vec![
        harness.trial(&server, "a host's port, user and key", DAEMON, async |server| by_name(server)),
        harness.trial(&server, "a key file that is public only, and the agent", DAEMON, async |server| public_only(server)),
        harness
            .trial(&server, "a certificate beside the key, named, and with the agent's key", DAEMON, async |server| certificates(server)),
        harness.trial(&server, "the level and the key of a site", DAEMON, async |server| level_of_a_site(server)),
        harness.trial(&server, "what the configuration switches off", DAEMON, async |server| switched_off(server)),
        harness.trial(&server, "over another host", DAEMON, async |server| jumps(server)),
        harness.trial(&server, "programs there hash files unless that is switched off", DAEMON, async |server| hashes(server)),
    ]
}

/// A home folder with a configuration and with the server's key known.
fn home(server: &Sshd, lines: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let ssh = home.path().join(".ssh");
    fs::create_dir(&ssh).unwrap();
    let host = format!("Host work\n HostName 127.0.0.1\n Port {}\n User {}\n", server.daemon.port, server.user);
    fs::write(ssh.join("config"), host + lines).unwrap();
    fs::write(ssh.join("known_hosts"), format!("[127.0.0.1]:{} {}", server.daemon.port, server.host_key)).unwrap();
    home
}

fn list(server: &Sshd, home: &Path, agent: Option<&Agent>, location: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_sealift"));
    program.args(["ls", "--batch", &location.replace("@DATA@", &server.data.to_string_lossy())]);
    program.env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin").current_dir(home);
    if let Some(agent) = agent {
        program.env("SSH_AUTH_SOCK", &agent.socket);
    }
    program.output().unwrap()
}

#[track_caller]
fn works(server: &Sshd, lines: &str, agent: Option<&Agent>) {
    fs::write(server.data.join("here.txt"), "").unwrap();
    for location in ["work:@DATA@", "sftp://work@DATA@"] {
        let output = list(server, home(server, lines).path(), agent, location);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{lines}\n{told}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("here.txt"), "{lines}\n{told}");
        assert_eq!(told, "", "{lines}");
    }
}

#[track_caller]
fn fails(server: &Sshd, lines: &str, agent: Option<&Agent>, words: &str) {
    let output = list(server, home(server, lines).path(), agent, "work:@DATA@");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{lines}\n{told}");
    assert!(told.contains(words), "{lines}\n{told}");
}

fn by_name(server: &Sshd) {
    let key = server.key.display();
    works(server, &format!(" IdentityFile {key}\n"), None);
    // A key that is missing and one that is foreign come first, and do no harm.
    works(server, &format!(" IdentityFile ~/.ssh/none\n IdentityFile {}\n IdentityFile {key}\n", server.foreign_key.display()), None);
    fails(server, &format!(" IdentityFile {}\n IdentitiesOnly yes\n", server.foreign_key.display()), None, "refused the login");
}

fn public_only(server: &Sshd) {
    let agent = Agent::start().unwrap();
    agent.add(&server.foreign_key).unwrap();
    agent.add(&server.key).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let public = folder.path().join("work.pub");
    fs::copy(server.key.with_extension("pub"), &public).unwrap();
    let only = |file: &Path| format!(" IdentitiesOnly yes\n IdentityFile {}\n", file.display());
    works(server, &only(&public), Some(&agent));
    works(server, &only(&public.with_extension("")), Some(&agent));
    works(server, &format!("{} IdentityAgent {}\n", only(&public), agent.socket.display()), None);
    fails(server, &format!("{} IdentityAgent none\n", only(&public)), Some(&agent), "only its public half is here");
    fails(server, &only(&server.foreign_key), Some(&agent), "refused the login");
}

fn certificates(server: &Sshd) {
    let key = server.certified_key.display();
    works(server, &format!(" IdentityFile {key}\n"), None);
    let folder = tempfile::tempdir().unwrap();
    let (alone, certificate) = (folder.path().join("alone"), folder.path().join("signed"));
    fs::copy(&server.certified_key, &alone).unwrap();
    fs::copy(server.certified_key.with_file_name("certified_key-cert.pub"), &certificate).unwrap();
    let named = format!(" IdentityFile {}\n", alone.display());
    fails(server, &named, None, "refused the login");
    let with_certificate = format!("{named} CertificateFile {}\n", certificate.display());
    works(server, &with_certificate, None);
    let agent = Agent::start().unwrap();
    agent.add(&alone).unwrap();
    fs::remove_file(&alone).unwrap();
    works(server, &format!(" CertificateFile {}\n", certificate.display()), Some(&agent));
    fails(server, "", Some(&agent), "refused the login");
}

fn level_of_a_site(server: &Sshd) {
    for (level, key, told) in [
        ("most-secure", &server.certified_key, ""),
        ("more-secure", &server.key, ""),
        ("most-secure", &server.key, "it would be Secure there, and you want Most Secure at least"),
        ("more-secure", &server.foreign_key, "refused the login"),
    ] {
        let (key, home) = (key.display(), home(server, ""));
        let sites = home.path().join(".config/sealift/sites.toml");
        fs::create_dir_all(sites.parent().unwrap()).unwrap();
        let (user, port) = (&server.user, server.daemon.port);
        let entry = format!("name = \"lab\"\nurl = \"sftp://{user}@127.0.0.1:{port}\"\nlevel = \"{level}\"\nkey = \"{key}\"\n");
        fs::write(&sites, format!("[[site]]\n{entry}")).unwrap();
        let output = list(server, home.path(), None, "lab:@DATA@");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(if told.is_empty() { 0 } else { 5 }), "{level} {key}\n{said}");
        assert!(said.contains(told), "{level} {key}\n{said}");
    }
}

fn switched_off(server: &Sshd) {
    let key = format!(" IdentityFile {}\n", server.key.display());
    fails(server, &format!("{key} PubkeyAuthentication no\n"), None, "PublicKey");
    fails(server, &format!("{key} PreferredAuthentications password\n"), None, "the SSH configuration allows: Password");
    works(server, &format!("{key} PreferredAuthentications keyboard-interactive,publickey\n"), None);
}

fn jumps(server: &Sshd) {
    let key = server.key.display();
    works(
        server,
        &format!(
            " IdentityFile {key}\n ProxyJump gate\nHost gate\n HostName 127.0.0.1\n Port {}\n User {}\n IdentityFile {key}\n",
            server.daemon.port, server.user
        ),
        None,
    );
}

fn hashes(server: &Sshd) {
    let (user, port, key) = (&server.user, server.daemon.port, server.key.display());
    for (number, (setting, site, told)) in
        [(None, None, true), (Some("false"), None, false), (None, Some(false), false), (Some("false"), Some(true), true)]
            .into_iter()
            .enumerate()
    {
        let home = home(server, &format!(" IdentityFile {key}\n"));
        if let Some(may) = site {
            let sites = home.path().join(".config/sealift/sites.toml");
            fs::create_dir_all(sites.parent().unwrap()).unwrap();
            let entry = format!("name = \"lab\"\nurl = \"sftp://{user}@127.0.0.1:{port}\"\nremote_commands = {may}\n");
            fs::write(&sites, format!("[[site]]\n{entry}")).unwrap();
        }
        fs::write(home.path().join("file"), "content").unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_sealift"));
        program.args(["copy", "--batch", "--json", "--verify", "file", &format!("work:{}/hashed-{number}", server.data.display())]);
        program.env_clear().env("HOME", home.path()).env("PATH", "/usr/bin:/bin").current_dir(home.path());
        if let Some(setting) = setting {
            program.env("SEALIFT_REMOTE_COMMANDS", setting);
        }
        let output = program.output().unwrap();
        let [out, said] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        assert!(output.status.success(), "{said}");
        let way = if told { "told by the server" } else { "read back" };
        assert!(out.contains(way), "{setting:?} {site:?}: {out}");
    }
}
