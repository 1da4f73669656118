//! Dialogs that are lists to choose from or to read.

use super::{Command, MOST_LINES, Next, letter, moved};
use crate::app::action::{ACTIONS, ActionInfo, Group};
use crate::app::input::Input;
use crate::app::key::{Key, KeyCode};
use crate::app::message::Side;
use crate::model::sort::SortKey;

/// By what to sort; Enter or the letter chooses, the current one again reverses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortDialog {
    /// Which pane.
    pub side: Side,
    /// The row under the cursor, in [`SortDialog::ROWS`].
    pub cursor: usize,
}

impl SortDialog {
    /// The letter, the key and its name.
    pub const ROWS: [(char, SortKey, &'static str); 5] = [
        ('n', SortKey::Name, "name"),
        ('e', SortKey::Extension, "extension"),
        ('s', SortKey::Size, "size"),
        ('m', SortKey::Modified, "modified"),
        ('u', SortKey::Unsorted, "unsorted, as listed"),
    ];

    pub(super) fn key(&mut self, key: Key) -> Next {
        let choose = |key| Next::Finish(Command::Sort { side: self.side, key });
        if let Some((_, sort, _)) = letter(key).and_then(|letter| Self::ROWS.iter().find(|(known, ..)| *known == letter)) {
            return choose(*sort);
        }
        match key.code {
            KeyCode::Esc => return Next::Close,
            KeyCode::Enter => return Self::ROWS.get(self.cursor).map_or(Next::Close, |(_, sort, _)| choose(*sort)),
            _ => self.cursor = moved(key, self.cursor, Self::ROWS.len(), true).unwrap_or(self.cursor),
        }
        Next::Stay
    }
}

/// All keys; what is typed narrows them.
pub struct HelpDialog {
    /// Narrows the rows.
    pub input: Input,
    /// The first row shown.
    pub scroll: usize,
}

/// A row of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HelpRow {
    /// A heading.
    Heading(Group),
    /// An action.
    Action(&'static ActionInfo),
}

impl HelpDialog {
    /// The rows that what was typed leaves; headings without actions are left out.
    pub fn rows(&self) -> Vec<HelpRow> {
        let needle = self.input.text().to_lowercase();
        let mut rows = Vec::new();
        for group in Group::ALL {
            let mut actions = ACTIONS
                .iter()
                .filter(|info| info.group == group)
                .filter(|info| info.help.to_lowercase().contains(&needle) || info.keys_text().to_lowercase().contains(&needle))
                .peekable();
            if actions.peek().is_some() {
                rows.push(HelpRow::Heading(group));
                rows.extend(actions.map(HelpRow::Action));
            }
        }
        rows
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        if matches!(key.code, KeyCode::Esc | KeyCode::Enter | KeyCode::F(1)) {
            return Next::Close;
        }
        if let Some(to) = moved(key, self.scroll, MOST_LINES, false) {
            self.scroll = to;
        } else if self.input.key(key) {
            self.scroll = 0;
        }
        Next::Stay
    }
}

/// All actions by name; what is typed narrows them.
pub struct PaletteDialog {
    /// Narrows the rows.
    pub input: Input,
    /// The row under the cursor.
    pub cursor: usize,
}

impl PaletteDialog {
    /// The actions whose help has the typed letters in this order, the closest first.
    pub fn rows(&self) -> Vec<&'static ActionInfo> {
        let needle = self.input.text().to_lowercase();
        let mut rows: Vec<(usize, &ActionInfo)> =
            ACTIONS.iter().filter_map(|info| Some((distance(&info.help.to_lowercase(), &needle)?, info))).collect();
        rows.sort_by_key(|(distance, _)| *distance);
        rows.into_iter().map(|(_, info)| info).collect()
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        match key.code {
            KeyCode::Esc => return Next::Close,
            KeyCode::Enter => return self.rows().get(self.cursor).map_or(Next::Close, |info| Next::Finish(Command::Perform(info.action))),
            _ => {
                if let Some(to) = moved(key, self.cursor, self.rows().len(), false) {
                    self.cursor = to;
                } else if self.input.key(key) {
                    self.cursor = 0;
                }
            }
        }
        Next::Stay
    }
}

/// How far apart the letters of `needle` stand in `text`, and how late they begin; `None` if they are not all there.
fn distance(text: &str, needle: &str) -> Option<usize> {
    if let Some(at) = text.find(needle) {
        let starts_word = at == 0 || text.as_bytes().get(at - 1) == Some(&b' ');
        return Some(at + if starts_word { 0 } else { 100 });
    }
    let mut rest = text.char_indices();
    let mut first = None;
    let mut last = 0;
    for letter in needle.chars() {
        let (at, _) = rest.find(|(_, character)| *character == letter)?;
        first.get_or_insert(at);
        last = at;
    }
    Some(1_000 + last - first.unwrap_or(0))
}
