//! What reading the configuration needs of the machine: files, variables, the shell. Handed in, so that tests need none.

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a command of `Match exec` may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(10);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// The machine, as far as a configuration asks for it.
pub trait Surroundings: Send + Sync {
    /// A file with its owner, at most `most` bytes of it.
    fn read(&self, path: &Path, most: u64) -> io::Result<Contents>;
    /// The names in a folder; none where there is no folder.
    fn names(&self, folder: &Path) -> Vec<OsString>;
    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<String>;
    /// Whether a shell command ends well (`Match exec`); `Err`: why that cannot be told.
    fn run(&self, command: &str) -> Result<bool, String>;
}

/// What is in a file, and who can write there.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// User id of the owner.
    pub owner: u32,
    /// Group id.
    pub group: u32,
    /// Permission bits.
    pub mode: u32,
}

/// Who reads the configuration.
#[derive(Debug, Clone)]
pub struct Person {
    /// The home folder.
    pub home: PathBuf,
    /// The user's name on this machine.
    pub user: String,
    /// The user's id.
    pub id: u32,
    /// This machine's name.
    pub machine: String,
}

impl Person {
    /// The one this program runs for.
    pub fn of_this_process(home: PathBuf, user: String) -> Self {
        let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { home, user, id: rustix::process::getuid().as_raw(), machine }
    }
}

/// This machine.
pub struct ThisMachine;

impl Surroundings for ThisMachine {
    fn read(&self, path: &Path, most: u64) -> io::Result<Contents> {
        let file = std::fs::File::open(path)?;
        let facts = file.metadata()?;
        if facts.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(Contents { bytes, owner: facts.uid(), group: facts.gid(), mode: facts.mode() & 0o7777 })
    }

    fn names(&self, folder: &Path) -> Vec<OsString> {
        std::fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.file_name()).collect()).unwrap_or_default()
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn run(&self, command: &str) -> Result<bool, String> {
        let shell = self.variable("SHELL").filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".to_owned());
        let mut child = Command::new(shell)
            .arg("-c")
            .arg(command)
            .env_remove("SEALIFT_PASSWORD")
            .env_remove("SEALIFT_PASSPHRASE")
            .env_remove("SEALIFT_VAULT_PASSPHRASE")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| error.to_string())?;
        let started = Instant::now();
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status.success()),
                Ok(None) if started.elapsed() < COMMAND_LIMIT => std::thread::park_timeout(LOOK),
                ended => {
                    // With all it started. It may have ended by itself just now; then there is nothing to kill.
                    let all = rustix::process::Pid::from_child(&child);
                    rustix::process::kill_process_group(all, rustix::process::Signal::KILL).ok();
                    drop(child.wait());
                    return Err(ended
                        .err()
                        .map_or_else(|| format!("it did not end within {} seconds", COMMAND_LIMIT.as_secs()), |error| error.to_string()));
                }
            }
        }
    }
}
