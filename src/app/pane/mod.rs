//! A pane: a folder of one place, the list of sites, or a connection in the making.

mod folder;
mod marks;

pub use folder::{Folder, Listing};
pub use marks::Marks;

use std::time::Duration;

use crate::engine::Advice;
use crate::model::site::ParsedUrl;

use super::message::Generation;

/// One of the two panes.
pub struct Pane {
    /// What it shows.
    pub face: Face,
    /// The folder it shows, or returns to.
    pub folder: Option<Folder>,
    /// Rows its list has on the screen.
    pub rows: usize,
    /// The last request; answers to older ones are dropped.
    pub(super) generation: Generation,
}

/// What a pane shows.
#[derive(Clone)]
pub enum Face {
    /// [`Pane::folder`].
    Folder,
    /// The list of [`super::App::sites`]: the sites, then [`SiteRow::Url`], then [`SiteRow::ThisMachine`].
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
    },
    /// A connection that could not be made. Enter tries again, Esc goes back.
    Failed {
        /// Where to.
        url: ParsedUrl,
        /// Why, and what to do.
        advice: Advice,
    },
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
