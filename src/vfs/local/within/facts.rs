//! What is kept of a file besides its bytes, as `cp -a` keeps it: owner, extended attributes (access lists among them), mode, times.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use super::super::Failure;
use crate::model::FilePath;

/// Owner and group, as numbers.
pub(super) type Owner = (u32, u32);

/// Gives `target`, which belongs to `owner` now, what `source` has besides its bytes. What the system does not allow is left
/// out: the bytes are there.
pub(super) fn keep(source: impl AsFd, facts: &Stat, target: impl AsFd, owner: Owner) {
    // In this order: a new owner takes away set-id bits and capabilities, an access list changes the mode.
    let has_owner = owner == (facts.st_uid, facts.st_gid) || keep_owner(facts, &target);
    if let Err(error) = keep_attributes(source, &target) {
        tracing::debug!(%error, "extended attributes not kept");
    }
    if let Err(error) = rustix::fs::fchmod(&target, mode(facts.st_mode, has_owner)) {
        tracing::debug!(%error, "mode not kept");
    }
    if let Err(error) = rustix::fs::futimens(&target, &times(facts)) {
        tracing::debug!(%error, "times not kept");
    }
}

/// Gives the folder or link `to` what `from` has.
pub(in crate::vfs::local) fn copy_facts(from: &FilePath, to: &FilePath) -> Result<(), Failure> {
    let (from, to) = (from.as_bytes(), to.as_bytes());
    let there = rustix::fs::statat(CWD, to, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(there.st_mode) == FileType::Symlink {
        let facts = rustix::fs::statat(CWD, from, AtFlags::SYMLINK_NOFOLLOW)?;
        let (owner, group) = (Uid::from_raw(facts.st_uid), Gid::from_raw(facts.st_gid));
        if let Err(error) = rustix::fs::chownat(CWD, to, Some(owner), Some(group), AtFlags::SYMLINK_NOFOLLOW) {
            tracing::debug!(%error, "owner of a link not kept");
        }
        return Ok(rustix::fs::utimensat(CWD, to, &times(&facts), AtFlags::SYMLINK_NOFOLLOW)?);
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    // A folder may have been reached through a link, which is followed; the new one was made, and is none.
    let source = rustix::fs::openat(CWD, from, flags, Mode::empty())?;
    let target = rustix::fs::openat(CWD, to, flags | OFlags::NOFOLLOW, Mode::empty())?;
    keep(&source, &rustix::fs::fstat(&source)?, &target, (there.st_uid, there.st_gid));
    Ok(())
}

/// The mode to keep. As somebody else's file it must not run with that one's rights.
pub(super) fn mode(raw: u32, has_owner: bool) -> Mode {
    Mode::from_raw_mode(raw & if has_owner { 0o7777 } else { 0o1777 })
}

/// Whether it belongs to the same owner and group now. Only root gives files away; a group one is in may be given.
fn keep_owner(facts: &Stat, target: impl AsFd) -> bool {
    let (owner, group) = (Uid::from_raw(facts.st_uid), Gid::from_raw(facts.st_gid));
    match rustix::fs::fchown(&target, Some(owner), Some(group)) {
        Ok(()) => true,
        Err(error) => {
            tracing::debug!(%error, "owner not kept");
            if let Err(error) = rustix::fs::fchown(&target, None, Some(group)) {
                tracing::debug!(%error, "group not kept");
            }
            false
        }
    }
}

fn keep_attributes(source: impl AsFd, target: impl AsFd) -> Result<(), Errno> {
    let mut few = [0; 512];
    match rustix::fs::flistxattr(&source, &mut few[..]) {
        Ok(0) | Err(Errno::OPNOTSUPP) => Ok(()),
        Ok(length) => keep_named(source, target, &few[..length]),
        Err(Errno::RANGE) => {
            let mut many = vec![0; 64 << 10];
            let length = rustix::fs::flistxattr(&source, &mut many[..])?;
            keep_named(source, target, &many[..length])
        }
        Err(error) => Err(error),
    }
}

/// Keeps the attributes whose names stand in `names`, each with a zero behind it.
fn keep_named(source: impl AsFd, target: impl AsFd, names: &[u8]) -> Result<(), Errno> {
    let mut value = vec![0; 64 << 10];
    let mut result = Ok(());
    for name in names.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        let kept = rustix::fs::fgetxattr(&source, name, &mut value[..])
            .and_then(|length| rustix::fs::fsetxattr(&target, name, &value[..length], XattrFlags::empty()));
        result = result.and(kept);
    }
    result
}

fn times(facts: &Stat) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: facts.st_atime as _, tv_nsec: facts.st_atime_nsec as _ },
        last_modification: Timespec { tv_sec: facts.st_mtime as _, tv_nsec: facts.st_mtime_nsec as _ },
    }
}
