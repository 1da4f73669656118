//! What the core wants done: orders to the runtime, which starts them and never waits.

use std::sync::Arc;

use super::message::{Generation, Side};
use crate::engine::{JobId, JobSpec, Place, SessionId};
use crate::model::site::ParsedUrl;
use crate::model::sort::Sort;
use crate::model::{Entry, EntryName, FilePath};
use crate::secrets::Secret;

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
    /// Stop a job.
    CancelJob(JobId),
    /// Forget jobs that ended.
    ClearJobs,
    /// Put text on the person's clipboard (OSC 52).
    Clipboard(String),
    /// Suspend the program (SIGTSTP), the terminal restored meanwhile.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// End the program.
    Quit,
}
