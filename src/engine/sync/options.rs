//! What is chosen for a comparison, as plain values that a plan's file keeps.

use serde::{Deserialize, Serialize};

use super::filter::Rules;

/// One of the two sides of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyncSide {
    /// The first one named, or the left pane.
    Left,
    /// The second one named, or the right pane.
    Right,
}

impl SyncSide {
    /// Both, left first.
    pub const BOTH: [Self; 2] = [Self::Left, Self::Right];

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

/// Which way files go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The right side becomes like the left one.
    #[default]
    Right,
    /// The left side becomes like the right one.
    Left,
    /// Each side gets what is newer on the other. Nothing is deleted: what is missing on one side was perhaps never there.
    Both,
}

impl Direction {
    /// The side that is the model, where there is one.
    pub fn source(self) -> Option<SyncSide> {
        match self {
            Self::Right => Some(SyncSide::Left),
            Self::Left => Some(SyncSide::Right),
            Self::Both => None,
        }
    }
}

/// What is done about files that only the target has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deletion {
    /// They stay.
    #[default]
    No,
    /// They go into [`super::TRASH`] on their own side.
    Trash,
    /// They are gone for good.
    Permanent,
}

/// By what two files are told from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// Size and time.
    #[default]
    Times,
    /// Their bytes, by a digest; where sizes differ nothing is read.
    Content,
}

/// What is done about symbolic links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Links {
    /// They are left out on both sides, and counted.
    #[default]
    Skip,
    /// They are compared by their text and copied as links, where both sides can make links.
    Keep,
}

/// What is chosen for a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct SyncOptions {
    /// Which way files go.
    pub direction: Direction,
    /// What is done about files only the target has.
    pub deletion: Deletion,
    /// By what files are told from each other.
    pub comparison: Comparison,
    /// What is done about links.
    pub links: Links,
    /// With names that begin with a dot.
    pub hidden: bool,
    /// A file that is newer at the target of a mirror is replaced too, not left as a conflict.
    pub replace_newer: bool,
    /// Deletes also where the source of a mirror, or a folder in it, has nothing at all (else that is taken for a disk that is not
    /// there).
    pub empty_source: bool,
    /// Makes a file on each side that is written to, to see how its clock goes, and removes it.
    pub measure_clocks: bool,
    /// What is left out.
    pub rules: Rules,
}

impl Default for SyncOptions {
    fn default() -> Self {
        Self {
            direction: Direction::default(),
            deletion: Deletion::default(),
            comparison: Comparison::default(),
            links: Links::default(),
            hidden: true,
            replace_newer: false,
            empty_source: false,
            measure_clocks: true,
            rules: Rules::default(),
        }
    }
}
