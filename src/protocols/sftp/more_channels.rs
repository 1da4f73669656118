//! More channels over the same connection, for files that the window of one holds up: a server takes so many bytes per
//! turn and channel (OpenSSH: 2 MiB), whatever the line would carry.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio_util::task::AbortOnDropHandle;

use super::channel::Channel;
use super::file_system::Below;

/// With the first eight: OpenSSH's MaxSessions is ten, and commands want sessions too.
pub(super) const MOST: usize = 7;

/// Opened once they are wanted, kept for the next file, given up where the server has no more.
pub(super) struct MoreChannels {
    below: Option<Arc<dyn Below>>,
    open: Arc<Mutex<Vec<Channel>>>,
    opening: Mutex<Option<AbortOnDropHandle<()>>>,
}

impl MoreChannels {
    pub(super) fn new(below: Option<Arc<dyn Below>>) -> Self {
        Self { below, open: Arc::default(), opening: Mutex::default() }
    }

    /// Begins to open so many, unless that was begun before; they come to be one by one.
    pub(super) fn want(&self, number: usize) {
        let Some(below) = &self.below else { return };
        lock(&self.opening).get_or_insert_with(|| {
            let (below, open) = (Arc::clone(below), Arc::clone(&self.open));
            AbortOnDropHandle::new(tokio::spawn(async move {
                let mut channels: FuturesUnordered<_> = (0..number.min(MOST)).map(|_| below.open_channel()).collect();
                while let Some(channel) = channels.next().await {
                    match channel {
                        Some(channel) => lock(&open).push(channel),
                        None => tracing::debug!("the server gives no more sessions"),
                    }
                }
            }))
        });
    }

    /// One of them, if there are so many.
    pub(super) fn get(&self, index: usize) -> Option<Channel> {
        lock(&self.open).get(index).cloned()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
