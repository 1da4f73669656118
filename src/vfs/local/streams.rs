//! Reading and writing one local file in large pieces, one of which is always under way.

use std::fs::File;
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use rustix::buffer::spare_capacity;
use rustix::fs::{Mode, OFlags};
use tokio::task::{self, JoinHandle};

use super::{Failure, set_open, stopped_thread};
use crate::model::FilePath;
use crate::vfs::{Create, FsErrorKind, FsResult, NewMetadata, Sink, Source};

/// Bytes of one read or write. Below, the way to the other thread costs more than the call.
const PIECE: usize = 512 * 1024;

/// Reads a file. The first piece is read with the opening, the next one while the last is worked on.
pub(in crate::vfs) struct LocalSource {
    path: FilePath,
    next: Next,
}

enum Next {
    Read(Piece),
    UnderWay(JoinHandle<Result<Piece, Failure>>),
    End,
}

/// A piece and what is behind it; nothing: that was the end.
struct Piece {
    bytes: Bytes,
    rest: Option<Rest>,
}

/// A file that was read so far, and how much it should still hold.
struct Rest {
    file: File,
    left: u64,
}

impl LocalSource {
    /// Reads an open file from byte `from` on; `path` is for words alone.
    pub(in crate::vfs) fn over(mut file: File, path: &FilePath, from: u64) -> Result<Self, Failure> {
        if from > 0 {
            file.seek(SeekFrom::Start(from))?;
        }
        let left = file.metadata()?.len().saturating_sub(from);
        Ok(Self { path: path.clone(), next: Next::Read(Rest { file, left }.read()?) })
    }
}

impl Rest {
    fn read(self) -> Result<Piece, Failure> {
        let Self { file, left } = self;
        // One more than is left, so that a file that ends here is known to end; a page at least, because kernel files claim no size.
        let wanted = usize::try_from(left).unwrap_or(PIECE).saturating_add(1).clamp(4096, PIECE);
        let mut bytes = Vec::with_capacity(wanted);
        // The allocator may give more room than was asked for; the end is where a call brings nothing.
        while bytes.len() < wanted && rustix::io::retry_on_intr(|| rustix::io::read(&file, spare_capacity(&mut bytes)))? > 0 {}
        let rest = (bytes.len() >= wanted).then(|| Self { left: left.saturating_sub(bytes.len() as u64), file });
        Ok(Piece { bytes: bytes.into(), rest })
    }
}

#[async_trait]
impl Source for LocalSource {
    async fn read(&mut self) -> FsResult<Option<Bytes>> {
        let piece = match &mut self.next {
            Next::Read(piece) => Ok(Piece { bytes: std::mem::take(&mut piece.bytes), rest: piece.rest.take() }),
            Next::UnderWay(reading) => reading.await.unwrap_or_else(|stopped| Err(stopped_thread(&stopped))),
            Next::End => return Ok(None),
        };
        self.next = Next::End;
        let piece = piece.map_err(|failure| failure.at("read", &self.path))?;
        if let Some(rest) = piece.rest {
            self.next = Next::UnderWay(task::spawn_blocking(move || rest.read()));
        }
        Ok(Some(piece.bytes).filter(|bytes| !bytes.is_empty()))
    }

    async fn abort(self: Box<Self>) {}
}

/// Writes a file. Small writes are gathered; one piece may be under way while the next is gathered.
pub(in crate::vfs) struct LocalSink {
    path: FilePath,
    state: Writing,
    gathered: Vec<Bytes>,
    gathered_length: usize,
    written: u64,
    syncing: Syncing,
    /// What the file is given once all is written.
    metadata: NewMetadata,
}

/// Brings what was written to the disk now and then, beside the writing: so much survives a loss of power.
struct Syncing {
    /// Bytes in front of which all are on the disk.
    safe: u64,
    under_way: Option<JoinHandle<Result<u64, Failure>>>,
    /// When, and behind how many bytes, the last one was begun.
    since: Instant,
    begun: u64,
}

/// A sync is begun when there is so much to bring to the disk, or the last one was begun so long ago.
const SYNC_BYTES: u64 = 64 << 20;
const SYNC_TIME: Duration = Duration::from_secs(5);

impl Syncing {
    fn new() -> Self {
        Self { safe: 0, under_way: None, since: Instant::now(), begun: 0 }
    }

    /// Begins one if it is time; `flushed` bytes were written to `file`. A failure of the last is one of the file: the system
    /// tells it once only.
    async fn step(&mut self, file: &File, flushed: u64) -> Result<(), Failure> {
        if let Some(sync) = self.under_way.take_if(|sync| sync.is_finished()) {
            self.safe = sync.await.unwrap_or_else(|stopped| Err(stopped_thread(&stopped)))?;
        }
        let is_due = flushed - self.begun >= SYNC_BYTES || (flushed > self.begun && self.since.elapsed() >= SYNC_TIME);
        if self.under_way.is_none() && is_due {
            let file = file.try_clone()?;
            (self.begun, self.since) = (flushed, Instant::now());
            self.under_way = Some(task::spawn_blocking(move || Ok(file.sync_data().map(|()| flushed)?)));
        }
        Ok(())
    }
}

