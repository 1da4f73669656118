//! Plans in words: sums, and what was found about a path.

use super::compare::CompareError;
use super::plan::Totals;
use super::row::{Effect, Finding};
use crate::engine::Advice;
use crate::model::bytes;

impl From<&CompareError> for Advice {
    fn from(error: &CompareError) -> Self {
        let next = match error {
            CompareError::Side(_, error) => return Self::from(error),
            CompareError::Pattern(_) => "Patterns are those of a .gitignore, such as *.tmp or /build/.",
            CompareError::Overlap => "Choose two folders that lie beside each other.",
        };
        Self { what: error.to_string(), why: String::new(), next: next.to_owned(), intended: false }
    }
}

impl Totals {
    /// `12 to create, 3 to update, 1 to delete, 340 MB`; what is not there is left out.
    pub fn words(&self) -> String {
        let part = |effect: Effect, words: &str| {
            let count = self.of(effect);
            (count > 0).then(|| format!("{count} {words}"))
        };
        let mut parts: Vec<String> = [
            part(Effect::Create, "to create"),
            part(Effect::Update, "to update"),
            part(Effect::Delete, "to delete"),
            (self.bytes > 0).then(|| bytes::size_in_words(self.bytes)),
            part(Effect::Conflict, if self.of(Effect::Conflict) == 1 { "conflict" } else { "conflicts" }),
            part(Effect::ClockDoubt, if self.of(Effect::ClockDoubt) == 1 { "clock doubt" } else { "clock doubts" }),
            part(Effect::Left, "taken out"),
        ]
        .into_iter()
        .flatten()
        .collect();
        if parts.is_empty() {
            parts.push("nothing to do".to_owned());
        }
        parts.join(", ")
    }
}

impl Effect {
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Conflict => "conflict",
            Self::ClockDoubt => "clock-doubt",
            Self::Left => "left",
        }
    }
}

impl Finding {
    /// In words, the two sides called `left` and `right`.
    pub fn words(self, left: &str, right: &str) -> String {
        match self {
            Self::LeftOnly => format!("only {left} has it"),
            Self::RightOnly => format!("only {right} has it"),
            Self::LeftNewer => format!("{left} is newer"),
            Self::RightNewer => format!("{right} is newer"),
            Self::SizeDiffers => "the sizes differ, the times do not tell which is newer".to_owned(),
            Self::ContentDiffers => "the bytes differ".to_owned(),
            Self::NotCompared => "the bytes could not be compared".to_owned(),
            Self::LinkDiffers => "the links lead to different places".to_owned(),
            Self::KindDiffers => "they are not both files, or folders, or links".to_owned(),
            Self::WholeHours => "same size, and whole hours apart: perhaps only a time zone is wrong".to_owned(),
            Self::WithinSkew => "the clocks differ by more than the two times do".to_owned(),
            Self::NameDiffers => "the other side has a name that differs only in case or accents".to_owned(),
            Self::Unreadable => "the folder could not be read".to_owned(),
            Self::Incomplete => "the other side's folder could not be read completely".to_owned(),
        }
    }
}
