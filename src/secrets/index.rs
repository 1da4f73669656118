//! Which secrets are kept, since when and where, in a file people can read: no keyring can be asked for all it holds, and a
//! vault only when it is open. Labels and dates, no secret.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::private_file;
use super::rung::Rung;
use super::store::SecretStoreError;
use crate::model::text::display_safe;

/// A secret that is kept somewhere; not the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptSecret {
    /// A [`super::Label`] in words.
    pub label: String,
    /// Where.
    pub rung: Rung,
    /// Since when; replacing it by a right one counts.
    pub since: Timestamp,
}

/// The file.
#[derive(Debug)]
pub(super) struct Index(PathBuf);

#[derive(Default, Serialize, Deserialize)]
struct Contents {
    kept: Vec<KeptSecret>,
}

impl Index {
    /// The list that is, or will be, `file`.
    pub(super) fn at(file: PathBuf) -> Self {
        Self(file)
    }

    /// Everything that is kept, by label. A missing file is an empty list.
    pub(super) fn rows(&self) -> Result<Vec<KeptSecret>, SecretStoreError> {
        let contents: Contents = match std::fs::read(&self.0) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| self.error(&error.to_string()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Contents::default(),
            Err(error) => return Err(self.error(&error.to_string())),
        };
        Ok(contents.kept)
    }

    /// What is kept under `label`.
    pub(super) fn row(&self, label: &str) -> Result<Option<KeptSecret>, SecretStoreError> {
        Ok(self.rows()?.into_iter().find(|row| row.label == label))
    }

    /// Writes a row in place of the one with its label.
    pub(super) fn set(&self, row: KeptSecret) -> Result<(), SecretStoreError> {
        self.change(|rows| {
            rows.retain(|known| known.label != row.label);
            rows.push(row);
            rows.sort_by(|a, b| a.label.cmp(&b.label));
        })
    }

    /// Removes the row of `label`.
    pub(super) fn remove(&self, label: &str) -> Result<(), SecretStoreError> {
        self.change(|rows| rows.retain(|row| row.label != label))
    }

    fn change(&self, change: impl FnOnce(&mut Vec<KeptSecret>)) -> Result<(), SecretStoreError> {
        let failed = |error: io::Error| self.error(&error.to_string());
        private_file::create_folder(self.0.parent().unwrap_or(Path::new("."))).map_err(failed)?;
        let _lock = private_file::lock(&self.0);
        let mut kept = self.rows()?;
        change(&mut kept);
        let text = serde_json::to_vec_pretty(&Contents { kept }).map_err(|error| self.error(&error.to_string()))?;
        private_file::replace(&self.0, &text).map_err(failed)
    }

    fn error(&self, why: &str) -> SecretStoreError {
        let file = display_safe(self.0.as_os_str().as_encoded_bytes());
        SecretStoreError::Index { file, why: display_safe(why.as_bytes()) }
    }
}
