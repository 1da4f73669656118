//! Reading and writing one local file in large pieces, one of which is always under way.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use async_trait::async_trait;
use bytes::Bytes;
use rustix::fs::{Mode, OFlags};
use tokio::task::{self, JoinHandle};

use super::{Failure, open_regular, stopped_thread};
use crate::model::FilePath;
use crate::vfs::{Create, FsErrorKind, FsResult, Sink, Source};

/// Bytes of one read or write. Below, the way to the other thread costs more than the call.
const PIECE: usize = 256 * 1024;

/// Reads a file. The first piece is read with the opening, the next one while the last is worked on.
pub(super) struct LocalSource {
    path: FilePath,
    next: Next,
}

enum Next {
    Read(Piece),
    UnderWay(JoinHandle<Result<Piece, Failure>>),
    End,
}

/// A piece and the file behind it; no file: that was the end.
struct Piece {
    bytes: Bytes,
    rest: Option<File>,
}

impl LocalSource {
    pub(super) fn open(path: &FilePath, from: u64) -> Result<Self, Failure> {
        let mut file = open_regular(path, OFlags::RDONLY, Mode::empty())?;
        if from > 0 {
            file.seek(SeekFrom::Start(from))?;
        }
        Ok(Self { path: path.clone(), next: Next::Read(read_piece(file)?) })
    }
}

fn read_piece(mut file: File) -> Result<Piece, Failure> {
    let left = file.metadata()?.len().saturating_sub(file.stream_position()?);
    // One more than is left, so that a file that ends here is known to end; a page at least, because kernel files claim no size.
    let wanted = usize::try_from(left).unwrap_or(PIECE).saturating_add(1).clamp(4096, PIECE);
    let mut bytes = Vec::with_capacity(wanted);
    let count = (&mut file).take(wanted as u64).read_to_end(&mut bytes)?;
    Ok(Piece { bytes: bytes.into(), rest: (count == wanted).then_some(file) })
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
        if let Some(file) = piece.rest {
            self.next = Next::UnderWay(task::spawn_blocking(move || read_piece(file)));
        }
        Ok(Some(piece.bytes).filter(|bytes| !bytes.is_empty()))
    }

    async fn abort(self: Box<Self>) {}
}

/// Writes a file. Small writes are gathered; one piece may be under way while the next is gathered.
pub(super) struct LocalSink {
    path: FilePath,
    state: Writing,
    gathered: Vec<Bytes>,
    gathered_length: usize,
    written: u64,
}

enum Writing {
    Idle(File),
    UnderWay(JoinHandle<Result<File, Failure>>),
    Failed,
}

impl LocalSink {
    pub(super) fn create(path: &FilePath, how: Create) -> Result<Self, Failure> {
        let file = match how {
            // EXCL follows no link either.
            Create::New => {
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
                File::from(rustix::fs::openat(rustix::fs::CWD, path.as_bytes(), flags, Mode::from_raw_mode(0o600))?)
            }
            Create::Truncate => {
                let file = open_regular(path, OFlags::WRONLY | OFlags::CREATE, Mode::from_raw_mode(0o666))?;
                file.set_len(0)?;
                file
            }
            // NOFOLLOW: it goes on with what this program began, which is never a link.
            Create::ResumeAt(start) => {
                let mut file = open_regular(path, OFlags::WRONLY | OFlags::NOFOLLOW, Mode::empty())?;
                if file.metadata()?.len() < start {
                    return Err(Failure::new(FsErrorKind::ChangedMeanwhile, "it is shorter than where writing should go on"));
                }
                file.set_len(start)?;
                file.seek(SeekFrom::Start(start))?;
                file
            }
        };
        Ok(Self { path: path.clone(), state: Writing::Idle(file), gathered: Vec::new(), gathered_length: 0, written: 0 })
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

fn write_pieces(mut file: File, pieces: &[Bytes]) -> Result<File, Failure> {
    for piece in pieces {
        file.write_all(piece)?;
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
        let pieces = self.take_gathered();
        self.state = Writing::UnderWay(task::spawn_blocking(move || write_pieces(file, &pieces)));
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> FsResult<u64> {
        let file = self.file().await.map_err(|failure| failure.at("write", &self.path))?;
        let pieces = self.take_gathered();
        let finish = move |_: &FilePath| {
            // A network file system, too, tells of a failed write here and not first at closing.
            Ok(write_pieces(file, &pieces)?.sync_all()?)
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
