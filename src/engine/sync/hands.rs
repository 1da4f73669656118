//! Several file systems of one place for many questions at once: one shared connection, or a few of their own.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::engine::job::Place;
use crate::engine::places::{Lease, Places};
use crate::model::{Entry, EntryName, FilePath};
use crate::vfs::{Capabilities, FileSystem, FsError, FsErrorKind, FsResult, list_all, list_with_facts};

/// Questions under way at once on a connection that carries many.
const ON_ONE: usize = 32;
/// How often a question is put again on a new connection.
const TRIES: u32 = 3;
/// Leases of one place, made when they are needed.
pub(super) struct Hands {
    places: Arc<dyn Places>,
    place: Place,
    can: Capabilities,
    idle: Mutex<Vec<Lease>>,
    /// Leases there are, lent or idle.
    made: AtomicUsize,
    free: Semaphore,
    most: usize,
}

/// A lease in use.
struct Held<'a> {
    lease: Option<Lease>,
    made: &'a AtomicUsize,
    _permit: SemaphorePermit<'a>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // Nobody waits for the answer any more: the lease goes back to where it came from.
        if self.lease.is_some() {
            self.made.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Hands {
    /// Takes the first lease, to see what the place can do.
    pub(super) async fn new(places: Arc<dyn Places>, place: Place) -> FsResult<Self> {
        let first = places.lease(place).await?;
        let can = first.capabilities();
        let most = if can.parallel { ON_ONE } else { places.parallel(place).max(1) };
        Ok(Self { places, place, can, idle: Mutex::new(vec![first]), made: AtomicUsize::new(1), free: Semaphore::new(most), most })
    }

    /// Those of both sides: one pool where they are one place.
    pub(super) async fn of_both(places: &Arc<dyn Places>, sides: [Place; 2]) -> Result<[Arc<Self>; 2], (usize, FsError)> {
        let of = async |side: usize| Self::new(places.clone(), sides[side]).await.map(Arc::new).map_err(|error| (side, error));
        let left = of(0).await?;
        let right = if sides[0] == sides[1] { Arc::clone(&left) } else { of(1).await? };
        Ok([left, right])
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        self.can
    }

    /// How many questions are answered at once.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Asks something that may be asked again on a new connection.
    pub(super) async fn ask<T: Send>(
        &self,
        act: impl for<'a> Fn(&'a dyn FileSystem) -> BoxFuture<'a, FsResult<T>> + Send + Sync,
    ) -> FsResult<T> {
        let mut tries = 0;
        loop {
            let mut held = self.take().await?;
            let result = match &held.lease {
                Some(lease) => act(&**lease).await,
                None => Err(FsError::connection(FsErrorKind::Cancelled, "use the connection", "")),
            };
            let lease = held.lease.take();
            match (result, lease) {
                (Err(error), lease) if error.is_connection_lost() => {
                    self.made.fetch_sub(1, Ordering::AcqRel);
                    if let Some(lease) = lease {
                        lease.lost();
                    }
                    drop(held);
                    if tries == TRIES {
                        return Err(error);
                    }
                    tokio::time::sleep(Duration::from_secs(1 << tries)).await;
                    tries += 1;
                }
                (result, lease) => {
                    self.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(lease);
                    return result;
                }
            }
        }
    }

    async fn take(&self) -> FsResult<Held<'_>> {
        loop {
            let closed = |_| FsError::connection(FsErrorKind::Cancelled, "use the connection", "");
            let permit = self.free.acquire().await.map_err(closed)?;
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            if let Some(lease) = idle {
                return Ok(Held { lease: Some(lease), made: &self.made, _permit: permit });
            }
            match self.places.lease(self.place).await {
                Ok(lease) => {
                    self.made.fetch_add(1, Ordering::AcqRel);
                    return Ok(Held { lease: Some(lease), made: &self.made, _permit: permit });
                }
                // The server gives no more connections: those there are do.
                Err(error) if !error.is_connection_lost() && self.made.load(Ordering::Acquire) > 0 => {
                    tracing::debug!(%error, "one connection fewer");
                    permit.forget();
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// A folder's entries with their facts.
    pub(super) async fn list(&self, dir: &FilePath) -> FsResult<Vec<Entry>> {
        let dir = dir.clone();
        self.ask(move |place| {
            let dir = dir.clone();
            Box::pin(async move { list_with_facts(place, &dir).await })
        })
        .await
    }

    /// The facts of names in a folder; a folder that is not there has none.
    pub(super) async fn stat_many(&self, dir: &FilePath, names: &[EntryName]) -> FsResult<Vec<Entry>> {
        let (dir, names) = (dir.clone(), names.to_vec());
        self.ask(move |place| {
            let (dir, names) = (dir.clone(), names.clone());
            Box::pin(async move { facts_of(place, &dir, &names).await })
        })
        .await
    }
}

/// The facts of names in a folder as a comparison saw them; a folder that is not there has none.
pub(super) async fn facts_of(place: &dyn FileSystem, dir: &FilePath, names: &[EntryName]) -> FsResult<Vec<Entry>> {
    let can = place.capabilities();
    // FTP: a listing tells less of the times than the files do one by one, and is needed for the names in any case.
    let found = if can.listing_has_facts && !can.parallel {
        let wanted: HashSet<&[u8]> = names.iter().map(EntryName::as_bytes).collect();
        list_all(place, dir).await.map(|mut entries| {
            entries.retain(|entry| wanted.contains(entry.raw_name()));
            entries
        })
    } else {
        place.stat_many(dir, names).await
    };
    match found {
        Err(error) if error.kind == FsErrorKind::NotFound => Ok(Vec::new()),
        found => found,
    }
}
