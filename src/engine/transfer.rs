//! Runs a copy or move: workers that settle conflicts, copy, and try again. Not how a file is copied.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::conflict::{self, Resolution};
use super::copy::{CopyFailure, End, FileCopy, Leftover, TIDY, has_arrived, part_path};
use super::job::{ConflictPolicy, Outcome};
use super::lane::{Lane, Patience};
use super::plan::{Consume, Step, Walk};
use super::running::Job;
use crate::ask::{ConflictAction, ConflictQuestion, Declined, FileFacts, Scope};
use crate::model::{Entry, EntryName, FilePath, Kind};
use crate::vfs::{FileSystem, FsError, FsErrorKind, FsResult, NewMetadata, Replace};

/// Steps found ahead of the workers.
const AHEAD: usize = 256;
/// Free names tried before giving up.
const MAX_NUMBER: u32 = 999;

/// Copies or moves what `job` names.
pub(super) async fn transfer(job: &Arc<Job>) {
    let lanes: Vec<_> = (0..lanes(job)).map(|_| Arc::new(Mutex::new(Lane::default()))).collect();
    let (sender, receiver) = mpsc::channel(AHEAD);
    let receiver = Arc::new(Mutex::new(receiver));
    // Owned here: should this future be dropped, the workers are aborted.
    let mut workers = JoinSet::new();
    // The walk takes the last lane for itself, where there are several; it becomes a worker's when the walk is through.
    let at_once = lanes.len().max(2) - 1;
    let last = &lanes[lanes.len() - 1];
    for lane in &lanes[..at_once] {
        workers.spawn(work(Arc::clone(job), Arc::clone(lane), Arc::clone(last), Arc::clone(&receiver)));
    }
    let entered = Walk::new(job, last, sender).run().await;
    if lanes.len() > at_once {
        workers.spawn(work(Arc::clone(job), Arc::clone(last), Arc::clone(last), receiver));
    }
    while let Some(worker) = workers.join_next().await {
        if let Err(error) = worker {
            let error = FsError::connection(FsErrorKind::Io, "copy", error.to_string());
            job.failed(&job.spec.from_dir, None, error).await;
        }
    }
    let mut lane = last.lock().await;
    for folder in entered.into_iter().rev() {
        if job.stop.is_cancelled() {
            break;
        }
        if let Some(metadata) = folder.metadata {
            set_folder_metadata(job, &mut lane, &folder.to, metadata).await;
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

fn lanes(job: &Job) -> usize {
    let spec = &job.spec;
    let parallel = job.places.parallel(spec.from).min(job.places.parallel(spec.to));
    // Within one place a lane may need two leases.
    if spec.from == spec.to { parallel.div_ceil(2) } else { parallel }.clamp(1, 16)
}

/// Takes steps until there are no more. Where the place gives no lease of its own to this worker (servers limit
/// connections), it shares the lane of the walk, which needs one in any case.
async fn work(job: Arc<Job>, mut lane: Arc<Mutex<Lane>>, walks: Arc<Mutex<Lane>>, steps: Arc<Mutex<mpsc::Receiver<Step>>>) {
    loop {
        let step = steps.lock().await.recv().await;
        let Some(step) = step.filter(|_| !job.stop.is_cancelled()) else { return };
        let leased = lane.lock().await.both(&job).await.map(drop);
        let taken = match leased {
            Ok(()) => &lane,
            Err((error, _)) => {
                if !error.is_connection_lost() {
                    lane = Arc::clone(&walks);
                }
                &walks
            }
        };
        Worker { job: &job, lane: &mut *taken.lock().await }.take(step).await;
    }
}

/// Takes one step at a time through its lane.
struct Worker<'a> {
    job: &'a Job,
    lane: &'a mut Lane,
}

/// What is settled about a step between two tries.
struct Settled {
    /// Where it goes; `None`: it is skipped.
    to: Option<(FilePath, Replace)>,
}

impl Worker<'_> {
    async fn take(&mut self, mut step: Step) {
        let mut patience = Patience::default();
        let mut settled = None;
        let mut leftover = None;
        let mut looked_again = false;
        let mut renamed_again = 0;
        let result = loop {
            let failure = match self.attempt(&mut step, &mut settled, &mut leftover).await {
                Ok(moved) => break Ok(moved),
                Err(failure) => failure,
            };
            leftover = failure.leftover.or(leftover);
            let error = failure.error;
            match error.kind {
                _ if error.is_connection_lost() => {
                    self.lane.lost(failure.side);
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
                FsErrorKind::AlreadyExists if renamed_again < 3 => {
                    renamed_again += 1;
                    step.fresh = false;
                    settled = None;
                }
                _ => break Err(error),
            }
        };
        self.end(step, result, settled, leftover).await;
    }

    async fn end(&mut self, step: Step, result: FsResult<Option<u64>>, settled: Option<Settled>, leftover: Option<Leftover>) {
        let to = settled.and_then(|settled| settled.to).map_or(step.to, |(to, _)| to);
        let leftover = match leftover {
            Some(left) if !self.clear_away(&left.part).await => Some(left.part),
            _ => None,
        };
        let (bytes, result) = match result {
            Ok(None) => (0, Ok(Outcome::Skipped)),
            Ok(Some(bytes)) if step.consume => {
                let removed = remove_source(self.job, self.lane, &step.from, false).await;
                (bytes, removed.map(|()| Outcome::Copied).map_err(|error| noted(error, "it was copied, but stays here too")))
            }
            Ok(Some(bytes)) => (bytes, Ok(Outcome::Copied)),
            // Stopped is no failure, unless something is left lying about.
            Err(error) if error.kind == FsErrorKind::Cancelled && leftover.is_none() => return,
            Err(error) => (0, Err(error)),
        };
        if !matches!(result, Ok(Outcome::Copied)) {
            self.job.left_out(if step.link.is_some() { 0 } else { step.facts.size.unwrap_or(0) });
        }
        let result = match (result, leftover) {
            (Err(error), Some(part)) => Err(noted(error, &format!("the unfinished file {} could not be removed", part.display()))),
            (result, _) => result,
        };
        self.job.ended(&step.from, Some(&to), bytes, result).await;
    }

    /// Tries once; answers the bytes copied, or `None` for a skip.
    async fn attempt(
        &mut self,
        step: &mut Step,
        settled: &mut Option<Settled>,
        leftover: &mut Option<Leftover>,
    ) -> Result<Option<u64>, CopyFailure> {
        let at = |side| move |error| CopyFailure { error, side, leftover: None };
        let (source, target) = self.lane.both(self.job).await.map_err(|(error, side)| at(side)(error))?;
        if let Some(left) = leftover.take() {
            match self.job.unless_stopped(target.remove_file(&left.part)).await {
                Ok(()) => {}
                Err(error) if error.kind == FsErrorKind::NotFound => {
                    if let (Some(moved), Some((to, _))) = (left.renaming, settled.as_ref().and_then(|settled| settled.to.as_ref()))
                        && has_arrived(target, to, moved).await
                    {
                        return Ok(Some(moved));
                    }
                }
                Err(error) => return Err(CopyFailure { error, side: End::Target, leftover: Some(left) }),
            }
        }
        if settled.is_none() {
            *settled = Some(self.job.unless_stopped(settle(self.job, target, step)).await.map_err(at(End::Target))?);
        }
        let Some((to, replace)) = settled.as_ref().and_then(|settled| settled.to.clone()) else { return Ok(None) };
        if step.consume && self.job.spec.from == self.job.spec.to {
            match self.job.unless_stopped(source.rename(&step.from, &to, replace)).await {
                Ok(()) => {
                    step.consume = false;
                    return Ok(Some(0));
                }
                // On different disks, perhaps: copied, then.
                Err(error) if matches!(error.kind, FsErrorKind::Refused | FsErrorKind::Unsupported) => {}
                Err(error) => return Err(at(End::Source)(error)),
            }
        }
        if let Some(text) = &step.link {
            let made = make_link(target, &to, text, replace);
            return self.job.unless_stopped(made).await.map(|()| Some(0)).map_err(at(End::Target));
        }
        let meter = self.job.meter(step.from.name().map(|name| name.display()).unwrap_or_default(), step.facts.size);
        let copy = FileCopy {
            source,
            from: &step.from,
            facts: &step.facts,
            target,
            to: &to,
            replace,
            meter: &meter,
            stop: &self.job.stop,
            mode_mask: self.job.mode_mask(),
        };
        let result = copy.run().await;
        self.job.taken_off(&meter);
        result.map(Some)
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

    /// Removes an unfinished file, on a new connection if need be; also when the job is stopped.
    async fn clear_away(&mut self, part: &FilePath) -> bool {
        let removal = async {
            let lease = self.job.places.lease(self.job.spec.to).await?;
            lease.remove_file(part).await
        };
        match tokio::time::timeout(TIDY, removal).await {
            Ok(Err(error)) => error.kind == FsErrorKind::NotFound,
            Ok(Ok(())) => true,
            Err(_) => false,
        }
    }
}

/// Where `step` goes, as the job's policy or a person has it.
async fn settle(job: &Job, target: &dyn FileSystem, step: &Step) -> FsResult<Settled> {
    let straight = Settled { to: Some((step.to.clone(), Replace::No)) };
    if step.fresh {
        return Ok(straight);
    }
    let there = match target.stat(&step.to).await {
        Ok(entry) => entry,
        Err(error) if error.kind == FsErrorKind::NotFound => return Ok(straight),
        Err(error) => return Err(error),
    };
    let resolution = match conflict::decide(job.spec.conflicts, &step.facts, &there) {
        Resolution::Ask => ask(job, target, step, &there).await?,
        decided => decided,
    };
    match resolution {
        Resolution::Overwrite => Ok(Settled { to: Some((step.to.clone(), Replace::Yes)) }),
        Resolution::Rename => {
            let name = free_name(target, &step.to).await?;
            let folder = step.to.parent().unwrap_or_else(FilePath::root);
            Ok(Settled { to: Some((folder.join(&name), Replace::No)) })
        }
        Resolution::Skip | Resolution::Ask => Ok(Settled { to: None }),
        Resolution::Refuse(why) => Err(FsError::new(FsErrorKind::IsADirectory, "write", &step.to, why)),
    }
}

/// Asks a person, one question at a time, or takes the answer given for the rest of the job.
async fn ask(job: &Job, target: &dyn FileSystem, step: &Step, there: &Entry) -> FsResult<Resolution> {
    let mut answered = job.answered.lock().await;
    let action = if let Some(action) = *answered {
        action
    } else {
        let facts = |path: &FilePath, entry: &Entry| FileFacts { path: path.clone(), size: entry.size, modified: entry.modified };
        let question = ConflictQuestion {
            source: facts(&step.from, &step.facts),
            target: facts(&step.to, there),
            free_name: free_name(target, &step.to).await?,
        };
        match job.prompter.conflict(question).await {
            Ok(answer) => {
                *answered = (answer.scope == Scope::RestOfJob).then_some(answer.action);
                answer.action
            }
            Err(Declined) => ConflictAction::Skip,
        }
    };
    let policy = match action {
        ConflictAction::Overwrite => ConflictPolicy::Overwrite,
        ConflictAction::Skip => ConflictPolicy::Skip,
        ConflictAction::Rename => ConflictPolicy::Rename,
        ConflictAction::Newer => ConflictPolicy::Newer,
    };
    Ok(conflict::decide(policy, &step.facts, there))
}

async fn free_name(target: &dyn FileSystem, path: &FilePath) -> FsResult<EntryName> {
    let taken = || FsError::new(FsErrorKind::AlreadyExists, "find a free name for", path, "");
    let (folder, name) = path.parent().zip(path.name()).ok_or_else(taken)?;
    for number in 2..=MAX_NUMBER {
        let free = conflict::numbered(&name, number);
        match target.stat(&folder.join(&free)).await {
            Err(error) if error.kind == FsErrorKind::NotFound => return Ok(free),
            Err(error) => return Err(error),
            Ok(_) => {}
        }
    }
    Err(taken())
}

/// Makes a link under a temporary name and renames it, so that what it replaces is never missing.
async fn make_link(target: &dyn FileSystem, to: &FilePath, text: &[u8], replace: Replace) -> FsResult<()> {
    if replace == Replace::No {
        return target.make_symlink(to, text).await;
    }
    let part = part_path(to)?;
    target.make_symlink(&part, text).await?;
    let renamed = target.rename(&part, to, replace).await;
    if renamed.is_err() {
        drop(target.remove_file(&part).await);
    }
    renamed
}

async fn set_folder_metadata(job: &Job, lane: &mut Lane, path: &FilePath, metadata: NewMetadata) {
    let Ok(target) = lane.target(job).await else { return };
    let can = target.capabilities();
    let metadata = NewMetadata { modified: metadata.modified.filter(|_| can.set_modified), mode: metadata.mode.filter(|_| can.set_mode) };
    if metadata != NewMetadata::default()
        && let Err(error) = job.unless_stopped(target.set_metadata(path, metadata)).await
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
