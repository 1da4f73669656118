//! Dialogs that only tell: facts in rows, and messages.

use crate::engine::{Advice, FileFailure};

/// Label and value in rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactsDialog {
    /// Over the rows.
    pub title: String,
    /// Label and value, made safe to draw. An empty value makes the label a heading.
    pub rows: Vec<(String, String)>,
    /// The first row shown.
    pub scroll: usize,
}

/// What happened, why, what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageDialog {
    /// In words.
    pub advice: Advice,
    /// The files that failed.
    pub failures: Vec<FileFailure>,
    /// The first line shown.
    pub scroll: usize,
}
