//! What interrupted copies leave: kept for another run where that is worth it, else cleared away; and what an earlier run was
//! through with already.

use std::sync::atomic::Ordering;

use tokio::time::sleep;

use super::copy::{Leftover, LeftoverState, TIDY, WORTH};
use super::journal::{Part, Tag};
use super::lane::Lane;
use super::plan::{Entered, Step};
use super::running::Job;
use crate::model::{Entry, FilePath, Kind};
use crate::vfs::{FileSystem, FsError, FsErrorKind, FsResult, list_all};

/// What is left under a temporary name.
pub(super) enum Left {
    Nothing,
    /// So many bytes, for another time.
    Kept(u64),
    /// What could not be removed.
    Lying(FilePath),
}

impl Left {
    /// What a person should know of it; `size`: bytes the whole file has.
    pub(super) fn words(&self, size: Option<u64>) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Kept(moved) => Some(match size.filter(|&size| size > 0) {
                Some(size) => format!("{}% of it are kept, to be gone on with", moved.saturating_mul(100) / size),
                None => "what came of it is kept, to be gone on with".to_owned(),
            }),
            Self::Lying(part) => Some(format!("the unfinished file {} could not be removed", part.display())),
        }
    }
}

/// Keeps the unfinished file of a copy that failed for another time where that is worth it and another run will know of it; else
/// clears it away.
pub(super) async fn settle_leftover(
    job: &Job,
    facts: &Entry,
    has_failed: bool,
    leftover: Option<Leftover>,
    part: Option<&Part<'_>>,
) -> Left {
    let Some(Leftover { part: path, state }) = leftover else { return Left::Nothing };
    let is_given_up = job.stop.is_cancelled() && !job.leaving.load(Ordering::Relaxed);
    let worth = match state {
        // It was paused, or waited for its line, when a person stopped it.
        _ if is_given_up => None,
        LeftoverState::Worth { moved, good, .. } => Some((moved, good)),
        // Whole, and perhaps under its own name.
        LeftoverState::Renaming(moved) => Some((moved, Some(moved))).filter(|_| moved >= WORTH),
        LeftoverState::Useless => None,
    };
    if let (true, Some((moved, good)), Some(part)) = (has_failed, worth, part)
        && part.leave(facts, moved, good).await
    {
        return Left::Kept(moved);
    }
    if clear_away(job, &path).await {
        return Left::Nothing;
    }
    if let Some(part) = part {
        part.leave(facts, 0, Some(0)).await;
    }
    Left::Lying(path)
}

/// Removes unfinished files of an earlier run that nothing went on with: their sources are gone, or were left out this time. Not
/// where something failed, or the program ends: another run may get there.
pub(super) async fn clear_unclaimed(job: &Job) {
    if job.leaving.load(Ordering::Relaxed) {
        return;
    }
    let has_failed = job.has_failed();
    for part in job.account.unclaimed() {
        if has_failed && !job.stop.is_cancelled() {
            job.account.stays();
        } else if !clear_away(job, &part).await {
            job.account.stays();
            let error = FsError::new(FsErrorKind::Io, "remove the unfinished file", &part, "");
            job.failed(&part, None, error).await;
        }
    }
}

/// Removes what a killed run left in the folders of a job that goes on with it and is over now: small files are not noted one by
/// one, but their names tell whose they are.
pub(super) async fn clear_entered(job: &Job, lane: &mut Lane, entered: &[Entered]) {
    let account = &job.account;
    if !account.is_resumed() || account.is_left() || job.leaving.load(Ordering::Relaxed) {
        return;
    }
    lane.rest();
    let clearing = async {
        let target = job.places.lease(job.spec.to).await?;
        for folder in std::iter::once(&job.spec.to_dir).chain(entered.iter().map(|folder| &folder.to)) {
            clear_parts(&*target, folder, account.tag()).await?;
        }
        Ok::<_, FsError>(())
    };
    let cleared = tokio::select! {
        cleared = clearing => cleared,
        () = async { job.stop.cancelled().await; sleep(TIDY).await } => Ok(()),
    };
    if let Err(error) = cleared {
        tracing::debug!(%error, "not everywhere was looked for unfinished files");
        if error.is_connection_lost() {
            account.stays();
        }
    }
}

/// Removes the unfinished files of the job with this tag in `folder`; answers what else is there.
pub(super) async fn clear_parts(place: &dyn FileSystem, folder: &FilePath, tag: Tag) -> FsResult<Vec<Entry>> {
    let (parts, others): (Vec<_>, Vec<_>) =
        list_all(place, folder).await?.into_iter().partition(|entry| Tag::of_part(entry.raw_name()) == Some(tag));
    for part in parts.iter().filter_map(|part| part.name().ok()) {
        match place.remove_file(&folder.join(&part)).await {
            Err(error) if error.kind != FsErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(others)
}

/// Removes an unfinished file, on a new connection if need be; also when the job is stopped.
async fn clear_away(job: &Job, part: &FilePath) -> bool {
    let removal = async {
        let lease = job.places.lease(job.spec.to).await?;
        lease.remove_file(part).await
    };
    match tokio::time::timeout(TIDY, removal).await {
        Ok(Err(error)) => error.kind == FsErrorKind::NotFound,
        Ok(Ok(())) => true,
        Err(_) => false,
    }
}

/// Whether an earlier run of this job was through with `step`: what is at the target looks like it, or the journal says so. Where
/// the source is to be removed, only the journal's word counts.
pub(super) async fn was_through(job: &Job, target: &dyn FileSystem, step: &Step) -> FsResult<bool> {
    let is_noted = job.account.was_done(&step.from);
    if !job.account.is_resumed() || step.fresh || step.consume && !is_noted {
        return Ok(false);
    }
    let there = match target.stat(&step.to).await {
        Ok(entry) => entry,
        Err(error) if error.kind == FsErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if let Some(text) = &step.link {
        return Ok(there.kind == Kind::Symlink && there.details.and_then(|details| details.target).as_deref() == Some(text));
    }
    let seconds = |entry: &Entry| entry.modified.map(jiff::Timestamp::as_second);
    let is_like_it = there.kind == Kind::File && there.size.is_some() && there.size == step.facts.size;
    Ok(is_noted || is_like_it && seconds(&there).is_some() && seconds(&there) == seconds(&step.facts))
}
