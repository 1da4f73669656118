//! Feeds the workers of a copy with the rows of a plan: folders first, then files that are still as they were compared.

use std::collections::{BTreeMap, HashMap};

use futures::stream::{self, StreamExt as _};
use tokio::sync::{Mutex, mpsc};

use super::apply::Picked;
use super::hands::{Hands, facts_of};
use super::options::SyncSide;
use super::plan::Plan;
use super::row::Row;
use crate::engine::copy::End;
use crate::engine::job::{Outcome, Place};
use crate::engine::lane::{Lane, Patience};
use crate::engine::plan::{Consume, Entered, Step, make_dir};
use crate::engine::running::Job;
use crate::model::{Entry, EntryName, FilePath, Kind};
use crate::vfs::{FsError, FsErrorKind, FsResult, NewMetadata};

/// Folders made, or folders' files looked at, at once.
const AT_ONCE: usize = 16;

/// Hands out what `picked` picks as steps; answers the folders it made, outer ones first, whose times are set last.
pub(in crate::engine) async fn feed(job: &Job, lane: &Mutex<Lane>, steps: mpsc::Sender<Step>, picked: &Picked) -> Vec<Entered> {
    let sum = picked.places().filter_map(|at| picked.plan.row(at)).fold((0, 0), |(files, bytes), row| (files + 1, bytes + row.bytes()));
    job.found(sum.0, sum.1);
    job.counted();
    let feed = match Feed::new(job, lane, picked).await {
        Ok(feed) => feed,
        Err(error) => {
            job.failed(&job.spec.from_dir, Some(&job.spec.to_dir), error).await;
            return Vec::new();
        }
    };
    let entered = feed.make_folders().await;
    feed.send_files(&steps).await;
    entered
}

struct Feed<'a> {
    job: &'a Job,
    picked: &'a Picked,
    plan: &'a Plan,
    source: SyncSide,
    looks: [Looks<'a>; 2],
}

/// How one side is asked: over connections of its own, where one carries many questions, else over the walk's lane, so that
/// no worker goes without.
enum Looks<'a> {
    Hands(Hands),
    Lane(&'a Mutex<Lane>),
}

impl<'a> Looks<'a> {
    async fn new(job: &Job, place: Place, parallel: bool, lane: &'a Mutex<Lane>) -> FsResult<Self> {
        Ok(if parallel { Self::Hands(Hands::new(job.places.clone(), place).await?) } else { Self::Lane(lane) })
    }
}

impl<'a> Feed<'a> {
    async fn new(job: &'a Job, lane: &'a Mutex<Lane>, picked: &'a Picked) -> FsResult<Self> {
        let parallel = {
            let mut lane = lane.lock().await;
            let (source, target) = lane.both(job).await.map_err(|(error, _)| error)?;
            [source.capabilities().parallel, target.capabilities().parallel]
        };
        let looks = [Looks::new(job, job.spec.from, parallel[0], lane).await?, Looks::new(job, job.spec.to, parallel[1], lane).await?];
        Ok(Self { job, picked, plan: &picked.plan, source: picked.target.other(), looks })
    }

    fn at_once(&self) -> usize {
        if self.looks.iter().all(|looks| matches!(looks, Looks::Hands(_))) { AT_ONCE } else { 1 }
    }

    /// The two ends of a name of the plan.
    fn ends(&self, row: &Row) -> (FilePath, FilePath) {
        let on = |side| self.plan.folder_on(side, row.folder).join(&row.name);
        (on(self.source), on(self.picked.target))
    }

    /// Makes the folders of the plan, those above others first.
    async fn make_folders(&self) -> Vec<Entered> {
        let spec = &self.job.spec;
        // A target that is still to be made.
        if let Err(error) = self.make_root(&spec.to_dir).await {
            self.job.failed(&spec.from_dir, Some(&spec.to_dir), error).await;
            return Vec::new();
        }
        let mut levels: BTreeMap<usize, HashMap<u32, Vec<Row>>> = BTreeMap::new();
        for row in self.picked.places().filter_map(|at| self.plan.row(at)).filter(Row::is_dir) {
            let depth = self.plan.depth(row.folder);
            levels.entry(depth).or_default().entry(row.folder).or_default().push(row);
        }
        let mut entered = Vec::new();
        for siblings in levels.into_values() {
            let made = stream::iter(siblings.into_values()).map(|rows| self.make_siblings(rows)).buffer_unordered(self.at_once());
            entered.extend(made.collect::<Vec<_>>().await.into_iter().flatten());
        }
        entered
    }

