//! A folder as a pane shows it: entries, their order, cursor, marks, filter. Orders nothing from anybody; see [`super::listing`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::Marks;
use super::listing::INLINE;
use super::marks::{Bits, file_bytes};
use crate::app::message::Generation;
use crate::engine::{Advice, Place};
use crate::model::sort::Sort;
use crate::model::{Entry, EntryName, FilePath, Kind};

/// A folder as a pane shows it.
pub struct Folder {
    /// On which side.
    pub place: Place,
    /// Which folder.
    pub dir: FilePath,
    /// How far its listing is.
    pub listing: Listing,
    /// How it is ordered.
    pub sort: Sort,
    /// With names that begin with a dot.
    pub show_hidden: bool,
    /// Only names with this text; empty: all.
    pub filter: String,
    /// Why its listing is an old one: the last refresh failed.
    pub stale: Option<Advice>,
    /// The row where a range of marks began, while one is being made.
    pub range: Option<usize>,
    pub(super) entries: Arc<Vec<Entry>>,
    pub(super) order: Vec<u32>,
    pub(super) marks: Marks,
    pub(super) cursor: usize,
    pub(super) top: usize,
    /// The person moved the cursor, so that it follows its name.
    pub(super) moved: bool,
    /// The name the cursor goes to once it is there.
    pub(super) wanted: Option<Box<[u8]>>,
    /// The listing that is under way.
    pub(super) listing_generation: Generation,
    /// The listing the entries are of; facts of another one are dropped.
    pub(super) entries_generation: Generation,
    /// What a refresh brought so far; it replaces the entries when it is whole.
    pub(super) incoming: Option<Vec<Entry>>,
    /// What a refresh brought, whole: it replaces the entries when its order is computed.
    pub(super) fresh: Option<(Generation, Arc<Vec<Entry>>)>,
    /// Facts of these indices are those from before a refresh.
    pub(super) outdated: Bits,
    /// The order that is being computed elsewhere: its request and the number of entries it covers.
    pub(super) sorting: Option<(Generation, usize)>,
    /// What is being computed is out of date already.
    pub(super) sort_again: bool,
    /// Facts were asked for these indices.
    pub(super) asked: Bits,
    /// Names whose facts were asked for and did not come yet.
    pub(super) awaited: HashMap<Box<[u8]>, u32>,
}

/// How far a listing is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing {
    /// Entries still come.
    Loading {
        /// When it was ordered, since the program started.
        since: Duration,
        /// Entries so far.
        count: usize,
    },
    /// All entries are there.
    Complete,
    /// It could not be listed, or not whole.
    Failed(Advice),
}

/// What an operation is to work on, taken when it is asked for.
pub(in crate::app) struct Selection {
    pub(in crate::app) names: Vec<EntryName>,
    pub(in crate::app) bytes: u64,
    pub(in crate::app) folders: usize,
}

impl Folder {
    pub(super) fn new(place: Place, dir: FilePath, sort: Sort, show_hidden: bool) -> Self {
        Self {
            place,
            dir,
            listing: Listing::Complete,
            sort,
            show_hidden,
            filter: String::new(),
            stale: None,
            range: None,
            entries: Arc::default(),
            order: Vec::new(),
            marks: Marks::default(),
            cursor: 0,
            top: 0,
            moved: false,
            wanted: None,
            listing_generation: Generation::default(),
            entries_generation: Generation::default(),
            incoming: None,
            sorting: None,
            sort_again: false,
            asked: Bits::default(),
            fresh: None,
            outdated: Bits::default(),
            awaited: HashMap::new(),
        }
    }

    /// How many rows it has, filter and hidden names left out.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// All entries, shown or not, as listed.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry in `row`, and whether it is marked.
    pub fn row(&self, row: usize) -> Option<(&Entry, bool)> {
        let index = *self.order.get(row)?;
        Some((self.entries.get(index as usize)?, self.marks.contains(index)))
    }

