//! A remote file written with many WRITEs in flight, over several channels where one holds it up. It is done when CLOSE
//! was answered, not before.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::channel::{Channel, Failure, Pending};
use super::handles::OpenHandle;
use super::metadata;
use super::more_channels::{MOST, MoreChannels};
use super::pace::Pace;
use super::packet::Attributes;
use super::requests::{self, flag, status};
use crate::model::FilePath;
use crate::vfs::{FsError, FsErrorKind, FsResult, NewMetadata, Sink};

/// Bytes in one turn from which on a channel's window is what holds a file up, and not the line: OpenSSH's is 2 MiB, of
/// which it gives back a third at a time.
const HELD_UP: f64 = (1 << 20) as f64 * 0.75;
/// Seconds of a turn for which one more channel is worth it: with so many the windows hold nothing up.
const TURN_OF_ONE: f64 = 0.006;

/// A file being written.
pub(super) struct Writing {
    more: Arc<MoreChannels>,
    path: FilePath,
    block: usize,
    /// Where the server tells how much may yet be stored, whom to ask.
    space: Option<Channel>,
    /// The first is the one it was opened with.
    lanes: Vec<Lane>,
    opening: Vec<BoxFuture<'static, Option<Lane>>>,
    /// How many of the other channels were tried.
    tried: usize,
    pace: Pace,
    end: End,
    start: u64,
    offset: u64,
    written: u64,
    filling: Vec<Bytes>,
    filled: usize,
    metadata: Option<NewMetadata>,
    /// The server syncs files where it is asked to, and it is to.
    may_sync: bool,
    syncs: bool,
    /// The first block the server did not take.
    gap: Option<u64>,
    /// The first error the server answered; it is final. Also set while bytes are being taken: were that cut short, some would be missing.
    failed: Option<FsError>,
}

/// What the end of the file means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It is ours alone, and may be cut off.
    Ours,
    /// So it is, but others will go by the size of what a broken line leaves: there must be no gaps before it, and so
    /// there is one channel.
    Told,
    /// Others write to the file too: where it ends says nothing of what came through here.
    Shared,
}

/// A handle of the file on one channel, and what was written through it without an answer yet.
pub(super) struct Lane {
    channel: Channel,
    handle: OpenHandle,
    asked: VecDeque<Asked>,
}

struct Asked {
    offset: u64,
    length: u64,
    reply: Pending,
    at: Instant,
    /// Room in the channel's budget; the one block every file may have needs none.
    _room: Option<OwnedSemaphorePermit>,
}

impl Lane {
    pub(super) fn new(channel: Channel, handle: OpenHandle) -> Self {
        Self { channel, handle, asked: VecDeque::new() }
    }
}

impl Writing {
    /// Writes through `handle` from `start` on, in blocks of at most `block` bytes.
    pub(super) fn new(more: Arc<MoreChannels>, first: Lane, path: FilePath, start: u64, block: usize, end: End) -> Self {
        Self {
            more,
            path,
            block,
            space: None,
            lanes: vec![first],
            opening: Vec::new(),
            tried: 0,
            pace: Pace::new(block as u64),
            end,
            start,
            offset: start,
            written: 0,
            filling: Vec::new(),
            filled: 0,
            metadata: None,
            may_sync: false,
            syncs: false,
            gap: None,
            failed: None,
        }
    }

    /// The server has `fsync@openssh.com`, or not.
    pub(super) fn which_may_sync(self, may_sync: bool) -> Self {
        Self { may_sync, ..self }
    }

    /// What fails without a reason is looked into with this.
    pub(super) fn with_space(self, space: Option<Channel>) -> Self {
        Self { space, ..self }
    }

    /// Version 3 has no word for a disk that is full.
    async fn why(&mut self, error: FsError) -> FsError {
        let Some(channel) = self.space.as_ref().filter(|_| error.kind == FsErrorKind::Refused) else { return error };
        match channel.free_space(&self.path).await {
            Ok(free) if free < self.block as u64 => FsError { kind: FsErrorKind::NoSpace, ..error },
            _ => error,
        }
    }

