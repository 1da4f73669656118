//! One child process that listens on a port: started, awaited, and killed by its id.

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Unavailable;

/// How long a server may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Ports of one server: the first for the control connection, the others for passive data connections.
///
/// Taken from below the range the kernel gives to outgoing connections, so that none of those is in the way.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    pub control: u16,
    pub passive: (u16, u16),
}

pub const PORTS_OF_ONE: u16 = 150;
const LOWEST_PORT: u16 = 12_000;
const BLOCKS: u16 = 130;

impl Ports {
    /// A block nobody listens on. Two test processes begin at different blocks.
    pub fn choose() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let own = (std::process::id() % u32::from(BLOCKS)) as u16;
        for _ in 0..BLOCKS {
            let block = own.wrapping_mul(37).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % BLOCKS;
            let control = LOWEST_PORT + block * PORTS_OF_ONE;
            let last = control + PORTS_OF_ONE - 1;
            if (control..=last).all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()) {
                return Self { control, passive: (control + 1, last) };
            }
        }
        panic!("no {PORTS_OF_ONE} free ports in a row from {LOWEST_PORT} on");
    }
}

/// The processes a process started, and those they started.
fn descendants(of: u32) -> Vec<u32> {
    let parent = |id: u32| -> Option<u32> {
        let facts = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name before it may have any characters in it.
        facts.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let all = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let parents: Vec<(u32, u32)> = all.filter_map(|id| Some((id, parent(id)?))).collect();
    let mut found = vec![of];
    let mut at = 0;
    while at < found.len() {
        found.extend(parents.iter().filter(|(_, parent)| *parent == found[at]).map(|(id, _)| *id).collect::<Vec<_>>());
        at += 1;
    }
    found.split_off(1)
}

/// A server's own folder, readable for the user its sessions run as.
pub fn folder(server: &str) -> TempDir {
    tempfile::Builder::new()
        .prefix(&format!("sealift-{server}-"))
        .permissions(Permissions::from_mode(0o755))
        .tempdir()
        .expect("a temporary folder can be made")
}

/// The user and group that FTP sessions run as, there on every Debian: `nobody`, `nogroup`.
pub const NOBODY: u32 = 65_534;

/// A folder that belongs to the user FTP sessions run as.
pub fn data_folder(inside: &Path) -> PathBuf {
    let data = inside.join("data");
    fs::create_dir(&data).unwrap();
    chown(&data, Some(NOBODY), Some(NOBODY)).unwrap();
    data
}

/// The path of a server's program: unpacked by `tests/run`, or installed.
pub fn program(place: &str) -> Result<PathBuf, Unavailable> {
    let cache = || {
        let home = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))?;
        Some(home.join("sealift-tests/servers"))
    };
    let unpacked = std::env::var_os("SEALIFT_SERVER_ROOT").map(PathBuf::from).or_else(cache);
    [unpacked, Some(PathBuf::from("/"))]
        .into_iter()
        .flatten()
        .map(|root| root.join(place))
        .find(|path| path.is_file())
        .ok_or_else(|| Unavailable::Absent("not installed".into()))
}

/// A running server. Dropping it kills it with all its sessions and removes its folder.
pub struct Daemon {
    child: Mutex<Child>,
    command: Mutex<Command>,
    folder: TempDir,
    pub name: String,
    pub port: u16,
    logs: Vec<PathBuf>,
}

impl Daemon {
    /// Starts `command`, which must stay in the foreground, and waits until it listens on `port`. Its output and the
    /// files of `logs` are shown when a test fails.
    pub fn start(name: &str, command: &mut Command, folder: TempDir, port: u16, logs: Vec<PathBuf>) -> Result<Self, Unavailable> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self::start_until(name, command, folder, port, logs, |_| TcpStream::connect_timeout(&address, START_LIMIT).is_ok())
    }

    /// Starts one that takes a connection without a question badly, and waits until it said that it listens.
    pub fn start_saying(name: &str, command: &mut Command, folder: TempDir, port: u16, words: &str) -> Result<Self, Unavailable> {
        Self::start_until(name, command, folder, port, Vec::new(), |daemon| daemon.log().contains(words))
    }

    fn start_until(
        name: &str,
        command: &mut Command,
        folder: TempDir,
        port: u16,
        mut logs: Vec<PathBuf>,
        is_ready: impl Fn(&Self) -> bool,
    ) -> Result<Self, Unavailable> {
        let output = folder.path().join("output.log");
        let log = fs::File::create(&output).unwrap();
        logs.push(output);
        // Its own process group, so that sessions end with it. setpriv: it ends also when this process is killed.
        let mut guarded = Command::new("setpriv");
        guarded.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            guarded.env(key, value.unwrap_or_default());
        }
        guarded.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).process_group(0);
        let child = guarded.spawn().map_err(|error| Unavailable::Broken(format!("{}: {error}", command.get_program().display())))?;
        let daemon = Self { child: Mutex::new(child), command: Mutex::new(guarded), folder, name: name.to_owned(), port, logs };
        match daemon.wait_until(is_ready) {
            Ok(()) => Ok(daemon),
            Err(why) => Err(Unavailable::Broken(format!("{why}\n{}", daemon.log()))),
        }
    }

    /// Ends it and starts it anew, for files it reads only then. It ends with the thread that calls this.
    pub fn restart(&self) {
        self.end();
        let child = self.command.lock().unwrap().spawn().unwrap();
        *self.child.lock().unwrap() = child;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        self.wait_until(|_| TcpStream::connect_timeout(&address, START_LIMIT).is_ok()).unwrap();
    }

    /// Ends it with all its sessions; [`Self::restart`] brings it back.
    pub fn end(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // Sessions of some servers leave the group. They are looked for first: without their parent nobody knows whose they are.
        let sessions = descendants(child.id());
        if let Some(group) = rustix::process::Pid::from_raw(child.id() as i32) {
            // Fails only where all of them have ended.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        for session in sessions.into_iter().filter_map(|id| rustix::process::Pid::from_raw(id as i32)) {
            // One that has ended is no matter.
            let _ = rustix::process::kill_process(session, rustix::process::Signal::KILL);
        }
        drop(child.wait());
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its id, which is also that of the process group of its sessions.
    pub fn id(&self) -> u32 {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).id()
    }

    /// The last lines of all its logs.
    pub fn log(&self) -> String {
        let tail = |path: &PathBuf| {
            let text = String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
            let lines: Vec<_> = text.lines().collect();
            format!("--- {} {}\n{}\n", self.name, path.display(), lines[lines.len().saturating_sub(40)..].join("\n"))
        };
        self.logs.iter().map(tail).collect()
    }

    /// How often these words stand in its logs, from the beginning.
    pub fn said(&self, words: &str) -> usize {
        self.logs.iter().map(|path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).matches(words).count()).sum()
    }

    fn wait_until(&self, is_ready: impl Fn(&Self) -> bool) -> Result<(), String> {
        let end = Instant::now() + START_LIMIT;
        loop {
            if let Ok(Some(status)) = self.child.lock().unwrap().try_wait() {
                return Err(format!("it ended with {status}"));
            }
            if is_ready(self) {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(format!("it does not listen on port {} after {START_LIMIT:?}", self.port));
            }
            // A foreign process tells nobody when it listens, so it is asked again.
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
        self.end();
    }
}
