//! What a comparison found: a line for each difference, the chosen one in words, and the question before it is carried out.

use ratatui::layout::Rect;

use super::inspector::{key_lines, role};
use super::keys;
use crate::app::App;
use crate::app::dialog::{SYNC_KEYS, SyncLine, SyncPlanDialog, SynchroniseDialog};
use crate::engine::sync::{Decision, Deletion, Effect, Facts, Plan, Row, SyncSide, TRASH};
use crate::model::{Kind, bytes, text};
use crate::tui::theme::Role;
use crate::tui::view::look::Look;
use crate::tui::view::pane::visible_from;
use crate::tui::view::sheet::{self, Line, Sheet};

const WIDTH: usize = 116;
/// From this width on there is a column of it.
const SIZE: usize = 44;
const WHY: usize = 60;
/// Columns of the sign of a row, and the blank behind it.
const SIGN: usize = 2;

pub(super) fn sheet(dialog: &SyncPlanDialog, app: &App, look: &Look, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let roomy = screen.height >= 18;
    let Some(plan) = &dialog.plan else { return comparing(dialog, app, width, screen) };
    let count = if dialog.is_empty() { String::new() } else { format!(" ({} of {})", dialog.cursor + 1, dialog.len()) };
    let only = dialog.only.map(|only| format!(": {}", heading(only))).unwrap_or_default();
    let mut sheet = Sheet::new(format!("Differences{only}{count}"), width);
    sheet.foot = foot(dialog, plan, look, width, roomy);
    if dialog.help {
        sheet.body = key_lines(&SYNC_KEYS, width);
        sheet.scroll = dialog.scroll;
        return sheet;
    }
    if roomy {
        sheet.head.extend(sides(&dialog.names, width));
    }
    let rows = SyncPlanDialog::list_rows(screen.height);
    let first = visible_from(dialog.top, dialog.cursor, rows);
    for at in first..first + rows {
        let line = match dialog.line(at) {
            Some(SyncLine::Folder(folder, _)) => {
                let path = text::display_safe(&plan.folder_path(folder));
                Line::text(format!("      {}/", text::cut_middle(&path, width.saturating_sub(8))), Role::Folder)
            }
            Some(SyncLine::Row(row)) => {
                plan.row(row as usize).map_or_else(Line::empty, |shown| row_line(plan, row as usize, &shown, width))
            }
            None if at == 0 => Line::text(nothing(dialog), Role::Faint),
            None => Line::empty(),
        };
        sheet.body.push(if at == dialog.cursor && !dialog.is_empty() { line.highlight(Role::CursorFocused) } else { line });
    }
    sheet
}

fn nothing(dialog: &SyncPlanDialog) -> &'static str {
    if dialog.only.is_some() { "no difference of that kind" } else { "nothing differs" }
}

/// The comparison under way, or why there is none.
fn comparing(dialog: &SyncPlanDialog, app: &App, width: usize, screen: Rect) -> Sheet {
    let width = width.min(70);
    let mut sheet = Sheet::new("Comparing", width);
    sheet.body.extend(sides(&dialog.names, width));
    sheet.body.push(Line::empty());
    if let Some(advice) = &dialog.failed {
        sheet.title = "Not compared".into();
        sheet.body.extend(Line::wrapped(&advice.what, width, Role::Problem));
        for more in [&advice.why, &advice.next] {
            sheet.body.extend(Line::wrapped(more, width, Role::Text).into_iter().filter(|_| !more.is_empty()));
        }
        sheet.hints = keys("Esc closes", width);
        return sheet;
    }
    let seconds = app.now.since_start.saturating_sub(dialog.since).as_secs();
    let progress = &dialog.progress;
    sheet.body.push(Line::text(format!("{} folders, {} entries, {seconds} s", progress.folders(), progress.entries()), Role::Text));
    if progress.read() > 0 {
        sheet.body.push(Line::text(format!("{} files compared by their bytes", progress.read()), Role::Text));
    }
    sheet.hints = keys(if screen.width >= 40 { "Esc stops it; nothing is changed by comparing" } else { "Esc stops it" }, width);
    sheet
}

