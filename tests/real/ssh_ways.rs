//! OpenSSH on the way and at its end: known_hosts that both read and write, host certificates, ProxyJump, ProxyCommand.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use libtest_mimic::Trial;
use sealift::ask::{ScriptedPrompter, TrustAnswer};
use sealift::config::sites::SiteBook;
use sealift::engine::{
    Advice, ConnectFailure, Engine, HostKeyFiles, KeySources, Services, SessionFacts, SessionTiming, SshOptions, SshRole, SshRoute, Target,
    TrustBasis,
};
use sealift::identity::x509::authority::AuthorityStore;
use sealift::identity::x509::store::IdentityStore;
use sealift::model::{Endpoint, Protocol, Site, SiteOptions};
use sealift::protocols::ftp::DataMode;
use sealift::protocols::tls::Roots;
use sealift::secrets::{Keep, Keyring, SecretStore};
use sealift::trust::store::TrustStore;
use tempfile::TempDir;

use super::Harness;
use super::support::daemon::Daemon;
use super::support::sshd::{Kind, Sshd};

/// Servers on a way, and one that lets nothing through.
struct Servers {
    near: Sshd,
    far: Sshd,
    last: Sshd,
    closed: Sshd,
}

const DAEMON: fn(&Servers) -> &Daemon = |servers| &servers.near.daemon;

pub(crate) fn trials(harness: &mut Harness) -> Vec<Trial> {
    let servers = harness.start("sshd behind sshd", || {
        let [near, far, last] = [Sshd::start(Kind::PublicKey)?, Sshd::start(Kind::PublicKey)?, Sshd::start(Kind::PublicKey)?];
        Ok(Servers { near, far, last, closed: Sshd::start(Kind::NoSftp)? })
    });
    vec![
        harness.trial(&servers, "two hosts on the way, and ssh accepts what was written of them", DAEMON, two_hops),
        harness.trial(&servers, "known_hosts means what it means to ssh, certificates included", DAEMON, known_hosts),
        harness.trial(&servers, "ssh -W as ProxyCommand", DAEMON, proxy_command),
        harness.trial(&servers, "a host that lets nothing through", DAEMON, closed_hop),
    ]
}

fn site(server: &Sshd) -> Site {
    Site {
        protocol: Protocol::Sftp,
        endpoint: Endpoint::new("127.0.0.1", server.daemon.port),
        user: Some(server.user.clone()),
        default_port_named: false,
    }
}

/// Somebody with a known_hosts file, and a key for each server.
struct Person {
    folder: TempDir,
    prompter: Arc<ScriptedPrompter>,
}

impl Person {
    fn new(answers: usize) -> Self {
        let prompter = (0..answers).fold(ScriptedPrompter::default(), |prompter, _| prompter.trusting(TrustAnswer::Always));
        Self { folder: tempfile::tempdir().unwrap(), prompter: Arc::new(prompter) }
    }

    fn known_hosts(&self) -> PathBuf {
        self.folder.path().join("known_hosts")
    }

    async fn connect(&self, servers: &Servers, to: &Sshd, route: SshRoute) -> Result<SessionFacts, ConnectFailure> {
        let keys: Vec<_> = [&servers.near, &servers.far, &servers.last, &servers.closed]
            .iter()
            .map(|server| (server.daemon.port, server.key.clone()))
            .collect();
        let ssh = move |site: &Site, role| {
            let own = keys.iter().filter(|(port, _)| *port == site.endpoint.port).map(|(_, key)| key.clone()).collect();
            let route = if role == SshRole::Hop { SshRoute::Direct } else { route.clone() };
            Ok(SshOptions { route, keys: Some(KeySources { files: own, ..KeySources::default() }), ..SshOptions::default() })
        };
        let services = Services {
            journal: None,
            prompter: self.prompter.clone(),
            trust: Arc::new(TrustStore::open(self.folder.path(), Keyring::off())),
            host_keys: Arc::new(HostKeyFiles::only(self.known_hosts())),
            roots: Roots::only(Vec::new()),
            keys: Arc::default(),
            ssh: Arc::new(ssh),
            options: Arc::new(|_| SiteOptions::default()),
            secrets: Arc::new(SecretStore::open(self.folder.path(), Keyring::off(), Keep::Never, Duration::ZERO)),
            sites: Arc::new(SiteBook::at("/nonexistent/sites.toml".into())),
            identities: IdentityStore::open(self.folder.path()),
            authorities: AuthorityStore::open(self.folder.path()),
            ssh_keys: sealift::identity::ssh_key::SshKeyFolder::open(self.folder.path()),
            local_user: String::new(),
            data_mode: DataMode::Auto,
            remote_commands: true,
            timeout: Duration::from_secs(20),
            now: Timestamp::now,
            timing: SessionTiming::default(),
            refused_identity: sealift::engine::RefusedIdentity::default(),
            queue: sealift::engine::QueueOptions::default(),
            asking: Arc::default(),
        };
        let (engine, _news) = Engine::new(services, None);
        let connected = engine.connect(Target { site: site(to), password: None, fingerprint: None }).await;
        engine.shutdown().await;
        connected
    }

    /// `ssh` to a server with nothing but this person's known_hosts.
    fn ssh(&self, to: &Sshd) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "GlobalKnownHostsFile=none"]);
        ssh.arg("-o").arg(format!("UserKnownHostsFile={}", self.known_hosts().display()));
        ssh.arg("-i").arg(&to.key).arg("-p").arg(to.daemon.port.to_string()).arg(format!("{}@127.0.0.1", to.user));
        ssh
    }
}

