//! Names and kinds of a folder without looking at each file: what the kernel's directory entries tell.

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use rustix::fs::FileType;
use rustix::io::Errno;
use tokio::sync::mpsc;
use tokio::task;

use super::{Failure, metadata, stopped_thread};
use crate::model::{Entry, EntryName, FilePath, Kind};
use crate::vfs::FsResult;

/// The first batch is small, so that a first screen does not wait for the second.
const FIRST_BATCH: usize = 256;
/// Names in one batch at the most.
const BATCH: usize = 4096;

/// Lists the folder that `open` opens on a thread of its own. It ends when the receiver, or this future, is gone.
pub(in crate::vfs) async fn list(
    dir: &FilePath,
    open: impl FnOnce(&FilePath) -> Result<OwnedFd, Failure> + Send + 'static,
    batches: mpsc::Sender<Vec<Entry>>,
) -> FsResult<()> {
    let (sender, mut found) = mpsc::channel(2);
    let owned = dir.clone();
    let mut gathered = Batches { sender, entries: Vec::with_capacity(FIRST_BATCH), size: FIRST_BATCH };
    let reader = task::spawn_blocking(move || {
        if read(&open(&owned)?, |entry| gathered.push(entry))? {
            gathered.finish();
        }
        Ok::<_, Failure>(())
    });
    while let Some(batch) = found.recv().await {
        if batches.send(batch).await.is_err() {
            return Ok(());
        }
    }
    match reader.await {
        Ok(result) => result.map_err(|failure| failure.at("list", dir)),
        Err(stopped) => Err(stopped_thread(&stopped).at("list", dir)),
    }
}

struct Batches {
    sender: mpsc::Sender<Vec<Entry>>,
    entries: Vec<Entry>,
    size: usize,
}

impl Batches {
    /// Takes one entry; `false` when nobody listens any more.
    fn push(&mut self, entry: Entry) -> bool {
        self.entries.push(entry);
        if self.entries.len() < self.size {
            return true;
        }
        self.size = BATCH;
        let full = std::mem::replace(&mut self.entries, Vec::with_capacity(BATCH));
        self.sender.blocking_send(full).is_ok()
    }

    fn finish(self) {
        if !self.entries.is_empty() {
            // Nobody listening is no failure.
            drop(self.sender.blocking_send(self.entries));
        }
    }
}

/// Lists a folder of at most `most` entries with their facts; `None`: there are more. What is gone meanwhile is left out.
pub(super) fn list_few(dir: &FilePath, most: usize) -> Result<Option<Vec<Entry>>, Failure> {
    let folder = super::open_dir(dir)?;
    let mut named = Vec::new();
    let push = |entry| {
        named.push(entry);
        named.len() <= most
    };
    if !read(&folder, push)? {
        return Ok(None);
    }
    let mut entries = Vec::with_capacity(named.len());
    for entry in named {
        match described(&folder, entry) {
            Ok(entry) => entries.push(entry),
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Some(entries))
}

/// An entry with its facts, where its name is one to ask by.
fn described(folder: &OwnedFd, entry: Entry) -> Result<Entry, Errno> {
    let name = entry.raw_name();
    match EntryName::check(name) {
        Ok(()) => metadata::look(folder, name, name, || metadata::target_kind(folder, name)),
        Err(_) => Ok(entry),
    }
}

/// Hands every entry of `folder` to `take`, as long as that wants more; answers whether it took them all.
#[cfg(target_os = "linux")]
fn read(folder: &OwnedFd, mut take: impl FnMut(Entry) -> bool) -> Result<bool, Failure> {
    use rustix::fs::RawDir;

    let mut buffer = Vec::with_capacity(64 * 1024);
    let mut names = RawDir::new(folder, buffer.spare_capacity_mut());
    while let Some(entry) = names.next() {
        let entry = entry?;
        if !entry_of(folder, entry.file_name(), entry.file_type()).is_none_or(&mut take) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(not(target_os = "linux"))]
fn read(folder: &OwnedFd, mut take: impl FnMut(Entry) -> bool) -> Result<bool, Failure> {
    for entry in rustix::fs::Dir::read_from(folder)? {
        let entry = entry?;
        if !entry_of(folder, entry.file_name(), entry.file_type()).is_none_or(&mut take) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What the kernel tells of an entry; `None` for the folder itself and the one above.
fn entry_of(folder: &OwnedFd, name: &CStr, file_type: FileType) -> Option<Entry> {
    let name = name.to_bytes();
    if matches!(name, b"." | b"..") {
        return None;
    }
    let kind = match file_type {
        FileType::Unknown => look(folder, name),
        known => kind(known),
    };
    Some(Entry::new(name, kind))
}

/// Some file systems leave the kind out of the directory.
fn look(folder: &OwnedFd, name: &[u8]) -> Kind {
    rustix::fs::statat(folder, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
        .map_or(Kind::Other, |stat| kind(FileType::from_raw_mode(stat.st_mode)))
}

/// The kernel's kinds in our words.
pub(in crate::vfs) fn kind(kind: FileType) -> Kind {
    match kind {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Dir,
        FileType::Symlink => Kind::Symlink,
        _ => Kind::Other,
    }
}
