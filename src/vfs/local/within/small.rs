//! Many small files in one go. Each is made without a name, all reach the disk together, and only then each gets its name:
//! under a name there is never a file that is not whole, not even after the power failed, and no unfinished one is left behind.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use tokio::task;

use super::super::{Failure, require_regular, stopped_thread};
use super::cancelled;
use super::facts::{self, Owner};
use crate::model::FilePath;
use crate::vfs::{FsErrorKind, FsResult};

/// So few are written to the disk one by one: writing all there is may mean waiting for what others wrote.
const FEW: usize = 4;
/// What is larger is not read into memory.
const MOST_BYTES: u64 = 4 << 20;
/// After so many free names in a folder, the next are taken to be free, too.
const ENOUGH_FREE: usize = 8;
/// Folders kept open at once.
const MOST_FOLDERS: usize = 32;

/// Copies each file to its new name, in the order given. Those that have no name yet when this is dropped get none.
pub(in crate::vfs::local) async fn copy_small(files: Vec<(FilePath, FilePath)>) -> Vec<FsResult<u64>> {
    let files = Arc::new(files);
    let wanted = Wanted(Arc::new(AtomicBool::new(true)));
    let (order, still) = (Arc::clone(&files), Arc::clone(&wanted.0));
    let copied = task::spawn_blocking(move || Batch::default().copy(&order, &still)).await;
    drop(wanted);
    match copied {
        Ok(copied) => files.iter().zip(copied).map(|((from, _), copied)| copied.map_err(|failure| failure.at("copy", from))).collect(),
        Err(stopped) => files.iter().map(|(from, _)| Err(stopped_thread(&stopped).at("copy", from))).collect(),
    }
}

/// Tells the thread, when dropped, that nobody waits for it any more.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Files made and not yet named, and the folders they are for.
#[derive(Default)]
struct Batch {
    source: Option<Folder>,
    targets: Vec<Folder>,
    made: Vec<Nameless>,
    buffer: Vec<u8>,
    copied: Vec<Result<u64, Failure>>,
}

struct Folder {
    path: Vec<u8>,
    opened: OwnedFd,
    device: u64,
    /// Whom a new file in it belongs to.
    owner: Owner,
    /// Names that were free one after the other.
    free: usize,
}

/// A file that has no name yet.
struct Nameless {
    file: File,
    length: u64,
    /// Which of the files ordered it is.
    order: usize,
    /// Which of the targets' folders it is for.
    folder: usize,
}

impl Batch {
    fn copy(mut self, files: &[(FilePath, FilePath)], wanted: &AtomicBool) -> Vec<Result<u64, Failure>> {
        for (order, (from, to)) in files.iter().enumerate() {
            let made = if wanted.load(Ordering::Relaxed) { self.make(order, from.as_bytes(), to.as_bytes()) } else { Err(cancelled()) };
            self.copied.push(made);
            if self.targets.len() == MOST_FOLDERS {
                self.finish(files, wanted);
            }
        }
        self.finish(files, wanted);
        self.copied
    }

