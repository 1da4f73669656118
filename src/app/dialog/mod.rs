//! What stands over the panes and takes the keys: plain data, one variant a dialog. Esc always gives the safe answer.
//!
//! A dialog changes itself and answers with a `Next`; what follows from that is done in `app::carry_out`. Dialogs of
//! questions own the way to answer: however one is lost, the asker hears a refusal.

mod confirm;
mod conflict;
mod connect;
mod facts;
mod inspector;
mod ledger;
mod line;
mod list;
mod prompt;
mod trust;

use std::time::Duration;

pub use confirm::{DeleteDialog, QuitDialog, StopDialog, TransferDialog, TransferField};
pub use conflict::{ConflictDialog, Newer};
pub use connect::ConnectDialog;
pub use facts::{FactsDialog, MessageDialog};
pub(super) use inspector::of_peer;
pub use inspector::{
    About, Choices, ExportDialog, ExportForm, Headline, INSPECTOR_KEYS, InspectorDialog, Mood, PROBLEM, Page, confirmation_words,
    kind_words, subject_words, verified_words,
};
pub use ledger::{ForgetDialog, ImportDialog, LEDGER_KEYS, LedgerDialog, LedgerSort, Standing, fingerprint, standing};
pub use line::{FilterDialog, MakeDirDialog, PatternDialog, RenameDialog};
pub use list::{HelpDialog, HelpRow, PaletteDialog, SortDialog, TransfersDialog};
pub use prompt::{InteractiveDialog, SecretDialog};
pub use trust::{TrustDialog, TrustMode};

use super::action::Action;
use super::effect::{Effect, FileContent, LedgerOrder};
use super::key::{Key, KeyCode};
use super::message::Side;
use super::transfers::Transfers;
use crate::ask::{ConflictAnswer, Question, TrustAnswer};
use crate::model::FilePath;
use crate::model::site::ParsedUrl;
use crate::model::sort::SortKey;
use crate::trust::Evidence;
use crate::trust::ledger::Row;

/// A dialog with all its state.
pub enum Dialog {
    /// Is this certificate or host key the right one?
    Trust(Box<TrustDialog>),
    /// A password or passphrase.
    Secret(SecretDialog),
    /// The server's own prompts.
    Interactive(InteractiveDialog),
    /// A file is in the way.
    Conflict(Box<ConflictDialog>),
    /// Where to connect.
    Connect(ConnectDialog),
    /// Copy or move, before it starts.
    Transfer(Box<TransferDialog>),
    /// Delete, before it starts.
    Delete(DeleteDialog),
    /// The name of a new folder.
    MakeDir(MakeDirDialog),
    /// A new name.
    Rename(RenameDialog),
    /// Mark or unmark by pattern.
    Pattern(PatternDialog),
    /// The filter line at the foot of a pane; the list follows while it is typed.
    Filter(FilterDialog),
    /// By what to sort.
    Sort(SortDialog),
    /// Label and value in rows: an entry, a connection.
    Facts(FactsDialog),
    /// All about a connection, a file of certificates or keys, or a line of the ledger.
    Inspector(Box<InspectorDialog>),
    /// Into which file something is written.
    Export(ExportDialog),
    /// Everything the person trusts.
    Ledger(Box<LedgerDialog>),
    /// Trust something no more?
    Forget(ForgetDialog),
    /// Which file decisions are taken over from.
    Import(ImportDialog),
    /// All keys.
    Help(HelpDialog),
    /// All actions by name.
    Palette(PaletteDialog),
    /// The jobs.
    Transfers(TransfersDialog),
    /// Quit while jobs run?
    Quit(QuitDialog),
    /// Stop a job?
    Stop(StopDialog),
    /// What happened, why, what to do next.
    Message(MessageDialog),
}

/// What follows from a key.
pub(super) enum Next {
    /// Nothing more.
    Stay,
    /// The dialog closes with the safe answer.
    Close,
    /// The question is answered and the dialog closes.
    Answer(Answer),
    /// The dialog closes and this is done.
    Finish(Command),
    /// This is done, the dialog stays.
    Do(Command),
}

/// An answer to a question; it must fit the dialog.
pub(super) enum Answer {
    Trust(TrustAnswer),
    Conflict(ConflictAnswer),
    /// What stands in the inputs.
    Typed,
}

