//! A file is in the way.

use crate::ask::{Ask, ConflictAction, ConflictAnswer, ConflictQuestion};

/// A file is in the way.
pub struct ConflictDialog {
    /// What is asked, and the way to answer.
    pub ask: Ask<ConflictQuestion, ConflictAnswer>,
    /// The button Enter presses. Begins with Skip.
    pub focus: ConflictAction,
    /// Enter's answer holds for the rest of the job (a capital letter does so for itself).
    pub for_all: bool,
}
