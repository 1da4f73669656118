//! What can go wrong with a file or folder, as a kind callers match on and words a person reads.

use std::fmt;
use std::io;

use crate::model::{FilePath, text};

/// Short for results of file operations.
pub type FsResult<T> = Result<T, FsError>;

/// An operation on a place failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FsError {
    /// What kind of failure; callers match on it.
    pub kind: FsErrorKind,
    /// What was attempted, as a verb phrase: `list`, `read`, `rename`.
    pub attempted: &'static str,
    /// On what.
    pub path: Option<FilePath>,
    /// What the server or the system said, made safe to draw; may be empty.
    pub detail: String,
}

/// Kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FsErrorKind {
    /// Nothing of that name.
    NotFound,
    /// The server or system does not allow it.
    PermissionDenied,
    /// There is something of that name.
    AlreadyExists,
    /// A folder that should be empty is not.
    NotEmpty,
    /// A folder was expected.
    NotADirectory,
    /// A file was expected.
    IsADirectory,
    /// The receiving disk or quota is full.
    NoSpace,
    /// The line broke. Reconnecting may help; the transfer can be resumed.
    ConnectionLost,
    /// Nothing came for too long.
    TimedOut,
    /// A person wants it to go on later, on another connection.
    Paused,
    /// A person or the program stopped it.
    Cancelled,
    /// The name cannot be used as a path.
    UnsafeName,
    /// This place cannot do that.
    Unsupported,
    /// The server wants another login for it, or refused a protected data channel.
    Security,
    /// The file changed while it was read.
    ChangedMeanwhile,
    /// What arrived is not what was sent.
    Mismatch,
    /// What came is not what the protocol allows, or more than we are willing to hold.
    Protocol,
    /// The server refused for a reason of its own.
    Refused,
    /// The local disk failed.
    Io,
}

impl FsError {
    /// An error of `kind` in the attempt to `attempted` something at `path`. `detail` is made safe here.
    pub fn new(kind: FsErrorKind, attempted: &'static str, path: &FilePath, detail: impl AsRef<[u8]>) -> Self {
        Self { kind, attempted, path: Some(path.clone()), detail: text::display_safe(detail.as_ref()) }
    }

    /// An error that is about the connection, not about a path.
    pub fn connection(kind: FsErrorKind, attempted: &'static str, detail: impl AsRef<[u8]>) -> Self {
        Self { kind, attempted, path: None, detail: text::display_safe(detail.as_ref()) }
    }

    /// This place cannot do that.
    pub fn unsupported(attempted: &'static str, path: &FilePath) -> Self {
        Self::new(FsErrorKind::Unsupported, attempted, path, "this place cannot do that")
    }

    /// From the local system's error.
    pub fn from_io(error: &io::Error, attempted: &'static str, path: &FilePath) -> Self {
        Self::new(FsErrorKind::from(error), attempted, path, error.to_string())
    }

    /// Whether somebody wanted it to end: that is no failure.
    pub fn is_intended(&self) -> bool {
        matches!(self.kind, FsErrorKind::Paused | FsErrorKind::Cancelled)
    }

    /// Whether reconnecting and trying again may help.
    pub fn is_connection_lost(&self) -> bool {
        matches!(self.kind, FsErrorKind::ConnectionLost | FsErrorKind::TimedOut | FsErrorKind::Paused)
    }
}

impl From<&io::Error> for FsErrorKind {
    fn from(error: &io::Error) -> Self {
        use io::ErrorKind as Io;
        match error.kind() {
            Io::NotFound => Self::NotFound,
            Io::PermissionDenied | Io::ReadOnlyFilesystem => Self::PermissionDenied,
            Io::AlreadyExists => Self::AlreadyExists,
            Io::DirectoryNotEmpty => Self::NotEmpty,
            Io::NotADirectory => Self::NotADirectory,
            Io::IsADirectory => Self::IsADirectory,
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => Self::NoSpace,
            Io::TimedOut => Self::TimedOut,
            Io::Unsupported => Self::Unsupported,
            Io::ConnectionReset | Io::ConnectionAborted | Io::BrokenPipe | Io::UnexpectedEof | Io::NotConnected => Self::ConnectionLost,
            _ => Self::Io,
        }
    }
}

impl fmt::Display for FsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.attempted)?;
        if let Some(path) = &self.path {
            write!(f, " {}", path.display())?;
        }
        write!(f, ": {}", self.kind)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, " ({})", self.detail) }
    }
}

impl fmt::Display for FsErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "it is not there",
            Self::PermissionDenied => "permission denied",
            Self::AlreadyExists => "there is something of that name",
            Self::NotEmpty => "the folder is not empty",
            Self::NotADirectory => "it is not a folder",
            Self::IsADirectory => "it is a folder",
            Self::NoSpace => "no space left, or a quota is used up",
            Self::ConnectionLost => "the connection was lost",
            Self::TimedOut => "the server did not answer in time",
            Self::Paused => "it is paused",
            Self::Cancelled => "stopped",
            Self::UnsafeName => "the name cannot be used as a path",
            Self::Unsupported => "not possible here",
            Self::Security => "refused for security",
            Self::ChangedMeanwhile => "the file changed while it was read",
            Self::Mismatch => "what arrived is not what was sent",
            Self::Protocol => "the server answered out of protocol",
            Self::Refused => "the server refused",
            Self::Io => "the disk failed",
        })
    }
}

impl std::error::Error for FsError {}
