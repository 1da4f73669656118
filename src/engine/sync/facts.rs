//! A file as one side has it, and the same packed small: a plan may have a million of them.

use jiff::Timestamp;

use crate::model::{Entry, Kind};

/// A file, folder or link as one side has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// What it is.
    pub kind: Kind,
    /// Bytes, where known.
    pub size: Option<u64>,
    /// Last modification as that side tells it, where known.
    pub modified: Option<Timestamp>,
}

impl Facts {
    /// The facts of an entry.
    pub fn of(entry: &Entry) -> Self {
        // What a folder or link says of its size is not comparable.
        let size = entry.size.filter(|_| entry.kind == Kind::File);
        Self { kind: entry.kind, size, modified: entry.modified }
    }
}

const NO_SIZE: u64 = u64::MAX;
const NO_TIME: i64 = i64::MIN;
const KINDS: [Kind; 5] = [Kind::Dir, Kind::File, Kind::Symlink, Kind::Other, Kind::Unparsed];
const ABSENT: u8 = KINDS.len() as u8;

/// Facts, or none, as size, nanoseconds since 1970 (what lies beyond the centuries that fit is cut) and kind.
pub(super) fn pack(facts: Option<Facts>) -> (u64, i64, u8) {
    let Some(facts) = facts else { return (NO_SIZE, NO_TIME, ABSENT) };
    (
        facts.size.map_or(NO_SIZE, |size| size.min(NO_SIZE - 1)),
        facts.modified.map_or(NO_TIME, nanoseconds),
        KINDS.iter().position(|kind| *kind == facts.kind).unwrap_or(0) as u8,
    )
}

/// What [`pack`] made.
pub(super) fn unpack((size, time, kind): (u64, i64, u8)) -> Option<Facts> {
    Some(Facts {
        kind: *KINDS.get(usize::from(kind))?,
        size: (size != NO_SIZE).then_some(size),
        modified: (time != NO_TIME).then(|| Timestamp::from_nanosecond(i128::from(time)).ok()).flatten(),
    })
}

/// Whether a kind stands for facts, or for none.
pub(super) fn is_there(kind: u8) -> bool {
    kind != ABSENT
}

/// Nanoseconds since 1970, as far as they fit.
pub(super) fn nanoseconds(time: Timestamp) -> i64 {
    time.as_nanosecond().clamp(i128::from(NO_TIME + 1), i128::from(i64::MAX)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again() {
        let time = "2026-11-30T02:00:00.123456789Z".parse().ok();
        for facts in [
            None,
            Some(Facts { kind: Kind::File, size: Some(0), modified: time }),
            Some(Facts { kind: Kind::Dir, size: None, modified: None }),
            Some(Facts { kind: Kind::Symlink, size: None, modified: Some(Timestamp::UNIX_EPOCH) }),
        ] {
            assert_eq!(unpack(pack(facts)), facts);
        }
        let ancient = unpack(pack(Some(Facts { kind: Kind::File, size: None, modified: Some(Timestamp::MIN) })));
        assert!(ancient.unwrap().modified.is_some());
    }
}
