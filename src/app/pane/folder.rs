//! A folder as a pane shows it: entries, their order, cursor, marks, filter.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Advice, Place};
use crate::model::sort::Sort;
use crate::model::{Entry, FilePath};

use super::Marks;

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

impl Folder {
    /// How many rows it has, filter and hidden names left out.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// All entries, shown or not.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry in `row`, and whether it is marked.
    pub fn row(&self, row: usize) -> Option<(&Entry, bool)> {
        let index = *self.order.get(row)?;
        Some((self.entries.get(index as usize)?, self.marks.contains(index)))
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
}
