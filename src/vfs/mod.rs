//! What a pane and a copy need of a place, local or remote: one trait, its readers and writers, its errors.

mod digest;
mod error;
pub mod local;
pub mod memory;
mod rooted;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::mpsc;

pub use digest::{Digest, DigestAlgorithm, Hasher};
pub use error::{FsError, FsErrorKind, FsResult};
pub use local::LocalFileSystem;
pub use memory::MemoryFileSystem;
pub use rooted::RootedFileSystem;

use crate::model::{Entry, EntryName, FilePath, TransferType};

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

    /// Lists a folder with the facts of its entries in one go, names that are gone by then left out. `None`: there are too many,
    /// or this place has no quicker way than [`Self::list`] and [`Self::stat_many`].
    async fn list_few(&self, dir: &FilePath) -> FsResult<Option<Vec<Entry>>> {
        let _ = dir;
        Ok(None)
    }

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

    /// Renames. With [`Replace::Yes`] a file of that name is replaced, see [`Capabilities::replaces_in_one_step`].
    async fn rename(&self, from: &FilePath, to: &FilePath, replace: Replace) -> FsResult<()>;

    /// Sets times and permission bits, as far as [`Capabilities`] promise it; what is `None` stays.
    async fn set_metadata(&self, path: &FilePath, metadata: NewMetadata) -> FsResult<()>;

    /// Gives a file that is whole its facts and its real name: [`Self::set_metadata`] and [`Self::rename`] in as few turns as
    /// the place needs. Facts that cannot be set do not keep it from its name.
    async fn put_in_place(&self, part: &FilePath, to: &FilePath, facts: NewMetadata, replace: Replace) -> FsResult<()> {
        if facts != NewMetadata::default()
            && let Err(error) = self.set_metadata(part, facts).await
        {
            if error.is_connection_lost() {
                return Err(error);
            }
            tracing::debug!(%error, "times or mode not kept");
        }
        self.rename(part, to, replace).await
    }

    /// Makes a symbolic link at `path` whose text is `target`.
    async fn make_symlink(&self, path: &FilePath, target: &[u8]) -> FsResult<()> {
        let _ = target;
        Err(FsError::unsupported("make a symbolic link", path))
    }

    /// Copies a file to a new name within this place, its bytes passing nowhere else; answers their number. `told` hears of
    /// bytes as they are copied. [`FsErrorKind::AlreadyExists`] if there is something of that name; what was begun and failed
    /// stays under it. Only where [`Capabilities::copies_within`].
    async fn copy_within(&self, from: &FilePath, to: &FilePath, told: &(dyn Fn(u64) + Sync)) -> FsResult<u64> {
        let _ = (to, told);
        Err(FsError::unsupported("copy within the place", from))
    }

    /// Copies small files, each to its new name, and answers for each, in their order, the number of bytes. A name is given
    /// only to what is whole and durable, and only if it is free, else [`FsErrorKind::AlreadyExists`]; nothing unfinished is
    /// left behind. Links are not followed. What failed may still be copied one by one.
    async fn copy_small_within(&self, files: Vec<(FilePath, FilePath)>) -> Vec<FsResult<u64>> {
        files.iter().map(|(from, _)| Err(FsError::unsupported("copy within the place", from))).collect()
    }

    /// Gives a folder or link what another of its kind has: times, mode, and what else the place has of it, as far as it may
    /// be given. Only where [`Capabilities::copies_facts`].
    async fn copy_facts(&self, from: &FilePath, to: &FilePath) -> FsResult<()> {
        let _ = from;
        Err(FsError::unsupported("set times and mode of", to))
    }

    /// The same place over the same connection where the ends of lines are treated so; `None` where files always travel as they
    /// are.
    fn with_transfer_type(&self, transfer_type: TransferType) -> Option<Arc<dyn FileSystem>> {
        let _ = transfer_type;
        None
    }

    /// What this place itself says a file's content comes to, in the best way it has among `wanted` (the best first), without
    /// its bytes coming here; `None` where it has no such way.
    async fn digest(&self, path: &FilePath, wanted: &[DigestAlgorithm]) -> FsResult<Option<Digest>> {
        let _ = (path, wanted);
        Ok(None)
    }

    /// Whether several connections bring one large file sooner than this one alone: where each carries one file, or a long
    /// line gives each of them only so much.
    fn gains_by_more(&self) -> bool {
        !self.capabilities().parallel
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
    /// [`Replace::Yes`] is one step; else there is no file of that name for a moment, and for good if the line breaks then.
    pub replaces_in_one_step: bool,
    /// Times can be set.
    pub set_modified: bool,
    /// Permission bits can be set.
    pub set_mode: bool,
    /// Symbolic links can be made.
    pub symlinks: bool,
    /// A listing brings sizes and times; else they are asked for with [`FileSystem::stat_many`].
    pub listing_has_facts: bool,
    /// Several writers may fill different parts of one file, see [`Create::At`].
    pub write_at: bool,
    /// [`FileSystem::copy_within`] works.
    pub copies_within: bool,
    /// Several reads and writes may be open on one value at once (else one at a time: lease another connection).
    pub parallel: bool,
    /// Bytes that are damaged on the way to or from it are not taken for good ones (TLS, SSH, this machine; not plain FTP).
    pub notices_damage: bool,
    /// [`FileSystem::copy_within`] keeps times and mode, and what else the place has of a file: they need not be set. And
    /// [`FileSystem::copy_facts`] works.
    pub copies_facts: bool,
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
    /// It is there; writing begins at this byte, wherever the file ends now, and what lies elsewhere stays. Only where
    /// [`Capabilities::write_at`].
    At(u64),
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

    /// Whether what comes is not byte for byte what is there (the ends of lines in FTP's ASCII transfers): sizes say nothing.
    fn is_converted(&self) -> bool {
        false
    }

    /// Ends reading early and leaves the connection usable where it can.
    async fn abort(self: Box<Self>);
}