    async fn send(&mut self) -> FsResult<()> {
        if self.filled == 0 {
            return Ok(());
        }
        self.widen();
        let room = loop {
            let unanswered = self.unanswered();
            let room = self.lanes[0].channel.write_room(self.filled as u32);
            if unanswered == 0 || (room.is_some() && unanswered < self.pace.blocks()) {
                break room;
            }
            drop(room);
            self.settle(unanswered - 1).await?;
        };
        let Some(lane) = self.lanes.iter_mut().min_by_key(|lane| lane.asked.len()) else { return Ok(()) };
        let sent = lane.channel.write(&lane.handle, self.offset, std::mem::take(&mut self.filling)).await;
        let (offset, length, at) = (self.offset, self.filled as u64, Instant::now());
        self.offset += length;
        self.filled = 0;
        match sent {
            Ok(reply) => lane.asked.push_back(Asked { offset, length, reply, at, _room: room }),
            Err(failure) => return Err(self.fail(failure, offset)),
        }
        Ok(())
    }

    async fn take(&mut self, mut chunk: Bytes) -> FsResult<()> {
        let torn = FsError::new(FsErrorKind::Cancelled, "write", &self.path, "a write was stopped half-way");
        self.written += chunk.len() as u64;
        while !chunk.is_empty() {
            let part = chunk.split_to(chunk.len().min(self.block - self.filled));
            self.filled += part.len();
            self.filling.push(part);
            if self.filled == self.block {
                self.failed = Some(torn.clone());
                self.settle(usize::MAX).await?;
                self.send().await?;
                self.failed = None;
            }
        }
        Ok(())
    }

    /// Takes to other channels where the window of one is what holds it up.
    fn widen(&mut self) {
        let turn = self.lanes[0].channel.turn().unwrap_or_default().as_secs_f64();
        if self.end == End::Told || (self.tried == 0 && self.pace.rate() * turn < HELD_UP) {
            return;
        }
        let wanted = ((turn / TURN_OF_ONE) as usize).min(MOST);
        if self.tried >= wanted {
            return;
        }
        self.more.want(wanted);
        while let Some(channel) = self.more.get(self.tried) {
            self.tried += 1;
            let path = self.path.clone();
            self.opening.push(
                async move {
                    let handle = channel.open_file(&path, flag::WRITE, None).await.ok()?;
                    Some(Lane::new(channel, handle))
                }
                .boxed(),
            );
        }
    }

    fn unanswered(&self) -> usize {
        self.lanes.iter().map(|lane| lane.asked.len()).sum()
    }

