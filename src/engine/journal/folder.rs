//! The journal's folder: one file for each running sealift, and those of runs that ended before their jobs did. Blocks.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::record::{FileRecord, Interrupted, JobRecord, Tag};
use super::store::{Change, Kept, SourceHash, Store, StoreError};
use crate::model::FilePath;
use crate::secrets::private_file;

/// Ends of the names of its files: in use or left, and set aside.
const LIVE: &str = "redb";
const DAMAGED: &str = "damaged";

/// Where the journal lies. It is made when there is something to write.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

/// A job taken over from a run that ended.
pub(super) struct Claimed {
    pub(super) tag: Tag,
    pub(super) files: Vec<(FilePath, FileRecord)>,
    pub(super) done: Vec<SourceHash>,
    /// The machine did not stop since.
    pub(super) same_boot: bool,
}

impl Folder {
    pub(super) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Makes the file of this process.
    pub(super) fn create(&self) -> Result<Store, StoreError> {
        private_file::create_folder(&self.0).map_err(StoreError::Io)?;
        // Held, so that nobody takes the file for a damaged one while it is being made.
        let _held = self.lock();
        Store::create(&self.0.join(format!("{}-{}.{LIVE}", std::process::id(), Tag::random())))
    }

    /// Nobody else looks for jobs to take over while this is held.
    fn lock(&self) -> Option<File> {
        private_file::lock(&self.0.join("journal"))
    }

    /// The files whose owners are gone, and remarks on those that cannot be read. A damaged one is set aside.
    fn abandoned(&self) -> (Vec<Store>, Vec<String>) {
        let (mut stores, mut remarks) = (Vec::new(), Vec::new());
        let Ok(entries) = std::fs::read_dir(&self.0) else { return (stores, remarks) };
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| has_ending(path, LIVE)).collect();
        paths.sort();
        for path in paths {
            match Store::open(path.clone()) {
                Ok(store) => stores.push(store),
                Err(StoreError::InUse) => {}
                Err(error @ StoreError::Damaged(_)) => remarks.push(set_aside(&path, &error)),
                Err(error) => remarks.push(format!("{}: {error}; what was interrupted there is not gone on with", path.display())),
            }
        }
        (stores, remarks)
    }

    /// What did not come to its end in runs that ended, in the order it was ordered, and remarks.
    pub(super) fn interrupted(&self) -> (Vec<Interrupted>, Vec<String>) {
        if !self.0.is_dir() {
            return (Vec::new(), Vec::new());
        }
        let _held = self.lock();
        let (stores, mut remarks) = self.abandoned();
        let mut runs = Vec::new();
        for store in stores {
            match store.jobs() {
                Ok(jobs) if jobs.is_empty() => store.remove(),
                Ok(jobs) => runs.push(jobs),
                Err(error) => remarks.push(set_aside(store.path(), &error)),
            }
        }
        runs.sort_by_key(|jobs| jobs.first().map(|first| first.job.ordered));
        let jobs = runs.into_iter().flatten();
        let mut interrupted: Vec<_> = jobs.map(|Kept { tag, job, files }| Interrupted { tag, job, files }).collect();
        // A run that ended while it took a job over leaves it twice.
        let mut seen = std::collections::BTreeSet::new();
        interrupted.retain(|one| seen.insert(one.tag));
        (interrupted, remarks)
    }

    /// Moves the job that does the same work as `job` into `own`, if a run that ended left one.
    pub(super) fn claim(&self, job: &JobRecord, own: &Store) -> Result<Option<Claimed>, StoreError> {
        let _held = self.lock();
        for store in self.abandoned().0 {
            // One that cannot be read is told where the interrupted ones are listed.
            let Ok(jobs) = store.jobs() else { continue };
            let others = jobs.len() - 1.min(jobs.len());
            let Some(Kept { tag, files, .. }) = jobs.into_iter().find(|kept| kept.job.order.is_same_work(&job.order)) else { continue };
            let Ok(done) = store.done(tag) else { continue };
            let mut changes = vec![Change::Job(tag, Box::new(job.clone()))];
            changes.extend(files.iter().map(|(target, file)| Change::File(tag, target.clone(), file.clone())));
            changes.extend(done.iter().map(|&source| Change::Done(tag, source)));
            own.apply(&changes)?;
            let same_boot = store.is_of_this_boot();
            drop_job(store, tag, others);
            return Ok(Some(Claimed { tag, files, done, same_boot }));
        }
        Ok(None)
    }

    /// Forgets jobs of runs that ended.
    pub(super) fn forget(&self, tags: &[Tag]) {
        let _held = self.lock();
        for store in self.abandoned().0 {
            let Ok(jobs) = store.jobs() else { continue };
            let (gone, stay): (Vec<_>, Vec<_>) = jobs.into_iter().map(|kept| kept.tag).partition(|tag| tags.contains(tag));
            if stay.is_empty() {
                store.remove();
            } else if !gone.is_empty() {
                let changes: Vec<_> = gone.into_iter().map(Change::JobGone).collect();
                if let Err(error) = store.apply(&changes) {
                    tracing::warn!(%error, "an interrupted job is not forgotten");
                }
            }
        }
    }
}

fn drop_job(store: Store, tag: Tag, others: usize) {
    if others == 0 {
        store.remove();
    } else if let Err(error) = store.apply(&[Change::JobGone(tag)]) {
        tracing::warn!(%error, "a job that was taken over stays where it was");
    }
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|extension| extension == ending)
}

/// Gives a damaged file another name, so that nothing falls over it again; answers what to say.
fn set_aside(path: &Path, error: &StoreError) -> String {
    let aside = path.with_extension(DAMAGED);
    let moved = std::fs::rename(path, &aside);
    let place = if moved.is_ok() { &aside } else { path };
    format!("{error}; it is set aside as {}, and what was interrupted there is not gone on with", place.display())
}
