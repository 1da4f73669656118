//! Runs a copy or move: settles what is in the way, copies, and tries again. Not how a file is copied, nor how many are at once.

use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard, mpsc};

use super::copy::{CopyFailure, End, FileCopy, Leftover, LeftoverState, Resume, WORTH, has_arrived};
use super::job::{Outcome, Place, Proof};
use super::journal::{Part, Reach};
use super::lane::{Lane, Patience};
use super::leftover::{Left, clear_entered, clear_unclaimed, settle_leftover, was_through};
use super::plan::{Consume, Entered, Step, Walk};
use super::running::Job;
use super::settle::{Settled, settle};
use super::sync;
use super::verify::Verification;
use super::workers::Workers;
use crate::model::{Entry, FilePath, Kind};
use crate::vfs::{FileSystem, FsError, FsErrorKind, FsResult, NewMetadata, Replace};

/// Steps found ahead of the workers.
const AHEAD: usize = 1024;

/// Copies or moves what `job` names.
pub(super) async fn transfer(job: &Arc<Job>) {
    let lane = Arc::new(Mutex::new(Lane::default()));
    let (sender, steps) = mpsc::channel(AHEAD);
    let workers = Arc::new(Workers::new(job, &lane));
    tokio::select! {
        () = through(job, &lane, &workers, sender, steps) => {}
        () = workers.rest_in_pauses() => {}
    }
}

async fn through(job: &Arc<Job>, lane: &Arc<Mutex<Lane>>, workers: &Arc<Workers>, sender: mpsc::Sender<Step>, steps: mpsc::Receiver<Step>) {
    let walk = async {
        let entered = match &job.spec.options.picked {
            Some(picked) => sync::feed(job, lane, sender, picked).await,
            None => Walk::new(job, lane, sender).run().await,
        };
        workers.walk_is_over();
        entered
    };
    let (entered, ()) = tokio::join!(walk, workers.work(steps));
    let mut lane = lane.lock().await;
    clear_unclaimed(job).await;
    clear_entered(job, &mut lane, &entered).await;
    for folder in entered.into_iter().rev() {
        if job.stop.is_cancelled() {
            break;
        }
        if let Some(metadata) = folder.metadata {
            set_folder_metadata(job, &mut lane, &folder, metadata).await;
        }
        let result = match folder.consume {
            Consume::Folder => remove_source(job, &mut lane, &folder.from, true).await,
            Consume::Link if job.left_behind() == 0 => remove_source(job, &mut lane, &folder.from, false).await,
            Consume::Link | Consume::No => Ok(()),
        };
        match result {
            // What stayed inside was told already.
            Err(error) if error.kind == FsErrorKind::NotEmpty || job.left_behind() > 0 => tracing::debug!(%error, "folder stays"),
            Err(error) => job.failed(&folder.from, Some(&folder.to), error).await,
            Ok(()) => {}
        }
    }
}

/// Takes one step over a lane.
pub(super) async fn take_step(workers: &Workers, lane: &mut Lane, step: Step) {
    Worker { job: &workers.job, lane, workers }.take(step).await;
}

/// Takes one step at a time through its lane.
struct Worker<'a> {
    job: &'a Job,
    lane: &'a mut Lane,
    workers: &'a Workers,
}

/// What one try leaves to the next.
#[derive(Default)]
struct Tries<'a> {
    settled: Option<Settled>,
    part: Option<Part<'a>>,
    leftover: Option<Leftover>,
    /// Bytes earlier tries moved that were not in vain.
    moved: u64,
    /// Where it is noted how far the file is.
    reach: Option<Arc<Reach>>,
    /// How the file was verified, if it was.
    proof: Option<Proof>,
}

/// What a step came to, with the bytes moved.
enum Done {
    Skipped,
    Copied(u64),
    /// Behind bytes that were there.
    Resumed(u64),
    /// An earlier run was through with it.
    Before,
}

