//! The sites a person keeps, as a tree: found, connected to, made, changed, removed.

use std::collections::BTreeSet;

use super::inspector::Mood;
use super::{Command, Next, leave_list, letter, moved};
use crate::app::effect::SitesOrder;
use crate::app::input::Input;
use crate::app::key::{Key, KeyCode};
use crate::app::message::{Generation, Side, SiteChoice};
use crate::config::sites::SiteEntry;
use crate::model::text::display_safe;

/// The list of sites.
pub struct SitesDialog {
    /// The pane that is connected.
    pub side: Side,
    /// The sites, as they were read last; `None` before that.
    pub entries: Option<Vec<SiteEntry>>,
    /// Other places to go to: hosts of the SSH configuration, the demo's servers.
    pub others: Vec<SiteChoice>,
    /// Folders whose contents are not shown, in lower case.
    pub closed: BTreeSet<String>,
    /// The row under the cursor.
    pub cursor: usize,
    /// Only what has this text is shown, in folders that are all open.
    pub filter: Input,
    /// Keys go to the filter.
    pub filtering: bool,
    /// What the last key brought, and whether it is good.
    pub said: Option<(Mood, String)>,
    /// An answer is waited for.
    pub waiting: Option<Generation>,
}

/// A row of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SitesRow {
    /// A folder: its name with those above it.
    Folder(String),
    /// The site at this place.
    Site(usize),
    /// The other place to go to, at this place.
    Other(usize),
    /// Back to this machine.
    ThisMachine,
}

impl SitesDialog {
    pub(in crate::app) fn new(side: Side, others: Vec<SiteChoice>, waiting: Generation) -> Self {
        Self {
            side,
            entries: None,
            others,
            closed: BTreeSet::new(),
            cursor: 0,
            filter: Input::new(""),
            filtering: false,
            said: None,
            waiting: Some(waiting),
        }
    }

    /// The rows, folders before what is in them, both by name; other places and this machine last.
    pub fn rows(&self) -> Vec<SitesRow> {
        let needle = self.filter.text().to_lowercase();
        let entries = self.entries.as_deref().unwrap_or_default();
        let mut found: Vec<usize> = (0..entries.len()).filter(|&at| entries[at].has(&needle)).collect();
        // Part by part, so that what is in a folder stays together.
        found.sort_by_cached_key(|&at| {
            let (folder, name) = entries[at].name.split();
            let parts: Vec<_> = folder.to_lowercase().split('/').filter(|part| !part.is_empty()).map(|part| (0, part.to_owned())).collect();
            parts.into_iter().chain([(1, name.to_lowercase())]).collect::<Vec<_>>()
        });
        let mut rows = Vec::new();
        let mut inside: &str = "";
        for at in found {
            let folder = entries[at].name.split().0;
            let hidden = self.put_folders(&mut rows, inside, folder, needle.is_empty());
            inside = folder;
            if !hidden {
                rows.push(SitesRow::Site(at));
            }
        }
        let has = |other: &SiteChoice| [&other.label, &other.note].iter().any(|text| text.to_lowercase().contains(&needle));
        rows.extend((0..self.others.len()).filter(|&at| has(&self.others[at])).map(SitesRow::Other));
        if needle.is_empty() {
            rows.push(SitesRow::ThisMachine);
        }
        rows
    }

    /// Puts the folders that lead to `folder` and not to `before`. Whether what is in it is hidden.
    fn put_folders(&self, rows: &mut Vec<SitesRow>, before: &str, folder: &str, may_hide: bool) -> bool {
        let (known, parts) = (format!("{}/", before.to_lowercase()), folder.split('/').filter(|part| !part.is_empty()));
        let mut path = String::new();
        for part in parts {
            if may_hide && self.closed.contains(&path.to_lowercase()) {
                return true;
            }
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(part);
            if !known.starts_with(&format!("{}/", path.to_lowercase())) {
                rows.push(SitesRow::Folder(path.clone()));
            }
        }
        may_hide && self.closed.contains(&path.to_lowercase())
    }

    /// The row under the cursor.
    pub fn current(&self) -> Option<SitesRow> {
        self.rows().get(self.cursor).cloned()
    }

    /// The site under the cursor.
    pub fn site(&self) -> Option<&SiteEntry> {
        match self.current()? {
            SitesRow::Site(at) => self.entries.as_ref()?.get(at),
            _ => None,
        }
    }

    /// The folder the cursor is on or in; empty for none.
    fn folder(&self) -> String {
        match self.current() {
            Some(SitesRow::Folder(path)) => path,
            _ => self.site().map_or_else(String::new, |entry| entry.name.split().0.to_owned()),
        }
    }

