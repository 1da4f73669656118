//! A remote file read with many READs in flight, handed out in order.

use std::collections::VecDeque;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::channel::{Channel, Pending};
use super::handles::OpenHandle;
use super::listing::kind_of;
use super::pace::Pace;
use super::requests;
use crate::model::{FilePath, Kind};
use crate::vfs::{FsError, FsErrorKind, FsResult, Source};

/// However short a server's replies are, no less is asked for.
const LEAST_CHUNK: u32 = 4096;
/// What is asked for at first where many files are read at once and the channel's budget is used up.
const CHUNK_WITHOUT_ROOM: u32 = 32 * 1024;

/// A file being read.
pub(super) struct Reading {
    channel: Channel,
    path: FilePath,
    /// `None` once closed.
    handle: Option<OpenHandle>,
    /// What FSTAT said when it was opened; `None` where that means nothing (0, or untold: /proc, devices).
    size: Option<u64>,
    chunk: u32,
    /// The first byte nobody asked for yet.
    next: u64,
    /// The first byte not handed out yet.
    position: u64,
    asked: VecDeque<Asked>,
    ready: VecDeque<Bytes>,
    pace: Pace,
    end: Option<Result<(), FsError>>,
}

struct Asked {
    offset: u64,
    length: u32,
    reply: Pending,
    at: Instant,
    /// Room in the channel's budget; the one request every file may have needs none.
    _room: Option<OwnedSemaphorePermit>,
}

impl Reading {
    /// Asks for the first bytes and for the size at once.
    pub(super) async fn open(channel: Channel, path: FilePath, handle: OpenHandle, from: u64, chunk: u32) -> FsResult<Self> {
        let pace = Pace::new(chunk.into());
        let (asked, ready) = (VecDeque::new(), VecDeque::new());
        let (handle, next, position) = (Some(handle), from, from);
        let mut file = Self { channel, path, handle, size: None, chunk, next, position, asked, ready, pace, end: None };
        file.ask().await?;
        let Some(handle) = &file.handle else { return Ok(file) };
        let attributes = file.channel.handle_attributes(handle).await.map_err(|failure| failure.at("read", &file.path))?;
        if kind_of(&attributes, b"") == Kind::Dir {
            return Err(FsError::new(FsErrorKind::IsADirectory, "read", &file.path, ""));
        }
        file.size = attributes.size.filter(|&size| size > 0);
        Ok(file)
    }

    /// Asks for as much as is allowed; waits only where nothing would be under way otherwise.
    async fn ask(&mut self) -> FsResult<()> {
        let Some(handle) = &self.handle else { return Ok(()) };
        let gap = self.asked.front().map_or(0, |first| first.offset - self.position);
        if gap > 0 {
            let body = Channel::read_request(handle, self.position, gap as u32);
            let reply = self.channel.request(body, Vec::new()).await.map_err(|failure| failure.at("read", &self.path))?;
            self.asked.push_front(Asked { offset: self.position, length: gap as u32, reply, at: Instant::now(), _room: None });
        } else if self.asked.is_empty() {
            self.next = self.position;
        }
        // Behind the known end one request is made, and only where no earlier one reached there.
        while self.asked.is_empty() || (self.asked.len() < self.pace.blocks() && self.size.is_some_and(|size| self.next < size)) {
            let room = self.channel.read_room(self.chunk);
            let length = if room.is_some() { self.chunk } else { self.chunk.min(CHUNK_WITHOUT_ROOM) };
            let body = Channel::read_request(handle, self.next, length);
            let reply = if self.asked.is_empty() {
                self.channel.request(body, Vec::new()).await.map(Some)
            } else if room.is_some() {
                self.channel.try_request(body)
            } else {
                break;
            };
            let Some(reply) = reply.map_err(|failure| failure.at("read", &self.path))? else { break };
            self.asked.push_back(Asked { offset: self.next, length, reply, at: Instant::now(), _room: room });
            self.next += u64::from(length);
        }
        Ok(())
    }

    /// Takes the reply that is next in the file.
    async fn take(&mut self) -> FsResult<()> {
        let Some(first) = self.asked.front_mut() else { return Ok(()) };
        let answer = (&mut first.reply).await;
        let (offset, length, at) = (first.offset, first.length, first.at);
        let failed = |failure: super::channel::Failure| failure.at("read", &self.path);
        let parts = requests::data(answer.map_err(failed)?).map_err(failed)?;
        self.asked.pop_front();
        let Some(parts) = parts else {
            self.asked.clear();
            let missing = self.size.is_some_and(|size| self.position < size);
            self.end = Some(if missing { Err(self.changed("shrank")) } else { Ok(()) });
            return Ok(());
        };
        let got: u64 = parts.iter().map(|part| part.len() as u64).sum();
        if got == 0 || got > u64::from(length) {
            return Err(FsError::new(FsErrorKind::Protocol, "read", &self.path, "a reply holds another number of bytes than asked for"));
        }
        self.ready.extend(parts);
        self.position = offset + got;
        self.pace.answered(got, at);
        match self.size {
            Some(size) if self.position > size => {
                self.asked.clear();
                self.truncate_ready(self.position - size);
                self.end = Some(Err(self.changed("grew")));
            }
            // It answered less than asked for, exactly up to the known end: that is the end.
            Some(size) if self.position == size && got < u64::from(length) => {
                self.asked.clear();
                self.end = Some(Ok(()));
            }
            // The rest is asked for again, and no more than the server gives at once from now on.
            Some(_) if got < u64::from(length) => {
                self.chunk = (got as u32).max(LEAST_CHUNK);
                self.pace.resize(self.chunk.into());
            }
            _ => {}
        }
        Ok(())
    }

    fn truncate_ready(&mut self, mut excess: u64) {
        while let Some(last) = self.ready.back_mut() {
            let cut = excess.min(last.len() as u64);
            last.truncate(last.len() - cut as usize);
            excess -= cut;
            if excess == 0 {
                break;
            }
            self.ready.pop_back();
        }
    }

    fn changed(&self, how: &str) -> FsError {
        let size = self.size.unwrap_or_default();
        FsError::new(FsErrorKind::ChangedMeanwhile, "read", &self.path, format!("it had {size} bytes when it was opened and {how}"))
    }
}

#[async_trait]
impl Source for Reading {
    async fn read(&mut self) -> FsResult<Option<Bytes>> {
        loop {
            if let Some(part) = self.ready.pop_front().filter(|part| !part.is_empty()) {
                return Ok(Some(part));
            }
            if let Some(end) = self.end.clone() {
                // Closing changes nothing about what was read: its answer is not waited for.
                self.handle = None;
                return end.map(|()| None);
            }
            self.ask().await?;
            self.take().await?;
        }
    }

    async fn abort(self: Box<Self>) {}
}
