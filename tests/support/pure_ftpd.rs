//! Pure-FTPd: TLS without any demand on sessions, MLSD, no configuration file.

use std::fs;
use std::process::Command;

use super::certificates::Certificates;
use super::daemon::{Daemon, NOBODY, Ports, data_folder, folder, program};
use super::system::{need_root, run, run_with_input};
use super::{FTP_USER, FtpServer, Unavailable};

/// What differs from one to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// How much its user may store, in MiB.
    pub quota: Option<u32>,
}

/// Starts it, with explicit TLS: it has no implicit one.
pub fn start() -> Result<FtpServer, Unavailable> {
    start_with(Options::default())
}

/// Starts it, with explicit TLS.
pub fn start_with(options: Options) -> Result<FtpServer, Unavailable> {
    let binary = program("usr/sbin/pure-ftpd")?;
    let users = program("usr/bin/pure-pw")?;
    need_root("Pure-FTPd")?;
    let folder = folder("pure-ftpd");
    let inside = folder.path().to_owned();
    let certificates = Certificates::make(&inside);
    let data = data_folder(&inside);
    let (user, password) = FTP_USER;
    let (list, database) = (inside.join("users"), inside.join("users.pdb"));
    let id = NOBODY.to_string();
    // Not by `pure-pw useradd`: its hash takes seconds of a processor at every login.
    let hash = run_with_input(Command::new("openssl").args(["passwd", "-6", "-stdin"]), password)?;
    let no_limits = ":".repeat(12);
    fs::write(&list, format!("{user}:{}:{id}:{id}::{}/./{no_limits}\n", hash.trim(), data.display())).unwrap();
    if let Some(quota) = options.quota {
        run(Command::new(&users).args(["usermod", user, "-N", &quota.to_string(), "-f"]).arg(&list))?;
    }
    run(Command::new(&users).arg("mkdb").arg(&database).arg("-f").arg(&list))?;
    let ports = Ports::choose();
    let mut command = Command::new(binary);
    command
        .args(["--bind", &format!("127.0.0.1,{}", ports.control)])
        .args(["--login", &format!("puredb:{}", database.display())])
        .args(["--tls", "1"])
        .arg("--certfile")
        .arg(&certificates.server_both_file)
        .args(["--tlsciphersuite", "HIGH"])
        .args(["--passiveportrange", &format!("{}:{}", ports.passive.0, ports.passive.1)])
        .args(["--forcepassiveip", "127.0.0.1"])
        .args(["--maxclientsnumber", "100", "--maxclientsperip", "100"])
        .arg("--pidfile")
        .arg(inside.join("pid"))
        .args(["--dontresolve", "--chrooteveryone", "--minuid", "1000"]);
    let daemon = Daemon::start("Pure-FTPd", &mut command, folder, ports.control, Vec::new())?;
    Ok(FtpServer { daemon, certificates, user: user.into(), password: password.into(), data })
}

/// Lets the user of a running one store so many MiB, from the next login on.
pub fn set_quota(server: &FtpServer, quota: u32) {
    let users = program("usr/bin/pure-pw").unwrap();
    let inside = server.daemon.folder();
    let (list, database) = (inside.join("users"), inside.join("users.pdb"));
    run(Command::new(&users).args(["usermod", &server.user, "-N", &quota.to_string(), "-f"]).arg(&list)).unwrap();
    run(Command::new(&users).arg("mkdb").arg(&database).arg("-f").arg(&list)).unwrap();
}
