//! What will be done, before it is done: copy, move, delete, quit.

use ratatui::layout::Rect;

use super::keys;
use crate::app::dialog::{DeleteDialog, QuitChoice, QuitDialog, StopDialog, TransferDialog, TransferField};
use crate::engine::{JobKind, JobSpec, Links, Place};
use crate::model::{TransferType, bytes, text};
use crate::tui::theme::Role;
use crate::tui::view::sheet::{Line, Sheet};

const WIDTH: usize = 64;
const LABEL: usize = 6;
/// Names listed before the rest is only counted.
const NAMES: usize = 6;

pub(super) fn transfer(dialog: &TransferDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let verb = if dialog.spec.kind == JobKind::Move { "Move" } else { "Copy" };
    let mut sheet = Sheet::new(format!("{verb} {}", count(&dialog.spec, dialog.folders, dialog.bytes)), width);
    let from = format!("{}  {}", text::display_safe(dialog.from.as_bytes()), dialog.spec.from_dir.display());
    sheet.body.extend(Line::labelled("from", LABEL, &from, width, Role::Text));
    sheet.body.extend(Line::labelled("to", LABEL, &text::display_safe(dialog.to.as_bytes()), width, Role::Text));
    sheet.body.push(Line::empty());
    sheet.body.extend(names(&dialog.spec, width));
    sheet.foot.push(Line::field("into  ", &dialog.target, width, dialog.focus == TransferField::Target));
    if let Some(name) = &dialog.name {
        sheet.foot.push(Line::field("as    ", name, width, dialog.focus == TransferField::Name));
    }
    sheet.foot.push(choice("[L]inks", links(&dialog.spec), dialog.focus == TransferField::Links));
    if dialog.is_ftp {
        sheet.foot.push(choice("[T]ext", lines(&dialog.spec), dialog.focus == TransferField::Lines));
    }
    sheet.foot.push(choice("[V]erify", verify(&dialog.spec), dialog.focus == TransferField::Verify));
    sheet.foot.extend(dialog.error.iter().flat_map(|error| Line::wrapped(error, width, Role::Problem)));
    sheet.foot.push(Line::buttons([(verb, dialog.focus == TransferField::Start), ("Cancel", dialog.focus == TransferField::Cancel)]));
    let letters = if dialog.is_ftp { "l, t, v choose" } else { "l and v choose" };
    sheet.hints.extend(keys(&format!("Enter starts, Alt-Enter holds it, {letters}, Esc cancels"), width));
    sheet
}

fn choice(label: &str, chosen: &str, focused: bool) -> Line {
    let line = Line::text(format!("{label:<9}"), Role::Text).and(chosen.to_owned(), Role::Text);
    if focused { line.highlight(Role::CursorFocused) } else { line }
}

fn links(spec: &JobSpec) -> &'static str {
    match spec.options.links {
        Links::AsPossible => "as links where both places can, else what they lead to",
        Links::Follow => "what they lead to is copied",
        Links::Copy => "as links, or not at all",
        Links::Skip => "are left out",
    }
}

fn lines(spec: &JobSpec) -> &'static str {
    match spec.options.transfer_type {
        None => "lines end as it is set for the site",
        Some(TransferType::Binary) => "none: files travel as they are",
        Some(TransferType::Ascii) => "all files: lines end as each side has it",
        Some(TransferType::Auto) => "by its name (.txt, .csv …): lines end as each side has it",
    }
}

/// What it costs is said before it starts.
fn verify(spec: &JobSpec) -> &'static str {
    match (spec.options.verify, spec.to) {
        (false, _) => "no: sizes are compared",
        (true, Place::Local) => "yes: each file is read back from the disk",
        (true, Place::Remote(_)) => "yes: by its checksum there, or sent back here",
    }
}

pub(super) fn delete(dialog: &DeleteDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let mut sheet = Sheet::new(format!("Delete {}?", count(&dialog.spec, dialog.folders, dialog.bytes)), width);
    sheet.role = Role::Danger;
    sheet.body.extend(Line::labelled("on", LABEL, &text::display_safe(dialog.place.as_bytes()), width, Role::Problem));
    sheet.body.extend(Line::labelled("in", LABEL, &dialog.spec.from_dir.display(), width, Role::Text));
    if dialog.folders > 0 {
        sheet.body.extend(Line::wrapped("Folders go with everything in them. There is no way back.", width, Role::Text));
    } else {
        sheet.body.extend(Line::wrapped("There is no way back.", width, Role::Text));
    }
    sheet.body.push(Line::empty());
    sheet.body.extend(names(&dialog.spec, width));
    sheet.foot = vec![Line::buttons([("[N]o", !dialog.delete_focused), ("[Y]es, delete", dialog.delete_focused)])];
    let said = if dialog.delete_focused {
        "Enter deletes, Esc leaves everything as it is"
    } else {
        "y deletes; Enter and Esc leave everything as it is"
    };
    sheet.hints = keys(said, width);
    sheet
}

pub(super) fn quit(dialog: &QuitDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, 48);
    let mut sheet = Sheet::new("Quit?", width);
    let jobs = if dialog.jobs == 1 { "One job is not through.".into() } else { format!("{} jobs are not through.", dialog.jobs) };
    sheet.body = Line::wrapped(&jobs, width, Role::Warning);
    let what_becomes = if dialog.are_kept {
        "The next start offers to go on where they are. Stopped, what is not whole is taken back. A deletion only stops."
    } else {
        "They are stopped; what is not whole is taken back."
    };
    sheet.body.extend(Line::wrapped(what_becomes, width, Role::Faint));
    let name = |choice| match choice {
        QuitChoice::No => "[N]o",
        QuitChoice::GoOn => "[G]o on next time",
        QuitChoice::Stop if dialog.are_kept => "[S]top",
        QuitChoice::Stop => "[Y]es, quit",
    };
    sheet.foot = vec![Line::buttons(dialog.choices().iter().map(|&choice| (name(choice), choice == dialog.focus)))];
    sheet
}

pub(super) fn stop(dialog: &StopDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, 56);
    let mut sheet = Sheet::new("Stop this job?", width);
    sheet.body = Line::wrapped(&dialog.title, width, Role::Text);
    sheet.body.extend(Line::wrapped("What is done stays done; the file under way is taken back.", width, Role::Faint));
    sheet.foot = vec![Line::buttons([("[N]o", !dialog.stop_focused), ("[Y]es, stop", dialog.stop_focused)])];
    sheet
}

/// `3 items, 2 folders, 1.2M`.
fn count(spec: &JobSpec, folders: usize, bytes: u64) -> String {
    let items = match spec.items.len() {
        1 if folders == 1 => return "1 folder".into(),
        1 => "1 file".to_owned(),
        many => format!("{many} items"),
    };
    let folders = match folders {
        0 => String::new(),
        1 => ", 1 folder".into(),
        many => format!(", {many} folders"),
    };
    let size = if bytes > 0 { format!(", {}", bytes::size_in_words(bytes)) } else { String::new() };
    format!("{items}{folders}{size}")
}

fn names(spec: &JobSpec, width: usize) -> Vec<Line> {
    let name = |name: &crate::model::EntryName| {
        Line::text(format!("  {}", text::cut_middle(&name.display(), width.saturating_sub(2))), Role::Text)
    };
    let mut lines: Vec<Line> = spec.items.iter().take(NAMES).map(name).collect();
    if spec.items.len() > NAMES {
        lines.push(Line::text(format!("  and {} more", spec.items.len() - NAMES), Role::Faint));
    }
    lines
}
