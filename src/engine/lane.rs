//! The two file systems one worker of a job uses, leased when needed and leased anew when lost.

use std::time::Duration;

use super::copy::End;
use super::job::Place;
use super::places::Lease;
use super::running::Job;
use crate::vfs::{FileSystem, FsError, FsResult};

/// A source and a target.
#[derive(Debug, Default)]
pub(super) struct Lane {
    source: Option<Lease>,
    target: Option<Lease>,
}

impl Lane {
    /// The end where the items are.
    pub(super) async fn source(&mut self, job: &Job) -> FsResult<&dyn FileSystem> {
        fill(&mut self.source, job, job.spec.from).await
    }

    /// The end where they go.
    pub(super) async fn target(&mut self, job: &Job) -> FsResult<&dyn FileSystem> {
        Ok(self.both(job).await.map_err(|(error, _)| error)?.1)
    }

    /// Both ends; they are one where one place can read and write at once.
    pub(super) async fn both(&mut self, job: &Job) -> Result<(&dyn FileSystem, &dyn FileSystem), (FsError, End)> {
        let source = fill(&mut self.source, job, job.spec.from).await.map_err(|error| (error, End::Source))?;
        if job.spec.from == job.spec.to && source.capabilities().parallel {
            return Ok((source, source));
        }
        let target = fill(&mut self.target, job, job.spec.to).await.map_err(|error| (error, End::Target))?;
        Ok((source, target))
    }

    /// One end's line broke; the next use leases it anew.
    pub(super) fn lost(&mut self, end: End) {
        let shared = self.source.as_ref().is_some_and(|source| source.capabilities().parallel) && self.target.is_none();
        let lease = match end {
            End::Target if !shared => self.target.take(),
            _ => self.source.take(),
        };
        if let Some(lease) = lease {
            lease.lost();
        }
    }
}

async fn fill<'a>(slot: &'a mut Option<Lease>, job: &Job, place: Place) -> FsResult<&'a dyn FileSystem> {
    let lease = match slot.take() {
        Some(lease) => lease,
        None => job.unless_stopped(job.places.lease(place)).await?,
    };
    Ok(&**slot.insert(lease))
}

/// How often a lost connection is made anew for one file or folder, and how long each waits.
#[derive(Debug, Default)]
pub(super) struct Patience {
    tries: u32,
}

impl Patience {
    /// Tries after the first.
    pub(super) const TRIES: u32 = 3;

    /// Whether it was tried before.
    pub(super) fn tried(&self) -> bool {
        self.tries > 0
    }

    /// Whether to try again after `error`; waits before it says yes (1 s, 2 s, 4 s).
    pub(super) async fn again(&mut self, job: &Job, error: &FsError) -> bool {
        if !error.is_connection_lost() || self.tries == Self::TRIES || job.stop.is_cancelled() {
            return false;
        }
        let wait = Duration::from_secs(1 << self.tries);
        self.tries += 1;
        tracing::debug!(%error, ?wait, "connection lost; trying again");
        tokio::select! {
            () = job.stop.cancelled() => false,
            () = tokio::time::sleep(wait) => true,
        }
    }
}
