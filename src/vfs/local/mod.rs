//! This machine's files. Every system call runs off the runtime's threads; paths are bytes, as the kernel has them.

mod digest;
mod listing;
mod metadata;
mod streams;
#[cfg(target_os = "linux")]
mod within;

use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use async_trait::async_trait;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use tokio::sync::mpsc;
use tokio::task;

pub(super) use self::digest::digest;
pub(super) use self::listing::{kind, list};
pub(super) use self::metadata::{look, look_at, set_open};
pub(super) use self::streams::{LocalSink, LocalSource};
use super::{
    Capabilities, Create, Digest, DigestAlgorithm, FileSystem, FsError, FsErrorKind, FsResult, NewMetadata, Replace, Sink, Source,
};
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
            write_at: true,
            replaces_in_one_step: true,
            set_modified: true,
            set_mode: true,
            symlinks: true,
            listing_has_facts: false,
            copies_within: cfg!(target_os = "linux"),
            parallel: true,
            notices_damage: true,
            copies_facts: cfg!(target_os = "linux"),
        }
    }

    async fn list(&self, dir: &FilePath, batches: mpsc::Sender<Vec<Entry>>) -> FsResult<()> {
        list(dir, open_dir, batches).await
    }

    async fn list_few(&self, dir: &FilePath) -> FsResult<Option<Vec<Entry>>> {
        off_runtime("list", dir, |dir| listing::list_few(dir, metadata::LARGE)).await
    }

    async fn stat(&self, path: &FilePath) -> FsResult<Entry> {
        off_runtime("look at", path, metadata::stat).await
    }

    async fn stat_many(&self, dir: &FilePath, names: &[EntryName]) -> FsResult<Vec<Entry>> {
        metadata::stat_many(dir, names).await
    }

    async fn open(&self, path: &FilePath, from: u64) -> FsResult<Box<dyn Source>> {
        let source = off_runtime("read", path, move |path| {
            let file = open_regular(path, OFlags::RDONLY, Mode::empty())?;
            LocalSource::over(file, path, from)
        })
        .await?;
        Ok(Box::new(source))
    }

    async fn create(&self, path: &FilePath, how: Create) -> FsResult<Box<dyn Sink>> {
        let create = move |path: &FilePath| LocalSink::create(path, how, |flags, mode| open_regular(path, flags, mode));
        let sink = off_runtime("write", path, create).await?;
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
        off_runtime("rename", from, move |from| rename((CWD, from.as_bytes()), (CWD, to.as_bytes()), replace)).await
    }

    async fn set_metadata(&self, path: &FilePath, metadata: NewMetadata) -> FsResult<()> {
        off_runtime("set times and mode of", path, move |path| metadata::set(path, metadata)).await
    }

    async fn make_symlink(&self, path: &FilePath, target: &[u8]) -> FsResult<()> {
        let target = target.to_vec();
        off_runtime("make a symbolic link", path, move |path| Ok(rustix::fs::symlinkat(target, CWD, path.as_bytes())?)).await
    }

    async fn digest(&self, path: &FilePath, wanted: &[DigestAlgorithm]) -> FsResult<Option<Digest>> {
        digest(path, wanted, |path| open_regular(path, OFlags::RDONLY, Mode::empty())).await
    }

    #[cfg(target_os = "linux")]
    async fn copy_within(&self, from: &FilePath, to: &FilePath, told: &(dyn Fn(u64) + Sync)) -> FsResult<u64> {
        within::copy(from, to, told).await
    }

    #[cfg(target_os = "linux")]
    async fn copy_small_within(&self, files: Vec<(FilePath, FilePath)>) -> Vec<FsResult<u64>> {
        within::copy_small(files).await
    }

    #[cfg(target_os = "linux")]
    async fn copy_facts(&self, from: &FilePath, to: &FilePath) -> FsResult<()> {
        let from = from.clone();
        off_runtime("set times and mode of", to, move |to| within::copy_facts(&from, to)).await
    }
}

/// Why a system call failed, before path and attempt are added.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    kind: FsErrorKind,
    detail: String,
}

