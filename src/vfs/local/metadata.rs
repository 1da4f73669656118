//! Facts of files: reading and setting them.

use std::os::fd::AsFd;

use jiff::Timestamp;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;
use tokio::task;

use super::listing::kind;
use super::{Failure, stopped_thread};
use crate::model::{Entry, EntryName, FilePath, Kind};
use crate::vfs::{FsResult, NewMetadata};

/// More names than this are worth a second thread.
pub(super) const LARGE: usize = 2048;

pub(super) fn stat(path: &FilePath) -> Result<Entry, Failure> {
    let name = path.name();
    let leads_to = || target_kind(CWD, path.as_bytes());
    Ok(look(CWD, path.as_bytes(), name.as_ref().map_or(b"/", |name| name.as_bytes()), leads_to)?)
}

pub(super) async fn stat_many(dir: &FilePath, names: &[EntryName]) -> FsResult<Vec<Entry>> {
    let half = if names.len() > LARGE { names.len().div_ceil(2) } else { names.len().max(1) };
    let parts: Vec<_> = names
        .chunks(half)
        .map(|part| {
            let (dir, part) = (dir.clone(), part.to_vec());
            task::spawn_blocking(move || {
                let folder = super::open_dir(&dir)?;
                look_at(&folder, &part, |name| target_kind(&folder, name.as_bytes()))
            })
        })
        .collect();
    let mut entries = Vec::with_capacity(names.len());
    for part in parts {
        let part = part.await.unwrap_or_else(|stopped| Err(stopped_thread(&stopped)));
        entries.extend(part.map_err(|failure| failure.at("look at", dir))?);
    }
    Ok(entries)
}

/// The facts of `names` in `folder`; what is gone is left out. `leads_to` tells what a link leads to.
pub(in crate::vfs) fn look_at(
    folder: impl AsFd,
    names: &[EntryName],
    leads_to: impl Fn(&EntryName) -> Option<Kind>,
) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::with_capacity(names.len());
    for name in names {
        match look(&folder, name.as_bytes(), name.as_bytes(), || leads_to(name)) {
            Ok(entry) => entries.push(entry),
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(entries)
}

/// What a link at `path` leads to, wherever that is.
pub(super) fn target_kind(folder: impl AsFd, path: &[u8]) -> Option<Kind> {
    rustix::fs::statat(folder, path, AtFlags::empty()).ok().map(|stat| kind(FileType::from_raw_mode(stat.st_mode)))
}

/// The facts of `path`, taken from `folder`, as those of an entry called `name`. `leads_to` is asked if it is a link.
pub(in crate::vfs) fn look(folder: impl AsFd, path: &[u8], name: &[u8], leads_to: impl FnOnce() -> Option<Kind>) -> Result<Entry, Errno> {
    let stat = rustix::fs::statat(&folder, path, AtFlags::SYMLINK_NOFOLLOW)?;
    let mut entry = Entry::new(name, kind(FileType::from_raw_mode(stat.st_mode)));
    if matches!(entry.kind, Kind::File | Kind::Symlink) {
        entry.size = Some(stat.st_size as u64);
    }
    entry.modified = modified(&stat);
    let link = (entry.kind == Kind::Symlink).then(|| (rustix::fs::readlinkat(&folder, path, Vec::new()).ok(), leads_to()));
    let details = entry.details_mut();
    details.mode = Some(Mode::from_raw_mode(stat.st_mode).as_raw_mode() & 0o7777);
    details.owner = Some(stat.st_uid.to_string().into());
    details.group = Some(stat.st_gid.to_string().into());
    if let Some((target, target_kind)) = link {
        details.target = target.map(|target| target.into_bytes().into());
        details.target_kind = target_kind;
    }
    Ok(entry)
}

fn modified(stat: &Stat) -> Option<Timestamp> {
    // The fields differ in width between systems.
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion, reason = "the types differ between systems")]
    Timestamp::new(stat.st_mtime as i64, stat.st_mtime_nsec as i32).ok()
}

pub(super) fn set(path: &FilePath, metadata: NewMetadata) -> Result<(), Failure> {
    // The mode first: setting it does not touch the modification time, and a time that cannot be set should not keep the mode from it.
    if let Some(mode) = metadata.mode {
        let mode = permissions(mode);
        // Never through a link somebody put there meanwhile.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match rustix::fs::openat(CWD, path.as_bytes(), flags, Mode::empty()) {
            Ok(file) => rustix::fs::fchmod(file, mode)?,
            // What may not be read cannot be opened, but its owner may still change it.
            Err(Errno::ACCESS) => rustix::fs::chmodat(CWD, path.as_bytes(), mode, AtFlags::empty())?,
            Err(error) => return Err(error.into()),
        }
    }
    if let Some(modified) = metadata.modified {
        rustix::fs::utimensat(CWD, path.as_bytes(), &times(modified), AtFlags::SYMLINK_NOFOLLOW)?;
    }
    Ok(())
}

/// [`set`], of what is open.
pub(in crate::vfs) fn set_open(file: impl AsFd, metadata: NewMetadata) -> Result<(), Failure> {
    if let Some(mode) = metadata.mode {
        rustix::fs::fchmod(&file, permissions(mode))?;
    }
    if let Some(modified) = metadata.modified {
        rustix::fs::futimens(&file, &times(modified))?;
    }
    Ok(())
}

fn permissions(mode: u32) -> Mode {
    Mode::from_raw_mode((mode & 0o7777) as rustix::fs::RawMode)
}

fn times(modified: Timestamp) -> Timestamps {
    // Nanoseconds of a time before 1970 count backwards in jiff, forwards in the kernel.
    let nanoseconds = modified.as_nanosecond();
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec {
            tv_sec: nanoseconds.div_euclid(1_000_000_000) as _,
            tv_nsec: nanoseconds.rem_euclid(1_000_000_000) as _,
        },
    }
}
