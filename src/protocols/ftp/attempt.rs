//! What was attempted on which path, and how a failure of it is called. The only place that reads a server's words.

use std::io;

use super::command::Unsendable;
use super::control::ControlError;
use super::reply::Reply;
use crate::model::FilePath;
use crate::protocols::{AlertKind, ConnectError, ConnectErrorKind};
use crate::vfs::{FsError, FsErrorKind};

/// An operation on a path, for its errors.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) what: &'static str,
    pub(super) path: &'a FilePath,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(what: &'static str, path: &'a FilePath) -> Self {
        Self { what, path }
    }

    pub(super) fn error(self, kind: FsErrorKind, detail: impl AsRef<[u8]>) -> FsError {
        FsError::new(kind, self.what, self.path, detail)
    }

    pub(super) fn control(self, error: ControlError) -> FsError {
        error.into_fs(self.what, self.path)
    }

    pub(super) fn argument(self, error: Unsendable) -> FsError {
        self.control(error.into())
    }

    /// A data connection failed.
    pub(super) fn data(self, error: &io::Error) -> FsError {
        let kind = match error.kind() {
            io::ErrorKind::TimedOut => FsErrorKind::TimedOut,
            _ => FsErrorKind::ConnectionLost,
        };
        self.error(kind, format!("data connection: {error}"))
    }

    /// A connection that was to replace this one, or a data connection's handshake, failed.
    pub(super) fn connect(self, error: &ConnectError) -> FsError {
        let kind = match error.kind {
            ConnectErrorKind::TimedOut => FsErrorKind::TimedOut,
            ConnectErrorKind::Protocol => FsErrorKind::Protocol,
            // What both ends agreed on before fails now: the line was disturbed.
            ConnectErrorKind::Handshake
            | ConnectErrorKind::WrongProtocol
            | ConnectErrorKind::Alert(AlertKind::HandshakeFailure | AlertKind::Other) => FsErrorKind::ConnectionLost,
            ConnectErrorKind::Untrusted(_)
            | ConnectErrorKind::OtherPeer
            | ConnectErrorKind::ProtectionRefused
            | ConnectErrorKind::LoginRefused
            | ConnectErrorKind::Alert(_) => FsErrorKind::Security,
            _ => FsErrorKind::ConnectionLost,
        };
        self.error(kind, error.to_string())
    }

    /// The server said no.
    pub(super) fn refused(self, reply: &Reply) -> FsError {
        self.error(kind_of(reply, self.path), reply.quote())
    }

    /// The reply, if it is a success.
    pub(super) fn success(self, reply: Reply) -> Result<Reply, FsError> {
        if reply.is_success() { Ok(reply) } else { Err(self.refused(&reply)) }
    }
}

/// Codes are coarse (550 is almost everything), so words decide where they are plain; not those of the name they speak of.
fn kind_of(reply: &Reply, path: &FilePath) -> FsErrorKind {
    match reply.code {
        425 | 426 => return FsErrorKind::ConnectionLost,
        452 | 552 => return FsErrorKind::NoSpace,
        500 | 502 | 504 => return FsErrorKind::Unsupported,
        430 | 431 | 521 if reply.text().to_ascii_lowercase().contains("exist") => return FsErrorKind::AlreadyExists,
        430 | 431 | 521 | 522 | 530 | 532..=537 => return FsErrorKind::Security,
        _ if !reply.is_refusal() => return FsErrorKind::Protocol,
        _ => {}
    }
    const WORDS: [(FsErrorKind, &[&str]); 7] = [
        (FsErrorKind::NotADirectory, &["not a directory", "not a folder"]),
        (FsErrorKind::IsADirectory, &["is a directory", "not a plain file", "not a regular file", "not a file"]),
        (
            FsErrorKind::NotFound,
            &["no such", "not found", "not exist", "doesn't exist", "cannot find", "can't find", "can't check for", "not there"],
        ),
        (FsErrorKind::NotEmpty, &["not empty"]),
        (FsErrorKind::AlreadyExists, &["exists", "already exist"]),
        // What vsftpd and Pure-FTPd say when a disk is full, and nothing else tells it there.
        (
            FsErrorKind::NoSpace,
            &[
                "no space",
                "quota",
                "disk full",
                "disk is full",
                "insufficient",
                "failure writing to local file",
                "error during write to file",
            ],
        ),
        (FsErrorKind::PermissionDenied, &["permission", "denied", "not permitted", "not allowed", "read-only", "prohibited", "forbidden"]),
    ];
    let mut text = reply.text().to_ascii_lowercase();
    if let Some(name) = path.name() {
        let [path, name] = [path.as_bytes(), name.as_bytes()].map(|bytes| String::from_utf8_lossy(bytes).to_ascii_lowercase());
        text = text.replace(&path, "");
        if WORDS.iter().any(|(_, words)| words.iter().any(|word| name.contains(word))) {
            text = text.replace(&name, "");
        }
    }
    let found = WORDS.iter().find(|(_, words)| words.iter().any(|word| text.contains(word)));
    found.map_or(FsErrorKind::Refused, |(kind, _)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_says_nothing_of_what_happened() {
        let path = FilePath::try_from("/in/Permission denied.txt").unwrap();
        for (text, kind) in [
            ("/in/Permission denied.txt: No such file or directory", FsErrorKind::NotFound),
            ("Permission denied.txt: Directory not empty", FsErrorKind::NotEmpty),
            ("Could not open Permission denied.txt", FsErrorKind::Refused),
        ] {
            assert_eq!(kind_of(&Reply::new(550, vec![text.into()]), &path), kind, "{text}");
        }
    }

    #[test]
    fn words_of_real_servers() {
        use FsErrorKind::{
            AlreadyExists, ConnectionLost, IsADirectory, NoSpace, NotADirectory, NotEmpty, NotFound, PermissionDenied, Refused, Security,
            Unsupported,
        };
        for (code, text, kind) in [
            (550, "a: No such file or directory", NotFound),
            (550, "Can't check for file existence", NotFound),
            (550, "The system cannot find the file specified.", NotFound),
            (550, "a: Permission denied", PermissionDenied),
            (550, "Access is denied.", PermissionDenied),
            (550, "Permission denied.", PermissionDenied),
            (550, "a: Not a directory", NotADirectory),
            (550, "a: Not a regular file", IsADirectory),
            (550, "Can't remove directory: Directory not empty", NotEmpty),
            (550, "a: File exists", AlreadyExists),
            (521, "Directory already exists", AlreadyExists),
            (521, "Data connections must be encrypted.", Security),
            (550, "Failed to open file.", Refused),
            (553, "Could not create file.", Refused),
            (452, "Error writing file: No space left on device", NoSpace),
            (552, "Exceeded storage allocation", NoSpace),
            (550, "Disk quota exceeded", NoSpace),
            (451, "Failure writing to local file.", NoSpace),
            (451, "Error during write to file", NoSpace),
            (425, "Can't open data connection.", ConnectionLost),
            (426, "Connection closed; transfer aborted", ConnectionLost),
            (530, "Please login with USER and PASS.", Security),
            (502, "Command not implemented", Unsupported),
        ] {
            let reply = Reply::new(code, vec![text.into()]);
            assert_eq!(kind_of(&reply, &FilePath::try_from("/in/a").unwrap()), kind, "{code} {text}");
        }
    }
}
