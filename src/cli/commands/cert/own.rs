//! What the verbs over one's own identities share: where they lie, files in and out, failures in words.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::shown_path;
use crate::cli::exit::{ExitCode, Failure};
use crate::cli::output;
use crate::identity::x509::FolderError;
use crate::identity::x509::acts::ActError;
use crate::identity::x509::authority::{AuthorityError, RecordError};
use crate::identity::x509::bundle::{BundleError, LARGEST};
use crate::identity::x509::draft::MakeError;
use crate::identity::x509::key::KeyError;
use crate::identity::x509::names::Invalid;
use crate::identity::x509::request::RequestError;
use crate::identity::x509::returned::Refused;
use crate::identity::x509::store::UnlockError;
use crate::setup::{Choices, Setup};
use crate::trust::private_file;

/// The person's data folder.
pub(in crate::cli::commands) fn data() -> Result<PathBuf, Failure> {
    Ok(Setup::read(&Choices::default())?.directories.data)
}

/// Now, in whole seconds as certificates count.
pub(super) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Work that computes long, off the event loop.
pub(in crate::cli::commands) async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Failure::error(format!("the work was broken off: {error}")))
}

/// A file of certificates, requests or keys.
pub(in crate::cli::commands) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(file).and_then(|opened| opened.take(LARGEST as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| Failure::unreadable(&shown_path(file), error, "Check the name and who may read it."))?;
    Ok(bytes)
}

/// Who may read a file that is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Readable {
    ByAll,
    ByOwner,
}

/// Writes a file that was not there before.
pub(super) fn write_new(file: &Path, contents: &[u8], readable: Readable) -> Result<(), Failure> {
    let written = match readable {
        Readable::ByAll => private_file::write_new_public(file, contents),
        Readable::ByOwner => private_file::write_new(file, contents),
    };
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => is_there(file),
        _ => Failure::unreadable(&shown_path(file), error, ""),
    })
}

/// Whether a file can be made there, before anything is done that cannot be undone.
pub(super) fn check_free(file: &Path) -> Result<(), Failure> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(Failure::unreadable(&shown_path(folder), "there is no such folder", ""));
    }
    if file.symlink_metadata().is_ok() { Err(is_there(file)) } else { Ok(()) }
}

fn is_there(file: &Path) -> Failure {
    Failure::unreadable(&shown_path(file), "it is there already", "Choose another name, or move it away.")
}

/// Replaces a public file that may be there before, in one step.
pub(super) fn replace(file: &Path, contents: &[u8]) -> Result<(), Failure> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = file.with_file_name(name);
    let written = std::fs::write(&new, contents).and_then(|()| std::fs::rename(&new, file));
    written.inspect_err(|_| drop(std::fs::remove_file(&new))).map_err(|error| Failure::unreadable(&shown_path(file), error, ""))
}

/// Public text into `out`, or to standard output.
pub(in crate::cli::commands) fn put(out: Option<&Path>, text: &str) -> Result<(), Failure> {
    match out {
        Some(file) => {
            write_new(file, text.as_bytes(), Readable::ByAll)?;
            output::say(&format!("written: {}", shown_path(file)));
            Ok(())
        }
        None => output::line(text.trim_end()).map_err(|error| Failure::output(&error)),
    }
}

impl Failure {
    pub(super) fn error(what: impl Into<String>) -> Self {
        Self { code: ExitCode::Error, ..Self::usage(what, "") }
    }

    /// What is wrong with `file`.
    pub(in crate::cli::commands) fn of_file(file: &Path, failure: impl Into<Self>) -> Self {
        let mut failure = failure.into();
        failure.advice.what = format!("{}: {}", shown_path(file), failure.advice.what);
        failure
    }
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self::usage(invalid.why, "")
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::WrongPassphrase | KeyError::Locked => {
                Self::authentication(error.to_string(), "Check the passphrase; if it is right, the file was damaged.")
            }
            _ => Self::error(error.to_string()),
        }
    }
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        let code = match error {
            FolderError::Io { .. } | FolderError::Damaged { .. } => ExitCode::Local,
            FolderError::Name(_) => ExitCode::Usage,
            _ => ExitCode::Error,
        };
        Self { code, ..Self::usage(error.to_string(), "") }
    }
}

impl From<UnlockError> for Failure {
    fn from(error: UnlockError) -> Self {
        match error {
            UnlockError::Folder(error) => error.into(),
            UnlockError::Key(error) => error.into(),
        }
    }
}

impl From<MakeError> for Failure {
    fn from(error: MakeError) -> Self {
        match error {
            MakeError::Invalid(error) => error.into(),
            MakeError::Key(error) => error.into(),
        }
    }
}

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Self {
        match error {
            BundleError::Key(error) => error.into(),
            other => Self::error(other.to_string()),
        }
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Io(_) | RecordError::Damaged(_) => Self { code: ExitCode::Local, ..Self::error(error.to_string()) },
            other => Self::error(other.to_string()),
        }
    }
}

impl From<AuthorityError> for Failure {
    fn from(error: AuthorityError) -> Self {
        Self::error(error.to_string())
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self::error(error.to_string())
    }
}

impl From<ActError> for Failure {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Folder(error) => error.into(),
            ActError::Make(error) => error.into(),
            ActError::Key(error) => error.into(),
            ActError::Bundle(error) => error.into(),
            ActError::Refused(error) => error.into(),
            ActError::Request(error) => error.into(),
            ActError::Authority(error) => error.into(),
            ActError::Record(error) => error.into(),
            ActError::Taken(_) => Self::because(ExitCode::Local, error.to_string(), "", "Choose another name or folder."),
            ActError::NoKey(_) => Self::usage(
                error.to_string(),
                "Name the identity whose request was signed (`sealift cert list`), or bring the private key, too.",
            ),
        }
    }
}

impl From<Refused> for Failure {
    fn from(error: Refused) -> Self {
        Self::error(error.to_string())
    }
}
