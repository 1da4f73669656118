//! Entries as SFTP attributes and long names, errors as status. Opens nothing.

use jiff::Timestamp;
use russh_sftp::protocol::{File, FileAttributes, FileMode, StatusCode};
use russh_sftp::server::StatusReply;

use crate::model::{Entry, Kind};
use crate::vfs::{FsError, FsErrorKind, NewMetadata};

/// The attributes of an entry. Times before 1970 and after 2106 do not fit the protocol and are left out.
pub(super) fn of(entry: &Entry) -> FileAttributes {
    let (kind, mode) = match entry.kind {
        Kind::Dir => (FileMode::DIR, 0o755),
        Kind::File => (FileMode::REG, 0o644),
        Kind::Symlink => (FileMode::LNK, 0o777),
        Kind::Other | Kind::Unparsed => (FileMode::FIFO, 0o644),
    };
    let modified = entry.modified.and_then(|time| u32::try_from(time.as_second()).ok());
    let owner = |name: &Option<Box<str>>| name.as_deref().and_then(|name| name.parse().ok());
    let details = entry.details.as_deref();
    FileAttributes {
        size: entry.size,
        uid: details.and_then(|details| owner(&details.owner)),
        gid: details.and_then(|details| owner(&details.group)),
        permissions: Some(kind.bits() | entry.mode().unwrap_or(mode)),
        atime: modified,
        mtime: modified,
        ..FileAttributes::default()
    }
}

/// A line of a listing: name, long name and attributes.
pub(super) fn file(entry: &Entry) -> File {
    File::new(String::from_utf8_lossy(entry.raw_name()), of(entry))
}

/// What SETSTAT sets of times and mode; `None`: neither.
pub(super) fn to_set(attributes: &FileAttributes) -> Option<NewMetadata> {
    let metadata = NewMetadata {
        modified: attributes.mtime.and_then(|seconds| Timestamp::from_second(i64::from(seconds)).ok()),
        mode: attributes.permissions.map(|mode| mode & 0o7777),
    };
    (metadata != NewMetadata::default()).then_some(metadata)
}

/// An error as SFTP status with our words.
pub(super) fn status(error: &FsError) -> StatusReply {
    let code = match error.kind {
        FsErrorKind::NotFound => StatusCode::NoSuchFile,
        FsErrorKind::PermissionDenied => StatusCode::PermissionDenied,
        FsErrorKind::Unsupported => StatusCode::OpUnsupported,
        _ => StatusCode::Failure,
    };
    code.with_message(error.to_string())
}
