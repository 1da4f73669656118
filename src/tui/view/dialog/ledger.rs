//! The ledger: a line for each thing a person trusts, as many columns as there is room for, and the chosen one in words.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::inspector::{key_lines, role};
use crate::app::App;
use crate::app::dialog::{
    ForgetDialog, ImportDialog, ImportPurpose, LEDGER_KEYS, LedgerDialog, LedgerSort, Standing, confirmation_words, standing,
    subject_words, verified_words,
};
use crate::model::text;
use crate::trust::Verified;
use crate::trust::ledger::{Confirmation, Row};
use crate::tui::theme::Role;
use crate::tui::view::look::Look;
use crate::tui::view::sheet::{self, Line, Sheet};

const WIDTH: usize = 116;
const ROWS: u16 = 40;
/// From this width on there is a column of it.
const KIND: usize = 44;
const SINCE: usize = 72;
const VERIFIED: usize = 60;
const LAST_SEEN: usize = 100;
/// Dates are `2026-11-21`.
const DATE: usize = 10;

pub(super) fn sheet(dialog: &LedgerDialog, app: &App, look: &Look, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let now = Timestamp::try_from(app.now.wall).unwrap_or(Timestamp::UNIX_EPOCH);
    let shown = dialog.shown();
    let all = dialog.rows.as_ref().map_or(0, Vec::len);
    let count = if shown.len() == all { format!("{all}") } else { format!("{} of {all}", shown.len()) };
    let mut sheet = Sheet::new(format!("Whom you trust ({count})"), width);
    sheet.foot = foot(dialog, now, look, width, screen.height);
    if dialog.help {
        sheet.body = key_lines(&LEDGER_KEYS, width);
        sheet.scroll = dialog.scroll;
        return sheet;
    }
    sheet.head.push(Line::text(
        columns(width, ["", "whom", "kind", "since", "how you knew", "ends", "last seen"], dialog.sort, look),
        Role::Faint,
    ));
    for (at, row) in shown.iter().enumerate() {
        let line = row_line(row, now, look, width, dialog.sort);
        sheet.body.push(if at == dialog.cursor { line.highlight(Role::CursorFocused) } else { line });
    }
    if shown.is_empty() {
        let words = match (&dialog.rows, all) {
            (None, _) => "reading…",
            (Some(_), 0) => "nobody yet: whom you trust always stands here, and the lines of known_hosts",
            (Some(_), _) => "no line has that text",
        };
        sheet.body = Line::wrapped(words, width, Role::Faint);
    }
    let rows = usize::from(screen.height.saturating_sub(2).min(ROWS));
    while sheet.head.len() + sheet.body.len() + sheet.foot.len() < rows.min(22) {
        sheet.body.push(Line::empty());
    }
    sheet.keep = Some(dialog.cursor);
    sheet
}

/// The texts of a line, each in its column; those there is no room for are left out.
fn columns(width: usize, [sign, whom, kind, since, verified, ends, seen]: [&str; 7], sort: LedgerSort, look: &Look) -> String {
    let mark = |column: LedgerSort, name: &str| {
        if sign.is_empty() && sort == column { format!("{name} {}", look.symbols().arrows[1]) } else { name.to_owned() }
    };
    let (ends, seen) = (mark(LedgerSort::Expires, ends), mark(LedgerSort::LastSeen, seen));
    let tail =
        [(KIND, 11, kind), (SINCE, DATE, since), (VERIFIED, 12, verified), (0, DATE, ends.as_str()), (LAST_SEEN, DATE + 2, seen.as_str())];
    sheet::columns(width, sign, &mark(LedgerSort::Whom, whom), &tail)
}

fn row_line(row: &Row, now: Timestamp, look: &Look, width: usize, sort: LedgerSort) -> Line {
    let date = |time: Option<Timestamp>| time.map(|time| look.date(time)).unwrap_or_default();
    let (sign, colour) = match standing(row, now) {
        Standing::Revoked => ("X", Role::Problem),
        Standing::Denied => ("?", Role::Warning),
        Standing::Expired => ("!", Role::Problem),
        Standing::EndsSoon => ("!", Role::Warning),
        Standing::Well => (" ", Role::Text),
    };
    let verified = match row.verified {
        None => "",
        Some(Verified::Blind) => "blind",
        Some(Verified::Fingerprint) => "fingerprint",
        Some(Verified::Named) => "named",
        Some(Verified::Authority) => "authority",
        Some(Verified::Imported) => "imported",
    };
    let texts = [sign, &row.whom, subject_words(&row.subject), &date(row.since), verified, &date(row.expires), &date(row.last_seen)];
    Line::text(columns(width, texts, sort, look), colour)
}

