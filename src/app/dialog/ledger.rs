//! Everything the person trusts in one list: found, sorted, looked at, taken back.

use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};

use super::inspector::{Mood, subject_words, verified_words};
use super::{Command, Next, explained, leave_list, letter, moved};
use crate::app::effect::{ClientsOrder, Effect, LedgerOrder, SecretWork};
use crate::app::input::Input;
use crate::app::key::{Key, KeyCode};
use crate::app::message::Generation;
use crate::trust::ledger::{Confirmation, Row, Subject};

/// The ledger.
pub struct LedgerDialog {
    /// All rows, as they were read last; `None` before that.
    pub rows: Option<Vec<Row>>,
    /// The row under the cursor, of those shown.
    pub cursor: usize,
    /// By what they are sorted.
    pub sort: LedgerSort,
    /// Only rows with this text are shown.
    pub filter: Input,
    /// Keys go to the filter.
    pub filtering: bool,
    /// The keys are explained instead of the list.
    pub help: bool,
    /// The first line shown of that explanation.
    pub scroll: usize,
    /// What the last key brought, and whether it is good.
    pub said: Option<(Mood, String)>,
    /// An answer is waited for.
    pub waiting: Option<Generation>,
}

/// By what the ledger is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerSort {
    /// By endpoint.
    Whom,
    /// What ends first stands first.
    Expires,
    /// What was seen last stands first.
    LastSeen,
}

impl LedgerSort {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Whom => "name",
            Self::Expires => "what ends first",
            Self::LastSeen => "what was seen last",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Whom => Self::Expires,
            Self::Expires => Self::LastSeen,
            Self::LastSeen => Self::Whom,
        }
    }
}

/// The keys of the ledger and what they do.
pub const LEDGER_KEYS: [(&str, &str); 9] = [
    ("Enter", "all about it"),
    ("/", "show only lines with a text"),
    ("s", "sort: by name, by what ends first, by what was seen last"),
    ("d", "trust it no more; the next connection asks"),
    ("p", "ask about it again, or take what is shown there now"),
    ("y", "copy the fingerprint to the clipboard"),
    ("e", "write all decisions to a file"),
    ("i", "take over decisions from such a file"),
    ("R", "read it again"),
];

/// How a row stands, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Never to be trusted.
    Revoked,
    /// The keyring does not confirm it.
    Denied,
    /// It is over.
    Expired,
    /// It ends within thirty days.
    EndsSoon,
    /// Nothing is to be said.
    Well,
}

/// How `row` stands at `now`.
pub fn standing(row: &Row, now: Timestamp) -> Standing {
    let soon = now.checked_add((30 * 24).hours()).unwrap_or(Timestamp::MAX);
    match (&row.subject, row.confirmed, row.expires) {
        (Subject::RevokedHostKey(..), ..) => Standing::Revoked,
        (_, Confirmation::Denied, _) => Standing::Denied,
        (_, _, Some(end)) if end <= now => Standing::Expired,
        (_, _, Some(end)) if end <= soon => Standing::EndsSoon,
        _ => Standing::Well,
    }
}

impl LedgerDialog {
    pub(in crate::app) fn new(waiting: Generation) -> Self {
        Self {
            rows: None,
            cursor: 0,
            sort: LedgerSort::Whom,
            filter: Input::new(""),
            filtering: false,
            help: false,
            scroll: 0,
            said: None,
            waiting: Some(waiting),
        }
    }

    /// The rows the filter leaves, in their order.
    pub fn shown(&self) -> Vec<&Row> {
        let needle = self.filter.text().to_lowercase();
        let has = |row: &&Row| needle.is_empty() || words(row).contains(&needle);
        let mut rows: Vec<&Row> = self.rows.iter().flatten().filter(has).collect();
        rows.sort_by(|one, other| {
            let by_name = one.whom.to_lowercase().cmp(&other.whom.to_lowercase());
            match self.sort {
                LedgerSort::Whom => by_name,
                LedgerSort::Expires => one.expires.unwrap_or(Timestamp::MAX).cmp(&other.expires.unwrap_or(Timestamp::MAX)).then(by_name),
                LedgerSort::LastSeen => other.last_seen.cmp(&one.last_seen).then(by_name),
            }
        });
        rows
    }

    /// The row under the cursor.
    pub fn current(&self) -> Option<&Row> {
        self.shown().get(self.cursor).copied()
    }

    /// Takes the rows as they are now; the cursor stays on what it was on.
    pub(in crate::app) fn take(&mut self, rows: Vec<Row>) {
        let on = self.current().map(|row| row.subject.clone());
        self.rows = Some(rows);
        self.follow(on.as_ref());
    }

    fn follow(&mut self, on: Option<&Subject>) {
        let shown = self.shown();
        let found = shown.iter().position(|row| Some(&row.subject) == on);
        self.cursor = found.unwrap_or(self.cursor).min(shown.len().saturating_sub(1));
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        if self.filtering {
            self.type_filter(key);
            return Next::Stay;
        }
        if explained(key, &mut self.help, &mut self.scroll) {
            return Next::Stay;
        }
        self.said = None;
        if let Some(to) = moved(key, self.cursor, self.shown().len(), true) {
            self.cursor = to;
            return Next::Stay;
        }
        match (letter(key), key.code) {
            (_, KeyCode::Esc) if !self.filter.text().is_empty() => self.narrow(|filter| filter.set("")),
            (Some('q'), _) | (_, KeyCode::Esc) => return leave_list(self.waiting, self.rows.is_some()),
            (Some('?'), _) => self.help = true,
            (Some('/'), _) => self.filtering = true,
            (Some('s'), _) => {
                let on = self.current().map(|row| row.subject.clone());
                self.sort = self.sort.next();
                self.follow(on.as_ref());
                self.said = Some((Mood::Plain, format!("sorted by {}", self.sort.name())));
            }
            (Some('R'), _) => return Next::Do(Command::Ledger(LedgerOrder::Read)),
            (Some('e'), _) => return Next::Do(Command::ExportLedger),
            (Some('i'), _) => return Next::Do(Command::ImportLedger),
            _ => return self.row_key(key),
        }
        Next::Stay
    }

