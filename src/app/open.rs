//! Opens the dialogs that are bound to what a pane shows at this moment.

use super::action::Action;
use super::carry_out::{clipboard_text, lines};
use super::dialog::{DeleteDialog, Dialog, FactsDialog, RenameDialog, TransferDialog};
use super::effect::Effect;
use super::facts;
use super::input::Input;
use super::inspect::is_identity;
use super::pane::Selection;
use super::state::App;
use crate::engine::{Advice, ConflictPolicy, JobKind, JobOptions, JobSpec, Place};
use crate::model::text::display_safe;
use crate::model::{EntryName, FilePath};

impl App {
    /// What an operation works on: place, folder, entries. Says why there is nothing.
    pub(super) fn selected(&mut self) -> Option<(Place, FilePath, Selection)> {
        let folder = self.folder()?;
        match folder.selection() {
            Ok(selection) => Some((folder.place, folder.dir.clone(), selection)),
            Err(why) => {
                self.refuse(why);
                None
            }
        }
    }

    pub(super) fn open_transfer(&mut self, kind: JobKind) {
        let Some((to, to_dir)) = self.pane(self.focus.other()).shown_folder().map(|folder| (folder.place, folder.dir.clone())) else {
            self.refuse("the other pane shows no folder to take it".to_owned());
            return;
        };
        let Some((from, from_dir, selection)) = self.selected() else { return };
        let spec = JobSpec {
            kind,
            from,
            from_dir,
            items: selection.names,
            to,
            to_dir,
            new_name: None,
            conflicts: ConflictPolicy::Ask,
            options: JobOptions::default(),
        };
        let (from, to) = (self.place_name(spec.from), self.place_name(spec.to));
        let is_ftp = [spec.from, spec.to].into_iter().any(|place| self.is_ftp(place));
        let dialog = TransferDialog::new(spec, from, to, selection.bytes, selection.folders, is_ftp);
        self.dialogs.push(Dialog::Transfer(Box::new(dialog)));
    }

    pub(super) fn open_delete(&mut self) {
        let Some((place, dir, selection)) = self.selected() else { return };
        let spec = JobSpec {
            kind: JobKind::Delete,
            from: place,
            from_dir: dir.clone(),
            items: selection.names,
            to: place,
            to_dir: dir,
            new_name: None,
            conflicts: ConflictPolicy::Ask,
            options: JobOptions::default(),
        };
        let dialog =
            DeleteDialog { spec, place: self.place_name(place), bytes: selection.bytes, folders: selection.folders, delete_focused: false };
        self.dialogs.push(Dialog::Delete(dialog));
    }

    pub(super) fn open_rename(&mut self) {
        let Some(folder) = self.folder() else { return };
        let Some(entry) = folder.current() else { return };
        match entry.name() {
            Ok(name) => {
                let input = Input::new(&name.display());
                let (place, dir) = (folder.place, folder.dir.clone());
                self.dialogs.push(Dialog::Rename(RenameDialog { place, dir, name, input, error: None }));
            }
            Err(why) => {
                let shown = entry.display_name();
                self.refuse(format!("{shown} cannot be renamed: {why}"));
            }
        }
    }

    /// The facts of an entry; of a certificate or key file, also what it says.
    pub(super) fn open_info(&mut self, effects: &mut Vec<Effect>) {
        let Some(folder) = self.folder() else { return };
        let (place, dir) = (folder.place, folder.dir.clone());
        let Some(entry) = folder.current().cloned() else { return };
        if is_identity(&entry) && entry.name().is_ok() {
            self.inspect_file(effects);
            return;
        }
        let rows = facts::of_entry(&entry, &self.place_name(place), &dir);
        self.dialogs.push(Dialog::Facts(FactsDialog { title: entry.display_name(), rows, scroll: 0 }));
    }

    pub(super) fn copy_text(&mut self, action: Action, effects: &mut Vec<Effect>) {
        let Some((place, dir, Selection { names, .. })) = self.selected() else { return };
        let path = |name: &EntryName| clipboard_text(dir.join(name).as_bytes());
        let text = match action {
            Action::CopyName => lines(&names, |name| clipboard_text(name.as_bytes())),
            Action::CopyUrl => {
                let Some(session) = self.session(place) else {
                    self.refuse("what is on this machine has no URL; yy copies its path".to_owned());
                    return;
                };
                lines(&names, |name| session.facts.site.url_of(&dir.join(name)))
            }
            _ => lines(&names, path),
        };
        let what = if names.len() == 1 { display_safe(text.as_bytes()) } else { format!("{} lines", names.len()) };
        effects.push(Effect::Clipboard(text));
        self.say(format!("to the clipboard: {what}"));
    }

    /// A thing that cannot be done, as a problem.
    pub(super) fn refuse(&mut self, what: String) {
        self.advise(Advice { what, why: String::new(), next: String::new(), intended: false });
    }
}
