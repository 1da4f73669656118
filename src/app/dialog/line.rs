//! Dialogs of one line.

use super::{Command, Next};
use crate::app::effect::Effect;
use crate::app::input::Input;
use crate::app::key::{Key, KeyCode};
use crate::app::message::Side;
use crate::engine::Place;
use crate::model::{EntryName, FilePath};

/// The name of a new folder.
pub struct MakeDirDialog {
    /// On which side.
    pub place: Place,
    /// In which folder.
    pub dir: FilePath,
    /// The name.
    pub input: Input,
    /// What is wrong with it, once Enter was pressed.
    pub error: Option<String>,
}

impl MakeDirDialog {
    pub(super) fn key(&mut self, key: Key) -> Next {
        match key.code {
            KeyCode::Esc => return Next::Close,
            KeyCode::Enter => match EntryName::try_from(self.input.text().trim_end_matches('/')) {
                Ok(name) => {
                    return Next::Finish(Command::Effect(Effect::MakeDir { place: self.place, path: self.dir.join(&name) }));
                }
                Err(why) => self.error = Some(why.to_string()),
            },
            _ => edit(key, &mut self.input, &mut self.error),
        }
        Next::Stay
    }
}

/// A new name.
pub struct RenameDialog {
    /// On which side.
    pub place: Place,
    /// In which folder.
    pub dir: FilePath,
    /// The name it has.
    pub name: EntryName,
    /// The new name.
    pub input: Input,
    /// What is wrong with it, once Enter was pressed.
    pub error: Option<String>,
}

impl RenameDialog {
    pub(super) fn key(&mut self, key: Key) -> Next {
        match key.code {
            KeyCode::Esc => return Next::Close,
            // Unchanged text changes nothing: a name that is not UTF-8 cannot be typed as it is.
            KeyCode::Enter if self.input.text() == self.name.display() => return Next::Close,
            KeyCode::Enter => match EntryName::try_from(self.input.text()) {
                Ok(name) => {
                    let (from, to) = (self.dir.join(&self.name), self.dir.join(&name));
                    return Next::Finish(Command::Effect(Effect::Rename { place: self.place, from, to }));
                }
                Err(why) => self.error = Some(why.to_string()),
            },
            _ => edit(key, &mut self.input, &mut self.error),
        }
        Next::Stay
    }
}

/// Mark or unmark by pattern: `*` any text, `?` any character; without either, names that contain it.
pub struct PatternDialog {
    /// In which pane.
    pub side: Side,
    /// Mark, or unmark.
    pub mark: bool,
    /// The pattern.
    pub input: Input,
}

impl PatternDialog {
    pub(super) fn key(&mut self, key: Key) -> Next {
        match key.code {
            KeyCode::Esc => return Next::Close,
            KeyCode::Enter => {
                return Next::Finish(Command::Pattern { side: self.side, mark: self.mark, text: self.input.text().to_owned() });
            }
            _ => {
                self.input.key(key);
            }
        }
        Next::Stay
    }
}

/// The filter line at the foot of a pane.
pub struct FilterDialog {
    /// Of which pane.
    pub side: Side,
    /// The text; names that contain it are shown.
    pub input: Input,
    before: String,
}

impl FilterDialog {
    pub(in crate::app) fn new(side: Side, before: &str) -> Self {
        Self { side, input: Input::new(before), before: before.to_owned() }
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        match key.code {
            KeyCode::Esc => Next::Finish(Command::Filter { side: self.side, text: self.before.clone() }),
            KeyCode::Enter => Next::Finish(Command::Filter { side: self.side, text: self.input.text().to_owned() }),
            _ if self.input.key(key) => self.follow(),
            _ => Next::Stay,
        }
    }

    /// The list follows what is typed.
    pub(super) fn follow(&self) -> Next {
        Next::Do(Command::Filter { side: self.side, text: self.input.text().to_owned() })
    }
}

fn edit(key: Key, input: &mut Input, error: &mut Option<String>) {
    if input.key(key) {
        *error = None;
    }
}
