//! The steps of a job as workers take them: one by one, or many small files in one go where the place copies them itself. What
//! does not work out there is left to the way of single files, which asks, tries again, and tells why.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Mutex, mpsc};
use tokio::time::sleep;

use super::copy::TIDY;
use super::job::Outcome;
use super::plan::Step;
use super::running::Job;
use crate::model::Kind;
use crate::vfs::{FileSystem, FsErrorKind};

/// Larger files are worth a copy of their own, with progress.
const SMALL: u64 = 256 << 10;
/// Files in one go, and their bytes: a moment's work.
const AT_ONCE: usize = 128;
const BYTES_AT_ONCE: u64 = 8 << 20;

/// What the walk found and nobody has taken yet.
pub(super) struct Steps {
    found: Mutex<mpsc::Receiver<Step>>,
    /// Small files are taken many at once. Not where the place copies them one by one after all: others wait for work then.
    at_once: AtomicBool,
}

impl Steps {
    pub(super) fn new(job: &Job, found: mpsc::Receiver<Step>) -> Self {
        let is_in_one_place = job.spec.from == job.spec.to;
        Self { found: Mutex::new(found), at_once: AtomicBool::new(is_in_one_place && !job.spec.options.verify) }
    }

    /// Waits for the next step, and takes along the small files that are there behind it. None: there are no more.
    pub(super) async fn next(&self) -> Vec<Step> {
        let mut found = self.found.lock().await;
        let (mut taken, mut bytes) = (Vec::new(), 0);
        let mut next = found.recv().await;
        while let Some(step) = next {
            let goes_on = is_small(&step) && self.at_once.load(Ordering::Relaxed);
            bytes += step.facts.size.unwrap_or(0);
            taken.push(step);
            if !goes_on || taken.len() == AT_ONCE || bytes >= BYTES_AT_ONCE {
                break;
            }
            next = found.try_recv().ok();
        }
        taken
    }

    /// Copies the small ones among `steps` at once, where the place can, and answers those that are left to do.
    pub(super) async fn copy_small(&self, job: &Job, place: &dyn FileSystem, steps: Vec<Step>) -> Vec<Step> {
        if !place.capabilities().copies_within {
            self.at_once.store(false, Ordering::Relaxed);
        }
        // Where something is limited, each file waits for its own turn.
        if !self.at_once.load(Ordering::Relaxed) || job.flow.is_limited() || job.has_turns() {
            return steps;
        }
        let (small, mut left): (Vec<_>, Vec<_>) = steps.into_iter().partition(is_small);
        let Some(first) = small.first() else { return left };
        let name = first.from.name().map(|name| name.display()).unwrap_or_default();
        let meter = job.meter(name, small.iter().map(|step| step.facts.size).sum());
        let copying = place.copy_small_within(small.iter().map(|step| (step.from.clone(), step.to.clone())).collect());
        let copied = tokio::select! {
            copied = copying => copied,
            // What has its name by then is told, if that does not take long.
            () = async { job.stop.cancelled().await; sleep(TIDY).await } => Vec::new(),
        };
        let mut copied = copied.into_iter();
        for step in small {
            match copied.next() {
                Some(Ok(bytes)) => {
                    meter.add(bytes);
                    // It may have changed since it was found; what it was when it was copied counts.
                    job.left_out(step.facts.size.unwrap_or(0));
                    job.found(0, bytes);
                    job.ended(&step.from, Some(&step.to), bytes, Ok(Outcome::Copied)).await;
                }
                Some(Err(error)) if error.kind == FsErrorKind::Unsupported => {
                    self.at_once.store(false, Ordering::Relaxed);
                    left.push(step);
                }
                Some(Err(_)) | None => left.push(step),
            }
        }
        job.taken_off(&meter);
        left
    }
}

/// Whether nothing but its bytes and facts is to be copied. What can be moved is not copied.
fn is_small(step: &Step) -> bool {
    !step.consume
        && !step.has_twin
        && step.link.is_none()
        && step.facts.kind == Kind::File
        && step.facts.size.is_some_and(|size| size <= SMALL)
}
