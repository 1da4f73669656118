//! Walks both trees at once, folder by folder, and gathers what differs. Only folders that wait and rows are held in memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use jiff::{Timestamp, Zoned};

use super::clock::{self, Clock, precision_of};
use super::content;
use super::facts::Facts;
use super::filter::{Filter, PatternError};
use super::hands::Hands;
use super::judge::{Judge, Judged, alike, pairs};
use super::moment::Moment;
use super::options::{Comparison, Deletion, Links, SyncOptions, SyncSide};
use super::plan::{MOST_NAME, Plan, PlanEnd, below, joined};
use super::row::{Decision, Finding, Row};
use super::{is_our_own, remark_words};
use crate::engine::job::Place;
use crate::engine::places::Places;
use crate::model::{Entry, EntryName, FilePath, Kind};
use crate::vfs::{FsError, FsErrorKind, FsResult};

/// Folders looked into at once, of both sides together.
const AT_ONCE: usize = 32;
/// Entries of folders that were read ahead of their turn.
const AHEAD: usize = 100_000;
/// Folders that wait, looked at for the next one to read.
const LOOK_BACK: usize = 256;
/// Folders below each other; deeper is taken for a loop.
const MAX_DEPTH: usize = 200;

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompareEnd {
    /// At which place.
    pub place: Place,
    /// Which folder.
    pub dir: FilePath,
    /// As a person would write it: a path, or a URL without a password.
    pub name: String,
}

/// What is to be compared, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompareOrder {
    /// The left side.
    pub left: CompareEnd,
    /// The right side.
    pub right: CompareEnd,
    /// What was chosen.
    pub options: SyncOptions,
    /// Only files changed since, in place of the instant in the rules.
    pub newer_than: Option<Moment>,
    /// Only files last changed before, likewise.
    pub older_than: Option<Moment>,
}

impl CompareOrder {
    /// The same with its moments as the instants they are at `now`.
    pub(super) fn at(&self, now: &Zoned) -> Self {
        let mut order = self.clone();
        let rules = &mut order.options.rules;
        rules.newer_than = order.newer_than.take().map(|moment| moment.at(now)).or(rules.newer_than);
        rules.older_than = order.older_than.take().map(|moment| moment.at(now)).or(rules.older_than);
        order
    }
}

/// How far a comparison is: pulled, never pushed.
#[derive(Debug, Default)]
pub struct CompareProgress {
    folders: AtomicU64,
    entries: AtomicU64,
    read: AtomicU64,
}

impl CompareProgress {
    /// Folders looked into.
    pub fn folders(&self) -> u64 {
        self.folders.load(Ordering::Relaxed)
    }

    /// Entries compared.
    pub fn entries(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    /// Files compared by their bytes.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    pub(super) fn has_read(&self) {
        self.read.fetch_add(1, Ordering::Relaxed);
    }
}

/// The two folders could not be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// A folder or a line failed, on this side.
    #[error("{1}")]
    Side(SyncSide, FsError),
    /// A pattern cannot be read.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// One folder is the other, or lies inside it.
    #[error("one of the two folders is the other one or lies inside it")]
    Overlap,
}

/// A pair of folders that waits for its turn.
struct Pending {
    id: u64,
    /// From the root of the comparison.
    path: Vec<u8>,
    depth: usize,
    /// Which sides have it.
    on: [bool; 2],
    /// The row about itself, where one side alone has it.
    row: Option<Row>,
    parent: u32,
    name: Option<EntryName>,
    /// Nothing in it is deleted: the source's folder, or one above, is suspiciously empty.
    spared: bool,
    started: bool,
}

type Listings = [Option<FsResult<Vec<Entry>>>; 2];

/// Compares; dropping the future stops it. `now` is the clock of this machine.
pub(in crate::engine) async fn compare(
    places: &Arc<dyn Places>,
    order: &CompareOrder,
    progress: &CompareProgress,
    now: fn() -> Timestamp,
) -> Result<Plan, CompareError> {
    let filter = Filter::new(&order.options.rules)?;
    if order.left.place == order.right.place && (order.left.dir.is_within(&order.right.dir) || order.right.dir.is_within(&order.left.dir)) {
        return Err(CompareError::Overlap);
    }
    let hands = Hands::of_both(places, [order.left.place, order.right.place]).await;
    let hands = hands.map_err(|(side, error)| CompareError::Side(SyncSide::BOTH[side], error))?;
    let end = |end: &CompareEnd| PlanEnd { name: end.name.clone(), dir: end.dir.clone(), clock: Clock::default() };
    let mut plan = Plan::new(end(&order.left), end(&order.right), order.options.clone(), now());
    measure_clocks(&hands, &mut plan, now).await?;
    let mut walk = Walk { hands: &hands, filter: &filter, plan, progress, skipped_links: 0, next: 1 };
    walk.run().await?;
    let Walk { mut plan, skipped_links, .. } = walk;
    if skipped_links > 0 {
        let words =
            if skipped_links == 1 { "1 symbolic link was left out" } else { &format!("{skipped_links} symbolic links were left out") };
        plan.remark(None, b"", words);
    }
    if order.options.comparison == Comparison::Content {
        content::compare(&hands, &mut plan, progress).await?;
    }
    if let Some(source) = plan.options.direction.source().filter(|_| plan.source_is_empty) {
        plan.remark(Some(source), b"", remark_words::EMPTY_SOURCE);
    }
    plan.shrink();
    Ok(plan)
}

