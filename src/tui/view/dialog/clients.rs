//! The clients of one's own server: a line for each, who waits first, and the chosen one in full.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::inspector::{key_lines, role};
use crate::app::App;
use crate::app::dialog::{CLIENTS_KEYS, ClientRow, ClientState, ClientsDialog};
use crate::model::text;
use crate::tui::theme::Role;
use crate::tui::view::look::Look;
use crate::tui::view::sheet::{self, Line, Sheet};

const WIDTH: usize = 110;
const ROWS: u16 = 40;
/// From this width on there is a column of it.
const LAST_SEEN: usize = 44;
const FROM: usize = 64;
const FINGERPRINT: usize = 72;
/// The longest state, `authority`.
const STATE: usize = 9;
/// `2026-11-21`.
const DATE: usize = 10;
/// An IPv4 address; longer ones are cut.
const ADDRESS: usize = 15;
/// The first four bytes, to tell two apart at a glance.
const SHORT: usize = 11;
const LABELS: usize = 11;
/// Strangers choose their names: the longest leaves room for the fingerprint.
const NAME: usize = 120;

pub(super) fn sheet(dialog: &ClientsDialog, app: &App, look: &Look, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let now = Timestamp::try_from(app.now.wall).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut sheet = Sheet::new(format!("Clients of your server ({})", dialog.shown().len()), width);
    sheet.foot = foot(dialog, look, width, screen.height);
    if dialog.help {
        sheet.body = key_lines(&CLIENTS_KEYS, width);
        sheet.scroll = dialog.scroll;
        return sheet;
    }
    sheet.head.push(Line::text(columns(width, ["", "whose", "state", "last seen", "from", "SHA-256"]), Role::Faint));
    for (at, row) in dialog.shown().iter().enumerate() {
        let line = row_line(row, now, look, width);
        sheet.body.push(if at == dialog.cursor { line.highlight(Role::CursorFocused) } else { line });
    }
    match &dialog.rows {
        None => sheet.body.push(Line::text("reading…", Role::Faint)),
        Some(rows) if rows.is_empty() => {
            let words = "nobody yet: serve a folder with sealift serve DIR --client-cert require, and whoever comes with a certificate \
                         that nobody decided upon waits here";
            sheet.body = Line::wrapped(words, width, Role::Faint);
        }
        Some(_) => {}
    }
    let rows = usize::from(screen.height.saturating_sub(2).min(ROWS));
    while sheet.head.len() + sheet.body.len() + sheet.foot.len() < rows.min(22) {
        sheet.body.push(Line::empty());
    }
    sheet.keep = Some(dialog.cursor);
    sheet
}

/// The texts of a line, each in its column; those there is no room for are left out.
fn columns(width: usize, [sign, whose, state, seen, from, fingerprint]: [&str; 6]) -> String {
    let tail = [(0, STATE, state), (LAST_SEEN, DATE, seen), (FROM, ADDRESS, from), (FINGERPRINT, SHORT, fingerprint)];
    sheet::columns(width, sign, whose, &tail)
}

fn row_line(row: &ClientRow, now: Timestamp, look: &Look, width: usize) -> Line {
    let client = &row.client;
    let is_over = row.facts.as_ref().is_none_or(|facts| facts.not_after < now);
    let (sign, colour) = match row.state {
        ClientState::Refused => ("X", Role::Problem),
        _ if is_over => ("!", Role::Problem),
        ClientState::Pending => ("?", Role::Warning),
        ClientState::Trusted | ClientState::Authority => (" ", Role::Text),
    };
    let seen = client.last_seen.map(|seen| look.date(seen)).unwrap_or_default();
    let from = client.from.map(|from| from.to_string()).unwrap_or_default();
    let fingerprint = client.fingerprint().colons();
    let texts = [sign, &row.owner(), row.state.name(), &seen, &from, fingerprint.split_at(SHORT).0];
    Line::text(columns(width, texts), colour)
}

fn foot(dialog: &ClientsDialog, look: &Look, width: usize, rows: u16) -> Vec<Line> {
    let roomy = rows >= 18;
    let mut foot = if roomy { vec![Line::empty()] } else { Vec::new() };
    let current = dialog.current().filter(|_| !dialog.help);
    match (&dialog.said, current) {
        (Some((mood, said)), _) => foot.extend(Line::wrapped(said, width, role(*mood)).into_iter().take(if roomy { 6 } else { 3 })),
        (None, Some(row)) if roomy => {
            for (label, value) in details(row, look) {
                foot.extend(Line::labelled(label, LABELS, &value, width, Role::Text));
            }
        }
        (None, Some(row)) => {
            let words = format!("{}; {}", row.client.fingerprint().short(), seen(row, look));
            foot.extend(Line::wrapped(&words, width, Role::Text).into_iter().take(3));
        }
        (None, None) => {}
    }
    let keys = match (current.is_some(), width >= 72) {
        (false, _) => "a authority  R read  ? keys  Esc",
        (true, true) => "Enter facts  t trust  x refuse  d forget  a authority  y copy  ? keys",
        (true, false) => "t trust  x refuse  d forget  ? keys",
    };
    foot.push(Line::text(text::cut(keys, width), Role::Faint));
    foot
}

/// The client under the cursor, in full.
fn details(row: &ClientRow, look: &Look) -> Vec<(&'static str, String)> {
    let name = |attributes: &[(String, String)]| {
        let attributes: Vec<_> = attributes.iter().map(|(label, value)| format!("{label}={value}")).collect();
        text::cut_middle(&attributes.join(", "), NAME)
    };
    let mut details = Vec::new();
    if let Some(facts) = &row.facts {
        details.push(("Subject", name(&facts.subject)));
        details.push(("Signed by", if facts.self_issued { "itself".to_owned() } else { name(&facts.issuer) }));
        details.push(("Valid", format!("{} to {}", look.date(facts.not_before), look.date(facts.not_after))));
    }
    details.push(("SHA-256", row.client.fingerprint().colons()));
    details.push(("Seen", seen(row, look)));
    details
}

/// When it came and from where, or when it was decided upon.
fn seen(row: &ClientRow, look: &Look) -> String {
    let client = &row.client;
    let since = format!("{} {}", if row.state == ClientState::Pending { "first" } else { "since" }, look.date_time(client.since));
    match (client.last_seen, client.from) {
        (Some(last), Some(from)) => {
            let times = if client.times == 1 { "once".to_owned() } else { format!("{} times", client.times) };
            format!("{since}, last {} from {from}, turned away {times}", look.date_time(last))
        }
        _ => since,
    }
}