    /// The entry under the cursor.
    pub fn current(&self) -> Option<&Entry> {
        self.row(self.cursor).map(|(entry, _)| entry)
    }

    /// The row under the cursor.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// The first row on the screen.
    pub fn top(&self) -> usize {
        self.top
    }

    /// Marks, with their count and sum.
    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    /// Whether entries still come.
    pub fn is_loading(&self) -> bool {
        matches!(self.listing, Listing::Loading { .. })
    }

    /// Whether it waits for the answer to this request.
    pub(super) fn expects(&self, generation: Generation) -> bool {
        let sorting = self.sorting.map(|(request, _)| request);
        self.listing_generation == generation || self.entries_generation == generation || sorting == Some(generation)
    }

    pub(in crate::app) fn move_to(&mut self, row: usize) {
        self.cursor = row.min(self.len().saturating_sub(1));
        self.moved = true;
        self.wanted = None;
    }

    pub(in crate::app) fn move_by(&mut self, rows: isize) {
        self.move_to(self.cursor.saturating_add_signed(rows));
    }

    /// Moves the first row so that the cursor is on a screen of `rows`.
    pub(super) fn scroll(&mut self, rows: usize) {
        let rows = rows.max(1);
        self.cursor = self.cursor.min(self.len().saturating_sub(1));
        self.top = self.top.min(self.cursor).max((self.cursor + 1).saturating_sub(rows)).min(self.len().saturating_sub(rows));
    }

    /// Marks or unmarks the entry in `row`; the error says why its name cannot be used.
    pub(in crate::app) fn toggle(&mut self, row: usize) -> Result<(), String> {
        let Some(&index) = self.order.get(row) else { return Ok(()) };
        let entry = &self.entries[index as usize];
        let marked = !self.marks.contains(index);
        self.marks.set(index, entry, marked).map_err(|why| format!("{} cannot be used: {why}", entry.display_name()))
    }

    /// Sets the mark of every shown entry to what `wanted` says of it and its mark. Unsafe names are passed over.
    pub(in crate::app) fn mark_where(&mut self, rows: std::ops::Range<usize>, wanted: impl Fn(&Entry, bool) -> bool) {
        let rows = rows.start.min(self.order.len())..rows.end.min(self.order.len());
        for &index in &self.order[rows] {
            let entry = &self.entries[index as usize];
            let marked = wanted(entry, self.marks.contains(index));
            // An unsafe name stays unmarked: that is what marking in bulk means for it.
            let _ = self.marks.set(index, entry, marked);
        }
    }

    pub(in crate::app) fn take_marks(&mut self) -> Marks {
        std::mem::take(&mut self.marks)
    }

    /// Puts marks back that were taken, if the entries are still the same.
    pub(in crate::app) fn restore_marks(&mut self, marks: Marks, of: Generation) {
        if self.entries_generation == of {
            self.marks = marks;
        }
    }

    pub(in crate::app) fn entries_generation(&self) -> Generation {
        self.entries_generation
    }

    /// What an operation works on: the marked entries that are shown, else the one under the cursor. What a filter hides is never
    /// operated on. The error says why there is nothing.
    pub(in crate::app) fn selection(&self) -> Result<Selection, String> {
        let mut chosen: Vec<&Entry> =
            self.order.iter().filter(|&&index| self.marks.contains(index)).map(|&index| &self.entries[index as usize]).collect();
        if chosen.is_empty() {
            if self.marks.count() > 0 {
                return Err("all marked entries are hidden by the filter".to_owned());
            }
            chosen.extend(self.current());
        }
        let mut names = Vec::with_capacity(chosen.len());
        for entry in &chosen {
            names.push(entry.name().map_err(|why| format!("{} cannot be used: {why}", entry.display_name()))?);
        }
        if names.is_empty() {
            return Err("there is nothing to work on".to_owned());
        }
        let bytes = chosen.iter().fold(0_u64, |sum, entry| sum.saturating_add(file_bytes(entry)));
        let folders = chosen.iter().filter(|entry| entry.kind == Kind::Dir).count();
        Ok(Selection { names, bytes, folders })
    }

