//! A pane: a folder of one place, the list of sites, or a connection in the making.

mod folder;
mod listing;
mod marks;

pub use folder::{Folder, Listing};
pub(super) use folder::{Selection, lossy_lower};
pub(super) use listing::{Generations, Orders};
pub use marks::Marks;

use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Advice, Place, Refusal};
use crate::model::site::ParsedUrl;
use crate::model::sort::Sort;
use crate::model::{Entry, FilePath};
use crate::secrets::Secret;

use super::message::Generation;

/// One of the two panes.
pub struct Pane {
    /// What it shows.
    pub face: Face,
    /// The folder it shows, or returns to.
    pub folder: Option<Folder>,
    /// Rows its list has on the screen.
    pub rows: usize,
    /// How its folders are ordered.
    pub sort: Sort,
    /// Whether its folders show names that begin with a dot.
    pub show_hidden: bool,
    /// The text last filtered by, for finding the next.
    pub(super) searched: String,
    /// The connection being made; answers to older requests are dropped.
    pub(super) connecting: Generation,
    /// Where the cursor was in the list of sites.
    pub(super) site_cursor: usize,
    /// The folder before, until the one being listed turned out to be listable.
    pub(super) previous: Option<Folder>,
    pub(super) back: Vec<Spot>,
    pub(super) forward: Vec<Spot>,
}

/// What a pane shows.
#[derive(Clone)]
pub enum Face {
    /// [`Pane::folder`].
    Folder,
    /// The list of sites; see [`super::App::site_rows`].
    Sites {
        /// The row under the cursor.
        cursor: usize,
    },
    /// A connection in the making.
    Connecting {
        /// Where to.
        url: ParsedUrl,
        /// When it began, since the program started.
        since: Duration,
        /// A password that is known already.
        password: Option<Secret>,
        /// It is tried this often until the server takes our certificate.
        retry: Option<Duration>,
    },
    /// A connection that could not be made. Enter tries again, Esc goes back.
    Failed {
        /// Where to.
        url: ParsedUrl,
        /// Why, and what to do.
        advice: Advice,
        /// A password that is known already.
        password: Option<Secret>,
        /// What the server says of our certificate, if that is why.
        refusal: Option<Box<Refusal>>,
        /// When it is tried again by itself.
        retry: Option<Retry>,
    },
}

/// A connection that is tried again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often.
    pub every: Duration,
    /// When next, since the program started.
    pub at: Duration,
}

/// A row of the list of sites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiteRow {
    /// A site, by its place in [`super::App::sites`].
    Site(usize),
    /// Type a URL.
    Url,
    /// A folder of this machine.
    ThisMachine,
}

/// A folder the pane was in, and the name the cursor was on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) place: Place,
    pub(super) dir: FilePath,
    pub(super) name: Option<Box<[u8]>>,
}

/// How many folders a pane remembers in each direction.
const HISTORY: usize = 100;

impl Pane {
    pub(super) fn new(sort: Sort, show_hidden: bool) -> Self {
        Self {
            face: Face::Sites { cursor: 0 },
            folder: None,
            rows: 20,
            sort,
            show_hidden,
            searched: String::new(),
            connecting: Generation::default(),
            site_cursor: 0,
            previous: None,
            back: Vec::new(),
            forward: Vec::new(),
        }
    }

    /// The folder, if that is what the pane shows.
    pub fn shown_folder(&self) -> Option<&Folder> {
        self.folder.as_ref().filter(|_| matches!(self.face, Face::Folder))
    }

    pub(super) fn shown_folder_mut(&mut self) -> Option<&mut Folder> {
        self.folder.as_mut().filter(|_| matches!(self.face, Face::Folder))
    }

    /// Whether it shows, or returns to, this session.
    pub(super) fn uses(&self, place: Place) -> bool {
        self.folder.iter().chain(&self.previous).any(|folder| folder.place == place)
    }

    /// Whether it connects or lists.
    pub fn is_waiting(&self) -> bool {
        matches!(self.face, Face::Connecting { .. }) || self.folder.as_ref().is_some_and(Folder::is_loading)
    }

    /// Whether it waits for the answer to this request.
    pub(super) fn expects(&self, generation: Generation) -> bool {
        // The number of no request: what was given up.
        generation != Generation::default()
            && (self.connecting == generation || self.folder.as_ref().is_some_and(|folder| folder.expects(generation)))
    }

    /// The folder of this machine it was in last.
    pub(super) fn last_local(&self) -> Option<FilePath> {
        let here = self.folder.as_ref().map(|folder| (folder.place, &folder.dir));
        let before = self.back.iter().rev().map(|spot| (spot.place, &spot.dir));
        here.into_iter().chain(before).find(|(place, _)| *place == Place::Local).map(|(_, dir)| dir.clone())
    }

    fn spot(&self) -> Option<Spot> {
        self.folder.as_ref().map(|folder| Spot { place: folder.place, dir: folder.dir.clone(), name: folder.current_name() })
    }

