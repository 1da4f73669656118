//! An FTPS and an SFTP server, a home folder, a working folder, and the program in the middle.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift::model::FilePath;
use sealift::secrets::Secret;
use sealift::server::ftp::{FtpOptions, FtpServer};
use sealift::server::sftp::{SftpOptions, SftpServer};
use sealift::server::{HostKey, Running, ServerIdentity, Users};
use sealift::trust::Fingerprint;
use sealift::vfs::{FileSystem, MemoryFileSystem};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Ann's password; nothing else in any test contains it.
pub const PASSWORD: &str = "correct-horse-7421";

pub struct Scene {
    pub runtime: Runtime,
    folder: TempDir,
    pub ftps: Option<Running>,
    pub ftps_tree: MemoryFileSystem,
    pub ftps_print: Fingerprint,
    pub sftp: Option<Running>,
    pub sftp_tree: MemoryFileSystem,
    pub sftp_print: Fingerprint,
}

pub fn path(text: &str) -> FilePath {
    FilePath::try_from(text).unwrap()
}

pub fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

pub fn users() -> Users {
    Users::one("ann", Secret::new(PASSWORD.to_owned()))
}

pub fn fingerprint_of(key: &HostKey) -> Fingerprint {
    Fingerprint::of(&STANDARD.decode(key.public_openssh().split(' ').nth(1).unwrap()).unwrap())
}

fn tree(runtime: &Runtime) -> MemoryFileSystem {
    let tree = MemoryFileSystem::new();
    for (name, content) in
        [("/a.txt", "hello"), ("/.hidden", "h"), ("/sub/b.txt", "below"), ("/sub/deep/c.txt", "deep"), ("/100% sure; #1?.txt", "odd")]
    {
        tree.put(&path(name), content.as_bytes()).unwrap();
    }
    runtime.block_on(tree.make_symlink(&path("/link"), b"sub")).unwrap();
    tree
}

impl Scene {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (ftps_tree, sftp_tree) = (tree(&runtime), tree(&runtime));
        let identity = ServerIdentity::for_this_machine().unwrap();
        let ftps_print = Fingerprint::of(identity.leaf());
        let mut ftp = FtpOptions::new(Arc::new(ftps_tree.clone()), users(), Some(identity), anywhere());
        ftp.raw_names = true;
        ftp.limits.failed_login_delay = Duration::from_millis(1);
        let key = HostKey::throwaway().unwrap();
        let sftp_print = fingerprint_of(&key);
        let mut ssh = SftpOptions::new(Arc::new(sftp_tree.clone()), users(), key, anywhere());
        ssh.limits.failed_login_delay = Duration::from_millis(1);
        let (ftps, sftp) = runtime.block_on(async { (FtpServer::start(ftp).await.unwrap(), SftpServer::start(ssh).await.unwrap()) });
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("work")).unwrap();
        Self { runtime, folder, ftps: Some(ftps), ftps_tree, ftps_print, sftp: Some(sftp), sftp_tree, sftp_print }
    }

    /// `name` in the folder the program is started in.
    pub fn here(&self, name: &str) -> PathBuf {
        self.folder.path().join("work").join(name)
    }

    /// `name` in the home folder.
    pub fn home(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file in the folder the program is started in.
    pub fn put(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.here(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.here(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// A URL on the FTPS server; `path` is percent-encoded already.
    pub fn ftps(&self, path: &str) -> String {
        format!("ftpes://ann@{}{path}", self.ftps.as_ref().unwrap().addr)
    }

    /// A URL on the SFTP server.
    pub fn sftp(&self, path: &str) -> String {
        format!("sftp://ann@{}{path}", self.sftp.as_ref().unwrap().addr)
    }

    /// The same path on both servers, with the tree behind it.
    pub fn both(&self, path: &str) -> [(String, MemoryFileSystem); 2] {
        [(self.ftps(path), self.ftps_tree.clone()), (self.sftp(path), self.sftp_tree.clone())]
    }

    /// The environment of every run, as a list.
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let at = |name: &str| self.folder.path().join(name);
        vec![
            ("HOME", at("")),
            ("PATH", "/usr/bin:/bin".into()),
            ("TZ", "UTC".into()),
            ("SEALIFT_CONFIG_DIR", at("config")),
            ("SEALIFT_DATA_DIR", at("data")),
            ("SEALIFT_STATE_DIR", at("state")),
            // Not the keyring of whoever runs the tests.
            ("SEALIFT_KEYRING", "false".into()),
        ]
    }

    /// The program without any answers brought along.
    pub fn bare(&self, arguments: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
        command.args(arguments).env_clear().envs(self.environment()).current_dir(self.here(""));
        Run { command, input: Vec::new() }
    }

    /// The program, told both servers' identities and the password.
    pub fn sealift(&self, arguments: &[&str]) -> Run {
        let [ftps, sftp] = [self.ftps_print, self.sftp_print].map(|print| print.to_string());
        let mut run = self.bare(arguments);
        run.command.args(["--trust", &ftps, "--trust", &sftp]).env("SEALIFT_PASSWORD", PASSWORD);
        run
    }

    /// What was logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("state/sealift.log")).unwrap_or_default()
    }
}

/// A run that is being prepared.
pub struct Run {
    pub command: Command,
    input: Vec<u8>,
}

impl Run {
    pub fn args(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn input(mut self, text: &str) -> Self {
        self.input = text.into();
        self
    }

    pub fn start(&mut self) -> Child {
        let mut child = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A program that does not read its input may be gone before it is written.
        drop(child.stdin.take().unwrap().write_all(&self.input));
        child
    }

    /// Runs it and holds it to its exit code.
    #[track_caller]
    pub fn exits(mut self, code: i32) -> Ran {
        let ran = Ran::from(self.start().wait_with_output().unwrap());
        assert_eq!(ran.code, Some(code), "{:?}\n{ran}", self.command.get_args());
        ran
    }

    /// Runs it and expects a failure that says what, why and what next on standard error, and nothing on standard output.
    #[track_caller]
    pub fn fails(self, code: i32, words: &[&str]) -> Ran {
        let ran = self.exits(code);
        assert_eq!(ran.out, "", "nothing but data goes to standard output");
        ran.says(words)
    }
}

/// What came of a run.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {:?}\n--- out\n{}--- err\n{}", self.code, self.out, self.err)
    }
}

impl Ran {
    /// All of `words` are on standard error, which has no control characters.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.err.contains(word), "it does not say {word:?}\n{self}");
        }
        assert!(!self.err.chars().any(|c| c.is_control() && c != '\n'), "{self}");
        self
    }

    pub fn lines(&self) -> Vec<&str> {
        self.out.lines().collect()
    }

    /// Standard output as JSON lines.
    #[track_caller]
    pub fn json(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
    }

    /// The JSON line in which `key` is `value`.
    #[track_caller]
    pub fn line_with(&self, key: &str, value: &str) -> Value {
        let found = self.json().into_iter().find(|line| line[key] == value);
        found.unwrap_or_else(|| panic!("no line with {key} {value}\n{self}"))
    }
}

/// Hex of a fingerprint nobody has.
pub fn foreign_print() -> String {
    (0..32).fold("sha256:".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
