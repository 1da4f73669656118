//! Exit codes, and the failure of a verb as code and words.

use crate::engine::{Advice, ConnectFailure};
use crate::protocols::{AlertKind, ConnectErrorKind};
use crate::setup::SetupError;
use crate::trust::store::StoreError;
use crate::vfs::{FsError, FsErrorKind};

/// The documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// All went well.
    Ok = 0,
    /// Anything no other code names.
    Error = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// Some items failed.
    Partial = 3,
    /// The network or the line.
    Network = 4,
    /// Login.
    Authentication = 5,
    /// The peer's identity is not trusted, or it changed.
    Identity = 6,
    /// The server refused (missing, permission).
    Remote = 7,
    /// The local disk.
    Local = 8,
    /// What arrived is not what was sent.
    Verification = 9,
    /// A dry run found differences.
    Differences = 10,
    /// Stopped by a signal.
    Interrupted = 130,
}

impl ExitCode {
    /// The code of a file operation that failed, on a server or here.
    pub(super) fn of(error: &FsError, remote: bool) -> Self {
        match error.kind {
            FsErrorKind::ConnectionLost | FsErrorKind::TimedOut => Self::Network,
            FsErrorKind::Cancelled => Self::Interrupted,
            FsErrorKind::Mismatch => Self::Verification,
            FsErrorKind::Security | FsErrorKind::Protocol => Self::Error,
            _ if remote => Self::Remote,
            _ => Self::Local,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

/// A verb failed, or the program could not start.
#[derive(Debug)]
pub struct Failure {
    pub(super) code: ExitCode,
    pub(super) advice: Advice,
}

impl Failure {
    /// Says what happened on standard error; answers the exit code.
    pub fn report(&self) -> ExitCode {
        super::output::say_failure(&self.advice);
        self.code
    }

    /// The screen could not be shown, or ended badly.
    pub fn screen(error: &std::io::Error) -> Self {
        Self { code: ExitCode::Error, advice: Advice { what: error.to_string(), why: String::new(), next: String::new(), intended: false } }
    }

    pub(super) fn usage(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { code: ExitCode::Usage, advice: Advice { what: what.into(), why: String::new(), next: next.into(), intended: false } }
    }

    /// A secret is missing or wrong.
    pub(super) fn authentication(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { code: ExitCode::Authentication, ..Self::usage(what, next) }
    }

    /// A file here cannot be read, or is not what it should be.
    pub(super) fn unreadable(file: &str, why: impl std::fmt::Display, next: &str) -> Self {
        Self { code: ExitCode::Local, ..Self::usage(format!("{file}: {why}"), next) }
    }

    /// Standard output cannot be written to.
    pub(super) fn output(error: &std::io::Error) -> Self {
        Self { code: ExitCode::Local, ..Self::usage(format!("cannot write to standard output: {error}"), "") }
    }

    /// Anything else, in words.
    pub(super) fn because(code: ExitCode, what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { code, advice: Advice { what: what.into(), why: why.into(), next: next.into(), intended: false } }
    }

    /// A file operation failed, on a server or here.
    pub(super) fn file(error: &FsError, remote: bool) -> Self {
        Self { code: ExitCode::of(error, remote), advice: Advice::from(error) }
    }
}

impl From<&ConnectFailure> for Failure {
    fn from(failure: &ConnectFailure) -> Self {
        let code = match failure {
            ConnectFailure::Rejected(_) | ConnectFailure::NotAsNamed { .. } => ExitCode::Identity,
            ConnectFailure::NoSecret { .. }
            | ConnectFailure::Key { .. }
            | ConnectFailure::ClientCertificate(_)
            | ConnectFailure::BelowLevel { .. } => ExitCode::Authentication,
            ConnectFailure::NotRemembered { .. } | ConnectFailure::Ledger(_) => ExitCode::Local,
            ConnectFailure::NoWay { .. } => ExitCode::Error,
            ConnectFailure::FileSystem(error) => return Self::file(error, true),
            ConnectFailure::Connect(error) => match &error.kind {
                ConnectErrorKind::Untrusted(_) => ExitCode::Identity,
                ConnectErrorKind::Alert(AlertKind::Other | AlertKind::HandshakeFailure) => ExitCode::Network,
                ConnectErrorKind::LoginRefused | ConnectErrorKind::Alert(_) | ConnectErrorKind::ClientCertificate(_) => {
                    ExitCode::Authentication
                }
                ConnectErrorKind::Cancelled => ExitCode::Interrupted,
                ConnectErrorKind::Protocol | ConnectErrorKind::NoSftp => ExitCode::Error,
                _ => ExitCode::Network,
            },
        };
        Self { code, advice: Advice::from(failure) }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::because(ExitCode::Local, error.to_string(), "", "Mend what is named there; nothing was changed.")
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        Self::usage(format!("cannot start: {error}"), "mend or move away what is named there")
    }
}
