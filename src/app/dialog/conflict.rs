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
    /// For how long the answer holds; Space changes it. A capital letter holds for the rest of the job by itself.
    pub scope: Scope,
    /// No key counts before this, since the program started.
    pub deaf_until: Duration,
}

/// A button: its letter, what it does, its name with the letter in brackets.
type Button = (char, ConflictAction, &'static str);

impl ConflictDialog {
    const BUTTONS: [Button; 10] = [
        ('s', ConflictAction::Skip, "[S]kip"),
        ('o', ConflictAction::Overwrite, "[O]verwrite"),
        ('r', ConflictAction::Rename, "[R]ename"),
        ('a', ConflictAction::DateName, "[A]dd date"),
        ('c', ConflictAction::Resume, "[C]ontinue it"),
        ('n', ConflictAction::Newer, "if [N]ewer"),
        ('l', ConflictAction::Larger, "if [L]arger"),
        ('t', ConflictAction::DateDiffers, "if [T]ime differs"),
        ('z', ConflictAction::SizeDiffers, "if si[Z]e differs"),
        ('d', ConflictAction::Differs, "if either [D]iffers"),
    ];

    pub(super) fn new(ask: Ask<ConflictQuestion, ConflictAnswer>, deaf_until: Duration) -> Self {
        Self { ask, focus: ConflictAction::Skip, scope: Scope::This, deaf_until }
    }

    /// The buttons that make sense here, in their order.
    pub fn buttons(&self) -> impl Iterator<Item = Button> + '_ {
        Self::BUTTONS.into_iter().filter(|(_, action, _)| self.ask.about.offers(*action))
    }

    pub(super) fn key(&mut self, key: Key, now: Duration) -> Next {
        if now < self.deaf_until {
            return Next::Stay;
        }
        let answer = |action, scope| Next::Answer(Answer::Conflict(ConflictAnswer { action, scope }));
        if let Some(character) = letter(key) {
            if let Some((_, action, _)) = self.buttons().find(|(known, ..)| *known == character.to_ascii_lowercase()) {
                return answer(action, if character.is_ascii_uppercase() { Scope::RestOfJob } else { self.scope });
            }
            if character == ' ' {
                self.scope = match self.scope {
                    Scope::This => Scope::Alike,
                    Scope::Alike => Scope::RestOfJob,
                    Scope::RestOfJob => Scope::This,
                };
            }
            return Next::Stay;
        }
        match key.code {
            KeyCode::Esc => return Next::Close,
            KeyCode::Enter => return answer(self.focus, self.scope),
            _ => {
                if let Some(forward) = focus_step(key) {
                    let ring: Vec<_> = self.buttons().map(|(_, action, _)| action).collect();
                    self.focus = neighbour(&ring, self.focus, forward);
                }
            }
        }
        Next::Stay
    }
}
