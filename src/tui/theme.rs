//! Colours by meaning. Views name a [`Role`]; a theme file says how it looks. Not a place for layout.

use std::collections::BTreeMap;
use std::str::FromStr;

use ratatui::style::{Color, Modifier, Style};

/// What a piece of the screen means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is what it is called; theme files use the same words")]
pub enum Role {
    Text,
    Faint,
    Border,
    PlaceFocused,
    Place,
    Path,
    CursorFocused,
    Cursor,
    Marked,
    Folder,
    Link,
    Unsafe,
    Protected,
    Plain,
    Key,
    Good,
    Warning,
    Problem,
    Dialog,
    DialogTitle,
    Danger,
    Input,
    Button,
    ButtonFocused,
    Bar,
}

impl Role {
    /// Every role with its name in theme files.
    pub const ALL: [(Self, &'static str); 25] = [
        (Self::Text, "text"),
        (Self::Faint, "faint"),
        (Self::Border, "border"),
        (Self::PlaceFocused, "place-focused"),
        (Self::Place, "place"),
        (Self::Path, "path"),
        (Self::CursorFocused, "cursor-focused"),
        (Self::Cursor, "cursor"),
        (Self::Marked, "marked"),
        (Self::Folder, "folder"),
        (Self::Link, "link"),
        (Self::Unsafe, "unsafe"),
        (Self::Protected, "protected"),
        (Self::Plain, "plain"),
        (Self::Key, "key"),
        (Self::Good, "good"),
        (Self::Warning, "warning"),
        (Self::Problem, "problem"),
        (Self::Dialog, "dialog"),
        (Self::DialogTitle, "dialog-title"),
        (Self::Danger, "danger"),
        (Self::Input, "input"),
        (Self::Button, "button"),
        (Self::ButtonFocused, "button-focused"),
        (Self::Bar, "bar"),
    ];
}

/// A look for every role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme(BTreeMap<Role, Style>);

/// A theme file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// It is no TOML table of texts.
    #[error("not a theme: {0}")]
    Format(String),
    /// A role has no look.
    #[error("the role `{0}` is missing")]
    Missing(&'static str),
    /// There is no such role.
    #[error("there is no role `{0}`")]
    UnknownRole(String),
    /// A word is neither a colour nor an attribute.
    #[error("`{word}` in `{role}` is neither a colour nor bold, dim, italic, underline, reverse")]
    UnknownWord {
        /// The word.
        word: String,
        /// Where.
        role: String,
    },
    /// No theme of that name is built in.
    #[error("there is no theme `{0}`; there are dark, light, mono, high-contrast")]
    UnknownTheme(String),
}

/// The themes that are built in, by name.
pub const BUILT_IN: [(&str, &str); 4] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
];

impl Theme {
    /// A theme that is built in.
    pub fn named(name: &str) -> Result<Self, ThemeError> {
        let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name).ok_or_else(|| ThemeError::UnknownTheme(name.to_owned()))?;
        Self::parse(text)
    }

    /// Reads a theme file: each role `= "COLOUR on COLOUR bold dim italic underline reverse"`, any part left out.
    pub fn parse(text: &str) -> Result<Self, ThemeError> {
        let table: BTreeMap<String, String> = config::Config::builder()
            .add_source(config::File::from_str(text, config::FileFormat::Toml))
            .build()
            .and_then(config::Config::try_deserialize)
            .map_err(|error| ThemeError::Format(error.to_string()))?;
        if let Some(unknown) = table.keys().find(|key| !Role::ALL.iter().any(|(_, name)| name == key)) {
            return Err(ThemeError::UnknownRole(unknown.clone()));
        }
        let looks = Role::ALL.iter().map(|&(role, name)| {
            let words = table.get(name).ok_or(ThemeError::Missing(name))?;
            style(words).map(|style| (role, style)).map_err(|word| ThemeError::UnknownWord { word, role: name.to_owned() })
        });
        looks.collect::<Result<_, _>>().map(Self)
    }

    /// The look of `role`.
    pub fn style(&self, role: Role) -> Style {
        self.0.get(&role).copied().unwrap_or_default()
    }

    /// The same without colours; attributes stay (`NO_COLOR`).
    pub fn without_colours(mut self) -> Self {
        for style in self.0.values_mut() {
            *style = Style { fg: None, bg: None, ..*style };
        }
        self
    }
}

fn style(words: &str) -> Result<Style, String> {
    let mut style = Style::new();
    let mut background = false;
    for word in words.split_whitespace() {
        style = match word {
            "on" => {
                background = true;
                continue;
            }
            "bold" => style.add_modifier(Modifier::BOLD),
            "dim" => style.add_modifier(Modifier::DIM),
            "italic" => style.add_modifier(Modifier::ITALIC),
            "underline" => style.add_modifier(Modifier::UNDERLINED),
            "reverse" => style.add_modifier(Modifier::REVERSED),
            _ => {
                let colour = Color::from_str(word).map_err(|_| word.to_owned())?;
                if std::mem::take(&mut background) { style.bg(colour) } else { style.fg(colour) }
            }
        };
    }
    Ok(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_theme_that_is_built_in_loads() {
        for (name, _) in BUILT_IN {
            let theme = Theme::named(name).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_ne!(theme.style(Role::CursorFocused), theme.style(Role::Text), "{name}");
        }
    }

    #[test]
    fn without_colours_the_meanings_that_matter_stay_apart() {
        for (name, _) in BUILT_IN {
            let theme = Theme::named(name).unwrap().without_colours();
            for (one, other) in [
                (Role::CursorFocused, Role::Text),
                (Role::CursorFocused, Role::Cursor),
                (Role::PlaceFocused, Role::Place),
                (Role::ButtonFocused, Role::Button),
                (Role::Plain, Role::Protected),
                (Role::Marked, Role::Text),
            ] {
                assert_ne!(theme.style(one), theme.style(other), "{name}: {one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn wrong_files_say_why() {
        assert_eq!(Theme::named("pink"), Err(ThemeError::UnknownTheme("pink".into())));
        assert_eq!(Theme::parse("text = \"red\""), Err(ThemeError::Missing("faint")));
        assert_eq!(Theme::parse("colour = \"red\""), Err(ThemeError::UnknownRole("colour".into())));
        assert_eq!(style("redd"), Err("redd".into()));
        assert_eq!(style("red on #102030 bold"), Ok(Style::new().fg(Color::Red).bg(Color::Rgb(16, 32, 48)).bold()));
    }
}
