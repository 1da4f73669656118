//! Opens the list of identities and its forms, and brings them what was waited for.

use std::path::PathBuf;

use super::dialog::{About, Dialog, IdentitiesDialog, IdentityForm, InspectorDialog, Install, Mood, Purpose};
use super::effect::Effect;
use super::inspect::is_identity;
use super::message::Generation;
use super::state::App;
use crate::engine::{Advice, IdentityFailure, IdentityOrder, IdentityRow, Place};
use crate::model::{EntryName, FilePath, Protocol};
use crate::secrets::Secret;

impl App {
    pub(super) fn open_identities(&mut self, effects: &mut Vec<Effect>) {
        let generation = self.generations.next();
        self.dialogs.push(Dialog::Identities(Box::new(IdentitiesDialog::new(generation))));
        effects.push(Effect::Identities { generation, order: IdentityOrder::Read });
    }

    /// Files are read where the pane is, and written to this machine.
    pub(super) fn open_identity_form(&mut self, purpose: Purpose) {
        let folder = self.pane(self.focus).shown_folder();
        let from = folder.map_or_else(|| (Place::Local, self.local_dir()), |folder| (folder.place, folder.dir.clone()));
        let current = folder.and_then(|folder| folder.current()).filter(|entry| is_identity(entry));
        let file = current.and_then(|entry| entry.name().ok()).as_ref().map(EntryName::display).unwrap_or_default();
        let form = IdentityForm::new(purpose, from, self.local_dir(), &file);
        self.dialogs.push(Dialog::IdentityForm(Box::new(form)));
    }

    /// Over the login of the pane; the passphrase is asked for where there is one.
    pub(super) fn open_install(&mut self, file: PathBuf, is_locked: bool, effects: &mut Vec<Effect>) {
        let place = self.pane(self.focus).shown_folder().map(|folder| folder.place);
        let facts = place.and_then(|place| self.session(place)).map(|session| &session.facts);
        let Some(facts) = facts.filter(|facts| facts.site.protocol == Protocol::Sftp) else {
            if let Some(Dialog::Identities(list)) = self.dialogs.last_mut() {
                let why = "go to an SSH server in the pane first (sftp://), with the login you have there now";
                list.said = Some((Mood::Warning, why.to_owned()));
            }
            return;
        };
        let install = Install { file, session: facts.id, home: facts.home.clone(), server: self.place_name(Place::Remote(facts.id)) };
        if is_locked {
            self.open_identity_form(Purpose::InstallSshKey(install));
        } else {
            self.order_identities(install.order(Secret::new(String::new())), effects);
        }
    }

    /// What is ordered from a form is waited for by the form and by the list below it.
    pub(super) fn order_identities(&mut self, order: IdentityOrder, effects: &mut Vec<Effect>) {
        let generation = self.generations.next();
        for dialog in &mut self.dialogs {
            match dialog {
                Dialog::Identities(dialog) => dialog.waiting = Some(generation),
                Dialog::IdentityForm(dialog) => dialog.waiting = Some(generation),
                _ => {}
            }
        }
        effects.push(Effect::Identities { generation, order });
    }

    pub(super) fn identities_read(
        &mut self,
        generation: Generation,
        done: Result<String, IdentityFailure>,
        rows: Result<Vec<IdentityRow>, Advice>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let is_form = |dialog: &Dialog| matches!(dialog, Dialog::IdentityForm(form) if form.waiting == Some(generation));
        let form = self.dialogs.iter().position(is_form);
        let mut said = None;
        match (done, form) {
            (Ok(done), form) => {
                if let Some(form) = form {
                    self.dialogs.remove(form);
                }
                said = (!done.is_empty()).then_some((Mood::Good, done));
            }
            (Err(failure), Some(form)) => {
                if let Some(Dialog::IdentityForm(form)) = self.dialogs.get_mut(form) {
                    form.refuse(&failure);
                }
            }
            (Err(failure), None) => said = Some((Mood::Danger, failure.advice.sentence())),
        }
        // Work may have written a file.
        let dir = self.local_dir();
        self.refresh_changed(&[(Place::Local, dir)], effects);
        let list = self.dialogs.iter_mut().find_map(|dialog| match dialog {
            Dialog::Identities(dialog) if dialog.waiting == Some(generation) => Some(dialog),
            _ => None,
        });
        let Some(list) = list else { return form.is_some() };
        list.waiting = None;
        list.said = said;
        match rows {
            Ok(rows) => list.take(rows),
            Err(advice) => list.said = Some((Mood::Danger, advice.sentence())),
        }
        true
    }

    /// All about the certificate of a row.
    pub(super) fn inspect_identity(&mut self, row: &IdentityRow, effects: &mut Vec<Effect>) {
        let path = row.what.as_ref().ok().and_then(|(file, _)| FilePath::parse(file.as_os_str().as_encoded_bytes()).ok());
        let Some(path) = path else { return };
        let generation = self.generations.next();
        let now = self.timestamp();
        let about = About::File { place: Place::Local, path: path.clone(), facts: Vec::new(), documents: None };
        self.dialogs.push(Dialog::Inspector(Box::new(InspectorDialog::new(about, now, Some(generation)))));
        effects.push(Effect::Inspect { generation, place: Place::Local, path, now });
    }
}