    /// Keys that work on the row under the cursor.
    fn row_key(&mut self, key: Key) -> Next {
        let Some(row) = self.current().cloned() else { return Next::Stay };
        match (letter(key), key.code) {
            (Some('l'), _) | (_, KeyCode::Enter) => Next::Do(Command::InspectRow(Box::new(row))),
            (Some('d'), _) | (_, KeyCode::Delete) => Next::Do(Command::Forget(Box::new(row))),
            (Some('p'), _) => Next::Do(Command::Repin(Box::new(row))),
            (Some('y'), _) => {
                let fingerprint = fingerprint(&row);
                self.said = Some((Mood::Good, format!("to the clipboard: {fingerprint}")));
                Next::Do(Command::Effect(Effect::Clipboard(fingerprint)))
            }
            _ => Next::Stay,
        }
    }

    fn type_filter(&mut self, key: Key) {
        match key.code {
            KeyCode::Esc => {
                self.filtering = false;
                self.narrow(|filter| filter.set(""));
            }
            KeyCode::Enter => self.filtering = false,
            _ => self.narrow(|filter| {
                filter.key(key);
            }),
        }
    }

    /// Changes the filter; the cursor stays on what it was on, if that is still there.
    pub(super) fn narrow(&mut self, change: impl FnOnce(&mut Input)) {
        let on = self.current().map(|row| row.subject.clone());
        change(&mut self.filter);
        self.follow(on.as_ref());
    }
}

/// The fingerprint of a row in the notation people compare.
pub fn fingerprint(row: &Row) -> String {
    match row.subject {
        Subject::Certificate(_) | Subject::Authority(_) => row.fingerprint.colons(),
        Subject::HostKey(..) | Subject::HostAuthority(..) | Subject::RevokedHostKey(..) => row.fingerprint.openssh(),
    }
}

/// All that can be found in a row, in lower case.
fn words(row: &Row) -> String {
    let verified = row.verified.map_or("", verified_words);
    let accepted = row.accepted.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(" ");
    format!("{} {} {verified} {accepted} {} {}", row.whom, subject_words(&row.subject), row.kept, fingerprint(row)).to_lowercase()
}

/// What is done on the yes to a [`ForgetDialog`].
#[derive(Clone)]
pub enum ForgetOrder {
    /// A decision.
    Ledger(LedgerOrder),
    /// A decision about a client of one's own server.
    Clients(ClientsOrder),
    /// A secret.
    Secret(SecretWork),
}

/// Trust or keep something no more, or something else instead? Only `y`, or the button after moving to it, does it.
pub struct ForgetDialog {
    /// What is done on yes.
    pub order: ForgetOrder,
    /// What is asked, in a line.
    pub title: String,
    /// What it means.
    pub words: Vec<String>,
    /// The word on the button that does it: `[Y]es, remove`.
    pub yes: &'static str,
    /// Enter does it; begins with no.
    pub yes_focused: bool,
    /// No key counts before this, since the program started.
    pub deaf_until: Duration,
}

impl ForgetDialog {
    pub(super) fn key(&mut self, key: Key, now: Duration) -> Next {
        if now < self.deaf_until {
            return Next::Stay;
        }
        match super::confirm::yes_or_no(key, &mut self.yes_focused) {
            Some(true) => Next::Finish(match self.order.clone() {
                ForgetOrder::Ledger(order) => Command::Ledger(order),
                ForgetOrder::Clients(order) => Command::Clients(order),
                ForgetOrder::Secret(work) => Command::Secrets(work, None),
            }),
            Some(false) => Next::Close,
            None => Next::Stay,
        }
    }
}

/// What a file is chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportPurpose {
    /// Decisions are taken over from it.
    Decisions,
    /// An authority is in it whose clients are let in.
    Authority,
}

/// The file decisions are taken over from, or an authority.
pub struct ImportDialog {
    /// What for.
    pub purpose: ImportPurpose,
    /// On which side it lies.
    pub place: crate::engine::Place,
    /// The folder its name is read from.
    pub dir: crate::model::FilePath,
    /// Its name or path.
    pub input: Input,
    /// What is wrong with it, once Enter was pressed.
    pub error: Option<String>,
}

impl ImportDialog {
    pub(super) fn key(&mut self, key: Key) -> Next {
        match key.code {
            KeyCode::Esc => return Next::Close,
            KeyCode::Enter => match self.dir.resolve(self.input.text().as_bytes()) {
                Ok(path) if path != self.dir => {
                    let place = self.place;
                    return Next::Finish(match self.purpose {
                        ImportPurpose::Decisions => Command::Ledger(LedgerOrder::Import { place, path }),
                        ImportPurpose::Authority => Command::Clients(ClientsOrder::FindAuthority { place, path }),
                    });
                }
                Ok(_) => self.error = Some("type the name of a file".to_owned()),
                Err(why) => self.error = Some(why.to_string()),
            },
            _ => {
                if self.input.key(key) {
                    self.error = None;
                }
            }
        }
        Next::Stay
    }
}
