//! The one line under the panes that tells what just happened, and what stands behind it.

use std::time::Duration;

use super::dialog::MessageDialog;
use crate::engine::{Advice, FileFailure};

/// What just happened. Stays until a key does something, or the next notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How loud.
    pub level: Level,
    /// In words; `what` is the line, the rest is shown when it is opened.
    pub advice: Advice,
    /// The files that failed, shown when it is opened.
    pub failures: Vec<FileFailure>,
    /// When it came, since the program started.
    pub since: Duration,
}

/// How loud a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// It worked, or was a person's own decision.
    Info,
    /// It did not work.
    Problem,
}

impl Notice {
    /// Whether opening it tells more than its line that is worth a hint: of what worked, only what is to be done next is.
    pub fn has_more(&self) -> bool {
        let why = self.level == Level::Problem && !self.advice.why.is_empty();
        why || !self.failures.is_empty() || !self.advice.next.is_empty()
    }

    pub(super) fn message(&self) -> MessageDialog {
        MessageDialog { advice: self.advice.clone(), failures: self.failures.clone(), scroll: 0 }
    }
}
