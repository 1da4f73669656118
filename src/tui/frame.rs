//! Turns what a frame changed into the fewest bytes for the terminal. Not the widgets, and not the writing.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier};
use std::fmt::Write as _;

/// What the terminal shows, so that only differences are sent.
pub struct Screen {
    shown: Buffer,
    next: Buffer,
    pen: Pen,
    cursor: Option<Cursor>,
    ascii: bool,
    /// Nothing is known of what the terminal shows.
    unknown: bool,
}

/// Where the terminal's own cursor stands (screen readers follow it).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The cell.
    pub at: Position,
    /// Whether it is seen: in input fields only.
    pub visible: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

/// Begins and ends a synchronised update (DECSET 2026); terminals that do not know it ignore it.
const BEGIN: &str = "\x1b[?2026h";
const END: &str = "\x1b[?2026l";

impl Screen {
    /// A screen nothing is known of. With `ascii`, whatever is not ASCII is drawn as `?`.
    pub fn new(columns: u16, rows: u16, ascii: bool) -> Self {
        let area = Rect::new(0, 0, columns, rows);
        Self { shown: Buffer::empty(area), next: Buffer::empty(area), pen: Pen::default(), cursor: None, ascii, unknown: true }
    }

    /// The area to draw in.
    pub fn area(&self) -> Rect {
        self.next.area
    }

    /// The terminal has a new size: everything is drawn anew.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        *self = Self::new(columns, rows, self.ascii);
    }

    /// Something else wrote to the terminal: everything is drawn anew.
    pub fn invalidate(&mut self) {
        self.unknown = true;
    }

    /// Draws one frame; answers the bytes to write, or nothing if the terminal shows it already.
    pub fn frame(&mut self, draw: impl FnOnce(&mut Buffer) -> Option<Cursor>) -> Option<Vec<u8>> {
        self.next.reset();
        let cursor = draw(&mut self.next);
        let mut out = String::new();
        if std::mem::take(&mut self.unknown) {
            out.push_str("\x1b[0m\x1b[?25l\x1b[2J");
            self.shown.reset();
            self.pen = Pen::default();
            self.cursor = None;
        }
        let mut hand = Hand { out: &mut out, pen: &mut self.pen, at: None, ascii: self.ascii };
        for (x, y, cell) in self.shown.diff(&self.next) {
            // The second half of a wide character is drawn with the first; the difference names it for some emoji all the same.
            if !cell.symbol().is_empty() {
                hand.put(x, y, cell);
            }
        }
        let drawn = !out.is_empty();
        let cursor = cursor.filter(|cursor| self.next.area.contains(cursor.at));
        if drawn || cursor != self.cursor {
            self.place_cursor(cursor, &mut out);
        }
        std::mem::swap(&mut self.shown, &mut self.next);
        (!out.is_empty()).then(|| [BEGIN, &out, END].concat().into_bytes())
    }

    fn place_cursor(&mut self, cursor: Option<Cursor>, out: &mut String) {
        let was_visible = self.cursor.is_some_and(|cursor| cursor.visible);
        let visible = cursor.is_some_and(|cursor| cursor.visible);
        if let Some(cursor) = cursor {
            move_to(out, cursor.at.x, cursor.at.y);
        }
        if visible != was_visible {
            out.push_str(if visible { "\x1b[?25h" } else { "\x1b[?25l" });
        }
        self.cursor = cursor;
    }
}

/// Writes cells one after the other.
struct Hand<'a> {
    out: &'a mut String,
    pen: &'a mut Pen,
    /// Where the terminal's cursor is, if that is certain.
    at: Option<(u16, u16)>,
    ascii: bool,
}

impl Hand<'_> {
    fn put(&mut self, x: u16, y: u16, cell: &Cell) {
        match self.at {
            Some(at) if at == (x, y) => {}
            Some((from, row)) if row == y && from < x => {
                self.out.push_str("\x1b[");
                if x - from > 1 {
                    let _ = write!(self.out, "{}", x - from);
                }
                self.out.push('C');
            }
            _ => move_to(self.out, x, y),
        }
        self.ink(Pen { fg: cell.fg, bg: cell.bg, modifier: cell.modifier });
        let symbol = cell.symbol();
        if symbol.len() == 1 && symbol.is_ascii() {
            self.out.push_str(symbol);
            self.at = Some((x + 1, y));
        } else if self.ascii {
            let columns = crate::model::text::width(symbol).max(1);
            self.out.extend(std::iter::repeat_n('?', columns));
            self.at = Some((x + columns as u16, y));
        } else {
            self.out.push_str(symbol);
            // Terminals disagree on the width of such characters: the next cell says where it is. Box drawing is safe.
            let certain = symbol.chars().all(|c| matches!(c, '\u{2500}'..='\u{259f}'));
            self.at = certain.then_some((x + 1, y));
        }
    }

    fn ink(&mut self, new: Pen) {
        if *self.pen == new {
            return;
        }
        self.out.push_str("\x1b[");
        let mut old = *self.pen;
        if new == Pen::default() || !new.modifier.contains(old.modifier) {
            old = Pen::default();
            // An empty parameter is 0: everything off.
            self.out.push(';');
        }
        for (modifier, number) in MODIFIERS {
            if new.modifier.contains(modifier) && !old.modifier.contains(modifier) {
                let _ = write!(self.out, "{number};");
            }
        }
        if new.fg != old.fg {
            colour(self.out, new.fg, 30);
        }
        if new.bg != old.bg {
            colour(self.out, new.bg, 40);
        }
        self.out.pop();
        self.out.push('m');
        *self.pen = new;
    }
}

