//! One file of the journal: an ACID store of one process. The only importer of redb.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, TableDefinition};

use super::record::{FileRecord, JobRecord, Tag};
use crate::engine::order::Priority;
use crate::model::FilePath;

/// Jobs by their tags.
const JOBS: TableDefinition<u32, &[u8]> = TableDefinition::new("jobs");
/// Files under way, by job and target.
const FILES: TableDefinition<(u32, &[u8]), &[u8]> = TableDefinition::new("files");
/// Files that are through and do not show it at the target, by job and [`SourceHash`].
const DONE: TableDefinition<(u32, u64), ()> = TableDefinition::new("done");
/// What the file itself is.
const ABOUT: TableDefinition<&str, &str> = TableDefinition::new("about");

/// How the values are written. A program that knows only older ones leaves the file alone.
const VERSION: u32 = 1;
/// Bytes of memory for pages.
const CACHE: usize = 1 << 20;

/// A change of what the file holds.
#[derive(Debug, Clone)]
pub(super) enum Change {
    /// A job is there, or is otherwise than before.
    Job(Tag, Box<JobRecord>),
    /// A job has another place in the queue, or is more or less urgent.
    Placed(Tag, u64, Priority),
    /// Nothing is left of a job.
    JobGone(Tag),
    /// A file is under way to this target.
    File(Tag, FilePath, FileRecord),
    /// It is no longer.
    FileGone(Tag, FilePath),
    /// The file with this source is through.
    Done(Tag, SourceHash),
}

/// Stands for the path of a source.
pub(super) type SourceHash = u64;

/// All that a file holds of one job.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) tag: Tag,
    pub(super) job: JobRecord,
    pub(super) files: Vec<(FilePath, FileRecord)>,
}

/// Why a file of the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    /// Its owner lives.
    #[error("another sealift uses it")]
    InUse,
    /// A newer program wrote it.
    #[error("a newer sealift wrote it (version {0})")]
    Newer(String),
    /// It is not what was written.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// The disk, or what rules it.
    #[error("{0}")]
    Io(io::Error),
}

/// An open file; nobody else can open it meanwhile.
pub(super) struct Store {
    database: Database,
    path: PathBuf,
}

