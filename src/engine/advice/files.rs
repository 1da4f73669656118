//! Failures of files and folders as sentences.

use super::Advice;
use crate::vfs::{FsError, FsErrorKind};

impl From<&FsError> for Advice {
    fn from(error: &FsError) -> Self {
        let path = error.path.as_ref().map(|path| format!(" {}", path.display())).unwrap_or_default();
        let detail = if error.detail.is_empty() { String::new() } else { format!(" ({})", error.detail) };
        Self {
            what: format!("Cannot {}{path}", error.attempted),
            why: format!("{}{detail}", error.kind),
            next: next(error.kind).to_owned(),
            intended: error.kind == FsErrorKind::Cancelled,
        }
    }
}

impl Advice {
    /// All of it in one line.
    pub fn sentence(&self) -> String {
        let why = if self.why.is_empty() { String::new() } else { format!(": {}", self.why) };
        let next = if self.next.is_empty() { String::new() } else { format!(". {}", self.next) };
        format!("{}{why}{next}", self.what)
    }
}

fn next(kind: FsErrorKind) -> &'static str {
    match kind {
        FsErrorKind::NotFound => "Check the name; somebody may have moved or removed it.",
        FsErrorKind::PermissionDenied => "Check the owner and the permissions, or log in as another user.",
        FsErrorKind::AlreadyExists => "Choose another name, or remove what is there first.",
        FsErrorKind::NotEmpty => "Look again: something was left in it, or put into it meanwhile.",
        FsErrorKind::NotADirectory | FsErrorKind::IsADirectory => {
            "Check the path; where one is in the way of the other, rename one of them."
        }
        FsErrorKind::NoSpace => "Make room there, then start it again.",
        FsErrorKind::ConnectionLost => "Check the network, then start it again; what is there already can be skipped.",
        FsErrorKind::TimedOut => "The server may be busy or the line dead; start it again, or raise the time limit.",
        FsErrorKind::UnsafeName => "Ask whoever runs the server to rename it.",
        FsErrorKind::Unsupported => "Another protocol to the same server may be able to.",
        FsErrorKind::Security => "Connect to it anew, to be asked or told what does not fit.",
        FsErrorKind::ChangedMeanwhile => "Wait until nobody writes to it, then copy it again.",
        FsErrorKind::Mismatch => "It did not get its name. Copy it again; if that happens twice, suspect a disk or memory on the way.",
        FsErrorKind::Protocol => "Started with SEALIFT_LOG=debug, the log shows what the server said.",
        FsErrorKind::Io => "Check the disk; the system's log may tell more.",
        FsErrorKind::Refused => "Its own words say why; if they do not help, ask whoever runs it.",
        FsErrorKind::Paused | FsErrorKind::Cancelled => "",
    }
}