/// Looks how the clocks of the sides go that are written to.
async fn measure_clocks(hands: &[Arc<Hands>; 2], plan: &mut Plan, now: fn() -> Timestamp) -> Result<(), CompareError> {
    for side in SyncSide::BOTH {
        if !plan.options.measure_clocks || !plan.options.direction.writes_to(side) {
            continue;
        }
        let dir = plan.end(side).dir.clone();
        let measured = hands[side as usize]
            .ask(|place| {
                let dir = dir.clone();
                Box::pin(async move { clock::measure(place, &dir, now).await })
            })
            .await;
        match measured {
            Ok(clock) => {
                if let Some(words) = clock.words() {
                    plan.remark(Some(side), b"", words);
                }
                if side == SyncSide::Left { plan.left.clock = clock } else { plan.right.clock = clock }
            }
            Err(error) if error.is_connection_lost() => return Err(CompareError::Side(side, error)),
            // A target that is still to be made has no clock to look at.
            Err(error) if error.kind == FsErrorKind::NotFound => {}
            Err(error) => plan.remark(Some(side), b"", format!("how its clock goes could not be measured ({})", error.kind)),
        }
    }
    Ok(())
}

struct Walk<'a> {
    hands: &'a [Arc<Hands>; 2],
    filter: &'a Filter,
    plan: Plan,
    progress: &'a CompareProgress,
    skipped_links: u64,
    next: u64,
}

impl<'a> Walk<'a> {
    async fn run(&mut self) -> Result<(), CompareError> {
        let root = Pending {
            id: 0,
            path: Vec::new(),
            depth: 0,
            on: [true; 2],
            row: None,
            parent: Plan::ROOT,
            name: None,
            spared: false,
            started: false,
        };
        let mut stack = vec![root];
        let mut reading: FuturesUnordered<BoxFuture<'a, (u64, Listings)>> = FuturesUnordered::new();
        let mut ready: HashMap<u64, Listings> = HashMap::new();
        let mut held = 0;
        while let Some(top) = stack.last() {
            let wanted = top.id;
            for pending in stack.iter_mut().rev().take(LOOK_BACK) {
                // The one whose turn it is never waits for room.
                if pending.id != wanted && (reading.len() >= AT_ONCE || held >= AHEAD) {
                    break;
                }
                if !pending.started {
                    pending.started = true;
                    reading.push(self.read(pending));
                }
            }
            let listings = loop {
                if let Some(listings) = ready.remove(&wanted) {
                    break listings;
                }
                let Some((id, listings)) = reading.next().await else { break [None, None] };
                held += count(&listings);
                ready.insert(id, listings);
            };
            held -= count(&listings).min(held);
            if let Some(pending) = stack.pop() {
                self.take(&pending, listings, &mut stack)?;
            }
        }
        Ok(())
    }

