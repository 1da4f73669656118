//! Dialogs that only tell: facts in rows, and messages.

use super::{MOST_LINES, Next, letter, moved};
use crate::app::key::{Key, KeyCode};
use crate::engine::{Advice, FileFailure};

/// Label and value in rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactsDialog {
    /// Over the rows.
    pub title: String,
    /// Label and value, made safe to draw. An empty value makes the label a heading.
    pub rows: Vec<(String, String)>,
    /// The first line shown.
    pub scroll: usize,
}

impl FactsDialog {
    pub(super) fn key(&mut self, key: Key) -> Next {
        read(key, &mut self.scroll)
    }
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

impl MessageDialog {
    pub(super) fn key(&mut self, key: Key) -> Next {
        read(key, &mut self.scroll)
    }
}

fn read(key: Key, scroll: &mut usize) -> Next {
    if matches!(key.code, KeyCode::Esc | KeyCode::Enter) || matches!(letter(key), Some('q')) {
        return Next::Close;
    }
    if let Some(to) = moved(key, *scroll, MOST_LINES, true) {
        *scroll = to;
    }
    Next::Stay
}
