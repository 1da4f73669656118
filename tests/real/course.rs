//! One way from a folder to another that the built program takes: started, watched, and looked at when it ended.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use sealift::trust::Fingerprint;
use serde_json::Value;
use tempfile::TempDir;

use super::support::FtpServer;
use super::support::random::Random;
use super::support::sshd::Sshd;

/// No copy takes longer, on however busy a machine.
const LIMIT: Duration = Duration::from_secs(120);
/// Where a server is found when nothing is in between.
pub(crate) const HERE: &str = "127.0.0.1";

/// What is copied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tree {
    /// Bytes of the one large file.
    pub(crate) large: usize,
    /// How many small ones there are.
    pub(crate) small: usize,
}

/// The content and time of files by their path in a folder.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// One way from a folder to another.
pub(crate) struct Course {
    pub(crate) home: TempDir,
    /// On this machine's disk, whoever serves it.
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
    /// The source is on this machine.
    pub(crate) is_up: bool,
    arguments: Vec<String>,
    /// Further variables of the program's environment.
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) password: String,
    /// Kept until the end.
    served: Vec<TempDir>,
}

impl Course {
    fn new(served: &Path, is_up: bool, tree: Tree, url: impl Fn(&Path) -> String, options: &[String], password: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let there = tempfile::Builder::new().prefix("served-").tempdir_in(served).unwrap();
        make_open(there.path());
        let here = home.path().join("here");
        fs::create_dir(&here).unwrap();
        let (source, target) = if is_up { (here, there.path().to_owned()) } else { (there.path().to_owned(), here) };
        fill(&source.join("tree"), tree);
        let name = |folder: &Path, is_here: bool| if is_here { folder.to_str().unwrap().to_owned() } else { url(folder) };
        let mut arguments = vec!["--batch".to_owned(), "--json".to_owned()];
        arguments.extend_from_slice(options);
        arguments.extend([name(&source.join("tree"), is_up), name(&target, !is_up)]);
        Self { home, source, target, is_up, arguments, environment: Vec::new(), password: password.to_owned(), served: vec![there] }
    }