fn sides(names: &[String; 2], width: usize) -> Vec<Line> {
    let line = |label: &str, name: &str| {
        Line::text(format!("{label:<6} "), Role::Faint).and(text::cut_middle(name, width.saturating_sub(7)), Role::Path)
    };
    vec![line("left", &names[0]), line("right", &names[1])]
}

/// `[x] -> new     name                      12 KiB  why`.
fn row_line(plan: &Plan, at: usize, row: &Row, width: usize) -> Line {
    let effect = row.effect();
    let ticked = if row.decision == Decision::Leave { "[ ]" } else { "[x]" };
    let arrow = match row.decision.changes() {
        Some(SyncSide::Right) => "->",
        Some(SyncSide::Left) => "<-",
        None => "  ",
    };
    let name = if row.is_dir() {
        format!("{}/", text::display_safe(&plan.path(at)))
    } else if row.folder == Plan::ROOT {
        row.name.display()
    } else {
        format!("  {}", row.name.display())
    };
    let size = match [row.left, row.right].into_iter().flatten().find_map(|facts| facts.size) {
        Some(_) if row.bytes() > 0 => bytes::size(row.bytes()),
        Some(size) => bytes::size(size),
        None => String::new(),
    };
    let lead = format!("{ticked} {arrow} {:<8} ", word(effect));
    let why = row.finding.brief("left", "right");
    // The column of signs is the lead here.
    let columns = sheet::columns((width + SIGN).saturating_sub(lead.len()), "", &name, &[(SIZE, 7, &size), (WHY, 24, &why)]);
    let role = if row.is_dir() { Role::Folder } else { Role::Text };
    Line::text(lead, colour(effect)).and(columns.get(SIGN..).unwrap_or_default(), role)
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Create => "new",
        Effect::Update => "changed",
        Effect::Delete => "delete",
        Effect::Conflict => "conflict",
        Effect::ClockDoubt => "clock?",
        Effect::Left => "left",
    }
}

fn heading(effect: Effect) -> &'static str {
    match effect {
        Effect::Create => "what is new",
        Effect::Update => "what changed",
        Effect::Delete => "what is deleted",
        Effect::Conflict => "conflicts",
        Effect::ClockDoubt => "clock doubts",
        Effect::Left => "what was taken out",
    }
}

fn colour(effect: Effect) -> Role {
    match effect {
        Effect::Create | Effect::Update => Role::Good,
        Effect::Delete => Role::Problem,
        Effect::Conflict | Effect::ClockDoubt => Role::Warning,
        Effect::Left => Role::Faint,
    }
}

fn foot(dialog: &SyncPlanDialog, plan: &Plan, look: &Look, width: usize, roomy: bool) -> Vec<Line> {
    let mut foot = vec![Line::text(text::cut(&dialog.totals.words(), width), Role::DialogTitle)];
    let mut words = match (&dialog.said, dialog.current()) {
        (Some((mood, said)), _) => Line::wrapped(said, width, role(*mood)),
        (None, Some(row)) => row_words(&row, look, width),
        (None, None) => Vec::new(),
    };
    let room = if roomy { 3 } else { 1 };
    words.truncate(room);
    words.resize_with(room, Line::empty);
    foot.extend(words);
    let file = if plan.remarks.is_empty() { "s file" } else { "r remarks" };
    let hints = match (dialog.help, width >= 72) {
        (true, _) => "any key goes back".to_owned(),
        (_, true) => format!("Space in/out  < > which side  f filter  {file}  Enter does it  ? keys"),
        (_, false) => "Space  < >  f  s  Enter  ? keys".to_owned(),
    };
    foot.push(Line::text(text::cut(&hints, width), Role::Faint));
    foot
}

/// Both sides of a row, and what was found.
fn row_words(row: &Row, look: &Look, width: usize) -> Vec<Line> {
    let side = |label: &str, facts: Option<Facts>| {
        let words = facts.map_or_else(|| "nothing".to_owned(), |facts| facts_words(&facts, look));
        Line::text(format!("{label:<6} "), Role::Faint).and(text::cut(&words, width.saturating_sub(7)), Role::Text)
    };
    let why = Line::text(text::cut(&row.finding.words("left", "right"), width), Role::Faint);
    vec![side("left", row.left), side("right", row.right), why]
}

