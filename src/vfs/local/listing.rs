//! Names and kinds of a folder without looking at each file: what the kernel's directory entries tell.

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use rustix::fs::FileType;
use tokio::sync::mpsc;
use tokio::task;

use super::{Failure, stopped_thread};
use crate::model::{Entry, FilePath, Kind};
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
    let batch = Batches { sender, entries: Vec::with_capacity(FIRST_BATCH), size: FIRST_BATCH };
    let reader = task::spawn_blocking(move || read(&open(&owned)?, batch));
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

#[cfg(target_os = "linux")]
fn read(folder: &OwnedFd, mut batches: Batches) -> Result<(), Failure> {
    use rustix::fs::RawDir;

    let mut buffer = Vec::with_capacity(64 * 1024);
    let mut names = RawDir::new(folder, buffer.spare_capacity_mut());
    while let Some(entry) = names.next() {
        let entry = entry?;
        if !take(folder, entry.file_name(), entry.file_type(), &mut batches) {
            return Ok(());
        }
    }
    batches.finish();
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn read(folder: &OwnedFd, mut batches: Batches) -> Result<(), Failure> {
    for entry in rustix::fs::Dir::read_from(folder)? {
        let entry = entry?;
        if !take(folder, entry.file_name(), entry.file_type(), &mut batches) {
            return Ok(());
        }
    }
    batches.finish();
    Ok(())
}

/// Takes one entry; `false`: nobody wants any more.
fn take(folder: &OwnedFd, name: &CStr, file_type: FileType, batches: &mut Batches) -> bool {
    let name = name.to_bytes();
    if matches!(name, b"." | b"..") {
        return true;
    }
    let kind = match file_type {
        FileType::Unknown => look(folder, name),
        known => kind(known),
    };
    batches.push(Entry::new(name, kind))
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
