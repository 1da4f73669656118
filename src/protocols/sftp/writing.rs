//! A remote file written with many WRITEs in flight. It is done when CLOSE was answered, not before.

use std::collections::VecDeque;

use async_trait::async_trait;
use bytes::Bytes;

use super::channel::{Answer, Channel, Failure, OpenHandle, Pending};
use super::requests;
use crate::model::FilePath;
use crate::vfs::{FsError, FsErrorKind, FsResult, Sink};

/// WRITEs without an answer; with 255 KiB each this is what is buffered at most, beside one chunk being filled.
const MAX_IN_FLIGHT: usize = 64;

/// A file being written.
pub(super) struct Writing {
    channel: Channel,
    path: FilePath,
    handle: OpenHandle,
    chunk: usize,
    offset: u64,
    written: u64,
    filling: Vec<Bytes>,
    filled: usize,
    asked: VecDeque<Pending>,
    /// The first error the server answered; it is final. Also set while bytes are being taken: were that cut short, some would be missing.
    failed: Option<FsError>,
}

impl Writing {
    pub(super) fn new(channel: Channel, path: FilePath, handle: OpenHandle, offset: u64, chunk: usize) -> Self {
        let (filling, asked) = (Vec::new(), VecDeque::new());
        Self { channel, path, handle, chunk, offset, written: 0, filling, filled: 0, asked, failed: None }
    }

    async fn send(&mut self) -> FsResult<()> {
        if self.filled == 0 {
            return Ok(());
        }
        while self.asked.len() >= MAX_IN_FLIGHT {
            self.settle_first().await?;
        }
        // Parts are counted by reference: were this future dropped, the bytes would still be there to be sent.
        let sent = self.channel.write(&self.handle, self.offset, self.filling.clone()).await;
        let pending = sent.map_err(|failure| self.fail(failure))?;
        self.asked.push_back(pending);
        self.offset += self.filled as u64;
        self.filling.clear();
        self.filled = 0;
        Ok(())
    }

    async fn settle_first(&mut self) -> FsResult<()> {
        let Some(first) = self.asked.front_mut() else { return Ok(()) };
        let answer = first.await;
        self.asked.pop_front();
        self.judge(answer)
    }

    /// Takes the answers that are there already.
    fn settle_ready(&mut self) -> FsResult<()> {
        while let Some(answer) = self.asked.front_mut().and_then(futures::FutureExt::now_or_never) {
            self.asked.pop_front();
            self.judge(answer)?;
        }
        Ok(())
    }

    fn judge(&mut self, answer: Result<Answer, Failure>) -> FsResult<()> {
        answer.and_then(requests::done).map_err(|failure| self.fail(failure))
    }

    fn fail(&mut self, failure: Failure) -> FsError {
        let error = failure.at("write", &self.path);
        self.failed = Some(error.clone());
        error
    }
}

#[async_trait]
impl Sink for Writing {
    async fn write(&mut self, mut chunk: Bytes) -> FsResult<()> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.settle_ready()?;
        let torn = FsError::new(FsErrorKind::Cancelled, "write", &self.path, "a write was stopped half-way");
        self.written += chunk.len() as u64;
        while !chunk.is_empty() {
            let part = chunk.split_to(chunk.len().min(self.chunk - self.filled));
            self.filled += part.len();
            self.filling.push(part);
            if self.filled == self.chunk {
                self.failed = Some(torn.clone());
                self.send().await?;
                self.failed = None;
            }
        }
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> FsResult<u64> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.send().await?;
        while !self.asked.is_empty() {
            self.settle_first().await?;
        }
        let Self { channel, path, handle, written, .. } = *self;
        channel.close_handle(handle).await.map_err(|failure| failure.at("write", &path))?;
        Ok(written)
    }

    async fn abort(self: Box<Self>) {
        let Self { channel, path, handle, asked, .. } = *self;
        drop(asked);
        if let Err(failure) = channel.close_handle(handle).await {
            let error = failure.at("close", &path);
            if error.kind != FsErrorKind::ConnectionLost {
                tracing::debug!(%error, "an aborted upload did not close");
            }
        }
    }
}
