//! A framed sheet of lines over the panes: what every dialog is made of. Knows nothing of what they say.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::draw::{clear, paint, put, put_right, wrap};
use super::look::Look;
use super::screen::Drawn;
use crate::app::Input;
use crate::model::text;
use crate::tui::frame::Cursor;
use crate::tui::theme::Role;

/// A sheet before it is drawn. All lines are made for its inner width already.
pub(super) struct Sheet {
    pub(super) title: String,
    /// How the frame and its title look: calm or alarming.
    pub(super) role: Role,
    /// Columns inside the frame.
    pub(super) width: usize,
    /// What is always seen, over the body.
    pub(super) head: Vec<Line>,
    /// What scrolls if it does not fit.
    pub(super) body: Vec<Line>,
    /// What is always seen, under the body.
    pub(super) foot: Vec<Line>,
    /// What keys do; left out where there is no room.
    pub(super) hints: Vec<Line>,
    /// The hints in a few words, on the frame where there is no room for them.
    pub(super) brief: &'static str,
    /// The first line of the body that is wanted.
    pub(super) scroll: usize,
    /// The line of the body that must be seen.
    pub(super) keep: Option<usize>,
}

/// A line of a sheet.
#[derive(Default)]
pub(super) struct Line {
    pieces: Vec<(String, Role)>,
    right: Option<(String, Role)>,
    highlight: Option<Role>,
    /// The terminal's cursor, this many columns from the left.
    cursor: Option<u16>,
}

impl Line {
    pub(super) fn text(text: impl Into<String>, role: Role) -> Self {
        Self { pieces: vec![(text.into(), role)], ..Self::default() }
    }

    pub(super) fn empty() -> Self {
        Self::default()
    }

    pub(super) fn and(mut self, text: impl Into<String>, role: Role) -> Self {
        self.pieces.push((text.into(), role));
        self
    }

    pub(super) fn right(mut self, text: impl Into<String>, role: Role) -> Self {
        self.right = Some((text.into(), role));
        self
    }

    pub(super) fn highlight(mut self, role: Role) -> Self {
        self.highlight = Some(role);
        self
    }

    /// Text broken into lines of `width`.
    pub(super) fn wrapped(text: &str, width: usize, role: Role) -> Vec<Self> {
        wrap(text, width).into_iter().map(|line| Self::text(line, role)).collect()
    }

    /// `label` in a column of `label_width`, `value` broken beside it; in narrow sheets, and behind a label that fills its column, below it.
    pub(super) fn labelled(label: &str, label_width: usize, value: &str, width: usize, role: Role) -> Vec<Self> {
        if width < label_width + 20 || text::width(label) >= label_width {
            let mut lines = vec![Self::text(label, Role::Faint)];
            lines.extend(wrap(value, width.saturating_sub(2)).into_iter().map(|line| Self::text(format!("  {line}"), role)));
            return lines;
        }
        let mut shown = label;
        wrap(value, width - label_width)
            .into_iter()
            .map(|line| Self::text(pad(std::mem::take(&mut shown), label_width), Role::Faint).and(line, role))
            .collect()
    }

    /// A field to type in, with a label before it. `focused`: the cursor is in it.
    pub(super) fn field(label: &str, input: &Input, width: usize, focused: bool) -> Self {
        let label_columns = text::width(label);
        let room = width.saturating_sub(label_columns).max(2);
        let shown = input.shown();
        let (visible, cursor) = window(&shown, input.cursor(), room);
        let mut line = Self::text(label, Role::Text).and(pad(&visible, room), Role::Input);
        line.cursor = focused.then_some((label_columns + cursor) as u16);
        line
    }

