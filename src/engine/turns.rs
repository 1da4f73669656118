//! How many files move at once, in all and at one site.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::job::{Place, SessionId};

/// Hands out turns, in the order they were asked for.
#[derive(Debug)]
pub(super) struct Turns {
    all: Mutex<Option<Arc<Semaphore>>>,
    per_site: Option<usize>,
    sites: Mutex<BTreeMap<SessionId, Arc<Semaphore>>>,
}

impl Turns {
    /// So many files at once in all, and at each site; 0: as many as come.
    pub(super) fn new(all: usize, per_site: usize) -> Self {
        let turns = Self { all: Mutex::default(), per_site: (per_site > 0).then_some(per_site), sites: Mutex::default() };
        turns.set_all(all);
        turns
    }

    /// So many at once in all from now on; 0: as many as come.
    pub(super) fn set_all(&self, most: usize) {
        *lock(&self.all) = (most > 0).then(|| Arc::new(Semaphore::new(most)));
    }

    /// Whether there is any limit.
    pub(super) fn are_limited(&self) -> bool {
        self.per_site.is_some() || lock(&self.all).is_some()
    }

    /// A file's turn between these places; it ends when the answer is dropped.
    pub(super) async fn take(&self, places: [Place; 2]) -> Vec<OwnedSemaphorePermit> {
        let mut turns = Vec::new();
        // In one order for all, the sites by number and then the whole: nobody waits in a circle.
        for line in self.sites(places).into_iter().chain(self.whole()) {
            turns.extend(line.acquire_owned().await);
        }
        turns
    }

    fn whole(&self) -> Option<Arc<Semaphore>> {
        lock(&self.all).clone()
    }

    fn sites(&self, places: [Place; 2]) -> Vec<Arc<Semaphore>> {
        let Some(most) = self.per_site else { return Vec::new() };
        let mut ids: Vec<SessionId> =
            places.into_iter().filter_map(|place| if let Place::Remote(id) = place { Some(id) } else { None }).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut sites = lock(&self.sites);
        ids.into_iter().map(|id| sites.entry(id).or_insert_with(|| Arc::new(Semaphore::new(most))).clone()).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
