//! Reading and writing one file of a memory tree.

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use super::faults::Call;
use super::line::{Line, Unseen};
use super::tree::{SharedFile, lock};
use crate::model::FilePath;
use crate::vfs::{FsError, FsResult, Sink, Source};

/// Reads a file from a position on.
pub(super) struct MemorySource {
    pub(super) file: SharedFile,
    pub(super) path: FilePath,
    pub(super) position: u64,
    pub(super) chunk: usize,
    pub(super) line: Line,
}

#[async_trait]
impl Source for MemorySource {
    async fn read(&mut self) -> FsResult<Option<Bytes>> {
        let unseen = self.line.pass(Call::Read(self.position), "read", &self.path).await?;
        let limit = self.line.faults.bytes_before(false, self.position, &self.path);
        let mut file = lock(&self.file);
        if let Unseen::Resized(by) = unseen {
            let length = file.bytes.len().saturating_add_signed(by as isize);
            file.resize(length).map_err(|kind| FsError::new(kind, "read", &self.path, ""))?;
        }
        let rest = file.bytes.get(self.position as usize..).unwrap_or_default();
        let length = rest.len().min(self.chunk).min(usize::try_from(limit).unwrap_or(usize::MAX));
        if length == 0 {
            return Ok(None);
        }
        self.position += length as u64;
        let mut bytes = rest[..length].to_vec();
        if unseen == Unseen::Damaged {
            bytes[0] ^= 1;
        }
        Ok(Some(bytes.into()))
    }

    async fn abort(self: Box<Self>) {}
}

/// Writes a file from a position on.
pub(super) struct MemorySink {
    pub(super) file: SharedFile,
    pub(super) path: FilePath,
    pub(super) start: u64,
    pub(super) position: u64,
    pub(super) line: Line,
}

#[async_trait]
impl Sink for MemorySink {
    async fn write(&mut self, mut chunk: Bytes) -> FsResult<()> {
        while !chunk.is_empty() {
            let unseen = self.line.pass(Call::Write(self.position), "write", &self.path).await?;
            let limit = self.line.faults.bytes_before(true, self.position, &self.path);
            let part = chunk.split_to(chunk.len().min(usize::try_from(limit).unwrap_or(usize::MAX)));
            let mut file = lock(&self.file);
            let start = self.position as usize;
            let end = start + part.len();
            if end > file.bytes.len() {
                file.resize(end).map_err(|kind| FsError::new(kind, "write", &self.path, ""))?;
            }
            file.bytes[start..end].copy_from_slice(&part);
            if unseen == Unseen::Damaged {
                file.bytes[start] ^= 1;
            }
            file.modified = Timestamp::now();
            self.position = end as u64;
        }
        Ok(())
    }

    fn known_good(&self) -> Option<u64> {
        Some(self.position - self.start)
    }

    async fn commit(self: Box<Self>) -> FsResult<u64> {
        self.line.pass(Call::Commit, "finish", &self.path).await?;
        Ok(self.position - self.start)
    }

    async fn abort(self: Box<Self>) {}
}