    /// Buttons side by side; their names say their letter.
    pub(super) fn buttons<'a>(buttons: impl IntoIterator<Item = (&'a str, bool)>) -> Self {
        let mut line = Self::empty();
        for (at, (name, focused)) in buttons.into_iter().enumerate() {
            let gap = if at > 0 { "  " } else { "" };
            let (open, close) = if focused { (">", "<") } else { (" ", " ") };
            line = line.and(gap, Role::Text).and(format!("{open}{name}{close}"), if focused { Role::ButtonFocused } else { Role::Button });
        }
        line
    }

    /// Buttons in as many lines as they need.
    pub(super) fn buttons_wrapped(buttons: &[(String, bool)], width: usize) -> Vec<Self> {
        let mut lines: Vec<Vec<(&str, bool)>> = vec![Vec::new()];
        let mut used = 0;
        for (name, focused) in buttons {
            let columns = text::width(name) + 4;
            if used > 0 && used + columns > width + 2 {
                lines.push(Vec::new());
                used = 0;
            }
            used += columns;
            if let Some(line) = lines.last_mut() {
                line.push((name, *focused));
            }
        }
        lines.into_iter().map(Self::buttons).collect()
    }

    /// Both one after the other; what stands at the right is the other's.
    pub(super) fn and_all(mut self, other: Self) -> Self {
        self.pieces.extend(other.pieces);
        self.right = other.right.or(self.right);
        self
    }

    /// Draws the line into `area` (one cell high); answers where its cursor is.
    pub(super) fn draw(&self, look: &Look, area: Rect, buffer: &mut Buffer) -> Option<Cursor> {
        let mut left = area;
        if let Some((right, role)) = &self.right {
            let room = usize::from(area.width).saturating_sub(self.width() + 1);
            let x = put_right(buffer, area, area.y, &text::cut(right, room), look.style(*role));
            left.width = x.saturating_sub(area.x).max(1).min(area.width);
        }
        let mut x = area.x;
        for (piece, role) in &self.pieces {
            x = put(buffer, left, x, area.y, piece, look.style(*role));
        }
        if let Some(role) = self.highlight {
            paint(buffer, area, area.y, Style::patch(Style::new(), look.style(role)));
        }
        let column = self.cursor?;
        let at = Position::new((area.x + column).min(area.right().saturating_sub(1)), area.y);
        Some(Cursor { at, visible: true })
    }

    /// Columns from the left.
    pub(super) fn width(&self) -> usize {
        self.pieces.iter().map(|(text, _)| text::width(text)).sum()
    }
}

/// `text` filled up with spaces to `columns`.
pub(super) fn pad(line: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(text::width(line));
    format!("{line}{}", " ".repeat(missing))
}

/// The texts of a row of a list: its sign, its name, and `tail` behind it. What of `tail` needs a wider sheet than there is
/// is left out; the others have (columns from which on they are shown, columns, text). The name takes what room is left.
pub(super) fn columns(width: usize, sign: &str, name: &str, tail: &[(usize, usize, &str)]) -> String {
    let mut behind = String::new();
    for (_, columns, text) in tail.iter().filter(|(from, ..)| width >= *from) {
        behind.push(' ');
        behind.push_str(&pad(&text::cut(text, *columns), *columns));
    }
    let room = width.saturating_sub(text::width(&behind) + 2).max(4);
    format!("{sign:1} {}{behind}", pad(&text::cut_middle(name, room), room))
}

/// The part of a line that holds the cursor, and the cursor's column in it.
fn window(line: &str, cursor: usize, room: usize) -> (String, usize) {
    use unicode_segmentation::UnicodeSegmentation as _;
    let graphemes: Vec<&str> = line.graphemes(true).collect();
    let mut from = 0;
    let columns = |from: usize| -> usize { graphemes.iter().take(cursor).skip(from).map(|one| text::width(one)).sum() };
    while columns(from) + 1 > room && from < cursor {
        from += 1;
    }
    let mut visible = String::new();
    for grapheme in &graphemes[from.min(graphemes.len())..] {
        if text::width(&visible) + text::width(grapheme) > room {
            break;
        }
        visible.push_str(grapheme);
    }
    (visible, columns(from))
}

impl Sheet {
    /// How wide the inside of a sheet may be that would like to be `wanted`.
    pub(super) fn inner_width(screen: Rect, wanted: usize) -> usize {
        wanted.min(usize::from(screen.width.saturating_sub(4))).max(1)
    }

    pub(super) fn new(title: impl Into<String>, width: usize) -> Self {
        Self {
            title: title.into(),
            role: Role::DialogTitle,
            width,
            head: Vec::new(),
            body: Vec::new(),
            foot: Vec::new(),
            hints: Vec::new(),
            brief: "",
            scroll: 0,
            keep: None,
        }
    }

