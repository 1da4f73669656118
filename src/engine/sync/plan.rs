//! What a synchronisation would do, as a value: looked at, changed row by row, kept as a file, carried out later.
//!
//! Rows stand in the order of the tree: of each folder its files, then each folder in it followed by all that is below.
//! A row takes 48 bytes and its name, so that a million of them fit where a terminal runs.

use jiff::Timestamp;

use super::clock::Clock;
use super::facts::{is_there, pack, unpack};
use super::options::{SyncOptions, SyncSide};
use super::remark_words;
use super::row::{Decision, Effect, Finding, Row, effect};
use crate::model::{EntryName, FilePath};

/// One side of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanEnd {
    /// The folder as a person would write it: a path, or a URL without a password.
    pub name: String,
    /// The same folder at its place.
    pub dir: FilePath,
    /// How its times are to be read.
    pub clock: Clock,
}

/// Something the comparison came across that is in no row, or is the reason for one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Remark {
    /// On which side; `None`: it is about both.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub side: Option<SyncSide>,
    /// The path from the root of the comparison, safe to draw; may be empty.
    pub path: String,
    /// In words.
    pub words: String,
}

/// Sums of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    counts: [u64; Effect::ALL.len()],
    /// Bytes that copies move.
    pub bytes: u64,
}

impl Totals {
    /// How many rows come to this.
    pub fn of(&self, effect: Effect) -> u64 {
        self.counts[effect as usize]
    }

    /// How many rows change something.
    pub fn changes(&self) -> u64 {
        self.of(Effect::Create) + self.of(Effect::Update) + self.of(Effect::Delete)
    }

    /// How many differences nobody has decided on.
    pub fn open(&self) -> u64 {
        self.of(Effect::Conflict) + self.of(Effect::ClockDoubt)
    }
}