const MODIFIERS: [(Modifier, u8); 5] =
    [(Modifier::BOLD, 1), (Modifier::DIM, 2), (Modifier::ITALIC, 3), (Modifier::UNDERLINED, 4), (Modifier::REVERSED, 7)];

fn move_to(out: &mut String, x: u16, y: u16) {
    let _ = write!(out, "\x1b[{};{}H", y + 1, x + 1);
}

/// SGR parameters of a colour, each with `;`; `base` is 30 for the foreground, 40 for the background.
fn colour(out: &mut String, colour: Color, base: u8) {
    let plain = match colour {
        Color::Reset => 9,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 60,
        Color::LightRed => 61,
        Color::LightGreen => 62,
        Color::LightYellow => 63,
        Color::LightBlue => 64,
        Color::LightMagenta => 65,
        Color::LightCyan => 66,
        Color::White => 67,
        Color::Indexed(index) => {
            let _ = write!(out, "{};5;{index};", base + 8);
            return;
        }
        Color::Rgb(r, g, b) => {
            let _ = write!(out, "{};2;{r};{g};{b};", base + 8);
            return;
        }
    };
    let _ = write!(out, "{};", base + plain);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::view::draw::put;
    use proptest::prelude::*;
    use ratatui::style::Style;

    fn text_frame(screen: &mut Screen, text: &str, style: Style) -> Option<Vec<u8>> {
        screen.frame(|buffer| {
            buffer.set_string(0, 0, text, style);
            Some(Cursor { at: Position::new(0, 0), visible: false })
        })
    }

    #[test]
    fn what_is_shown_already_costs_nothing() {
        let mut screen = Screen::new(10, 2, false);
        assert!(text_frame(&mut screen, "abc", Style::new()).is_some());
        assert_eq!(text_frame(&mut screen, "abc", Style::new()), None);
        let one = text_frame(&mut screen, "aBc", Style::new()).unwrap();
        assert_eq!(String::from_utf8(one).unwrap(), "\x1b[?2026h\x1b[1;2HB\x1b[1;1H\x1b[?2026l");
        screen.invalidate();
        assert!(text_frame(&mut screen, "aBc", Style::new()).is_some());
    }

    #[test]
    fn ascii_terminals_get_ascii() {
        let mut screen = Screen::new(10, 1, true);
        let bytes = text_frame(&mut screen, "a漢é", Style::new()).unwrap();
        assert!(bytes.is_ascii());
        assert!(String::from_utf8(bytes).unwrap().contains("a???"));
    }

    #[test]
    fn what_follows_an_emoji_with_a_variation_selector_stands_in_its_own_column() {
        let mut screen = Screen::new(10, 1, false);
        let bytes = screen.frame(|buffer| {
            put(buffer, buffer.area, 0, 0, "\u{2693}\u{fe0f} x", Style::new());
            None
        });
        let bytes = String::from_utf8(bytes.unwrap()).unwrap();
        assert!(bytes.contains("\x1b[1;4Hx"), "{bytes:?}");
    }

    fn terminal() -> vt100::Parser {
        vt100::Parser::new(4.try_into().unwrap(), 20.try_into().unwrap(), 0)
    }

    fn style() -> impl Strategy<Value = Style> {
        let colour =
            prop_oneof![Just(Color::Reset), Just(Color::Red), Just(Color::White), Just(Color::Indexed(200)), Just(Color::Rgb(1, 2, 3))];
        (colour.clone(), colour, any::<u8>()).prop_map(|(fg, bg, bits)| {
            let modifier =
                MODIFIERS.iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0).map(|(_, (modifier, _))| *modifier).collect();
            Style::new().fg(fg).bg(bg).add_modifier(modifier)
        })
    }

    proptest! {
        /// A terminal that got only the differences shows the same as one that got the last frame whole.
        #[test]
        fn differences_add_up(frames in proptest::collection::vec(proptest::collection::vec((0u16..20, "[a-c漢é─ ]{1,6}", style()), 0..4), 1..6)) {
            let mut screen = Screen::new(20, 4, false);
            let mut terminal = terminal();
            let mut last = Vec::new();
            let draw = |buffer: &mut Buffer, texts: &[(u16, String, Style)]| {
                for (y, (x, text, style)) in texts.iter().enumerate() {
                    put(buffer, buffer.area, *x, y as u16, text, *style);
                }
                None
            };
            for texts in frames {
                if let Some(bytes) = screen.frame(|buffer| draw(buffer, &texts)) {
                    terminal.process(&bytes);
                }
                last = texts;
            }
            let mut whole = self::terminal();
            whole.process(&Screen::new(20, 4, false).frame(|buffer| draw(buffer, &last)).unwrap_or_default());
            for y in 0..4 {
                for x in 0..20 {
                    let seen = |terminal: &vt100::Parser| {
                        let cell = terminal.screen().cell(y, x).unwrap();
                        let text = cell.contents().trim().to_owned();
                        // On a blank, letters' looks cannot be seen; the emulator keeps bold or dim, the later one.
                        let letters = (!text.is_empty()).then(|| (cell.fgcolor(), cell.bold() || cell.dim(), cell.italic()));
                        (text, letters, cell.bgcolor(), cell.inverse(), cell.underline())
                    };
                    prop_assert_eq!(seen(&terminal), seen(&whole), "{},{}", x, y);
                }
            }
        }
    }
}
