//! Who the person is: identities and authorities in one list, looked at, made, sent, taken in, signed with, taken away.

mod form;

pub use form::{IdentityForm, Install, Purpose, WORKING};

use super::inspector::Mood;
use super::{Command, Next, explained, leave_list, letter, moved};
use crate::app::effect::Effect;
use crate::app::key::{Key, KeyCode};
use crate::app::message::Generation;
use crate::engine::{IdentityFacts, IdentityKind, IdentityOrder, IdentityRow};

/// The list of identities.
pub struct IdentitiesDialog {
    /// All rows, as they were read last; `None` before that.
    pub rows: Option<Vec<IdentityRow>>,
    /// The row under the cursor.
    pub cursor: usize,
    /// The keys are explained instead of the list.
    pub help: bool,
    /// The first line shown of that explanation.
    pub scroll: usize,
    /// What the last key brought, and whether it is good.
    pub said: Option<(Mood, String)>,
    /// An answer is waited for.
    pub waiting: Option<Generation>,
}

/// The keys of the list and what they do.
pub const IDENTITIES_KEYS: [(&str, &str); 16] = [
    ("Enter", "all about its certificate or key"),
    ("n", "make an identity: key, self-signed certificate, request"),
    ("N", "make an authority of your own"),
    ("K", "make an SSH key"),
    ("e", "write it to a file: certificate, request or public line to send, PKCS#12 to move"),
    ("i", "take in a certificate that was signed for it, or a whole identity"),
    ("s", "as an authority: sign somebody's request"),
    ("x", "as an authority: take back a certificate, write the revocation list"),
    ("D", "show it to every server that asks, where nothing else was chosen; again: no more"),
    ("u", "forget the signed certificate that waits for its first login"),
    ("r", "give it another name"),
    ("d", "remove it with its private key"),
    ("I", "as an SSH key: add it to authorized_keys of the server in the pane, and try it"),
    ("y", "copy the fingerprint to the clipboard"),
    ("c", "as an SSH key: copy its public line to the clipboard"),
    ("R", "read the list again"),
];

impl IdentitiesDialog {
    pub(in crate::app) fn new(waiting: Generation) -> Self {
        Self { rows: None, cursor: 0, help: false, scroll: 0, said: None, waiting: Some(waiting) }
    }

    /// The row under the cursor.
    pub fn current(&self) -> Option<&IdentityRow> {
        self.rows.as_ref()?.get(self.cursor)
    }

    /// Takes the rows as they are now; the cursor stays on what it was on, or goes to what is new.
    pub(in crate::app) fn take(&mut self, rows: Vec<IdentityRow>) {
        let is_same = |one: &IdentityRow, other: &IdentityRow| one.name == other.name && one.kind == other.kind;
        let new = self.rows.as_ref().and_then(|before| rows.iter().position(|row| !before.iter().any(|old| is_same(old, row))));
        let on = self.current().and_then(|on| rows.iter().position(|row| is_same(row, on)));
        self.cursor = new.or(on).unwrap_or(self.cursor).min(rows.len().saturating_sub(1));
        self.rows = Some(rows);
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        if explained(key, &mut self.help, &mut self.scroll) {
            return Next::Stay;
        }
        self.said = None;
        if let Some(to) = moved(key, self.cursor, self.rows.as_ref().map_or(0, Vec::len), true) {
            self.cursor = to;
            return Next::Stay;
        }
        match (letter(key), key.code) {
            (Some('q'), _) | (_, KeyCode::Esc) => leave_list(self.waiting, self.rows.is_some()),
            (Some('?'), _) => {
                self.help = true;
                Next::Stay
            }
            (Some('n'), _) => Next::Do(Command::IdentityForm(Purpose::New)),
            (Some('N'), _) => Next::Do(Command::IdentityForm(Purpose::NewAuthority)),
            (Some('K'), _) => Next::Do(Command::IdentityForm(Purpose::NewSshKey)),
            (Some('R'), _) => Next::Do(Command::Identities(IdentityOrder::Read)),
            (Some('i'), _) => {
                let own = self.current().filter(|row| row.kind == IdentityKind::Certificate).map(|row| row.name.clone());
                Next::Do(Command::IdentityForm(Purpose::TakeIn(own.unwrap_or_default())))
            }
            _ => self.row_key(key),
        }
    }