/// What a synchronisation would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The left side.
    pub left: PlanEnd,
    /// The right side.
    pub right: PlanEnd,
    /// What was chosen.
    pub options: SyncOptions,
    /// When it was made.
    pub made: Timestamp,
    /// Files, links and folders that are the same on both sides.
    pub same: u64,
    /// What only the target of a mirror has and is not to be deleted (of a folder, the folder alone).
    pub extra: u64,
    /// The source of the mirror has nothing at all, so deletions were left out.
    pub source_is_empty: bool,
    /// Something could not be read, so that there may be more differences.
    pub is_incomplete: bool,
    /// What else there is to know; at most [`Plan::MOST_REMARKS`].
    pub remarks: Vec<Remark>,
    /// Remarks there was no room for.
    pub more_remarks: u64,
    names: Vec<u8>,
    folders: Vec<FolderName>,
    rows: Vec<Packed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FolderName {
    parent: u32,
    name_at: u32,
    name_length: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Packed {
    sizes: [u64; 2],
    times: [i64; 2],
    folder: u32,
    name_at: u32,
    name_length: u16,
    kinds: [u8; 2],
    finding: Finding,
    proposed: Decision,
    decision: Decision,
}

impl Packed {
    fn effect(&self) -> Effect {
        effect(self.decision, self.proposed, self.finding, self.kinds.map(is_there))
    }

    /// Bytes that a copy moves.
    fn bytes(&self) -> u64 {
        let source = match self.decision {
            Decision::CopyRight => 0,
            Decision::CopyLeft => 1,
            _ => return 0,
        };
        unpack((self.sizes[source], self.times[source], self.kinds[source])).and_then(|facts| facts.size).unwrap_or(0)
    }
}

impl Plan {
    /// The number of the root.
    pub const ROOT: u32 = 0;
    /// How many remarks are kept with their words.
    pub const MOST_REMARKS: usize = 1000;

    /// A plan that does nothing yet.
    pub fn new(left: PlanEnd, right: PlanEnd, options: SyncOptions, made: Timestamp) -> Self {
        Self {
            left,
            right,
            options,
            made,
            same: 0,
            extra: 0,
            source_is_empty: false,
            is_incomplete: false,
            remarks: Vec::new(),
            more_remarks: 0,
            names: Vec::new(),
            folders: vec![FolderName { parent: Self::ROOT, name_at: 0, name_length: 0 }],
            rows: Vec::new(),
        }
    }

    /// What `side` is.
    pub fn end(&self, side: SyncSide) -> &PlanEnd {
        if side == SyncSide::Left { &self.left } else { &self.right }
    }

    /// How many paths differ.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row at this place.
    pub fn row(&self, at: usize) -> Option<Row> {
        let packed = self.rows.get(at)?;
        let facts = |side: usize| unpack((packed.sizes[side], packed.times[side], packed.kinds[side]));
        Some(Row {
            folder: packed.folder,
            name: EntryName::new(self.name(packed.name_at, packed.name_length)).ok()?,
            left: facts(0),
            right: facts(1),
            finding: packed.finding,
            proposed: packed.proposed,
            decision: packed.decision,
        })
    }

    /// All rows in the order of the tree.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = Row> + '_ {
        (0..self.len()).filter_map(|at| self.row(at))
    }

    /// What is decided about the row at this place, without making the row.
    pub fn decision(&self, at: usize) -> Option<Decision> {
        self.rows.get(at).map(|row| row.decision)
    }

    /// What the row at this place comes to, without making the row.
    pub fn effect(&self, at: usize) -> Option<Effect> {
        self.rows.get(at).map(Packed::effect)
    }

    /// The folder the row at this place lies in, without making the row.
    pub fn folder_of(&self, at: usize) -> Option<u32> {
        self.rows.get(at).map(|row| row.folder)
    }

    /// The path of the row at this place, from the root of the comparison.
    pub fn path(&self, at: usize) -> Vec<u8> {
        let Some(row) = self.rows.get(at) else { return Vec::new() };
        joined(self.folder_path(row.folder), self.name(row.name_at, row.name_length))
    }

    /// The path of a folder from the root of the comparison; empty for the root itself.
    pub fn folder_path(&self, folder: u32) -> Vec<u8> {
        let mut parts = Vec::new();
        let mut at = folder;
        while at != Self::ROOT {
            let Some(found) = self.folders.get(at as usize) else { break };
            parts.push(self.name(found.name_at, found.name_length));
            at = found.parent;
        }
        parts.reverse();
        parts.join(&b'/')
    }

    /// How many folders lie between a folder and the root.
    pub(super) fn depth(&self, folder: u32) -> usize {
        let above = |folder: &u32| self.folders.get(*folder as usize).map(|found| found.parent);
        std::iter::successors(Some(folder), above).take_while(|folder| *folder != Self::ROOT).count()
    }

    /// Where a folder lies on `side`.
    pub fn folder_on(&self, side: SyncSide, folder: u32) -> FilePath {
        below(&self.end(side).dir, &self.folder_path(folder))
    }

    /// The places of the rows below the folder that the row at `at` is about, without that row.
    pub fn below(&self, at: usize) -> std::ops::Range<usize> {
        let start = at + 1;
        let Some(row) = self.rows.get(at) else { return start..start };
        let own = self.name(row.name_at, row.name_length);
        let is_below = |other: &Packed| {
            let mut folder = other.folder;
            while folder != Self::ROOT {
                let Some(found) = self.folders.get(folder as usize) else { return false };
                if found.parent == row.folder {
                    return self.name(found.name_at, found.name_length) == own;
                }
                folder = found.parent;
            }
            false
        };
        let length = self.rows[start.min(self.rows.len())..].iter().take_while(|row| is_below(row)).count();
        start..start + length
    }

    /// The places of the rows in `folder` and below, where `first` is the first of them.
    pub fn within(&self, folder: u32, first: usize) -> std::ops::Range<usize> {
        let is_within = |row: &Packed| {
            let mut at = row.folder;
            while at != folder && at != Self::ROOT {
                at = self.folders.get(at as usize).map_or(Self::ROOT, |found| found.parent);
            }
            at == folder
        };
        let length = self.rows[first.min(self.rows.len())..].iter().take_while(|row| is_within(row)).count();
        first..first + length
    }

    /// Decides about one row; what it does not allow is not taken. Says whether it was.
    pub fn decide(&mut self, at: usize, decision: Decision) -> bool {
        let allowed = self.row(at).is_some_and(|row| row.choices().contains(&decision));
        if allowed {
            self.rows[at].decision = decision;
        }
        allowed
    }

    /// Whether deletions were left out because a folder of the source is empty; its remarks tell which.
    pub fn spares_folders(&self) -> bool {
        self.remarks.iter().any(|remark| remark.words == remark_words::EMPTY_FOLDER)
    }

    /// The sums.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for row in &self.rows {
            totals.counts[row.effect() as usize] += 1;
            totals.bytes += row.bytes();
        }
        totals
    }

    pub(super) fn add_folder(&mut self, parent: u32, name: &[u8]) -> u32 {
        let (name_at, name_length) = self.keep(name);
        self.folders.push(FolderName { parent, name_at, name_length });
        (self.folders.len() - 1) as u32
    }

    pub(super) fn add(&mut self, row: &Row) {
        let (name_at, name_length) = self.keep(row.name.as_bytes());
        let (left_size, left_time, left_kind) = pack(row.left);
        let (right_size, right_time, right_kind) = pack(row.right);
        self.rows.push(Packed {
            sizes: [left_size, right_size],
            times: [left_time, right_time],
            folder: row.folder,
            name_at,
            name_length,
            kinds: [left_kind, right_kind],
            finding: row.finding,
            proposed: row.proposed,
            decision: row.decision,
        });
    }

    /// Changes what was found about a row.
    pub(super) fn find(&mut self, at: usize, finding: Finding, proposed: Decision) {
        if let Some(row) = self.rows.get_mut(at) {
            (row.finding, row.proposed, row.decision) = (finding, proposed, proposed);
        }
    }

    /// Takes rows out that turned out to be the same on both sides.
    pub(super) fn drop_same(&mut self, is_same: &[bool]) {
        let mut at = 0;
        let before = self.rows.len();
        self.rows.retain(|_| {
            at += 1;
            !is_same.get(at - 1).copied().unwrap_or(false)
        });
        self.same += (before - self.rows.len()) as u64;
    }

    /// Keeps a remark, as long as there is room.
    pub(super) fn remark(&mut self, side: Option<SyncSide>, path: &[u8], words: impl Into<String>) {
        if self.remarks.len() < Self::MOST_REMARKS {
            self.remarks.push(Remark { side, path: crate::model::text::display_safe(path), words: words.into() });
        } else {
            self.more_remarks += 1;
        }
    }

    /// Bytes its rows and names take.
    #[cfg(test)]
    pub(super) fn bytes_held(&self) -> usize {
        self.rows.capacity() * size_of::<Packed>() + self.names.capacity() + self.folders.capacity() * size_of::<FolderName>()
    }

    pub(super) fn shrink(&mut self) {
        self.rows.shrink_to_fit();
        self.names.shrink_to_fit();
        self.folders.shrink_to_fit();
    }

    fn name(&self, at: u32, length: u16) -> &[u8] {
        self.names.get(at as usize..at as usize + usize::from(length)).unwrap_or_default()
    }

    /// Names longer than [`MOST_NAME`] are sorted out before.
    fn keep(&mut self, name: &[u8]) -> (u32, u16) {
        let at = self.names.len() as u32;
        self.names.extend_from_slice(name);
        (at, name.len() as u16)
    }
}

/// Bytes a name may have here; a longer one is on no file system.
pub(super) const MOST_NAME: usize = u16::MAX as usize;

/// A name behind the path of its folder.
pub(super) fn joined(mut folder: Vec<u8>, name: &[u8]) -> Vec<u8> {
    if !folder.is_empty() {
        folder.push(b'/');
    }
    folder.extend_from_slice(name);
    folder
}

/// A path from the root of a comparison, at its place. Its parts were names already.
pub(super) fn below(root: &FilePath, path: &[u8]) -> FilePath {
    root.resolve(path).unwrap_or_else(|_| root.clone())
}
