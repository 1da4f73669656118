//! The list of identities and authorities, as many columns as there is room for, the chosen one in words, and its forms.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::inspector::{key_lines, role};
use crate::app::App;
use crate::app::dialog::{IDENTITIES_KEYS, IdentitiesDialog, IdentityForm, RemoveIdentityDialog, WORKING};
use crate::engine::{IdentityFacts, IdentityKind, IdentityRow};
use crate::identity::x509::expiry::{Urgency, expiry};
use crate::model::text;
use crate::trust::certificate::CertificateFacts;
use crate::tui::theme::Role;
use crate::tui::view::look::Look;
use crate::tui::view::sheet::{self, Line, Sheet};

const WIDTH: usize = 108;
/// From this width on there is a column of it.
const OWNER: usize = 56;
const KEY: usize = 90;
/// Dates are `2026-11-21`.
const DATE: usize = 10;

pub(super) fn sheet(dialog: &IdentitiesDialog, app: &App, look: &Look, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let now = Timestamp::try_from(app.now.wall).unwrap_or(Timestamp::UNIX_EPOCH);
    let rows = dialog.rows.as_deref().unwrap_or_default();
    let mut sheet = Sheet::new(format!("Who you are ({})", rows.len()), width);
    sheet.foot = foot(dialog, now, look, width, screen.height);
    if dialog.help {
        sheet.body = key_lines(&IDENTITIES_KEYS, width);
        sheet.scroll = dialog.scroll;
        return sheet;
    }
    sheet.head.push(Line::text(columns(width, ["", "name", "owner", "signed by", "key", "until"]), Role::Faint));
    for (at, row) in rows.iter().enumerate() {
        let line = row_line(row, now, look, width);
        sheet.body.push(if at == dialog.cursor { line.highlight(Role::CursorFocused) } else { line });
    }
    if rows.is_empty() && dialog.rows.is_none() {
        sheet.body.push(Line::text("reading…", Role::Faint));
    } else if rows.is_empty() {
        let words = "Nothing yet. FTPS servers that ask for a client certificate are shown one of these: n makes one, i takes one in that you have. SSH servers know you by a key: K makes one.";
        sheet.body.extend(Line::wrapped(words, width, Role::Text));
    }
    sheet.keep = Some(dialog.cursor);
    sheet
}

/// The texts of a line, each in its column; those there is no room for are left out.
fn columns(width: usize, [sign, name, owner, issuer, key, until]: [&str; 6]) -> String {
    let tail = [(OWNER, width / 4, owner), (0, 16.min(width / 4), issuer), (KEY, 14, key), (0, DATE, until)];
    sheet::columns(width, sign, name, &tail)
}

fn row_line(row: &IdentityRow, now: Timestamp, look: &Look, width: usize) -> Line {
    let sign = match (row.kind, row.is_default) {
        (IdentityKind::Authority, _) => "A",
        (IdentityKind::SshKey, _) => "S",
        (IdentityKind::Certificate, true) => "*",
        (IdentityKind::Certificate, false) => " ",
    };
    let facts = match &row.what {
        Ok((_, IdentityFacts::Certificate(facts))) => facts,
        Ok((_, IdentityFacts::SshKey { public, is_locked })) => {
            let (lock, colour) = if *is_locked { ("", Role::Text) } else { ("unlocked", Role::Warning) };
            return Line::text(columns(width, [sign, &row.name, &public.comment(), "SSH key", &public.algorithm(), lock]), colour);
        }
        Err(why) => return Line::text(columns(width, ["!", &row.name, why, "", "", ""]), Role::Problem),
    };
    let colour = match expiry(facts.not_after, now).map(|expiry| expiry.urgency) {
        Some(Urgency::Expired | Urgency::Day) => Role::Problem,
        Some(Urgency::Week | Urgency::Month) => Role::Warning,
        None => Role::Text,
    };
    let issuer = if facts.self_issued { "itself".to_owned() } else { facts.issuer_name() };
    Line::text(columns(width, [sign, &row.name, &facts.owner(), &issuer, &facts.key, &look.date(facts.not_after)]), colour)
}

