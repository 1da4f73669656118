//! Real servers as owned children, for the tests. Each starts with its own folder, ports and identity and ends when it is
//! dropped. Not a test by itself: the test crates take it in as a module.

#![allow(dead_code, unreachable_pub, reason = "each test crate uses a part of it as a module")]

pub mod agent;
pub mod certificates;
pub mod daemon;
pub mod false_clock;
pub mod faulty_line;
pub mod keyring;
pub mod openssl;
pub mod proftpd;
pub mod pure_ftpd;
pub mod random;
pub mod small_disk;
pub mod sshd;
pub mod system;
pub mod vsftpd;

use std::path::PathBuf;

use self::certificates::Certificates;
use self::daemon::Daemon;

/// Why there is no server to test against.
#[derive(Debug)]
pub enum Unavailable {
    /// It is not on this machine, or this user may not start it. A plain `cargo test` leaves its tests out.
    Absent(String),
    /// It is here and did not come up. That is a failure everywhere.
    Broken(String),
}

impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Absent(why) => write!(f, "{why}; tests/run brings it"),
            Self::Broken(why) => write!(f, "did not start: {why}"),
        }
    }
}

/// A running FTP server with one user.
pub struct FtpServer {
    pub daemon: Daemon,
    pub certificates: Certificates,
    pub user: String,
    pub password: String,
    /// What the user sees as `/`.
    pub data: PathBuf,
}

/// Whether a server wants a certificate of its authority from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientCertificate {
    #[default]
    NotAsked,
    Optional,
    Required,
}

/// The one user of an FTP server that keeps its own users.
pub const FTP_USER: (&str, &str) = ("alice", "secret of alice");
