//! The panel of the jobs: a bar each and the files under way, what is done, what failed and why.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::keys;
use crate::app::App;
use crate::app::dialog::{AskedFor, Asking, Section, TransfersDialog};
use crate::engine::{JobProgress, JobState, Priority, Report};
use crate::model::{bytes, text};
use crate::tui::theme::Role;
use crate::tui::view::look::Look;
use crate::tui::view::sheet::{Line, Sheet};
use crate::tui::view::status::{kind, numbers, percent};

const WIDTH: usize = 100;
/// Whole cells of a bar: eighths of a cell would double what a moving bar costs on the line.
const BAR: usize = 20;
const SMALL_BAR: usize = 10;
/// Files under way that are shown of the job under the cursor.
const FILES: usize = 4;

pub(super) fn sheet(dialog: &TransfersDialog, app: &App, look: &Look, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let mut sheet = Sheet::new("Transfers", width);
    sheet.head = vec![tabs(dialog, app), Line::empty()];
    let rows = dialog.section.rows(&app.transfers);
    let cursor = dialog.cursor(&rows);
    let now = Timestamp::try_from(app.now.wall).unwrap_or_default();
    for (at, row) in rows.iter().enumerate() {
        let Some(job) = app.transfers.jobs().iter().find(|job| job.id == row.job) else { continue };
        // Bars are of now, numbers of this second: they are what costs bytes.
        let told = look.words.jobs.iter().find(|told| told.id == job.id && told.state == job.state).unwrap_or(job);
        let failure = row.failure.and_then(|at| job.report.as_ref()?.failures.get(at));
        let mut lines = match failure {
            Some(failure) => vec![Line::text(text::cut(&format!("    {}: {}", failure.path, failure.why), width), Role::Problem)],
            None if job.state.is_over() => {
                let remarks = job.report.iter().flat_map(Report::remarks);
                let remarks = remarks.flat_map(|remark| Line::wrapped(&format!("  {remark}"), width, Role::Text));
                std::iter::once(over(job, width)).chain(remarks).collect()
            }
            None => open(job, told, at == cursor, now, look, width),
        };
        if at == cursor {
            // The end of a job that is looked at is seen, too.
            sheet.keep = Some(sheet.body.len() + lines.len() - 1);
            lines[0] = std::mem::take(&mut lines[0]).highlight(Role::CursorFocused);
        }
        sheet.body.extend(lines);
    }
    if rows.is_empty() {
        sheet.body.push(Line::text(nothing(dialog.section), Role::Faint));
    }
    if let Some(asking) = &dialog.asking {
        sheet.foot.extend(asked(asking, width));
    } else {
        sheet.hints.extend(keys(hints(dialog.section), width));
    }
    sheet
}

fn tabs(dialog: &TransfersDialog, app: &App) -> Line {
    let mut line = Line::empty();
    for section in Section::ALL {
        let jobs = app.transfers.jobs().iter().filter(|job| section.has(job)).count();
        let role = match section {
            _ if section == dialog.section => Role::ButtonFocused,
            Section::Failed if jobs > 0 => Role::Problem,
            _ => Role::Button,
        };
        line = line.and(format!(" {} {jobs} ", name(section)), role).and(" ", Role::Text);
    }
    let mut limits = Vec::new();
    if app.transfers.limit() > 0 {
        limits.push(format!("limit {}", bytes::rate(app.transfers.limit() as f64)));
    }
    if app.transfers.at_once() > 0 {
        limits.push(format!("{} at once", app.transfers.at_once()));
    }
    line.right(limits.join(", "), Role::Faint)
}

fn name(section: Section) -> &'static str {
    match section {
        Section::Queue => "Queue",
        Section::Done => "Done",
        Section::Failed => "Failed",
    }
}

fn nothing(section: Section) -> &'static str {
    match section {
        Section::Queue => "nothing moves or waits",
        Section::Done => "nothing is done yet",
        Section::Failed => "nothing failed",
    }
}

fn hints(section: Section) -> &'static str {
    match section {
        Section::Queue => {
            "p pauses, P all; x stops; J K u order; + - urgent; t later; l limit, L all; e keeps trying; r tries now; o opens target; \
             Tab done, failed"
        }
        Section::Done => "r does it again; o opens the target; x forgets one, X all that is over; Tab turns",
        Section::Failed => "r tries one again, R all; Enter tells all; o opens the target; x forgets one, X all; Tab turns",
    }
}

fn asked(asking: &Asking, width: usize) -> Vec<Line> {
    let (label, wrong) = match asking.about {
        AskedFor::Start(_) => ("Begin at or in: ", "Write a time of day such as 22:30, or how long from now: 45m, 2h."),
        AskedFor::Limit(None) => ("Limit of all: ", "Write bytes per second such as 500k, 2M or 1.5MiB/s; nothing for no limit."),
        AskedFor::Limit(Some(_)) => ("Limit of this job: ", "Write bytes per second such as 500k, 2M or 1.5MiB/s; nothing for no limit."),
    };
    let mut lines = vec![Line::field(label, &asking.input, width, true)];
    lines.extend(Line::wrapped(wrong, width, if asking.is_wrong { Role::Problem } else { Role::Faint }));
    lines
}

