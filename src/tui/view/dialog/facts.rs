//! Dialogs that only tell.

use ratatui::layout::Rect;

use super::keys;
use crate::app::dialog::{FactsDialog, MessageDialog};
use crate::model::text;
use crate::tui::theme::Role;
use crate::tui::view::sheet::{Line, Sheet};

const WIDTH: usize = 72;

pub(super) fn facts(dialog: &FactsDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let mut sheet = Sheet::new(dialog.title.as_str(), width);
    let label = dialog.rows.iter().filter(|(_, value)| !value.is_empty()).map(|(label, _)| text::width(label)).max().unwrap_or(0) + 2;
    for (name, value) in &dialog.rows {
        if value.is_empty() {
            sheet.body.push(Line::text(name.as_str(), Role::DialogTitle));
        } else {
            sheet.body.extend(Line::labelled(name, label.min(width / 2), value, width, Role::Text));
        }
    }
    sheet.scroll = dialog.scroll;
    sheet.hints.extend(keys("Esc closes", width));
    sheet
}

pub(super) fn message(dialog: &MessageDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let advice = &dialog.advice;
    let mut sheet = Sheet::new(if advice.intended { "Message" } else { "It did not work" }, width);
    sheet.body = Line::wrapped(&advice.what, width, if advice.intended { Role::Text } else { Role::Problem });
    for more in [&advice.why, &advice.next].into_iter().filter(|more| !more.is_empty()) {
        sheet.body.push(Line::empty());
        sheet.body.extend(Line::wrapped(more, width, Role::Text));
    }
    if !dialog.failures.is_empty() {
        sheet.body.push(Line::empty());
    }
    for failure in &dialog.failures {
        sheet.body.extend(Line::wrapped(&failure.path, width, Role::Problem));
        sheet.body.extend(Line::wrapped(&format!("  {}", failure.why), width, Role::Text));
    }
    sheet.scroll = dialog.scroll;
    sheet.hints.extend(keys("Esc closes", width));
    sheet
}
