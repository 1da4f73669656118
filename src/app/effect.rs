//! What the core wants done: orders to the runtime, which starts them and never waits.

use std::sync::Arc;

use jiff::Timestamp;

use super::message::{Generation, Side};
use crate::config::sites::SiteEntry;
use crate::engine::sync::{CompareOrder, CompareProgress, Plan};
use crate::engine::{IdentityOrder, Interrupted, JobId, JobSpec, Place, QueueOrder, SessionId};
use crate::model::site::ParsedUrl;
use crate::model::sort::Sort;
use crate::model::{Endpoint, Entry, EntryName, FilePath};
use crate::secrets::{Label, Rung, Secret};
use crate::trust::ledger::Row;
use crate::trust::{Certificate, Evidence, Fingerprint, Pin};

/// What `App::update` answers.
#[derive(Default)]
pub struct Reaction {
    /// Orders, in this order.
    pub effects: Vec<Effect>,
    /// The screen is out of date.
    pub redraw: bool,
}

/// An order to the runtime.
pub enum Effect {
    /// Connect; answers `Connected` or `ConnectFailed`.
    Connect {
        /// For which pane. A connect of this pane that is still under way is cancelled.
        pane: Side,
        /// The request.
        generation: Generation,
        /// Where to.
        url: ParsedUrl,
        /// Tried before a person is asked.
        password: Option<Secret>,
    },
    /// Stop what this pane waits for (connecting, listing).
    CancelPane(Side),
    /// Let go of a session no pane shows.
    Disconnect(SessionId),
    /// List a folder; answers `Listed` and `ListingEnded`. A listing of this pane that is still under way is cancelled.
    List {
        /// For which pane.
        pane: Side,
        /// The request.
        generation: Generation,
        /// On which side.
        place: Place,
        /// Which folder.
        dir: FilePath,
    },
    /// Sort and filter off the loop; answers `Sorted`. An order of this pane that is still being computed is not needed any more.
    Sort {
        /// For which pane.
        pane: Side,
        /// The request.
        generation: Generation,
        /// What to sort.
        entries: Arc<Vec<Entry>>,
        /// How.
        sort: Sort,
        /// With names that begin with a dot.
        show_hidden: bool,
        /// Only names with this text.
        filter: String,
    },
    /// Look up facts of entries; answers `Statted`. A lookup of this pane that is still under way is cancelled.
    Stat {
        /// For which pane.
        pane: Side,
        /// The request.
        generation: Generation,
        /// On which side.
        place: Place,
        /// In which folder.
        dir: FilePath,
        /// Of which names.
        names: Vec<EntryName>,
    },
    /// Make a folder; answers `OperationEnded`.
    MakeDir {
        /// On which side.
        place: Place,
        /// Which.
        path: FilePath,
    },
    /// Rename within a folder, replacing nothing; answers `OperationEnded`.
    Rename {
        /// On which side.
        place: Place,
        /// What.
        from: FilePath,
        /// To what.
        to: FilePath,
    },
    /// Queue a job; progress comes with `Tick`, the end as `JobEnded`.
    Submit(JobSpec),
    /// Go on with what earlier runs left unfinished; answers `GoneOn`.
    GoOn(Vec<Interrupted>),
    /// Forget what earlier runs left unfinished, and remove it.
    ForgetInterrupted(Vec<Interrupted>),
    /// Stop a job.
    CancelJob(JobId),
    /// Stop all jobs.
    StopJobs,
    /// Forget jobs that ended.
    ClearJobs,
    /// Steer the queue; what comes of it is seen at the next `Tick`, which follows at once.
    Queue(QueueOrder),
    /// Read what a small file says of identities; answers `Inspected`.
    Inspect {
        /// The request.
        generation: Generation,
        /// On which side.
        place: Place,
        /// Which file.
        path: FilePath,
        /// The time to judge it by, UTC.
        now: Timestamp,
    },
    /// Ask the issuer of a peer's certificate whether it was taken back; answers `RevocationChecked`.
    CheckRevocation {
        /// The request.
        generation: Generation,
        /// Whose.
        evidence: Box<Evidence>,
    },
    /// Write a new file on this machine, replacing nothing; answers `FileWritten`.
    WriteFile {
        /// The request.
        generation: Generation,
        /// Where.
        path: FilePath,
        /// What.
        content: FileContent,
    },
    /// Work on what the person trusts, then read all of it; answers `LedgerRead`.
    Ledger {
        /// The request.
        generation: Generation,
        /// What to do first.
        order: LedgerOrder,
    },
    /// Work on the person's identities, then read all of them; answers `IdentitiesRead`.
    Identities {
        /// The request.
        generation: Generation,
        /// What to do first.
        order: IdentityOrder,
    },
    /// Work on the secrets the person keeps, then list them; answers `SecretsRead`.
    Secrets {
        /// The request.
        generation: Generation,
        /// What to do first.
        work: SecretWork,
        /// Opens the vault before.
        passphrase: Option<Secret>,
    },
    /// Work on the sites the person keeps, then read all of them; answers `SitesRead`.
    Sites {
        /// The request.
        generation: Generation,
        /// What to do first.
        order: SitesOrder,
    },
    /// Work on the lists of the server's clients, then read them; answers `ClientsRead`.
    Clients {
        /// The request.
        generation: Generation,
        /// What to do first.
        order: ClientsOrder,
    },
    /// Compare two folders; answers `Compared`.
    Compare {
        /// The request.
        generation: Generation,
        /// What, and how.
        order: Box<CompareOrder>,
        /// Tells how far it is.
        progress: Arc<CompareProgress>,
    },
    /// Carry out a plan; its jobs are told like others, the end of all as `Synchronised`.
    Synchronise {
        /// What.
        plan: Arc<Plan>,
        /// Where its two sides are.
        places: [Place; 2],
    },
    /// Stop reading, checking or writing under this number: nobody waits for it any more.
    StopLooking(Generation),
    /// Put text on the person's clipboard (OSC 52).
    Clipboard(String),
    /// Suspend the program (SIGTSTP), the terminal restored meanwhile.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// End the program.
    Quit,
}

