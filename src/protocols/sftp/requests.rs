//! The requests of SFTP version 3 as typed calls. One call is one round trip; what they mean for files is above.

use bytes::Bytes;

use super::channel::{Answer, Channel, Failure, Pending};
use super::handles::{OpenHandle, Purpose};
use super::packet::{Attributes, Body, Name, Reply, kind};
use crate::model::FilePath;
use crate::vfs::{FsError, FsErrorKind};

/// Status codes of section 7, and the later ones some servers send in version 3.
pub(super) mod status {
    pub(crate) const OK: u32 = 0;
    pub(crate) const EOF: u32 = 1;
    pub(crate) const NO_SUCH_FILE: u32 = 2;
    pub(crate) const FAILURE: u32 = 4;
    pub(crate) const BAD_MESSAGE: u32 = 5;
    pub(crate) const OP_UNSUPPORTED: u32 = 8;
}

/// Open flags of section 6.3.
pub(super) mod flag {
    pub(crate) const READ: u32 = 1;
    pub(crate) const WRITE: u32 = 2;
    pub(crate) const CREATE: u32 = 8;
    pub(crate) const TRUNCATE: u32 = 16;
    pub(crate) const EXCLUSIVE: u32 = 32;
}

/// How a path is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    Follow,
    Stay,
}

pub(super) type Answered<T> = Result<T, Failure>;

impl Channel {
    pub(super) async fn call(&self, body: Body) -> Answered<Answer> {
        self.request(body, Vec::new()).await?.await
    }

    pub(super) async fn done(&self, body: Body) -> Answered<()> {
        done(self.call(body).await?)
    }

    async fn handle(&self, body: Body, purpose: Purpose) -> Answered<OpenHandle> {
        match self.request_handle(body, purpose).await?.await? {
            Answer::Handle(handle) => Ok(handle),
            other @ Answer::Other(_) => Err(refusal(other)),
        }
    }

    pub(super) async fn open_file(&self, path: &FilePath, flags: u32, mode: Option<u32>) -> Answered<OpenHandle> {
        let attributes = Attributes { permissions: mode, ..Attributes::default() };
        let purpose = if flags & flag::WRITE == 0 { Purpose::Read } else { Purpose::Write };
        self.handle(Body::new(kind::OPEN).string(path.as_bytes()).u32(flags).attributes(&attributes), purpose).await
    }

    pub(super) async fn open_dir(&self, path: &FilePath) -> Answered<OpenHandle> {
        self.handle(Body::new(kind::OPENDIR).string(path.as_bytes()), Purpose::Read).await
    }

    /// Closes and waits for the word.
    pub(super) async fn close_handle(&self, handle: OpenHandle) -> Answered<()> {
        done(self.request_close(handle).await?.await?)
    }

    pub(super) async fn read_dir(&self, handle: &OpenHandle) -> Answered<Pending> {
        self.request(Body::new(kind::READDIR).string(handle.as_bytes()), Vec::new()).await
    }

    pub(super) fn read_request(handle: &OpenHandle, offset: u64, length: u32) -> Body {
        Body::new(kind::READ).string(handle.as_bytes()).u64(offset).u32(length)
    }

    pub(super) async fn write(&self, handle: &OpenHandle, offset: u64, data: Vec<Bytes>) -> Answered<Pending> {
        let length = data.iter().map(Bytes::len).sum::<usize>() as u32;
        self.request(Body::new(kind::WRITE).string(handle.as_bytes()).u64(offset).u32(length), data).await
    }

    pub(super) async fn attributes(&self, path: &FilePath, links: Links) -> Answered<Attributes> {
        let kind = if links == Links::Follow { kind::STAT } else { kind::LSTAT };
        attributes(self.call(Body::new(kind).string(path.as_bytes())).await?)
    }

    pub(super) async fn handle_attributes(&self, handle: &OpenHandle) -> Answered<Attributes> {
        attributes(self.call(Body::new(kind::FSTAT).string(handle.as_bytes())).await?)
    }

    pub(super) async fn set_attributes(&self, path: &FilePath, new: &Attributes) -> Answered<()> {
        self.done(Body::new(kind::SETSTAT).string(path.as_bytes()).attributes(new)).await
    }

    pub(super) async fn set_handle_attributes(&self, handle: &OpenHandle, new: &Attributes) -> Answered<Pending> {
        self.request(Body::new(kind::FSETSTAT).string(handle.as_bytes()).attributes(new), Vec::new()).await
    }

    pub(super) async fn set_handle_size(&self, handle: &OpenHandle, size: u64) -> Answered<()> {
        let new = Attributes { size: Some(size), ..Attributes::default() };
        done(self.set_handle_attributes(handle, &new).await?.await?)
    }

    /// The path as the server writes it, and the text of a link: both are a NAME with one entry.
    pub(super) async fn real_path(&self, path: &[u8]) -> Answered<Bytes> {
        one_name(self.call(Body::new(kind::REALPATH).string(path)).await?)
    }

    pub(super) async fn read_link(&self, path: &FilePath) -> Answered<Bytes> {
        one_name(self.call(Body::new(kind::READLINK).string(path.as_bytes())).await?)
    }

    /// OpenSSH takes the link's text first, the other way round than the draft; everybody follows OpenSSH.
    pub(super) async fn symlink(&self, target: &[u8], path: &FilePath) -> Answered<()> {
        self.done(Body::new(kind::SYMLINK).string(target).string(path.as_bytes())).await
    }

    pub(super) async fn remove(&self, path: &FilePath) -> Answered<()> {
        self.done(Body::new(kind::REMOVE).string(path.as_bytes())).await
    }

