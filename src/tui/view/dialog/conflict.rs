//! A file is in the way: both files, and what can be done.

use ratatui::layout::Rect;

use super::keys;
use crate::app::dialog::{ConflictDialog, Newer};
use crate::ask::FileFacts;
use crate::model::bytes;
use crate::tui::theme::Role;
use crate::tui::view::look::Look;
use crate::tui::view::sheet::{Line, Sheet};

const WIDTH: usize = 64;
const LABEL: usize = 10;

pub(super) fn sheet(dialog: &ConflictDialog, look: &Look, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let question = &dialog.ask.about;
    let mut sheet = Sheet::new("A file is in the way", width);
    let newer = dialog.newer();
    let name = question.target.path.name().map(|name| name.display()).unwrap_or_default();
    sheet.body = Line::wrapped(&name, width, Role::DialogTitle);
    sheet.body.extend(facts("copying", &question.source, newer == Newer::Source, look, width));
    sheet.body.extend(facts("there is", &question.target, newer == Newer::Target, look, width));
    sheet.body.push(Line::empty());
    sheet.body.extend(Line::labelled("from", LABEL, &question.source.path.display(), width, Role::Faint));
    sheet.body.extend(Line::labelled("to", LABEL, &question.target.path.display(), width, Role::Faint));
    let mut buttons = Vec::new();
    for (letter, action, name) in ConflictDialog::BUTTONS {
        let rest = name.strip_prefix(letter).unwrap_or(name);
        buttons.push((format!("[{}]{rest}", letter.to_ascii_uppercase()), action == dialog.focus));
    }
    sheet.foot.extend(Line::buttons_wrapped(&buttons, width));
    sheet.foot.extend(Line::wrapped(
        &format!("[{}] for the rest of this job (Space, or the letter as a capital)", if dialog.for_all { "x" } else { " " }),
        width,
        Role::Text,
    ));
    sheet.hints.extend(keys(&format!("rename makes \"{}\"; Esc skips", question.free_name.display()), width));
    sheet
}

fn facts(label: &str, file: &FileFacts, newer: bool, look: &Look, width: usize) -> Vec<Line> {
    let size = match file.size {
        None => "size unknown".into(),
        Some(size) if size > 999 && width >= WIDTH => format!("{} ({size} bytes)", bytes::size(size)),
        Some(size) => bytes::size_in_words(size),
    };
    let time = file.modified.map_or_else(|| "time unknown".into(), |time| look.date_time(time));
    let remark = if newer { "  newer" } else { "" };
    Line::labelled(label, LABEL, &format!("{size}  {time}{remark}"), width, if newer { Role::Good } else { Role::Text })
}
