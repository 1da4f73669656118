//! Compares two listings of one folder: which names differ, how, and what is to be done. Pure.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::clock::{Clock, Order, order};
use super::facts::Facts;
use super::options::{Comparison, Deletion, Direction, SyncOptions, SyncSide};
use super::row::{Decision, Finding};
use crate::model::{Entry, Kind, folded};

/// What two facts come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    /// Nothing is to be done.
    Same,
    /// Only the target has it, and it stays there.
    Extra,
    /// The same as far as size and kind tell; the bytes decide.
    ToRead,
    /// They differ.
    Differs(Finding, Decision),
}

/// What judging needs besides the facts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judge<'a> {
    pub(super) options: &'a SyncOptions,
    pub(super) clocks: [&'a Clock; 2],
    /// What the times of the two listings look like, in seconds.
    pub(super) listed: [u32; 2],
    /// Whether the sides keep the time of a file that is copied to them.
    pub(super) keeps_times: [bool; 2],
    /// Whether the sides' listings are whole.
    pub(super) whole: [bool; 2],
}

impl Judge<'_> {
    /// Judges what one side alone has.
    pub(super) fn alone(&self, side: SyncSide) -> Judged {
        let finding = if side == SyncSide::Left { Finding::LeftOnly } else { Finding::RightOnly };
        let is_source = self.options.direction.source() != Some(side.other());
        let copy = Judged::Differs(finding, Decision::copy(side.other()));
        match self.options.deletion {
            // The name may be among those that could not be read: nothing is replaced by what was not seen.
            _ if !self.whole[side.other() as usize] && (is_source || self.options.deletion != Deletion::No) => {
                Judged::Differs(Finding::Incomplete, Decision::Leave)
            }
            _ if is_source => copy,
            Deletion::No => Judged::Extra,
            Deletion::Trash | Deletion::Permanent => Judged::Differs(finding, Decision::delete(side)),
        }
    }

    /// Judges what both sides have.
    pub(super) fn both(&self, left: &Facts, right: &Facts) -> Judged {
        if left.kind != right.kind || left.kind == Kind::Other {
            return Judged::Differs(Finding::KindDiffers, Decision::Leave);
        }
        if left.kind == Kind::Dir {
            return Judged::Same;
        }
        let same_size = left.size.zip(right.size).is_none_or(|(left, right)| left == right);
        if self.options.comparison == Comparison::Content {
            return if same_size { Judged::ToRead } else { self.differs(Finding::SizeDiffers, left, right) };
        }
        let Some((left_time, right_time)) = left.modified.zip(right.modified) else {
            return if same_size { Judged::Same } else { self.without_times(Finding::SizeDiffers) };
        };
        match order(self.clocks, self.listed, left_time, right_time, same_size) {
            Order::Same if same_size => Judged::Same,
            Order::Same => self.without_times(Finding::SizeDiffers),
            Order::WholeHours => Judged::Differs(Finding::WholeHours, Decision::Leave),
            Order::WithinSkew => Judged::Differs(Finding::WithinSkew, Decision::Leave),
            Order::LeftNewer => self.newer(SyncSide::Left, same_size),
            Order::RightNewer => self.newer(SyncSide::Right, same_size),
        }
    }

    /// Judges two files whose bytes differ.
    pub(super) fn content_differs(&self, left: &Facts, right: &Facts) -> Judged {
        self.differs(Finding::ContentDiffers, left, right)
    }

    /// `side` is newer.
    fn newer(&self, side: SyncSide, same_size: bool) -> Judged {
        let finding = if side == SyncSide::Left { Finding::LeftNewer } else { Finding::RightNewer };
        // A copy is newer than its model where it got the time of its arrival.
        if same_size && !self.keeps_times[side as usize] && self.options.direction.source() != Some(side) {
            return Judged::Same;
        }
        match self.options.direction.source() {
            Some(source) if source != side && !self.options.replace_newer => Judged::Differs(finding, Decision::Leave),
            Some(source) => Judged::Differs(finding, Decision::copy(source.other())),
            None => Judged::Differs(finding, Decision::copy(side.other())),
        }
    }

    /// They differ, and the times do not say which is newer: in a mirror the model is right, else nobody knows.
    fn without_times(&self, finding: Finding) -> Judged {
        let decision = self.options.direction.source().map_or(Decision::Leave, |source| Decision::copy(source.other()));
        Judged::Differs(finding, decision)
    }

    /// They differ in size or bytes; the times say which is newer, if anything does.
    fn differs(&self, finding: Finding, left: &Facts, right: &Facts) -> Judged {
        let Some((left, right)) = left.modified.zip(right.modified) else { return self.without_times(finding) };
        match order(self.clocks, self.listed, left, right, false) {
            Order::LeftNewer => self.newer(SyncSide::Left, false),
            Order::RightNewer => self.newer(SyncSide::Right, false),
            Order::WithinSkew => Judged::Differs(Finding::WithinSkew, Decision::Leave),
            Order::Same | Order::WholeHours => self.without_times(finding),
        }
    }
}

/// Goes through two listings that are sorted by name, pairing what has the same one.
pub(super) fn pairs<'a>(left: &'a [Entry], right: &'a [Entry]) -> impl Iterator<Item = (Option<&'a Entry>, Option<&'a Entry>)> {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    std::iter::from_fn(move || {
        let first = match (left.peek(), right.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => one.raw_name().cmp(other.raw_name()),
        };
        Some((if first.is_le() { left.next() } else { None }, if first.is_ge() { right.next() } else { None }))
    })
}

/// Names one side alone has, that differ from one the other side alone has only in case or in how an accent is written.
pub(super) fn alike<'a>(left_only: &[&'a [u8]], right_only: &[&'a [u8]]) -> Vec<&'a [u8]> {
    if left_only.is_empty() || right_only.is_empty() {
        return Vec::new();
    }
    let mut left: HashMap<Vec<u8>, &[u8]> = left_only.iter().map(|name| (folded(name), *name)).collect();
    let mut alike = Vec::new();
    for &name in right_only {
        if let Some(other) = left.remove(&folded(name)) {
            alike.extend([name, other]);
        }
    }
    alike.sort_unstable();
    alike
}

impl Direction {
    /// Whether files go to `side`.
    pub(super) fn writes_to(self, side: SyncSide) -> bool {
        self.source() != Some(side)
    }
}
