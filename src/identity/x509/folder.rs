//! A folder of named folders that only their owner may read; each appears, is renamed and disappears whole. Knows nothing of
//! what is in them.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::draft::check_name;
use super::names::Invalid;
use crate::trust::private_file;

/// A name, and what lies under it or why that cannot be read.
pub type Listed<T> = (String, Result<T, FolderError>);

/// No file in one is larger (bytes).
const LARGEST: u64 = 1024 * 1024;

/// Why something cannot be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The disk.
    #[error("{}: {error}", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: io::Error,
    },
    /// The name is taken.
    #[error("there is one called {0} already; choose another name, or remove that one first")]
    Exists(String),
    /// There is none of that name.
    #[error("there is none called {0}; `sealift cert list` names them all")]
    Missing(String),
    /// The name cannot be a folder's.
    #[error(transparent)]
    Name(#[from] Invalid),
    /// A file in it makes no sense.
    #[error("{}: {why}", .path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// No certificate waits for its first login.
    #[error("no signed certificate of {0} waits to replace the old one")]
    NothingPending(String),
    /// Another one waits than the one that got somebody in.
    #[error("another signed certificate of {0} was taken in meanwhile; it waits for a login of its own")]
    OtherPending(String),
}

impl FolderError {
    pub(super) fn damaged(path: &Path, why: &impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), why: why.to_string() }
    }
}

/// The error of `path`.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    |error| FolderError::Io { path, error }
}

/// Makes `above`/`name` with `files`: it is there with all of them, or not at all.
pub(super) fn add(above: &Path, name: &str, files: &[(&str, &[u8])]) -> Result<PathBuf, FolderError> {
    let folder = free(above, name)?;
    let new = above.join(format!(".{name}.{}.new", std::process::id()));
    private_file::create_folder(&new).map_err(at(&new))?;
    let write = || {
        for (file, contents) in files {
            let file = new.join(file);
            private_file::replace(&file, contents).map_err(at(&file))?;
        }
        fs::rename(&new, &folder).map_err(at(&folder))
    };
    write().inspect_err(|_| drop(fs::remove_dir_all(&new)))?;
    Ok(folder)
}

/// The folder called `name`.
pub(super) fn find(above: &Path, name: &str) -> Result<PathBuf, FolderError> {
    check_name(name)?;
    let folder = above.join(name);
    if folder.is_dir() { Ok(folder) } else { Err(FolderError::Missing(name.to_owned())) }
}

/// Gives it another name.
pub(super) fn rename(above: &Path, name: &str, new: &str) -> Result<(), FolderError> {
    let from = find(above, name)?;
    fs::rename(&from, free(above, new)?).map_err(at(&from))
}

/// Takes it away for good.
pub(super) fn remove(above: &Path, name: &str) -> Result<(), FolderError> {
    let folder = find(above, name)?;
    let gone = above.join(format!(".{name}.{}.gone", std::process::id()));
    fs::rename(&folder, &gone).map_err(at(&folder))?;
    fs::remove_dir_all(&gone).map_err(at(&gone))
}

/// Every name, sorted; none if `above` is not there.
pub(super) fn names(above: &Path) -> Result<Vec<String>, FolderError> {
    let entries = match fs::read_dir(above) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(at(above))?,
    };
    let mut names: Vec<_> =
        entries.flatten().filter(|entry| entry.path().is_dir()).filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| check_name(name).is_ok());
    names.sort();
    Ok(names)
}

/// A file in one; `None` if it is not there.
pub(super) fn read(file: &Path) -> Result<Option<Vec<u8>>, FolderError> {
    let opened = match fs::File::open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(at(file))?,
    };
    let mut contents = Vec::new();
    opened.take(LARGEST + 1).read_to_end(&mut contents).map_err(at(file))?;
    if contents.len() as u64 > LARGEST { Err(FolderError::damaged(file, &"it is far too large")) } else { Ok(Some(contents)) }
}

fn free(above: &Path, name: &str) -> Result<PathBuf, FolderError> {
    check_name(name)?;
    let folder = above.join(name);
    if folder.symlink_metadata().is_ok() { Err(FolderError::Exists(name.to_owned())) } else { Ok(folder) }
}