/// A job that is not over: what it does and where it stands, its bar, and under the cursor the files under way.
fn open(job: &JobProgress, told: &JobProgress, looked_at: bool, now: Timestamp, look: &Look, width: usize) -> Vec<Line> {
    let state = state_words(told, now, look);
    let room = width.saturating_sub(text::width(&state) + 2);
    let title = text::cut_middle(&format!("{}{} {}", sign(job.priority), kind(job.kind), job.title), room);
    let mut lines = vec![Line::text(title, Role::Text).right(state, state_role(job))];
    let begun = job.files_total > 0 || job.counting;
    if begun {
        let share = percent(job).unwrap_or(0);
        lines.push(Line::text(format!("  {}", bar(share, BAR, look)), Role::Bar).and(progress_words(told), Role::Text));
    }
    if looked_at {
        let chosen = choices(job);
        if !chosen.is_empty() {
            lines.push(Line::text(format!("  {chosen}"), Role::Faint));
        }
        let crowded =
            told.crowded.iter().flat_map(|(site, most)| Line::wrapped(&format!("  {}", crowded_words(site, *most)), width, Role::Faint));
        lines.extend(crowded);
        // Those of now, with the numbers of this second.
        for file in told.files.iter().take(FILES) {
            let total = file.total.map(|total| format!(" of {}", bytes::size(total))).unwrap_or_default();
            let share = file.total.filter(|total| *total > 0).map_or(0, |total| (file.done.saturating_mul(100) / total).min(100));
            let name = text::cut_middle(&file.name, width.saturating_sub(SMALL_BAR + 22));
            let line = Line::text(format!("    {}", bar(share, SMALL_BAR, look)), Role::Bar);
            lines.push(line.and(format!("  {name}"), Role::Faint).right(format!("{}{total}", bytes::size(file.done)), Role::Faint));
        }
    }
    lines
}

fn state_words(job: &JobProgress, now: Timestamp, look: &Look) -> String {
    match job.state {
        JobState::Held => "held".to_owned(),
        JobState::Scheduled(time) => format!("begins {}", look.time_ahead(time, now)),
        JobState::Waiting => "waits".to_owned(),
        JobState::Pausing => "pausing".to_owned(),
        JobState::Paused => "paused".to_owned(),
        JobState::Running => match job.line {
            Some(line) => format!("line lost; try {} in {}", line.attempt, bytes::duration(line.again_in)),
            None => numbers(job),
        },
        JobState::Finished | JobState::Failed | JobState::Cancelled => String::new(),
    }
}

fn state_role(job: &JobProgress) -> Role {
    match job.state {
        JobState::Running if job.line.is_some() => Role::Warning,
        JobState::Running => Role::Text,
        JobState::Pausing | JobState::Paused | JobState::Scheduled(_) => Role::Warning,
        _ => Role::Faint,
    }
}

/// `  3 of 12 files, 41M of 90M`.
fn progress_words(job: &JobProgress) -> String {
    let mut words = format!("  {} of {} files", job.files_done, job.files_total);
    if job.bytes_total > 0 {
        words.push_str(&format!(", {} of {}", bytes::size(job.bytes_done), bytes::size(job.bytes_total)));
    }
    if job.counting {
        words.push_str(", counting");
    }
    words
}

/// What a person chose for a job.
fn choices(job: &JobProgress) -> String {
    let mut chosen = Vec::new();
    match job.priority {
        Priority::High => chosen.push("urgent".to_owned()),
        Priority::Low => chosen.push("not urgent".to_owned()),
        Priority::Normal => {}
    }
    if job.limit > 0 {
        chosen.push(format!("limit {}", bytes::rate(job.limit as f64)));
    }
    if job.keeps_trying {
        chosen.push("tries again without end when the line breaks".to_owned());
    }
    chosen.join(", ")
}

/// What was learnt of a site that takes few connections.
fn crowded_words(site: &str, most: usize) -> String {
    let connections = if most == 1 { "1 connection".to_owned() } else { format!("{most} connections") };
    format!("{site} takes no more than {connections} at once")
}

fn sign(priority: Priority) -> &'static str {
    match priority {
        Priority::High => "! ",
        Priority::Normal | Priority::Low => "",
    }
}

fn bar(share: u64, cells: usize, look: &Look) -> String {
    let [full, rest] = look.symbols().bar;
    let done = (share as usize * cells / 100).min(cells);
    format!("{}{}", full.repeat(done), rest.repeat(cells - done))
}

/// A job that is over, in one line.
fn over(job: &JobProgress, width: usize) -> Line {
    let report = job.report.clone().unwrap_or_default();
    let mut said = Vec::new();
    if report.failed > 0 {
        said.push(format!("{} failed", report.failed));
    }
    if job.state == JobState::Cancelled {
        said.push("stopped".to_owned());
    }
    said.push(format!("{} file{}", report.done, if report.done == 1 { "" } else { "s" }));
    if report.bytes > 0 {
        said.push(bytes::size_in_words(report.bytes));
    }
    if report.skipped > 0 {
        said.push(format!("{} skipped", report.skipped));
    }
    if report.retried > 0 {
        said.push(format!("{} tried again", report.retried));
    }
    let said = said.join(", ");
    let title = text::cut_middle(&format!("{} {}", kind(job.kind), job.title), width.saturating_sub(text::width(&said) + 2));
    let role = if report.failed > 0 || job.state == JobState::Cancelled { Role::Problem } else { Role::Good };
    Line::text(title, Role::Text).right(said, role)
}
