//! One SFTP channel: many requests in flight, replies matched by id alone. Knows packets, not files.
//!
//! The reader task never waits for anything but the peer, because a channel that is not read stalls the whole SSH
//! connection. The writer task takes requests from a bounded queue. Both end with the last [`Channel`].

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::handles::{Given, HandleRoom, HandleRooms, OpenHandle, Purpose};
use super::packet::{self, Assembler, Body, Frame, Malformed, Reply, kind};
use crate::vfs::FsErrorKind;

/// Where bytes come from; `None` at the end. Must be cancel-safe.
pub(super) trait Incoming: Send + 'static {
    fn next(&mut self) -> impl Future<Output = Option<Bytes>> + Send;
}

/// Where bytes go; `false` when the peer is gone.
pub(super) trait Outgoing: Send + 'static {
    fn send(&mut self, bytes: Bytes) -> impl Future<Output = bool> + Send;
}

/// Requests without a reply at any time; what comes on top waits.
const MAX_IN_FLIGHT: usize = 1024;
/// What may take long may take so many times the limit for silence: ten minutes of twenty seconds.
const PATIENCE: u32 = 30;
/// Requests waiting to be written.
const QUEUE: usize = 128;
/// So much goes into one packet of small requests, and file data of at most so many bytes with them.
const PACKET: usize = 32 * 1024;
const SMALL_DATA: usize = 16 * 1024;
/// File data asked for and not yet taken, and given and not yet answered, over all files of the channel, in KiB each.
const BUDGET_KIB: usize = 48 * 1024;

/// Why a request has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The server said no (section 7).
    Status { code: u32, message: Bytes },
    /// The channel is gone.
    Lost { kind: FsErrorKind, detail: String },
    /// The reply is of a kind that does not belong to the request.
    Unexpected,
}

/// A reply, its handle (if it brings one) already owned.
pub(super) enum Answer {
    Handle(OpenHandle),
    Other(Reply),
}

/// The requesting side. Cheap to clone; the last clone ends the tasks and, through its token, the line.
#[derive(Clone)]
pub(super) struct Channel(Arc<Owner>);

struct Owner {
    shared: Arc<Shared>,
    tasks: [AbortHandle; 2],
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.fail(FsErrorKind::ConnectionLost, "it was closed");
        for task in &self.tasks {
            task.abort();
        }
    }
}

pub(super) struct Shared {
    waiting: Mutex<Waiting>,
    next_id: AtomicU32,
    queue: mpsc::Sender<Outbound>,
    in_flight: Arc<Semaphore>,
    read_budget: Arc<Semaphore>,
    write_budget: Arc<Semaphore>,
    handles: HandleRooms,
    /// Handles nobody will close any more; the writer does.
    forsaken: Mutex<Vec<Given>>,
    forsaken_added: Notify,
    /// Microseconds of the quickest answer so far.
    turn: AtomicU64,
    started: Instant,
    /// Milliseconds after `started` of the last sign of life.
    progress: AtomicU64,
    line: CancellationToken,
}

#[derive(Default)]
struct Waiting {
    requests: HashMap<u32, Request>,
    lost: Option<(FsErrorKind, String)>,
}

/// A request without a reply. Without `answer` nobody wants the reply.
struct Request {
    answer: Option<oneshot::Sender<Answer>>,
    at: Instant,
    _permit: Option<OwnedSemaphorePermit>,
    terms: Terms,
}

/// What else there is to a request.
#[derive(Default)]
struct Terms {
    /// Of the handle that is opened, or closed, by it.
    room: Option<HandleRoom>,
    /// Its answer may take long: silence meanwhile does not mean that the server is gone. The connection below has signs
    /// of life of its own.
    is_patient: bool,
}

impl Terms {
    fn patient(room: Option<HandleRoom>) -> Self {
        Self { room, is_patient: true }
    }
}

/// A place in the queue and among what is in flight.
struct Slot<'a> {
    permit: OwnedSemaphorePermit,
    place: mpsc::Permit<'a, Outbound>,
}

struct Outbound {
    head: Bytes,
    payload: Vec<Bytes>,
}

/// What the server told in its VERSION packet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Version {
    pub(super) version: u32,
    pub(super) extensions: Vec<(Bytes, Bytes)>,
}