enum Writing {
    Idle(File),
    UnderWay(JoinHandle<Result<File, Failure>>),
    Failed,
}

impl LocalSink {
    /// Writes into the file that `open` opens, which is regular; `path` is for words alone.
    pub(in crate::vfs) fn create(
        path: &FilePath,
        how: Create,
        open: impl FnOnce(OFlags, Mode) -> Result<File, Failure>,
    ) -> Result<Self, Failure> {
        let file = match how {
            // EXCL follows no link either.
            Create::New => open(OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL, Mode::from_raw_mode(0o600))?,
            Create::Truncate => {
                let file = open(OFlags::WRONLY | OFlags::CREATE, Mode::from_raw_mode(0o666))?;
                file.set_len(0)?;
                file
            }
            // NOFOLLOW: it goes on with what this program began, which is never a link.
            Create::ResumeAt(start) => {
                let mut file = open(OFlags::WRONLY | OFlags::NOFOLLOW, Mode::empty())?;
                if file.metadata()?.len() < start {
                    return Err(Failure::new(FsErrorKind::ChangedMeanwhile, "it is shorter than where writing should go on"));
                }
                file.set_len(start)?;
                file.seek(SeekFrom::Start(start))?;
                file
            }
            Create::At(start) => {
                let mut file = open(OFlags::WRONLY | OFlags::NOFOLLOW, Mode::empty())?;
                file.seek(SeekFrom::Start(start))?;
                file
            }
        };
        Ok(Self::over(file, path))
    }

    /// Writes into an open file; `path` is for words alone.
    pub(super) fn over(file: File, path: &FilePath) -> Self {
        Self {
            path: path.clone(),
            state: Writing::Idle(file),
            gathered: Vec::new(),
            gathered_length: 0,
            written: 0,
            syncing: Syncing::new(),
            metadata: NewMetadata::default(),
        }
    }

    /// The file, once nothing is under way. Safe to drop at its only wait: the state is put back only after it.
    async fn file(&mut self) -> Result<File, Failure> {
        if let Writing::UnderWay(writing) = &mut self.state {
            let result = writing.await.unwrap_or_else(|stopped| Err(stopped_thread(&stopped)));
            self.state = Writing::Failed;
            return result;
        }
        match std::mem::replace(&mut self.state, Writing::Failed) {
            Writing::Idle(file) => Ok(file),
            _ => Err(Failure::new(FsErrorKind::Io, "an earlier write failed")),
        }
    }

    fn take_gathered(&mut self) -> Vec<Bytes> {
        self.gathered_length = 0;
        std::mem::take(&mut self.gathered)
    }
}

/// Writes all of `pieces`, as many with one call as the system takes.
fn write_pieces(mut file: File, pieces: &[Bytes]) -> Result<File, Failure> {
    let mut slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    let mut left = &mut slices[..];
    // Empty ones at the beginning go: a write of nothing looks like a full disk.
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        match file.write_vectored(left) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
            Ok(count) => IoSlice::advance_slices(&mut left, count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(file)
}

#[async_trait]
impl Sink for LocalSink {
    async fn write(&mut self, chunk: Bytes) -> FsResult<()> {
        self.written += chunk.len() as u64;
        self.gathered_length += chunk.len();
        self.gathered.push(chunk);
        if self.gathered_length < PIECE {
            return Ok(());
        }
        let file = self.file().await.map_err(|failure| failure.at("write", &self.path))?;
        let flushed = self.written - self.gathered_length as u64;
        self.syncing.step(&file, flushed).await.map_err(|failure| failure.at("write", &self.path))?;
        let pieces = self.take_gathered();
        self.state = Writing::UnderWay(task::spawn_blocking(move || write_pieces(file, &pieces)));
        Ok(())
    }

    fn known_good(&self) -> Option<u64> {
        Some(self.syncing.safe)
    }

    fn set_metadata(&mut self, metadata: NewMetadata) -> bool {
        self.metadata = metadata;
        true
    }

    async fn commit(mut self: Box<Self>) -> FsResult<u64> {
        // What it failed at would be told to nobody else.
        if let Some(sync) = self.syncing.under_way.take() {
            let synced = sync.await.unwrap_or_else(|stopped| Err(stopped_thread(&stopped)));
            synced.map_err(|failure| failure.at("write", &self.path))?;
        }
        let file = self.file().await.map_err(|failure| failure.at("write", &self.path))?;
        let pieces = self.take_gathered();
        let metadata = self.metadata;
        let finish = move |_: &FilePath| {
            let file = write_pieces(file, &pieces)?;
            if let Err(failure) = set_open(&file, metadata) {
                tracing::debug!(?failure, "times or mode not kept");
            }
            // A network file system, too, tells of a failed write here and not first at closing.
            Ok(file.sync_all()?)
        };
        super::off_runtime("write", &self.path, finish).await.map(|()| self.written)
    }

    async fn abort(mut self: Box<Self>) {
        // The file stays as far as it got: that means what was taken, also where it is still under way.
        if let Ok(file) = self.file().await {
            let pieces = self.take_gathered();
            drop(super::off_runtime("write", &self.path, move |_| write_pieces(file, &pieces)).await);
        }
    }
}