impl<'a> Worker<'a> {
    async fn take(&mut self, mut step: Step) {
        // Names that may be one at the target go one after the other, so that the second finds the first.
        let _alone = if step.has_twin { Some(self.alone().await) } else { None };
        let mut patience = Patience::default();
        let mut tries = Tries::default();
        let mut reached = 0;
        let mut looked_again = false;
        let mut renamed_again = 0;
        let result = loop {
            let failure = match self.attempt(&mut step, &mut tries).await {
                Ok(done) => break Ok(done),
                Err(failure) => failure,
            };
            if let Some(Leftover { state: LeftoverState::Worth { new, .. }, .. }) = failure.leftover {
                tries.moved += new;
            }
            tries.leftover = failure.leftover.or(tries.leftover);
            let error = failure.error;
            match error.kind {
                _ if error.is_connection_lost() => {
                    self.lane.lost(failure.side);
                    // A line that breaks again and again still brings the file to its end, as long as it brings it further.
                    if let Some(Leftover { state: LeftoverState::Worth { moved, .. }, .. }) = tries.leftover
                        && moved >= reached + WORTH
                    {
                        (patience, reached) = (Patience::default(), moved);
                    }
                    if !patience.again(self.job, &error).await {
                        break Err(error);
                    }
                }
                // It changed since it was found; if it keeps still now, that is what is copied.
                FsErrorKind::ChangedMeanwhile if !looked_again && step.link.is_none() => {
                    looked_again = true;
                    match self.look_again(&step).await {
                        Some(entry) => {
                            self.job.left_out(step.facts.size.unwrap_or(0));
                            self.job.found(0, entry.size.unwrap_or(0));
                            step.facts = entry;
                        }
                        None => break Err(error),
                    }
                }
                // Something came there since it was looked at.
                FsErrorKind::AlreadyExists if renamed_again < 3 && tries.settled.is_some() => {
                    renamed_again += 1;
                    step.fresh = false;
                    if let (Some(part), Some(_)) = (tries.part.take(), tries.reach.take()) {
                        part.end().await;
                    }
                    tries.settled = None;
                }
                _ => break Err(error),
            }
        };
        self.end(step, result, tries).await;
    }

