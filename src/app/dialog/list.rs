//! Dialogs that are lists to choose from or to read.

use crate::app::input::Input;
use crate::app::message::Side;
use crate::model::sort::SortKey;

/// By what to sort; Enter or the letter chooses, the current one again reverses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortDialog {
    /// Which pane.
    pub side: Side,
    /// The row under the cursor, in [`SortDialog::ROWS`].
    pub cursor: usize,
}

impl SortDialog {
    /// The letter, the key and its name.
    pub const ROWS: [(char, SortKey, &'static str); 5] = [
        ('n', SortKey::Name, "name"),
        ('e', SortKey::Extension, "extension"),
        ('s', SortKey::Size, "size"),
        ('m', SortKey::Modified, "modified"),
        ('u', SortKey::Unsorted, "unsorted, as listed"),
    ];
}

/// All keys; what is typed narrows them.
pub struct HelpDialog {
    /// Narrows the rows.
    pub input: Input,
    /// The first row shown.
    pub scroll: usize,
}

/// All actions by name; what is typed narrows them.
pub struct PaletteDialog {
    /// Narrows the rows.
    pub input: Input,
    /// The row under the cursor.
    pub cursor: usize,
}

/// The jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransfersDialog {
    /// The job under the cursor.
    pub cursor: usize,
}