    fn read(&self, pending: &Pending) -> BoxFuture<'a, (u64, Listings)> {
        let (id, hands) = (pending.id, self.hands);
        let dir = |side: SyncSide| pending.on[side as usize].then(|| below(&self.plan.end(side).dir, &pending.path));
        let (left, right) = (dir(SyncSide::Left), dir(SyncSide::Right));
        Box::pin(async move {
            let (left, right) = tokio::join!(list(&hands[0], left), list(&hands[1], right));
            (id, [left, right])
        })
    }

    /// Compares the listings of a pair of folders.
    fn take(&mut self, pending: &Pending, listings: Listings, stack: &mut Vec<Pending>) -> Result<(), CompareError> {
        let is_root = pending.name.is_none();
        let mut whole = [true; 2];
        let mut entries: [Vec<Entry>; 2] = Default::default();
        let mut unreadable = false;
        for (side, listing) in SyncSide::BOTH.into_iter().zip(listings) {
            match listing {
                None => {}
                Some(Ok(listed)) => entries[side as usize] = self.sort_out(side, &pending.path, listed, &mut whole),
                Some(Err(error)) if error.is_connection_lost() => return Err(CompareError::Side(side, error)),
                // The target is made when it is written to.
                Some(Err(error))
                    if is_root && error.kind == FsErrorKind::NotFound && self.plan.options.direction.source() == Some(side.other()) => {}
                Some(Err(error)) if is_root => return Err(CompareError::Side(side, error)),
                Some(Err(error)) => {
                    unreadable = true;
                    self.plan.is_incomplete = true;
                    let words = format!("it could not be read ({}); nothing in it is touched on either side", error.kind);
                    self.plan.remark(Some(side), &pending.path, words);
                }
            }
        }
        self.progress.folders.fetch_add(1, Ordering::Relaxed);
        self.progress.entries.fetch_add((entries[0].len() + entries[1].len()) as u64, Ordering::Relaxed);
        let spared = pending.spared || !unreadable && self.is_suspiciously_empty(&entries, whole, pending.on);
        if is_root {
            self.plan.source_is_empty = spared;
        } else if spared && !pending.spared {
            self.plan.remark(self.plan.options.direction.source(), &pending.path, remark_words::EMPTY_FOLDER);
        }
        if let Some(row) = &pending.row {
            let row = if unreadable {
                Row { finding: Finding::Unreadable, proposed: Decision::Leave, decision: Decision::Leave, ..row.clone() }
            } else {
                row.clone()
            };
            self.plan.add(&row);
        }
        if unreadable {
            return Ok(());
        }
        let folder = match &pending.name {
            Some(name) => self.plan.add_folder(pending.parent, name.as_bytes()),
            None => Plan::ROOT,
        };
        self.compare_entries(pending, folder, &entries, (whole, spared), stack);
        Ok(())
    }

    /// The classic disaster: the folder at the source is a mount point, and the disk is not there.
    fn is_suspiciously_empty(&self, entries: &[Vec<Entry>; 2], whole: [bool; 2], on: [bool; 2]) -> bool {
        let options = &self.plan.options;
        options.direction.source().is_some_and(|source| {
            options.deletion != Deletion::No
                && !options.empty_source
                && on[source as usize]
                && entries[source as usize].is_empty()
                && whole[source as usize]
                && !entries[source.other() as usize].is_empty()
        })
    }

    /// `spared`: nothing in the folder is deleted.
    fn compare_entries(
        &mut self,
        pending: &Pending,
        folder: u32,
        entries: &[Vec<Entry>; 2],
        (whole, spared): ([bool; 2], bool),
        stack: &mut Vec<Pending>,
    ) {
        let [left, right] = entries;
        let options = self.plan.options.clone();
        let keeps_times = [self.hands[0].capabilities().set_modified, self.hands[1].capabilities().set_modified];
        let clocks = [self.plan.left.clock, self.plan.right.clock];
        let listed = [self.listed_precision(SyncSide::Left, left), self.listed_precision(SyncSide::Right, right)];
        let judge = Judge { options: &options, clocks: [&clocks[0], &clocks[1]], listed, keeps_times, whole };
        let alike = if left.is_empty() || right.is_empty() { Vec::new() } else { alike_names(left, right) };
        let mut folders = Vec::new();
        for (one, other) in pairs(left, right) {
            let Some(name) = one.or(other).and_then(|entry| entry.name().ok()) else { continue };
            let (left, right) = (one.map(Facts::of), other.map(Facts::of));
            let path = joined(pending.path.clone(), name.as_bytes());
            let mut known = [left, right].into_iter().flatten();
            // What is neither file nor folder on any side is nobody's business, and was told.
            if known.clone().all(|facts| facts.kind == Kind::Other) || known.any(|facts| self.is_left_out(&path, &facts)) {
                continue;
            }
            let mut judged = match (&left, &right) {
                (Some(left), Some(right)) => judge.both(left, right),
                (Some(_), None) => judge.alone(SyncSide::Left),
                _ => judge.alone(SyncSide::Right),
            };
            if let (Judged::Differs(..), true) = (judged, alike.binary_search(&name.as_bytes()).is_ok()) {
                judged = Judged::Differs(Finding::NameDiffers, Decision::Leave);
            }
            if let Some(link) = self.links(one, other) {
                judged = link;
            }
            let both_dirs = matches!((left, right), (Some(Facts { kind: Kind::Dir, .. }), Some(Facts { kind: Kind::Dir, .. })));
            let (finding, decision) = match judged {
                Judged::Same => {
                    self.plan.same += 1;
                    if both_dirs {
                        folders.push((name, [true; 2], None));
                    }
                    continue;
                }
                Judged::Extra => {
                    self.plan.extra += 1;
                    continue;
                }
                Judged::ToRead => (Finding::NotCompared, Decision::Leave),
                Judged::Differs(finding, Decision::DeleteLeft | Decision::DeleteRight) if spared => (finding, Decision::Leave),
                Judged::Differs(finding, decision) => (finding, decision),
            };
            let row = Row { folder, name: name.clone(), left, right, finding, proposed: decision, decision };
            // Neither below a name that is left, nor into what cannot be looked into.
            if row.is_dir() && matches!(finding, Finding::LeftOnly | Finding::RightOnly) {
                folders.push((name, [left.is_some(), right.is_some()], Some(row)));
            } else {
                self.plan.add(&row);
            }
        }
        for (name, on, row) in folders.into_iter().rev() {
            let path = joined(pending.path.clone(), name.as_bytes());
            if pending.depth >= MAX_DEPTH {
                self.plan.remark(None, &path, "too many folders below each other; it is left out");
                continue;
            }
            let id = self.next;
            self.next += 1;
            stack.push(Pending { id, path, depth: pending.depth + 1, on, row, parent: folder, name: Some(name), spared, started: false });
        }
    }

    fn is_left_out(&self, path: &[u8], facts: &Facts) -> bool {
        self.filter.leaves_out_name(path, facts.kind) || self.filter.leaves_out_facts(facts)
    }

    /// FTP alone has listings whose times say less than the files' own.
    fn listed_precision(&self, side: SyncSide, entries: &[Entry]) -> u32 {
        let can = self.hands[side as usize].capabilities();
        if can.parallel || !can.listing_has_facts { 1 } else { precision_of(entries) }
    }

    /// Judges two links by their texts, which facts do not have.
    fn links(&self, left: Option<&Entry>, right: Option<&Entry>) -> Option<Judged> {
        let (left, right) = left.zip(right).filter(|(left, right)| left.kind == Kind::Symlink && right.kind == Kind::Symlink)?;
        let text = |entry: &Entry| entry.details.as_ref().and_then(|details| details.target.clone());
        let differ = text(left).zip(text(right)).is_some_and(|(left, right)| left != right);
        let decision = self.plan.options.direction.source().map_or(Decision::Leave, |source| Decision::copy(source.other()));
        Some(if differ { Judged::Differs(Finding::LinkDiffers, decision) } else { Judged::Same })
    }

    /// The entries of a listing that are compared, by name; what is not is told.
    fn sort_out(&mut self, side: SyncSide, path: &[u8], listed: Vec<Entry>, whole: &mut [bool; 2]) -> Vec<Entry> {
        let can_link = self.hands.iter().all(|hands| hands.capabilities().symlinks);
        let mut entries = Vec::with_capacity(listed.len());
        for entry in listed {
            let name = entry.raw_name();
            let at = joined(path.to_vec(), name);
            if is_our_own(name) || !self.plan.options.hidden && name.starts_with(b".") {
                continue;
            }
            if EntryName::check(name).is_err() || entry.kind == Kind::Unparsed || name.len() > MOST_NAME {
                whole[side as usize] = false;
                self.plan.is_incomplete = true;
                self.plan.remark(Some(side), &at, "its name cannot be used; what only the other side has in this folder is left alone");
            } else if entry.kind == Kind::Symlink && (self.plan.options.links == Links::Skip || !can_link) {
                self.skipped_links += 1;
                // Kept in the listing: what has its name on the other side is not to take its place.
                entries.push(Entry::new(name, Kind::Other));
            } else {
                if entry.kind == Kind::Other {
                    self.plan.remark(Some(side), &at, "it is neither file, folder nor link, and left out");
                }
                entries.push(entry);
            }
        }
        entries.sort_unstable_by(|one, other| one.raw_name().cmp(other.raw_name()));
        entries.dedup_by(|one, other| one.raw_name() == other.raw_name());
        entries
    }
}

async fn list(hands: &Hands, dir: Option<FilePath>) -> Option<FsResult<Vec<Entry>>> {
    match dir {
        Some(dir) => Some(hands.list(&dir).await),
        None => None,
    }
}

fn alike_names<'e>(left: &'e [Entry], right: &'e [Entry]) -> Vec<&'e [u8]> {
    let mut alone: [Vec<&[u8]>; 2] = Default::default();
    for pair in pairs(left, right) {
        match pair {
            (Some(one), None) => alone[0].push(one.raw_name()),
            (None, Some(other)) => alone[1].push(other.raw_name()),
            _ => {}
        }
    }
    alike(&alone[0], &alone[1])
}

fn count(listings: &Listings) -> usize {
    listings.iter().flatten().flatten().map(Vec::len).sum()
}
