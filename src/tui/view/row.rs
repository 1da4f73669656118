//! One entry of a list in one row: mark, name, size, date, and in wide panes the mode.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::draw::{put, put_right};
use super::look::Look;
use crate::engine::Tag;
use crate::model::entry::Kind;
use crate::model::{Entry, bytes, text};
use crate::tui::theme::Role;

/// From these widths on a row has sizes, dates, whole dates, modes.
const SIZES: u16 = 22;
const DATES: u16 = 30;
const WHOLE_DATES: u16 = 50;
const MODES: u16 = 66;

/// Draws an entry into the row `area` (one cell high).
pub(super) fn draw(entry: &Entry, marked: bool, look: &Look, now: Timestamp, area: Rect, buffer: &mut Buffer) {
    let safe = entry.name().is_ok();
    let role = match entry.kind {
        _ if !safe => Role::Unsafe,
        _ if marked => Role::Marked,
        _ if Tag::of_part(entry.raw_name()).is_some() => Role::Faint,
        Kind::Dir => Role::Folder,
        Kind::Symlink => Role::Link,
        _ => Role::Text,
    };
    let style = look.style(role);
    let sign = match (safe, marked) {
        (false, _) => "!",
        (true, true) => "*",
        (true, false) => " ",
    };
    let y = area.y;
    put(buffer, area, area.x, y, sign, style);
    let faint = look.style(Role::Faint);
    let mut left = Rect { width: area.width.saturating_sub(1), ..area };
    let mut column = |wide_enough: bool, width: u16, value: String, buffer: &mut Buffer| {
        if wide_enough {
            put_right(buffer, left, y, &value, if marked { style } else { faint });
            left.width = left.width.saturating_sub(width + 1);
        }
    };
    column(area.width >= MODES, 9, entry.mode().map(mode).unwrap_or_default(), buffer);
    let whole = area.width >= WHOLE_DATES;
    let date = entry.modified.map(|time| if whole { look.date_time(time) } else { look.short_date(time, now) });
    column(area.width >= DATES, if whole { 16 } else { 6 }, date.unwrap_or_default(), buffer);
    let size = match (entry.kind, entry.size) {
        (Kind::File | Kind::Other, Some(size)) => bytes::size(size),
        _ => String::new(),
    };
    column(area.width >= SIZES, 6, size, buffer);
    let name = display_name(entry);
    let columns = usize::from(left.width.saturating_sub(1));
    put(buffer, left, area.x + 1, y, &text::cut_middle(&name, columns), style);
}

/// The name, with a sign for what it is that does not depend on colour.
pub(super) fn display_name(entry: &Entry) -> String {
    let mut name = entry.display_name();
    match entry.kind {
        Kind::Dir => name.push('/'),
        Kind::Symlink => name.push('@'),
        Kind::File | Kind::Other | Kind::Unparsed => {}
    }
    name
}

/// `rwxr-xr-x`, set-id and sticky bits as `ls` shows them.
pub(super) fn mode(mode: u32) -> String {
    let bit = |shift: u32, letter: char| if mode >> shift & 1 == 1 { letter } else { '-' };
    let last = |shift: u32, special: u32, letter: char| match (mode >> shift & 1 == 1, mode >> special & 1 == 1) {
        (true, true) => letter,
        (false, true) => letter.to_ascii_uppercase(),
        (true, false) => 'x',
        (false, false) => '-',
    };
    [bit(8, 'r'), bit(7, 'w'), last(6, 11, 's'), bit(5, 'r'), bit(4, 'w'), last(3, 10, 's'), bit(2, 'r'), bit(1, 'w'), last(0, 9, 't')]
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::mode;

    #[test]
    fn modes_as_ls_shows_them() {
        assert_eq!(mode(0o755), "rwxr-xr-x");
        assert_eq!(mode(0o640), "rw-r-----");
        assert_eq!(mode(0o4755), "rwsr-xr-x");
        assert_eq!(mode(0o1776), "rwxrwxrwT");
    }
}
