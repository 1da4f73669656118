//! A pane: where it is and how that is trusted, its list, its foot.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::draw::{paint, put, put_right, wrap};
use super::layout::list;
use super::look::Look;
use super::row;
use crate::app::dialog::Dialog;
use crate::app::pane::{Face, Folder, Listing, Pane};
use crate::app::state::Session;
use crate::app::{App, Side};
use crate::engine::{Advice, Place, TrustBasis};
use crate::model::SecurityLevel;
use crate::model::site::{ParsedUrl, Protocol};
use crate::model::sort::{Sort, SortKey};
use crate::model::{bytes, text};
use crate::tui::frame::Cursor;
use crate::tui::theme::Role;

/// Draws the pane on `side`; answers where its cursor is.
pub(super) fn draw(app: &App, side: Side, look: &Look, area: Rect, buffer: &mut Buffer) -> Option<Cursor> {
    if area.is_empty() {
        return None;
    }
    let pane = app.pane(side);
    let focused = side == app.focus;
    draw_header(app, pane, focused, look, area, buffer);
    let rows = list(area);
    let row = match (&pane.face, &pane.folder) {
        (Face::Folder, Some(folder)) => draw_folder(app, folder, focused, look, rows, buffer),
        (Face::Folder, None) => None,
        (Face::Sites { cursor }, _) => draw_sites(app, *cursor, focused, look, rows, buffer),
        (Face::Connecting { since, .. }, _) => {
            let seconds = app.now.since_start.saturating_sub(*since).as_secs();
            let line = format!("connecting{} {seconds} s", look.symbols().ellipsis);
            draw_text(&[(line, Role::Text), (String::new(), Role::Text), ("Esc stops it".into(), Role::Faint)], look, rows, buffer);
            None
        }
        (Face::Failed { advice, refusal, retry, .. }, _) => {
            let again = retry.map(|retry| match retry.every.as_secs() / 60 {
                1 => "Tried again every minute while this is shown.".to_owned(),
                minutes => format!("Tried again every {minutes} minutes while this is shown."),
            });
            let more = refusal.as_ref().map(|_| "T shows what to send the administrator".to_owned());
            let keys = ["Enter tries again".to_owned(), "Esc goes back".to_owned()];
            draw_failure(advice, again.into_iter().chain(more).chain(keys), look, rows, buffer);
            None
        }
    };
    if rows.bottom() < area.bottom() {
        draw_foot(app, side, look, Rect { y: area.bottom() - 1, height: 1, ..area }, buffer);
    }
    row.map(|y| Cursor { at: Position::new(rows.x, y), visible: false })
}

/// Where a pane is, in words: `this machine`, `bob@example.com`.
pub(super) fn place_name(app: &App, pane: &Pane) -> String {
    match (&pane.face, &pane.folder) {
        (Face::Sites { .. }, _) => "sites".into(),
        (Face::Connecting { url, .. } | Face::Failed { url, .. }, _) => host(url),
        (Face::Folder, Some(folder)) => match app.session(folder.place) {
            Some(session) => session_name(session),
            None if folder.place == Place::Local => "this machine".into(),
            None => "disconnected".into(),
        },
        (Face::Folder, None) => String::new(),
    }
}

fn session_name(session: &Session) -> String {
    let site = &session.facts.site;
    let port = if site.endpoint.port == site.protocol.default_port() { String::new() } else { format!(":{}", site.endpoint.port) };
    let user = site.user.as_deref().map(|user| format!("{user}@")).unwrap_or_default();
    text::display_safe(format!("{user}{}{port}", site.endpoint.host).as_bytes())
}

fn host(url: &ParsedUrl) -> String {
    text::display_safe(url.site.endpoint.host.as_bytes())
}

fn draw_header(app: &App, pane: &Pane, focused: bool, look: &Look, area: Rect, buffer: &mut Buffer) {
    let place_style = look.style(if focused { Role::PlaceFocused } else { Role::Place });
    paint(buffer, area, area.y, place_style);
    let folder = pane.folder.as_ref().filter(|_| matches!(pane.face, Face::Folder));
    let session = folder.and_then(|folder| app.session(folder.place));
    let mut free = area;
    if let Some(session) = session {
        let badges = trust_badges(session, look, place_style);
        for (badge, style) in badges.iter().rev() {
            let x = put_right(buffer, free, area.y, badge, *style);
            free.width = x.saturating_sub(free.x + 1);
        }
    }
    if app.is_together() && folder.is_some() {
        let x = put_right(buffer, free, area.y, "together", place_style);
        free.width = x.saturating_sub(free.x + 1);
    }
    // Focus is told by a sign too, for terminals that show no reverse.
    let sign = if focused { ">" } else { " " };
    let name = text::cut_middle(&place_name(app, pane), usize::from(free.width.saturating_sub(1)));
    put(buffer, free, free.x, area.y, &format!("{sign}{name}"), place_style);

    if area.height < 3 {
        return;
    }
    let y = area.y + 1;
    let mut free = area;
    if let Some(session) = session {
        let plain = session.facts.site.protocol == Protocol::Ftp;
        let line = [session.facts.site.protocol.scheme(), &session.facts.protection].join(" ");
        let x = put_right(buffer, free, y, line.trim_end(), look.style(if plain { Role::Warning } else { Role::Protected }));
        free.width = x.saturating_sub(free.x + 1);
    }
    let path = match (folder, &pane.face) {
        (Some(folder), _) => folder.dir.display(),
        (None, Face::Sites { .. }) => "choose where to go".into(),
        (None, Face::Connecting { url, .. } | Face::Failed { url, .. }) => url.site.url(),
        (None, Face::Folder) => String::new(),
    };
    put(buffer, free, area.x + 1, y, &text::cut_middle(&path, usize::from(free.width.saturating_sub(1))), look.style(Role::Path));
}

