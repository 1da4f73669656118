//! A line a person types into. Knows graphemes and the usual control keys; draws nothing.

use unicode_segmentation::UnicodeSegmentation;
use zeroize::Zeroizing;

use super::key::{Key, KeyCode};
use crate::model::text::display_safe;
use crate::secrets::Secret;

/// A line of text with a cursor. The text is zeroised when dropped, because a masked line is a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Input {
    text: Zeroizing<String>,
    /// In bytes, on a grapheme's edge.
    cursor: usize,
    masked: bool,
}

impl Input {
    /// More than any path or URL needs; what goes beyond is not taken.
    const CAPACITY: usize = 8 * 1024;

    /// A line that begins with `text`, the cursor behind it.
    pub fn new(text: &str) -> Self {
        Self { text: Zeroizing::new(text.to_owned()), cursor: text.len(), masked: false }
    }

    /// An empty line of which only the length may be seen.
    pub fn masked() -> Self {
        // All the room at once: growing would leave copies of a secret behind.
        Self { text: Zeroizing::new(String::with_capacity(Self::CAPACITY)), cursor: 0, masked: true }
    }

    /// The text. Of a masked line, [`Input::shown`] is what a screen may have.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the cursor stands, in graphemes of [`Input::shown`].
    pub fn cursor(&self) -> usize {
        self.text[..self.cursor].graphemes(true).count()
    }

    /// What a screen may show: the text, or a star for each grapheme of a masked line.
    pub fn shown(&self) -> String {
        if self.masked { "*".repeat(self.text.graphemes(true).count()) } else { self.text.to_string() }
    }

    /// Takes the text away as a secret.
    pub(super) fn take_secret(&mut self) -> Secret {
        self.cursor = 0;
        Secret::new(std::mem::take(&mut *self.text))
    }

    /// Replaces the text, the cursor behind it.
    pub(super) fn set(&mut self, text: &str) {
        self.clear();
        self.insert(text);
    }

    /// Adds pasted text without its control characters (a line break in it must not press Enter) and, where it is seen, without those
    /// that would change how it reads.
    pub(super) fn insert(&mut self, text: &str) {
        for character in text.chars() {
            let hidden = || display_safe(character.encode_utf8(&mut [0; 4]).as_bytes()).chars().ne([character]);
            if character.is_control() || !self.masked && hidden() {
                continue;
            }
            if self.text.len() + character.len_utf8() > Self::CAPACITY {
                break;
            }
            self.text.insert(self.cursor, character);
            self.cursor += character.len_utf8();
        }
        // What was inserted may have joined with its neighbours.
        self.cursor = self.edge_at_or_after(self.cursor);
    }

    /// Takes a key if it is one of editing. Says whether it was.
    pub(super) fn key(&mut self, key: Key) -> bool {
        if key.alt {
            return false;
        }
        match (key.ctrl, key.code) {
            (false, KeyCode::Char(character)) => self.insert(character.encode_utf8(&mut [0; 4])),
            (false, KeyCode::Backspace) | (true, KeyCode::Char('h')) => self.cut(self.before(), self.cursor),
            (false, KeyCode::Delete) | (true, KeyCode::Char('d')) => self.cut(self.cursor, self.after()),
            (false, KeyCode::Left) | (true, KeyCode::Char('b')) => self.cursor = self.before(),
            (false, KeyCode::Right) | (true, KeyCode::Char('f')) => self.cursor = self.after(),
            (false, KeyCode::Home) | (true, KeyCode::Char('a')) => self.cursor = 0,
            (false, KeyCode::End) | (true, KeyCode::Char('e')) => self.cursor = self.text.len(),
            (true, KeyCode::Char('w')) => self.cut(self.word_before(), self.cursor),
            (true, KeyCode::Char('u')) => self.cut(0, self.cursor),
            (true, KeyCode::Char('k')) => self.cut(self.cursor, self.text.len()),
            _ => return false,
        }
        true
    }

    fn clear(&mut self) {
        self.cut(0, self.text.len());
    }

    fn cut(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = self.edge_at_or_after(from);
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.cursor + self.text[self.cursor..].graphemes(true).next().map_or(0, str::len)
    }

    fn edge_at_or_after(&self, at: usize) -> usize {
        self.text.grapheme_indices(true).map(|(edge, _)| edge).find(|&edge| edge >= at).unwrap_or(self.text.len())
    }

    /// Where the word before the cursor begins: words end at white space and at the separators of paths and URLs.
    fn word_before(&self) -> usize {
        let is_separator = |character: char| character.is_whitespace() || matches!(character, '/' | ':' | '@' | '.');
        let head = self.text[..self.cursor].trim_end_matches(is_separator);
        head.rfind(is_separator).map_or(0, |at| at + head[at..].chars().next().map_or(0, char::len_utf8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(input: &mut Input, text: &str) {
        for key in crate::app::keymap::parse_keys(text) {
            input.key(key);
        }
    }

    #[test]
    fn a_grapheme_is_one_step_and_one_deletion() {
        let mut input = Input::new("ae\u{301}漢");
        assert_eq!(input.cursor(), 3);
        keys(&mut input, "<left><bs>");
        assert_eq!(input.text(), "a漢");
        keys(&mut input, "<c-a>x<c-e>y");
        assert_eq!(input.text(), "xa漢y");
    }

    #[test]
    fn words_and_lines_are_cut() {
        let mut input = Input::new("sftp://me@host/a b");
        keys(&mut input, "<c-w>");
        assert_eq!(input.text(), "sftp://me@host/a ");
        keys(&mut input, "<c-w><c-w>");
        assert_eq!(input.text(), "sftp://me@");
        keys(&mut input, "<home><right><c-k>");
        assert_eq!(input.text(), "s");
        keys(&mut input, "<c-u>");
        assert_eq!(input.text(), "");
    }

    #[test]
    fn pasted_control_characters_are_left_out() {
        let mut input = Input::new("");
        input.insert("a\r\nb\u{1b}\u{202e}c");
        assert_eq!(input.text(), "abc");
    }

    #[test]
    fn a_masked_line_shows_its_length_only_and_never_grows_its_buffer() {
        let mut input = Input::masked();
        let place = input.text.as_ptr();
        input.insert(&"geheim".repeat(2000));
        assert_eq!(input.text.as_ptr(), place);
        assert!(input.shown().chars().all(|character| character == '*'));
        assert!(input.take_secret().expose().starts_with("geheim"));
        assert_eq!(input.text(), "");
    }

    proptest! {
        #[test]
        fn the_cursor_stays_on_an_edge(text in "\\PC{0,12}", pressed in proptest::collection::vec(0usize..12, 0..30)) {
            const KEYS: [&str; 12] =
                ["<left>", "<right>", "<bs>", "<del>", "<c-w>", "<home>", "<end>", "e", "\u{301}", "\u{200d}", "<c-k>", "🇩"];
            let mut input = Input::new(&text);
            for at in pressed {
                keys(&mut input, KEYS[at]);
                prop_assert!(input.cursor() <= input.text().graphemes(true).count());
                prop_assert!(input.text.is_char_boundary(input.cursor));
            }
        }
    }
}
