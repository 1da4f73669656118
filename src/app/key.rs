//! A key press as the core knows it, free of any terminal library.

/// One key press.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Which key. Letters come with their case; [`Key::shift`] is set for keys that are no character only.
    pub code: KeyCode,
    /// With Ctrl.
    pub ctrl: bool,
    /// With Alt (or after Esc, where the terminal sends it so).
    pub alt: bool,
    /// With Shift, for keys that are no character.
    pub shift: bool,
}

/// Which key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "keys are what they are called")]
pub enum KeyCode {
    Char(char),
    F(u8),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Insert,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
}

impl Key {
    /// The key without modifiers.
    pub fn plain(code: KeyCode) -> Self {
        Self { code, ctrl: false, alt: false, shift: false }
    }

    /// A character with Ctrl.
    pub fn ctrl(character: char) -> Self {
        Self { ctrl: true, ..Self::plain(KeyCode::Char(character)) }
    }
}
