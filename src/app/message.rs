//! What can happen to the core: past facts. Everything that reaches `App::update` is one of these.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::effect::SecretWork;
use super::key::Key;
use super::sites::SitesDone;
use crate::ask::Question;
use crate::config::sites::{SiteEntry, Sites};
use crate::engine::sync::{Plan, Staged};
use crate::engine::{
    Advice, GoneOn, IdentityFailure, IdentityRow, Interrupted, JobId, Place, Refusal, Report, SessionFacts, SessionId, Snapshot,
};
use crate::model::site::{ParsedUrl, RemoteStart};
use crate::model::{Entry, FilePath};
use crate::secrets::{KeptSecret, Secret, Standing};
use crate::server::clients::Lists;
use crate::trust::document::Document;
use crate::trust::ledger::Row;
use crate::trust::{Certificate, Revocation};

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
    /// It is one of those the person keeps.
    pub is_kept: bool,
}

impl SiteChoice {
    /// One that the person keeps.
    pub fn of(entry: &SiteEntry) -> Self {
        let note = entry.options.level.map(|level| format!("at least {}", level.name())).unwrap_or_default();
        Self { label: entry.name.to_string(), note, url: entry.url.clone(), password: None, is_kept: true }
    }
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
        /// The server wants another certificate from us, or one at all.
        refusal: Option<Box<Refusal>>,
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
    /// Earlier runs left something unfinished.
    Interrupted(Vec<Interrupted>),
    /// What earlier runs left unfinished is in the queue again, or not.
    GoneOn(GoneOn),
    /// Two folders were compared.
    Compared {
        /// With which request.
        generation: Generation,
        /// What came of it.
        result: Result<Box<Plan>, Advice>,
    },
    /// A plan was carried out, as far as it went.
    Synchronised(Box<Staged>),
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
    /// The identities were worked on and read.
    IdentitiesRead {
        /// With which request.
        generation: Generation,
        /// What came of the work before, in words; empty if there was none.
        done: Result<String, IdentityFailure>,
        /// All of them.
        rows: Result<Vec<IdentityRow>, Advice>,
    },
    /// The kept secrets were worked on and listed.
    SecretsRead {
        /// With which request.
        generation: Generation,
        /// What came of the work before.
        done: Result<SecretsDone, Advice>,
        /// All of them.
        kept: Result<KeptSecrets, Advice>,
    },
    /// The sites were worked on and read.
    SitesRead {
        /// With which request.
        generation: Generation,
        /// What came of it, and all of them.
        result: Result<(SitesDone, Arc<Sites>), Advice>,
    },
    /// The lists of the server's clients were worked on and read.
    ClientsRead {
        /// With which request.
        generation: Generation,
        /// What came of the work before.
        done: Result<ClientsDone, Advice>,
        /// All of them.
        lists: Result<Lists, Advice>,
    },
    /// Something to tell that belongs to no request.
    Notice(Advice),
    /// Time passed while something runs.
    Tick(Snapshot),
    /// The program is to end (a signal).
    Quit,
}

/// The secrets a person keeps, without the secrets.
pub struct KeptSecrets {
    /// By label.
    pub rows: Vec<KeptSecret>,
    /// Where new ones are kept.
    pub standing: Standing,
}

/// What came of work on kept secrets.
pub enum SecretsDone {
    /// In words; empty if there was nothing to do.
    Said(String),
    /// Nothing: the vault has to be opened first.
    VaultLocked(SecretWork),
}

/// What came of work on the lists of the server's clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientsDone {
    /// They were only read.
    Read,
    /// They were changed, in words.
    Changed(String),
    /// This authority is in the file; nothing was changed.
    Found(Certificate),
}

/// How to say [`ParsedUrl::path`] once the home folder is known.
pub fn start_folder(home: &FilePath, start: &RemoteStart) -> FilePath {
    match start {
        RemoteStart::Absolute(path) => path.clone(),
        RemoteStart::Home(relative) => home.resolve(relative).unwrap_or_else(|_| home.clone()),
    }
}