impl Store {
    /// Makes a new file, mode 0600.
    pub(super) fn create(path: &Path) -> Result<Self, StoreError> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path).map_err(StoreError::Io)?;
        let made = Self::begin(file, path.to_owned());
        if made.is_err() {
            // Empty, it would be taken for a damaged one.
            drop(std::fs::remove_file(path));
        }
        made
    }

    fn begin(file: File, path: PathBuf) -> Result<Self, StoreError> {
        let backend = FileBackend::new(file)?;
        let store = Self { database: Builder::new().set_cache_size(CACHE).create_with_backend(backend)?, path };
        let transaction = store.database.begin_write().map_err(failed)?;
        {
            let mut about = transaction.open_table(ABOUT).map_err(failed)?;
            about.insert("version", &*VERSION.to_string()).map_err(failed)?;
            about.insert("boot", &*boot()).map_err(failed)?;
            transaction.open_table(JOBS).map_err(failed)?;
            transaction.open_table(FILES).map_err(failed)?;
            transaction.open_table(DONE).map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
        Ok(store)
    }

    /// Opens the file of a process that is gone. Every page is checked: what is damaged is not believed.
    pub(super) fn open(path: PathBuf) -> Result<Self, StoreError> {
        let database = Builder::new().set_cache_size(CACHE).set_check_integrity_on_open(true).open(&path)?;
        let store = Self { database, path };
        let version = store.about("version")?;
        match version.parse::<u32>() {
            Ok(VERSION) => Ok(store),
            Ok(newer) if newer > VERSION => Err(StoreError::Newer(version)),
            _ => Err(StoreError::Damaged("it names no version".to_owned())),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this machine ran on ever since the file was begun: then nothing that was written can be lost.
    pub(super) fn is_of_this_boot(&self) -> bool {
        let boot = boot();
        !boot.is_empty() && self.about("boot").is_ok_and(|of| of == boot)
    }

    fn about(&self, what: &str) -> Result<String, StoreError> {
        let transaction = self.database.begin_read().map_err(failed)?;
        let about = transaction.open_table(ABOUT).map_err(failed)?;
        let value = about.get(what).map_err(failed)?;
        Ok(value.map(|value| value.value().to_owned()).unwrap_or_default())
    }

    /// Makes all changes or none; they are on the disk when this returns.
    pub(super) fn apply(&self, changes: &[Change]) -> Result<(), StoreError> {
        let transaction = self.database.begin_write().map_err(failed)?;
        {
            let mut jobs = transaction.open_table(JOBS).map_err(failed)?;
            let mut files = transaction.open_table(FILES).map_err(failed)?;
            let mut done = transaction.open_table(DONE).map_err(failed)?;
            for change in changes {
                match change {
                    Change::Job(tag, job) => drop(jobs.insert(tag.0, &*encode(job)?).map_err(failed)?),
                    Change::Placed(Tag(tag), place, priority) => {
                        let job = jobs.get(tag).map_err(failed)?.map(|job| decode::<JobRecord>(job.value())).transpose()?;
                        if let Some(mut job) = job {
                            (job.place, job.order.options.priority) = (*place, *priority);
                            drop(jobs.insert(tag, &*encode(&job)?).map_err(failed)?);
                        }
                    }
                    Change::JobGone(Tag(tag)) => {
                        drop(jobs.remove(tag).map_err(failed)?);
                        files.retain_in((*tag, &[][..])..(tag.saturating_add(1), &[][..]), |_, _| false).map_err(failed)?;
                        done.retain_in((*tag, 0)..=(*tag, u64::MAX), |_, ()| false).map_err(failed)?;
                    }
                    Change::File(tag, target, file) => {
                        drop(files.insert((tag.0, target.as_bytes()), &*encode(file)?).map_err(failed)?);
                    }
                    Change::FileGone(tag, target) => drop(files.remove((tag.0, target.as_bytes())).map_err(failed)?),
                    Change::Done(tag, source) => drop(done.insert((tag.0, *source), ()).map_err(failed)?),
                }
            }
        }
        transaction.commit().map_err(failed)
    }

    /// Every job with its files, in the order of the queue.
    pub(super) fn jobs(&self) -> Result<Vec<Kept>, StoreError> {
        let transaction = self.database.begin_read().map_err(failed)?;
        let (jobs, files) = (transaction.open_table(JOBS).map_err(failed)?, transaction.open_table(FILES).map_err(failed)?);
        let mut kept = Vec::new();
        for row in jobs.iter().map_err(failed)? {
            let (tag, job) = row.map_err(failed)?;
            kept.push(Kept { tag: Tag(tag.value()), job: decode(job.value())?, files: Vec::new() });
        }
        for row in files.iter().map_err(failed)? {
            let (key, file) = row.map_err(failed)?;
            let (tag, target) = key.value();
            let target = FilePath::parse(target).map_err(|error| StoreError::Damaged(error.to_string()))?;
            if let Some(job) = kept.iter_mut().find(|job| job.tag.0 == tag) {
                job.files.push((target, decode(file.value())?));
            }
        }
        kept.sort_by_key(|kept| kept.job.place);
        Ok(kept)
    }

    /// The sources of a job that are through and do not show it.
    pub(super) fn done(&self, Tag(tag): Tag) -> Result<Vec<SourceHash>, StoreError> {
        let transaction = self.database.begin_read().map_err(failed)?;
        let done = transaction.open_table(DONE).map_err(failed)?;
        let rows = done.range((tag, 0)..=(tag, u64::MAX)).map_err(failed)?;
        rows.map(|row| row.map(|(key, _)| key.value().1).map_err(failed)).collect()
    }

    /// Lets go of the file and removes it.
    pub(super) fn remove(self) {
        let path = self.path.clone();
        drop(self);
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::debug!(%error, "a file of the journal stays");
        }
    }
}

/// The run of the operating system; empty where it has no name.
fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

fn encode(value: &impl serde::Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| StoreError::Io(error.into()))
}

fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| StoreError::Damaged(error.to_string()))
}

impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => Self::InUse,
            DatabaseError::UpgradeRequired(version) => Self::Newer(version.to_string()),
            DatabaseError::Storage(error) => failed(error),
            error => Self::Damaged(error.to_string()),
        }
    }
}

fn failed(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Io(error) => match error.kind() {
            // Pages that should be there are not.
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => StoreError::Damaged(error.to_string()),
            _ => StoreError::Io(error),
        },
        error @ (redb::Error::PreviousIo | redb::Error::DatabaseClosed | redb::Error::Unsupported) => {
            StoreError::Io(io::Error::other(error.to_string()))
        }
        error => StoreError::Damaged(error.to_string()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A file as another version of the program would write it.
    pub(in crate::engine::journal) fn write_version(path: &Path, version: &str) {
        let database = Database::create(path).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(ABOUT).unwrap().insert("version", version).unwrap();
        transaction.commit().unwrap();
    }
}
