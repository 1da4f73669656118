//! The operator's lists of clients: who waits to be trusted, who comes in, who is turned away; and what is decided about each.

use std::time::Duration;

use super::inspector::Mood;
use super::ledger::{ForgetDialog, ForgetOrder};
use super::{Command, GUARD, Next, explained, leave_list, letter, moved};
use crate::app::effect::{ClientsOrder, Effect};
use crate::app::key::{Key, KeyCode};
use crate::app::message::Generation;
use crate::model::text;
use crate::server::clients::{Client, Lists};
use crate::trust::certificate::CertificateFacts;
use crate::trust::{Certificate, Fingerprint};

/// Columns of a name in a question.
const LONGEST_NAME: usize = 60;

/// The clients of one's own server.
pub struct ClientsDialog {
    /// All of them, as they were read last; `None` before that.
    pub rows: Option<Vec<ClientRow>>,
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

/// A line of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRow {
    /// In which list it stands.
    pub state: ClientState,
    /// Itself.
    pub client: Client,
    /// What its certificate says; `None`: it cannot be read.
    pub facts: Option<CertificateFacts>,
}

/// What was decided about a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientState {
    /// Nothing yet: it is turned away, and waits.
    Pending,
    /// It is let in.
    Trusted,
    /// Whoever it signed is let in.
    Authority,
    /// It is turned away for good.
    Refused,
}

impl ClientState {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Trusted => "trusted",
            Self::Authority => "authority",
            Self::Refused => "refused",
        }
    }
}

/// The keys of the list of clients and what they do.
pub const CLIENTS_KEYS: [(&str, &str); 8] = [
    ("Enter", "all about it"),
    ("t", "let it in, from its next connection on"),
    ("x", "turn it away for good"),
    ("d", "forget it; if it comes again, it waits"),
    ("a", "trust an authority, from a file: whoever it signed comes in"),
    ("y", "copy the fingerprint to the clipboard"),
    ("R", "read the lists again"),
    ("Esc", "close"),
];

impl ClientRow {
    fn new(state: ClientState, client: Client) -> Self {
        Self { state, facts: client.facts().ok(), client }
    }

    /// Whose it is, in a line; safe to draw.
    pub fn owner(&self) -> String {
        self.facts.as_ref().map_or_else(|| "a certificate that cannot be read".to_owned(), CertificateFacts::owner)
    }
}

/// The lists as rows: who waits first.
fn rows(lists: Lists) -> Vec<ClientRow> {
    let Lists { trusted, authorities, refused, pending } = lists;
    let all = [
        (ClientState::Pending, pending),
        (ClientState::Trusted, trusted),
        (ClientState::Authority, authorities),
        (ClientState::Refused, refused),
    ];
    all.into_iter().flat_map(|(state, list)| list.into_iter().map(move |client| ClientRow::new(state, client))).collect()
}

impl ClientsDialog {
    pub(in crate::app) fn new(waiting: Generation) -> Self {
        Self { rows: None, cursor: 0, help: false, scroll: 0, said: None, waiting: Some(waiting) }
    }

    /// All rows.
    pub fn shown(&self) -> &[ClientRow] {
        self.rows.as_deref().unwrap_or_default()
    }

    /// The row under the cursor.
    pub fn current(&self) -> Option<&ClientRow> {
        self.shown().get(self.cursor)
    }

    /// Takes the lists as they are now; the cursor stays on the client it was on.
    pub(in crate::app) fn take(&mut self, lists: Lists) {
        let on = self.current().map(|row| row.client.certificate.clone());
        let rows = rows(lists);
        let found = rows.iter().position(|row| Some(&row.client.certificate) == on.as_ref());
        self.cursor = found.unwrap_or(self.cursor).min(rows.len().saturating_sub(1));
        self.rows = Some(rows);
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        if explained(key, &mut self.help, &mut self.scroll) {
            return Next::Stay;
        }
        self.said = None;
        if let Some(to) = moved(key, self.cursor, self.shown().len(), true) {
            self.cursor = to;
            return Next::Stay;
        }
        match (letter(key), key.code) {
            (Some('q'), _) | (_, KeyCode::Esc) => leave_list(self.waiting, self.rows.is_some()),
            (Some('?'), _) => {
                self.help = true;
                Next::Stay
            }
            (Some('R'), _) => Next::Do(Command::Clients(ClientsOrder::Read)),
            (Some('a'), _) => Next::Do(Command::ChooseAuthority),
            _ => self.row_key(key),
        }
    }

