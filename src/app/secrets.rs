//! Opens the list of kept secrets, and brings it what was waited for. An answer nobody waits for is dropped.

use super::dialog::{Dialog, ForgetDialog, ForgetOrder, Mood, SecretsDialog};
use super::effect::{Effect, SecretWork};
use super::input::Input;
use super::message::{Generation, KeptSecrets, SecretsDone};
use super::state::App;
use crate::engine::Advice;
use crate::secrets::{Label, Secret};

impl App {
    pub(super) fn open_secrets(&mut self, effects: &mut Vec<Effect>) {
        let generation = self.generations.next();
        self.dialogs.push(Dialog::Secrets(Box::new(SecretsDialog::new(generation))));
        effects.push(Effect::Secrets { generation, work: SecretWork::Read, passphrase: None });
    }

    pub(super) fn order_secrets(&mut self, work: SecretWork, passphrase: Option<Secret>, effects: &mut Vec<Effect>) {
        let generation = self.generations.next();
        let secrets = self.dialogs.iter_mut().rev().find_map(|dialog| match dialog {
            Dialog::Secrets(dialog) => Some(dialog),
            _ => None,
        });
        if let Some(dialog) = secrets {
            dialog.waiting = Some(generation);
            effects.push(Effect::Secrets { generation, work, passphrase });
        }
    }

    pub(super) fn secrets_read(
        &mut self,
        generation: Generation,
        done: Result<SecretsDone, Advice>,
        kept: Result<KeptSecrets, Advice>,
    ) -> bool {
        let secrets = self.dialogs.iter_mut().find_map(|dialog| match dialog {
            Dialog::Secrets(dialog) if dialog.waiting == Some(generation) => Some(dialog),
            _ => None,
        });
        let Some(dialog) = secrets else { return false };
        dialog.waiting = None;
        dialog.said = match done {
            Ok(SecretsDone::Said(words)) => Some(words).filter(|words| !words.is_empty()).map(|words| (Mood::Good, words)),
            Ok(SecretsDone::VaultLocked(work)) => {
                dialog.opening = Some((work, Input::masked()));
                None
            }
            Err(advice) => Some((Mood::Danger, advice.sentence())),
        };
        match kept {
            Ok(kept) => {
                self.keeper = Some(kept.standing.rung.place());
                dialog.take(kept);
            }
            Err(advice) => dialog.said = Some((Mood::Danger, advice.sentence())),
        }
        true
    }

    /// Forget it? Says what happens the next time.
    pub(super) fn open_forget_secret(&mut self, label: Label) {
        let dialog = ForgetDialog {
            title: "Forget this secret?".to_owned(),
            words: vec![
                format!("{} ({})", crate::model::text::display_safe(label.to_string().as_bytes()), label.kind()),
                "The next time it is needed, you are asked.".to_owned(),
            ],
            order: ForgetOrder::Secret(SecretWork::Forget(label)),
            yes: "[Y]es, forget",
            yes_focused: false,
            deaf_until: std::time::Duration::ZERO,
        };
        self.dialogs.push(Dialog::Forget(dialog));
    }
}