fn foot(dialog: &IdentitiesDialog, now: Timestamp, look: &Look, width: usize, rows: u16) -> Vec<Line> {
    let roomy = rows >= 18;
    let mut foot = if roomy { vec![Line::empty()] } else { Vec::new() };
    if let Some((mood, said)) = &dialog.said {
        foot.extend(Line::wrapped(said, width, role(*mood)).into_iter().take(if roomy { 6 } else { 3 }));
    } else if let Some(row) = dialog.current().filter(|_| !dialog.help) {
        let words = row_words(row, now, look);
        foot.extend(Line::wrapped(&words, width, Role::Text).into_iter().take(if roomy { 4 } else { 2 }));
    }
    let is_ssh = dialog.current().is_some_and(|row| row.kind == IdentityKind::SshKey);
    let keys = if width >= 72 && is_ssh {
        "Enter facts  K new  I install on the pane's server  e send  c copy  ? keys"
    } else if width >= 72 {
        "n new  e send  i take in  N authority  s sign  K SSH key  d remove  ? keys"
    } else {
        "n new  e send  i take in  ? keys"
    };
    foot.push(Line::text(text::cut(keys, width), Role::Faint));
    foot
}

/// The row under the cursor in words: what no column has room for.
fn row_words(row: &IdentityRow, now: Timestamp, look: &Look) -> String {
    let facts = match &row.what {
        Ok((_, IdentityFacts::Certificate(facts))) => facts,
        Ok((file, IdentityFacts::SshKey { public, is_locked })) => {
            let lock = if *is_locked { "locked with a passphrase" } else { "not locked: whoever reads the file is you" };
            let file = text::display_safe(file.as_os_str().as_encoded_bytes());
            return format!("{} {}; {lock}; in {file}", public.algorithm(), public.fingerprint().openssh());
        }
        Err(why) => return why.clone(),
    };
    let signed = |facts: &CertificateFacts| format!("signed by {}, until {}", facts.issuer_name(), look.date(facts.not_after));
    let parts = [
        expiry(facts.not_after, now).map(|expiry| expiry.to_string()),
        (row.kind == IdentityKind::Authority).then(|| "an authority of yours: s signs requests with it, x takes back".to_owned()),
        row.is_default.then(|| "shown to every server that asks, where nothing else was chosen".to_owned()),
        row.pending.as_ref().map(|pending| format!("a new certificate waits for its first login ({})", signed(pending))),
        Some(format!("SHA-256 {}", facts.fingerprint.colons())),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

pub(super) fn form(dialog: &IdentityForm, screen: Rect) -> Sheet {
    let mut sheet = super::form::sheet(&dialog.form, screen);
    let words =
        if dialog.waiting.is_some() { Some((WORKING, Role::Warning)) } else { dialog.failed.as_deref().map(|why| (why, Role::Problem)) };
    if let Some((words, role)) = words {
        let most = if screen.height >= 18 { 4 } else { 2 };
        let said = Line::wrapped(words, sheet.width, role).into_iter().take(most);
        let buttons = sheet.foot.len().saturating_sub(1);
        sheet.foot.splice(buttons..buttons, said);
    }
    sheet
}

pub(super) fn remove(dialog: &RemoveIdentityDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, 66);
    let mut sheet = Sheet::new(format!("Remove {}?", dialog.row.name), width);
    sheet.role = Role::Danger;
    let owner = match &dialog.row.what {
        Ok((_, IdentityFacts::Certificate(facts))) => facts.owner(),
        Ok((_, IdentityFacts::SshKey { public, .. })) => public.label(),
        Err(_) => "what cannot be read".to_owned(),
    };
    let words = [
        format!("{} ({owner}) goes with its private key, for good.", dialog.row.name),
        "Servers that trust its certificate will not know you any more; nobody can make the same key again.".to_owned(),
    ];
    for (at, words) in words.iter().enumerate() {
        if at > 0 {
            sheet.body.push(Line::empty());
        }
        sheet.body.extend(Line::wrapped(words, width, Role::Text));
    }
    sheet.foot = vec![Line::buttons([("[N]o", !dialog.yes_focused), ("[Y]es, remove", dialog.yes_focused)])];
    let keys = if dialog.yes_focused { "Enter does it, Esc changes nothing" } else { "y does it; Enter and Esc change nothing" };
    sheet.hints = super::keys(keys, width);
    sheet
}