    /// Keys that work on the row under the cursor.
    fn row_key(&mut self, key: Key) -> Next {
        let Some(row) = self.current() else { return Next::Stay };
        let asked = match (letter(key), key.code) {
            (Some('l'), _) | (_, KeyCode::Enter) => return Next::Do(Command::InspectClient(Box::new(row.clone()))),
            (Some('y'), _) => {
                let fingerprint = row.client.fingerprint().colons();
                self.said = Some((Mood::Good, format!("to the clipboard: {fingerprint}")));
                return Next::Do(Command::Effect(Effect::Clipboard(fingerprint)));
            }
            (Some('t'), _) => trust(row),
            (Some('x'), _) => refuse(row),
            (Some('d'), _) | (_, KeyCode::Delete) => Ok(forget(row)),
            _ => return Next::Stay,
        };
        match asked {
            Ok(question) => Next::Do(Command::Ask(Box::new(question))),
            Err(why) => {
                self.said = Some((Mood::Plain, why.to_owned()));
                Next::Stay
            }
        }
    }
}

/// Let it in? Else why that makes no sense.
fn trust(row: &ClientRow) -> Result<ForgetDialog, &'static str> {
    match row.state {
        ClientState::Trusted => return Err("it is trusted already"),
        ClientState::Authority => return Err("whoever it signed is let in already"),
        ClientState::Pending | ClientState::Refused => {}
    }
    let words = "It comes in from its next connection on. Compare the fingerprint with the one you were told by whoever it belongs to.";
    Ok(question("Let this client in?", row, words, ClientsOrder::Trust, "[Y]es, trust it"))
}

/// Turn it away for good? Else why that makes no sense.
fn refuse(row: &ClientRow) -> Result<ForgetDialog, &'static str> {
    match row.state {
        ClientState::Refused => return Err("it is refused already"),
        ClientState::Authority => return Err("an authority is not refused: d forgets it"),
        ClientState::Pending | ClientState::Trusted => {}
    }
    let words = "From its next connection on it is turned away, even if an authority you trust signed it, and does not wait again.";
    Ok(question("Turn this client away for good?", row, words, ClientsOrder::Refuse, "[Y]es, refuse it"))
}

fn forget(row: &ClientRow) -> ForgetDialog {
    let words = match row.state {
        ClientState::Pending => "It does not wait any more. If it comes again, it waits anew.",
        ClientState::Trusted => "From its next connection on it is turned away and waits, unless an authority you trust signed it.",
        ClientState::Authority => "Whom it signed is turned away and waits from the next connection on, unless trusted otherwise.",
        ClientState::Refused => {
            "If it comes again, it waits to be trusted like any other; if an authority you trust signed it, it comes in."
        }
    };
    question("Forget it?", row, words, ClientsOrder::Forget, "[Y]es, forget it")
}

fn question(title: &str, row: &ClientRow, meaning: &str, order: fn(Fingerprint) -> ClientsOrder, yes: &'static str) -> ForgetDialog {
    let fingerprint = row.client.fingerprint();
    about(title, &row.owner(), &fingerprint, meaning, order(fingerprint), yes)
}

/// Trust what was found in a file as an authority? It comes up when the file was read: keys on their way then were meant for the list.
pub(in crate::app) fn trust_authority(certificate: Certificate, now: Duration) -> ForgetDialog {
    let owner = CertificateFacts::read(&certificate.der).map(|facts| facts.owner()).unwrap_or_default();
    let fingerprint = Fingerprint::of(&certificate.der);
    let meaning = "Whoever it signed, now or later, comes in from the next connection on.";
    let order = ClientsOrder::TrustAuthority(certificate);
    let question = about("Let in whoever this authority signed?", &owner, &fingerprint, meaning, order, "[Y]es, trust it");
    ForgetDialog { deaf_until: now + GUARD, ..question }
}

fn about(title: &str, owner: &str, fingerprint: &Fingerprint, meaning: &str, order: ClientsOrder, yes: &'static str) -> ForgetDialog {
    // Strangers choose their names: the longest leaves room for the fingerprint.
    let owner = text::cut_middle(owner, LONGEST_NAME);
    ForgetDialog {
        order: ForgetOrder::Clients(order),
        title: title.to_owned(),
        words: vec![format!("{owner}, SHA-256 {}", fingerprint.colons()), meaning.to_owned()],
        yes,
        yes_focused: false,
        deaf_until: Duration::ZERO,
    }
}
