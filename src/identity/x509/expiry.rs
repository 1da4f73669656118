//! When a person should hear that a certificate ends. Reads no clock.

use std::fmt;

use jiff::Timestamp;

/// How urgent it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Within 30 days: time to ask for a new one.
    Month,
    /// Within 7 days.
    Week,
    /// Within a day.
    Day,
    /// Over.
    Expired,
}

/// A certificate that ends soon, or has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// How urgent it is.
    pub urgency: Urgency,
    /// When it ends.
    pub at: Timestamp,
    /// Whole days until then, 0 on the last one; days since, once it is over.
    pub days: u32,
}

const DAY: i64 = 24 * 60 * 60;

/// What is to be said of a certificate that is valid until `not_after`; `None`: nothing yet.
pub fn expiry(not_after: Timestamp, now: Timestamp) -> Option<Expiry> {
    let left = not_after.as_second().saturating_sub(now.as_second());
    let urgency = match left {
        ..0 => Urgency::Expired,
        _ if left <= DAY => Urgency::Day,
        _ if left <= 7 * DAY => Urgency::Week,
        _ if left <= 30 * DAY => Urgency::Month,
        _ => return None,
    };
    Some(Expiry { urgency, at: not_after, days: u32::try_from(left.abs() / DAY).unwrap_or(u32::MAX) })
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.at.strftime("%Y-%m-%d");
        match (self.urgency, self.days) {
            (Urgency::Expired, _) => write!(f, "expired on {date}"),
            (_, 0) => f.write_str("expires within a day"),
            (_, 1) => write!(f, "expires in 1 day, on {date}"),
            (_, days) => write!(f, "expires in {days} days, on {date}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_come_30_7_and_1_days_ahead() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let of = |seconds: i64| expiry(Timestamp::from_second(now.as_second() + seconds).unwrap(), now);
        let urgency = |seconds| of(seconds).map(|expiry| (expiry.urgency, expiry.days));
        assert_eq!(urgency(30 * DAY + 1), None);
        assert_eq!(urgency(30 * DAY), Some((Urgency::Month, 30)));
        assert_eq!(urgency(7 * DAY + 1), Some((Urgency::Month, 7)));
        assert_eq!(urgency(7 * DAY), Some((Urgency::Week, 7)));
        assert_eq!(urgency(DAY), Some((Urgency::Day, 1)));
        assert_eq!(urgency(0), Some((Urgency::Day, 0)));
        assert_eq!(urgency(-1), Some((Urgency::Expired, 0)));
        assert_eq!(expiry(Timestamp::MAX, Timestamp::MIN), None);
        assert!(of(3600).unwrap().to_string().contains("within a day"));
        assert!(of(-3 * DAY).unwrap().to_string().starts_with("expired on 20"));
    }
}