/// What a new file holds.
#[derive(Clone, PartialEq, Eq)]
pub enum FileContent {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Every decision of the ledger, as JSON.
    Ledger,
    /// A plan, as `sealift sync --apply` reads it.
    Plan(Arc<Plan>),
}

/// Work on the sites the person keeps.
#[derive(Clone)]
pub enum SitesOrder {
    /// Only read them.
    Read,
    /// Keep this one, too.
    Add(Box<SiteEntry>),
    /// Put another in the place of one.
    Replace {
        /// What that one is called.
        name: String,
        /// The other.
        entry: Box<SiteEntry>,
    },
    /// Keep the one of this name no longer.
    Remove(String),
}

/// Work on what the person trusts.
#[derive(Clone)]
pub enum LedgerOrder {
    /// Only read it.
    Read,
    /// Trust this one no more.
    Remove(Box<Row>),
    /// Trust another identity at an endpoint, in place of the one that was trusted.
    Accept(Endpoint, Box<Pin>),
    /// Take over the decisions that were exported to a file.
    Import {
        /// On which side.
        place: Place,
        /// Which file.
        path: FilePath,
    },
}

/// Work on the secrets a person keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretWork {
    /// Only list them.
    Read,
    /// Forget this one.
    Forget(Label),
    /// Move this one to another place.
    Move(Label, Rung),
    /// Take the key of the vault out of memory.
    LockVault,
}

/// Work on the lists of the server's clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientsOrder {
    /// Only read them.
    Read,
    /// Let this client in.
    Trust(Fingerprint),
    /// Turn it away for good.
    Refuse(Fingerprint),
    /// Forget this client or authority.
    Forget(Fingerprint),
    /// Look for the certificate of an authority in a file; it is not trusted by that.
    FindAuthority {
        /// On which side.
        place: Place,
        /// Which file.
        path: FilePath,
    },
    /// Let in whoever this authority signed.
    TrustAuthority(Certificate),
}
