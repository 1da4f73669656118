//! The sites a person keeps: a tree, and the one under the cursor in words.

use ratatui::layout::Rect;

use super::inspector::role;
use crate::app::dialog::{RemoveSiteDialog, SitesDialog, SitesRow};
use crate::config::sites::{SiteEntry, identity_word};
use crate::model::bytes;
use crate::model::text::{self, display_safe};
use crate::model::{IdentityChoice, SiteOptions, TransferType};
use crate::tui::theme::Role;
use crate::tui::view::sheet::{Line, Sheet};

const WIDTH: usize = 76;
const ROWS: u16 = 22;

pub(super) fn sheet(dialog: &SitesDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let rows = dialog.rows();
    let all = dialog.entries.as_ref().map_or(0, Vec::len);
    let mut sheet = Sheet::new(format!("Sites ({all})"), width);
    sheet.foot = foot(dialog, width, screen.height >= 18);
    for (at, row) in rows.iter().enumerate() {
        let line = row_line(dialog, row, width);
        sheet.body.push(if at == dialog.cursor { line.highlight(Role::CursorFocused) } else { line });
    }
    let words = match &dialog.entries {
        None => "reading…",
        Some(_) if rows.is_empty() => "no site has that text",
        Some(_) if all == 0 => "no site is kept yet: n makes one",
        Some(_) => "",
    };
    sheet.head = if words.is_empty() { Vec::new() } else { Line::wrapped(words, width, Role::Faint) };
    let wanted = usize::from(screen.height.saturating_sub(2).min(ROWS));
    while sheet.head.len() + sheet.body.len() + sheet.foot.len() < wanted {
        sheet.body.push(Line::empty());
    }
    sheet.keep = Some(dialog.cursor);
    sheet
}

fn row_line(dialog: &SitesDialog, row: &SitesRow, width: usize) -> Line {
    let line = |depth: usize, name: &str, note: &str, colour| {
        let room = width.saturating_sub(2 * depth + 1);
        let name = text::cut_middle(name, room);
        // A name tells more than the note on it, and a few letters of a note tell nothing.
        let left = room.saturating_sub(text::width(&name) + 2);
        let note = if left < 12 { String::new() } else { text::cut(note, left) };
        Line::text(format!(" {}{name}", "  ".repeat(depth)), colour).right(note, Role::Faint)
    };
    match row {
        SitesRow::Folder(path) => {
            let (depth, name) = path.rsplit_once('/').map_or((0, path.as_str()), |(above, name)| (above.split('/').count(), name));
            let is_closed = dialog.filter.text().is_empty() && dialog.closed.contains(&path.to_lowercase());
            line(depth, &format!("{} {name}/", if is_closed { "+" } else { "-" }), "", Role::Folder)
        }
        SitesRow::Site(at) => {
            let Some(entry) = dialog.entries.as_ref().and_then(|entries| entries.get(*at)) else { return Line::empty() };
            let (folder, name) = entry.name.split();
            let depth = folder.split('/').filter(|part| !part.is_empty()).count();
            let level = entry.options.level.map(|level| format!("{}  ", level.name())).unwrap_or_default();
            line(depth, &format!("  {name}"), &format!("{level}{}", entry.url.site.protocol.scheme()), Role::Text)
        }
        SitesRow::Other(at) => dialog.others.get(*at).map_or_else(Line::empty, |other| {
            let [label, note] = [&other.label, &other.note].map(|text| display_safe(text.as_bytes()));
            line(0, &format!("  {label}"), &note, Role::Text)
        }),
        SitesRow::ThisMachine => line(0, "  this machine", "", Role::Text),
    }
}

fn foot(dialog: &SitesDialog, width: usize, roomy: bool) -> Vec<Line> {
    let mut foot = if roomy { vec![Line::empty()] } else { Vec::new() };
    let most = if roomy { 4 } else { 2 };
    if let Some((mood, said)) = &dialog.said {
        foot.extend(Line::wrapped(said, width, role(*mood)).into_iter().take(most));
    } else if let Some(entry) = dialog.site() {
        let url = display_safe(entry.url.text().as_bytes());
        foot.push(Line::text(text::cut_middle(&url, width), Role::Path));
        foot.extend(Line::wrapped(&entry_words(entry), width, Role::Text).into_iter().take(most - 1));
    } else if let Some(SitesRow::Other(at)) = dialog.current() {
        let url = dialog.others.get(at).map(|other| display_safe(other.url.text().as_bytes())).unwrap_or_default();
        foot.push(Line::text(text::cut_middle(&url, width), Role::Path));
    }
    if dialog.filtering || !dialog.filter.text().is_empty() {
        foot.push(Line::field("/", &dialog.filter, width, dialog.filtering));
    }
    let keys = match (dialog.filtering, width >= 60) {
        (true, _) => "Enter keeps the search, Esc drops it",
        (_, true) => "Enter connects   / find   n new   e change   d duplicate   r remove",
        _ => "Enter  / find  n e d r  Esc",
    };
    foot.push(Line::text(text::cut(keys, width), Role::Faint));
    foot
}

/// What is set for a site, in a sentence.
fn entry_words(entry: &SiteEntry) -> String {
    let SiteOptions { identity, level, data_mode, charset, transfer_type, connections, key, limit, remote_commands } = &entry.options;
    let is_ftp = entry.url.site.protocol.is_ftp();
    let path = |path: &std::path::PathBuf| path.to_string_lossy().into_owned();
    let parts = [
        Some(level.map_or_else(|| "any level".to_owned(), |level| format!("at least {}", level.name()))),
        Some(match identity {
            IdentityChoice::None => "no certificate of yours".to_owned(),
            IdentityChoice::Named(_) => format!("your certificate {}", identity_word(identity)),
            IdentityChoice::Default | IdentityChoice::Files { .. } => "your certificate as usual".to_owned(),
        })
        .filter(|_| is_ftp),
        key.as_ref().map(|key| format!("key {}", path(key))),
        data_mode.map(|mode| format!("data {}", mode.word())),
        Some(format!("{} transfers", transfer_type.word())).filter(|_| *transfer_type != TransferType::Binary),
        charset.map(|charset| format!("names in {charset}")),
        connections.map(|most| format!("{most} connections at the most")),
        remote_commands.map(|may| if may { "may hash there" } else { "hashes nothing there" }.to_owned()),
        limit.map(|rate| format!("at most {}", bytes::rate(rate as f64))),
        entry.local.as_ref().map(|local| format!("beside {}", path(local))),
        Some(entry.notes.clone()).filter(|notes| !notes.is_empty()),
    ];
    display_safe(parts.into_iter().flatten().collect::<Vec<_>>().join("; ").replace('\n', " / ").as_bytes())
}

pub(super) fn remove(dialog: &RemoveSiteDialog, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, 60);
    let mut sheet = Sheet::new("Keep this site no longer?", width);
    sheet.role = Role::Danger;
    sheet.body = Line::wrapped(&dialog.name, width, Role::Text);
    sheet.body.extend(Line::wrapped(&dialog.place, width, Role::Path));
    sheet.body.extend(Line::wrapped("Whom you trust there stays in the ledger.", width, Role::Faint));
    sheet.foot = vec![Line::buttons([("[N]o", !dialog.remove_focused), ("[Y]es, remove", dialog.remove_focused)])];
    sheet.hints = super::keys("y removes it; Enter and Esc change nothing", width);
    sheet
}
