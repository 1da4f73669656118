//! This machine's files. Every system call runs off the runtime's threads; paths are bytes, as the kernel has them.

mod listing;
mod metadata;
mod streams;

use std::fs::File;
use std::io;
use std::path::Path;

use async_trait::async_trait;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use tokio::sync::mpsc;
use tokio::task;

use self::streams::{LocalSink, LocalSource};
use super::{Capabilities, Create, FileSystem, FsError, FsErrorKind, FsResult, NewMetadata, Replace, Sink, Source};
use crate::model::{Entry, EntryName, FilePath};

/// The local file system, from `/` on.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalFileSystem;

impl LocalFileSystem {
    /// The local file system.
    pub fn new() -> Self {
        Self
    }

    /// The path of this file system that `path` stands for; a relative one is taken from the current folder.
    pub fn path(path: &Path) -> io::Result<FilePath> {
        use std::os::unix::ffi::OsStrExt;
        let absolute = std::path::absolute(path)?;
        FilePath::parse(absolute.as_os_str().as_bytes()).map_err(|unsafe_name| io::Error::new(io::ErrorKind::InvalidInput, unsafe_name))
    }
}

#[async_trait]
impl FileSystem for LocalFileSystem {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            read_from: true,
            append: true,
            set_modified: true,
            set_mode: true,
            symlinks: true,
            listing_has_facts: false,
            parallel: true,
        }
    }

    async fn list(&self, dir: &FilePath, batches: mpsc::Sender<Vec<Entry>>) -> FsResult<()> {
        listing::list(dir, batches).await
    }

    async fn stat(&self, path: &FilePath) -> FsResult<Entry> {
        off_runtime("look at", path, metadata::stat).await
    }

    async fn stat_many(&self, dir: &FilePath, names: &[EntryName]) -> FsResult<Vec<Entry>> {
        metadata::stat_many(dir, names).await
    }

    async fn open(&self, path: &FilePath, from: u64) -> FsResult<Box<dyn Source>> {
        let source = off_runtime("read", path, move |path| LocalSource::open(path, from)).await?;
        Ok(Box::new(source))
    }

    async fn create(&self, path: &FilePath, how: Create) -> FsResult<Box<dyn Sink>> {
        let sink = off_runtime("write", path, move |path| LocalSink::create(path, how)).await?;
        Ok(Box::new(sink))
    }

    async fn make_dir(&self, path: &FilePath) -> FsResult<()> {
        off_runtime("make the folder", path, |path| Ok(rustix::fs::mkdirat(CWD, path.as_bytes(), Mode::from_raw_mode(0o777))?)).await
    }

    async fn remove_file(&self, path: &FilePath) -> FsResult<()> {
        off_runtime("remove", path, |path| Ok(rustix::fs::unlinkat(CWD, path.as_bytes(), AtFlags::empty())?)).await
    }

    async fn remove_dir(&self, path: &FilePath) -> FsResult<()> {
        off_runtime("remove the folder", path, |path| Ok(rustix::fs::unlinkat(CWD, path.as_bytes(), AtFlags::REMOVEDIR)?)).await
    }

    async fn rename(&self, from: &FilePath, to: &FilePath, replace: Replace) -> FsResult<()> {
        let to = to.clone();
        off_runtime("rename", from, move |from| rename(from, &to, replace)).await
    }

    async fn set_metadata(&self, path: &FilePath, metadata: NewMetadata) -> FsResult<()> {
        off_runtime("set times and mode of", path, move |path| metadata::set(path, metadata)).await
    }

    async fn make_symlink(&self, path: &FilePath, target: &[u8]) -> FsResult<()> {
        let target = target.to_vec();
        off_runtime("make a symbolic link", path, move |path| Ok(rustix::fs::symlinkat(target, CWD, path.as_bytes())?)).await
    }
}

/// Why a system call failed, before path and attempt are added.
#[derive(Debug)]
struct Failure {
    kind: FsErrorKind,
    detail: String,
}

impl Failure {
    fn new(kind: FsErrorKind, detail: &str) -> Self {
        Self { kind, detail: detail.to_owned() }
    }

    fn at(self, attempted: &'static str, path: &FilePath) -> FsError {
        FsError::new(self.kind, attempted, path, self.detail)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        // What the person asked for is wrong, not the disk; the standard library has no stable kinds for these.
        let kind = match Errno::from_io_error(&error) {
            Some(Errno::LOOP | Errno::NAMETOOLONG | Errno::INVAL | Errno::BUSY | Errno::TXTBSY | Errno::XDEV) => FsErrorKind::Refused,
            Some(Errno::OPNOTSUPP) => FsErrorKind::Unsupported,
            _ => FsErrorKind::from(&error),
        };
        Self { kind, detail: error.to_string() }
    }
}

