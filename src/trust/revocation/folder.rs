//! The folder a person puts revocation lists in. Read when it is needed and again when it changed; bounded.

use std::fs::{self, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::list::RevocationList;

/// More files than this are not read, the first by name are.
const MOST_FILES: usize = 256;

/// The largest file that is read, in bytes.
const LARGEST_FILE: u64 = 32 * 1024 * 1024;

/// All files together, in bytes.
const LARGEST_FOLDER: u64 = 128 * 1024 * 1024;

/// A folder of revocation lists (PEM or DER). A clone is cheap and shares what was read.
#[derive(Debug, Clone, Default)]
pub struct ListFolder {
    path: Option<PathBuf>,
    read: Arc<Mutex<Contents>>,
}

#[derive(Debug, Default)]
struct Contents {
    files: Vec<Stamp>,
    lists: Arc<[RevocationList]>,
}

/// What a file looked like when it was read.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
}

impl ListFolder {
    /// No folder: there are no lists.
    pub fn none() -> Self {
        Self::default()
    }

    /// This folder, which need not exist.
    pub fn at(path: PathBuf) -> Self {
        Self { path: Some(path), read: Arc::default() }
    }

    /// There is a folder to look in.
    pub fn is_named(&self) -> bool {
        self.path.is_some()
    }

    /// The lists in it now. What cannot be read or is no list is named in the log and left out. Blocks on the disk.
    pub fn current(&self) -> Arc<[RevocationList]> {
        let Some(folder) = &self.path else { return Arc::default() };
        let files = stamps(folder);
        let mut contents = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if contents.files != files {
            contents.lists = files.iter().flat_map(|file| lists_in(&file.path)).collect();
            contents.files = files;
        }
        contents.lists.clone()
    }
}

/// The files of `folder` that are read, in the order of their names.
fn stamps(folder: &Path) -> Vec<Stamp> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            tracing::warn!(folder = %folder.display(), %error, "the revocation lists cannot be read");
            return Vec::new();
        }
    };
    let mut files: Vec<_> = entries.filter_map(|entry| stamp(entry.ok()?.path())).collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let mut total = 0;
    let fits = |file: &Stamp| {
        total += file.length;
        total <= LARGEST_FOLDER
    };
    let all = files.len();
    let files: Vec<_> = files.into_iter().take(MOST_FILES).take_while(fits).collect();
    if files.len() < all {
        tracing::warn!(folder = %folder.display(), read = files.len(), all, "too many revocation lists: the rest is not read");
    }
    files
}

/// A plain file of a size a list may have. A pipe or a device would be waited for.
fn stamp(path: PathBuf) -> Option<Stamp> {
    let metadata = fs::metadata(&path).ok().filter(Metadata::is_file)?;
    if metadata.len() > LARGEST_FILE {
        tracing::warn!(file = %path.display(), bytes = metadata.len(), "too large for a revocation list: not read");
        return None;
    }
    Some(Stamp { length: metadata.len(), modified: metadata.modified().ok(), path })
}

fn lists_in(path: &Path) -> Vec<RevocationList> {
    let mut bytes = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(LARGEST_FILE).read_to_end(&mut bytes));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let lists = if read.is_ok() { RevocationList::read(&name, &bytes) } else { Vec::new() };
    if lists.is_empty() {
        tracing::warn!(file = %path.display(), error = ?read.err(), "this is no revocation list");
    }
    lists
}
