//! The two file systems one worker of a job uses, leased when needed, leased anew when lost, and given back in a pause.

use std::sync::Arc;

use super::copy::End;
use super::flow::{Flow, Holding};
use super::job::Place;
use super::places::Lease;
use super::running::Job;
use crate::vfs::{FileSystem, FsError, FsErrorKind, FsResult};

/// A source and a target.
#[derive(Debug, Default)]
pub(super) struct Lane {
    source: Option<(Lease, Holding)>,
    target: Option<(Lease, Holding)>,
    /// The job they were leased for, and how often it had been paused by then.
    leased: Option<(Arc<Flow>, u64)>,
}

impl Lane {
    /// The end where the items are.
    pub(super) async fn source(&mut self, job: &Job) -> FsResult<&dyn FileSystem> {
        self.lease(job, false).await.map_err(|(error, _)| error)?;
        leased(self.source.as_ref())
    }

    /// The end where they go.
    pub(super) async fn target(&mut self, job: &Job) -> FsResult<&dyn FileSystem> {
        Ok(self.both(job).await.map_err(|(error, _)| error)?.1)
    }

    /// Both ends; they are one where one place can read and write at once.
    pub(super) async fn both(&mut self, job: &Job) -> Result<(&dyn FileSystem, &dyn FileSystem), (FsError, End)> {
        self.lease(job, true).await?;
        let source = leased(self.source.as_ref()).map_err(|error| (error, End::Source))?;
        if is_one(job, source) {
            return Ok((source, source));
        }
        Ok((source, leased(self.target.as_ref()).map_err(|error| (error, End::Target))?))
    }

    /// Leases what is not held yet. A pause is waited for, and is no failure.
    async fn lease(&mut self, job: &Job, both: bool) -> Result<(), (FsError, End)> {
        loop {
            match self.try_lease(job, both).await {
                Err((error, _)) if error.kind == FsErrorKind::Paused => self.rest(),
                result => return result,
            }
        }
    }

    async fn try_lease(&mut self, job: &Job, both: bool) -> Result<(), (FsError, End)> {
        self.pass(job).await.map_err(|error| (error, End::Source))?;
        let source = fill(&mut self.source, job, job.spec.from).await.map_err(|error| (error, End::Source))?;
        if both && !is_one(job, source) {
            fill(&mut self.target, job, job.spec.to).await.map_err(|error| (error, End::Target))?;
        }
        Ok(())
    }

    /// One end's line broke, or was given up for a pause; the next use leases both anew.
    pub(super) fn lost(&mut self, end: End) {
        if self.was_paused() {
            return self.rest();
        }
        let shared = self.source.as_ref().is_some_and(|(source, _)| source.capabilities().parallel) && self.target.is_none();
        let lease = match end {
            End::Target if !shared => self.target.take(),
            _ => self.source.take(),
        };
        if let Some((lease, _)) = lease {
            lease.lost();
        }
        // The wait for the next try can be long: others may have the end that works.
        self.rest();
    }

    /// Gives both ends back as they are.
    pub(super) fn rest(&mut self) {
        (self.source, self.target, self.leased) = (None, None, None);
    }

    /// Waits while the job is paused, with nothing in its hands.
    async fn pass(&mut self, job: &Job) -> FsResult<()> {
        if self.was_paused() {
            self.rest();
        }
        job.flow.go().await?;
        self.leased.get_or_insert_with(|| (Arc::clone(&job.flow), job.flow.pauses()));
        Ok(())
    }

    fn was_paused(&self) -> bool {
        self.leased.as_ref().is_some_and(|(flow, pauses)| flow.pauses() != *pauses)
    }
}

/// Whether a connection to the source is one to the target, too.
fn is_one(job: &Job, source: &dyn FileSystem) -> bool {
    job.spec.from == job.spec.to && source.capabilities().parallel
}

fn leased(slot: Option<&(Lease, Holding)>) -> FsResult<&dyn FileSystem> {
    slot.map(|(lease, _)| &**lease).ok_or_else(|| FsError::connection(FsErrorKind::ConnectionLost, "use the connection", ""))
}

async fn fill<'a>(slot: &'a mut Option<(Lease, Holding)>, job: &Job, place: Place) -> FsResult<&'a dyn FileSystem> {
    let held = match slot.take() {
        Some(held) => held,
        None => {
            let holding = job.flow.hold();
            (job.flow.unless_paused(job.lease(place)).await?, holding)
        }
    };
    Ok(&*slot.insert(held).0)
}

/// How often a lost connection is made anew for one file or folder, and how long each waits.
#[derive(Debug, Default)]
pub(super) struct Patience {
    tries: u32,
}

impl Patience {
    /// Whether it was tried before.
    pub(super) fn tried(&self) -> bool {
        self.tries > 0
    }

    /// Whether to try again after `error`; waits before it says yes, as the job's [`Persistence`](super::Persistence) has it.
    /// A pause is no failure: it is waited for, however long it is.
    pub(super) async fn again(&mut self, job: &Job, error: &FsError) -> bool {
        if !error.is_connection_lost() {
            return false;
        }
        if error.kind == FsErrorKind::Paused || !job.flow.is_open() {
            return job.flow.go().await.is_ok();
        }
        let Some(wait) = job.next_try(self.tries) else { return false };
        self.tries += 1;
        tracing::debug!(%error, ?wait, tries = self.tries, "connection lost; trying again");
        let _shown = job.waits(wait, self.tries);
        tokio::select! {
            () = job.stop.cancelled() => false,
            () = job.flow.closed() => job.flow.go().await.is_ok(),
            () = job.flow.again.notified() => true,
            () = tokio::time::sleep(wait) => true,
        }
    }
}
