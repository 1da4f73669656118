//! The bytes of one file into another: shared where the file system can, else copied inside the kernel, else read and written.
//! Holes stay holes.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;

use rustix::fs::{SeekFrom, Stat};
use rustix::io::Errno;

use super::super::Failure;
use super::cancelled;

/// Bytes between two looks at whether the copy is still wanted: milliseconds in memory, a moment on a disk.
const PIECE: u64 = 16 << 20;
/// Bytes of one read where the kernel does not copy itself.
const BUFFER: usize = 1 << 20;

/// Hears of bytes copied; `false`: it is no longer wanted.
pub(super) type Told<'a> = dyn FnMut(u64) -> bool + 'a;

/// Copies what `source`, which is as `facts` say, holds into the empty `target`, and answers the number of bytes.
pub(super) fn copy(source: &File, target: &File, facts: &Stat, told: &mut Told<'_>) -> Result<u64, Failure> {
    let size = facts.st_size as u64;
    if size > 0 && rustix::fs::ioctl_ficlone(target, source).is_ok() {
        return if told(size) { Ok(target.metadata()?.len()) } else { Err(cancelled()) };
    }
    let mut copying = Copying { source, target, told, by_kernel: true, buffer: Vec::new() };
    // Blocks are of 512 bytes here, whatever the file system's are.
    #[allow(clippy::unnecessary_cast, reason = "the type differs between systems")]
    if (facts.st_blocks as u64).saturating_mul(512) >= size {
        return copying.range(0, size);
    }
    let mut at = 0;
    while at < size {
        let Some(data) = next(source, SeekFrom::Data(at))? else { break };
        let end = next(source, SeekFrom::Hole(data))?.unwrap_or(size).min(size);
        if data >= size {
            break;
        }
        if !(copying.told)(data - at) {
            return Err(cancelled());
        }
        at = copying.range(data, end)?;
        if at < end {
            return Ok(at);
        }
    }
    // The rest is a hole. Not made before: until the copy is whole, its size is to say how far it is.
    target.set_len(size)?;
    if at < size && !(copying.told)(size - at) {
        return Err(cancelled());
    }
    Ok(size)
}

/// The first bytes of `source`, read and written.
#[cfg(test)]
pub(super) fn by_hand(source: &File, target: &File, size: u64, told: &mut Told<'_>) -> Result<u64, Failure> {
    Copying { source, target, told, by_kernel: false, buffer: Vec::new() }.range(0, size)
}

/// Where the next data or hole begins. `None`: there is none, the end comes first.
fn next(source: &File, place: SeekFrom) -> Result<Option<u64>, Failure> {
    match (rustix::fs::seek(source, place), place) {
        (Ok(found), _) => Ok(Some(found)),
        // A file system that does not tell: all of it is data.
        (Err(Errno::INVAL | Errno::OPNOTSUPP), SeekFrom::Data(at)) => Ok(Some(at)),
        (Err(Errno::NXIO | Errno::INVAL | Errno::OPNOTSUPP), _) => Ok(None),
        (Err(error), _) => Err(error.into()),
    }
}

struct Copying<'a> {
    source: &'a File,
    target: &'a File,
    told: &'a mut Told<'a>,
    /// Not once it was tried in vain.
    by_kernel: bool,
    buffer: Vec<u8>,
}

impl Copying<'_> {
    /// Copies the bytes of a range, and answers where it came to: its end, or that of a source that ended before.
    fn range(&mut self, mut at: u64, end: u64) -> Result<u64, Failure> {
        while at < end {
            let length = (end - at).min(PIECE);
            let copied = match self.by_kernel.then(|| self.kernel_copy(at, length)) {
                Some(Ok(0) | Err(Errno::NOSYS | Errno::XDEV | Errno::INVAL | Errno::OPNOTSUPP | Errno::PERM | Errno::BADF)) => {
                    self.by_kernel = false;
                    continue;
                }
                Some(copied) => copied? as u64,
                None => self.read_and_write(at, length)? as u64,
            };
            if copied == 0 {
                break;
            }
            at += copied;
            if !(self.told)(copied) {
                return Err(cancelled());
            }
        }
        Ok(at)
    }

    fn kernel_copy(&self, at: u64, length: u64) -> Result<usize, Errno> {
        let (mut from, mut to) = (at, at);
        rustix::io::retry_on_intr(|| rustix::fs::copy_file_range(self.source, Some(&mut from), self.target, Some(&mut to), length as usize))
    }

    fn read_and_write(&mut self, at: u64, length: u64) -> Result<usize, Failure> {
        self.buffer.resize(BUFFER, 0);
        let wanted = self.buffer.len().min(length as usize);
        let read = loop {
            match self.source.read_at(&mut self.buffer[..wanted], at) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.target.write_all_at(&self.buffer[..read], at)?;
        Ok(read)
    }
}
