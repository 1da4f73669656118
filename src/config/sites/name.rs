//! What a site may be called: `payroll`, or within folders `bank/payroll`.

use std::fmt;

use crate::model::text::display_safe;

/// The name of a site with the folders it lies in. Compared without regard to case, so that one can be typed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SiteName(String);

/// Why a text can be no name of a site.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSiteName {
    /// There is nothing, or nothing between two `/`.
    #[error("a name, and each folder before it, has at least one character")]
    Empty,
    /// It reads as a path or an option.
    #[error("no part of a name begins with . ~ or - : it would read as a path or an option")]
    Beginning,
    /// A character that has a meaning where names are written, or none that can be seen.
    #[error("a name has no : @ \\ * ? and no characters that cannot be seen")]
    Character,
    /// It begins or ends with a space.
    #[error("no part of a name begins or ends with a space")]
    Space,
    /// More characters than a screen shows.
    #[error("a name has {} characters at the most", SiteName::LONGEST)]
    TooLong,
}

impl SiteName {
    /// Characters of a name with its folders.
    pub(super) const LONGEST: usize = 200;

    /// Reads a name.
    ///
    /// A name cannot be mistaken for a URL or an absolute path, and `name:/path` can be told apart.
    pub fn parse(text: &str) -> Result<Self, InvalidSiteName> {
        if text.chars().count() > Self::LONGEST {
            return Err(InvalidSiteName::TooLong);
        }
        if text.contains([':', '@', '\\', '*', '?']) || display_safe(text.as_bytes()) != text {
            return Err(InvalidSiteName::Character);
        }
        for part in text.split('/') {
            if part.is_empty() {
                return Err(InvalidSiteName::Empty);
            }
            if part.trim() != part {
                return Err(InvalidSiteName::Space);
            }
            if part.starts_with(['.', '~', '-']) {
                return Err(InvalidSiteName::Beginning);
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The nearest name to a text of another program, within `folders`. What no name can have becomes `-`.
    pub fn nearest<'a>(folders: impl IntoIterator<Item = &'a str>, text: &'a str) -> Option<Self> {
        let parts = folders.into_iter().chain([text]).map(|part| {
            let plain = display_safe(part.as_bytes()).replace([':', '@', '\\', '*', '?', '/'], "-");
            plain.trim_start_matches(['.', '~', '-', ' ']).trim().to_owned()
        });
        Self::parse(&parts.collect::<Vec<_>>().join("/")).ok()
    }

    /// Itself, or the first of `name 2`, `name 3` … that is not taken.
    pub fn free(&self, is_taken: impl Fn(&Self) -> bool) -> Self {
        let numbered = (2..10_000).filter_map(|number| Self::parse(&format!("{self} {number}")).ok());
        std::iter::once(self.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or_else(|| self.clone())
    }

    /// In small letters, as names are compared.
    pub(super) fn folded(&self) -> String {
        self.0.to_lowercase()
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folders it lies in (`bank`; empty for none) and the name in there.
    pub fn split(&self) -> (&str, &str) {
        self.0.rsplit_once('/').unwrap_or(("", &self.0))
    }

    /// Whether it is the same name.
    pub fn is(&self, text: &str) -> bool {
        self.folded() == text.to_lowercase()
    }

    /// Whether it lies in `folder` or below it.
    pub fn is_in(&self, folder: &str) -> bool {
        let folder = folder.trim_end_matches('/').to_lowercase();
        self.folded().strip_prefix(&folder).is_some_and(|rest| rest.starts_with('/'))
    }
}

impl fmt::Display for SiteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
