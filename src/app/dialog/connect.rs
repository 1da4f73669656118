//! Where to connect: a URL line.

use super::{Command, Next};
use crate::app::input::Input;
use crate::app::key::{Key, KeyCode};
use crate::app::message::Side;
use crate::model::site::ParsedUrl;

/// Where to connect.
pub struct ConnectDialog {
    /// For which pane.
    pub side: Side,
    /// The URL.
    pub input: Input,
    /// What is wrong with it, once Enter was pressed.
    pub error: Option<String>,
    /// URLs of this run (without passwords), oldest first; Up and Down take them.
    pub history: Vec<String>,
    at: usize,
}

impl ConnectDialog {
    pub(in crate::app) fn new(side: Side, history: Vec<String>) -> Self {
        let at = history.len();
        Self { side, input: Input::new(""), error: None, history, at }
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        match key.code {
            KeyCode::Esc => return Next::Close,
            KeyCode::Enter => match ParsedUrl::parse(self.input.text().trim()) {
                Ok(url) => return Next::Finish(Command::Connect { side: self.side, url }),
                Err(why) => self.error = Some(format!("{why}; write for example sftp://user@host/folder")),
            },
            KeyCode::Up => self.take(self.at.saturating_sub(1)),
            KeyCode::Down => self.take(self.at + 1),
            _ => {
                if self.input.key(key) {
                    self.error = None;
                }
            }
        }
        Next::Stay
    }

    fn take(&mut self, at: usize) {
        self.at = at.min(self.history.len());
        self.input.set(self.history.get(self.at).map_or("", String::as_str));
        self.error = None;
    }
}