/// Why there is no SFTP on the channel.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotSftp {
    /// What came instead; the beginning of it.
    Noise(Vec<u8>),
    /// The channel ended without a word.
    Ended,
    /// Another version than 3.
    Version(u32),
}

impl Channel {
    /// Exchanges versions and starts the tasks. `timeout` is how long nothing may move while requests are open;
    /// `line` is cancelled when the channel fails or ends.
    pub(super) async fn open(
        mut incoming: impl Incoming,
        mut outgoing: impl Outgoing,
        timeout: Duration,
        line: CancellationToken,
    ) -> Result<(Self, Version), NotSftp> {
        if !outgoing.send(packet::init()).await {
            return Err(NotSftp::Ended);
        }
        let mut assembler = Assembler::default();
        let mut seen = Vec::new();
        let mut version = None;
        while version.is_none() {
            let chunk = incoming.next().await.ok_or_else(|| if seen.is_empty() { NotSftp::Ended } else { NotSftp::Noise(seen.clone()) })?;
            seen.extend_from_slice(&chunk[..chunk.len().min(256)]);
            let parsed = assembler.push(chunk, |frame| match frame {
                Frame::Version { version: number, extensions } if version.is_none() => {
                    version = Some(Version { version: number, extensions });
                    Ok(())
                }
                _ => Err(Malformed("no version came first")),
            });
            if parsed.is_err() || seen.len() > 64 * 1024 {
                return Err(NotSftp::Noise(seen));
            }
        }
        let version = version.unwrap_or_default();
        if version.version < 3 {
            return Err(NotSftp::Version(version.version));
        }
        let (queue, outbound) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            next_id: AtomicU32::new(0),
            queue,
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            read_budget: Arc::new(Semaphore::new(BUDGET_KIB)),
            write_budget: Arc::new(Semaphore::new(BUDGET_KIB)),
            handles: HandleRooms::default(),
            forsaken: Mutex::default(),
            forsaken_added: Notify::new(),
            turn: AtomicU64::new(u64::MAX),
            started: Instant::now(),
            progress: AtomicU64::new(0),
            line,
        });
        let reader = tokio::spawn(read(Arc::clone(&shared), incoming, assembler, timeout)).abort_handle();
        let writer = tokio::spawn(write(Arc::clone(&shared), outgoing, outbound)).abort_handle();
        Ok((Self(Arc::new(Owner { shared, tasks: [reader, writer] })), version))
    }

    /// Sends a request as soon as there is room. Dropping this before it is ready sends nothing.
    pub(super) async fn request(&self, body: Body, payload: Vec<Bytes>) -> Result<Pending, Failure> {
        let slot = self.slot().await?;
        self.0.shared.send(slot, Terms::default(), body, payload)
    }

    /// [`Self::request`] for one whose answer may take long.
    pub(super) async fn request_patiently(&self, body: Body) -> Result<Pending, Failure> {
        let slot = self.slot().await?;
        self.0.shared.send(slot, Terms::patient(None), body, Vec::new())
    }

    /// [`Self::request`] for one that is answered with a handle, as soon as the server may have one more open.
    pub(super) async fn request_handle(&self, body: Body, purpose: Purpose) -> Result<Pending, Failure> {
        let shared = &self.0.shared;
        let room = tokio::select! {
            room = shared.handles.take(purpose) => room,
            () = shared.line.cancelled() => return Err(shared.lost()),
        };
        let slot = self.slot().await?;
        shared.send(slot, Terms { room: Some(room), is_patient: false }, body, Vec::new())
    }

    /// Sends the CLOSE of a handle. There are servers that begin to store a file only then.
    pub(super) async fn request_close(&self, handle: OpenHandle) -> Result<Pending, Failure> {
        let slot = self.slot().await?;
        let Given { bytes, room } = handle.give();
        self.0.shared.send(slot, Terms::patient(room), Body::new(kind::CLOSE).string(&bytes), Vec::new())
    }

    /// Sends a request if there is room now.
    pub(super) fn try_request(&self, body: Body) -> Result<Option<Pending>, Failure> {
        let shared = &self.0.shared;
        let Ok(permit) = Arc::clone(&shared.in_flight).try_acquire_owned() else { return Ok(None) };
        let Ok(place) = shared.queue.try_reserve() else { return Ok(None) };
        shared.send(Slot { permit, place }, Terms::default(), body, Vec::new()).map(Some)
    }

    async fn slot(&self) -> Result<Slot<'_>, Failure> {
        let shared = &self.0.shared;
        let permit = Arc::clone(&shared.in_flight).acquire_owned().await.map_err(|_| shared.lost())?;
        let place = shared.queue.reserve().await.map_err(|_| shared.lost())?;
        Ok(Slot { permit, place })
    }

    /// Room for `bytes` of file data to come, if there is any.
    pub(super) fn read_room(&self, bytes: u32) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.shared.read_budget).try_acquire_many_owned(bytes.div_ceil(1024)).ok()
    }

    /// Room for `bytes` of file data to be sent, if there is any.
    pub(super) fn write_room(&self, bytes: u32) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.shared.write_budget).try_acquire_many_owned(bytes.div_ceil(1024)).ok()
    }

    /// How many handles the server lets us have.
    pub(super) fn allow_handles(&self, most: usize) {
        self.0.shared.handles.allow(most);
    }

    /// The quickest answer so far: the time there and back. `None` before the first.
    pub(super) fn turn(&self) -> Option<Duration> {
        let micros = self.0.shared.turn.load(Ordering::Relaxed);
        (micros != u64::MAX).then(|| Duration::from_micros(micros))
    }

    /// Waits until it has ended, for whatever reason.
    pub(super) async fn ended(&self) {
        self.0.shared.line.cancelled().await;
    }

    /// Ends the channel for all its clones.
    pub(super) fn shut(&self) {
        self.0.shared.fail(FsErrorKind::ConnectionLost, "it was closed");
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forsaken(&self) -> MutexGuard<'_, Vec<Given>> {
        self.forsaken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self) {
        self.progress.store(self.started.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    fn lost(&self) -> Failure {
        let (kind, detail) = self.waiting().lost.clone().unwrap_or((FsErrorKind::ConnectionLost, String::new()));
        Failure::Lost { kind, detail }
    }

    fn fail(&self, kind: FsErrorKind, detail: &str) {
        let mut waiting = self.waiting();
        waiting.lost.get_or_insert_with(|| (kind, detail.to_owned()));
        let requests = std::mem::take(&mut waiting.requests);
        drop(waiting);
        drop(requests);
        self.in_flight.close();
        self.line.cancel();
    }

    /// Takes what nobody will close any more.
    pub(super) fn forsake(&self, handle: Given) {
        self.forsaken().push(handle);
        self.forsaken_added.notify_one();
    }

    /// Puts the request on the list and hands it over, in one step that cannot be interrupted.
    fn send(self: &Arc<Self>, slot: Slot<'_>, terms: Terms, body: Body, payload: Vec<Bytes>) -> Result<Pending, Failure> {
        let (answer, receiver) = oneshot::channel();
        let id = self.enlist(Request { answer: Some(answer), at: Instant::now(), _permit: Some(slot.permit), terms })?;
        let head = body.finish(id, payload.iter().map(Bytes::len).sum());
        slot.place.send(Outbound { head, payload });
        Ok(Pending { receiver, shared: Arc::clone(self) })
    }

    fn enlist(&self, request: Request) -> Result<u32, Failure> {
        let mut waiting = self.waiting();
        if waiting.lost.is_some() {
            drop(waiting);
            return Err(self.lost());
        }
        if waiting.requests.is_empty() {
            self.touch();
        }
        let mut id = self.next_id.fetch_add(1, Ordering::Relaxed);
        while waiting.requests.contains_key(&id) {
            id = self.next_id.fetch_add(1, Ordering::Relaxed);
        }
        waiting.requests.insert(id, request);
        Ok(id)
    }

    fn deliver(self: &Arc<Self>, frame: Frame) -> Result<(), Malformed> {
        let Frame::Reply { id, reply } = frame else { return Err(Malformed("a second version came")) };
        let request = self.waiting().requests.remove(&id).ok_or(Malformed("a reply to no request came"))?;
        let answer = match reply {
            Reply::Handle(bytes) => Answer::Handle(OpenHandle::new(Given { bytes, room: request.terms.room }, self)),
            reply => Answer::Other(reply),
        };
        self.turn.fetch_min(request.at.elapsed().as_micros() as u64, Ordering::Relaxed);
        if let Some(waiting) = request.answer {
            // Nobody waits any more: the answer is dropped, and a handle in it closes itself.
            drop(waiting.send(answer));
        }
        Ok(())
    }

    fn is_stalled(&self, timeout: Duration) -> bool {
        let quiet = (self.started.elapsed().as_millis() as u64).saturating_sub(self.progress.load(Ordering::Relaxed));
        let requests = &self.waiting().requests;
        let patience = if requests.values().any(|request| request.terms.is_patient) { PATIENCE } else { 1 };
        !requests.is_empty() && u128::from(quiet) >= (timeout * patience).as_millis()
    }
}

async fn read(shared: Arc<Shared>, mut incoming: impl Incoming, mut assembler: Assembler, timeout: Duration) {
    let mut watch = tokio::time::interval((timeout / 4).max(Duration::from_millis(10)));
    loop {
        tokio::select! {
            chunk = incoming.next() => {
                let Some(chunk) = chunk else { return shared.fail(FsErrorKind::ConnectionLost, "the server closed the channel") };
                shared.touch();
                if let Err(Malformed(why)) = assembler.push(chunk, |frame| shared.deliver(frame)) {
                    return shared.fail(FsErrorKind::Protocol, why);
                }
            }
            () = shared.line.cancelled() => return shared.fail(FsErrorKind::ConnectionLost, "it was closed"),
            _ = watch.tick() => if shared.is_stalled(timeout) {
                return shared.fail(FsErrorKind::TimedOut, &format!("nothing came for {} seconds", timeout.as_secs()));
            }
        }
    }
}

async fn write(shared: Arc<Shared>, mut outgoing: impl Outgoing, mut queue: mpsc::Receiver<Outbound>) {
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            () = shared.line.cancelled() => return,
            () = shared.forsaken_added.notified() => {
                let handles = std::mem::take(&mut *shared.forsaken());
                // Behind everything that was asked of them: a server gives a closed handle to somebody else, and what was asked of
                // it before would then read, or write, another's file.
                batch.extend(std::iter::from_fn(|| queue.try_recv().ok()).take(QUEUE));
                for Given { bytes, room } in handles {
                    let Ok(id) = shared.enlist(Request { answer: None, at: Instant::now(), _permit: None, terms: Terms::patient(room) }) else { return };
                    batch.push(Outbound { head: Body::new(kind::CLOSE).string(&bytes).finish(id, 0), payload: Vec::new() });
                }
            }
            _ = queue.recv_many(&mut batch, QUEUE) => {
                // Who is about to ask comes into the same packet.
                tokio::task::yield_now().await;
                batch.extend(std::iter::from_fn(|| queue.try_recv().ok()).take(QUEUE));
            }
        }
        let sent = tokio::select! {
            () = shared.line.cancelled() => return,
            sent = send_all(&shared, &mut outgoing, &mut batch) => sent,
        };
        if !sent {
            return shared.fail(FsErrorKind::ConnectionLost, "the server closed the channel");
        }
    }
}

/// Small requests share SSH packets, with the little that small files have; other file data is sent as it is.
async fn send_all(shared: &Shared, outgoing: &mut impl Outgoing, batch: &mut Vec<Outbound>) -> bool {
    let mut small = BytesMut::new();
    for Outbound { head, payload } in batch.drain(..) {
        small.extend_from_slice(&head);
        for part in payload {
            if part.len() <= SMALL_DATA {
                small.extend_from_slice(&part);
                continue;
            }
            if (!small.is_empty() && !outgoing.send(small.split().freeze()).await) || !outgoing.send(part).await {
                return false;
            }
            shared.touch();
        }
        if small.len() >= PACKET {
            if !outgoing.send(small.split().freeze()).await {
                return false;
            }
            shared.touch();
        }
    }
    small.is_empty() || outgoing.send(small.freeze()).await
}

/// The reply to one request, to come. Dropping it is harmless.
pub(super) struct Pending {
    receiver: oneshot::Receiver<Answer>,
    shared: Arc<Shared>,
}

impl Future for Pending {
    type Output = Result<Answer, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.receiver).poll(context).map(|answer| answer.map_err(|_| self.shared.lost()))
    }
}
