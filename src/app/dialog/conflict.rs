//! A file is in the way.

use std::time::Duration;

use super::{Answer, Next, focus_step, letter, neighbour};
use crate::app::key::{Key, KeyCode};
use crate::ask::{Ask, ConflictAction, ConflictAnswer, ConflictQuestion, Scope};

/// A file is in the way.
pub struct ConflictDialog {
    /// What is asked, and the way to answer.
    pub ask: Ask<ConflictQuestion, ConflictAnswer>,
    /// The button Enter presses. Begins with Skip.
    pub focus: ConflictAction,
    /// Enter's answer holds for the rest of the job; Space changes it. A capital letter does so for itself.
    pub for_all: bool,
    /// No key counts before this, since the program started.
    pub deaf_until: Duration,
}

/// Which of two files is newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newer {
    /// The file being copied.
    Source,
    /// The file in its way.
    Target,
    /// Neither, as far as known.
    Neither,
}

impl ConflictDialog {
    /// The buttons in their order, each with its letter.
    pub const BUTTONS: [(char, ConflictAction, &'static str); 4] = [
        ('s', ConflictAction::Skip, "skip"),
        ('o', ConflictAction::Overwrite, "overwrite"),
        ('r', ConflictAction::Rename, "rename"),
        ('n', ConflictAction::Newer, "newer only"),
    ];

    pub(super) fn new(ask: Ask<ConflictQuestion, ConflictAnswer>, deaf_until: Duration) -> Self {
        Self { ask, focus: ConflictAction::Skip, for_all: false, deaf_until }
    }

    /// Which file is newer, to the second: many servers know no more.
    pub fn newer(&self) -> Newer {
        let seconds = |time: Option<jiff::Timestamp>| time.map(jiff::Timestamp::as_second);
        match (seconds(self.ask.about.source.modified), seconds(self.ask.about.target.modified)) {
            (Some(source), Some(target)) if source > target => Newer::Source,
            (Some(source), Some(target)) if source < target => Newer::Target,
            _ => Newer::Neither,
        }
    }

    pub(super) fn key(&mut self, key: Key, now: Duration) -> Next {
        if now < self.deaf_until {
            return Next::Stay;
        }
        let answer = |action, all| {
            let scope = if all { Scope::RestOfJob } else { Scope::This };
            Next::Answer(Answer::Conflict(ConflictAnswer { action, scope }))
        };
        if let Some(character) = letter(key) {
            if let Some((_, action, _)) = Self::BUTTONS.iter().find(|(known, ..)| *known == character.to_ascii_lowercase()) {
                return answer(*action, self.for_all || character.is_ascii_uppercase());
            }
            if character == ' ' {
                self.for_all = !self.for_all;
            }
            return Next::Stay;
        }
        match key.code {
            KeyCode::Esc => return Next::Close,
            KeyCode::Enter => return answer(self.focus, self.for_all),
            _ => {
                if let Some(forward) = focus_step(key) {
                    self.focus = neighbour(&Self::BUTTONS.map(|(_, action, _)| action), self.focus, forward);
                }
            }
        }
        Next::Stay
    }
}
