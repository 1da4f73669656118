//! Writes the journal, off the event loop: what comes within a moment is one commit, and one sync of the disk.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::folder::Folder;
use super::record::{FileRecord, JobRecord, Tag};
use super::store::{Change, SourceHash, Store, StoreError};
use crate::engine::advice::Advice;
use crate::engine::event::Event;
use crate::model::FilePath;

/// How long changes are gathered before they are written.
const GATHER: Duration = Duration::from_millis(250);
/// How often it is looked at how far the files under way are.
const LOOK: Duration = Duration::from_millis(500);
/// More changes than these are written at once.
const MOST_GATHERED: usize = 4096;

/// What the journal is told.
pub(super) enum Note {
    /// A job begins: it is on the disk when the answer comes, unless the disk does not take it.
    Begin(Box<JobRecord>, oneshot::Sender<Begun>),
    /// Something to write down soon.
    Change(Change),
    /// A file is under way; how far is looked at now and then.
    UnderWay(Tag, FilePath, FileRecord, Arc<Reach>),
    /// It is no longer: nothing is left of it, or this.
    Ended(Tag, FilePath, Option<FileRecord>),
    /// Everything is to be on the disk.
    Flush(oneshot::Sender<usize>),
}

/// What a job that begins is told.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) tag: Tag,
    /// It is on the disk.
    pub(super) kept: bool,
    /// It was begun before.
    pub(super) earlier: Option<Earlier>,
}

/// What an earlier run left of a job.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    pub(super) files: HashMap<FilePath, FileRecord>,
    pub(super) done: HashSet<SourceHash>,
}

/// How far a file is. Written by whoever copies it, read now and then.
#[derive(Debug)]
pub(in crate::engine) struct Reach {
    moved: AtomicU64,
    /// [`u64::MAX`]: nobody can say.
    good: AtomicU64,
    in_order: AtomicBool,
}

impl Reach {
    pub(super) fn new() -> Self {
        Self { moved: AtomicU64::new(0), good: AtomicU64::new(0), in_order: AtomicBool::new(false) }
    }