/// A file being written. Dropping it without [`Sink::commit`] is an abort.
#[async_trait]
#[must_use = "a sink that is not committed is aborted"]
pub trait Sink: Send {
    /// Takes the next bytes. They may still be under way when this returns; what is buffered is bounded.
    async fn write(&mut self, chunk: Bytes) -> FsResult<()>;

    /// How many bytes written through this sink, from the first on, are safe already, whatever becomes of the line or this machine
    /// (SFTP: every WRITE up to there was answered; local: synced); `None` where only a look at the file can tell.
    fn known_good(&self) -> Option<u64> {
        None
    }

    /// Facts for the file to be given as it is committed, where that spares a question of its own; `false`: not here, set
    /// them by path afterwards. As there, what the receiver does not take is no failure.
    fn set_metadata(&mut self, metadata: NewMetadata) -> bool {
        let _ = metadata;
        false
    }

    /// Has [`Sink::commit`] bring the file to the receiver's disk too, where it takes such a wish (SFTP: `fsync@openssh.com`); local
    /// files go there anyhow. It costs as much as that disk takes for it, but no turn of the line.
    fn sync_at_end(&mut self) {}

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

/// Reads a small file as a whole; `None` if it has more than `most` bytes.
pub async fn read_small(place: &dyn FileSystem, path: &FilePath, most: usize) -> FsResult<Option<Vec<u8>>> {
    let mut source = place.open(path, 0).await?;
    let mut content = Vec::new();
    while let Some(bytes) = source.read().await? {
        if content.len() + bytes.len() > most {
            source.abort().await;
            return Ok(None);
        }
        content.extend_from_slice(&bytes);
    }
    Ok(Some(content))
}

/// Lists a whole folder into memory; one without end is [`FsErrorKind::Protocol`].
pub async fn list_all(place: &dyn FileSystem, dir: &FilePath) -> FsResult<Vec<Entry>> {
    list_within(place, dir, ListingBudget::default()).await
}

/// Names whose facts are asked for in one go, where there are many.
pub const STATS_AT_ONCE: usize = 4096;

/// [`list_all`] with sizes and times also where the listing brings none of them. Names that are gone by then are left out.
pub async fn list_with_facts(place: &dyn FileSystem, dir: &FilePath) -> FsResult<Vec<Entry>> {
    if let Some(entries) = place.list_few(dir).await? {
        return Ok(entries);
    }
    let listed = list_all(place, dir).await?;
    if place.capabilities().listing_has_facts {
        return Ok(listed);
    }
    let (named, mut entries): (Vec<_>, Vec<_>) = listed.into_iter().partition(|entry| entry.name().is_ok());
    let names: Vec<EntryName> = named.iter().filter_map(|entry| entry.name().ok()).collect();
    for part in names.chunks(STATS_AT_ONCE) {
        entries.extend(place.stat_many(dir, part).await?);
    }
    Ok(entries)
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