    /// Goes to a folder; it can be gone back from.
    pub(super) fn go(&mut self, place: Place, dir: FilePath, cursor_on: Option<Box<[u8]>>, now: Duration, orders: &mut Orders<'_>) {
        if let Some(spot) = self.spot() {
            self.back.push(spot);
            if self.back.len() > HISTORY {
                self.back.remove(0);
            }
        }
        self.forward.clear();
        self.open(Spot { place, dir, name: cursor_on }, now, orders);
    }

    /// Goes back (or forward) to the last spot for which `exists` says that its place still stands. Says whether there is one.
    pub(super) fn travel(&mut self, back: bool, exists: impl Fn(Place) -> bool, now: Duration, orders: &mut Orders<'_>) -> bool {
        let here = self.spot();
        let (from, to) = if back { (&mut self.back, &mut self.forward) } else { (&mut self.forward, &mut self.back) };
        while let Some(spot) = from.pop() {
            if exists(spot.place) {
                to.extend(here);
                self.open(spot, now, orders);
                return true;
            }
        }
        false
    }

    fn open(&mut self, spot: Spot, now: Duration, orders: &mut Orders<'_>) {
        let mut folder = Folder::new(spot.place, spot.dir, self.sort, self.show_hidden);
        folder.wanted = spot.name;
        folder.list(false, now, orders);
        if let Some(old) = self.folder.replace(folder)
            && !old.is_loading()
        {
            self.previous = Some(old);
        }
        self.face = Face::Folder;
    }

    /// Lists the folder again, the cursor on its name or on `cursor_on` once that is there.
    pub(super) fn refresh(&mut self, cursor_on: Option<Box<[u8]>>, now: Duration, orders: &mut Orders<'_>) {
        let Some(folder) = &mut self.folder else { return };
        if cursor_on.is_some() {
            folder.wanted = cursor_on;
        }
        // What never came cannot be kept until something better is there.
        let keep = !matches!(folder.listing, Listing::Failed(_)) && (folder.incoming.is_some() || !folder.is_loading());
        if !keep {
            folder.replace_entries(Arc::default());
        }
        folder.list(keep, now, orders);
    }

    pub(super) fn listed(&mut self, generation: Generation, batch: Vec<Entry>) -> bool {
        self.folder.as_mut().is_some_and(|folder| folder.listed(generation, batch))
    }

    /// The listing ended. Where nothing of a new folder could be read, the pane shows the one before and answers why.
    pub(super) fn listing_ended(
        &mut self,
        generation: Generation,
        result: Result<(), Advice>,
        orders: &mut Orders<'_>,
    ) -> (bool, Option<Advice>) {
        let Some(folder) = &mut self.folder else { return (false, None) };
        if !folder.listing_ended(generation, result, orders) {
            return (false, None);
        }
        let failed = match &folder.listing {
            Listing::Failed(advice) => Some(advice.clone()),
            _ => folder.stale.clone(),
        };
        if failed.is_none() || !self.return_to_previous() {
            self.previous = None;
        }
        (true, failed)
    }

    /// Stops a listing on the screen: the folder before comes back, or what came so far stays.
    pub(super) fn stop_listing(&mut self) {
        let Some(folder) = self.folder.as_mut().filter(|folder| folder.is_loading()) else { return };
        let stopped = Advice {
            what: format!("listing of {} was stopped", folder.dir.display()),
            why: String::new(),
            next: "press R to read it again".to_owned(),
            intended: true,
        };
        folder.listing_generation = Generation::default();
        if folder.incoming.take().is_some() {
            folder.listing = Listing::Complete;
            folder.stale = Some(stopped);
        } else {
            folder.listing = Listing::Failed(stopped);
            self.return_to_previous();
        }
    }

    /// Shows the folder before, if there is nothing of this one.
    fn return_to_previous(&mut self) -> bool {
        if self.folder.as_ref().is_some_and(|folder| folder.entries().is_empty())
            && let Some(previous) = self.previous.take()
        {
            let spot = Spot { place: previous.place, dir: previous.dir.clone(), name: None };
            if self.back.last().is_some_and(|last| last.place == spot.place && last.dir == spot.dir) {
                self.back.pop();
            }
            self.folder = Some(previous);
            return true;
        }
        false
    }

    pub(super) fn sorted(&mut self, generation: Generation, order: Vec<u32>, orders: &mut Orders<'_>) -> bool {
        self.folder.as_mut().is_some_and(|folder| folder.sorted(generation, order, orders))
    }

    pub(super) fn statted(&mut self, generation: Generation, facts: Vec<Entry>, orders: &mut Orders<'_>) -> bool {
        self.folder.as_mut().is_some_and(|folder| folder.statted(generation, facts, orders))
    }

    /// Brings the cursor onto the screen and asks for facts of what is there.
    pub(super) fn settle(&mut self, orders: &mut Orders<'_>) {
        let rows = self.rows;
        let shown = matches!(self.face, Face::Folder);
        if let Some(folder) = &mut self.folder {
            folder.scroll(rows);
            if shown {
                folder.want_visible_facts(rows, orders);
            }
        }
    }
}