    /// `moved` bytes were moved in all, of which the first `good` are known to be safe.
    pub(in crate::engine) fn is(&self, moved: u64, good: Option<u64>) {
        self.moved.store(moved, Ordering::Relaxed);
        self.good.store(good.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// From now on one writer alone writes, from the beginning to the end.
    pub(in crate::engine) fn goes_in_order(&self) {
        self.in_order.store(true, Ordering::Relaxed);
    }

    /// Whether [`Reach::goes_in_order`] was said: another run may count on it.
    pub(in crate::engine) fn is_in_order(&self) -> bool {
        self.in_order.load(Ordering::Relaxed)
    }

    fn write_to(&self, file: &mut FileRecord) {
        let good = self.good.load(Ordering::Relaxed);
        file.good = (good != u64::MAX).then_some(good);
        file.moved = self.moved.load(Ordering::Relaxed);
        file.in_order = self.is_in_order();
    }
}

/// The writer's state.
pub(super) struct Keeper {
    folder: Folder,
    store: Option<Arc<Store>>,
    /// Jobs of this process that are in the journal, and whether they run.
    jobs: HashMap<Tag, bool>,
    gathered: Vec<Change>,
    under_way: Vec<(Tag, FilePath, FileRecord, Arc<Reach>)>,
    news: mpsc::Sender<Event>,
    told: bool,
    /// How often the disk did not take it: what was begun before the last time is not kept any more.
    troubles: Arc<AtomicU64>,
}

impl Keeper {
    pub(super) fn new(folder: Folder, news: mpsc::Sender<Event>, troubles: Arc<AtomicU64>) -> Self {
        let (jobs, gathered, under_way) = (HashMap::new(), Vec::new(), Vec::new());
        Self { folder, store: None, jobs, gathered, under_way, news, told: false, troubles }
    }

    /// Takes notes until nobody can send any.
    pub(super) async fn run(mut self, mut notes: mpsc::Receiver<Note>) {
        let mut due: Option<Instant> = None;
        let mut look = Instant::now() + LOOK;
        loop {
            let wake = match due {
                Some(due) if self.under_way.is_empty() => Some(due),
                Some(due) => Some(due.min(look)),
                None => (!self.under_way.is_empty()).then_some(look),
            };
            let note = tokio::select! {
                biased;
                note = notes.recv() => match note {
                    Some(note) => Some(note),
                    None => break,
                },
                () = sleep_until(wake) => None,
            };
            match note {
                Some(note) => self.take(note).await,
                None if due.is_some_and(|due| due <= Instant::now()) => self.commit().await,
                None => {}
            }
            if look <= Instant::now() {
                self.look();
                look = Instant::now() + LOOK;
            }
            if self.gathered.len() >= MOST_GATHERED {
                self.commit().await;
            }
            due = if self.gathered.is_empty() { None } else { Some(due.unwrap_or_else(|| Instant::now() + GATHER)) };
        }
        self.commit().await;
        self.leave().await;
    }

    async fn take(&mut self, note: Note) {
        match note {
            Note::Begin(job, reply) => {
                let begun = self.begin(*job).await;
                // Nobody waits for it any more: what it would have gone on with stays.
                match reply.send(begun) {
                    Err(Begun { tag, kept: true, earlier: None }) => self.change(Change::JobGone(tag)),
                    Err(Begun { tag, kept: true, .. }) => drop(self.jobs.insert(tag, false)),
                    _ => {}
                }
            }
            Note::Change(change) => self.change(change),
            Note::UnderWay(tag, target, file, reach) => {
                self.change(Change::File(tag, target.clone(), file.clone()));
                self.under_way.push((tag, target, file, reach));
            }
            Note::Ended(tag, target, left) => {
                self.under_way.retain(|(of, to, ..)| *of != tag || *to != target);
                // One that came and went within a moment is not worth a write of its own.
                self.gathered.retain(|change| !matches!(change, Change::File(of, to, _) if *of == tag && *to == target));
                self.change(match left {
                    Some(file) => Change::File(tag, target, file),
                    None => Change::FileGone(tag, target),
                });
            }
            Note::Flush(reply) => {
                self.commit().await;
                self.leave().await;
                if reply.send(self.jobs.len()).is_err() {
                    tracing::debug!("nobody waits for the journal any more");
                }
            }
        }
    }

    fn change(&mut self, change: Change) {
        match &change {
            Change::JobGone(tag) => drop(self.jobs.remove(tag)),
            Change::Job(tag, _) => drop(self.jobs.insert(*tag, false)),
            _ => {}
        }
        if self.store.is_some() {
            self.gathered.push(change);
        }
    }

    /// Puts a job on the disk, as the one that did the same work before, if there was one.
    async fn begin(&mut self, job: JobRecord) -> Begun {
        self.commit().await;
        match self.try_begin(job).await {
            Ok(begun) => {
                self.jobs.insert(begun.tag, true);
                begun
            }
            Err(error) => {
                self.trouble(&error).await;
                Begun { tag: Tag::random(), kept: false, earlier: None }
            }
        }
    }

    async fn try_begin(&mut self, job: JobRecord) -> Result<Begun, StoreError> {
        let store = match &self.store {
            Some(store) => store.clone(),
            None => {
                let folder = self.folder.clone();
                let made = Arc::new(off_loop(move || folder.create()).await?);
                self.store = Some(made.clone());
                made
            }
        };
        let (folder, running) = (self.folder.clone(), self.running());
        off_loop(move || {
            let on_this_machine = job.order.to.site.is_none();
            // One that this process left itself, else one of another.
            let own = store.jobs()?.into_iter().find(|kept| !running.contains(&kept.tag) && kept.job.order.is_same_work(&job.order));
            let (tag, files, done, same_boot) = match own {
                Some(kept) => {
                    store.apply(&[Change::Job(kept.tag, Box::new(job))])?;
                    (kept.tag, kept.files, store.done(kept.tag)?, true)
                }
                None => match folder.claim(&job, &store)? {
                    Some(claimed) => (claimed.tag, claimed.files, claimed.done, claimed.same_boot),
                    None => {
                        let tag = Tag::random();
                        store.apply(&[Change::Job(tag, Box::new(job))])?;
                        return Ok(Begun { tag, kept: true, earlier: None });
                    }
                },
            };
            let trusted = |(target, mut file): (FilePath, FileRecord)| {
                // What a process wrote outlives it; only a machine that stopped loses what was not synced.
                if on_this_machine && same_boot && file.in_order {
                    file.good = None;
                } else if on_this_machine || !file.in_order {
                    file.good = file.good.or(Some(0));
                }
                (target, file)
            };
            let earlier = Earlier { files: files.into_iter().map(trusted).collect(), done: done.into_iter().collect() };
            Ok(Begun { tag, kept: true, earlier: Some(earlier) })
        })
        .await
    }

    fn running(&self) -> Vec<Tag> {
        self.jobs.iter().filter(|(_, runs)| **runs).map(|(tag, _)| *tag).collect()
    }

    /// Notes how far the files under way are.
    fn look(&mut self) {
        if self.store.is_none() {
            return;
        }
        for (tag, target, file, reach) in &mut self.under_way {
            let before = file.clone();
            reach.write_to(file);
            if *file != before {
                self.gathered.push(Change::File(*tag, target.clone(), file.clone()));
            }
        }
    }

    async fn commit(&mut self) {
        // Of a file that was begun just now, more than that is known by now.
        self.look();
        let changes = std::mem::take(&mut self.gathered);
        let Some(store) = self.store.clone().filter(|_| !changes.is_empty()) else { return };
        if let Err(error) = off_loop(move || store.apply(&changes)).await {
            self.trouble(&error).await;
        }
    }

    /// The disk does not take it: said once. Jobs go on; the next one tries again.
    async fn trouble(&mut self, error: &StoreError) {
        tracing::warn!(%error, "the journal");
        self.troubles.fetch_add(1, Ordering::Relaxed);
        (self.jobs, self.gathered, self.under_way) = (HashMap::new(), Vec::new(), Vec::new());
        // What stands there is out of date from now on.
        self.drop_store().await;
        if !std::mem::replace(&mut self.told, true) {
            let advice = Advice {
                what: "Transfers cannot be noted on the disk".to_owned(),
                why: error.to_string(),
                next: "They go on; what is under way when the program ends badly has to be ordered again then.".to_owned(),
                intended: false,
            };
            // Who does not listen has no place to say it.
            drop(self.news.try_send(Event::Notice(advice)));
        }
    }

    /// With nothing to go on with there is no file.
    async fn leave(&mut self) {
        if self.jobs.is_empty() {
            self.drop_store().await;
        }
    }

    async fn drop_store(&mut self) {
        if let Some(store) = self.store.take().and_then(Arc::into_inner) {
            drop(tokio::task::spawn_blocking(move || store.remove()).await);
        }
    }
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}

/// Runs `act` on a thread that may block.
pub(super) async fn off_loop<T: Send + 'static>(act: impl FnOnce() -> Result<T, StoreError> + Send + 'static) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(act).await {
        Ok(result) => result,
        Err(stopped) => Err(StoreError::Io(std::io::Error::other(stopped.to_string()))),
    }
}
