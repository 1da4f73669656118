//! OpenSSH's sshd, as root or as an ordinary user (then with keys only, and only for that user).

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::Unavailable;
use super::daemon::{Daemon, Ports, folder, program};
use super::system::{SystemUser, need_root, run};

/// How it lets people in, and what they find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Public keys only.
    PublicKey,
    /// Public keys and passwords (root).
    Password,
    /// Keyboard-interactive through PAM (root).
    KeyboardInteractive,
    /// A public key and then a password (root).
    KeyThenPassword,
    /// Passwords, and the keys in the user's own `~/.ssh/authorized_keys`, with OpenSSH's own checks and limits (root).
    Home,
    /// Public keys; no SFTP subsystem, and no way on to other hosts.
    NoSftp,
    /// Public keys; new keys are exchanged every 4 MiB, and there are three sessions to a connection.
    Rekeying,
    /// Public keys; whatever is asked for, it is SFTP.
    SftpOnly,
    /// Public keys; the shell that starts SFTP prints a greeting first (root).
    Noisy,
}

/// A running sshd with one user and that user's keys.
pub struct Sshd {
    pub daemon: Daemon,
    pub user: String,
    /// Where the user has one.
    pub password: Option<String>,
    /// Ed25519, without a passphrase, authorized.
    pub key: PathBuf,
    /// Ed25519, with the passphrase [`PASSPHRASE`], authorized.
    pub locked_key: PathBuf,
    /// Ed25519, without a passphrase, not authorized.
    pub foreign_key: PathBuf,
    /// RSA, without a passphrase, not authorized itself: beside it lies a certificate that is.
    pub certified_key: PathBuf,
    /// The host key's public half, a line as of known_hosts without the host.
    pub host_key: String,
    /// The public half of the authority that signed the host key for 127.0.0.1 and the certificate of a user.
    pub authority: String,
    /// A folder the user may write.
    pub data: PathBuf,
    _account: Option<SystemUser>,
}

/// The passphrase of [`Sshd::locked_key`].
pub const PASSPHRASE: &str = "open sesame";

impl Sshd {
    pub fn start(kind: Kind) -> Result<Self, Unavailable> {
        // A start as another path than its own is refused by sshd itself: it runs itself again for every session.
        let binary = program("usr/sbin/sshd")?;
        let with_account = matches!(kind, Kind::Password | Kind::KeyboardInteractive | Kind::KeyThenPassword | Kind::Noisy | Kind::Home);
        if with_account {
            need_root("sshd with a user of its own")?;
        }
        let folder = folder("sshd");
        let inside = folder.path().to_owned();
        let data = inside.join("data");
        fs::create_dir(&data).unwrap();
        let account = with_account.then(|| SystemUser::make(&data)).transpose()?;
        let user = match &account {
            Some(account) => account.name.clone(),
            None => run(Command::new("id").arg("-un"))?.trim().to_owned(),
        };
        let make_key = |name: &str, passphrase: &str| {
            let path = inside.join(name);
            run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-C", name, "-N", passphrase, "-f"]).arg(&path)).map(|_| path)
        };
        let host = make_key("host_key", "")?;
        let authority = make_key("authority", "")?;
        let sign = ["-q", "-h", "-I", "the host", "-n", "localhost,127.0.0.1", "-s"];
        run(Command::new("ssh-keygen").args(sign).arg(&authority).arg(host.with_extension("pub")))?;
        let key = make_key("key", "")?;
        let locked_key = make_key("locked_key", PASSPHRASE)?;
        let foreign_key = make_key("foreign_key", "")?;
        let public = |path: &PathBuf| fs::read_to_string(path.with_extension("pub")).unwrap();
        let certified_key = inside.join("certified_key");
        run(Command::new("ssh-keygen").args(["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f"]).arg(&certified_key))?;
        run(Command::new("ssh-keygen")
            .args(["-q", "-I", "test", "-n", &user, "-V", "-5m:+1h", "-s"])
            .arg(&authority)
            .arg(certified_key.with_extension("pub")))?;
        fs::write(inside.join("authorized_keys"), public(&key) + &public(&locked_key)).unwrap();

        let ports = Ports::choose();
        let yes = |on: bool| if on { "yes" } else { "no" };
        let mut configuration = format!(
            "Port {port}
ListenAddress 127.0.0.1
HostKey {host}
HostCertificate {host}-cert.pub
PidFile {inside}/pid
AuthorizedKeysFile {keys}
TrustedUserCAKeys {inside}/authority.pub
StrictModes {strict}
UsePAM {pam}
PasswordAuthentication {password}
KbdInteractiveAuthentication {interactive}
PubkeyAuthentication {key}
PermitRootLogin yes
MaxStartups 100:30:200
MaxSessions {sessions}
MaxAuthTries {tries}
UseDNS no
LogLevel VERBOSE
",
            port = ports.control,
            host = host.display(),
            inside = inside.display(),
            keys = if kind == Kind::Home { ".ssh/authorized_keys".to_owned() } else { format!("{}/authorized_keys", inside.display()) },
            strict = yes(kind == Kind::Home),
            sessions = if kind == Kind::Rekeying { 3 } else { 64 },
            tries = if kind == Kind::Home { 6 } else { 20 },
            pam = yes(kind == Kind::KeyboardInteractive),
            password = yes(matches!(kind, Kind::Password | Kind::KeyThenPassword | Kind::Home)),
            interactive = yes(kind == Kind::KeyboardInteractive),
            key = yes(kind != Kind::KeyboardInteractive),
        );
        if kind == Kind::KeyThenPassword {
            configuration.push_str("AuthenticationMethods publickey,password\n");
        }
        match kind {
            Kind::NoSftp => configuration.push_str("AllowTcpForwarding no\n"),
            Kind::Noisy => {
                let server = program("usr/lib/openssh/sftp-server")?;
                writeln!(configuration, "Subsystem sftp {}", server.display()).unwrap();
                fs::write(data.join(".bashrc"), "echo Welcome to the machine\n").unwrap();
                run(Command::new("usermod").args(["--shell", "/bin/bash", &user]))?;
            }
            Kind::Rekeying => configuration.push_str("RekeyLimit 4M\nSubsystem sftp internal-sftp\n"),
            Kind::SftpOnly => configuration.push_str("Subsystem sftp internal-sftp\nForceCommand internal-sftp\n"),
            _ => configuration.push_str("Subsystem sftp internal-sftp\n"),
        }
        let file = inside.join("sshd_config");
        fs::write(&file, configuration).unwrap();
        run(Command::new(&binary).arg("-t").arg("-f").arg(&file))?;
        let daemon = Daemon::start("sshd", Command::new(&binary).args(["-D", "-e", "-f"]).arg(&file), folder, ports.control, Vec::new())?;
        Ok(Self {
            daemon,
            user,
            password: account.as_ref().map(|account| account.password.clone()),
            host_key: public(&host),
            authority: public(&authority),
            key,
            locked_key,
            foreign_key,
            certified_key,
            data,
            _account: account,
        })
    }
}
