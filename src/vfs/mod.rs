//! What a pane and a copy need of a place, local or remote: one trait, its readers and writers, its errors.

mod error;
pub mod local;
pub mod memory;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::mpsc;

pub use error::{FsError, FsErrorKind, FsResult};
pub use local::LocalFileSystem;
pub use memory::MemoryFileSystem;

use crate::model::{Entry, EntryName, FilePath};

/// A place with folders and files. One value is one connection; it may be shared, calls may wait for each other.
///
/// Dropping a call's future cancels it. What was under way then may have happened or not; an implementation whose
/// line would be out of step closes it and answers [`FsErrorKind::ConnectionLost`] from then on.
#[async_trait]
pub trait FileSystem: Send + Sync {
    /// What this place can do.
    fn capabilities(&self) -> Capabilities;

    /// Lists `dir` into `batches` as entries arrive, without `.` and `..`, in no order.
    ///
    /// Lines that cannot be read come as [`crate::model::Kind::Unparsed`]. Ends early and without error when the
    /// receiver is gone. The channel must be read while this runs.
    async fn list(&self, dir: &FilePath, batches: mpsc::Sender<Vec<Entry>>) -> FsResult<()>;

    /// The facts of one path. A symbolic link is described itself; `details.target_kind` says what it leads to.
    async fn stat(&self, path: &FilePath) -> FsResult<Entry>;

    /// The facts of several names in one folder, in the order asked. Names that are gone are left out.
    async fn stat_many(&self, dir: &FilePath, names: &[EntryName]) -> FsResult<Vec<Entry>> {
        let mut entries = Vec::with_capacity(names.len());
        for name in names {
            match self.stat(&dir.join(name)).await {
                Ok(entry) => entries.push(entry),
                Err(error) if error.kind == FsErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(entries)
    }

    /// Opens a file for reading from byte `from` on. Links are followed.
    async fn open(&self, path: &FilePath, from: u64) -> FsResult<Box<dyn Source>>;

    /// Opens a file for writing.
    async fn create(&self, path: &FilePath, how: Create) -> FsResult<Box<dyn Sink>>;

    /// Makes one folder. [`FsErrorKind::AlreadyExists`] if there is something of that name.
    async fn make_dir(&self, path: &FilePath) -> FsResult<()>;

    /// Removes a file or a link (never what it leads to).
    async fn remove_file(&self, path: &FilePath) -> FsResult<()>;

    /// Removes an empty folder.
    async fn remove_dir(&self, path: &FilePath) -> FsResult<()>;

    /// Renames. With [`Replace::Yes`] a file of that name is replaced, atomically where the place can.
    async fn rename(&self, from: &FilePath, to: &FilePath, replace: Replace) -> FsResult<()>;

    /// Sets times and permission bits, as far as [`Capabilities`] promise it; what is `None` stays.
    async fn set_metadata(&self, path: &FilePath, metadata: NewMetadata) -> FsResult<()>;

    /// Makes a symbolic link at `path` whose text is `target`.
    async fn make_symlink(&self, path: &FilePath, target: &[u8]) -> FsResult<()> {
        let _ = target;
        Err(FsError::unsupported("make a symbolic link", path))
    }

    /// Keeps an idle line alive; an error means that it is lost.
    async fn keep_alive(&self) -> FsResult<()> {
        Ok(())
    }

    /// Says good-bye. The value cannot be used afterwards.
    async fn close(&self) {}
}

/// What a place can do. What is `false` is not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Reading can begin behind the first byte.
    pub read_from: bool,
    /// Writing can go on at the end of a file that is there.
    pub append: bool,
    /// Times can be set.
    pub set_modified: bool,
    /// Permission bits can be set.
    pub set_mode: bool,
    /// Symbolic links can be made.
    pub symlinks: bool,
    /// A listing brings sizes and times; else they are asked for with [`FileSystem::stat_many`].
    pub listing_has_facts: bool,
    /// Several reads and writes may be open on one value at once (else one at a time: lease another connection).
    pub parallel: bool,
}

/// How a file is opened for writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// It must not be there (over FTP as far as can be asked before). Mode 0600 where the place can.
    New,
    /// It is emptied if it is there.
    Truncate,
    /// It is there and has at least this many bytes; writing goes on behind them. Anything further is cut off; a place
    /// that cannot do that answers [`FsErrorKind::Unsupported`] and leaves the file as it is.
    ResumeAt(u64),
}