    /// From one folder of this machine to another.
    pub(crate) fn here(tree: Tree) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut course = Self::new(folder.path(), true, tree, |folder| folder.to_str().unwrap().to_owned(), &[], "");
        course.served.push(folder);
        course
    }

    /// To or from a server that is found at `host`.
    pub(crate) fn ssh(server: &Sshd, host: &str, is_up: bool, tree: Tree) -> Self {
        Self::ssh_in(server, &server.data, host, is_up, tree)
    }

    /// The same with a folder below what is served.
    pub(crate) fn ssh_in(server: &Sshd, served: &Path, host: &str, is_up: bool, tree: Tree) -> Self {
        let url = |folder: &Path| format!("sftp://{}@{host}:{}{}", server.user, server.daemon.port, written(folder));
        let options = ["--key".to_owned(), server.key.display().to_string()];
        let course = Self::new(served, is_up, tree, url, &options, "");
        let known_hosts = course.known_hosts();
        fs::create_dir(known_hosts.parent().unwrap()).unwrap();
        fs::write(known_hosts, format!("[{host}]:{} {}", server.daemon.port, server.host_key)).unwrap();
        course
    }

    /// The same with explicit TLS.
    pub(crate) fn ftps(server: &FtpServer, host: &str, is_up: bool, tree: Tree) -> Self {
        Self::ftp(server, &server.data, "ftpes", host, is_up, tree)
    }

    /// The same with a folder below what is served.
    pub(crate) fn ftps_in(server: &FtpServer, served: &Path, host: &str, is_up: bool, tree: Tree) -> Self {
        Self::ftp(server, served, "ftpes", host, is_up, tree)
    }

    /// The same without any protection.
    pub(crate) fn plain_ftp(server: &FtpServer, host: &str, is_up: bool, tree: Tree) -> Self {
        Self::ftp(server, &server.data, "ftp", host, is_up, tree)
    }

    fn ftp(server: &FtpServer, served: &Path, scheme: &str, host: &str, is_up: bool, tree: Tree) -> Self {
        let url = |folder: &Path| {
            let path = folder.strip_prefix(&server.data).unwrap();
            format!("{scheme}://{}@{host}:{}/{}", server.user, server.daemon.port, written(path))
        };
        let trusted = Fingerprint::of(&server.certificates.server).to_string();
        let options = if scheme == "ftp" { vec!["--allow-plain".to_owned()] } else { vec!["--trust".to_owned(), trusted] };
        Self::new(served, is_up, tree, url, &options, &server.password)
    }

    /// Goes to another folder of this machine.
    pub(crate) fn go_to(&mut self, target: &Path) {
        target.clone_into(&mut self.target);
        drop(self.arguments.pop());
        self.arguments.push(target.to_str().unwrap().to_owned());
    }

    pub(crate) fn known_hosts(&self) -> PathBuf {
        self.home.path().join(".ssh/known_hosts")
    }

    /// The program that copies, not started yet.
    pub(crate) fn command(&self, further: &[&str]) -> Command {
        self.verb("copy", further)
    }

    /// The program that moves the files instead.
    pub(crate) fn as_move(&self, further: &[&str]) -> Command {
        self.verb("move", further)
    }

    fn verb(&self, verb: &str, further: &[&str]) -> Command {
        let at = |name: &str| self.home.path().join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
        command
            .arg(verb)
            .args(&self.arguments)
            .args(further)
            .env_clear()
            .envs([("HOME", at("")), ("SEALIFT_STATE_DIR", at("state"))])
            .envs([("PATH", "/usr/bin:/bin"), ("SEALIFT_KEYRING", "false"), ("SEALIFT_PASSWORD", &self.password)])
            .envs(std::env::var_os("RUST_BACKTRACE").map(|value| ("RUST_BACKTRACE", value)))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn start(&self, further: &[&str]) -> Child {
        self.command(further).spawn().unwrap()
    }

    /// Starts it, held back to `pace` if there is one, and waits until about `part` of the bytes are there, or it ended.
    pub(crate) fn start_until(&self, part: f64, pace: &str) -> Child {
        let wanted = (size_of(&self.source) as f64 * part) as u64;
        let mut program = self.start(&["--limit", pace]);
        wait_until("the copy comes on", || size_of(&self.target) >= wanted || program.try_wait().unwrap().is_some());
        program
    }

    /// Runs it to its end, which comes.
    #[track_caller]
    pub(crate) fn run(&self, further: &[&str], what: &str) -> Ended {
        Ended::of(self.start(further), what)
    }

    /// Runs it to its end: everything is there as it is at the source, and nothing else. Answers the bytes moved.
    #[track_caller]
    pub(crate) fn finish(&self, what: &str) -> u64 {
        self.finish_as(&files(&self.source), what)
    }

    /// [`Self::finish`] where the source is consumed, or was when the copy was interrupted.
    #[track_caller]
    pub(crate) fn finish_as(&self, wanted: &Files, what: &str) -> u64 {
        let ended = self.run(&[], what);
        ended.assert_finished(what);
        self.assert_complete(wanted, &format!("{what}: {ended}"));
        ended.summary().unwrap()["bytes"].as_u64().unwrap()
    }

    /// Everything is there as it is wanted and nothing else, and nothing is left to go on with.
    #[track_caller]
    pub(crate) fn assert_complete(&self, wanted: &Files, what: &str) {
        let there = files(&self.target);
        assert_eq!(there.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "{what}");
        for (name, content) in wanted {
            assert!(there[name] == *content, "{what}: {} differs", name.display());
        }
        let left = self.journal();
        assert!(left.is_empty(), "{what}: nothing is left to go on with: {left:?}");
    }

    /// What stands under its real name is whole.
    #[track_caller]
    pub(crate) fn assert_nothing_broken(&self, wanted: &Files, what: &str) {
        for (name, content) in files(&self.target).iter().filter(|(name, _)| !is_part(name)) {
            let expected = wanted.get(name).unwrap_or_else(|| panic!("{what}: {} is nobody's", name.display()));
            let (has, of) = (content.len(), expected.len());
            assert!(content == expected, "{what}: {} is not whole: {has} bytes of {of}", name.display());
        }
    }

    /// The files of the journal.
    pub(crate) fn journal(&self) -> Vec<PathBuf> {
        let journal = fs::read_dir(self.home.path().join("state/journal")).into_iter().flatten().map(|entry| entry.unwrap().path());
        journal.filter(|path| path.extension().is_some_and(|ending| ending == "redb")).collect()
    }

    /// Removes all that is at the target.
    pub(crate) fn clear(&self) {
        for entry in fs::read_dir(&self.target).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
        }
    }
}

