//! The list of kept secrets: a line for each, where new ones are kept, and the passphrase of the vault where it is needed.

use ratatui::layout::Rect;

use super::inspector::role;
use crate::app::dialog::SecretsDialog;
use crate::model::text;
use crate::secrets::{KeptSecret, Label};
use crate::tui::theme::Role;
use crate::tui::view::look::Look;
use crate::tui::view::sheet::{Line, Sheet, pad};

const WIDTH: usize = 96;
/// From this width on there is a column of it.
const KIND: usize = 88;
/// Dates are `2026-11-21`.
const DATE: usize = 10;

pub(super) fn sheet(dialog: &SecretsDialog, look: &Look, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let mut sheet = Sheet::new(format!("Secrets you keep ({})", dialog.rows().len()), width);
    if let Some(kept) = &dialog.kept {
        let place = kept.standing.rung.place().unwrap_or("nowhere: you are asked each time");
        let why = kept.standing.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        let lines = Line::wrapped(&format!("New ones are kept in {place}{why}"), width, Role::Faint);
        sheet.head.extend(lines.into_iter().take(if screen.height >= 18 { 3 } else { 1 }));
    }
    for (at, row) in dialog.rows().iter().enumerate() {
        let line = Line::text(columns(row, look, width), Role::Text);
        sheet.body.push(if at == dialog.cursor { line.highlight(Role::CursorFocused) } else { line });
    }
    if dialog.rows().is_empty() {
        let words = if dialog.kept.is_some() { "none yet: where you are asked for one, Tab keeps it" } else { "reading…" };
        sheet.body = Line::wrapped(words, width, Role::Faint);
    }
    sheet.keep = Some(dialog.cursor);
    if screen.height >= 18 {
        sheet.foot.push(Line::empty());
    }
    if let Some((mood, said)) = &dialog.said {
        sheet.foot.extend(Line::wrapped(said, width, role(*mood)).into_iter().take(3));
    }
    let keys = if let Some((_, input)) = &dialog.opening {
        sheet.foot.extend(Line::wrapped("The vault is locked. Its passphrase, which is never sent:", width, Role::Text));
        sheet.foot.push(Line::field("> ", input, width, true));
        "Enter opens it and goes on, Esc does not"
    } else if width >= 72 {
        "d forget   m move (keyring, vault)   L lock the vault   R read again"
    } else {
        "d forget  m move  L lock  Esc"
    };
    sheet.foot.push(Line::text(text::cut(keys, width), Role::Faint));
    sheet
}

fn columns(row: &KeptSecret, look: &Look, width: usize) -> String {
    let mut tail = String::new();
    if width >= KIND {
        let kind = row.label.parse().map_or("of another version", |label: Label| label.kind());
        tail = format!(" {}", pad(kind, 27));
    }
    tail.push_str(&format!(" {} {}", pad(row.rung.words(), 7), pad(&look.date(row.since), DATE)));
    let room = width.saturating_sub(text::width(&tail)).max(4);
    let label = text::display_safe(row.label.as_bytes());
    format!("{}{tail}", pad(&text::cut_middle(&label, room), room))
}