async fn two_hops(servers: &Servers) {
    let person = Person::new(3);
    let route = SshRoute::Jump(vec![site(&servers.near), site(&servers.far)]);
    let facts = person.connect(servers, &servers.last, route).await.unwrap();
    assert_eq!((person.prompter.asked().len(), facts.trust), (3, TrustBasis::KnownHost));
    let hops = &facts.peer.unwrap().hops;
    assert_eq!(hops.iter().map(|hop| hop.endpoint.port).collect::<Vec<_>>(), [servers.near.daemon.port, servers.far.daemon.port]);
    for server in [&servers.near, &servers.far, &servers.last] {
        let output = person.ssh(server).arg("true").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    // As ssh hides names (HashKnownHosts), they are still found.
    assert!(Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(person.known_hosts()).output().unwrap().status.success());
    person.connect(servers, &servers.last, SshRoute::Direct).await.unwrap();
    assert_eq!(person.prompter.asked().len(), 3);
}

async fn known_hosts(servers: &Servers) {
    use TrustBasis::{Authority, KnownHost};
    let port = servers.last.daemon.port;
    let (by, of_others) = (&servers.last.authority, &servers.near.authority);
    let (own, other) = (&servers.last.host_key, &servers.near.host_key);
    // The same words with another type in front are no key of that type, so one is made.
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ecdsa", "-N", "", "-f"]).arg(folder.path().join("key")).status();
    assert!(made.unwrap().success());
    let ecdsa = &fs::read_to_string(folder.path().join("key.pub")).unwrap();
    for (known_hosts, trust) in [
        (format!("[127.0.0.1]:{port} {own}"), Some(KnownHost)),
        (format!("127.0.0.1 {own}"), Some(KnownHost)),
        (format!("127.0.0.1 {other}"), None),
        (format!("127.0.0.1 {other}[127.0.0.1]:{port} {own}"), Some(KnownHost)),
        (format!("127.0.0.1 {own}[127.0.0.1]:{port} {other}"), None),
        (format!("127.0.0.1 {own}[127.0.0.1]:{port} {ecdsa}"), None),
        (format!("[127.0.0.1]:{port} {ecdsa}"), None),
        (format!("[127.0.0.1]:{port} {other}[127.0.0.1]:{port} {own}"), Some(KnownHost)),
        (format!("[127.0.0.1]:{port} {own}@revoked * {own}"), None),
        (format!("@cert-authority * {by}"), Some(Authority)),
        (format!("@cert-authority 127.0.0.1 {by}"), Some(Authority)),
        (format!("@cert-authority *.lab,[127.0.0.?]:{port} {by}"), Some(Authority)),
        (format!("@cert-authority *,!127.0.0.1 {by}"), Some(Authority)),
        (format!("@cert-authority *.lab {by}"), None),
        (format!("@cert-authority * {of_others}"), None),
        (format!("@cert-authority * {of_others}127.0.0.1 {own}"), Some(KnownHost)),
        (format!("@cert-authority * {by}@revoked * {by}"), None),
        (format!("@cert-authority * {by}@revoked * {own}"), None),
        (format!("@cert-authority * {by}127.0.0.1 {own}@revoked 127.0.0.2 {own}"), Some(Authority)),
    ] {
        let person = Person::new(0);
        fs::write(person.known_hosts(), &known_hosts).unwrap();
        let connected = person.connect(servers, &servers.last, SshRoute::Direct).await;
        let mut ssh = person.ssh(&servers.last);
        if !known_hosts.contains("@cert-authority") {
            // ssh would get a certificate, and look for its plain key under the name alone, whatever is known with the port.
            ssh.args(["-o", "HostKeyAlgorithms=ssh-ed25519"]);
        }
        let output = ssh.arg("true").output().unwrap();
        assert_eq!(output.status.success(), trust.is_some(), "{known_hosts}{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(connected.ok().map(|facts| facts.trust), trust, "{known_hosts}");
    }
}

async fn proxy_command(servers: &Servers) {
    let person = Person::new(2);
    person.connect(servers, &servers.near, SshRoute::Direct).await.unwrap();
    let mut ssh = person.ssh(&servers.near);
    ssh.arg("-W").arg(format!("127.0.0.1:{}", servers.last.daemon.port));
    let words = std::iter::once(ssh.get_program()).chain(ssh.get_args()).map(|word| word.to_str().unwrap());
    let command = words.collect::<Vec<_>>().join(" ");
    let facts = person.connect(servers, &servers.last, SshRoute::Command(command.clone())).await.unwrap();
    assert!(facts.peer.unwrap().hops.is_empty() && person.prompter.asked().len() == 2);
    // The same without a key that is let in.
    let stranger = command.replace(servers.near.key.to_str().unwrap(), servers.near.foreign_key.to_str().unwrap());
    let refused = person.connect(servers, &servers.last, SshRoute::Command(stranger)).await.unwrap_err();
    let advice = Advice::from(&refused);
    assert!(["exit status: 255", "Permission denied"].iter().all(|words| advice.why.contains(words)), "{advice:?}");
}

async fn closed_hop(servers: &Servers) {
    let refused = Person::new(1).connect(servers, &servers.last, SshRoute::Jump(vec![site(&servers.closed)])).await;
    let advice = Advice::from(&refused.unwrap_err());
    assert!(advice.why.contains("lets no connections through"), "{advice:?}");
}
