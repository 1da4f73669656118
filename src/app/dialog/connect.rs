//! Where to connect: a line for a URL or the name of a site.

use super::{Command, Next};
use crate::app::input::Input;
use crate::app::key::{Key, KeyCode};
use crate::app::message::{Side, SiteChoice};
use crate::model::site::{ParsedUrl, RemoteStart, UrlError};

/// Where to connect.
pub struct ConnectDialog {
    /// For which pane.
    pub side: Side,
    /// The URL or name.
    pub input: Input,
    /// What is wrong with it, once Enter was pressed.
    pub error: Option<String>,
    /// URLs of this run (without passwords), oldest first; Up and Down take them.
    pub history: Vec<String>,
    /// Names that stand for a site, and their URLs.
    names: Vec<(String, ParsedUrl)>,
    at: usize,
}

impl ConnectDialog {
    pub(in crate::app) fn new(side: Side, history: Vec<String>, sites: &[SiteChoice]) -> Self {
        let at = history.len();
        let names = sites.iter().map(|site| (site.label.clone(), site.url.clone())).collect();
        Self { side, input: Input::new(""), error: None, history, names, at }
    }

    /// A URL, or the name of a site with or without `:` and a path behind it.
    fn url(&self) -> Result<ParsedUrl, UrlError> {
        let text = self.input.text().trim();
        let (name, path) = text.split_once(':').unwrap_or((text, ""));
        match self.names.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, url)) if path.is_empty() => Ok(url.clone()),
            Some((_, url)) => Ok(ParsedUrl { path: RemoteStart::of(path.as_bytes())?, ..url.clone() }),
            None => ParsedUrl::parse(text),
        }
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        match key.code {
            KeyCode::Esc => return Next::Close,
            KeyCode::Enter => match self.url() {
                Ok(url) => return Next::Finish(Command::Connect { side: self.side, url, password: None }),
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