impl Failure {
    pub(super) fn new(kind: FsErrorKind, detail: &str) -> Self {
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
pub(super) async fn off_runtime<T: Send + 'static>(
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

/// An entry as system calls take it: a folder, and the path from there.
pub(super) type At<'a> = (BorrowedFd<'a>, &'a [u8]);

pub(super) fn rename(from: At<'_>, to: At<'_>, replace: Replace) -> Result<(), Failure> {
    match replace {
        Replace::Yes => rustix::fs::renameat(from.0, from.1, to.0, to.1)?,
        Replace::No => rename_to_free_name(from, to)?,
    }
    // The new name is to survive a crash, as the content does. A folder that cannot be opened cannot be synced either: no failure.
    let parent = to.1.iter().rposition(|&byte| byte == b'/').map_or(&b"."[..], |slash| &to.1[..slash.max(1)]);
    if let Ok(folder) = rustix::fs::openat(to.0, parent, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
        rustix::fs::fsync(folder).unwrap_or_else(|error| tracing::debug!(%error, "folder not synced"));
    }
    Ok(())
}

fn rename_to_free_name(from: At<'_>, to: At<'_>) -> Result<(), Failure> {
    #[cfg(target_os = "linux")]
    match rustix::fs::renameat_with(from.0, from.1, to.0, to.1, rustix::fs::RenameFlags::NOREPLACE) {
        // Old kernels and some file systems (network, FAT) do not know the flag.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
        result => return Ok(result?),
    }
    match rustix::fs::linkat(from.0, from.1, to.0, to.1, AtFlags::empty()) {
        Ok(()) => return Ok(rustix::fs::unlinkat(from.0, from.1, AtFlags::empty())?),
        Err(Errno::EXIST) => return Err(Errno::EXIST.into()),
        // A folder, or a file system without hard links: looking first is the best there is.
        Err(_) => {}
    }
    match rustix::fs::statat(to.0, to.1, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Err(Errno::EXIST.into()),
        Err(Errno::NOENT) => Ok(rustix::fs::renameat(from.0, from.1, to.0, to.1)?),
        Err(error) => Err(error.into()),
    }
}

fn open_dir(path: &FilePath) -> Result<OwnedFd, Failure> {
    Ok(rustix::fs::openat(CWD, path.as_bytes(), OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

fn open_regular(path: &FilePath, flags: OFlags, mode: Mode) -> Result<File, Failure> {
    let follow = if flags.contains(OFlags::NOFOLLOW) { AtFlags::SYMLINK_NOFOLLOW } else { AtFlags::empty() };
    let look = || Ok(rustix::fs::statat(CWD, path.as_bytes(), follow)?);
    regular(flags, look, |flags| Ok(rustix::fs::openat(CWD, path.as_bytes(), flags, mode)?))
}

/// Opens a regular file; never a pipe or device, whose mere opening can hang or act. `look` looks at what `open` would open.
pub(super) fn regular(
    flags: OFlags,
    look: impl FnOnce() -> Result<Stat, Failure>,
    open: impl FnOnce(OFlags) -> Result<OwnedFd, Failure>,
) -> Result<File, Failure> {
    // EXCL opens nothing that is there.
    if !flags.contains(OFlags::EXCL) {
        match look() {
            Ok(stat) => require_regular(FileType::from_raw_mode(stat.st_mode))?,
            Err(failure) if failure.kind == FsErrorKind::NotFound && flags.contains(OFlags::CREATE) => {}
            Err(failure) => return Err(failure),
        }
    }
    // NONBLOCK: should a pipe have taken the file's place since, opening it does not hang.
    let file = File::from(open(flags | OFlags::CLOEXEC | OFlags::NONBLOCK)?);
    require_regular(FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode))?;
    Ok(file)
}

pub(super) fn require_regular(kind: FileType) -> Result<(), Failure> {
    match kind {
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(Errno::ISDIR.into()),
        FileType::Symlink => Err(Failure::new(FsErrorKind::Refused, "it is a symbolic link")),
        FileType::Fifo => Err(Failure::new(FsErrorKind::Refused, "it is a pipe, not a file")),
        FileType::Socket => Err(Failure::new(FsErrorKind::Refused, "it is a socket, not a file")),
        _ => Err(Failure::new(FsErrorKind::Refused, "it is a device, not a file")),
    }
}

#[cfg(test)]
mod tests;