impl From<Errno> for Failure {
    fn from(error: Errno) -> Self {
        io::Error::from(error).into()
    }
}

/// Runs `act` on a thread that may block. Dropping the future lets `act` end by itself; nobody waits for it.
async fn off_runtime<T: Send + 'static>(
    attempted: &'static str,
    path: &FilePath,
    act: impl FnOnce(&FilePath) -> Result<T, Failure> + Send + 'static,
) -> FsResult<T> {
    let owned = path.clone();
    match task::spawn_blocking(move || act(&owned)).await {
        Ok(result) => result.map_err(|failure| failure.at(attempted, path)),
        Err(stopped) => Err(stopped_thread(&stopped).at(attempted, path)),
    }
}

/// The runtime is ending, or a thread of it panicked.
fn stopped_thread(error: &task::JoinError) -> Failure {
    let kind = if error.is_cancelled() { FsErrorKind::Cancelled } else { FsErrorKind::Io };
    Failure { kind, detail: error.to_string() }
}

fn rename(from: &FilePath, to: &FilePath, replace: Replace) -> Result<(), Failure> {
    match replace {
        Replace::Yes => rustix::fs::renameat(CWD, from.as_bytes(), CWD, to.as_bytes())?,
        Replace::No => rename_to_free_name(from, to)?,
    }
    // The new name is to survive a crash, as the content does. A folder that cannot be opened cannot be synced either: no failure.
    if let Some(parent) = to.parent()
        && let Ok(folder) = open_dir(&parent)
    {
        rustix::fs::fsync(folder).unwrap_or_else(|error| tracing::debug!(%error, "folder not synced"));
    }
    Ok(())
}

fn rename_to_free_name(from: &FilePath, to: &FilePath) -> Result<(), Failure> {
    #[cfg(target_os = "linux")]
    match rustix::fs::renameat_with(CWD, from.as_bytes(), CWD, to.as_bytes(), rustix::fs::RenameFlags::NOREPLACE) {
        // Old kernels and some file systems (network, FAT) do not know the flag.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
        result => return Ok(result?),
    }
    match rustix::fs::linkat(CWD, from.as_bytes(), CWD, to.as_bytes(), AtFlags::empty()) {
        Ok(()) => return Ok(rustix::fs::unlinkat(CWD, from.as_bytes(), AtFlags::empty())?),
        Err(Errno::EXIST) => return Err(Errno::EXIST.into()),
        // A folder, or a file system without hard links: looking first is the best there is.
        Err(_) => {}
    }
    match rustix::fs::statat(CWD, to.as_bytes(), AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Err(Errno::EXIST.into()),
        Err(Errno::NOENT) => Ok(rustix::fs::renameat(CWD, from.as_bytes(), CWD, to.as_bytes())?),
        Err(error) => Err(error.into()),
    }
}

fn open_dir(path: &FilePath) -> Result<std::os::fd::OwnedFd, Errno> {
    rustix::fs::openat(CWD, path.as_bytes(), OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// Opens a regular file; never a pipe or device, whose mere opening can hang or act.
fn open_regular(path: &FilePath, flags: OFlags, mode: Mode) -> Result<File, Failure> {
    let follow = if flags.contains(OFlags::NOFOLLOW) { AtFlags::SYMLINK_NOFOLLOW } else { AtFlags::empty() };
    match rustix::fs::statat(CWD, path.as_bytes(), follow) {
        Ok(stat) => require_regular(FileType::from_raw_mode(stat.st_mode))?,
        Err(Errno::NOENT) if flags.contains(OFlags::CREATE) => {}
        Err(error) => return Err(error.into()),
    }
    // NONBLOCK: should a pipe have taken the file's place since, opening it does not hang.
    let file = File::from(rustix::fs::openat(CWD, path.as_bytes(), flags | OFlags::CLOEXEC | OFlags::NONBLOCK, mode)?);
    require_regular(FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode))?;
    Ok(file)
}

fn require_regular(kind: FileType) -> Result<(), Failure> {
    match kind {
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(Errno::ISDIR.into()),
        FileType::Symlink => Err(Failure::new(FsErrorKind::Refused, "it is a symbolic link")),
        FileType::Fifo => Err(Failure::new(FsErrorKind::Refused, "it is a pipe, not a file")),
        FileType::Socket => Err(Failure::new(FsErrorKind::Refused, "it is a socket, not a file")),
        _ => Err(Failure::new(FsErrorKind::Refused, "it is a device, not a file")),
    }
}
