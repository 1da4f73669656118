//! Ways from a folder to what lies beneath it, and to nothing else, whoever renames what meanwhile.
//!
//! Every way begins at the folder's descriptor and ends in a descriptor: no path is found safe first and used then. The
//! kernel goes it in one step where it can (openat2, Linux 5.6); else it is gone name by name, where no step follows a link
//! or goes up, and what links say is put in front of the names that are left.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::model::{EntryName, FilePath};
use crate::vfs::FsErrorKind;
use crate::vfs::local::{Failure, regular};

/// A descriptor that stands for a place and opens nothing, where there are such: a folder that may be passed need not be readable.
#[cfg(target_os = "linux")]
const PLACE: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const PLACE: OFlags = OFlags::RDONLY;

/// As many links as Linux follows in one path.
const MOST_LINKS: usize = 40;

/// The folder that all ways begin at.
#[derive(Debug)]
pub(super) struct Root {
    folder: OwnedFd,
    /// Where it was when it was opened, without a slash at the end: absolute links that begin so lead inside.
    path: Vec<u8>,
    has_openat2: bool,
}

impl Root {
    /// The folder `path`, links in its own path followed.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let folder = rustix::fs::openat(CWD, &path, PLACE | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let path = Some(path.as_os_str().as_bytes()).filter(|path| *path != b"/").unwrap_or_default().to_vec();
        // An old kernel lacks the call, a sandbox may forbid it.
        let has_openat2 = openat2(folder.as_fd(), b".", PLACE, Mode::empty()).is_ok();
        Ok(Self { folder, path, has_openat2 })
    }

    /// The same, with every way gone name by name.
    #[cfg(test)]
    pub(super) fn without_openat2(self) -> Self {
        Self { has_openat2: false, ..self }
    }

    /// A descriptor to act from in the folder `dir`, not to read or sync it with.
    pub(super) fn folder(&self, dir: &FilePath) -> Result<OwnedFd, Failure> {
        self.descriptor(dir, PLACE | OFlags::DIRECTORY, Mode::empty())
    }

    /// The folder that `path` itself lies in, and its name there. The root is no entry of a folder.
    pub(super) fn entry(&self, path: &FilePath) -> Result<(OwnedFd, EntryName), Failure> {
        match (path.parent(), path.name()) {
            (Some(parent), Some(name)) => Ok((self.folder(&parent)?, name)),
            _ => Err(Failure::new(FsErrorKind::PermissionDenied, "it is the folder that is served")),
        }
    }

    /// Opens what `path` leads to, as open(2) does.
    pub(super) fn descriptor(&self, path: &FilePath, flags: OFlags, mode: Mode) -> Result<OwnedFd, Failure> {
        let flags = flags | OFlags::CLOEXEC;
        if let Some(opened) = self.at_once(path, flags, mode) {
            return Ok(opened?);
        }
        let follow = !flags.intersects(OFlags::NOFOLLOW | OFlags::EXCL);
        self.walk(path, follow, |folder, name| rustix::fs::openat(folder, name, flags | OFlags::NOFOLLOW, mode))
    }

    /// [`Self::descriptor`] of a regular file.
    pub(super) fn file(&self, path: &FilePath, flags: OFlags, mode: Mode) -> Result<File, Failure> {
        regular(flags, || self.stat(path), |flags| self.descriptor(path, flags, mode))
    }

    /// The facts of what `path` leads to.
    pub(super) fn stat(&self, path: &FilePath) -> Result<Stat, Failure> {
        if let Some(opened) = self.at_once(path, PLACE | OFlags::CLOEXEC, Mode::empty()) {
            return Ok(rustix::fs::fstat(opened?)?);
        }
        self.walk(path, true, |folder, name| rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW))
    }

    /// The way in one step. `None`: it is to be walked.
    fn at_once(&self, path: &FilePath, flags: OFlags, mode: Mode) -> Option<Result<OwnedFd, Errno>> {
        let names = Some(&path.as_bytes()[1..]).filter(|names| !names.is_empty()).unwrap_or(b".");
        match self.has_openat2.then(|| openat2(self.folder.as_fd(), names, flags, mode))? {
            // To the kernel every absolute link leads out; and it gives up where something is renamed while it goes up.
            Err(Errno::XDEV | Errno::AGAIN) => None,
            opened => Some(opened),
        }
    }

    /// The way name by name: `act` gets the last folder and a name in it, which it must not follow should it be a link by now.
    fn walk<T>(
        &self,
        path: &FilePath,
        follow_last: bool,
        act: impl FnOnce(BorrowedFd<'_>, &[u8]) -> Result<T, Errno>,
    ) -> Result<T, Failure> {
        let mut ahead = Vec::new();
        put_before(&mut ahead, path.as_bytes());
        let mut behind = Vec::new();
        let mut here = None::<OwnedFd>;
        let mut links = 0;
        while let Some(name) = ahead.pop() {
            let folder = here.as_ref().unwrap_or(&self.folder);
            match &*name {
                b"" | b"." => continue,
                b".." => {
                    behind.pop().ok_or_else(leads_out)?;
                    // From the root again: this folder may lie elsewhere by now, and its own `..` with it.
                    ahead.extend(behind.drain(..).rev());
                    here = None;
                    continue;
                }
                _ => {}
            }
            if (follow_last || !ahead.is_empty())
                && let Some(target) = link(folder, &name)?
            {
                links += 1;
                if links > MOST_LINKS {
                    return Err(Errno::LOOP.into());
                }
                if target.starts_with(b"/") {
                    put_before(&mut ahead, self.inside(&target).ok_or_else(leads_out)?);
                    behind.clear();
                    here = None;
                } else {
                    put_before(&mut ahead, &target);
                }
                continue;
            }
            if ahead.is_empty() {
                return Ok(act(folder.as_fd(), &name)?);
            }
            let flags = PLACE | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            here = Some(rustix::fs::openat(folder, &*name, flags, Mode::empty())?);
            behind.push(name);
        }
        Ok(act(here.as_ref().unwrap_or(&self.folder).as_fd(), b".")?)
    }

    /// The names from the root on of an absolute path that leads inside.
    fn inside<'a>(&self, absolute: &'a [u8]) -> Option<&'a [u8]> {
        absolute.strip_prefix(&*self.path).filter(|names| matches!(names, [] | [b'/', ..]))
    }
}

/// What the link says; `None` if it is none, or nothing, which may be about to be made.
fn link(folder: &OwnedFd, name: &[u8]) -> Result<Option<Vec<u8>>, Errno> {
    match rustix::fs::readlinkat(folder, name, Vec::new()) {
        Ok(target) => Ok(Some(target.into_bytes())),
        Err(Errno::INVAL | Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts the names of `path` before those that are `ahead`, whose last is the next.
fn put_before(ahead: &mut Vec<Vec<u8>>, path: &[u8]) {
    ahead.extend(path.split(|&byte| byte == b'/').rev().map(<[u8]>::to_vec));
}

fn leads_out() -> Failure {
    Failure::new(FsErrorKind::PermissionDenied, "it leads out of the folder that is served")
}

#[cfg(target_os = "linux")]
fn openat2(folder: BorrowedFd<'_>, path: &[u8], flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    use rustix::fs::ResolveFlags;
    rustix::fs::openat2(folder, path, flags, mode, ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS)
}

#[cfg(not(target_os = "linux"))]
fn openat2(_: BorrowedFd<'_>, _: &[u8], _: OFlags, _: Mode) -> Result<OwnedFd, Errno> {
    Err(Errno::NOSYS)
}
