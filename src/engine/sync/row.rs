//! One path that differs: what was found about it, and what is done.

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::options::SyncSide;
use crate::model::{EntryName, Kind};

/// What was found about one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Finding {
    /// The right side has nothing of that name.
    LeftOnly,
    /// The left side has nothing of that name.
    RightOnly,
    /// Both have it, the left one is newer.
    LeftNewer,
    /// Both have it, the right one is newer.
    RightNewer,
    /// The times tell nothing, the sizes differ.
    SizeDiffers,
    /// The bytes differ.
    ContentDiffers,
    /// They could not be compared by their bytes.
    NotCompared,
    /// The links lead to different places.
    LinkDiffers,
    /// One is a folder, file or link, and the other is not.
    KindDiffers,
    /// Same size, and the times differ by whole hours: perhaps the time zone of a side is wrong.
    WholeHours,
    /// The times differ by less than the clocks of the two sides do.
    WithinSkew,
    /// The other side has a name that differs only in case or in how an accent is written.
    NameDiffers,
    /// The folder could not be read on a side that has it.
    Unreadable,
    /// The other side's folder could not be read completely: perhaps it is there too.
    Incomplete,
}

/// What is done about one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Decision {
    /// Nothing.
    Leave,
    /// The right side gets what the left one has.
    CopyRight,
    /// The left side gets what the right one has.
    CopyLeft,
    /// The right side loses it.
    DeleteRight,
    /// The left side loses it.
    DeleteLeft,
}

impl Decision {
    /// A copy towards `side`.
    pub fn copy(side: SyncSide) -> Self {
        if side == SyncSide::Right { Self::CopyRight } else { Self::CopyLeft }
    }

    /// A deletion on `side`.
    pub fn delete(side: SyncSide) -> Self {
        if side == SyncSide::Right { Self::DeleteRight } else { Self::DeleteLeft }
    }

    /// The side it changes.
    pub fn changes(self) -> Option<SyncSide> {
        match self {
            Self::Leave => None,
            Self::CopyRight | Self::DeleteRight => Some(SyncSide::Right),
            Self::CopyLeft | Self::DeleteLeft => Some(SyncSide::Left),
        }
    }
}

/// What a row comes to, in the words of the screen and the totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// Something is made where nothing was.
    Create,
    /// A file takes the place of another.
    Update,
    /// Something goes.
    Delete,
    /// Nobody but a person can say which is right; nothing is done.
    Conflict,
    /// The clocks do not tell which is newer; nothing is done.
    ClockDoubt,
    /// A person took it out of the plan.
    Left,
}

impl Effect {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Create, Self::Update, Self::Delete, Self::Conflict, Self::ClockDoubt, Self::Left];
}

/// One path that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The folder it lies in, by its number; see [`super::Plan::folder_path`].
    pub folder: u32,
    /// Its name there.
    pub name: EntryName,
    /// What the left side has.
    pub left: Option<Facts>,
    /// What the right side has.
    pub right: Option<Facts>,
    /// What was found.
    pub finding: Finding,
    /// What the comparison proposed.
    pub proposed: Decision,
    /// What is to be done.
    pub decision: Decision,
}

impl Row {
    /// What `side` has.
    pub fn on(&self, side: SyncSide) -> Option<Facts> {
        if side == SyncSide::Left { self.left } else { self.right }
    }

    /// Whether it is about a folder that only one side has.
    pub fn is_dir(&self) -> bool {
        matches!((self.left, self.right), (Some(Facts { kind: Kind::Dir, .. }), None) | (None, Some(Facts { kind: Kind::Dir, .. })))
    }

    /// What it comes to.
    pub fn effect(&self) -> Effect {
        effect(self.decision, self.proposed, self.finding, [self.left.is_some(), self.right.is_some()])
    }

    /// Bytes that a copy moves.
    pub fn bytes(&self) -> u64 {
        let source = match self.decision {
            Decision::CopyRight => self.left,
            Decision::CopyLeft => self.right,
            _ => None,
        };
        source.and_then(|facts| facts.size).unwrap_or(0)
    }

    /// What a person may decide about it, [`Decision::Leave`] last.
    pub fn choices(&self) -> Vec<Decision> {
        let copyable = |facts: Facts| matches!(facts.kind, Kind::File | Kind::Symlink | Kind::Dir);
        let mut choices = match (self.left, self.right) {
            _ if matches!(self.finding, Finding::Unreadable | Finding::Incomplete | Finding::KindDiffers) => Vec::new(),
            (Some(left), None) if copyable(left) => vec![Decision::CopyRight, Decision::DeleteLeft],
            (None, Some(right)) if copyable(right) => vec![Decision::CopyLeft, Decision::DeleteRight],
            (Some(_), Some(_)) => vec![Decision::CopyRight, Decision::CopyLeft],
            _ => Vec::new(),
        };
        choices.push(Decision::Leave);
        choices
    }
}

/// What a decision comes to, where the two sides have something or not.
pub(super) fn effect(decision: Decision, proposed: Decision, finding: Finding, there: [bool; 2]) -> Effect {
    match decision {
        Decision::CopyRight if !there[1] => Effect::Create,
        Decision::CopyLeft if !there[0] => Effect::Create,
        Decision::CopyRight | Decision::CopyLeft => Effect::Update,
        Decision::DeleteRight | Decision::DeleteLeft => Effect::Delete,
        Decision::Leave if proposed != Decision::Leave => Effect::Left,
        Decision::Leave if matches!(finding, Finding::WholeHours | Finding::WithinSkew) => Effect::ClockDoubt,
        Decision::Leave => Effect::Conflict,
    }
}