    async fn make_siblings(&self, rows: Vec<Row>) -> Vec<Entered> {
        let mut entered = Vec::new();
        let Some(first) = rows.first() else { return entered };
        let names: Vec<EntryName> = rows.iter().map(|row| row.name.clone()).collect();
        // Their permissions stand in no plan. Without them a folder is made as the target makes folders.
        let found = self.stat_many(End::Source, &self.plan.folder_on(self.source, first.folder), &names).await.unwrap_or_default();
        let found: HashMap<&[u8], &Entry> = found.iter().map(|entry| (entry.raw_name(), entry)).collect();
        let found = &found;
        let made = stream::iter(rows).map(|row| async move {
            let (from, to) = self.ends(&row);
            let entry = found.get(row.name.as_bytes());
            let is_as_compared = self.picked.is_as_compared(self.source, row.on(self.source), entry.copied());
            let result = if is_as_compared { self.make(&to).await.map(|_| ()) } else { Err(changed(&from)) };
            let metadata = NewMetadata {
                modified: entry.and_then(|entry| entry.modified),
                mode: entry.and_then(|entry| entry.mode()).map(|mode| mode & self.job.mode_mask()),
            };
            let is_made = result.is_ok();
            match result {
                Err(error) if error.kind == FsErrorKind::Cancelled => {}
                result => self.job.ended(&from, Some(&to), 0, result.map(|()| Outcome::Copied)).await,
            }
            is_made.then_some(Entered { from, to, metadata: Some(metadata), consume: Consume::No })
        });
        entered.extend(made.buffer_unordered(self.at_once()).collect::<Vec<_>>().await.into_iter().flatten());
        entered
    }

