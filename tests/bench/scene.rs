//! What the programs are let loose on: servers, data in memory, and each program's way of saying the same thing.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::proxy;
use crate::support::daemon::Daemon;
use crate::support::sshd::{Kind, Sshd};
use crate::support::vsftpd::{Options, Vsftpd};

/// The long line of the rows that say "50 ms".
const ROUND_TRIP: Duration = Duration::from_millis(50);
/// Control port and passive ports of one server.
const PORTS: u16 = 150;

/// What is run, and on what data.
pub struct Scene {
    /// The program that is measured.
    pub binary: PathBuf,
    /// A folder in memory that goes with the run.
    pub folder: PathBuf,
    pub rounds: usize,
    /// Less data, for trying.
    pub quick: bool,
}

/// How far away a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    Loopback,
    Long,
}

impl Line {
    pub fn host(self) -> String {
        if self == Self::Loopback { "127.0.0.1".to_owned() } else { proxy::FAR.to_string() }
    }
}

impl Scene {
    /// A number of things, or a part of it for trying.
    pub fn amount(&self, whole: u64) -> u64 {
        if self.quick { (whole / 16).max(1) } else { whole }
    }

    /// The program itself, with settings of its own.
    pub fn sealift(&self) -> Command {
        let mut command = Command::new(&self.binary);
        for name in ["SEALIFT_CONFIG_DIR", "SEALIFT_STATE_DIR", "SEALIFT_DATA_DIR"] {
            command.env(name, self.folder.join("own").join(name));
        }
        command.env("SEALIFT_KEYRING", "false").env("HOME", self.folder.join("own"));
        command
    }

    /// One file of random bytes; kept for other rows.
    pub fn file(&self, bytes: u64) -> Result<PathBuf, String> {
        let path = self.folder.join(format!("file-{bytes}")).join("file");
        if !path.exists() {
            make_parent(&path)?;
            let piece = noise(4 << 20);
            let mut file = fs::File::create(&path).map_err(told(&path))?;
            let mut left = bytes as usize;
            while left > 0 {
                let length = left.min(piece.len());
                file.write_all(&piece[..length]).map_err(told(&path))?;
                left -= length;
            }
        }
        Ok(path)
    }

    /// `files` files of `bytes` in folders of at most `in_one`; kept for other rows.
    pub fn tree(&self, files: u64, in_one: u64, bytes: impl Fn(u64) -> u64) -> Result<PathBuf, String> {
        let path = self.folder.join(format!("tree-{files}-{in_one}-{}", bytes(0))).join("tree");
        if !path.exists() {
            let piece = noise(64 << 10);
            for number in 0..files {
                let folder = if in_one >= files { path.clone() } else { path.join(format!("folder {}", number / in_one)) };
                if number % in_one == 0 {
                    fs::create_dir_all(&folder).map_err(told(&folder))?;
                }
                let file = folder.join(format!("file {number}.dat"));
                fs::write(&file, &piece[..bytes(number) as usize]).map_err(told(&file))?;
            }
        }
        Ok(path)
    }

    /// A new empty folder inside `place` that every user may write.
    pub fn fresh(place: &Path, name: &str) -> Result<PathBuf, String> {
        let path = place.join(name);
        fs::create_dir_all(&path).map_err(told(&path))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).map_err(told(&path))?;
        Ok(path)
    }
}

fn make_parent(path: &Path) -> Result<(), String> {
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(told(path))
}

fn told(path: &Path) -> impl Fn(std::io::Error) -> String {
    let path = path.display().to_string();
    move |error| format!("{path}: {error}")
}

/// Bytes that compress to nothing less.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..=length / 8).flat_map(|_| next()).take(length).collect()
}

/// OpenSSH's server, and how it is reached by its clients.
pub struct SshScene {
    pub server: Sshd,
    configuration: PathBuf,
}