    /// Waits until no other twin is copied; in a pause without a connection.
    async fn alone(&mut self) -> MutexGuard<'a, ()> {
        loop {
            tokio::select! {
                biased;
                alone = self.job.twins.lock() => return alone,
                () = self.job.flow.closed() => self.lane.rest(),
            }
            if self.job.flow.go().await.is_err() {
                return self.job.twins.lock().await;
            }
        }
    }

    async fn end(&mut self, step: Step, result: FsResult<Done>, tries: Tries<'a>) {
        let to = tries.settled.and_then(|settled| settled.to).map_or_else(|| step.to.clone(), |(to, _)| to);
        let left = settle_leftover(self.job, &step.facts, result.is_err(), tries.leftover, tries.part.as_ref()).await;
        if let (Some(part), Some(_), Left::Nothing) = (&tries.part, &tries.reach, &left) {
            part.end().await;
        }
        let copied = |otherwise| tries.proof.map_or(otherwise, Outcome::Verified);
        let is_whole = matches!(result, Ok(Done::Copied(_) | Done::Resumed(_)));
        let (bytes, result) = match result {
            Ok(Done::Skipped) => (0, Ok(Outcome::Skipped)),
            Ok(Done::Copied(bytes)) => (bytes, Ok(copied(Outcome::Copied))),
            Ok(Done::Resumed(bytes)) => (bytes, Ok(copied(Outcome::Resumed))),
            Ok(Done::Before) => (0, Ok(Outcome::Resumed)),
            // Stopped is no failure, unless something is left lying about.
            Err(error) if self.job.is_no_failure(&error) && !matches!(left, Left::Lying(_)) => return,
            Err(error) => (0, Err(error)),
        };
        let result = match (result, left) {
            (Ok(outcome), _) if step.consume && outcome != Outcome::Skipped => {
                let removed = remove_source(self.job, self.lane, &step.from, false).await;
                removed.map(|()| outcome).map_err(|error| noted(error, "it was copied, but stays here too"))
            }
            (Err(error), left) => Err(left.words(step.facts.size).into_iter().fold(error, |error, words| noted(error, &words))),
            (result, _) => result,
        };
        if !is_whole || result.is_err() {
            self.job.left_out(if step.link.is_some() { 0 } else { step.facts.size.unwrap_or(0) });
        }
        self.job.ended(&step.from, Some(&to), bytes, result).await;
    }

    /// Tries once.
    async fn attempt(&mut self, step: &mut Step, tries: &mut Tries<'a>) -> Result<Done, CopyFailure> {
        let at = |side| move |error| CopyFailure { error, side, leftover: None };
        let (source, target) = self.lane.both(self.job).await.map_err(|(error, side)| at(side)(error))?;
        if tries.settled.is_none() {
            let settling = async {
                if was_through(self.job, target, step).await? { Ok(None) } else { settle(self.job, target, step).await.map(Some) }
            };
            match self.job.flow.unless_paused(settling).await.map_err(at(End::Target))? {
                Some(settled) => tries.settled = Some(settled),
                None => return Ok(Done::Before),
            }
        }
        let Some(Settled { to: Some((to, replace)), in_place }) = &tries.settled else { return Ok(Done::Skipped) };
        let (replace, in_place) = (*replace, *in_place);
        if step.consume && self.job.spec.from == self.job.spec.to {
            match self.job.unless_stopped(source.rename(&step.from, to, replace)).await {
                Ok(()) => {
                    step.consume = false;
                    return Ok(Done::Copied(0));
                }
                // On different disks, perhaps: copied, then.
                Err(error) if matches!(error.kind, FsErrorKind::Refused | FsErrorKind::Unsupported) => {}
                Err(error) => return Err(at(End::Source)(error)),
            }
        }
        let part = match tries.part.take() {
            Some(part) => part,
            None => self.job.account.part(to).map_err(at(End::Target))?,
        };
        let part = tries.part.insert(part);
        if let Some(text) = &step.link {
            self.job.unless_stopped(make_link(target, to, &part.path, text, replace)).await.map_err(at(End::Target))?;
            if self.job.spec.from == self.job.spec.to && target.capabilities().copies_facts {
                let copied = self.job.unless_stopped(target.copy_facts(&step.from, to)).await;
                copied.unwrap_or_else(|error| tracing::debug!(%error, "owner or times of a link not kept"));
            }
            return Ok(Done::Copied(0));
        }
        let _turn = self.job.file_turn().await.map_err(at(End::Source))?;
        let mut resume = None;
        if let Some(left) = tries.leftover.take() {
            let failed = |error| CopyFailure { error, side: End::Target, leftover: Some(left.clone()) };
            match left.state {
                // What this machine wrote is there for as long as it runs.
                LeftoverState::Worth { good, .. } if left.part == part.path => {
                    resume = Some(Resume { good: good.filter(|_| self.job.spec.to != Place::Local) });
                }
                LeftoverState::Renaming(moved) => match self.job.unless_stopped(target.stat(&left.part)).await {
                    Ok(_) => resume = Some(Resume { good: Some(moved) }),
                    Err(error) if error.kind != FsErrorKind::NotFound => return Err(failed(error)),
                    Err(_) if has_arrived(target, to, moved).await => return Ok(Done::Copied(moved)),
                    Err(_) => {}
                },
                _ => match self.job.unless_stopped(target.remove_file(&left.part)).await {
                    Err(error) if error.kind != FsErrorKind::NotFound => return Err(failed(error)),
                    _ => {}
                },
            }
        } else if in_place {
            resume = Some(Resume { good: None });
        } else {
            match part.earlier(&step.facts) {
                Some(Ok(file)) => resume = Some(Resume { good: file.good }),
                Some(Err(other)) => match self.job.unless_stopped(target.remove_file(&other)).await {
                    Err(error) if error.kind != FsErrorKind::NotFound => {
                        let leftover = Some(Leftover { part: other, state: LeftoverState::Useless });
                        return Err(CopyFailure { error, side: End::Target, leftover });
                    }
                    _ => {}
                },
                None => {}
            }
        }
        if tries.reach.is_none() && !in_place && step.facts.size.is_some_and(|size| size >= WORTH) {
            tries.reach = part.begin(&step.facts).await;
        }
        let helpers = self.workers.helpers(step.facts.size).await;
        let meter = self.job.meter(step.from.name().map(|name| name.display()).unwrap_or_default(), step.facts.size);
        let verification = self.job.spec.options.verify.then(|| Verification::new(&self.job.digests, self.job.spec.to == Place::Local));
        let copy = FileCopy {
            source,
            from: &step.from,
            facts: &step.facts,
            helpers: &helpers,
            target,
            to,
            part: if in_place { to } else { &part.path },
            resume,
            replace,
            meter: &meter,
            reach: tries.reach.as_deref(),
            stop: &self.job.stop,
            flow: &self.job.flow,
            leaving: &self.job.leaving,
            mode_mask: self.job.mode_mask(),
            verification: verification.as_ref(),
        };
        let result = copy.run().await;
        // Kept over a lost answer to the rename: what comes under its name then is what was verified.
        tries.proof = verification.as_ref().and_then(Verification::proof);
        self.job.taken_off(&meter);
        let copied = result?;
        // Another run could not tell it by its name or its time, or must not go by that alone before it removes the source.
        if *to != step.to || !copied.time_kept || step.consume {
            self.job.account.done(&step.from).await;
        }
        let moved = tries.moved + copied.moved;
        Ok(if copied.resumed_at > tries.moved { Done::Resumed(moved) } else { Done::Copied(moved) })
    }

    async fn look_again(&mut self, step: &Step) -> Option<Entry> {
        let source = self.lane.source(self.job).await.ok()?;
        let mut entry = self.job.unless_stopped(source.stat(&step.from)).await.ok()?;
        if entry.kind == Kind::Symlink {
            // A followed link: its own size says nothing of what it leads to.
            entry.size = None;
            entry.modified = None;
        }
        Some(entry)
    }
}

