//! The built program killed (SIGKILL) at random points of a copy, and the same command again: everything arrives whole, no unfinished
//! file is left, and what was there is not sent anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use sealift::trust::Fingerprint;
use serde_json::Value;
use tempfile::TempDir;

use super::Harness;
use super::support::daemon::Daemon;
use super::support::sshd::{Kind, Sshd};
use super::support::vsftpd::Vsftpd;
use super::support::{FtpServer, proftpd, vsftpd};

/// Kills of each way; with seven ways, fifty in all at the least.
const KILLS: u64 = 8;
/// One large file and many small ones.
const LARGE: usize = 48 << 20;
const SMALL: usize = 300;
/// How fast a copy that is to be killed may be: it takes two seconds, and whoever kills it does not come too late.
const PACE: &str = "24M";
/// No copy takes longer.
const LIMIT: Duration = Duration::from_secs(60);

const SSHD: fn(&Sshd) -> &Daemon = |server| &server.daemon;
const FTPD: fn(&FtpServer) -> &Daemon = |server| &server.daemon;

pub(crate) fn trials(harness: &mut Harness) -> Vec<Trial> {
    let sshd = harness.start("sshd for the killed", || Sshd::start(Kind::PublicKey));
    let vsftpd = harness.start("vsftpd for the killed", || {
        Vsftpd::start(vsftpd::Options { require_reuse: true, ..Default::default() }).map(|it| (it.ftp, (it.account, it.pam)))
    });
    let proftpd = harness.start("ProFTPD for the killed", || proftpd::start(proftpd::Options::default()));
    let said = "killed and started again";
    vec![
        Harness::alone("this machine: killed and started again", || Course::here().run(1)),
        harness.trial(&sshd, &format!("{said}, up"), SSHD, async |server| Course::ssh(server, true).run(2)),
        harness.trial(&sshd, &format!("{said}, down"), SSHD, async |server| Course::ssh(server, false).run(3)),
        harness.trial(&vsftpd, &format!("{said}, up"), |server| &server.0.daemon, async |server| Course::ftps(&server.0, true).run(4)),
        harness.trial(&vsftpd, &format!("{said}, down"), |server| &server.0.daemon, async |server| Course::ftps(&server.0, false).run(5)),
        harness.trial(&proftpd, &format!("{said}, up"), FTPD, async |server| Course::ftps(server, true).run(6)),
        harness.trial(&proftpd, &format!("{said}, down"), FTPD, async |server| Course::ftps(server, false).run(7)),
        harness
            .trial(&sshd, "a source that changed meanwhile, and a damaged part", SSHD, async |server| Course::ssh(server, true).damaged()),
        harness.trial(&sshd, "an interrupt leaves what is there and says how to go on", SSHD, async |server| {
            Course::ssh(server, true).interrupted();
        }),
    ]
}

/// One way from a folder to another.
struct Course {
    home: TempDir,
    /// On this machine's disk, whoever serves it.
    source: PathBuf,
    target: PathBuf,
    arguments: Vec<String>,
    password: String,
    /// Kept until the end.
    served: Vec<TempDir>,
}

impl Course {
    fn new(served: &Path, up: bool, url: impl Fn(&Path) -> String, options: &[String], password: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let there = tempfile::Builder::new().prefix("killed-").tempdir_in(served).unwrap();
        // Whoever the server works as.
        let open = |folder: &Path| fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        open(there.path());
        let here = home.path().join("here");
        fs::create_dir(&here).unwrap();
        let (source, target) = if up { (here, there.path().to_owned()) } else { (there.path().to_owned(), here) };
        fill(&source.join("tree"));
        let name = |folder: &Path, is_here: bool| if is_here { folder.to_str().unwrap().to_owned() } else { url(folder) };
        let mut arguments = vec!["copy".to_owned(), "--batch".to_owned(), "--json".to_owned()];
        arguments.extend_from_slice(options);
        arguments.extend([name(&source.join("tree"), up), name(&target, !up)]);
        Self { home, source, target, arguments, password: password.to_owned(), served: vec![there] }
    }

