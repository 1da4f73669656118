//! From key presses to actions: a trie of sequences (`gg`, `yy`), and the notation keys are written in.

use std::collections::BTreeMap;

use super::action::{ACTIONS, Action};
use super::key::{Key, KeyCode};

/// A trie of key sequences.
#[derive(Debug, Clone, Default)]
pub struct Keymap {
    root: Node,
}

#[derive(Debug, Clone, Default)]
struct Node {
    action: Option<Action>,
    next: BTreeMap<Key, Self>,
}

/// What a sequence of keys means so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// More keys are needed.
    Partly,
    /// This.
    Action(Action),
}

impl Keymap {
    /// The keymap of [`ACTIONS`].
    pub fn standard() -> Self {
        let mut keymap = Self::default();
        for info in ACTIONS {
            for keys in info.keys {
                keymap.bind(&parse_keys(keys), info.action);
            }
        }
        keymap
    }

    fn bind(&mut self, keys: &[Key], action: Action) {
        let node = keys.iter().fold(&mut self.root, |node, key| node.next.entry(*key).or_default());
        node.action = Some(action);
    }

    /// What `keys` mean.
    pub fn find(&self, keys: &[Key]) -> Found {
        let node = keys.iter().try_fold(&self.root, |node, key| node.next.get(key));
        match node {
            None => Found::Nothing,
            Some(Node { action: Some(action), .. }) => Found::Action(*action),
            Some(_) => Found::Partly,
        }
    }

    /// Which keys may follow `keys`, with what each leads to, where it leads to an action at once.
    pub fn continuations(&self, keys: &[Key]) -> Vec<(Key, Option<Action>)> {
        let node = keys.iter().try_fold(&self.root, |node, key| node.next.get(key));
        node.map(|node| node.next.iter().map(|(key, next)| (*key, next.action)).collect()).unwrap_or_default()
    }
}

const NAMES: [(&str, KeyCode, &str); 15] = [
    ("enter", KeyCode::Enter, "Enter"),
    ("esc", KeyCode::Esc, "Esc"),
    ("tab", KeyCode::Tab, "Tab"),
    ("s-tab", KeyCode::BackTab, "Shift-Tab"),
    ("bs", KeyCode::Backspace, "Backspace"),
    ("del", KeyCode::Delete, "Del"),
    ("ins", KeyCode::Insert, "Ins"),
    ("up", KeyCode::Up, "Up"),
    ("down", KeyCode::Down, "Down"),
    ("left", KeyCode::Left, "Left"),
    ("right", KeyCode::Right, "Right"),
    ("home", KeyCode::Home, "Home"),
    ("end", KeyCode::End, "End"),
    ("pgup", KeyCode::PageUp, "PgUp"),
    ("pgdn", KeyCode::PageDown, "PgDn"),
];

/// Reads keys: characters stand for themselves, others are `<tab>`, `<space>`, `<f5>`, `<c-r>` (Ctrl), `<a-x>` (Alt), `<s-f6>` (Shift).
///
/// What is in brackets and not known stands for its characters.
pub fn parse_keys(text: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let named =
            rest.strip_prefix('<').and_then(|inner| inner.split_once('>')).and_then(|(name, after)| Some((named_key(name)?, after)));
        if let Some((key, after)) = named {
            keys.push(key);
            rest = after;
        } else {
            keys.push(Key::plain(KeyCode::Char(first)));
            rest = &rest[first.len_utf8()..];
        }
    }
    keys
}

fn named_key(name: &str) -> Option<Key> {
    if let Some((_, code, _)) = NAMES.iter().find(|(known, ..)| *known == name) {
        return Some(Key::plain(*code));
    }
    if let Some(inner) = name.strip_prefix("c-") {
        return Some(Key { ctrl: true, ..named_key(inner)? });
    }
    if let Some(inner) = name.strip_prefix("a-") {
        return Some(Key { alt: true, ..named_key(inner)? });
    }
    if let Some(inner) = name.strip_prefix("s-") {
        return Some(Key { shift: true, ..named_key(inner)? });
    }
    if name == "space" {
        return Some(Key::plain(KeyCode::Char(' ')));
    }
    if let Some(number) = name.strip_prefix('f').and_then(|digits| digits.parse().ok()) {
        return Some(Key::plain(KeyCode::F(number)));
    }
    let mut characters = name.chars();
    let character = characters.next()?;
    characters.next().is_none().then(|| Key::plain(KeyCode::Char(character)))
}

/// A key as a person reads it: `Ctrl-R`, `F5`, `Space`, `x`.
pub fn key_text(key: Key) -> String {
    let name = match key.code {
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(character) if key.ctrl => character.to_uppercase().collect(),
        KeyCode::Char(character) => character.to_string(),
        KeyCode::F(number) => format!("F{number}"),
        code => NAMES.iter().find(|(_, known, _)| *known == code).map_or("?", |(.., shown)| shown).to_owned(),
    };
    let modifier = |set: bool, text: &'static str| if set { text } else { "" };
    format!("{}{}{}{name}", modifier(key.ctrl, "Ctrl-"), modifier(key.alt, "Alt-"), modifier(key.shift, "Shift-"))
}

/// A sequence in the notation of [`parse_keys`] as a person reads it.
pub fn keys_text(keys: &str) -> String {
    parse_keys(keys).into_iter().map(key_text).collect::<Vec<_>>().concat()
}

/// Esc and then a digit is a function key, for keyboards without (mc's way): `1` is F1, `0` is F10.
pub fn function_key(digit: Key) -> Option<Key> {
    match digit.code {
        KeyCode::Char(character @ '0'..='9') if !digit.ctrl && !digit.shift => {
            let number = character as u8 - b'0';
            Some(Key::plain(KeyCode::F(if number == 0 { 10 } else { number })))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_action_is_in_the_table_once_and_no_keys_shadow_others() {
        let keymap = Keymap::standard();
        let mut seen = BTreeSet::new();
        for info in ACTIONS {
            assert!(seen.insert(info.action), "{:?} twice", info.action);
            for keys in info.keys {
                let keys = parse_keys(keys);
                assert_eq!(keymap.find(&keys), Found::Action(info.action), "{keys:?}");
                for shorter in 1..keys.len() {
                    assert_eq!(keymap.find(&keys[..shorter]), Found::Partly, "{keys:?}");
                }
            }
        }
        assert_eq!(seen.len(), Action::Quit as usize + 1, "an action has no line");
    }

    #[test]
    fn every_action_has_a_key_that_every_keyboard_has() {
        for info in ACTIONS {
            let plain = info.keys.iter().any(|keys| {
                parse_keys(keys).iter().all(|key| {
                    let easy = matches!(key.code, KeyCode::Char(_) | KeyCode::Esc | KeyCode::Tab | KeyCode::Enter);
                    easy && !key.alt && !key.shift
                })
            });
            assert!(plain, "{:?}", info.action);
        }
    }

    #[test]
    fn keys_are_written_and_read() {
        for (notation, shown) in [("gg", "gg"), ("<c-r>", "Ctrl-R"), ("<s-f6>", "Shift-F6"), ("<space>", "Space"), ("<a-x>", "Alt-x")] {
            assert_eq!(keys_text(notation), shown);
        }
        assert_eq!(parse_keys("<f5><"), [Key::plain(KeyCode::F(5)), Key::plain(KeyCode::Char('<'))]);
        assert_eq!(function_key(Key::plain(KeyCode::Char('0'))), Some(Key::plain(KeyCode::F(10))));
    }
}