/// Makes a link under a temporary name and renames it, so that what it replaces is never missing.
async fn make_link(target: &dyn FileSystem, to: &FilePath, part: &FilePath, text: &[u8], replace: Replace) -> FsResult<()> {
    if replace == Replace::No {
        return target.make_symlink(to, text).await;
    }
    match target.make_symlink(part, text).await {
        // The name is this link's alone: an earlier try left it.
        Err(error) if error.kind == FsErrorKind::AlreadyExists => {
            target.remove_file(part).await?;
            target.make_symlink(part, text).await?;
        }
        made => made?,
    }
    let renamed = target.rename(part, to, replace).await;
    if renamed.is_err() {
        drop(target.remove_file(part).await);
    }
    renamed
}

async fn set_folder_metadata(job: &Job, lane: &mut Lane, folder: &Entered, metadata: NewMetadata) {
    let Ok(target) = lane.target(job).await else { return };
    let can = target.capabilities();
    if job.spec.from == job.spec.to && can.copies_facts {
        let copied = job.unless_stopped(target.copy_facts(&folder.from, &folder.to)).await;
        return copied.unwrap_or_else(|error| tracing::debug!(%error, "times or mode of a folder not kept"));
    }
    let metadata = NewMetadata { modified: metadata.modified.filter(|_| can.set_modified), mode: metadata.mode.filter(|_| can.set_mode) };
    if metadata != NewMetadata::default()
        && let Err(error) = job.unless_stopped(target.set_metadata(&folder.to, metadata)).await
    {
        tracing::debug!(%error, "times or mode of a folder not kept");
        if error.is_connection_lost() {
            lane.lost(End::Target);
        }
    }
}

/// Removes what was moved.
async fn remove_source(job: &Job, lane: &mut Lane, path: &FilePath, folder: bool) -> FsResult<()> {
    let mut patience = Patience::default();
    loop {
        let removed = async {
            let source = lane.source(job).await?;
            if folder { source.remove_dir(path).await } else { source.remove_file(path).await }
        };
        match removed.await {
            Err(error) if error.is_connection_lost() => {
                lane.lost(End::Source);
                if !patience.again(job, &error).await {
                    return Err(error);
                }
            }
            // The answer to an earlier try may have been lost, not the deed.
            Err(error) if error.kind == FsErrorKind::NotFound && patience.tried() => return Ok(()),
            result => return result,
        }
    }
}

fn noted(error: FsError, note: &str) -> FsError {
    let detail = if error.detail.is_empty() { note.to_owned() } else { format!("{}; {note}", error.detail) };
    FsError { detail, ..error }
}
