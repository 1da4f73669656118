//! What can happen to the core: past facts. Everything that reaches `App::update` is one of these.

use std::time::{Duration, SystemTime};

use super::key::Key;
use crate::ask::Question;
use crate::engine::{Advice, JobId, Place, Report, SessionFacts, SessionId, Snapshot};
use crate::model::site::{ParsedUrl, RemoteStart};
use crate::model::{Entry, FilePath};
use crate::secrets::Secret;
use crate::trust::Revocation;
use crate::trust::document::Document;
use crate::trust::ledger::Row;

/// Left or right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The left pane.
    Left,
    /// The right pane.
    Right,
}

/// Numbers a request of a pane, so that an answer to an older one is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Generation(pub u64);

/// The time of a message: the core has no clock of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Since the program started, never going back.
    pub since_start: Duration,
    /// The wall clock, UTC.
    pub wall: SystemTime,
}

/// What a pane shows at start.
pub enum StartPane {
    /// A local folder.
    Local(FilePath),
    /// Connect at once.
    Url(ParsedUrl),
    /// A list of sites to choose from.
    Sites(Vec<SiteChoice>),
}

/// A line in a list of sites.
#[derive(Clone)]
pub struct SiteChoice {
    /// What it is called.
    pub label: String,
    /// A remark beside it; may be empty.
    pub note: String,
    /// Where it leads.
    pub url: ParsedUrl,
    /// A password that is known already (the demo's); tried before a person is asked.
    pub password: Option<Secret>,
}

/// A message to the core.
pub enum Msg {
    /// A key was pressed.
    Key(Key),
    /// Text was pasted.
    Paste(String),
    /// The terminal has a new size, in cells.
    Resized {
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
    /// The engine asks something.
    Asked(Question),
    /// A pane's connection stands.
    Connected {
        /// Which pane asked for it.
        pane: Side,
        /// With which request.
        generation: Generation,
        /// What was connected.
        session: SessionFacts,
        /// The folder to show.
        start: FilePath,
    },
    /// A pane's connection could not be made.
    ConnectFailed {
        /// Which pane asked for it.
        pane: Side,
        /// With which request.
        generation: Generation,
        /// Why, in words.
        advice: Advice,
    },
    /// A part of a listing came.
    Listed {
        /// Which pane.
        pane: Side,
        /// With which request.
        generation: Generation,
        /// The entries, to be added to those before.
        batch: Vec<Entry>,
    },
    /// A listing is whole, or failed.
    ListingEnded {
        /// Which pane.
        pane: Side,
        /// With which request.
        generation: Generation,
        /// Whether it is whole.
        result: Result<(), Advice>,
    },
    /// An order was computed off the loop.
    Sorted {
        /// Which pane.
        pane: Side,
        /// With which request.
        generation: Generation,
        /// Indices of the shown entries, in order.
        order: Vec<u32>,
    },
    /// Facts of entries that a listing did not bring.
    Statted {
        /// Which pane.
        pane: Side,
        /// With which request.
        generation: Generation,
        /// The same names, with facts.
        entries: Vec<Entry>,
    },
    /// A single operation (make folder, rename) ended.
    OperationEnded {
        /// What is said if it worked: `made the folder x`.
        what: String,
        /// Whether it worked.
        result: Result<(), Advice>,
        /// The folders that changed.
        changed: Vec<(Place, FilePath)>,
    },
    /// A job ended.
    JobEnded {
        /// Which.
        id: JobId,
        /// What came of it.
        report: Report,
        /// The folders that changed.
        changed: Vec<(Place, FilePath)>,
    },
    /// A session's line broke (`Some`) or stands again (`None`).
    SessionLine {
        /// Which session.
        id: SessionId,
        /// Why it broke.
        lost: Option<Advice>,
    },
    /// A file was read for an inspector.
    Inspected {
        /// With which request.
        generation: Generation,
        /// What was found in it.
        result: Result<Vec<Document>, Advice>,
    },
    /// An issuer was asked about a certificate.
    RevocationChecked {
        /// With which request.
        generation: Generation,
        /// What it says.
        result: Result<Revocation, Advice>,
    },
    /// A new file was written on this machine, or not.
    FileWritten {
        /// With which request.
        generation: Generation,
        /// Where.
        path: FilePath,
        /// Whether it worked.
        result: Result<(), Advice>,
    },
    /// The ledger was worked on and read.
    LedgerRead {
        /// With which request.
        generation: Generation,
        /// What came of the work before, in words; empty if there was none.
        done: Result<String, Advice>,
        /// All of it.
        rows: Result<Vec<Row>, Advice>,
    },
    /// Something to tell that belongs to no request.
    Notice(Advice),
    /// Time passed while something runs.
    Tick(Snapshot),
    /// The program is to end (a signal).
    Quit,
}

/// How to say [`ParsedUrl::path`] once the home folder is known.
pub fn start_folder(home: &FilePath, start: &RemoteStart) -> FilePath {
    match start {
        RemoteStart::Absolute(path) => path.clone(),
        RemoteStart::Home(relative) => home.resolve(relative).unwrap_or_else(|_| home.clone()),
    }
}
