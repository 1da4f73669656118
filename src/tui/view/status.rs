//! The lines under the panes: what just happened, how far jobs are, the first keys, and the keys that may follow.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::draw::{clear, put, put_right};
use super::layout::TWO_PANES;
use super::look::Look;
use super::sheet::pad;
use crate::app::App;
use crate::app::action::Action;
use crate::app::keymap::{key_text, keys_text};
use crate::app::notice::Level;
use crate::app::pane::Face;
use crate::engine::meter::remaining;
use crate::engine::{JobKind, JobProgress, JobState};
use crate::model::{bytes, text};
use crate::tui::theme::Role;

/// Draws both lines.
pub(super) fn draw(app: &App, look: &Look, status: Rect, hints: Rect, buffer: &mut Buffer) {
    let mut free = status;
    if let Some(jobs) = jobs_line(app, look, status.width) {
        let x = put_right(buffer, status, status.y, &jobs, look.style(Role::Bar));
        free.width = x.saturating_sub(status.x + 1);
    }
    if let Some(keeper) = app.keeper.filter(|_| free.width >= TWO_PANES) {
        let words = keeper.map_or_else(|| "keeps no secrets ".to_owned(), |place| format!("keeps secrets in {place} "));
        let is_free =
            app.notice.as_ref().is_none_or(|notice| text::width(&notice.advice.what) + words.len() + 12 < usize::from(free.width));
        if is_free {
            let x = put_right(buffer, free, free.y, &words, look.style(Role::Faint));
            free.width = x.saturating_sub(free.x + 1);
        }
    }
    if let Some(notice) = &app.notice {
        let role = match notice.level {
            Level::Info => Role::Good,
            Level::Problem => Role::Problem,
        };
        let hint = if notice.has_more() { format!("  {} more", first_key(Action::LastMessage)) } else { String::new() };
        let room = usize::from(free.width.saturating_sub(1)).saturating_sub(text::width(&hint));
        let end = put(buffer, free, free.x + 1, free.y, &text::cut(&notice.advice.what, room), look.style(role));
        put(buffer, free, end, free.y, &hint, look.style(Role::Key));
    } else if app.hint {
        put(
            buffer,
            free,
            free.x + 1,
            free.y,
            "Enter goes in, never copies. Nothing is sent before you trust a server.",
            look.style(Role::Faint),
        );
    }
    if !hints.is_empty() {
        draw_hints(app, look, hints, buffer);
    }
}

