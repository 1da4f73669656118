//! Key presses of the terminal as the core's keys. Knows no action and no keymap.

use crossterm::event::{KeyCode as Code, KeyEvent, KeyEventKind, KeyModifiers};

use crate::app::{Key, KeyCode};

/// The core's key; `None` for releases and keys nobody uses.
///
/// `Esc 5` in one piece comes as Alt-5, in two pieces as two keys: the core takes both for F5.
pub fn key(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    let alt = event.modifiers.contains(KeyModifiers::ALT);
    let shift = event.modifiers.contains(KeyModifiers::SHIFT);
    let code = match event.code {
        Code::Char(' ') if ctrl => KeyCode::Char(' '),
        Code::Char(character) if ctrl => KeyCode::Char(character.to_ascii_lowercase()),
        Code::Char(character) => KeyCode::Char(character),
        Code::F(number) => KeyCode::F(number),
        Code::Enter => KeyCode::Enter,
        Code::Esc => KeyCode::Esc,
        Code::Tab if shift => KeyCode::BackTab,
        Code::Tab => KeyCode::Tab,
        Code::BackTab => KeyCode::BackTab,
        Code::Backspace => KeyCode::Backspace,
        Code::Delete => KeyCode::Delete,
        Code::Insert => KeyCode::Insert,
        Code::Up => KeyCode::Up,
        Code::Down => KeyCode::Down,
        Code::Left => KeyCode::Left,
        Code::Right => KeyCode::Right,
        Code::Home => KeyCode::Home,
        Code::End => KeyCode::End,
        Code::PageUp => KeyCode::PageUp,
        Code::PageDown => KeyCode::PageDown,
        _ => return None,
    };
    let names_shift = matches!(code, KeyCode::Char(_) | KeyCode::BackTab);
    Some(Key { code, ctrl, alt, shift: shift && !names_shift })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(code: Code, modifiers: KeyModifiers) -> Option<Key> {
        key(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn keys_as_the_core_knows_them() {
        assert_eq!(pressed(Code::Char('G'), KeyModifiers::SHIFT), Some(Key::plain(KeyCode::Char('G'))));
        assert_eq!(pressed(Code::Char('R'), KeyModifiers::CONTROL), Some(Key::ctrl('r')));
        assert_eq!(pressed(Code::F(6), KeyModifiers::SHIFT), Some(Key { shift: true, ..Key::plain(KeyCode::F(6)) }));
        assert_eq!(pressed(Code::BackTab, KeyModifiers::SHIFT), Some(Key::plain(KeyCode::BackTab)));
        assert_eq!(pressed(Code::Char('i'), KeyModifiers::ALT), Some(Key { alt: true, ..Key::plain(KeyCode::Char('i')) }));
        assert_eq!(pressed(Code::CapsLock, KeyModifiers::NONE), None);
    }

    #[test]
    fn releases_are_no_presses() {
        let release = KeyEvent { kind: KeyEventKind::Release, ..KeyEvent::new(Code::Enter, KeyModifiers::NONE) };
        assert_eq!(key(release), None);
    }
}
