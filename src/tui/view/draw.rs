//! Puts text into cells so that columns hold whatever the text is. Knows nothing of what it means.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::model::text;

/// Draws `line` from (`x`, `y`) on in at most `columns` cells of `area`; answers the column behind it.
///
/// Every grapheme takes exactly the cells [`text::width`] counts for it; control characters are left out.
pub(in crate::tui) fn put(buffer: &mut Buffer, area: Rect, x: u16, y: u16, line: &str, style: Style) -> u16 {
    let area = area.intersection(buffer.area);
    if y < area.top() || y >= area.bottom() || x < area.left() {
        return x;
    }
    let mut at = x;
    for grapheme in line.graphemes(true) {
        if grapheme.chars().any(char::is_control) {
            continue;
        }
        let columns = text::width(grapheme) as u16;
        if columns == 0 {
            continue;
        }
        if at.saturating_add(columns) > area.right() {
            break;
        }
        // What a terminal might draw wider than the two cells it has is cut to its first character.
        let first = grapheme.chars().next().map_or(1, char::len_utf8);
        let symbol = if grapheme.width() > 2 { &grapheme[..first] } else { grapheme };
        buffer[(at, y)].set_symbol(symbol).set_style(style);
        for covered in 1..columns {
            let cell = &mut buffer[(at + covered, y)];
            cell.reset();
            // Unlike any blank, so that the difference of two frames always sees when the wide character is gone.
            cell.set_symbol("").set_style(style);
        }
        at += columns;
    }
    at
}

/// Draws `line` so that it ends at the right edge of `area`; answers the column it begins at.
pub(super) fn put_right(buffer: &mut Buffer, area: Rect, y: u16, line: &str, style: Style) -> u16 {
    let columns = (text::width(line) as u16).min(area.width);
    let x = area.right() - columns;
    put(buffer, area, x, y, line, style);
    x
}

/// Gives a whole row of `area` a style.
pub(super) fn paint(buffer: &mut Buffer, area: Rect, y: u16, style: Style) {
    buffer.set_style(Rect { y, height: 1, ..area }.intersection(area), style);
}

/// Empties `area`, so that what was drawn before does not shine through.
pub(super) fn clear(buffer: &mut Buffer, area: Rect, style: Style) {
    let area = area.intersection(buffer.area);
    // A wide character cut in half by the edge would be drawn over it.
    if area.left() > buffer.area.left() {
        for y in area.top()..area.bottom() {
            let cell = &mut buffer[(area.left() - 1, y)];
            if cell.symbol().width() > 1 {
                cell.set_symbol(" ");
            }
        }
    }
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let cell = &mut buffer[(x, y)];
            cell.reset();
            cell.set_style(style);
        }
    }
}

/// Breaks text at spaces into lines of at most `columns`; words that are longer are broken anywhere.
pub(super) fn wrap(line: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    for paragraph in line.split('\n') {
        let mut current = String::new();
        for word in paragraph.split(' ') {
            let space = usize::from(!current.is_empty());
            if text::width(&current) + space + text::width(word) <= columns {
                if space == 1 {
                    current.push(' ');
                }
                current.push_str(word);
                continue;
            }
            if !current.is_empty() {
                lines.push(std::mem::take(&mut current));
            }
            // A path breaks behind a slash, a fingerprint in octets between two of them, where it can.
            let are_octets = word.bytes().all(|byte| byte == b':' || byte.is_ascii_hexdigit());
            for part in word.split_inclusive(if are_octets { ':' } else { '/' }) {
                if !current.is_empty() && text::width(&current) + text::width(part) > columns {
                    lines.push(std::mem::take(&mut current));
                }
                for grapheme in part.graphemes(true) {
                    if text::width(&current) + text::width(grapheme) > columns {
                        lines.push(std::mem::take(&mut current));
                    }
                    current.push_str(grapheme);
                }
            }
        }
        lines.push(current);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_stay_whole_where_they_fit() {
        assert_eq!(wrap("the certificate is self-signed", 15), ["the certificate", "is self-signed"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("to /home/ann/keys/bank.pem", 12), ["to", "/home/ann/", "keys/", "bank.pem"].map(str::to_owned).as_slice());
        assert_eq!(wrap("SHA-256 AE:09:78:61", 8), ["SHA-256", "AE:09:", "78:61"]);
        assert_eq!(wrap("", 3), [""]);
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide(line in "\\PC{0,80}", columns in 2usize..30) {
            for line in wrap(&line, columns) {
                prop_assert!(text::width(&line) <= columns);
            }
        }

        #[test]
        fn text_stays_in_its_area(line in "\\PC{0,40}", x in 0u16..12, width in 0u16..12) {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 1));
            let area = Rect::new(2, 0, width, 1);
            let end = put(&mut buffer, area, x.max(2), 0, &line, Style::new());
            prop_assert!(end <= area.right().min(12).max(x.max(2)));
            for (at, cell) in buffer.content().iter().enumerate() {
                prop_assert!(cell.symbol().width() <= 2);
                prop_assert!(cell.symbol() == " " || (at as u16 >= 2 && (at as u16) < area.right()));
            }
        }
    }
}
