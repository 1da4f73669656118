//! What follows from a key in a dialog, and what a dialog wants done.

use std::path::PathBuf;
use std::sync::Arc;

use super::{ClientRow, ExportForm, ForgetDialog, MessageDialog, Purpose, StopDialog};
use crate::app::action::Action;
use crate::app::effect::{ClientsOrder, Effect, FileContent, LedgerOrder, SecretWork, SitesOrder};
use crate::app::message::Side;
use crate::ask::{ConflictAnswer, TrustAnswer};
use crate::config::sites::SiteEntry;
use crate::engine::sync::{CompareOrder, Plan};
use crate::engine::{IdentityOrder, IdentityRow, Place};
use crate::model::FilePath;
use crate::model::site::ParsedUrl;
use crate::model::sort::SortKey;
use crate::secrets::{Label, Secret};
use crate::trust::Evidence;
use crate::trust::ledger::Row;

/// What follows from a key.
pub(in crate::app) enum Next {
    /// Nothing more.
    Stay,
    /// The dialog closes with the safe answer.
    Close,
    /// The question is answered and the dialog closes.
    Answer(Answer),
    /// The dialog closes and this is done.
    Finish(Command),
    /// This is done, the dialog stays.
    Do(Command),
}

/// An answer to a question; it must fit the dialog.
pub(in crate::app) enum Answer {
    Trust(TrustAnswer),
    Conflict(ConflictAnswer),
    /// What stands in the inputs.
    Typed,
}

/// What a dialog wants done.
pub(in crate::app) enum Command {
    Connect {
        side: Side,
        url: ParsedUrl,
        password: Option<Secret>,
    },
    ConnectSite {
        side: Side,
        entry: Box<SiteEntry>,
    },
    ThisMachine(Side),
    Effect(Effect),
    Submit(crate::engine::JobSpec),
    Pattern {
        side: Side,
        mark: bool,
        text: String,
    },
    Filter {
        side: Side,
        text: String,
    },
    Sort {
        side: Side,
        key: SortKey,
    },
    Perform(Action),
    Report(Box<MessageDialog>),
    AskToStop(StopDialog),
    OpenFolder(Place, FilePath),
    InspectConnection,
    InspectRow(Box<Row>),
    CheckRevocation(Box<Evidence>),
    Export(Vec<ExportForm>),
    ExportLedger,
    ImportLedger,
    WriteFile {
        path: FilePath,
        content: FileContent,
    },
    Ledger(LedgerOrder),
    Forget(Box<Row>),
    Repin(Box<Row>),
    Retry(Side),
    RetryEvery {
        side: Side,
        minutes: u32,
    },
    Identities(IdentityOrder),
    IdentityForm(Purpose),
    InspectIdentity(Box<IdentityRow>),
    RemoveIdentity(Box<IdentityRow>),
    InstallSshKey {
        file: PathBuf,
        is_locked: bool,
    },
    Secrets(SecretWork, Option<Secret>),
    ForgetSecret(Label),
    Sites(SitesOrder),
    NewSite {
        folder: String,
    },
    EditSite(Box<SiteEntry>),
    DuplicateSite(Box<SiteEntry>),
    RemoveSite(Box<SiteEntry>),
    Clients(ClientsOrder),
    ChooseAuthority,
    InspectClient(Box<ClientRow>),
    Ask(Box<ForgetDialog>),
    /// Stop all jobs, and quit.
    StopAndQuit,
    Compare(Box<CompareOrder>),
    AskToSynchronise,
    Synchronise {
        plan: Arc<Plan>,
        places: [Place; 2],
    },
}