/// How the peer is trusted and the level of security, or that the line is broken.
fn trust_badges(session: &Session, look: &Look, place: Style) -> Vec<(String, Style)> {
    if session.lost.is_some() {
        return vec![(" LINE LOST ".into(), look.style(Role::Danger))];
    }
    let trust = match session.facts.trust {
        TrustBasis::Plain => return vec![(" PLAIN ".into(), look.style(Role::Plain))],
        TrustBasis::Authority => "CA".into(),
        TrustBasis::Pinned { days: 0 } if session.facts.is_blind() => "blind today".into(),
        TrustBasis::Pinned { days } if session.facts.is_blind() => format!("blind {days}d"),
        TrustBasis::Pinned { days: 0 } => "pinned today".into(),
        TrustBasis::Pinned { days } => format!("pinned {days}d"),
        TrustBasis::Once => "this run".into(),
        TrustBasis::KnownHost => "known host".into(),
    };
    let level = match session.facts.level {
        SecurityLevel::None => "",
        level => level.name(),
    };
    vec![(trust, place), (level.into(), place)]
}

fn draw_folder(app: &App, folder: &Folder, focused: bool, look: &Look, area: Rect, buffer: &mut Buffer) -> Option<u16> {
    if folder.is_empty() {
        match &folder.listing {
            Listing::Failed(advice) => draw_failure(advice, ["R reads it again".to_owned()], look, area, buffer),
            Listing::Loading { .. } => draw_text(&[(format!("reading{}", look.symbols().ellipsis), Role::Faint)], look, area, buffer),
            Listing::Complete if !folder.filter.is_empty() => {
                draw_text(
                    &[(format!("no name with \"{}\"", text::display_safe(folder.filter.as_bytes())), Role::Faint)],
                    look,
                    area,
                    buffer,
                );
            }
            Listing::Complete if !folder.entries().is_empty() => {
                draw_text(&[("only hidden names here; . shows them".into(), Role::Faint)], look, area, buffer);
            }
            Listing::Complete => draw_text(&[("empty".into(), Role::Faint)], look, area, buffer),
        }
        return None;
    }
    let now = Timestamp::try_from(app.now.wall).unwrap_or_default();
    let height = usize::from(area.height).max(1);
    let first = visible_from(folder.top(), folder.cursor(), height);
    let mut cursor_row = None;
    for (y, at) in (area.top()..area.bottom()).zip(first..) {
        let Some((entry, marked)) = folder.row(at) else { break };
        row::draw(entry, marked, look, now, Rect { y, height: 1, ..area }, buffer);
        if at == folder.cursor() {
            cursor_row = Some(y);
        } else if folder.range.is_some_and(|range| (range.min(folder.cursor())..=range.max(folder.cursor())).contains(&at)) {
            paint(buffer, area, y, look.style(Role::Cursor));
        }
    }
    if let Some(y) = cursor_row {
        paint(buffer, area, y, look.style(if focused { Role::CursorFocused } else { Role::Cursor }));
    }
    cursor_row
}

fn draw_sites(app: &App, cursor: usize, focused: bool, look: &Look, area: Rect, buffer: &mut Buffer) -> Option<u16> {
    let sites = app.sites.iter().map(|site| (text::display_safe(site.label.as_bytes()), text::display_safe(site.note.as_bytes())));
    let rows: Vec<(String, String)> =
        sites.chain([("type a URL".into(), "ftpes:// sftp://".into()), ("this machine".into(), String::new())]).collect();
    let height = usize::from(area.height).max(1);
    let first = visible_from(0, cursor, height);
    let mut cursor_row = None;
    for (y, (at, (label, note))) in (area.top()..area.bottom()).zip(rows.iter().enumerate().skip(first)) {
        let end = put(buffer, area, area.x + 1, y, &text::cut(label, usize::from(area.width.saturating_sub(2))), look.style(Role::Text));
        if text::width(note) <= usize::from(area.right().saturating_sub(end + 2)) {
            put_right(buffer, area, y, note, look.style(Role::Faint));
        }
        if at == cursor {
            paint(buffer, area, y, look.style(if focused { Role::CursorFocused } else { Role::Cursor }));
            cursor_row = Some(y);
        }
    }
    let below = area.y.saturating_add(rows.len().min(height) as u16 + 1).min(area.bottom());
    draw_text(
        &about_site(app, cursor, usize::from(area.width.saturating_sub(2))),
        look,
        Rect { y: below, height: area.bottom() - below, ..area },
        buffer,
    );
    cursor_row
}