fn facts_words(facts: &Facts, look: &Look) -> String {
    let kind = match facts.kind {
        Kind::Dir => "folder",
        Kind::File => "file",
        Kind::Symlink => "link",
        Kind::Other | Kind::Unparsed => "other",
    };
    let size = facts.size.map(|size| format!(", {}", bytes::size_in_words(size))).unwrap_or_default();
    let time = facts.modified.map(|time| format!(", {}", look.date_time(time))).unwrap_or_default();
    format!("{kind}{size}{time}")
}

pub(super) fn question(dialog: &SynchroniseDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, 66);
    let totals = dialog.plan.totals();
    let mut sheet = Sheet::new("Synchronise?", width);
    let deletes = totals.of(Effect::Delete);
    if deletes > 0 {
        sheet.role = Role::Danger;
    }
    sheet.body.extend(sides(&dialog.names, width));
    sheet.body.push(Line::empty());
    sheet.body.extend(Line::wrapped(&totals.words(), width, Role::Text));
    if deletes > 0 {
        let words = if dialog.plan.options.deletion == Deletion::Permanent {
            "What is deleted is gone for good.".to_owned()
        } else {
            format!("What is deleted goes into the folder {TRASH} on its own side.")
        };
        sheet.body.extend(Line::wrapped(&words, width, Role::Problem));
    }
    if totals.open() > 0 {
        sheet.body.extend(Line::wrapped("Conflicts and doubts are left as they are.", width, Role::Faint));
    }
    sheet.foot = vec![Line::buttons([("[N]o", !dialog.yes_focused), ("[Y]es, synchronise", dialog.yes_focused)])];
    let said = if dialog.yes_focused { "Enter does it, Esc changes nothing" } else { "y does it; Enter and Esc change nothing" };
    sheet.hints = keys(said, width);
    sheet
}

#[cfg(test)]
mod tests {
    use crate::app::tests::sync::plan;
    use crate::app::{Effect, Msg};
    use crate::engine::Advice;
    use crate::tui::fixture::Stage;

    const SIZES: [(u16, u16); 2] = [(80, 24), (40, 12)];

    fn shown(name: &str, prepare: impl Fn(&mut Stage)) {
        for (columns, rows) in SIZES {
            let mut stage = Stage::new(columns, rows);
            prepare(&mut stage);
            insta::assert_snapshot!(format!("sync-{name}-{columns}x{rows}"), stage.screen(columns, rows));
        }
    }

    /// A comparison that found something.
    fn compared(stage: &mut Stage) {
        stage.keys("C<c-s>");
        let Some(Effect::Compare { generation, .. }) = stage.ordered.pop() else { panic!("nothing is compared") };
        stage.tell(Msg::Compared { generation, result: Ok(Box::new(plan())) });
    }

    #[test]
    fn the_list_of_differences() {
        shown("form", |stage| stage.keys("C<tab>"));
        shown("comparing", |stage| stage.keys("C<c-s>"));
        shown("failed", |stage| {
            stage.keys("C<c-s>");
            let Some(Effect::Compare { generation, .. }) = stage.ordered.pop() else { panic!("nothing is compared") };
            let advice = Advice {
                what: "Cannot list /upload".into(),
                why: "it is not there".into(),
                next: "Check the name.".into(),
                intended: false,
            };
            stage.tell(Msg::Compared { generation, result: Err(advice) });
        });
        shown("list", compared);
        shown("turned", |stage| {
            compared(stage);
            stage.keys("<space>jj<left>");
        });
        shown("only", |stage| {
            compared(stage);
            stage.keys("f");
        });
        shown("keys", |stage| {
            compared(stage);
            stage.keys("?");
        });
        shown("question", |stage| {
            compared(stage);
            stage.keys("<enter>");
        });
        shown("together", |stage| stage.keys("Y"));
    }

    #[test]
    fn no_size_breaks_it() {
        for keys in ["", "G", "?", "<enter>"] {
            let mut stage = Stage::new(80, 24);
            compared(&mut stage);
            stage.keys(keys);
            for columns in (1..=130).step_by(9).chain([20, 44, 60, 72]) {
                for rows in [1, 2, 3, 5, 7, 12, 18, 24, 60] {
                    stage.resize(columns, rows);
                    stage.screen(columns, rows);
                }
            }
        }
    }
}
