//! Lines a person answers a server or a key file with.

use super::{Answer, Next, focus_step};
use crate::app::input::Input;
use crate::app::key::{Key, KeyCode};
use crate::ask::{Ask, InteractiveQuestion, SecretAnswer, SecretQuestion};
use crate::secrets::Secret;

/// A password or passphrase.
pub struct SecretDialog {
    /// What is asked, and the way to answer.
    pub ask: Ask<SecretQuestion, SecretAnswer>,
    /// What was typed.
    pub input: Input,
    /// It is to be kept, once it was right.
    pub keep: bool,
}

impl SecretDialog {
    pub(super) fn new(ask: Ask<SecretQuestion, SecretAnswer>) -> Self {
        // Who kept one before wants the right one to be kept.
        let keep = ask.about.keeper.is_some() && ask.about.kept_was_wrong;
        Self { ask, input: Input::masked(), keep }
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        match key.code {
            KeyCode::Esc => Next::Close,
            KeyCode::Enter => Next::Answer(Answer::Typed),
            KeyCode::Tab | KeyCode::BackTab => {
                self.keep = !self.keep && self.ask.about.keeper.is_some();
                Next::Stay
            }
            _ => {
                self.input.key(key);
                Next::Stay
            }
        }
    }

    pub(super) fn answer(mut self) {
        let secret = self.input.take_secret();
        self.ask.reply.send(SecretAnswer { secret, keep: self.keep });
    }
}

/// The server's own prompts.
pub struct InteractiveDialog {
    /// What is asked, and the way to answer.
    pub ask: Ask<InteractiveQuestion, Vec<Secret>>,
    /// One line for each prompt, masked where the server wants no echo.
    pub inputs: Vec<Input>,
    /// Which line keys go to.
    pub focus: usize,
}

impl InteractiveDialog {
    pub(super) fn new(ask: Ask<InteractiveQuestion, Vec<Secret>>) -> Self {
        let inputs = ask.about.prompts.iter().map(|prompt| if prompt.echo { Input::new("") } else { Input::masked() }).collect();
        Self { ask, inputs, focus: 0 }
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        match key.code {
            KeyCode::Esc => return Next::Close,
            KeyCode::Enter if self.focus + 1 >= self.inputs.len() => return Next::Answer(Answer::Typed),
            KeyCode::Enter => self.focus += 1,
            KeyCode::Tab | KeyCode::BackTab | KeyCode::Up | KeyCode::Down => {
                let lines = self.inputs.len().max(1);
                let step = if focus_step(key) == Some(true) { 1 } else { lines - 1 };
                self.focus = (self.focus + step) % lines;
            }
            _ => {
                if let Some(input) = self.inputs.get_mut(self.focus) {
                    input.key(key);
                }
            }
        }
        Next::Stay
    }

    pub(super) fn answer(mut self) {
        let secrets = self.inputs.iter_mut().map(Input::take_secret).collect();
        self.ask.reply.send(secrets);
    }
}