    fn here() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut course = Self::new(folder.path(), true, |folder| folder.to_str().unwrap().to_owned(), &[], "");
        course.served.push(folder);
        course
    }

    fn ssh(server: &Sshd, up: bool) -> Self {
        let url = |folder: &Path| format!("sftp://{}@127.0.0.1:{}{}", server.user, server.daemon.port, folder.display());
        let options = ["--key".to_owned(), server.key.display().to_string()];
        let course = Self::new(&server.data, up, url, &options, "");
        let ssh = course.home.path().join(".ssh");
        fs::create_dir(&ssh).unwrap();
        fs::write(ssh.join("known_hosts"), format!("[127.0.0.1]:{} {}", server.daemon.port, server.host_key)).unwrap();
        course
    }

    fn ftps(server: &FtpServer, up: bool) -> Self {
        let url = |folder: &Path| {
            let path = folder.strip_prefix(&server.data).unwrap();
            format!("ftpes://{}@127.0.0.1:{}/{}", server.user, server.daemon.port, path.display())
        };
        let options = ["--trust".to_owned(), Fingerprint::of(&server.certificates.server).to_string()];
        Self::new(&server.data, up, url, &options, &server.password)
    }

    fn start(&self, further: &[&str]) -> Child {
        let at = |name: &str| self.home.path().join(name);
        Command::new(env!("CARGO_BIN_EXE_sealift"))
            .args(&self.arguments)
            .args(further)
            .env_clear()
            .envs([("HOME", at("")), ("SEALIFT_STATE_DIR", at("state"))])
            .envs([("PATH", "/usr/bin:/bin"), ("SEALIFT_KEYRING", "false"), ("SEALIFT_PASSWORD", &self.password)])
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Starts it, held back, and waits until about `part` of the bytes are there, or it ended.
    fn start_until(&self, part: f64) -> Child {
        let wanted = (size_of(&self.source) as f64 * part) as u64;
        let mut program = self.start(&["--limit", PACE]);
        let end = Instant::now() + LIMIT;
        while size_of(&self.target) < wanted && program.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "the copy comes on");
            std::thread::sleep(Duration::from_millis(1));
        }
        program
    }

    /// Runs it to its end: everything is there as it is at the source, and nothing else. Answers the bytes moved.
    #[track_caller]
    fn finish(&self, what: &str) -> u64 {
        let output = self.start(&[]).wait_with_output().unwrap();
        let (told, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{what}: {}\n{said}\n{told}", output.status);
        let (wanted, there) = (files(&self.source), files(&self.target));
        assert_eq!(there.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "{what}\n{said}");
        for (name, content) in &wanted {
            assert!(there[name] == *content, "{what}: {} differs\n{said}", name.display());
        }
        let journal = fs::read_dir(self.home.path().join("state/journal")).into_iter().flatten().map(|entry| entry.unwrap().path());
        let left: Vec<_> = journal.filter(|path| path.extension().is_some_and(|ending| ending == "redb")).collect();
        assert!(left.is_empty(), "{what}: nothing is left to go on with: {left:?}");
        let summary: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
        summary["summary"]["bytes"].as_u64().unwrap()
    }

    fn clear(&self) {
        for entry in fs::read_dir(&self.target).unwrap() {
            fs::remove_dir_all(entry.unwrap().path()).unwrap();
        }
    }

    /// Kills it at random points and lets it finish.
    fn run(&self, seed: u64) {
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let (total, mut anew, mut kills) = (size_of(&self.source), 0, 0);
        for number in 0..KILLS {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let part = (random >> 11) as f64 / (1_u64 << 53) as f64;
            let mut program = self.start_until(part);
            program.kill().unwrap();
            kills += u64::from(!program.wait().unwrap().success());
            // What is whole is not sent anew, whatever else is.
            let whole: u64 = files(&self.target).iter().filter(|(name, _)| !is_part(name)).map(|(_, content)| content.len() as u64).sum();
            let moved = self.finish(&format!("seed {seed}, kill {number} at {part:.3}"));
            assert!(moved + whole <= total, "seed {seed}, kill {number}: {moved} of {total} bytes sent, {whole} were there");
            anew += moved;
            self.clear();
        }
        assert!(kills > KILLS / 2, "most were killed under way");
        assert!(anew < total * KILLS * 9 / 10, "and were gone on with: {anew} of {} bytes were sent anew", total * KILLS);
        eprintln!("seed {seed}: {kills} killed, {}% of all bytes sent anew", anew * 100 / (total * KILLS));
    }

    /// The large file's part is damaged at its end, then the source is another one.
    fn damaged(&self) {
        for change_source in [false, true] {
            let mut program = self.start_until(0.6);
            program.kill().unwrap();
            program.wait().unwrap();
            let part = files(&self.target).into_keys().find(|name| is_part(name) && name.to_string_lossy().contains("large"));
            let part = self.target.join(part.expect("the large file is under way"));
            let mut bytes = fs::read(&part).unwrap();
            let damaged_from = bytes.len().saturating_sub(10_000);
            bytes[damaged_from..].iter_mut().for_each(|byte| *byte ^= 0x20);
            fs::write(&part, bytes).unwrap();
            if change_source {
                let large = self.source.join("tree/large");
                let changed: Vec<u8> = fs::read(&large).unwrap().into_iter().map(|byte| !byte).collect();
                fs::write(&large, changed).unwrap();
            }
            self.finish(&format!("change the source: {change_source}"));
            self.clear();
        }
    }

    fn interrupted(&self) {
        let program = self.start_until(0.5);
        rustix::process::kill_process(rustix::process::Pid::from_child(&program), rustix::process::Signal::INT).unwrap();
        let output = program.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{said}");
        assert!(said.contains("the same command again goes on with it"), "{said}");
        assert!(files(&self.target).keys().any(|name| is_part(name)), "what is under way stays");
        let moved = self.finish("interrupted");
        assert!(moved < size_of(&self.source) * 9 / 10, "{moved} bytes were sent anew");
    }
}

/// A tree with one large and many small files; no two blocks of the large one are alike.
fn fill(tree: &Path) {
    let mut state = 0x1234_5678_9abc_def1_u64;
    let mut content = |length: usize| -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend_from_slice(&state.to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    };
    for folder in ["a", "b/deep"] {
        fs::create_dir_all(tree.join(folder)).unwrap();
    }
    fs::write(tree.join("large"), content(LARGE)).unwrap();
    for number in 0..SMALL {
        let folder = if number % 2 == 0 { "a" } else { "b/deep" };
        fs::write(tree.join(folder).join(format!("{number:03}")), content(number * 17)).unwrap();
    }
}

/// Every file below `folder` with its content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    walk(folder, &mut |path| {
        // One that is renamed or removed meanwhile is not there.
        if let Ok(content) = fs::read(path) {
            found.insert(path.strip_prefix(folder).unwrap().to_owned(), content);
        }
    });
    found
}

/// Bytes of all files below `folder`, while somebody may work there.
fn size_of(folder: &Path) -> u64 {
    let mut sum = 0;
    walk(folder, &mut |path| sum += path.metadata().map_or(0, |facts| facts.len()));
    sum
}

fn walk(folder: &Path, each: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) { walk(&entry.path(), each) } else { each(&entry.path()) }
    }
}

fn is_part(name: &Path) -> bool {
    name.extension().is_some_and(|ending| ending == "part")
}
