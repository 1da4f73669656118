//! Removes items, folders whole and depth-first. Links are removed, never followed.

use futures::stream::{self, StreamExt};

use super::copy::End;
use super::job::Outcome;
use super::lane::{Lane, Patience};
use super::running::Job;
use crate::model::{Entry, EntryName, FilePath, Kind};
use crate::vfs::{FsError, FsErrorKind, FsResult, list_all};

/// Removals under way at once where a connection carries many.
const AT_ONCE: usize = 64;

/// What is left to do, last first.
enum Step {
    /// Remove it, whatever it is.
    Remove(FilePath, Kind),
    /// Remove a folder whose content is done; nothing had failed before it but so much.
    Leave(FilePath, u64),
}

/// Removes what `job` names.
pub(super) async fn delete(job: &Job) {
    let mut lane = Lane::default();
    let items: Vec<FilePath> = job.spec.pairs().into_iter().map(|(item, _)| item).collect();
    let mut known = Vec::new();
    // Where a server describes no single file, each look is a listing: one does for all.
    if items.len() > 1 && job.spec.options.only.is_empty() {
        known = patiently(job, &mut lane, &job.spec.from_dir, Ask::StatMany(&job.spec.items)).await.unwrap_or_default();
    }
    let mut known = known.into_iter().peekable();
    for path in items {
        let entry = match known.next_if(|entry| path.name().is_some_and(|name| entry.raw_name() == name.as_bytes())) {
            Some(entry) => Ok(Some(entry)),
            None => patiently(job, &mut lane, &path, Ask::Stat).await.map(|mut entries| entries.pop()),
        };
        match entry {
            Ok(Some(entry)) => {
                job.found(1, 0);
                delete_tree(job, &mut lane, Step::Remove(path, entry.kind)).await;
            }
            Ok(None) => {}
            Err(error) => job.failed(&path, None, error).await,
        }
    }
    job.counted();
}

async fn delete_tree(job: &Job, lane: &mut Lane, first: Step) {
    let mut steps = vec![first];
    while let Some(step) = steps.pop() {
        if job.stop.is_cancelled() {
            return;
        }
        let (path, result) = match step {
            Step::Remove(path, Kind::Dir) => {
                let failed = job.left_behind();
                match patiently(job, lane, &path, Ask::List).await {
                    Ok(entries) => {
                        job.found(entries.len() as u64, 0);
                        steps.push(Step::Leave(path.clone(), failed));
                        let mut files = Vec::new();
                        for entry in entries {
                            match entry.name() {
                                Ok(name) if entry.kind == Kind::Dir => steps.push(Step::Remove(path.join(&name), Kind::Dir)),
                                Ok(name) => files.push(path.join(&name)),
                                Err(why) => {
                                    let error = FsError::new(FsErrorKind::UnsafeName, "remove", &path, why.to_string());
                                    job.ended(&path, None, 0, Err(error)).await;
                                }
                            }
                        }
                        let again = remove_at_once(job, lane, files).await;
                        steps.extend(again.into_iter().map(|path| Step::Remove(path, Kind::File)));
                        continue;
                    }
                    Err(error) => (path, Err(error)),
                }
            }
            Step::Remove(path, _) => {
                let result = patiently(job, lane, &path, Ask::RemoveFile).await;
                (path, result)
            }
            // What failed inside was told; that the folder is not empty follows from it.
            Step::Leave(_, failed) if job.left_behind() > failed => continue,
            Step::Leave(path, _) => {
                let result = patiently(job, lane, &path, Ask::RemoveDir).await;
                (path, result)
            }
        };
        match result {
            Err(error) if job.is_no_failure(&error) => return,
            result => job.ended(&path, None, 0, result.map(|_| Outcome::Removed)).await,
        }
    }
}

/// Removes files, several at once where the place can. Answers those whose connection was lost or that a pause left.
async fn remove_at_once(job: &Job, lane: &mut Lane, files: Vec<FilePath>) -> Vec<FilePath> {
    let Ok(place) = lane.source(job).await else { return files };
    let at_once = match (job.places.carries_many(job.spec.from), place.capabilities().parallel) {
        (true, _) => AT_ONCE,
        (false, true) => job.places.parallel(job.spec.from).max(1),
        (false, false) => 1,
    };
    let remove = |path: FilePath| async move {
        // In a pause they wait for their turn, one by one.
        if !job.flow.is_open() {
            return Some(path);
        }
        match job.unless_stopped(place.remove_file(&path)).await {
            Err(error) if error.is_connection_lost() => return Some(path),
            Err(error) if error.is_intended() => {}
            Err(error) if error.kind == FsErrorKind::NotFound => job.ended(&path, None, 0, Ok(Outcome::Removed)).await,
            result => job.ended(&path, None, 0, result.map(|()| Outcome::Removed)).await,
        }
        None
    };
    stream::iter(files).map(remove).buffer_unordered(at_once).filter_map(|again| async { again }).collect().await
}

#[derive(Clone, Copy)]
enum Ask<'a> {
    Stat,
    /// Of these names in the folder.
    StatMany(&'a [EntryName]),
    List,
    RemoveFile,
    RemoveDir,
}

/// Does it, on a new connection where the old one was lost.
async fn patiently(job: &Job, lane: &mut Lane, path: &FilePath, ask: Ask<'_>) -> FsResult<Vec<Entry>> {
    let mut patience = Patience::default();
    loop {
        let done = async {
            let place = lane.source(job).await?;
            match ask {
                Ask::Stat => place.stat(path).await.map(|entry| vec![entry]),
                Ask::StatMany(names) => place.stat_many(path, names).await,
                Ask::List => list_all(place, path).await,
                Ask::RemoveFile => place.remove_file(path).await.map(|()| Vec::new()),
                Ask::RemoveDir => place.remove_dir(path).await.map(|()| Vec::new()),
            }
        };
        match job.unless_stopped(done).await {
            Err(error) if patience.again(job, &error).await => lane.lost(End::Source),
            // Gone is what was wanted; perhaps the answer to an earlier try was lost.
            Err(error) if error.kind == FsErrorKind::NotFound && matches!(ask, Ask::RemoveFile | Ask::RemoveDir) => return Ok(Vec::new()),
            result => return result,
        }
    }
}
