//! What dialogs decided, carried out.

use std::cell::Cell;
use std::time::Duration;

use super::dialog::{Command, Dialog, ImportPurpose, RemoveIdentityDialog};
use super::effect::Effect;
use super::message::Side;
use super::pane::{Face, Retry, lossy_lower};
use super::state::App;
use crate::engine::{JobSpec, Start};
use crate::model::site::ParsedUrl;
use crate::model::sort::{Sort, SortKey};
use crate::model::{EntryName, FilePath, text};
use crate::secrets::Secret;

impl App {
    pub(super) fn carry_out(&mut self, command: Command, effects: &mut Vec<Effect>) {
        match command {
            Command::Connect { side, url, password } => self.connect(side, url, password, effects),
            Command::ConnectSite { side, entry } => self.connect_site(side, &entry, effects),
            Command::ThisMachine(side) => self.show_this_machine(side, effects),
            Command::Effect(effect) => {
                match &effect {
                    Effect::MakeDir { place, path } => self.land_on(*place, path),
                    Effect::Rename { place, to, .. } => self.land_on(*place, to),
                    Effect::ClearJobs => self.transfers.clear_ended(),
                    _ => {}
                }
                effects.push(effect);
            }
            Command::Submit(spec) => self.submit(spec, effects),
            Command::Pattern { side, mark, text } => self.mark_pattern(side, mark, &text),
            Command::Filter { side, text } => self.filter(side, text, effects),
            Command::Sort { side, key } => self.sort(side, key, effects),
            Command::Perform(action) => self.perform(action, effects),
            Command::AskToStop(dialog) => self.dialogs.push(Dialog::Stop(dialog)),
            Command::OpenFolder(place, dir) => self.open_folder(place, dir, effects),
            Command::Report(message) => self.dialogs.push(Dialog::Message(*message)),
            Command::InspectConnection => self.inspect_connection(),
            Command::InspectRow(row) => self.inspect_row(row),
            Command::CheckRevocation(evidence) => self.check_revocation(evidence, effects),
            Command::Export(forms) => self.open_export(forms),
            Command::ExportLedger => self.export_ledger(),
            Command::ImportLedger => self.open_import(ImportPurpose::Decisions),
            Command::WriteFile { path, content } => self.write_file(path, content, effects),
            Command::Ledger(order) => self.order_ledger(order, effects),
            Command::Secrets(work, passphrase) => self.order_secrets(work, passphrase, effects),
            Command::ForgetSecret(label) => self.open_forget_secret(label),
            Command::Forget(row) => self.open_forget(&row),
            Command::Repin(row) => self.open_repin(&row),
            Command::RetryEvery { side, minutes } => self.retry_every(side, minutes),
            Command::Retry(side) => self.try_again(side, effects),
            Command::Identities(order) => self.order_identities(order, effects),
            Command::IdentityForm(purpose) => self.open_identity_form(purpose),
            Command::InspectIdentity(row) => self.inspect_identity(&row, effects),
            Command::InstallSshKey { file, is_locked } => self.open_install(file, is_locked, effects),
            Command::RemoveIdentity(row) => self.dialogs.push(Dialog::RemoveIdentity(RemoveIdentityDialog { row, yes_focused: false })),
            Command::Sites(order) => self.order_sites(order, effects),
            Command::NewSite { folder } => self.open_new_site(&folder),
            Command::EditSite(entry) => self.open_edit_site(&entry),
            Command::DuplicateSite(entry) => self.open_duplicate_site(&entry),
            Command::RemoveSite(entry) => self.open_remove_site(&entry),
            Command::Clients(order) => self.order_clients(order, effects),
            Command::ChooseAuthority => self.open_import(ImportPurpose::Authority),
            Command::InspectClient(row) => self.inspect_client(row),
            Command::StopAndQuit => {
                effects.push(Effect::StopJobs);
                effects.push(Effect::Quit);
            }
            Command::Compare(order) => self.compare(order, effects),
            Command::AskToSynchronise => self.ask_to_synchronise(),
            Command::Synchronise { plan, places } => self.synchronise(plan, places, effects),
            Command::Ask(question) => self.dialogs.push(Dialog::Forget(*question)),
        }
    }

    fn land_on(&mut self, place: crate::engine::Place, path: &FilePath) {
        self.landing = path.parent().zip(path.name()).map(|(dir, name)| (place, dir, name));
    }

    pub(super) fn connect(&mut self, side: Side, url: ParsedUrl, password: Option<Secret>, effects: &mut Vec<Effect>) {
        self.connect_every(side, url, password, None, effects);
    }

