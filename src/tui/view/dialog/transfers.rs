//! The jobs: a bar each, the files under way, what failed.

use ratatui::layout::Rect;

use super::keys;
use crate::app::App;
use crate::app::dialog::TransfersDialog;
use crate::engine::{JobProgress, JobState};
use crate::model::{bytes, text};
use crate::tui::theme::Role;
use crate::tui::view::look::Look;
use crate::tui::view::sheet::{Line, Sheet};
use crate::tui::view::status::{files, kind, numbers, percent};

const WIDTH: usize = 100;
/// Whole cells of a bar: eighths of a cell would double what a moving bar costs on the line.
const BAR: u64 = 20;

pub(super) fn sheet(dialog: &TransfersDialog, app: &App, look: &Look, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let mut sheet = Sheet::new("Transfers", width);
    for (at, job) in app.transfers.jobs().iter().enumerate() {
        // Bars are of now, numbers of this second: they are what costs bytes.
        let told = look.words.jobs.iter().find(|told| told.id == job.id && told.state == job.state).unwrap_or(job);
        let focused = at == dialog.cursor;
        if focused {
            sheet.keep = Some(sheet.body.len());
        }
        let title = text::cut_middle(&format!("{} {}", kind(job.kind), job.title), width);
        let line = Line::text(title, Role::Text);
        sheet.body.push(if focused { line.highlight(Role::CursorFocused) } else { line });
        sheet.body.push(state_line(job, told, look));
        for file in told.files.iter().take(4) {
            let total = file.total.map(|total| format!(" of {}", bytes::size(total))).unwrap_or_default();
            let name = text::cut_middle(&file.name, width.saturating_sub(20));
            sheet
                .body
                .push(Line::text(format!("    {name}"), Role::Faint).right(format!("{}{total}", bytes::size(file.done)), Role::Faint));
        }
        let failures = job.report.iter().flat_map(|report| &report.failures);
        for failure in failures.take(3) {
            sheet.body.extend(Line::wrapped(&format!("{}: {}", failure.path, failure.why), width.saturating_sub(4), Role::Problem));
        }
    }
    if sheet.body.is_empty() {
        sheet.body.push(Line::text("nothing was transferred yet", Role::Faint));
    }
    sheet.hints.extend(keys("x stops one, X clears ended ones, Esc closes", width));
    sheet
}

fn state_line(job: &JobProgress, told: &JobProgress, look: &Look) -> Line {
    let report = || job.report.as_ref();
    match job.state {
        JobState::Waiting => Line::text("  waits", Role::Faint),
        JobState::Cancelled => Line::text("  stopped", Role::Warning),
        JobState::Finished => {
            let failed = report().map_or(0, |report| report.failed);
            let skipped = report().map_or(0, |report| report.skipped);
            let (done, moved) = report().map_or((0, job.bytes_done), |report| (report.done, report.bytes));
            let mut said = format!("  done: {done} file{}", if done == 1 { "" } else { "s" });
            if moved > 0 {
                said.push_str(&format!(", {}", bytes::size_in_words(moved)));
            }
            if skipped > 0 {
                said.push_str(&format!(", {skipped} skipped"));
            }
            if failed > 0 {
                said.push_str(&format!(", {failed} FAILED"));
            }
            Line::text(said, if failed > 0 { Role::Problem } else { Role::Good })
        }
        JobState::Running => {
            let [full, rest] = look.symbols().bar;
            let cells = percent(job).unwrap_or(0) * BAR / 100;
            let bar = format!("  {}{}", full.repeat(cells as usize), rest.repeat((BAR - cells) as usize));
            Line::text(bar, Role::Bar).and(format!("  {}", files(told)), Role::Text).right(numbers(told), Role::Text)
        }
    }
}
