//! The keys made here: `ssh/NAME` in the data folder, locked unless the person wanted otherwise, and `NAME.pub` beside.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{SshKeyFile, SshPublicKey, with_suffix};
use crate::identity::x509::draft::check_name;
use crate::trust::private_file;

/// Why a new key was not kept.
#[derive(Debug, thiserror::Error)]
pub enum NewKeyError {
    /// The name cannot be a file's.
    #[error("{0}")]
    Name(String),
    /// Something of that name is there.
    #[error("{}: it is there already", .0.display())]
    Exists(PathBuf),
    /// The disk.
    #[error("{}: {error}", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: io::Error,
    },
}

/// The folder of keys made here.
#[derive(Debug, Clone)]
pub struct SshKeyFolder {
    folder: PathBuf,
}

impl SshKeyFolder {
    /// In `data`, a person's data folder. Makes nothing.
    pub fn open(data: &Path) -> Self {
        Self { folder: data.join("ssh") }
    }

    /// Where the key called `name` lies or would lie.
    pub fn file(&self, name: &str) -> Result<PathBuf, NewKeyError> {
        check_name(name).map_err(|invalid| NewKeyError::Name(invalid.why))?;
        if Path::new(name).extension().is_some_and(|ending| ending == "pub") {
            return Err(NewKeyError::Name("a name that ends in .pub is for public halves".to_owned()));
        }
        Ok(self.folder.join(name))
    }

    /// What `named` means: a file, or else the key of that name made here.
    pub fn find(&self, named: &Path) -> PathBuf {
        let kept = named.to_str().and_then(|name| self.file(name).ok()).filter(|kept| kept.is_file());
        kept.filter(|_| !named.exists()).unwrap_or_else(|| named.to_owned())
    }

    /// Every key, by name.
    pub fn list(&self) -> io::Result<Vec<(String, PathBuf)>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let keys = names.filter_map(|name| Some((self.file(&name).ok()?, name))).filter(|(file, _)| SshKeyFile::read(file).is_ok());
        let mut keys: Vec<_> = keys.map(|(file, name)| (name, file)).collect();
        keys.sort();
        Ok(keys)
    }
}

/// Whether a new key can be written to `file`, before anything is computed for it.
pub fn check_free(file: &Path) -> Result<(), NewKeyError> {
    let both = [file.to_owned(), with_suffix(file, ".pub")];
    match both.into_iter().find(|file| file.symlink_metadata().is_ok()) {
        Some(taken) => Err(NewKeyError::Exists(taken)),
        None => Ok(()),
    }
}

/// Writes the two halves of a new key to `file` (mode 0600) and `file`.pub: both, or neither. Overwrites nothing.
pub fn write_pair(file: &Path, private: &str, public: &SshPublicKey) -> Result<(), NewKeyError> {
    check_free(file)?;
    let at = |path: &Path, error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => NewKeyError::Exists(path.to_owned()),
        _ => NewKeyError::Io { path: path.to_owned(), error },
    };
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        private_file::create_folder(folder).map_err(|error| at(folder, error))?;
    }
    private_file::create(file, private.as_bytes()).map_err(|error| at(file, error))?;
    let beside = with_suffix(file, ".pub");
    let written = private_file::create(&beside, format!("{}\n", public.line()).as_bytes());
    written.map_err(|error| {
        drop(fs::remove_file(file));
        at(&beside, error)
    })
}