impl SshScene {
    pub fn start(scene: &Scene) -> Result<Self, String> {
        let server = Sshd::start(Kind::PublicKey).map_err(|why| why.to_string())?;
        let own = server.daemon.folder().join("sshd_config");
        let said = fs::read_to_string(&own).map_err(told(&own))?;
        // The research behind the table was done with this cipher, which both ends do in hardware.
        let said = said.replace("LogLevel VERBOSE", "LogLevel ERROR\nCiphers aes128-gcm@openssh.com");
        fs::write(&own, said).map_err(told(&own))?;
        server.daemon.restart();
        proxy::start(server.daemon.port..=server.daemon.port, ROUND_TRIP)?;
        let known = scene.folder.join("known_hosts");
        let lines = [Line::Loopback, Line::Long].map(|line| format!("[{}]:{} {}", line.host(), server.daemon.port, server.host_key.trim()));
        fs::write(&known, lines.join("\n") + "\n").map_err(told(&known))?;
        let configuration = scene.folder.join("ssh_config");
        let words = format!(
            "Host *\n  User {}\n  Port {}\n  IdentityFile {}\n  IdentitiesOnly yes\n  UserKnownHostsFile {}\n",
            server.user,
            server.daemon.port,
            server.key.display(),
            known.display()
        );
        fs::write(&configuration, words).map_err(told(&configuration))?;
        fs::set_permissions(&configuration, fs::Permissions::from_mode(0o600)).map_err(told(&configuration))?;
        Ok(Self { server, configuration })
    }

    /// `verb` of sealift, so that locations may follow.
    pub fn sealift(&self, scene: &Scene, verb: &str) -> Command {
        let mut command = scene.sealift();
        command.args([verb, "--batch", "-F"]).arg(&self.configuration);
        command
    }

    /// The two panes.
    pub fn panes(&self) -> Vec<String> {
        vec!["-F".to_owned(), self.configuration.display().to_string()]
    }

    pub fn url(&self, line: Line, path: &Path) -> String {
        format!("sftp://{}@{}:{}{}", self.server.user, line.host(), self.server.daemon.port, path.display())
    }

    /// OpenSSH's client, which does `orders`.
    pub fn sftp(&self, scene: &Scene, line: Line, orders: &str) -> Result<Command, String> {
        let batch = scene.folder.join("sftp-orders");
        fs::write(&batch, orders).map_err(told(&batch))?;
        let mut command = Command::new("sftp");
        command.arg("-q").arg("-F").arg(&self.configuration).arg("-b").arg(batch).arg(line.host());
        Ok(command)
    }

    pub fn lftp(&self, line: Line, orders: &str) -> Command {
        let mut command = Command::new("lftp");
        let connect = format!("ssh -a -x -F {}", self.configuration.display());
        let open = format!("open -u {},x sftp://{}:{}", self.server.user, line.host(), self.server.daemon.port);
        command.arg("-c").arg(format!("set sftp:connect-program '{connect}'; {open}; {orders}"));
        command
    }
}

/// vsftpd over TLS, and how it is reached.
pub struct FtpsScene {
    pub server: Vsftpd,
    fingerprint: String,
}

impl FtpsScene {
    pub fn start() -> Result<Self, String> {
        let server = Vsftpd::start(Options::default()).map_err(|why| why.to_string())?;
        let port = server.ftp.daemon.port;
        proxy::start(port..=port + (PORTS - 1), ROUND_TRIP)?;
        let fingerprint =
            Sha256::digest(&server.ftp.certificates.server).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        Ok(Self { server, fingerprint })
    }

    fn daemon(&self) -> &Daemon {
        &self.server.ftp.daemon
    }

    /// `verb` of sealift, so that locations may follow.
    pub fn sealift(&self, scene: &Scene, verb: &str) -> Command {
        let mut command = scene.sealift();
        command
            .args([verb, "--batch", "--trust", &format!("sha256:{}", self.fingerprint)])
            .env("SEALIFT_PASSWORD", &self.server.ftp.password);
        command
    }

    /// A path of this machine as the server's clients see it.
    pub fn path(&self, path: &Path) -> String {
        format!("/{}", path.strip_prefix(&self.server.ftp.data).unwrap_or(path).display())
    }

    pub fn url(&self, line: Line, path: &Path) -> String {
        format!("ftpes://{}@{}:{}{}", self.server.ftp.user, line.host(), self.daemon().port, self.path(path))
    }

    pub fn curl(&self, line: Line, path: &str) -> Command {
        let mut command = Command::new("curl");
        let login = format!("{}:{}", self.server.ftp.user, self.server.ftp.password);
        let url = format!("ftp://{}:{}{path}", line.host(), self.daemon().port);
        command.args(["-sS", "-k", "--ssl-reqd", "-u", &login, &url]);
        command
    }

    pub fn lftp(&self, line: Line, orders: &str) -> Command {
        let mut command = Command::new("lftp");
        let set = "set ssl:verify-certificate no; set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set ftp:prefer-epsv yes";
        let open = format!("open -u {},'{}' -p {} {}", self.server.ftp.user, self.server.ftp.password, self.daemon().port, line.host());
        command.arg("-c").arg(format!("{set}; {open}; {orders}"));
        command
    }
}