fn foot(dialog: &LedgerDialog, now: Timestamp, look: &Look, width: usize, rows: u16) -> Vec<Line> {
    let roomy = rows >= 18;
    let mut foot = if roomy { vec![Line::empty()] } else { Vec::new() };
    if let Some((mood, said)) = &dialog.said {
        foot.extend(Line::wrapped(said, width, role(*mood)).into_iter().take(if roomy { 6 } else { 3 }));
    } else if let Some(row) = dialog.current().filter(|_| !dialog.help) {
        let words = row_words(row, now, look, width);
        foot.extend(Line::wrapped(&words, width, Role::Text).into_iter().take(if roomy { 3 } else { 2 }));
    }
    if dialog.filtering || !dialog.filter.text().is_empty() {
        foot.push(Line::field("/", &dialog.filter, width, dialog.filtering));
    }
    let keys = match (dialog.filtering, width >= 72) {
        (true, _) => "Enter keeps the filter, Esc drops it",
        (_, true) => "Enter facts   / find   s sort   d remove   p ask again   e i files   ? keys",
        _ => "Enter facts  d remove  ? keys  Esc",
    };
    foot.push(Line::text(text::cut(keys, width), Role::Faint));
    foot
}

/// The row under the cursor in a sentence: what no column has room for.
fn row_words(row: &Row, now: Timestamp, look: &Look, width: usize) -> String {
    let end = |words: &str| row.expires.map(|end| format!("{words} {}", look.date(end)));
    let standing = match standing(row, now) {
        Standing::Revoked => Some("never to be trusted".to_owned()),
        Standing::Expired => end("expired on"),
        Standing::EndsSoon => end("ends soon, on"),
        Standing::Denied => Some(confirmation_words(row.confirmed).to_owned()),
        Standing::Well => None,
    };
    let accepted = row.accepted.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
    let confirmed = match row.confirmed {
        Confirmation::NotApplicable | Confirmation::Denied => String::new(),
        confirmed => format!(", {}", confirmation_words(confirmed)),
    };
    let parts = [
        standing,
        row.verified.map(|verified| verified_words(verified).to_owned()),
        Some(format!("in {}{confirmed}", row.kept)),
        (!accepted.is_empty()).then(|| format!("accepted with it: {accepted}")),
        row.since.filter(|_| width < SINCE).map(|since| format!("since {}", look.date(since))),
        row.last_seen.filter(|_| width < LAST_SEEN).map(|seen| format!("last seen {}", look.date(seen))),
        (text::width(&row.whom) + 26 > width).then(|| row.whom.clone()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

pub(super) fn forget(dialog: &ForgetDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, 66);
    let mut sheet = Sheet::new(dialog.title.as_str(), width);
    sheet.role = Role::Danger;
    for (at, words) in dialog.words.iter().enumerate() {
        if at > 0 {
            sheet.body.push(Line::empty());
        }
        sheet.body.extend(Line::wrapped(words, width, Role::Text));
    }
    sheet.foot = vec![Line::buttons([("[N]o", !dialog.yes_focused), (dialog.yes, dialog.yes_focused)])];
    sheet.hints = super::keys(
        if dialog.yes_focused { "Enter does it, Esc changes nothing" } else { "y does it; Enter and Esc change nothing" },
        width,
    );
    sheet
}

pub(super) fn import(dialog: &ImportDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, 64);
    let (title, hint) = match dialog.purpose {
        ImportPurpose::Decisions => {
            ("Take over decisions from a file", "Enter takes them over, Esc does not. Decisions that are there already stay.")
        }
        ImportPurpose::Authority => ("Trust an authority, from a file", "Enter shows the authority first and asks, Esc leaves it."),
    };
    let mut sheet = Sheet::new(title, width);
    sheet.body = Line::labelled("in", 6, &dialog.dir.display(), width, Role::Text);
    sheet.foot.push(Line::field("file  ", &dialog.input, width, true));
    sheet.foot.extend(dialog.error.iter().flat_map(|error| Line::wrapped(error, width, Role::Problem)));
    sheet.hints = super::keys(hint, width);
    sheet
}