    /// `retry`: again this often, as long as the server refuses our certificate.
    pub(super) fn connect_every(
        &mut self,
        side: Side,
        mut url: ParsedUrl,
        password: Option<Secret>,
        retry: Option<Duration>,
        effects: &mut Vec<Effect>,
    ) {
        // What was said before was of an earlier attempt, or of another thing.
        self.notice = None;
        let typed = url.password.take().map(Secret::new);
        if typed.is_some() {
            self.say("a password inside a URL can be seen by others; leave it out and it is asked for");
        } else if url.taken_as_explicit {
            self.say("ftps:// with port 21 is taken as explicit TLS (ftpes://)");
        }
        let text = url.text();
        self.urls.retain(|known| *known != text);
        self.urls.push(text);
        let password = password.or(typed);
        let generation = self.generations.next();
        let since = self.now.since_start;
        let pane = self.pane_mut(side);
        pane.connecting = generation;
        pane.face = Face::Connecting { url: url.clone(), since, password: password.clone(), retry };
        effects.push(Effect::Connect { pane: side, generation, url, password });
    }

    /// What failed in a pane, once more.
    fn try_again(&mut self, side: Side, effects: &mut Vec<Effect>) {
        if let Face::Failed { url, password, .. } = self.pane(side).face.clone() {
            self.connect(side, url, password, effects);
        }
    }

    fn retry_every(&mut self, side: Side, minutes: u32) {
        let every = Duration::from_secs(60) * minutes;
        let at = self.now.since_start + every;
        if let Face::Failed { retry, .. } = &mut self.pane_mut(side).face {
            *retry = Some(Retry { every, at });
        }
    }

    fn submit(&mut self, spec: JobSpec, effects: &mut Vec<Effect>) {
        // What an earlier job did would be read as this one's.
        self.notice = None;
        if spec.options.start == Start::Held {
            self.say("added to the transfers, where p lets it begin (w)");
        }
        self.transfers.submit();
        for pane in &mut self.panes {
            if let Some(folder) = &mut pane.folder
                && folder.place == spec.from
                && folder.dir == spec.from_dir
            {
                folder.take_marks();
            }
        }
        effects.push(Effect::Submit(spec));
    }

    pub(super) fn filter(&mut self, side: Side, text: String, effects: &mut Vec<Effect>) {
        let pane = self.pane_mut(side);
        if !text.is_empty() {
            pane.searched.clone_from(&text);
        }
        self.with_orders(side, effects, |pane, orders| {
            if let Some(folder) = pane.folder.as_mut().filter(|folder| folder.filter != text) {
                folder.filter = text;
                folder.reorder(orders);
            }
        });
    }

    fn sort(&mut self, side: Side, key: SortKey, effects: &mut Vec<Effect>) {
        self.with_orders(side, effects, |pane, orders| {
            let descending = if pane.sort.key == key {
                !pane.sort.descending
            } else {
                // The largest and the newest are what one looks for.
                matches!(key, SortKey::Size | SortKey::Modified)
            };
            pane.sort = Sort { key, descending };
            if let Some(folder) = &mut pane.folder {
                folder.sort = pane.sort;
                folder.reorder(orders);
            }
        });
    }

    fn mark_pattern(&mut self, side: Side, mark: bool, pattern: &str) {
        let pattern = pattern.to_lowercase();
        let pattern: Vec<char> =
            if pattern.contains(['*', '?']) { pattern.chars().collect() } else { format!("*{pattern}*").chars().collect() };
        if let Some(folder) = self.pane_mut(side).shown_folder_mut() {
            let rows = 0..folder.len();
            let matching = Cell::new(0_usize);
            folder.mark_where(rows, |entry, marked| {
                let name: Vec<char> = lossy_lower(entry).chars().collect();
                if !matches(&pattern, &name) {
                    return marked;
                }
                matching.set(matching.get() + 1);
                mark
            });
            let marked = folder.marks().count();
            match matching.get() {
                0 => self.say("no name here matches"),
                matching => self.say(format!("{matching} match, {marked} marked")),
            }
        }
    }
}

/// Whether `name` has the shape of `pattern`: `*` any text, `?` any character. Takes time in the product of the lengths at most.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut on) = (0, 0);
    let mut retry = None;
    while on < name.len() {
        match pattern.get(at) {
            Some('*') => {
                retry = Some((at, on));
                at += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == name[on] => {
                at += 1;
                on += 1;
            }
            _ => {
                let Some((star, from)) = retry else { return false };
                retry = Some((star, from + 1));
                at = star + 1;
                on = from + 1;
            }
        }
    }
    pattern[at..].iter().all(|&rest| rest == '*')
}

/// Bytes of a name or path for the clipboard: as they are if that is text a shell line can hold.
pub(super) fn clipboard_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => text::display_safe(bytes),
    }
}

/// Names, one a line.
pub(super) fn lines(names: &[EntryName], each: impl Fn(&EntryName) -> String) -> String {
    names.iter().map(each).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let matches = |pattern: &str, name: &str| matches(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>());
        for (pattern, name, expected) in [
            ("*.txt", "a.txt", true),
            ("*.txt", "a.txt.gz", false),
            ("a?c*", "abcd", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("", "", true),
            ("*", "", true),
            ("?", "é", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
