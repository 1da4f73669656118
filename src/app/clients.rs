//! Opens the list of the server's clients, and brings it what was waited for. An answer nobody waits for is dropped.

use super::dialog::{About, ClientRow, ClientsDialog, Dialog, InspectorDialog, Mood, trust_authority};
use super::effect::{ClientsOrder, Effect};
use super::message::{ClientsDone, Generation};
use super::state::App;
use crate::engine::Advice;
use crate::server::clients::Lists;

impl App {
    pub(super) fn open_clients(&mut self, effects: &mut Vec<Effect>) {
        let generation = self.generations.next();
        self.dialogs.push(Dialog::Clients(Box::new(ClientsDialog::new(generation))));
        effects.push(Effect::Clients { generation, order: ClientsOrder::Read });
    }

    pub(super) fn order_clients(&mut self, order: ClientsOrder, effects: &mut Vec<Effect>) {
        let generation = self.generations.next();
        let clients = self.dialogs.iter_mut().rev().find_map(|dialog| match dialog {
            Dialog::Clients(dialog) => Some(dialog),
            _ => None,
        });
        if let Some(dialog) = clients {
            dialog.waiting = Some(generation);
            effects.push(Effect::Clients { generation, order });
        }
    }

    pub(super) fn clients_read(&mut self, generation: Generation, done: Result<ClientsDone, Advice>, lists: Result<Lists, Advice>) -> bool {
        let clients = self.dialogs.iter_mut().find_map(|dialog| match dialog {
            Dialog::Clients(dialog) if dialog.waiting == Some(generation) => Some(dialog),
            _ => None,
        });
        let Some(dialog) = clients else { return false };
        let (said, found) = match done {
            Ok(ClientsDone::Read) => (None, None),
            Ok(ClientsDone::Changed(words)) => (Some((Mood::Good, words)), None),
            Ok(ClientsDone::Found(authority)) => (None, Some(authority)),
            Err(advice) => (Some((Mood::Danger, advice.sentence())), None),
        };
        (dialog.waiting, dialog.said) = (None, said);
        match lists {
            Ok(lists) => dialog.take(lists),
            Err(advice) => dialog.said = Some((Mood::Danger, advice.sentence())),
        }
        let now = self.now.since_start;
        self.dialogs.extend(found.map(|authority| Dialog::Forget(trust_authority(authority, now))));
        true
    }

    pub(super) fn inspect_client(&mut self, row: Box<ClientRow>) {
        let dialog = InspectorDialog::new(About::Client(row), self.timestamp(), None);
        self.dialogs.push(Dialog::Inspector(Box::new(dialog)));
    }
}
