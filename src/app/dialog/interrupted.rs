//! What earlier runs left unfinished: go on, later, or forget it.

use std::time::Duration;

use super::{Command, Next, focus_step, letter, neighbour};
use crate::app::effect::Effect;
use crate::app::key::{Key, KeyCode};
use crate::engine::Interrupted;

/// Transfers that were interrupted. Only `f` twice, or its button twice, gives up what was moved already.
pub struct InterruptedDialog {
    /// In the order they were ordered in.
    pub jobs: Vec<Interrupted>,
    /// What Enter does.
    pub focus: InterruptedChoice,
    /// Forgetting was chosen once: once more does it.
    pub forgetting: bool,
    /// Keys pressed before, since the program started, were meant for what was there before.
    pub deaf_until: Duration,
}

/// What can be done about interrupted transfers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InterruptedChoice {
    /// Go on with all of them.
    GoOn,
    /// Ask again at the next start.
    Later,
    /// Remove what came of them.
    Forget,
}

impl InterruptedDialog {
    /// All choices, in the order of their buttons.
    pub const CHOICES: [InterruptedChoice; 3] = [InterruptedChoice::GoOn, InterruptedChoice::Later, InterruptedChoice::Forget];

    pub(super) fn key(&mut self, key: Key, now: Duration) -> Next {
        if now < self.deaf_until {
            return Next::Stay;
        }
        let choice = match (letter(key), key.code) {
            (Some('g' | 'G'), _) => InterruptedChoice::GoOn,
            (Some('f' | 'F'), _) => InterruptedChoice::Forget,
            (Some('l' | 'L'), _) | (_, KeyCode::Esc) => InterruptedChoice::Later,
            (_, KeyCode::Enter) => self.focus,
            _ => {
                if let Some(forward) = focus_step(key) {
                    self.focus = neighbour(&Self::CHOICES, self.focus, forward);
                    self.forgetting = false;
                }
                return Next::Stay;
            }
        };
        match choice {
            InterruptedChoice::GoOn => Next::Finish(Command::Effect(Effect::GoOn(std::mem::take(&mut self.jobs)))),
            InterruptedChoice::Later => Next::Close,
            InterruptedChoice::Forget if self.forgetting => {
                Next::Finish(Command::Effect(Effect::ForgetInterrupted(std::mem::take(&mut self.jobs))))
            }
            InterruptedChoice::Forget => {
                (self.focus, self.forgetting) = (InterruptedChoice::Forget, true);
                Next::Stay
            }
        }
    }
}