/// What the row under the cursor leads to; on the first day, what there is to do at all.
fn about_site(app: &App, cursor: usize, columns: usize) -> Vec<(String, Role)> {
    if let Some(site) = app.sites.get(cursor) {
        let label = text::display_safe(site.label.as_bytes());
        let cut = text::width(&label) > columns;
        let mut lines = vec![(text::display_safe(site.url.site.url().as_bytes()), Role::Path)];
        lines.extend(cut.then_some((label, Role::Faint)));
        lines.push((text::display_safe(site.note.as_bytes()), Role::Faint));
        return lines;
    }
    let mut lines = Vec::new();
    if app.sites.is_empty() || cursor == app.sites.len() {
        lines.extend([
            ("O (or Enter on the first line) asks where to connect:".to_owned(), Role::Text),
            ("sftp://you@host".to_owned(), Role::Path),
            ("ftpes://you@host/folder".to_owned(), Role::Path),
        ]);
    }
    if app.sites.is_empty() {
        lines.extend([
            (String::new(), Role::Text),
            ("No server at hand? Quit (q) and run \"sealift demo\": it brings its own.".to_owned(), Role::Faint),
        ]);
    }
    lines
}

fn draw_failure(advice: &Advice, keys: impl IntoIterator<Item = String>, look: &Look, area: Rect, buffer: &mut Buffer) {
    let role = if advice.intended { Role::Text } else { Role::Problem };
    let mut lines = vec![(advice.what.clone(), role)];
    lines.extend([&advice.why, &advice.next].into_iter().filter(|text| !text.is_empty()).map(|text| (text.clone(), Role::Text)));
    lines.push((String::new(), Role::Text));
    lines.extend(keys.into_iter().map(|key| (key, Role::Faint)));
    draw_text(&lines, look, area, buffer);
}

fn draw_text(lines: &[(String, Role)], look: &Look, area: Rect, buffer: &mut Buffer) {
    let wrapped =
        lines.iter().flat_map(|(line, role)| wrap(line, usize::from(area.width.saturating_sub(2))).into_iter().map(|line| (line, *role)));
    for (y, (line, role)) in (area.top()..area.bottom()).zip(wrapped) {
        put(buffer, area, area.x + 1, y, &line, look.style(role));
    }
}

fn draw_foot(app: &App, side: Side, look: &Look, area: Rect, buffer: &mut Buffer) {
    if app.dialogs.iter().any(|dialog| matches!(dialog, Dialog::Filter(filter) if filter.side == side)) {
        return;
    }
    let Some(folder) = app.pane(side).folder.as_ref().filter(|_| matches!(app.pane(side).face, Face::Folder)) else { return };
    let faint = look.style(Role::Faint);
    let mut free = area;
    if !folder.is_empty() {
        let x = put_right(buffer, area, area.y, &format!("{}/{}", folder.cursor() + 1, folder.len()), faint);
        free.width = x.saturating_sub(area.x + 1);
    }
    let (state, role) = foot_state(folder, look);
    let mut at = put(buffer, free, area.x + 1, area.y, &text::cut(&state, usize::from(free.width.saturating_sub(1))), look.style(role));
    for fact in foot_facts(folder, look) {
        at = put(buffer, free, at, area.y, &format!("{}{fact}", if at > area.x + 1 { "  " } else { "" }), faint);
    }
}

fn foot_state(folder: &Folder, look: &Look) -> (String, Role) {
    let marks = folder.marks();
    match &folder.listing {
        Listing::Loading { count, .. } => (format!("reading{} {count}", look.symbols().ellipsis), Role::Text),
        Listing::Failed(_) if !folder.is_empty() => ("not whole".into(), Role::Problem),
        _ if folder.stale.is_some() => ("not up to date".into(), Role::Warning),
        _ if marks.count() > 0 && marks.bytes() == 0 => (format!("{} marked", marks.count()), Role::Marked),
        _ if marks.count() > 0 => (format!("{} marked, {}", marks.count(), bytes::size_in_words(marks.bytes())), Role::Marked),
        _ => (String::new(), Role::Faint),
    }
}

fn foot_facts(folder: &Folder, look: &Look) -> Vec<String> {
    let mut facts = Vec::new();
    if !folder.filter.is_empty() {
        facts.push(format!("/{}", text::display_safe(folder.filter.as_bytes())));
    }
    if folder.sort != Sort::default() {
        let name = match folder.sort.key {
            SortKey::Name => "name",
            SortKey::Extension => "extension",
            SortKey::Size => "size",
            SortKey::Modified => "modified",
            SortKey::Unsorted => "unsorted",
        };
        facts.push(format!("{name} {}", look.symbols().arrows[usize::from(folder.sort.descending)]));
    }
    if folder.show_hidden {
        facts.push("hidden shown".into());
    }
    facts
}

/// The first row to show so that the cursor is seen; as near to `top` as can be.
pub(super) fn visible_from(top: usize, cursor: usize, rows: usize) -> usize {
    top.clamp((cursor + 1).saturating_sub(rows), cursor)
}