/// What a dialog wants done.
pub(super) enum Command {
    Connect { side: Side, url: ParsedUrl },
    Effect(Effect),
    Submit(crate::engine::JobSpec),
    Pattern { side: Side, mark: bool, text: String },
    Filter { side: Side, text: String },
    Sort { side: Side, key: SortKey },
    Perform(Action),
    Report(Box<MessageDialog>),
    InspectConnection,
    InspectRow(Box<Row>),
    CheckRevocation(Box<Evidence>),
    Export(Vec<ExportForm>),
    ExportLedger,
    ImportLedger,
    WriteFile { path: FilePath, content: FileContent },
    Ledger(LedgerOrder),
    Forget(Box<Row>),
    Repin(Box<Row>),
}

/// More lines than any dialog has. Where it really ends depends on its width: [`super::App::limit_scroll`].
const MOST_LINES: usize = 100_000;

/// Keys pressed so soon after a dialog came up were meant for what was there before.
pub(super) const GUARD: Duration = Duration::from_millis(500);

impl Dialog {
    /// The dialog of a question. `typing`: keys were pressed just now.
    pub(super) fn of(question: Question, now: Duration, typing: bool) -> Self {
        match question {
            Question::Trust(ask) => Self::Trust(Box::new(TrustDialog::new(ask, now))),
            Question::Secret(ask) => Self::Secret(SecretDialog::new(ask)),
            Question::Interactive(ask) => Self::Interactive(InteractiveDialog::new(ask)),
            Question::Conflict(ask) => Self::Conflict(Box::new(ConflictDialog::new(ask, if typing { now + GUARD } else { now }))),
        }
    }

    /// Whether the engine waits for this dialog.
    pub fn is_question(&self) -> bool {
        matches!(self, Self::Trust(_) | Self::Secret(_) | Self::Interactive(_) | Self::Conflict(_))
    }

    /// Whether nobody waits for the answer any more.
    pub(super) fn is_withdrawn(&self) -> bool {
        match self {
            Self::Trust(dialog) => dialog.ask.reply.is_withdrawn(),
            Self::Secret(dialog) => dialog.ask.reply.is_withdrawn(),
            Self::Interactive(dialog) => dialog.ask.reply.is_withdrawn(),
            Self::Conflict(dialog) => dialog.ask.reply.is_withdrawn(),
            _ => false,
        }
    }

    /// A key for this dialog.
    pub(super) fn key(&mut self, key: Key, now: Duration, transfers: &Transfers) -> Next {
        let key = plain_escape(key);
        match self {
            Self::Trust(dialog) => dialog.key(key, now),
            Self::Secret(dialog) => dialog.key(key),
            Self::Interactive(dialog) => dialog.key(key),
            Self::Conflict(dialog) => dialog.key(key, now),
            Self::Connect(dialog) => dialog.key(key),
            Self::Transfer(dialog) => dialog.key(key),
            Self::Delete(dialog) => dialog.key(key),
            Self::MakeDir(dialog) => dialog.key(key),
            Self::Rename(dialog) => dialog.key(key),
            Self::Pattern(dialog) => dialog.key(key),
            Self::Filter(dialog) => dialog.key(key),
            Self::Sort(dialog) => dialog.key(key),
            Self::Facts(dialog) => dialog.key(key),
            Self::Inspector(dialog) => dialog.key(key),
            Self::Export(dialog) => dialog.key(key),
            Self::Ledger(dialog) => dialog.key(key),
            Self::Forget(dialog) => dialog.key(key),
            Self::Import(dialog) => dialog.key(key),
            Self::Help(dialog) => dialog.key(key),
            Self::Palette(dialog) => dialog.key(key),
            Self::Transfers(dialog) => dialog.key(key, transfers),
            Self::Quit(dialog) => dialog.key(key),
            Self::Stop(dialog) => dialog.key(key),
            Self::Message(dialog) => dialog.key(key),
        }
    }

    /// What follows from the time alone.
    pub(super) fn settle(&mut self, now: Duration) -> Next {
        match self {
            Self::Trust(dialog) => dialog.settle(now),
            _ => Next::Stay,
        }
    }

