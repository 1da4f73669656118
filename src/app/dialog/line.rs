//! Dialogs of one line.

use crate::app::input::Input;
use crate::app::message::Side;
use crate::engine::Place;
use crate::model::{EntryName, FilePath};

/// The name of a new folder.
pub struct MakeDirDialog {
    /// On which side.
    pub place: Place,
    /// In which folder.
    pub dir: FilePath,
    /// The name.
    pub input: Input,
    /// What is wrong with it, once Enter was pressed.
    pub error: Option<String>,
}

/// A new name.
pub struct RenameDialog {
    /// On which side.
    pub place: Place,
    /// In which folder.
    pub dir: FilePath,
    /// The name it has.
    pub name: EntryName,
    /// The new name.
    pub input: Input,
    /// What is wrong with it, once Enter was pressed.
    pub error: Option<String>,
}

/// Mark or unmark by pattern: `*` any text, `?` any character; without either, names that contain it.
pub struct PatternDialog {
    /// In which pane.
    pub side: Side,
    /// Mark, or unmark.
    pub mark: bool,
    /// The pattern.
    pub input: Input,
}

/// The filter line at the foot of a pane.
pub struct FilterDialog {
    /// Of which pane.
    pub side: Side,
    /// The text; names that contain it are shown.
    pub input: Input,
    /// What it was before; Esc brings it back.
    pub(super) before: String,
}
