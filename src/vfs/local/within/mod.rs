//! Copies within this machine, as the kernel does them best and as `cp -a` keeps things: one file, or many small ones at once.

mod content;
mod facts;
mod small;

use std::fs::File;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat};
use tokio::sync::mpsc;
use tokio::task;

pub(super) use self::facts::copy_facts;
pub(super) use self::small::copy_small;
use super::{Failure, open_regular, stopped_thread};
use crate::model::FilePath;
use crate::vfs::{FsErrorKind, FsResult};

/// Copies one file to a new name and writes it to the disk. `told` hears of bytes as they are copied.
pub(super) async fn copy(from: &FilePath, to: &FilePath, told: &(dyn Fn(u64) + Sync)) -> FsResult<u64> {
    let (sender, mut pieces) = mpsc::channel(16);
    let (source, target) = (from.clone(), to.clone());
    let copying = task::spawn_blocking(move || copy_and_keep(&source, &target, &sender));
    // Dropped with this future, the receiver tells the thread to stop.
    while let Some(bytes) = pieces.recv().await {
        told(bytes);
    }
    let copied = copying.await.unwrap_or_else(|stopped| Err((End::Target, stopped_thread(&stopped))));
    copied.map_err(|(end, failure)| match end {
        End::Source => failure.at("copy", from),
        End::Target => failure.at("write", to),
    })
}

/// Which of the two files a failure is about.
#[derive(Debug, Clone, Copy)]
enum End {
    Source,
    Target,
}

fn copy_and_keep(from: &FilePath, to: &FilePath, sender: &mpsc::Sender<u64>) -> Result<u64, (End, Failure)> {
    let of_source = |failure: Failure| (End::Source, failure);
    let of_target = |failure: Failure| (End::Target, failure);
    let source = open_regular(from, OFlags::RDONLY, Mode::empty()).map_err(of_source)?;
    let before = rustix::fs::fstat(&source).map_err(|error| of_source(error.into()))?;
    // EXCL follows no link. Its owner's alone until it has the source's mode.
    let target = open_regular(to, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL, Mode::from_raw_mode(0o600)).map_err(of_target)?;
    if sender.is_closed() {
        // Whoever gave up may have cleared away what was not there yet.
        rustix::fs::unlinkat(CWD, to.as_bytes(), AtFlags::empty()).unwrap_or_else(|error| tracing::debug!(%error, "not removed"));
        return Err(of_target(cancelled()));
    }
    let copied = content::copy(&source, &target, &before, &mut |bytes| sender.blocking_send(bytes).is_ok()).map_err(of_target)?;
    unchanged(&source, &before, copied).map_err(of_source)?;
    let there = rustix::fs::fstat(&target).map_err(|error| of_target(error.into()))?;
    facts::keep(&source, &before, &target, (there.st_uid, there.st_gid));
    target.sync_all().map_err(|error| of_target(error.into()))?;
    Ok(copied)
}

/// Whether all of the file was copied, and it kept its size meanwhile.
fn unchanged(source: &File, before: &Stat, copied: u64) -> Result<(), Failure> {
    let now = rustix::fs::fstat(source)?.st_size;
    let changed = |how| Err(Failure::new(FsErrorKind::ChangedMeanwhile, how));
    match (before.st_size as u64).cmp(&copied) {
        std::cmp::Ordering::Greater => changed("it shrank"),
        std::cmp::Ordering::Less => changed("it grew"),
        std::cmp::Ordering::Equal if now > before.st_size => changed("it grew"),
        std::cmp::Ordering::Equal if now < before.st_size => changed("it shrank"),
        std::cmp::Ordering::Equal => Ok(()),
    }
}

fn cancelled() -> Failure {
    Failure::new(FsErrorKind::Cancelled, "")
}

#[cfg(test)]
mod tests;
