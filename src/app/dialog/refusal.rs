//! A server that wants to know who we are, or does not trust what it was shown: what it wants, what it saw, what to send its
//! administrator, and another try. The first failure is expected.

use super::inspector::{ExportForm, Mood};
use super::{Command, Next, letter, moved};
use crate::app::action::Action;
use crate::app::effect::{Effect, FileContent};
use crate::app::key::{Key, KeyCode};
use crate::app::message::Side;
use crate::engine::{Advice, Refusal, Shown};
use crate::identity::x509::store::pem;

/// What a server says of our certificate, and what can be done.
pub struct RefusalDialog {
    /// The pane that wanted to connect.
    pub side: Side,
    /// What the server says.
    pub refusal: Box<Refusal>,
    /// The same in a line.
    pub what: String,
    /// What to do next.
    pub next: String,
    /// The first line shown of what does not fit.
    pub scroll: usize,
    /// What the last key brought.
    pub said: Option<(Mood, String)>,
}

impl RefusalDialog {
    /// Of a connection of the pane on `side`; `advice` says the same in words.
    pub fn new(side: Side, refusal: Box<Refusal>, advice: &Advice) -> Self {
        let next = match &refusal.shown {
            Some(_) => advice.next.clone(),
            None => "Press i: there you make one (n), or choose one you have for every server (D); for this site alone it is set \
                     in its entry (S). Send its certificate to the administrator, then press r."
                .to_owned(),
        };
        Self { side, refusal, what: advice.what.clone(), next, scroll: 0, said: None }
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        self.said = None;
        if let Some(to) = moved(key, self.scroll, super::MOST_LINES, true) {
            self.scroll = to;
            return Next::Stay;
        }
        match (letter(key), key.code) {
            (Some('q'), _) | (_, KeyCode::Esc | KeyCode::Enter) => Next::Close,
            (Some('r'), _) => Next::Finish(Command::Retry(self.side)),
            (Some('i'), _) => Next::Do(Command::Perform(Action::Identities)),
            (Some('1'..='9'), _) if !self.refusal.is_before_login() => {
                let why = "each try sends user name and password, and the account may be locked: press r when it is trusted";
                self.said = Some((Mood::Warning, why.to_owned()));
                Next::Stay
            }
            (Some(minutes @ '1'..='9'), _) => {
                let minutes = minutes.to_digit(10).unwrap_or(1);
                Next::Finish(Command::RetryEvery { side: self.side, minutes })
            }
            (Some(letter @ ('e' | 'y' | 'f')), _) => match &self.refusal.shown {
                Some(shown) => self.send(letter, &shown.clone()),
                None => {
                    self.said = Some((Mood::Warning, "nothing was shown to it that could be sent".to_owned()));
                    Next::Stay
                }
            },
            _ => Next::Stay,
        }
    }

    /// To the administrator: as a file, or over the clipboard.
    fn send(&mut self, letter: char, shown: &Shown) -> Next {
        if letter == 'e' {
            let form = |label, ending: &str, content| ExportForm {
                label,
                name: format!("{}.{ending}", file_name(&shown.name)),
                content: FileContent::Bytes(content),
            };
            return Next::Do(Command::Export(vec![
                form("PEM", "crt", pem(std::slice::from_ref(&shown.certificate)).into_bytes()),
                form("DER", "der", shown.certificate.clone()),
            ]));
        }
        let (what, text) = match letter {
            'y' => ("the certificate (PEM)", pem(std::slice::from_ref(&shown.certificate))),
            _ => ("its fingerprint", shown.fingerprint.colons()),
        };
        self.said = Some((Mood::Good, format!("to the clipboard: {what}")));
        Next::Do(Command::Effect(Effect::Clipboard(text)))
    }
}

/// A name of a certificate as the name of a file.
fn file_name(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.strip_suffix(".pem").or_else(|| last.strip_suffix(".crt")).unwrap_or(last).to_owned()
}