    /// Draws the sheet in the middle of `screen`.
    pub(super) fn draw(mut self, look: &Look, screen: Rect, buffer: &mut Buffer) -> Drawn {
        let gap = usize::from(!self.body.is_empty());
        if self.head.len() + self.body.len() + gap + self.foot.len() + self.hints.len() + 2 <= usize::from(screen.height) {
            self.foot.splice(0..0, (0..gap).map(|_| Line::empty()));
            if !self.hints.is_empty() {
                self.brief = "";
            }
            self.foot.append(&mut self.hints);
        }
        let columns = (self.width as u16 + 4).min(screen.width);
        let wanted = self.head.len() + self.body.len() + self.foot.len() + 2;
        let rows = (wanted.min(usize::from(screen.height)) as u16).max(3.min(screen.height));
        let area = Rect::new(screen.x + (screen.width - columns) / 2, screen.y + (screen.height - rows) / 2, columns, rows);
        clear(buffer, area, look.style(Role::Dialog));
        let inner = Rect {
            x: area.x + 2.min(area.width),
            y: area.y + 1,
            width: area.width.saturating_sub(4),
            height: area.height.saturating_sub(2),
        };
        let foot_rows = self.foot.len().min(usize::from(inner.height));
        let head_rows = self.head.len().min(usize::from(inner.height) - foot_rows);
        let body_rows = usize::from(inner.height) - foot_rows - head_rows;
        let hidden = self.body.len().saturating_sub(body_rows);
        let mut from = self.scroll.min(hidden);
        if let Some(keep) = self.keep {
            from = super::pane::visible_from(from, keep, body_rows.max(1)).min(hidden);
        }
        let below = hidden - from;
        self.draw_frame(look, area, from, below, buffer);
        let mut cursor = None;
        let shown = self.body.iter().skip(from).take(body_rows);
        let foot_from = inner.bottom() - foot_rows as u16;
        let head = self.head.iter().take(head_rows);
        let rows = (inner.top()..).zip(head.chain(shown)).chain((foot_from..).zip(&self.foot));
        for (y, line) in rows.filter(|(y, _)| *y < inner.bottom()) {
            cursor = line.draw(look, Rect { y, height: 1, ..inner }, buffer).or(cursor);
        }
        // Without a field the cursor rests on the title, where a screen reader begins.
        let cursor = cursor.or_else(|| buffer.area.contains(area.as_position()).then(|| Cursor { at: area.as_position(), visible: false }));
        Drawn { cursor, scroll_end: hidden }
    }

    fn draw_frame(&self, look: &Look, area: Rect, above: usize, below: usize, buffer: &mut Buffer) {
        let symbols = look.symbols();
        let style = look.style(if self.role == Role::DialogTitle { Role::Border } else { self.role });
        let (right, bottom) = (area.right().saturating_sub(1), area.bottom().saturating_sub(1));
        let edge = symbols.horizontal.repeat(usize::from(area.width.saturating_sub(2)));
        let [top_left, top_right, bottom_right, bottom_left] = symbols.corners;
        put(buffer, area, area.x, area.y, &format!("{top_left}{edge}{top_right}"), style);
        put(buffer, area, area.x, bottom, &format!("{bottom_left}{edge}{bottom_right}"), style);
        for y in area.y + 1..bottom {
            put(buffer, area, area.x, y, symbols.vertical, style);
            put(buffer, area, right, y, symbols.vertical, style);
        }
        let room = usize::from(area.width.saturating_sub(6));
        put(buffer, area, area.x + 2, area.y, &format!(" {} ", text::cut(&self.title, room)), look.style(self.role));
        if !self.brief.is_empty() {
            put(buffer, area, area.x + 1, bottom, &format!(" {} ", self.brief), look.style(Role::Faint));
        }
        let hint = match (above, below) {
            (0, 0) => return,
            (0, below) => format!(" {below} more lines {} ", symbols.arrows[1]),
            (above, 0) => format!(" {above} more lines {} ", symbols.arrows[0]),
            (above, below) => format!(" {above} {} {below} {} ", symbols.arrows[0], symbols.arrows[1]),
        };
        let inside = Rect { width: area.width.saturating_sub(2), ..area };
        put_right(buffer, inside, bottom, &hint, look.style(Role::Warning));
    }
}