/// Whether a rename may replace a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// Fail with [`FsErrorKind::AlreadyExists`].
    No,
    /// Replace it.
    Yes,
}

/// Facts to set on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NewMetadata {
    /// Last modification, UTC.
    pub modified: Option<Timestamp>,
    /// Permission bits (`0o7777`).
    pub mode: Option<u32>,
}

/// A file being read.
#[async_trait]
pub trait Source: Send {
    /// The next bytes, at most 1 MiB; `None` at the end, and only when the sender confirmed that it is the end
    /// (FTP: 226 and, over TLS, `close_notify`).
    async fn read(&mut self) -> FsResult<Option<Bytes>>;

    /// Ends reading early and leaves the connection usable where it can.
    async fn abort(self: Box<Self>);
}

/// A file being written. Dropping it without [`Sink::commit`] is an abort.
#[async_trait]
#[must_use = "a sink that is not committed is aborted"]
pub trait Sink: Send {
    /// Takes the next bytes. They may still be under way when this returns; what is buffered is bounded.
    async fn write(&mut self, chunk: Bytes) -> FsResult<()>;

    /// Ends writing and waits for the receiver's word that all bytes are there (FTP: 226, SFTP: CLOSE answered,
    /// local: written to the disk). Answers the number of bytes written through this sink.
    async fn commit(self: Box<Self>) -> FsResult<u64>;

    /// Ends writing early and leaves the connection usable where it can. The file stays as far as it got.
    async fn abort(self: Box<Self>);
}

/// How much of a listing is taken before it counts as one without end: a server's word must not fill the memory.
#[derive(Debug)]
pub struct ListingBudget {
    entries: usize,
    bytes: usize,
}

impl Default for ListingBudget {
    /// More than any folder has: five million entries, and half a GiB of names.
    fn default() -> Self {
        Self { entries: 5_000_000, bytes: 512 << 20 }
    }
}

impl ListingBudget {
    /// A budget of so many entries.
    pub fn entries(most: usize) -> Self {
        Self { entries: most, ..Self::default() }
    }

    /// Takes a batch off it. [`FsErrorKind::Protocol`] where it is too much.
    pub fn take(&mut self, dir: &FilePath, batch: &[Entry]) -> FsResult<()> {
        let names = batch.iter().map(|entry| entry.raw_name().len()).sum::<usize>();
        match (self.entries.checked_sub(batch.len()), self.bytes.checked_sub(names)) {
            (Some(entries), Some(bytes)) => {
                *self = Self { entries, bytes };
                Ok(())
            }
            _ => Err(FsError::new(FsErrorKind::Protocol, "list", dir, "the listing has no end")),
        }
    }
}

/// Lists a whole folder into memory; one without end is [`FsErrorKind::Protocol`].
pub async fn list_all(place: &dyn FileSystem, dir: &FilePath) -> FsResult<Vec<Entry>> {
    list_within(place, dir, ListingBudget::default()).await
}

/// [`list_all`] as far as `budget` allows.
pub async fn list_within(place: &dyn FileSystem, dir: &FilePath, mut budget: ListingBudget) -> FsResult<Vec<Entry>> {
    let (sender, mut batches) = mpsc::channel::<Vec<Entry>>(4);
    let mut entries = Vec::new();
    let collect = async {
        while let Some(batch) = batches.recv().await {
            budget.take(dir, &batch)?;
            entries.extend(batch);
        }
        Ok(())
    };
    // The first error ends both.
    tokio::try_join!(place.list(dir, sender), collect)?;
    Ok(entries)
}
