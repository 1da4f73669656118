//! A line a person types into. Knows graphemes and the usual control keys; draws nothing.

use unicode_segmentation::UnicodeSegmentation;
use zeroize::Zeroizing;

/// A line of text with a cursor. The text is zeroised when dropped, because a masked line is a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Input {
    text: Zeroizing<String>,
    cursor: usize,
    masked: bool,
}

impl Input {
    /// A line that begins with `text`, the cursor behind it.
    pub fn new(text: &str) -> Self {
        Self { text: Zeroizing::new(text.to_owned()), cursor: text.len(), masked: false }
    }

    /// An empty line of which only the length may be seen.
    pub fn masked() -> Self {
        Self { text: Zeroizing::new(String::with_capacity(Self::SECRET_CAPACITY)), cursor: 0, masked: true }
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

    const SECRET_CAPACITY: usize = 1024;
}
