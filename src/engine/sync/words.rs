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
            Self::WholeHours => "same size, whole hours apart: a time zone, perhaps".to_owned(),
            Self::WithinSkew => "the clocks differ by more than the two times do".to_owned(),
            Self::NameDiffers => "the other name differs only in case or accents".to_owned(),
            Self::Unreadable => "the folder could not be read".to_owned(),
            Self::Incomplete => "the other side's folder could not be read completely".to_owned(),
        }
    }

    /// In fewer words, for a column: at most 24 where the sides are called `left` and `right`.
    pub fn brief(self, left: &str, right: &str) -> String {
        match self {
            Self::LeftOnly | Self::RightOnly | Self::LeftNewer | Self::RightNewer => self.words(left, right),
            Self::SizeDiffers => "the sizes differ".to_owned(),
            Self::ContentDiffers => "the bytes differ".to_owned(),
            Self::NotCompared => "bytes not compared".to_owned(),
            Self::LinkDiffers => "the links differ".to_owned(),
            Self::KindDiffers => "not of one kind".to_owned(),
            Self::WholeHours => "whole hours apart".to_owned(),
            Self::WithinSkew => "the clocks do not tell".to_owned(),
            Self::NameDiffers => "case or accents differ".to_owned(),
            Self::Unreadable => "could not be read".to_owned(),
            Self::Incomplete => "other side incomplete".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_fit_their_column_and_a_small_screen() {
        use Finding::{
            ContentDiffers, Incomplete, KindDiffers, LeftNewer, LeftOnly, LinkDiffers, NameDiffers, NotCompared, RightNewer, RightOnly,
            SizeDiffers, Unreadable, WholeHours, WithinSkew,
        };
        for finding in [
            LeftOnly,
            RightOnly,
            LeftNewer,
            RightNewer,
            SizeDiffers,
            ContentDiffers,
            NotCompared,
            LinkDiffers,
            KindDiffers,
            WholeHours,
            WithinSkew,
            NameDiffers,
            Unreadable,
            Incomplete,
        ] {
            let [brief, words] = [finding.brief("left", "right"), finding.words("left", "right")];
            assert!(brief.len() <= 24 && words.len() <= 56, "{brief}; {words}");
        }
    }
}
