//! What stands over the panes and takes the keys: plain data, one variant a dialog. Esc always gives the safe answer.

mod confirm;
mod conflict;
mod connect;
mod facts;
mod line;
mod list;
mod prompt;
mod trust;

pub use confirm::{DeleteDialog, QuitDialog, TransferDialog, TransferField};
pub use conflict::ConflictDialog;
pub use connect::ConnectDialog;
pub use facts::{FactsDialog, MessageDialog};
pub use line::{FilterDialog, MakeDirDialog, PatternDialog, RenameDialog};
pub use list::{HelpDialog, PaletteDialog, SortDialog, TransfersDialog};
pub use prompt::{InteractiveDialog, SecretDialog};
pub use trust::{Comparison, TrustDialog, TrustMode};

/// A dialog with all its state.
pub enum Dialog {
    /// Is this certificate or host key the right one?
    Trust(Box<TrustDialog>),
    /// A password or passphrase.
    Secret(SecretDialog),
    /// The server's own prompts.
    Interactive(InteractiveDialog),
    /// A file is in the way.
    Conflict(ConflictDialog),
    /// Where to connect.
    Connect(ConnectDialog),
    /// Copy or move, before it starts.
    Transfer(Box<TransferDialog>),
    /// Delete, before it starts.
    Delete(DeleteDialog),
    /// The name of a new folder.
    MakeDir(MakeDirDialog),
    /// A new name.
    Rename(RenameDialog),
    /// Mark or unmark by pattern.
    Pattern(PatternDialog),
    /// The filter line at the foot of a pane; the list follows while it is typed.
    Filter(FilterDialog),
    /// By what to sort.
    Sort(SortDialog),
    /// Label and value in rows: an entry, a connection.
    Facts(FactsDialog),
    /// All keys.
    Help(HelpDialog),
    /// All actions by name.
    Palette(PaletteDialog),
    /// The jobs.
    Transfers(TransfersDialog),
    /// Quit while jobs run?
    Quit(QuitDialog),
    /// What happened, why, what to do next.
    Message(MessageDialog),
}