    /// Waits until no more than `most` blocks are without an answer.
    async fn settle(&mut self, most: usize) -> FsResult<()> {
        poll_fn(|context| {
            self.poll_answers(context);
            if let Some(error) = self.failed.as_ref().filter(|_| self.gap.is_some()) {
                return Poll::Ready(Err(error.clone()));
            }
            if self.unanswered() <= most { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }

    /// Waits for every answer, good or bad.
    async fn settle_all(&mut self) {
        poll_fn(|context| {
            self.poll_answers(context);
            if self.unanswered() == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Takes the answers and the lanes that are there.
    fn poll_answers(&mut self, context: &mut Context<'_>) {
        self.opening.retain_mut(|opening| match opening.as_mut().poll(context) {
            Poll::Pending => true,
            Poll::Ready(lane) => {
                self.lanes.extend(lane);
                false
            }
        });
        let mut failures = Vec::new();
        for lane in &mut self.lanes {
            while let Some(first) = lane.asked.front_mut()
                && let Poll::Ready(answer) = Pin::new(&mut first.reply).poll(context)
            {
                let (offset, length, at) = (first.offset, first.length, first.at);
                lane.asked.pop_front();
                match answer.and_then(requests::done) {
                    Ok(()) => self.pace.answered(length, at),
                    Err(failure) => failures.push((failure, offset)),
                }
            }
        }
        for (failure, offset) in failures {
            self.fail(failure, offset);
        }
    }

    /// The server did not take the block at `offset`.
    fn fail(&mut self, failure: Failure, offset: u64) -> FsError {
        let error = failure.at("write", &self.path);
        if self.gap.is_none() {
            self.failed = Some(error);
        }
        self.gap = Some(self.gap.map_or(offset, |gap| gap.min(offset)));
        self.failed.clone().unwrap_or_else(|| FsError::new(FsErrorKind::Protocol, "write", &self.path, ""))
    }

    /// Everything before this byte has arrived, as far as it was written here.
    fn whole_to(&self) -> u64 {
        let first_unanswered = self.lanes.iter().filter_map(|lane| lane.asked.front()).map(|asked| asked.offset).min();
        first_unanswered.into_iter().chain(self.gap).min().unwrap_or(self.offset)
    }

    /// Closes the file; where something is missing in it, cuts it off before that, so that its size tells what is there.
    async fn leave(mut self) -> FsResult<()> {
        self.opening.clear();
        // An answer that is still to come means bytes that are still to be written.
        self.settle_all().await;
        let (whole_to, path) = (self.whole_to(), self.path);
        let cut = self.end != End::Shared && whole_to < self.offset;
        if let (true, Some(Lane { channel, handle, .. })) = (cut, self.lanes.first()) {
            channel.set_handle_size(handle, whole_to).await.map_err(|failure| failure.at("cut off", &path))?;
        }
        close(self.lanes).await.map_err(|failure| failure.at("close", &path))
    }

    /// Sends what is left and closes the file: all in one turn, where it was written over one channel.
    async fn finish(&mut self) -> FsResult<()> {
        self.send().await?;
        self.opening.clear();
        if self.lanes.len() > 1 {
            self.settle(0).await?;
            close(self.lanes.split_off(1)).await.map_err(|failure| failure.at("write", &self.path))?;
        }
        let failed = |failure: Failure| failure.at("write", &self.path);
        let Some(Lane { channel, handle, asked }) = self.lanes.pop() else { return Ok(()) };
        let new = self.metadata.map(|new| metadata::as_far_as_possible(&new)).filter(|new| *new != Attributes::default());
        let described = match &new {
            Some(new) => Some(channel.set_handle_attributes(&handle, new).await.map_err(failed)?),
            None => None,
        };
        let synced = if self.syncs { Some(channel.request_fsync(&handle).await.map_err(failed)?) } else { None };
        let closed = channel.request_close(handle).await.map_err(failed)?;
        let mut refused = None;
        for block in asked {
            if let Err(failure) = block.reply.await.and_then(requests::done) {
                refused.get_or_insert((block.offset, failure));
            }
        }
        let described = match described {
            Some(described) => described.await.and_then(requests::done),
            None => Ok(()),
        };
        let synced = match synced {
            Some(synced) => synced.await.and_then(requests::done),
            None => Ok(()),
        };
        let closed = closed.await.and_then(requests::done);
        if let Some((gap, failure)) = refused {
            let whole = Attributes { size: Some(gap), ..Attributes::default() };
            if self.end != End::Shared && closed.is_ok() && channel.set_attributes(&self.path, &whole).await.is_err() {
                tracing::debug!("an unfinished upload may have gaps");
            }
            return Err(failed(failure));
        }
        closed.map_err(failed)?;
        match synced {
            // What cannot be synced (OpenSSH: ENOSYS, EINVAL) is told otherwise than a disk that failed.
            Err(failure @ Failure::Status { code: status::BAD_MESSAGE | status::OP_UNSUPPORTED, .. }) => {
                tracing::debug!(error = %failed(failure), "not synced");
            }
            synced => synced.map_err(failed)?,
        }
        // There are servers that take facts by path alone.
        if let (Err(Failure::Status { .. }), Some(new)) = (described, new)
            && let Err(failure) = channel.set_attributes(&self.path, &new).await
        {
            let error = failure.at("set times and permissions of", &self.path);
            if error.is_connection_lost() {
                return Err(error);
            }
            tracing::debug!(%error, "times or mode not kept");
        }
        Ok(())
    }
}

/// Closes handles, all at once.
async fn close(lanes: Vec<Lane>) -> Result<(), Failure> {
    let closed = lanes.into_iter().map(|lane| async move { lane.channel.close_handle(lane.handle).await });
    futures::future::join_all(closed).await.into_iter().collect()
}

#[async_trait]
impl Sink for Writing {
    async fn write(&mut self, chunk: Bytes) -> FsResult<()> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        match self.take(chunk).await {
            Err(error) => Err(self.why(error).await),
            Ok(()) => Ok(()),
        }
    }

    fn set_metadata(&mut self, metadata: NewMetadata) -> bool {
        self.metadata = Some(metadata);
        true
    }

    fn sync_at_end(&mut self) {
        self.syncs = self.may_sync;
    }

    fn known_good(&self) -> Option<u64> {
        Some(self.whole_to() - self.start)
    }

    async fn commit(mut self: Box<Self>) -> FsResult<u64> {
        let finished = match self.failed.clone() {
            None => self.finish().await,
            Some(error) => Err(error),
        };
        match finished {
            Ok(()) => Ok(self.written),
            Err(error) => {
                // Before anything is cut off.
                let error = self.why(error).await;
                self.abort().await;
                Err(error)
            }
        }
    }

    async fn abort(self: Box<Self>) {
        if let Err(error) = self.leave().await
            && !error.is_connection_lost()
        {
            tracing::debug!(%error, "an aborted upload did not close");
        }
    }
}
