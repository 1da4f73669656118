//! What stands over the panes and takes the keys: plain data, one variant a dialog. Esc always gives the safe answer.
//!
//! A dialog changes itself and answers with a `Next`; what follows from that is done in `app::carry_out`. Dialogs of
//! questions own the way to answer: however one is lost, the asker hears a refusal.

mod clients;
mod command;
mod confirm;
mod conflict;
mod connect;
mod facts;
mod form;
mod identities;
mod inspector;
mod interrupted;
mod ledger;
mod line;
mod list;
mod prompt;
mod refusal;
mod secrets;
mod site_form;
mod sites;
mod sync_form;
mod sync_plan;
mod transfers;
mod trust;

use std::time::Duration;

pub(super) use clients::trust_authority;
pub use clients::{CLIENTS_KEYS, ClientRow, ClientState, ClientsDialog};
pub(super) use command::{Answer, Command, Next};
pub use confirm::{DeleteDialog, QuitChoice, QuitDialog, StopDialog, TransferDialog, TransferField};
pub use conflict::ConflictDialog;
pub use connect::ConnectDialog;
pub use facts::{FactsDialog, MessageDialog};
#[cfg(test)]
pub(crate) use form::tests as form_tests;
pub use form::{Faults, Field, Focus, Form, FormAnswer, Value};
pub use identities::{IDENTITIES_KEYS, IdentitiesDialog, IdentityForm, Install, Purpose, RemoveIdentityDialog, WORKING};
pub(super) use inspector::of_peer;
pub use inspector::{
    About, Choices, ExportDialog, ExportForm, Headline, INSPECTOR_KEYS, InspectorDialog, Mood, PROBLEM, Page, confirmation_words,
    kind_words, subject_words, verified_words,
};
pub use interrupted::{InterruptedChoice, InterruptedDialog};
pub use ledger::{
    ForgetDialog, ForgetOrder, ImportDialog, ImportPurpose, LEDGER_KEYS, LedgerDialog, LedgerSort, Standing, fingerprint, standing,
};
pub use line::{FilterDialog, MakeDirDialog, PatternDialog, RenameDialog};
pub use list::{HelpDialog, HelpRow, PaletteDialog, SortDialog};
pub use prompt::{InteractiveDialog, SecretDialog};
pub use secrets::SecretsDialog;
pub use transfers::{AskedFor, Asking, Row as TransfersRow, Section, TransfersDialog};
pub use trust::{TrustDialog, TrustMode};

use super::effect::Effect;
pub use refusal::RefusalDialog;
pub use site_form::SiteFormDialog;
pub use sites::{RemoveSiteDialog, SitesDialog, SitesRow};
pub use sync_form::SyncFormDialog;
pub use sync_plan::{SYNC_KEYS, SyncLine, SyncPlanDialog, SynchroniseDialog};

