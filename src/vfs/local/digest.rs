//! What a local file's content comes to, read from its disk.

use std::fs::File;
use std::io::Read;

use super::{Failure, off_runtime};
use crate::model::FilePath;
use crate::vfs::{Digest, DigestAlgorithm, FsResult, Hasher};

/// Bytes hashed before it can be cancelled.
const STRETCH: u64 = 8 << 20;
/// Bytes of one read.
const PIECE: usize = 256 * 1024;

/// The digest of the file that `open` opens, the first of `wanted`. What memory holds of it is given up first, so that the
/// disk is read: as far as the system does so (Linux, and file systems that have a disk).
pub(in crate::vfs) async fn digest(
    path: &FilePath,
    wanted: &[DigestAlgorithm],
    open: impl FnOnce(&FilePath) -> Result<File, Failure> + Send + 'static,
) -> FsResult<Option<Digest>> {
    let Some(&algorithm) = wanted.first() else { return Ok(None) };
    let begin = move |path: &FilePath| {
        let file = open(path)?;
        forget_cached(&file);
        Ok((file, Hasher::new(algorithm)))
    };
    let (mut file, mut hasher) = off_runtime("read", path, begin).await?;
    loop {
        let stretch = move |_: &FilePath| {
            let mut piece = vec![0; PIECE];
            let mut left = STRETCH;
            while left > 0 {
                let count = file.read(&mut piece)?;
                if count == 0 {
                    return Ok((file, hasher, true));
                }
                hasher.update(&piece[..count]);
                left = left.saturating_sub(count as u64);
            }
            Ok((file, hasher, false))
        };
        let is_end;
        (file, hasher, is_end) = off_runtime("read", path, stretch).await?;
        if is_end {
            return Ok(Some(hasher.finish()));
        }
    }
}

/// Only what is on the disk can be given up; a file system that cannot do it reads from memory.
fn forget_cached(file: &File) {
    #[cfg(target_os = "linux")]
    {
        let forgotten = rustix::fs::fdatasync(file).and_then(|()| rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed));
        forgotten.unwrap_or_else(|error| tracing::debug!(%error, "what memory holds of a file was not given up"));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}
