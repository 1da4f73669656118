//! Dialogs that are lists: sort orders, all keys, all actions.

use ratatui::layout::Rect;

use super::keys;
use crate::app::App;
use crate::app::dialog::{HelpDialog, HelpRow, PaletteDialog, SortDialog};
use crate::model::text;
use crate::tui::theme::Role;
use crate::tui::view::look::Look;
use crate::tui::view::sheet::{Line, Sheet, pad};

const WIDTH: usize = 72;
/// The column of keys in the help.
const KEYS: usize = 22;

pub(super) fn sort(dialog: &SortDialog, app: &App, look: &Look, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, 40);
    let mut sheet = Sheet::new("Sort by", width);
    let current = app.pane(dialog.side).folder.as_ref().map(|folder| folder.sort);
    for (at, (letter, key, name)) in SortDialog::ROWS.into_iter().enumerate() {
        let mut line = Line::text(format!("{letter}  "), Role::Key).and(name, Role::Text);
        if let Some(sort) = current.filter(|sort| sort.key == key) {
            line = line.right(look.symbols().arrows[usize::from(sort.descending)], Role::Key);
        }
        sheet.body.push(if at == dialog.cursor { line.highlight(Role::CursorFocused) } else { line });
    }
    sheet.keep = Some(dialog.cursor);
    sheet.hints.extend(keys("the current one again reverses it", width));
    sheet
}

pub(super) fn help(dialog: &HelpDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let mut sheet = Sheet::new("Keys", width);
    for row in dialog.rows() {
        match row {
            HelpRow::Heading(group) => sheet.body.push(Line::text(group.title(), Role::DialogTitle)),
            HelpRow::Action(info) => sheet.body.extend(two_columns(&info.keys_text(), info.help, width)),
        }
    }
    if sheet.body.is_empty() {
        sheet.body.push(Line::text("no key does that", Role::Faint));
    }
    sheet.scroll = dialog.scroll;
    sheet.foot.push(Line::field("find: ", &dialog.input, width, true));
    sheet.hints.extend(keys("type to narrow, Up and Down scroll, Esc closes", width));
    sheet
}

fn two_columns(keys: &str, help: &str, width: usize) -> Vec<Line> {
    if width < KEYS + 24 {
        return vec![
            Line::text(format!("  {}", text::cut(keys, width.saturating_sub(2))), Role::Key),
            Line::text(format!("    {help}"), Role::Text),
        ];
    }
    vec![Line::text(format!("  {} ", pad(&text::cut(keys, KEYS), KEYS)), Role::Key).and(help, Role::Text)]
}

pub(super) fn palette(dialog: &PaletteDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let mut sheet = Sheet::new("Actions", width);
    for (at, info) in dialog.rows().into_iter().enumerate() {
        let line = Line::text(format!(" {}", info.help), Role::Text).right(info.keys_text(), Role::Key);
        sheet.body.push(if at == dialog.cursor { line.highlight(Role::CursorFocused) } else { line });
    }
    if sheet.body.is_empty() {
        sheet.body.push(Line::text("no action of that name", Role::Faint));
    }
    sheet.keep = Some(dialog.cursor);
    sheet.foot.push(Line::field(": ", &dialog.input, width, true));
    sheet
}
