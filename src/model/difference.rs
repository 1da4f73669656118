//! How two files differ in time and size, as far as their places tell it; also in words. Pure.

use jiff::Timestamp;

use super::bytes::size_in_words;
use super::entry::Entry;

/// How exactly a place told a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum TimePrecision {
    /// To the second or two (FAT keeps even ones), in UTC.
    #[default]
    Second,
    /// To the minute, in a zone nobody names: a listing of FTP.
    Minute,
    /// To the day, in a zone nobody names: an old file in a listing of FTP.
    Day,
}

impl TimePrecision {
    /// So many seconds apart, two times may be the same.
    fn tolerance(self) -> u64 {
        match self {
            // What is rounded to even seconds is one off, counted in whole ones.
            Self::Second => 1,
            Self::Minute => 60,
            // The day may be that of another zone.
            Self::Day => 36 * HOUR,
        }
    }
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Zones lie whole or half hours apart, this many seconds at the most.
const ZONES: u64 = 14 * HOUR;

/// Which of two files has more of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum More {
    /// The one that is copied.
    Source,
    /// The one in its way.
    Target,
    /// Neither, as exactly as it is known.
    Neither,
    /// Nobody knows.
    Unknown,
}

impl More {
    fn of(source: i128, target: i128) -> Self {
        match source.cmp(&target) {
            std::cmp::Ordering::Greater => Self::Source,
            std::cmp::Ordering::Less => Self::Target,
            std::cmp::Ordering::Equal => Self::Neither,
        }
    }

    /// Whether it is `side`; `None` where nobody knows.
    pub fn is(self, side: Self) -> Option<bool> {
        (self != Self::Unknown).then_some(self == side)
    }
}

/// How the file that is copied differs from the one in its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// Which was changed later.
    pub newer: More,
    /// Seconds between them.
    pub seconds: u64,
    /// The times lie exactly whole or half hours apart, as two clocks of different zones would.
    pub perhaps_zone: bool,
    /// The zone of one of them is not known: where it is perhaps the zone, `newer` decides nothing.
    pub zone_unknown: bool,
    /// Which is larger.
    pub larger: More,
    /// Bytes between them.
    pub bytes: u64,
}

/// What two conflicts have in common, so that one answer does for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Situation {
    /// Which is newer, as far as that decides.
    pub newer: More,
    /// Which is larger.
    pub larger: More,
}

impl Difference {
    /// Compares, times as exactly as both are known.
    pub fn between(source: &Entry, target: &Entry) -> Self {
        let precision = source.precision.max(target.precision);
        let mut difference =
            Self { newer: More::Unknown, seconds: 0, perhaps_zone: false, zone_unknown: false, larger: More::Unknown, bytes: 0 };
        if let Some((source, target)) = source.modified.map(Timestamp::as_second).zip(target.modified.map(Timestamp::as_second)) {
            let apart = source.abs_diff(target);
            difference.seconds = apart;
            difference.newer = More::Neither;
            if apart > precision.tolerance() {
                difference.newer = More::of(source.into(), target.into());
                let off = apart % (HOUR / 2);
                let is_whole = off.min(HOUR / 2 - off) <= precision.tolerance();
                difference.perhaps_zone = precision != TimePrecision::Day && is_whole && apart <= ZONES + precision.tolerance();
                difference.zone_unknown = precision != TimePrecision::Second;
            }
        }
        if let Some((source, target)) = source.size.zip(target.size) {
            difference.larger = More::of(source.into(), target.into());
            difference.bytes = source.abs_diff(target);
        }
        difference
    }

    /// Which is newer, where that is more than a guess.
    pub fn surely_newer(&self) -> More {
        if self.perhaps_zone && self.zone_unknown { More::Unknown } else { self.newer }
    }

    /// What it has in common with others.
    pub fn situation(&self) -> Situation {
        Situation { newer: self.surely_newer(), larger: self.larger }
    }

    /// Of the file that is copied: `newer by 3 days, 12K larger`.
    pub fn words(&self) -> String {
        let time = match self.newer {
            More::Unknown => "which is newer is not known".to_owned(),
            More::Neither => "of the same time".to_owned(),
            side => {
                let word = if side == More::Source { "newer" } else { "older" };
                let exactly = if self.perhaps_zone { "exactly " } else { "" };
                let doubt = if self.perhaps_zone { " (perhaps only another time zone)" } else { "" };
                format!("{word} by {exactly}{}{doubt}", span(self.seconds))
            }
        };
        let size = match self.larger {
            More::Unknown => "which is larger is not known".to_owned(),
            More::Neither => "same size".to_owned(),
            More::Source => format!("{} larger", size_in_words(self.bytes)),
            More::Target => format!("{} smaller", size_in_words(self.bytes)),
        };
        format!("{time}, {size}")
    }
}

