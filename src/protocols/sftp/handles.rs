//! Handles a server gave out: owned, closed by whoever drops them, and never more than it allows.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::channel::Shared;

/// With a server that tells no limit.
const MOST_UNTOLD: usize = 100;
/// However many it allows.
const MOST: usize = 2048;

/// What a handle is for. A copy within one server opens a file to read and then one to write: were there one limit for
/// both, all of it could be held by those who wait for their second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Write,
}

/// Room for one more handle.
pub(super) type HandleRoom = OwnedSemaphorePermit;

/// How many handles may be open: half of them to read, half to write.
pub(super) struct HandleRooms {
    read: Arc<Semaphore>,
    write: Arc<Semaphore>,
}

impl Default for HandleRooms {
    fn default() -> Self {
        let half = || Arc::new(Semaphore::new(MOST_UNTOLD / 2));
        Self { read: half(), write: half() }
    }
}

impl HandleRooms {
    /// The server lets us have so many; told before any is open.
    pub(super) fn allow(&self, most: usize) {
        let half = (most.min(MOST) / 2).max(1);
        for rooms in [&self.read, &self.write] {
            let now = rooms.available_permits();
            rooms.add_permits(half.saturating_sub(now));
            rooms.forget_permits(now.saturating_sub(half));
        }
    }

    /// Waits for room.
    pub(super) async fn take(&self, purpose: Purpose) -> HandleRoom {
        let rooms = match purpose {
            Purpose::Read => &self.read,
            Purpose::Write => &self.write,
        };
        match Arc::clone(rooms).acquire_owned().await {
            Ok(room) => room,
            // They are never closed.
            Err(_) => std::future::pending().await,
        }
    }
}

/// A handle and the room it takes.
pub(super) struct Given {
    pub(super) bytes: Bytes,
    pub(super) room: Option<HandleRoom>,
}

/// A handle the server gave out. Dropping it closes it without waiting.
pub(super) struct OpenHandle {
    given: Option<Given>,
    shared: Weak<Shared>,
}

impl OpenHandle {
    pub(super) fn new(given: Given, shared: &Arc<Shared>) -> Self {
        Self { given: Some(given), shared: Arc::downgrade(shared) }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.given.as_ref().map_or(&[], |given| &given.bytes)
    }

    /// Hands it to somebody who closes it.
    pub(super) fn give(mut self) -> Given {
        self.given.take().unwrap_or(Given { bytes: Bytes::new(), room: None })
    }
}

impl Drop for OpenHandle {
    fn drop(&mut self) {
        if let (Some(given), Some(shared)) = (self.given.take(), self.shared.upgrade()) {
            shared.forsake(given);
        }
    }
}