    /// Text was pasted. What is no input drops it.
    pub(super) fn paste(&mut self, text: &str) -> Next {
        let input = match self {
            Self::Trust(dialog) => {
                dialog.paste(text);
                return Next::Stay;
            }
            Self::Secret(dialog) => &mut dialog.input,
            Self::Interactive(dialog) => match dialog.inputs.get_mut(dialog.focus) {
                Some(input) => input,
                None => return Next::Stay,
            },
            Self::Connect(dialog) => &mut dialog.input,
            Self::Transfer(dialog) => match (dialog.focus, &mut dialog.name) {
                (TransferField::Target, _) => &mut dialog.target,
                (TransferField::Name, Some(name)) => name,
                _ => return Next::Stay,
            },
            Self::MakeDir(dialog) => &mut dialog.input,
            Self::Rename(dialog) => &mut dialog.input,
            Self::Pattern(dialog) => &mut dialog.input,
            Self::Filter(dialog) => {
                dialog.input.insert(text);
                return dialog.follow();
            }
            Self::Inspector(dialog) => match &mut dialog.comparing {
                Some(input) => input,
                None => return Next::Stay,
            },
            Self::Export(dialog) => &mut dialog.input,
            Self::Import(dialog) => &mut dialog.input,
            Self::Ledger(dialog) => {
                if dialog.filtering {
                    dialog.narrow(|filter| filter.insert(text));
                }
                return Next::Stay;
            }
            Self::Help(dialog) => &mut dialog.input,
            Self::Palette(dialog) => &mut dialog.input,
            Self::Conflict(_)
            | Self::Delete(_)
            | Self::Sort(_)
            | Self::Facts(_)
            | Self::Forget(_)
            | Self::Transfers(_)
            | Self::Quit(_)
            | Self::Stop(_)
            | Self::Message(_) => return Next::Stay,
        };
        input.insert(text);
        Next::Stay
    }

    /// Answers the question and ends the dialog.
    pub(super) fn answer(self, answer: Answer) {
        match (self, answer) {
            (Self::Trust(dialog), Answer::Trust(answer)) => dialog.answer(answer),
            (Self::Conflict(dialog), Answer::Conflict(answer)) => dialog.ask.reply.send(answer),
            (Self::Secret(dialog), Answer::Typed) => dialog.answer(),
            (Self::Interactive(dialog), Answer::Typed) => dialog.answer(),
            // Dropping it is a refusal.
            _ => {}
        }
    }
}

/// Ctrl-C and Ctrl-G close a dialog as Esc does.
fn plain_escape(key: Key) -> Key {
    if key == Key::ctrl('c') || key == Key::ctrl('g') { Key::plain(KeyCode::Esc) } else { key }
}

/// The character of a key without Ctrl and Alt.
fn letter(key: Key) -> Option<char> {
    match key.code {
        KeyCode::Char(character) if !key.ctrl && !key.alt => Some(character),
        _ => None,
    }
}

/// Where a list is after a moving key; `None` if it is no such key.
fn moved(key: Key, at: usize, rows: usize, letters: bool) -> Option<usize> {
    let last = rows.saturating_sub(1);
    let to = match key.code {
        KeyCode::Char('n') if key.ctrl => at + 1,
        KeyCode::Char('p') if key.ctrl => at.saturating_sub(1),
        KeyCode::Char('j') if letters && !key.ctrl => at + 1,
        KeyCode::Char('k') if letters && !key.ctrl => at.saturating_sub(1),
        KeyCode::Char('g') | KeyCode::Home if letters && !key.ctrl => 0,
        KeyCode::Char('G') | KeyCode::End if letters => last,
        KeyCode::Down => at + 1,
        KeyCode::Up => at.saturating_sub(1),
        KeyCode::PageDown => at + 10,
        KeyCode::PageUp => at.saturating_sub(10),
        _ => return None,
    };
    Some(to.min(last))
}

/// Whether a key goes to the next (`Some(true)`) or the previous button or field.
fn focus_step(key: Key) -> Option<bool> {
    match key.code {
        KeyCode::Tab | KeyCode::Right | KeyCode::Down => Some(true),
        KeyCode::BackTab | KeyCode::Left | KeyCode::Up => Some(false),
        _ => None,
    }
}

/// The neighbour of `at` in `ring`.
fn neighbour<T: Copy + PartialEq>(ring: &[T], at: T, forward: bool) -> T {
    let place = ring.iter().position(|one| *one == at).unwrap_or(0);
    let step = if forward { 1 } else { ring.len().saturating_sub(1) };
    ring.get((place + step) % ring.len().max(1)).copied().unwrap_or(at)
}
