//! What dialogs decided, carried out.

use std::cell::Cell;

use super::dialog::{Command, Dialog};
use super::effect::Effect;
use super::message::Side;
use super::pane::{Face, lossy_lower};
use super::state::App;
use crate::engine::JobSpec;
use crate::model::site::{ParsedUrl, RemoteStart};
use crate::model::sort::{Sort, SortKey};
use crate::model::{EntryName, FilePath, text};
use crate::secrets::Secret;

impl App {
    pub(super) fn carry_out(&mut self, command: Command, effects: &mut Vec<Effect>) {
        match command {
            Command::Connect { side, url } => self.connect(side, url, None, effects),
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
            Command::Report(message) => self.dialogs.push(Dialog::Message(*message)),
            Command::InspectConnection => self.inspect_connection(),
            Command::InspectRow(row) => self.inspect_row(row),
            Command::CheckRevocation(evidence) => self.check_revocation(evidence, effects),
            Command::Export(forms) => self.open_export(forms),
            Command::ExportLedger => self.export_ledger(),
            Command::ImportLedger => self.open_import(),
            Command::WriteFile { path, content } => self.write_file(path, content, effects),
            Command::Ledger(order) => self.order_ledger(order, effects),
            Command::Forget(row) => self.open_forget(&row),
            Command::Repin(row) => self.open_repin(&row),
        }
    }

    fn land_on(&mut self, place: crate::engine::Place, path: &FilePath) {
        self.landing = path.parent().zip(path.name()).map(|(dir, name)| (place, dir, name));
    }

    pub(super) fn connect(&mut self, side: Side, mut url: ParsedUrl, password: Option<Secret>, effects: &mut Vec<Effect>) {
        // What was said before was of an earlier attempt, or of another thing.
        self.notice = None;
        let typed = url.password.take().map(Secret::new);
        if typed.is_some() {
            self.say("a password inside a URL can be seen by others; leave it out and it is asked for");
        } else if url.taken_as_explicit {
            self.say("ftps:// with port 21 is taken as explicit TLS (ftpes://)");
        }
        let text = url_text(&url);
        self.urls.retain(|known| *known != text);
        self.urls.push(text);
        let password = password.or(typed);
        let generation = self.generations.next();
        let since = self.now.since_start;
        let pane = self.pane_mut(side);
        pane.connecting = generation;
        pane.face = Face::Connecting { url: url.clone(), since, password: password.clone() };
        effects.push(Effect::Connect { pane: side, generation, url, password });
    }

    fn submit(&mut self, spec: JobSpec, effects: &mut Vec<Effect>) {
        // What an earlier job did would be read as this one's.
        self.notice = None;
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

/// A URL as it can be typed again, without its password.
fn url_text(url: &ParsedUrl) -> String {
    match &url.path {
        RemoteStart::Absolute(path) => url.site.url_of(path),
        RemoteStart::Home(relative) => match FilePath::root().resolve(relative) {
            Ok(path) if !path.is_root() => {
                let from_root = url.site.url_of(&path);
                let site = url.site.url();
                format!("{site}/~{}", &from_root[site.len()..])
            }
            _ => url.site.url(),
        },
    }
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

    #[test]
    fn urls_are_remembered_without_passwords_and_read_back() {
        for text in ["sftp://u:secret@h/a%20b", "ftp://h/~/x%25y", "ftpes://h"] {
            let mut url = ParsedUrl::parse(text).unwrap();
            let again = url_text(&url);
            assert!(!again.contains("secret"));
            url.password = None;
            assert_eq!(ParsedUrl::parse(&again), Ok(url));
        }
    }
}