    /// Keys that work on the row under the cursor.
    fn row_key(&mut self, key: Key) -> Next {
        let Some(row) = self.current().cloned() else { return Next::Stay };
        let name = row.name.clone();
        let fingerprint = row.what.as_ref().ok().map(|(_, facts)| facts.fingerprint());
        match (letter(key), key.code) {
            (Some('l'), _) | (_, KeyCode::Enter) => return Next::Do(Command::InspectIdentity(Box::new(row))),
            (Some('y'), _) => return fingerprint.map_or(Next::Stay, |text| self.copy(&text.clone(), text)),
            _ => {}
        }
        match row.kind {
            IdentityKind::Certificate => self.certificate_key(key, row),
            IdentityKind::Authority => self.authority_key(key, name),
            IdentityKind::SshKey => self.ssh_key(key, &row),
        }
    }

    fn certificate_key(&mut self, key: Key, row: IdentityRow) -> Next {
        let name = row.name.clone();
        match (letter(key), key.code) {
            (Some('e'), _) => return Next::Do(Command::IdentityForm(Purpose::Export(name))),
            (Some('r'), _) => return Next::Do(Command::IdentityForm(Purpose::Rename(name))),
            (Some('D'), _) => return Next::Do(Command::Identities(IdentityOrder::Default((!row.is_default).then_some(name)))),
            (Some('u'), _) if row.pending.is_some() => return Next::Do(Command::Identities(IdentityOrder::Discard(name))),
            (Some('d'), _) | (_, KeyCode::Delete) => return Next::Do(Command::RemoveIdentity(Box::new(row))),
            (Some('u'), _) => self.refuse("no signed certificate waits for it"),
            (Some('s' | 'x'), _) => self.refuse("only an authority signs and takes back; N makes one"),
            (Some('I' | 'c'), _) => self.refuse("only an SSH key is installed; a certificate is sent with e"),
            _ => {}
        }
        Next::Stay
    }

    fn authority_key(&mut self, key: Key, name: String) -> Next {
        match (letter(key), key.code) {
            (Some('e'), _) => return Next::Do(Command::IdentityForm(Purpose::ExportAuthority(name))),
            (Some('s'), _) => return Next::Do(Command::IdentityForm(Purpose::Sign(name))),
            (Some('x'), _) => return Next::Do(Command::IdentityForm(Purpose::Revoke(name))),
            (Some('D' | 'u' | 'r' | 'd' | 'I' | 'c'), _) | (_, KeyCode::Delete) => {
                self.refuse("an authority keeps its name and place: whom it signed depends on it");
            }
            _ => {}
        }
        Next::Stay
    }

    fn ssh_key(&mut self, key: Key, row: &IdentityRow) -> Next {
        let Ok((file, IdentityFacts::SshKey { public, is_locked })) = &row.what else { return Next::Stay };
        match (letter(key), key.code) {
            (Some('e'), _) => return Next::Do(Command::IdentityForm(Purpose::ExportSshKey(row.name.clone(), file.clone()))),
            (Some('c'), _) => {
                let line = public.line();
                return self.copy("its public line", line);
            }
            (Some('I'), _) => return Next::Do(Command::InstallSshKey { file: file.clone(), is_locked: *is_locked }),
            (Some('s' | 'x' | 'D' | 'u' | 'r' | 'd'), _) | (_, KeyCode::Delete) => {
                self.refuse("that is for certificates; the files of an SSH key are yours to move and remove");
            }
            _ => {}
        }
        Next::Stay
    }

    fn copy(&mut self, what: &str, text: String) -> Next {
        self.said = Some((Mood::Good, format!("to the clipboard: {what}")));
        Next::Do(Command::Effect(Effect::Clipboard(text)))
    }

    fn refuse(&mut self, why: &str) {
        self.said = Some((Mood::Warning, why.to_owned()));
    }
}

/// Remove an identity? Only `y`, or the button after moving to it, does it.
pub struct RemoveIdentityDialog {
    /// Which.
    pub row: Box<IdentityRow>,
    /// Enter does it; begins with no.
    pub yes_focused: bool,
}

impl RemoveIdentityDialog {
    pub(super) fn key(&mut self, key: Key) -> Next {
        match super::confirm::yes_or_no(key, &mut self.yes_focused) {
            Some(true) => Next::Finish(Command::Identities(IdentityOrder::Remove(self.row.name.clone()))),
            Some(false) => Next::Close,
            None => Next::Stay,
        }
    }
}
