//! What will be done, before it is done. Bound to places and names when it opens, never to what a pane shows later.

use crate::app::input::Input;
use crate::engine::JobSpec;

/// Copy or move.
pub struct TransferDialog {
    /// What will be ordered; target folder and new name come from the inputs.
    pub spec: JobSpec,
    /// The place it comes from, in words: `this machine`, `ftpes://user@host`.
    pub from: String,
    /// The place it goes to, in words.
    pub to: String,
    /// Bytes of the files among the items, as far as known.
    pub bytes: u64,
    /// How many of the items are folders (their contents are not counted yet).
    pub folders: usize,
    /// The target folder; may be changed.
    pub target: Input,
    /// The new name, for a single item.
    pub name: Option<Input>,
    /// What keys go to.
    pub focus: TransferField,
    /// What is wrong with the inputs, once Enter was pressed.
    pub error: Option<String>,
}

/// What keys go to in a [`TransferDialog`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferField {
    /// The target folder.
    Target,
    /// The new name.
    Name,
    /// The button that starts it.
    Start,
    /// The button that does not.
    Cancel,
}

/// Delete. Only `y`, or the button after moving to it, does it.
pub struct DeleteDialog {
    /// What will be ordered.
    pub spec: JobSpec,
    /// The place, in words.
    pub place: String,
    /// Bytes of the files among the items, as far as known.
    pub bytes: u64,
    /// How many of the items are folders; they go whole.
    pub folders: usize,
    /// Enter deletes; begins with no.
    pub delete_focused: bool,
}

/// Quit while jobs run? Only `y`, or the button after moving to it, stops them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuitDialog {
    /// How many jobs run or wait.
    pub jobs: usize,
    /// Enter quits; begins with no.
    pub quit_focused: bool,
}