    fn make(&mut self, order: usize, from: &[u8], to: &[u8]) -> Result<u64, Failure> {
        let (folder_path, name) = split(from);
        let source_folder = match self.source.take().filter(|folder| folder.path == folder_path) {
            Some(folder) => folder,
            None => Folder::open(folder_path)?,
        };
        let source_folder = self.source.insert(source_folder);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let source = File::from(rustix::fs::openat(&source_folder.opened, name, flags, Mode::empty())?);
        let before = rustix::fs::fstat(&source)?;
        require_regular(FileType::from_raw_mode(before.st_mode))?;

        if before.st_size as u64 > MOST_BYTES {
            return Err(Failure::new(FsErrorKind::Refused, "it is no small file"));
        }
        let folder = self.target(split(to).0)?;
        let target = &mut self.targets[folder];
        // Where things are in the way, nothing is copied in vain. A name is given only if it is free, whatever is seen here.
        if target.free < ENOUGH_FREE {
            if rustix::fs::statat(&target.opened, split(to).1, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
                target.free = 0;
                return Err(Errno::EXIST.into());
            }
            target.free += 1;
        }
        let length = read_whole(&source, before.st_size as usize, &mut self.buffer)?;

        let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&target.opened, ".", flags, Mode::from_raw_mode(0o600)) {
            Ok(file) => File::from(file),
            // Old kernels take it for an attempt to write a folder.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
                return Err(Failure::new(FsErrorKind::Unsupported, "there are no files without a name here"));
            }
            Err(error) => return Err(error.into()),
        };
        (&file).write_all(&self.buffer[..length])?;
        facts::keep(&source, &before, &file, target.owner);
        let length = length as u64;
        self.made.push(Nameless { file, length, order, folder });
        Ok(length)
    }

    fn target(&mut self, path: &[u8]) -> Result<usize, Failure> {
        // The last one first: files come folder by folder.
        if let Some(at) = self.targets.iter().rposition(|folder| folder.path == path) {
            return Ok(at);
        }
        self.targets.push(Folder::open(path)?);
        Ok(self.targets.len() - 1)
    }

    /// Writes what was made to the disk and gives it its names.
    fn finish(&mut self, files: &[(FilePath, FilePath)], wanted: &AtomicBool) {
        let targets = std::mem::take(&mut self.targets);
        let made = std::mem::take(&mut self.made);
        let written = write_to_disk(&made, &targets);
        let mut changed = vec![false; targets.len()];
        for nameless in made {
            let name = split(files[nameless.order].1.as_bytes()).1;
            let named = match &written {
                Err(failure) => Err(failure.clone()),
                Ok(()) if !wanted.load(Ordering::Relaxed) => Err(cancelled()),
                Ok(()) => give_name(&nameless.file, &targets[nameless.folder].opened, name),
            };
            changed[nameless.folder] |= named.is_ok();
            self.copied[nameless.order] = named.map(|()| nameless.length);
        }
        // The names, too, are to survive. A failure here takes no file away.
        for (folder, _) in targets.iter().zip(changed).filter(|(_, changed)| *changed) {
            rustix::fs::fsync(&folder.opened).unwrap_or_else(|error| tracing::debug!(%error, "folder not synced"));
        }
    }
}

impl Folder {
    fn open(path: &[u8]) -> Result<Self, Failure> {
        let opened = rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let facts = rustix::fs::fstat(&opened)?;
        let inherits = Mode::from_raw_mode(facts.st_mode).contains(Mode::SGID);
        let group = if inherits { facts.st_gid } else { rustix::process::getegid().as_raw() };
        let owner = (rustix::process::geteuid().as_raw(), group);
        Ok(Self { path: path.to_vec(), opened, device: facts.st_dev, owner, free: 0 })
    }
}

/// Reads a file of `size` bytes into the beginning of `buffer`, and answers `size`. [`FsErrorKind::ChangedMeanwhile`] where it
/// has another size by now.
pub(super) fn read_whole(source: &File, size: usize, buffer: &mut Vec<u8>) -> Result<usize, Failure> {
    // One byte more, so that the end is seen in the same call.
    if buffer.len() <= size {
        buffer.resize(size + 1, 0);
    }
    let mut length = 0;
    while length <= size {
        let count = rustix::io::retry_on_intr(|| rustix::io::read(source, &mut buffer[length..=size]))?;
        length += count;
        // Less than asked for is the end, except before it.
        if count == 0 || length == size {
            break;
        }
    }
    match length.cmp(&size) {
        std::cmp::Ordering::Less => Err(Failure::new(FsErrorKind::ChangedMeanwhile, "it shrank")),
        std::cmp::Ordering::Greater => Err(Failure::new(FsErrorKind::ChangedMeanwhile, "it grew")),
        std::cmp::Ordering::Equal => Ok(length),
    }
}

fn write_to_disk(made: &[Nameless], targets: &[Folder]) -> Result<(), Failure> {
    if made.len() <= FEW {
        return made.iter().try_for_each(|nameless| Ok(nameless.file.sync_all()?));
    }
    for (at, folder) in targets.iter().enumerate() {
        if !targets[..at].iter().any(|before| before.device == folder.device) {
            rustix::fs::syncfs(&folder.opened)?;
        }
    }
    Ok(())
}

/// Gives a file without a name its first one. [`FsErrorKind::AlreadyExists`] if there is something of that name.
fn give_name(file: &File, folder: &OwnedFd, name: &[u8]) -> Result<(), Failure> {
    match rustix::fs::linkat(file, "", folder, name, AtFlags::EMPTY_PATH) {
        // Kernels before 6.10 let only root do it this way.
        Err(Errno::NOENT) => {
            let number = file.as_raw_fd();
            Ok(rustix::fs::linkat(CWD, format!("/proc/self/fd/{number}"), folder, name, AtFlags::SYMLINK_FOLLOW)?)
        }
        result => Ok(result?),
    }
}

/// A path as its folder and its name in it.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let slash = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
    (&path[..slash.max(1)], &path[slash + 1..])
}
