//! The secrets that are kept, by their labels: forgotten or moved from here, never shown.

use super::inspector::Mood;
use super::{Command, Next, leave_list, letter, moved};
use crate::app::effect::SecretWork;
use crate::app::input::Input;
use crate::app::key::{Key, KeyCode};
use crate::app::message::{Generation, KeptSecrets};
use crate::secrets::{KeptSecret, Label, Rung};

/// The list of kept secrets.
pub struct SecretsDialog {
    /// As it was read last; `None` before that.
    pub kept: Option<KeptSecrets>,
    /// The row under the cursor.
    pub cursor: usize,
    /// What the last key brought, and whether it is good.
    pub said: Option<(Mood, String)>,
    /// The vault has to be opened first: what for, and its passphrase as it is typed.
    pub opening: Option<(SecretWork, Input)>,
    /// An answer is waited for.
    pub waiting: Option<Generation>,
}

impl SecretsDialog {
    pub(in crate::app) fn new(waiting: Generation) -> Self {
        Self { kept: None, cursor: 0, said: None, opening: None, waiting: Some(waiting) }
    }

    /// The rows.
    pub fn rows(&self) -> &[KeptSecret] {
        self.kept.as_ref().map_or(&[], |kept| &kept.rows)
    }

    /// Takes the list as it is now; the cursor stays on what it was on.
    pub(in crate::app) fn take(&mut self, kept: KeptSecrets) {
        let on = self.rows().get(self.cursor).map(|row| row.label.clone());
        let found = kept.rows.iter().position(|row| Some(&row.label) == on.as_ref());
        self.cursor = found.unwrap_or(self.cursor).min(kept.rows.len().saturating_sub(1));
        self.kept = Some(kept);
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        if let Some((work, input)) = &mut self.opening {
            match key.code {
                KeyCode::Esc => self.opening = None,
                KeyCode::Enter => {
                    let (work, passphrase) = (work.clone(), input.take_secret());
                    self.opening = None;
                    return Next::Do(Command::Secrets(work, Some(passphrase)));
                }
                _ => drop(input.key(key)),
            }
            return Next::Stay;
        }
        self.said = None;
        if let Some(to) = moved(key, self.cursor, self.rows().len(), true) {
            self.cursor = to;
            return Next::Stay;
        }
        match (letter(key), key.code) {
            (Some('q'), _) | (_, KeyCode::Esc) => leave_list(self.waiting, self.kept.is_some()),
            (Some('R'), _) => Next::Do(Command::Secrets(SecretWork::Read, None)),
            (Some('L'), _) => Next::Do(Command::Secrets(SecretWork::LockVault, None)),
            _ => self.row_key(key),
        }
    }

    /// Keys that work on the row under the cursor.
    fn row_key(&mut self, key: Key) -> Next {
        let Some(row) = self.rows().get(self.cursor) else { return Next::Stay };
        let Ok(label) = row.label.parse::<Label>() else {
            self.said = Some((Mood::Danger, "another version of sealift has written this line".to_owned()));
            return Next::Stay;
        };
        let to = if row.rung == Rung::Vault { Rung::Keyring } else { Rung::Vault };
        match (letter(key), key.code) {
            (Some('d'), _) | (_, KeyCode::Delete) => Next::Do(Command::ForgetSecret(label)),
            (Some('m'), _) => Next::Do(Command::Secrets(SecretWork::Move(label, to), None)),
            _ => Next::Stay,
        }
    }
}
