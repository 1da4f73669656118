//! A moment as a person gives it: an instant, a day, or how long ago. What it comes to is seen when a comparison begins.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, SpanFieldwise, Timestamp, Zoned};

/// A moment as a person gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// This one.
    Instant(Timestamp),
    /// The beginning of a day where the person is.
    Day(Date),
    /// So long before now.
    Ago(SpanFieldwise),
}

impl Moment {
    /// Reads `2026-11-30T08:00:00Z`, `2026-11-30`, `7d`, `12h`, `1y 2mo`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let instant = || text.parse().map(Self::Instant).ok();
        let day = || text.parse().map(Self::Day).ok();
        let ago = || {
            let span = text.parse::<Span>().ok()?.abs();
            // What reaches back from 1970 does so from now.
            Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC).checked_sub(span).ok()?;
            Some(Self::Ago(span.fieldwise()))
        };
        instant().or_else(day).or_else(ago)
    }

    /// The instant that is meant at `now`.
    pub fn at(self, now: &Zoned) -> Timestamp {
        match self {
            Self::Instant(instant) => instant,
            Self::Day(day) => day.to_zoned(now.time_zone().clone()).map_or(Timestamp::MIN, |start| start.timestamp()),
            Self::Ago(span) => now.checked_sub(span.0).map_or(Timestamp::MIN, |then| then.timestamp()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_as_people_write_them() {
        let now: Zoned = "2026-11-30T08:00:00+01:00[Europe/Berlin]".parse().unwrap();
        for (text, expected) in [
            ("2026-11-01T08:00:00Z", Some("2026-11-01T08:00:00Z")),
            (" 2026-11-01 ", Some("2026-10-31T23:00:00Z")),
            ("7d", Some("2026-11-23T07:00:00Z")),
            ("7d ago", Some("2026-11-23T07:00:00Z")),
            ("12h", Some("2026-11-29T19:00:00Z")),
            ("1mo", Some("2026-10-30T07:00:00Z")),
            ("yesterday", None),
            ("19000y", None),
            ("", None),
        ] {
            let found = Moment::parse(text).map(|moment| moment.at(&now));
            assert_eq!(found, expected.map(|expected| expected.parse().unwrap()), "{text}");
        }
    }
}