    /// The root of the target, where it is still to be made: itself, not what lies above it.
    async fn make_root(&self, dir: &FilePath) -> FsResult<()> {
        let (Some(above), Some(name)) = (dir.parent(), dir.name()) else { return Ok(()) };
        match self.stat_many(End::Target, &above, &[name]).await {
            Ok(found) if found.is_empty() => self.make(dir).await.map(|_| ()),
            Err(error) if error.is_connection_lost() || error.kind == FsErrorKind::Cancelled => Err(error),
            // It is there; and whoever may not look at it may perhaps write into it.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Looks at the files of the plan once more, and hands out those that are as they were.
    async fn send_files(&self, steps: &mpsc::Sender<Step>) {
        let mut checked = std::pin::pin!(stream::iter(self.picked.files()).map(|rows| self.check(rows)).buffered(self.at_once()));
        while let Some(rows) = checked.next().await {
            for (row, step) in rows {
                if self.job.stop.is_cancelled() {
                    return;
                }
                match step {
                    // Nobody takes steps any more only when the job is stopped.
                    Ok(step) => {
                        let sent = async {
                            drop(steps.send(step).await);
                            Ok(())
                        };
                        if self.job.unless_stopped(sent).await.is_err() {
                            return;
                        }
                    }
                    Err(error) => {
                        let (from, to) = self.ends(&row);
                        self.job.left_out(row.bytes());
                        self.job.ended(&from, Some(&to), 0, Err(error)).await;
                    }
                }
            }
        }
    }

    /// The steps of files in one folder.
    async fn check(&self, rows: Vec<Row>) -> Vec<(Row, FsResult<Step>)> {
        let Some(folder) = rows.first().map(|row| row.folder) else { return Vec::new() };
        let names: Vec<EntryName> = rows.iter().map(|row| row.name.clone()).collect();
        let dir = |side| self.plan.folder_on(side, folder);
        let (from, to) = (dir(self.source), dir(self.picked.target));
        let (sources, targets) = tokio::join!(self.stat_many(End::Source, &from, &names), self.stat_many(End::Target, &to, &names));
        let (mut sources, targets) = match (sources, targets) {
            (Ok(sources), Ok(targets)) => (by_name(sources), by_name(targets)),
            (Err(error), _) | (_, Err(error)) => return rows.into_iter().map(|row| (row, Err(error.clone()))).collect(),
        };
        let mut steps = Vec::with_capacity(rows.len());
        for row in rows {
            let source = sources.remove(row.name.as_bytes());
            let step = self.step(&row, source, targets.get(row.name.as_bytes())).await;
            steps.push((row, step));
        }
        steps
    }

    async fn step(&self, row: &Row, source: Option<Entry>, target: Option<&Entry>) -> FsResult<Step> {
        let (from, to) = self.ends(row);
        if !self.picked.is_as_compared(self.picked.target, row.on(self.picked.target), target) {
            return Err(changed(&to));
        }
        let facts = source.filter(|entry| self.picked.is_as_compared(self.source, row.on(self.source), Some(entry)));
        let mut facts = facts.ok_or_else(|| changed(&from))?;
        let mut link = None;
        if facts.kind == Kind::Symlink {
            if link_text(&facts).is_none() {
                facts = self
                    .stat_many(End::Source, &from.parent().unwrap_or_else(FilePath::root), std::slice::from_ref(&row.name))
                    .await?
                    .pop()
                    .unwrap_or(facts);
            }
            link = Some(link_text(&facts).ok_or_else(|| {
                FsError::new(FsErrorKind::Unsupported, "read the link", &from, "the server does not tell where it leads")
            })?);
        }
        Ok(Step { from, to, facts, link, fresh: row.on(self.picked.target).is_none(), consume: false, has_twin: false })
    }

    async fn stat_many(&self, end: End, dir: &FilePath, names: &[EntryName]) -> FsResult<Vec<Entry>> {
        let lane = match &self.looks[end as usize] {
            Looks::Hands(hands) => return self.job.in_turn(hands.stat_many(dir, names)).await,
            Looks::Lane(lane) => lane,
        };
        let mut patience = Patience::default();
        loop {
            let mut lane = lane.lock().await;
            let asked = async {
                let (source, target) = lane.both(self.job).await.map_err(|(error, _)| error)?;
                let place = if end == End::Source { source } else { target };
                facts_of(place, dir, names).await
            };
            match self.job.unless_stopped(asked).await {
                Err(error) if error.is_connection_lost() => {
                    lane.lost(end);
                    drop(lane);
                    if !patience.again(self.job, &error).await {
                        return Err(error);
                    }
                }
                result => return result,
            }
        }
    }

    /// Makes a folder at the target; one that is there already is as good.
    async fn make(&self, dir: &FilePath) -> FsResult<Option<Entry>> {
        let lane = match &self.looks[End::Target as usize] {
            Looks::Hands(hands) => {
                let made = hands.ask(|place| {
                    let dir = dir.clone();
                    Box::pin(async move { make_dir(place, &dir).await })
                });
                return self.job.in_turn(made).await;
            }
            Looks::Lane(lane) => lane,
        };
        let mut patience = Patience::default();
        loop {
            let mut lane = lane.lock().await;
            let made = async { make_dir(lane.target(self.job).await?, dir).await };
            match self.job.unless_stopped(made).await {
                Err(error) if error.is_connection_lost() => {
                    lane.lost(End::Target);
                    drop(lane);
                    if !patience.again(self.job, &error).await {
                        return Err(error);
                    }
                }
                result => return result,
            }
        }
    }
}

pub(super) fn by_name(entries: Vec<Entry>) -> HashMap<Box<[u8]>, Entry> {
    entries.into_iter().map(|entry| (entry.raw_name().into(), entry)).collect()
}

fn link_text(entry: &Entry) -> Option<Box<[u8]>> {
    entry.details.as_ref().and_then(|details| details.target.clone())
}

/// A row is not as it was compared.
pub(super) fn changed(path: &FilePath) -> FsError {
    FsError::new(FsErrorKind::ChangedMeanwhile, "synchronise", path, "changed since it was compared; compare again")
}