/// How the program ended, and what it said.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) told: String,
    pub(crate) said: String,
}

impl Ended {
    /// Waits for it, but not for ever.
    #[track_caller]
    pub(crate) fn of(mut program: Child, what: &str) -> Self {
        let (told, said) = (read_all(program.stdout.take()), read_all(program.stderr.take()));
        let end = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = program.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > end {
                program.kill().unwrap();
                program.wait().unwrap();
                panic!("{what}: it hangs\n{}\n{}", said.join().unwrap(), told.join().unwrap());
            }
            std::thread::park_timeout(Duration::from_millis(10));
        };
        Self { code: status.code(), told: told.join().unwrap(), said: said.join().unwrap() }
    }

    /// Nothing failed. Where the run before did not leave the job to be gone on with, what it had done is left as it is.
    #[track_caller]
    pub(crate) fn assert_finished(&self, what: &str) {
        let skipped = self.summary().map(|summary| summary["skipped"].clone());
        let code = if skipped.is_some_and(|skipped| skipped != 0) { 3 } else { 0 };
        assert_eq!(self.code, Some(code), "{what}: {self}");
        assert_eq!(self.summary().unwrap()["failed"], 0, "{what}: {self}");
    }

    /// The lines of `--json`.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What it said in the end, if it got so far.
    pub(crate) fn summary(&self) -> Option<Value> {
        self.lines().pop()?.get("summary").cloned()
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ended with {:?}\n{}\n{}", self.code, self.said, self.told)
    }
}

fn read_all(from: Option<impl std::io::Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.unwrap().read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits until something is so that nobody tells of; it is so in time.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// A tree with one large and many small files; no two blocks of the large one are alike, and all are old.
pub(crate) fn fill(tree: &Path, Tree { large, small }: Tree) {
    let mut random = Random::new(0x1234);
    let mut number = 0;
    let mut put = |path: PathBuf, length: usize| {
        fs::write(&path, random.bytes(length)).unwrap();
        number += 1;
        set_time(&path, 1_400_000_000 + 86_461 * number);
    };
    fs::create_dir_all(tree.join("b/deep")).unwrap();
    fs::create_dir_all(tree.join("a")).unwrap();
    for folder in ["", "a", "b", "b/deep"] {
        make_open(&tree.join(folder));
    }
    put(tree.join("large"), large);
    for number in 0..small {
        let folder = if number % 2 == 0 { "a" } else { "b/deep" };
        put(tree.join(folder).join(format!("{number:03}")), number * 17);
    }
}

/// A path as a part of a URL.
fn written(path: &Path) -> String {
    path.to_str().unwrap().replace(' ', "%20")
}

/// Lets whoever the server works as write there.
fn make_open(folder: &Path) {
    fs::set_permissions(folder, PermissionsExt::from_mode(0o777)).unwrap();
}

/// Sets when a file was changed, in seconds.
pub(crate) fn set_time(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

/// Every file below `folder` with its content.
pub(crate) fn files(folder: &Path) -> Files {
    let mut found = BTreeMap::new();
    walk(folder, &mut |path| {
        // One that is renamed or removed meanwhile is not there.
        if let Ok(content) = fs::read(path) {
            found.insert(path.strip_prefix(folder).unwrap().to_owned(), content);
        }
    });
    found
}

/// Every file below `folder` with the second it was changed.
pub(crate) fn times(folder: &Path) -> BTreeMap<PathBuf, u64> {
    let mut found = BTreeMap::new();
    walk(folder, &mut |path| {
        let time = path.metadata().unwrap().modified().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        found.insert(path.strip_prefix(folder).unwrap().to_owned(), time.as_secs());
    });
    found
}

/// Bytes of all files below `folder`, while somebody may work there.
pub(crate) fn size_of(folder: &Path) -> u64 {
    let mut sum = 0;
    walk(folder, &mut |path| sum += path.metadata().map_or(0, |facts| facts.len()));
    sum
}

fn walk(folder: &Path, each: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) { walk(&entry.path(), each) } else { each(&entry.path()) }
    }
}

pub(crate) fn is_part(name: &Path) -> bool {
    name.extension().is_some_and(|ending| ending == "part")
}
