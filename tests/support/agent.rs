//! An ssh-agent of the test's own.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Unavailable;
use super::system::run;

/// A running agent; it ends when this is dropped.
pub struct Agent {
    child: Child,
    _folder: TempDir,
    pub socket: PathBuf,
}

impl Agent {
    /// Starts one without keys.
    pub fn start() -> Result<Self, Unavailable> {
        let folder = super::daemon::folder("agent");
        let socket = folder.path().join("agent");
        let child = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| Unavailable::Absent(format!("ssh-agent: {error}")))?;
        let agent = Self { child, _folder: folder, socket };
        let end = Instant::now() + Duration::from_secs(10);
        while UnixStream::connect(&agent.socket).is_err() {
            if Instant::now() > end {
                return Err(Unavailable::Broken("ssh-agent does not listen".into()));
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        Ok(agent)
    }

    /// Gives it a key without a passphrase.
    pub fn add(&self, key: &Path) -> Result<(), Unavailable> {
        run(Command::new("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", &self.socket)).map(drop)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
