//! The whole state of the screen, and the one function that changes it.

use std::collections::{BTreeMap, VecDeque};

use crate::ask::Question;
use crate::engine::{Advice, Place, SessionFacts, SessionId};
use crate::model::FilePath;
use crate::model::sort::Sort;

use super::dialog::Dialog;
use super::key::Key;
use super::message::{Moment, Side, SiteChoice};
use super::notice::Notice;
use super::pane::Pane;
use super::transfers::Transfers;

/// The whole state of the screen.
pub struct App {
    /// Left and right; see [`App::pane`].
    pub panes: [Pane; 2],
    /// Which pane keys go to.
    pub focus: Side,
    /// Open dialogs; keys go to the last, which is drawn on top.
    pub dialogs: Vec<Dialog>,
    /// Questions that wait until the one on the screen is answered.
    pub waiting: VecDeque<Question>,
    /// Running and ended jobs.
    pub transfers: Transfers,
    /// What just happened.
    pub notice: Option<Notice>,
    /// Sites to choose from.
    pub sites: Vec<SiteChoice>,
    /// Connected sites.
    pub sessions: BTreeMap<SessionId, Session>,
    /// Keys pressed so far of a sequence such as `gg`.
    pub pending: Vec<Key>,
    /// The box of first keys is shown.
    pub hint: bool,
    /// Cells of the terminal: columns, rows.
    pub size: (u16, u16),
    /// The time of the last message.
    pub now: Moment,
    pub(super) options: Options,
    pub(super) urls: Vec<String>,
}

/// A connected site.
pub struct Session {
    /// What was connected.
    pub facts: SessionFacts,
    /// Why the line is broken, while it is.
    pub lost: Option<Advice>,
}

/// What the program was started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of this machine a pane goes to when it has no other.
    pub home: FilePath,
    /// How folders are ordered at first.
    pub sort: Sort,
    /// Whether names that begin with a dot are shown at first.
    pub show_hidden: bool,
    /// Show the box of first keys.
    pub hint: bool,
}

impl App {
    /// The pane on `side`.
    pub fn pane(&self, side: Side) -> &Pane {
        &self.panes[side as usize]
    }

    /// The dialog that takes the keys.
    pub fn dialog(&self) -> Option<&Dialog> {
        self.dialogs.last()
    }

    /// The connected site behind `place`; `None` for this machine.
    pub fn session(&self, place: Place) -> Option<&Session> {
        match place {
            Place::Local => None,
            Place::Remote(id) => self.sessions.get(&id),
        }
    }
}