impl Situation {
    /// What is copied where this holds: `newer and larger`.
    pub fn words(self) -> String {
        let time = match self.newer {
            More::Source => "newer",
            More::Target => "older",
            More::Neither => "of the same time",
            More::Unknown => "of unknown age",
        };
        let size = match self.larger {
            More::Source => "larger",
            More::Target => "smaller",
            More::Neither => "of the same size",
            More::Unknown => "of unknown size",
        };
        format!("{time} and {size}")
    }
}

/// A time between, as a person says it: the largest unit there are two of, or one of exactly.
fn span(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7200 => (seconds / MINUTE, "minute"),
        7200..172_800 => {
            // Half hours matter: zones have them.
            let (hours, rest) = (seconds / HOUR, seconds % HOUR / MINUTE);
            let minutes = if (29..=31).contains(&rest) { " and a half" } else { "" };
            return format!("{hours}{minutes} hours");
        }
        172_800..63_072_000 => (seconds / DAY, "day"),
        _ => (seconds / (365 * DAY), "year"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    fn file(second: Option<i64>, precision: TimePrecision, size: Option<u64>) -> Entry {
        let mut entry = Entry::new(*b"x", Kind::File);
        entry.modified = second.map(|second| Timestamp::from_second(second).unwrap());
        entry.precision = precision;
        entry.size = size;
        entry
    }

    fn times(source: i64, target: i64, precision: TimePrecision) -> Difference {
        Difference::between(&file(Some(source), TimePrecision::Second, Some(1)), &file(Some(target), precision, Some(1)))
    }

    #[test]
    fn rounding_makes_no_file_newer() {
        use TimePrecision as P;
        for (apart, precision, newer) in [
            (0, P::Second, More::Neither),
            (1, P::Second, More::Neither),
            (2, P::Second, More::Source),
            (59, P::Minute, More::Neither),
            (60, P::Minute, More::Neither),
            (61, P::Minute, More::Source),
            (86_399, P::Day, More::Neither),
            (37 * 3600, P::Day, More::Source),
        ] {
            assert_eq!(times(1_000_000 + apart, 1_000_000, precision).newer, newer, "{apart} {precision:?}");
            let other_way = if newer == More::Source { More::Target } else { newer };
            assert_eq!(times(1_000_000, 1_000_000 + apart, precision).newer, other_way, "{apart} {precision:?}");
        }
    }

    #[test]
    fn whole_hours_are_said_and_decide_nothing_where_no_zone_is_known() {
        let told = times(1_007_200, 1_000_000, TimePrecision::Second);
        assert_eq!((told.perhaps_zone, told.surely_newer()), (true, More::Source), "every place of UTC times means what it says");
        assert_eq!(told.words(), "newer by exactly 2 hours (perhaps only another time zone), same size");
        for (apart, surely) in
            [(7230, More::Unknown), (19_800, More::Unknown), (50_400, More::Unknown), (8000, More::Source), (90_000, More::Source)]
        {
            assert_eq!(times(1_000_000 + apart, 1_000_000, TimePrecision::Minute).surely_newer(), surely, "{apart}");
        }
    }

    #[test]
    fn differences_in_words() {
        let day = 86_400;
        for (source, target, words) in [
            ((Some(4 * day), Some(20_000)), (Some(day), Some(8000)), "newer by 3 days, 12K larger"),
            ((Some(0), Some(1)), (Some(90), Some(2)), "older by 90 seconds, 1 byte smaller"),
            ((Some(0), Some(1)), (Some(5), None), "older by 5 seconds, which is larger is not known"),
            ((None, Some(1)), (Some(5), Some(1)), "which is newer is not known, same size"),
            ((Some(800 * day), Some(1)), (Some(0), Some(1)), "newer by 2 years, same size"),
            ((Some(3 * 3600 + 600), Some(1)), (Some(0), Some(1)), "newer by 3 hours, same size"),
            ((Some(400), Some(1)), (Some(0), Some(1)), "newer by 6 minutes, same size"),
        ] {
            let entry = |(second, size)| file(second, TimePrecision::Second, size);
            assert_eq!(Difference::between(&entry(source), &entry(target)).words(), words);
        }
    }
}