use super::key::{Key, KeyCode};
use super::message::Generation;
use super::transfers::Transfers;
use crate::ask::Question;

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
    /// The secrets the person keeps.
    Secrets(Box<SecretsDialog>),
    /// The clients of one's own server.
    Clients(Box<ClientsDialog>),
    /// Trust or keep something no more, or trust something?
    Forget(ForgetDialog),
    /// Which file decisions are taken over from, or an authority.
    Import(ImportDialog),
    /// The server wants to know who the person is, or does not like the answer.
    Refusal(Box<RefusalDialog>),
    /// Who the person is.
    Identities(Box<IdentitiesDialog>),
    /// What an identity is made or written of.
    IdentityForm(Box<IdentityForm>),
    /// Remove an identity?
    RemoveIdentity(RemoveIdentityDialog),
    /// The sites the person keeps.
    Sites(Box<SitesDialog>),
    /// A site being made or changed.
    SiteForm(Box<SiteFormDialog>),
    /// Keep a site no longer?
    RemoveSite(RemoveSiteDialog),
    /// All keys.
    Help(HelpDialog),
    /// All actions by name.
    Palette(PaletteDialog),
    /// The jobs.
    Transfers(TransfersDialog),
    /// How two folders are to be compared.
    SyncForm(Box<SyncFormDialog>),
    /// What a comparison found.
    SyncPlan(Box<SyncPlanDialog>),
    /// Carry out what a comparison found?
    Synchronise(Box<SynchroniseDialog>),
    /// Quit while jobs run?
    Quit(QuitDialog),
    /// Earlier runs left something unfinished.
    Interrupted(InterruptedDialog),
    /// Stop a job?
    Stop(StopDialog),
    /// What happened, why, what to do next.
    Message(MessageDialog),
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
            Self::Secrets(dialog) => dialog.key(key),
            Self::Clients(dialog) => dialog.key(key),
            Self::Forget(dialog) => dialog.key(key, now),
            Self::Import(dialog) => dialog.key(key),
            Self::Refusal(dialog) => dialog.key(key),
            Self::Identities(dialog) => dialog.key(key),
            Self::IdentityForm(dialog) => dialog.key(key),
            Self::RemoveIdentity(dialog) => dialog.key(key),
            Self::Sites(dialog) => dialog.key(key),
            Self::SiteForm(dialog) => dialog.key(key),
            Self::RemoveSite(dialog) => dialog.key(key),
            Self::Help(dialog) => dialog.key(key),
            Self::Palette(dialog) => dialog.key(key),
            Self::Transfers(dialog) => dialog.key(key, transfers),
            Self::SyncForm(dialog) => dialog.key(key),
            Self::SyncPlan(dialog) => dialog.key(key),
            Self::Synchronise(dialog) => dialog.key(key),
            Self::Quit(dialog) => dialog.key(key),
            Self::Interrupted(dialog) => dialog.key(key, now),
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
            Self::IdentityForm(dialog) => {
                dialog.form.paste(text);
                return Next::Stay;
            }
            Self::Secrets(dialog) => match &mut dialog.opening {
                Some((_, input)) => input,
                None => return Next::Stay,
            },
            Self::Sites(dialog) => {
                if dialog.filtering {
                    dialog.narrow(|filter| filter.insert(text));
                }
                return Next::Stay;
            }
            Self::SiteForm(dialog) => {
                dialog.form.paste(text);
                return Next::Stay;
            }
            Self::Transfers(dialog) => match &mut dialog.asking {
                Some(asking) => &mut asking.input,
                None => return Next::Stay,
            },
            Self::SyncForm(dialog) => {
                dialog.form.paste(text);
                return Next::Stay;
            }
            Self::Help(dialog) => &mut dialog.input,
            Self::Palette(dialog) => &mut dialog.input,
            Self::Conflict(_)
            | Self::Delete(_)
            | Self::Sort(_)
            | Self::Facts(_)
            | Self::Clients(_)
            | Self::Forget(_)
            | Self::Identities(_)
            | Self::Refusal(_)
            | Self::RemoveIdentity(_)
            | Self::RemoveSite(_)
            | Self::SyncPlan(_)
            | Self::Synchronise(_)
            | Self::Quit(_)
            | Self::Interrupted(_)
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

/// A key while the keys of a list are explained instead of it: it scrolls, or ends that. `false`: they are not explained.
fn explained(key: Key, help: &mut bool, scroll: &mut usize) -> bool {
    if *help {
        match moved(key, *scroll, MOST_LINES, true) {
            Some(to) => *scroll = to,
            None => (*help, *scroll) = (false, 0),
        }
        return true;
    }
    false
}

/// A list is left: its first reading is not waited for any more; a change that has begun is brought to its end.
fn leave_list(waiting: Option<Generation>, was_read: bool) -> Next {
    match waiting {
        Some(generation) if !was_read => Next::Finish(Command::Effect(Effect::StopLooking(generation))),
        _ => Next::Close,
    }
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