/// All jobs that move in a few words: `copy 3/12 41% 12M/s 2:10`, `3 jobs 41% 12M/s 2:10`; what is paused, where nothing moves.
fn jobs_line(app: &App, look: &Look, columns: u16) -> Option<String> {
    let told = |job: &JobProgress| look.words.jobs.iter().find(|told| told.id == job.id && told.state == job.state).unwrap_or(job).clone();
    let active: Vec<JobProgress> = app.transfers.jobs().iter().filter(|job| job.state.is_active()).map(told).collect();
    let running: Vec<&JobProgress> = active.iter().filter(|job| job.state != JobState::Waiting).collect();
    if running.is_empty() {
        let paused = app.transfers.jobs().iter().filter(|job| job.state == JobState::Paused).count();
        return (paused > 0).then(|| format!("{paused} paused "));
    }
    let lost = if running.iter().all(|job| job.line.is_some()) { " line lost, tries again" } else { "" };
    if let ([job], true) = (&*active, lost.is_empty()) {
        // Where there is little room, the share says what the sum would.
        let sum =
            percent(job).filter(|_| columns >= TWO_PANES && job.bytes_done > 0).map(|_| bytes::size(job.bytes_done)).unwrap_or_default();
        let words = [kind(job.kind), &files(job), &sum, &numbers(job)];
        return Some(format!("{} ", words.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")));
    }
    let jobs = if active.len() == 1 { "1 job".to_owned() } else { format!("{} jobs", active.len()) };
    let numbers = if lost.is_empty() { sum_up(&active) } else { String::new() };
    Some([&jobs, lost, &numbers, " "].concat())
}

/// ` 41% 12M/s 2:10` of several jobs; what is not known is left out.
fn sum_up(jobs: &[JobProgress]) -> String {
    let bytes_of = |number: fn(&JobProgress) -> u64| jobs.iter().map(number).fold(0_u64, u64::saturating_add);
    let (done, total) = (bytes_of(|job| job.bytes_done), bytes_of(|job| job.bytes_total));
    let rate: f64 = jobs.iter().map(|job| job.rate).sum();
    // What waits has not been counted, so that the sum is not known.
    let known = total > 0 && jobs.iter().all(|job| !job.counting && job.state != JobState::Waiting);
    let mut words = String::new();
    if known {
        words.push_str(&format!(" {}%", (done.saturating_mul(100) / total).min(100)));
    } else if done > 0 {
        words.push_str(&format!(" {}", bytes::size(done)));
    }
    if done > 0 {
        words.push_str(&format!(" {}", bytes::rate(rate)));
    }
    if let Some(left) = remaining(total.saturating_sub(done), rate).filter(|_| known) {
        words.push_str(&format!(" {}", bytes::duration(left)));
    }
    words
}

/// What a job does, in a word.
pub(super) fn kind(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Copy => "copy",
        JobKind::Move => "move",
        JobKind::Delete => "delete",
    }
}

/// `3/12` files; `3/12+` while they are being counted.
pub(super) fn files(job: &JobProgress) -> String {
    format!("{}/{}{}", job.files_done, job.files_total, if job.counting { "+" } else { "" })
}

/// `45% 3.1M/s 12s`, or what is known of it; nothing of a job that moved no bytes.
pub(super) fn numbers(job: &JobProgress) -> String {
    if job.kind == JobKind::Delete || job.bytes_done == 0 {
        return String::new();
    }
    let percent = percent(job).map_or_else(|| bytes::size(job.bytes_done), |percent| format!("{percent}%"));
    let remaining = job.remaining.map(|left| format!(" {}", bytes::duration(left))).unwrap_or_default();
    format!("{percent} {}{remaining}", bytes::rate(job.rate))
}

/// How much of a job is done; `None` while its size is being counted.
pub(super) fn percent(job: &JobProgress) -> Option<u64> {
    (!job.counting && job.bytes_total > 0).then(|| (job.bytes_done.saturating_mul(100) / job.bytes_total).min(100))
}

/// The plain key of an action.
pub(super) fn first_key(action: Action) -> String {
    action.info().keys.first().map(|keys| keys_text(keys)).unwrap_or_default()
}

/// The first keys in a folder, the most needed first.
const FOLDER: &[(Action, &str)] = &[
    (Action::Help, "help"),
    (Action::Quit, "quit"),
    (Action::OtherPane, "pane"),
    (Action::Mark, "mark"),
    (Action::Copy, "copy"),
    (Action::Move, "move"),
    (Action::Delete, "delete"),
    (Action::Connect, "connect"),
    (Action::Transfers, "transfers"),
    (Action::Filter, "filter"),
    (Action::Rename, "rename"),
    (Action::MakeDir, "new folder"),
];
const SITES: &[(Action, &str)] = &[(Action::Enter, "opens"), (Action::Connect, "type a URL")];
const WAITING: &[(Action, &str)] = &[(Action::Cancel, "stop")];
const FAILED: &[(Action, &str)] = &[(Action::Enter, "try again"), (Action::Cancel, "back"), (Action::Connect, "type a URL")];
/// What works in every pane.
const EVERYWHERE: &[(Action, &str)] = &[(Action::OtherPane, "pane"), (Action::Help, "help"), (Action::Quit, "quit")];

/// The keys that do something now. A dialog tells its own.
fn draw_hints(app: &App, look: &Look, area: Rect, buffer: &mut Buffer) {
    if !app.dialogs.is_empty() {
        return;
    }
    let pane = app.pane(app.focus);
    let lists = match pane.face {
        Face::Sites { .. } => [SITES, EVERYWHERE],
        Face::Connecting { .. } => [WAITING, EVERYWHERE],
        Face::Failed { .. } => [FAILED, EVERYWHERE],
        Face::Folder if pane.is_waiting() => [WAITING, FOLDER],
        Face::Folder => [FOLDER, &[]],
    };
    let mut x = area.x + 1;
    for (action, name) in lists.into_iter().flatten() {
        let key = first_key(*action);
        if usize::from(x) + text::width(&key) + 1 + name.len() > usize::from(area.right()) {
            break;
        }
        x = put(buffer, area, x, area.y, &key, look.style(Role::Key));
        x = put(buffer, area, x + 1, area.y, name, look.style(Role::Faint)) + 2;
    }
}

/// The keys that may follow those pressed so far, at the foot of the screen.
pub(super) fn draw_which_key(app: &App, look: &Look, screen: Rect, buffer: &mut Buffer) {
    let pressed: String = app.pending.iter().map(|key| key_text(*key)).collect();
    let rows: Vec<(String, &str)> = app
        .keymap
        .continuations(&app.pending)
        .into_iter()
        .map(|(key, action)| (format!("{pressed}{}", key_text(key)), action.map_or("more keys", |action| action.info().help)))
        .collect();
    if rows.is_empty() {
        return;
    }
    let height = (rows.len() as u16 + 1).min(screen.height);
    let area = Rect { y: screen.bottom() - height, height, ..screen };
    clear(buffer, area, look.style(Role::Dialog));
    let edge = look.symbols().horizontal.repeat(usize::from(area.width));
    put(buffer, area, area.x, area.y, &edge, look.style(Role::Border));
    for (y, (keys, help)) in (area.y + 1..area.bottom()).zip(rows) {
        let x = put(buffer, area, area.x + 1, y, &pad(&keys, 6), look.style(Role::Key));
        put(buffer, area, x + 1, y, help, look.style(Role::Text));
    }
}