    /// Takes the sites as they are now; the cursor stays on what it was on, or goes to the site called `to`.
    pub(in crate::app) fn take(&mut self, entries: Vec<SiteEntry>, to: Option<&str>) {
        let on = to.map(str::to_owned).or_else(|| self.site().map(|entry| entry.name.to_string()));
        self.entries = Some(entries);
        let rows = self.rows();
        let is_on = |row: &SitesRow| match (row, &on, &self.entries) {
            (SitesRow::Site(at), Some(on), Some(entries)) => entries[*at].name.is(on),
            _ => false,
        };
        self.cursor = rows.iter().position(is_on).unwrap_or(self.cursor).min(rows.len().saturating_sub(1));
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        if self.filtering {
            self.type_filter(key);
            return Next::Stay;
        }
        self.said = None;
        if let Some(to) = moved(key, self.cursor, self.rows().len(), true) {
            self.cursor = to;
            return Next::Stay;
        }
        match (letter(key), key.code) {
            (_, KeyCode::Esc) if !self.filter.text().is_empty() => self.narrow(|filter| filter.set("")),
            (Some('q' | 'S'), _) | (_, KeyCode::Esc) => return leave_list(self.waiting, self.entries.is_some()),
            (Some('/'), _) => self.filtering = true,
            (Some('R'), _) => return Next::Do(Command::Sites(SitesOrder::Read)),
            (Some('n'), _) => return Next::Do(Command::NewSite { folder: self.folder() }),
            (Some('h'), _) | (_, KeyCode::Left) => self.open(false),
            _ => return self.row_key(key),
        }
        Next::Stay
    }

    /// Keys that work on the row under the cursor.
    fn row_key(&mut self, key: Key) -> Next {
        let Some(row) = self.current() else { return Next::Stay };
        let enters = matches!(key.code, KeyCode::Enter | KeyCode::Right) || letter(key) == Some('l');
        match row {
            SitesRow::Folder(path) if enters || letter(key) == Some(' ') => {
                let is_closed = self.closed.contains(&path.to_lowercase());
                self.open(is_closed || key.code == KeyCode::Right);
            }
            SitesRow::Other(at) if enters => {
                let SiteChoice { url, password, .. } = self.others[at].clone();
                return Next::Finish(Command::Connect { side: self.side, url, password });
            }
            SitesRow::ThisMachine if enters => return Next::Finish(Command::ThisMachine(self.side)),
            SitesRow::Site(_) => return self.site_key(key, enters),
            _ => {}
        }
        Next::Stay
    }

    fn site_key(&self, key: Key, enters: bool) -> Next {
        let Some(entry) = self.site().cloned().map(Box::new) else { return Next::Stay };
        match (letter(key), key.code) {
            _ if enters => Next::Finish(Command::ConnectSite { side: self.side, entry }),
            (Some('e'), _) => Next::Do(Command::EditSite(entry)),
            (Some('d'), _) => Next::Do(Command::DuplicateSite(entry)),
            (Some('r'), _) | (_, KeyCode::Delete) => Next::Do(Command::RemoveSite(entry)),
            _ => Next::Stay,
        }
    }

    /// Opens or closes the folder the cursor is on or in; closed, the cursor stays on it.
    fn open(&mut self, open: bool) {
        let folder = self.folder();
        if folder.is_empty() || !self.filter.text().is_empty() {
            return;
        }
        if open {
            self.closed.remove(&folder.to_lowercase());
            return;
        }
        self.closed.insert(folder.to_lowercase());
        let is_it = |row: &SitesRow| matches!(row, SitesRow::Folder(path) if path.to_lowercase() == folder.to_lowercase());
        self.cursor = self.rows().iter().position(is_it).unwrap_or(0);
    }

    fn type_filter(&mut self, key: Key) {
        match key.code {
            KeyCode::Esc => {
                self.filtering = false;
                self.narrow(|filter| filter.set(""));
            }
            KeyCode::Enter => self.filtering = false,
            KeyCode::Up | KeyCode::Down => self.cursor = moved(key, self.cursor, self.rows().len(), false).unwrap_or(self.cursor),
            _ => self.narrow(|filter| {
                filter.key(key);
            }),
        }
    }

    /// Changes the filter; the cursor stays on its site, or goes to the first one that is left.
    pub(super) fn narrow(&mut self, change: impl FnOnce(&mut Input)) {
        let on = self.current().filter(|row| matches!(row, SitesRow::Site(_)));
        change(&mut self.filter);
        let rows = self.rows();
        let stays = rows.iter().position(|row| Some(row) == on.as_ref());
        self.cursor = stays.or_else(|| rows.iter().position(|row| !matches!(row, SitesRow::Folder(_)))).unwrap_or(0);
    }
}

/// Keep a site no longer? Only `y`, or the button after moving to it, removes it.
pub struct RemoveSiteDialog {
    /// What it is called.
    pub name: String,
    /// Where it is, safe to draw.
    pub place: String,
    /// Enter removes it; begins with no.
    pub remove_focused: bool,
}

impl RemoveSiteDialog {
    pub(in crate::app) fn new(entry: &SiteEntry) -> Self {
        Self { name: entry.name.to_string(), place: display_safe(entry.url.text().as_bytes()), remove_focused: false }
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        match super::confirm::yes_or_no(key, &mut self.remove_focused) {
            Some(true) => Next::Finish(Command::Sites(SitesOrder::Remove(self.name.clone()))),
            Some(false) => Next::Close,
            None => Next::Stay,
        }
    }
}