    /// Goes to the next (or previous) row whose name contains `text`, around the end. Says whether there is one.
    pub(in crate::app) fn find(&mut self, text: &str, forward: bool) -> bool {
        let needle = text.to_lowercase();
        let rows = self.len();
        let hit = (1..=rows)
            .map(|step| if forward { (self.cursor + step) % rows } else { (self.cursor + rows - step) % rows })
            .find(|&row| self.row(row).is_some_and(|(entry, _)| lossy_lower(entry).contains(&needle)));
        if let Some(row) = hit {
            self.move_to(row);
        }
        hit.is_some()
    }

    /// The name under the cursor, for coming back to it.
    pub(super) fn current_name(&self) -> Option<Box<[u8]>> {
        self.current().map(|entry| entry.raw_name().into())
    }

    /// Takes a new set of entries in place of the old one, with marks and cursor on the same names.
    pub(super) fn replace_entries(&mut self, entries: Arc<Vec<Entry>>) {
        if self.wanted.is_none() && self.moved {
            self.wanted = self.current_name();
        }
        let old = std::mem::replace(&mut self.entries, entries);
        self.order.clear();
        self.asked = Bits::default();
        self.outdated = Bits::default();
        self.awaited.clear();
        self.keep_facts(&old);
        let marks = std::mem::take(&mut self.marks);
        if marks.count() > 0 {
            let names: HashSet<&[u8]> =
                (0..old.len() as u32).filter(|&index| marks.contains(index)).map(|index| old[index as usize].raw_name()).collect();
            for (index, entry) in self.entries.iter().enumerate() {
                if names.contains(entry.raw_name()) {
                    // A name that became unusable loses its mark.
                    let _ = self.marks.set(index as u32, entry, true);
                }
            }
        }
        self.range = None;
        self.fresh = None;
        self.sorting = None;
        self.sort_again = false;
    }

    /// Until new facts come the old ones are shown, so that a refresh neither flickers nor reorders. Not worth the time in a large folder.
    fn keep_facts(&mut self, old: &[Entry]) {
        if self.entries.len() > INLINE || old.len() > INLINE || !self.entries.iter().any(lacks_facts) {
            return;
        }
        let known: HashMap<&[u8], &Entry> = old.iter().filter(|entry| !lacks_facts(entry)).map(|entry| (entry.raw_name(), entry)).collect();
        for (index, entry) in Arc::make_mut(&mut self.entries).iter_mut().enumerate() {
            if lacks_facts(entry)
                && let Some(before) = known.get(entry.raw_name()).filter(|before| before.kind == entry.kind)
            {
                *entry = (*before).clone();
                self.outdated.insert(index as u32);
            }
        }
    }

    /// Takes an order; the cursor stays on its entry, or goes to the wanted name.
    pub(super) fn set_order(&mut self, order: Vec<u32>) {
        let current = self.order.get(self.cursor).copied();
        self.order = order;
        self.range = None;
        if self.moved
            && let Some(row) = current.and_then(|index| self.order.iter().position(|&at| at == index))
        {
            self.cursor = row;
        }
        self.seek(0);
    }

    /// Puts the cursor on the wanted name if it is in row `from` or below.
    pub(super) fn seek(&mut self, from: usize) {
        let Some(wanted) = &self.wanted else { return };
        if let Some(row) = self.order.iter().skip(from).position(|&index| self.entries[index as usize].raw_name() == &**wanted) {
            self.cursor = from + row;
            self.moved = true;
            self.wanted = None;
        }
    }
}

/// Whether a listing brought a name only.
pub(super) fn lacks_facts(entry: &Entry) -> bool {
    entry.size.is_none() && entry.modified.is_none() && entry.details.is_none() && entry.kind != Kind::Unparsed
}

/// A name for comparing without regard to case.
pub(in crate::app) fn lossy_lower(entry: &Entry) -> String {
    String::from_utf8_lossy(entry.raw_name()).to_lowercase()
}
