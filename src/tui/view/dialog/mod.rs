//! Each dialog as a sheet of lines. One file for each kind of thing a dialog is about.

mod clients;
mod conflict;
mod facts;
mod form;
mod identities;
mod inspector;
mod interrupted;
mod ledger;
mod lists;
mod prompts;
mod refusal;
mod secrets;
mod sites;
mod sync;
mod transfers;
pub(super) mod trust;
mod work;

#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::draw::{clear, put, wrap};
use super::layout::Layout;
use super::look::Look;
use super::screen::Drawn;
use super::sheet::Line;
use crate::app::dialog::FilterDialog;
use crate::app::{App, Dialog};
use crate::model::text;
use crate::tui::frame::Cursor;
use crate::tui::theme::Role;

/// Draws `dialog` over `screen`.
pub(super) fn draw(dialog: &Dialog, app: &App, look: &Look, screen: Rect, layout: &Layout, buffer: &mut Buffer) -> Drawn {
    let sheet = match dialog {
        Dialog::Filter(filter) => return Drawn { cursor: draw_filter(filter, look, layout, buffer), scroll_end: 0 },
        Dialog::Trust(dialog) => trust::sheet(dialog, app.now, look, screen),
        Dialog::Secret(dialog) => prompts::secret(dialog, screen),
        Dialog::Interactive(dialog) => prompts::interactive(dialog, screen),
        Dialog::Connect(dialog) => prompts::connect(dialog, screen),
        Dialog::MakeDir(dialog) => prompts::make_dir(dialog, screen),
        Dialog::Rename(dialog) => prompts::rename(dialog, screen),
        Dialog::Pattern(dialog) => prompts::pattern(dialog, screen),
        Dialog::Conflict(dialog) => conflict::sheet(dialog, look, screen),
        Dialog::Transfer(dialog) => work::transfer(dialog, screen),
        Dialog::Delete(dialog) => work::delete(dialog, screen),
        Dialog::Quit(dialog) => work::quit(dialog, screen),
        Dialog::Interrupted(dialog) => interrupted::sheet(dialog, look, screen),
        Dialog::Stop(dialog) => work::stop(dialog, screen),
        Dialog::Sort(dialog) => lists::sort(dialog, app, look, screen),
        Dialog::Help(dialog) => lists::help(dialog, screen),
        Dialog::Palette(dialog) => lists::palette(dialog, screen),
        Dialog::Transfers(dialog) => transfers::sheet(dialog, app, look, screen),
        Dialog::SyncForm(dialog) => form::sheet(&dialog.form, screen),
        Dialog::SyncPlan(dialog) => sync::sheet(dialog, app, look, screen),
        Dialog::Synchronise(dialog) => sync::question(dialog, screen),
        Dialog::Inspector(dialog) => inspector::sheet(dialog, look, screen),
        Dialog::Export(dialog) => inspector::export(dialog, screen),
        Dialog::Ledger(dialog) => ledger::sheet(dialog, app, look, screen),
        Dialog::Secrets(dialog) => secrets::sheet(dialog, look, screen),
        Dialog::Clients(dialog) => clients::sheet(dialog, app, look, screen),
        Dialog::Forget(dialog) => ledger::forget(dialog, screen),
        Dialog::Import(dialog) => ledger::import(dialog, screen),
        Dialog::Refusal(dialog) => refusal::sheet(dialog, screen),
        Dialog::Identities(dialog) => identities::sheet(dialog, app, look, screen),
        Dialog::IdentityForm(dialog) => identities::form(dialog, screen),
        Dialog::RemoveIdentity(dialog) => identities::remove(dialog, screen),
        Dialog::Sites(dialog) => sites::sheet(dialog, screen),
        Dialog::SiteForm(dialog) => form::sheet(&dialog.form, screen),
        Dialog::RemoveSite(dialog) => sites::remove(dialog, screen),
        Dialog::Facts(dialog) => facts::facts(dialog, screen),
        Dialog::Message(dialog) => facts::message(dialog, screen),
    };
    sheet.draw(look, screen, buffer)
}

/// The filter is a line at the foot of its pane: the list above follows while it is typed.
fn draw_filter(dialog: &FilterDialog, look: &Look, layout: &Layout, buffer: &mut Buffer) -> Option<Cursor> {
    let pane = layout.panes[dialog.side as usize];
    if pane.is_empty() {
        return None;
    }
    let area = Rect { y: pane.bottom() - 1, height: 1, ..pane };
    clear(buffer, area, look.style(Role::Dialog));
    put(buffer, area, area.x, area.y, " /", look.style(Role::Key));
    let field = Line::field("", &dialog.input, usize::from(area.width.saturating_sub(3)), true);
    field.draw(look, Rect { x: area.x + 2, width: area.width.saturating_sub(3), ..area }.intersection(area), buffer)
}

/// One line that says what keys do.
fn keys(text: &str, width: usize) -> Vec<Line> {
    let lines = hint_lines(text, width).into_iter();
    lines.map(|line| Line::text(line, Role::Faint)).collect()
}

/// A blank no line breaks at.
const HOLDS: char = '\u{a0}';
/// Longer ones than these columns are sentences, and break like them.
const PHRASE: usize = 24;

/// Breaks a hint, but not between a key and its words, where that takes no line more.
fn hint_lines(text: &str, width: usize) -> Vec<String> {
    let (plain, held) = (wrap(text, width), wrap(&held_together(text, width), width));
    if held.len() > plain.len() { plain } else { held.into_iter().map(|line| line.replace(HOLDS, " ")).collect() }
}

/// Keeps a key and what it does in one line: between commas and semicolons nothing breaks that is short.
fn held_together(text: &str, width: usize) -> String {
    let phrases = text.split_inclusive([',', ';']).map(|phrase| {
        let words = phrase.trim_start();
        let blanks = &phrase[..phrase.len() - words.len()];
        let is_short = text::width(words) <= PHRASE.min(width);
        format!("{blanks}{}", if is_short { words.replace(' ', "\u{a0}") } else { words.to_owned() })
    });
    phrases.collect()
}
