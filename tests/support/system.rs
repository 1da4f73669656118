//! What a server needs of the machine for a while: a user, a PAM service, a private file. Each goes when it is dropped;
//! what a killed run left behind goes when the next one begins.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, Once};

use super::Unavailable;

const PAM_SERVICES: &str = "/etc/pam.d";
/// Names of everything made here begin with it, followed by the id of this process.
const PREFIX: &str = "sealift-test-";

/// Answers an error where this process is not root.
pub fn need_root(what: &str) -> Result<(), Unavailable> {
    if rustix::process::geteuid().is_root() { Ok(()) } else { Err(Unavailable::Absent(format!("{what} needs root"))) }
}

/// Writes `text` into a new file that only its owner reads (mode 0600).
pub fn write_private(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Runs a program to its end; an error carries what it said.
pub fn run(command: &mut Command) -> Result<String, Unavailable> {
    run_with_input(command, "")
}

/// Runs a program to its end with `input` as its standard input.
pub fn run_with_input(command: &mut Command, input: &str) -> Result<String, Unavailable> {
    let program = command.get_program().to_string_lossy().into_owned();
    let broken = |why: &dyn std::fmt::Display| Unavailable::Broken(format!("{program}: {why}"));
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| broken(&error))?;
    // A program that does not read its input is no error.
    drop(child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().unwrap();
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(broken(&format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr))))
    }
}

/// A PAM service of its own name, for a server that asks PAM.
pub struct PamService {
    pub name: String,
    file: PathBuf,
}

impl PamService {
    /// Lets every user of the system in who knows the password. (`pam_exec` would be simpler, but vsftpd hangs in its
    /// own SIGCHLD handler when a PAM module starts a process.)
    pub fn make() -> Result<Self, Unavailable> {
        need_root("a PAM service")?;
        if !Path::new(PAM_SERVICES).is_dir() {
            return Err(Unavailable::Absent("PAM is not here".into()));
        }
        remove_leftovers();
        let name = unique_name();
        let file = Path::new(PAM_SERVICES).join(&name);
        let rules = "auth required pam_unix.so\naccount required pam_permit.so\nsession required pam_permit.so\n";
        fs::write(&file, rules).map_err(|error| Unavailable::Broken(format!("{}: {error}", file.display())))?;
        Ok(Self { name, file })
    }
}

impl Drop for PamService {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.file));
    }
}

/// A user of this system with a password, for a server that logs in real users.
pub struct SystemUser {
    pub name: String,
    pub password: String,
}

/// The user database has one lock, and not every tool waits for it.
static USER_DATABASE: Mutex<()> = Mutex::new(());

impl SystemUser {
    /// Makes the user with `home` as home folder, which then belongs to the user.
    pub fn make(home: &Path) -> Result<Self, Unavailable> {
        need_root("a user with a password")?;
        remove_leftovers();
        let user = Self { name: unique_name(), password: "correct horse".into() };
        let one_at_a_time = USER_DATABASE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        run(Command::new("useradd").args(["--no-create-home", "--shell", "/bin/sh", "--home-dir"]).arg(home).arg(&user.name))?;
        run_with_input(&mut Command::new("chpasswd"), &format!("{}:{}\n", user.name, user.password))?;
        drop(one_at_a_time);
        run(Command::new("chown").arg(&user.name).arg(home))?;
        Ok(user)
    }
}

impl Drop for SystemUser {
    fn drop(&mut self) {
        let _one_at_a_time = USER_DATABASE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        remove_user(&self.name);
    }
}

/// `--force`: a session that is just ending does not keep its user.
fn remove_user(name: &str) {
    if let Err(error) = run(Command::new("userdel").args(["--force", name])) {
        eprintln!("the user {name} could not be removed: {error}");
    }
}

fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{PREFIX}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Whether `name` was made by a test process that is gone.
fn is_leftover(name: &str) -> bool {
    let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
    owner.is_some_and(|id| !Path::new("/proc").join(id).exists())
}

fn remove_leftovers() {
    static BEFORE_ANY: Once = Once::new();
    BEFORE_ANY.call_once(|| {
        for service in fs::read_dir(PAM_SERVICES).into_iter().flatten().flatten() {
            if is_leftover(&service.file_name().to_string_lossy()) {
                drop(fs::remove_file(service.path()));
            }
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        users.lines().filter_map(|line| line.split(':').next()).filter(|name| is_leftover(name)).for_each(remove_user);
    });
}
