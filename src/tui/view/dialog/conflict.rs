//! A file is in the way: both files, how they differ, and what can be done.

use ratatui::layout::Rect;

use super::keys;
use crate::app::dialog::ConflictDialog;
use crate::ask::{ConflictAction, FileFacts, Scope};
use crate::model::{Kind, More, bytes};
use crate::tui::theme::Role;
use crate::tui::view::look::Look;
use crate::tui::view::sheet::{Line, Sheet};

const WIDTH: usize = 64;
const LABEL: usize = 10;

pub(super) fn sheet(dialog: &ConflictDialog, look: &Look, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let question = &dialog.ask.about;
    let name = |facts: &FileFacts| facts.path.name().map(|name| name.display()).unwrap_or_default();
    let newer = question.difference.surely_newer();
    let mut sheet = Sheet::new(if question.is_collision { "Two names are one there" } else { "A file is in the way" }, width);
    sheet.body = Line::wrapped(&name(&question.target), width, Role::DialogTitle);
    if question.is_collision {
        let words = format!(
            "{} and {} differ only in case or accents, and the place they go to takes both for one name. What is there is another file.",
            name(&question.source),
            name(&question.target)
        );
        sheet.body.extend(Line::wrapped(&words, width, Role::Warning));
    }
    sheet.body.extend(facts("copying", &question.source, newer == More::Source, look, width));
    sheet.body.extend(facts("there is", &question.target, newer == More::Target, look, width));
    if question.source.kind != Kind::Dir {
        let role = if question.difference.perhaps_zone { Role::Warning } else { Role::Text };
        sheet.body.extend(Line::labelled("it is", LABEL, &question.difference.words(), width, role));
    }
    sheet.body.extend(Line::labelled("from", LABEL, &question.source.path.display(), width, Role::Faint));
    sheet.body.extend(Line::labelled("to", LABEL, &question.target.path.display(), width, Role::Faint));
    let buttons: Vec<_> = dialog.buttons().map(|(_, action, name)| (name.to_owned(), action == dialog.focus)).collect();
    sheet.foot.extend(Line::buttons_wrapped(&buttons, width));
    let scope = match dialog.scope {
        Scope::This => "for this file alone".to_owned(),
        Scope::Alike if question.is_collision => "for all whose names are one there".to_owned(),
        Scope::Alike => format!("for all of this job that are {}", question.difference.situation().words()),
        Scope::RestOfJob => "for all of this job".to_owned(),
    };
    sheet.foot.extend(Line::labelled("holds", LABEL, &scope, width, if dialog.scope == Scope::This { Role::Text } else { Role::Warning }));
    let (how, made) = match dialog.focus {
        ConflictAction::DateName => ("adding the date", &question.dated_name),
        _ => ("rename", &question.free_name),
    };
    let renames = format!("Space: holds for more; capital: for all; Esc skips; {how} makes \"{}\"", made.display());
    sheet.hints.extend(keys(&renames, width));
    sheet
}

fn facts(label: &str, file: &FileFacts, newer: bool, look: &Look, width: usize) -> Vec<Line> {
    let size = match (file.kind, file.size) {
        (Kind::Dir, _) => "a folder".into(),
        (Kind::Symlink, _) => "a symbolic link".into(),
        (_, None) => "size unknown".into(),
        (_, Some(size)) if size > 999 && width >= WIDTH => format!("{} ({size} bytes)", bytes::size(size)),
        (_, Some(size)) => bytes::size_in_words(size),
    };
    let time = file.modified.map_or_else(|| "time unknown".into(), |time| look.date_time(time));
    let remark = if newer { "  newer" } else { "" };
    Line::labelled(label, LABEL, &format!("{size}  {time}{remark}"), width, if newer { Role::Good } else { Role::Text })
}
