//! The one sanitiser: text from outside becomes text that is safe to draw or log. Not a place for words of our own.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Makes bytes from a server, a file name or a certificate safe for a terminal and a log.
///
/// Bytes that are not UTF-8 become `\xNN`; C0, DEL, C1, bidirectional controls, zero-width and other invisible
/// format characters, line and paragraph separators become visible escapes (`\x1b`, `\u{202e}`). Everything else,
/// right-to-left letters and combining marks among it, stays; of more marks on one letter than any script has, the rest
/// becomes visible too.
pub fn display_safe(bytes: &[u8]) -> String {
    let mut safe = String::with_capacity(bytes.len());
    let mut marks = 0;
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            marks = if character.width() == Some(0) { marks + 1 } else { 0 };
            if marks > MOST_MARKS {
                push_escape(&mut safe, format_args!("\\u{{{:x}}}", character as u32));
            } else {
                push_safe(&mut safe, character);
            }
        }
        for byte in chunk.invalid() {
            push_escape(&mut safe, format_args!("\\x{byte:02x}"));
        }
    }
    safe
}

/// Marks on one letter that are drawn (Unicode's stream-safe text allows 30; scripts need fewer).
const MOST_MARKS: u32 = 10;

fn push_safe(safe: &mut String, character: char) {
    match character {
        '\u{0}'..='\u{1f}' | '\u{7f}' | '\u{80}'..='\u{9f}' => push_escape(safe, format_args!("\\x{:02x}", character as u32)),
        c if is_invisible(c) => push_escape(safe, format_args!("\\u{{{:x}}}", c as u32)),
        c => safe.push(c),
    }
}

fn push_escape(safe: &mut String, escape: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = std::fmt::Write::write_fmt(safe, escape);
}

/// Characters that change how their neighbours are read without being seen themselves.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{13430}'..='\u{1345f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// How many terminal columns `text` takes.
pub fn width(text: &str) -> usize {
    text.graphemes(true).map(grapheme_width).sum()
}

/// A grapheme is drawn in one piece; no terminal gives one more than two columns.
fn grapheme_width(grapheme: &str) -> usize {
    grapheme.width().min(2)
}

/// Cuts `text` at the end to at most `columns`, marking the cut with `~` (mc's mark: one column on every terminal).
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let next = grapheme_width(grapheme);
        if used + next + 1 > columns {
            break;
        }
        used += next;
        cut.push_str(grapheme);
    }
    if columns > 0 {
        cut.push('~');
    }
    cut
}

/// Cuts `text` in the middle, keeping both ends: names keep their extension, paths their folder.
pub fn cut_middle(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let graphemes: Vec<&str> = text.graphemes(true).collect();
    let tail_columns = columns.saturating_sub(1) / 2;
    let mut tail = Vec::new();
    let mut used = 0;
    for grapheme in graphemes.iter().rev() {
        let next = grapheme_width(grapheme);
        if used + next > tail_columns {
            break;
        }
        used += next;
        tail.push(*grapheme);
    }
    let mut head = cut(text, columns.saturating_sub(used));
    head.extend(tail.into_iter().rev());
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escape_sequences_and_bidi_overrides_become_visible() {
        assert_eq!(display_safe(b"\x1b]0;x\x07"), "\\x1b]0;x\\x07");
        assert_eq!(display_safe("a\u{202e}fdp.exe".as_bytes()), "a\\u{202e}fdp.exe");
        assert_eq!(display_safe(b"caf\xe9"), "caf\\xe9");
        assert_eq!(display_safe("\u{9b}31m".as_bytes()), "\\x9b31m");
        assert_eq!(
            display_safe(format!("a{}", "\u{301}".repeat(12)).as_bytes()),
            format!("a{}{}", "\u{301}".repeat(10), "\\u{301}".repeat(2))
        );
        assert_eq!(display_safe("שלום e\u{301} 漢字".as_bytes()), "שלום e\u{301} 漢字");
    }

    proptest! {
        #[test]
        fn nothing_unsafe_survives(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let safe = display_safe(&bytes);
            prop_assert!(!safe.chars().any(|c| c.is_control() || is_invisible(c)));
        }

        #[test]
        fn a_cut_never_exceeds_its_columns(text in "\\PC{0,60}", columns in 0usize..40) {
            prop_assert!(width(&cut(&text, columns)) <= columns);
            prop_assert!(width(&cut_middle(&text, columns)) <= columns);
        }
    }
}