    pub(super) async fn make_directory(&self, path: &FilePath) -> Answered<()> {
        self.done(Body::new(kind::MKDIR).string(path.as_bytes()).attributes(&Attributes::default())).await
    }

    pub(super) async fn remove_directory(&self, path: &FilePath) -> Answered<()> {
        self.done(Body::new(kind::RMDIR).string(path.as_bytes())).await
    }

    /// Fails if `to` is there.
    pub(super) async fn plain_rename(&self, from: &FilePath, to: &FilePath) -> Answered<()> {
        self.done(Body::new(kind::RENAME).string(from.as_bytes()).string(to.as_bytes())).await
    }
}

/// A STATUS of OK.
pub(super) fn done(answer: Answer) -> Answered<()> {
    match answer {
        Answer::Other(Reply::Status { code: status::OK, .. }) => Ok(()),
        other => Err(refusal(other)),
    }
}

/// The names of one READDIR; `None` at the end.
pub(super) fn names(answer: Answer) -> Answered<Option<Vec<Name>>> {
    match answer {
        Answer::Other(Reply::Names(names)) => Ok(Some(names)),
        Answer::Other(Reply::Status { code: status::EOF, .. }) => Ok(None),
        other => Err(refusal(other)),
    }
}

/// The data of one READ in the pieces it came in; `None` at the end of the file.
pub(super) fn data(answer: Answer) -> Answered<Option<Vec<Bytes>>> {
    match answer {
        Answer::Other(Reply::Data(parts)) => Ok(Some(parts)),
        Answer::Other(Reply::Status { code: status::EOF, .. }) => Ok(None),
        other => Err(refusal(other)),
    }
}

fn attributes(answer: Answer) -> Answered<Attributes> {
    match answer {
        Answer::Other(Reply::Attributes(attributes)) => Ok(attributes),
        other => Err(refusal(other)),
    }
}

fn one_name(answer: Answer) -> Answered<Bytes> {
    match answer {
        Answer::Other(Reply::Names(names)) => names.into_iter().next().map(|name| name.filename).ok_or(Failure::Unexpected),
        other => Err(refusal(other)),
    }
}

pub(super) fn refusal(answer: Answer) -> Failure {
    match answer {
        Answer::Other(Reply::Status { code, message }) if code != status::OK => Failure::Status { code, message },
        _ => Failure::Unexpected,
    }
}

impl Failure {
    /// As an error about `path`.
    pub(super) fn at(self, attempted: &'static str, path: &FilePath) -> FsError {
        let (kind, detail) = self.explain();
        FsError::new(kind, attempted, path, detail)
    }

    /// Whether it is the status that says nothing ("Failure"): the caller has to find out why.
    pub(super) fn says_nothing(&self) -> bool {
        matches!(self, Self::Status { code: status::FAILURE, .. }) && self.clone().explain().0 == FsErrorKind::Refused
    }

    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Status { code: status::NO_SUCH_FILE | 10, .. })
    }

    pub(super) fn explain(self) -> (FsErrorKind, Vec<u8>) {
        match self {
            Self::Lost { kind, detail } => (kind, detail.into_bytes()),
            Self::Unexpected => (FsErrorKind::Protocol, b"the reply does not belong to the request".to_vec()),
            Self::Status { code, message } => (kind_of(code, &message), message.to_vec()),
        }
    }
}

fn kind_of(code: u32, message: &[u8]) -> FsErrorKind {
    match code {
        status::NO_SUCH_FILE | 10 => FsErrorKind::NotFound,
        3 | 12 => FsErrorKind::PermissionDenied,
        status::EOF | 5 => FsErrorKind::Protocol,
        6 | 7 => FsErrorKind::ConnectionLost,
        8 => FsErrorKind::Unsupported,
        11 => FsErrorKind::AlreadyExists,
        14 | 15 => FsErrorKind::NoSpace,
        18 => FsErrorKind::NotEmpty,
        19 => FsErrorKind::NotADirectory,
        20 => FsErrorKind::UnsafeName,
        24 => FsErrorKind::IsADirectory,
        _ => kind_of_words(&String::from_utf8_lossy(message).to_ascii_lowercase()),
    }
}

/// Version 3 has one code for most failures; many servers put the system's words behind it.
fn kind_of_words(words: &str) -> FsErrorKind {
    let has = |any: &[&str]| any.iter().any(|part| words.contains(part));
    if has(&["no space", "disk full", "quota", "file too large", "storage full", "insufficient"]) {
        FsErrorKind::NoSpace
    } else if has(&["not empty"]) {
        FsErrorKind::NotEmpty
    } else if has(&["exists"]) && !has(&["not exist", "no longer exists"]) {
        FsErrorKind::AlreadyExists
    } else if has(&["not a directory"]) {
        FsErrorKind::NotADirectory
    } else if has(&["is a directory"]) {
        FsErrorKind::IsADirectory
    } else if has(&["permission denied", "access denied", "read-only"]) {
        FsErrorKind::PermissionDenied
    } else if has(&["no such file"]) {
        FsErrorKind::NotFound
    } else {
        FsErrorKind::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_behind_a_failure_become_kinds() {
        for (words, kind) in [
            ("Failure", FsErrorKind::Refused),
            ("write: No space left on device", FsErrorKind::NoSpace),
            ("Disk quota exceeded", FsErrorKind::NoSpace),
            ("Directory not empty", FsErrorKind::NotEmpty),
            ("File already exists", FsErrorKind::AlreadyExists),
            ("It does not exist", FsErrorKind::Refused),
        ] {
            let failure = Failure::Status { code: 4, message: Bytes::from_static(words.as_bytes()) };
            assert_eq!(failure.says_nothing(), kind == FsErrorKind::Refused, "{words}");
            assert_eq!(failure.explain().0, kind, "{words}");
        }
    }
}
