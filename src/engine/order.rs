//! What a person may want of the queue, as plain values.

use std::time::Duration;

use jiff::{Timestamp, ToSpan as _, Zoned};
use serde::{Deserialize, Serialize};

use super::job::JobId;

/// How urgent a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Priority {
    /// After all others.
    Low,
    /// As it was ordered.
    #[default]
    Normal,
    /// Before all others.
    High,
}

/// Where a job goes in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shift {
    /// Before the one before it.
    Up,
    /// Behind the one behind it.
    Down,
    /// Before all others.
    Top,
}

/// When a job begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Start {
    /// When it is its turn.
    #[default]
    Soon,
    /// When a person says so.
    Held,
    /// When it is its turn, but not before then.
    At(Timestamp),
}

/// What is tried again of a job that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Again {
    /// All of it.
    All,
    /// What failed.
    Failed,
    /// The one that stands there in [`super::Report::failures`].
    One(usize),
}

/// An order to the queue. One that does not fit the state of its job does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueOrder {
    /// Stops a job for a while; what waits is held. Files under way go on where they were.
    Pause(JobId),
    /// [`QueueOrder::Pause`] for every job that runs or waits.
    PauseAll,
    /// Lets a job go on, or begin that is held or waits for a time.
    Resume(JobId),
    /// [`QueueOrder::Resume`] for every job that is paused or held.
    ResumeAll,
    /// Lets a job begin later.
    Later(JobId, When),
    /// Puts a job elsewhere in the order.
    Shift(JobId, Shift),
    /// How urgent a job is.
    Prioritise(JobId, Priority),
    /// Tries again what failed, as a new job.
    Retry(JobId, Again),
    /// Tries again what failed in any job.
    RetryAll,
    /// A job that waits for its line tries again now.
    TryNow(JobId),
    /// Whether a job whose line broke tries again without end.
    KeepTrying(JobId, bool),
    /// Bytes per second for one job, or for all together; 0: no limit.
    Limit(Option<JobId>, u64),
    /// Jobs that run at once.
    Jobs(usize),
    /// Files that move at once in all; 0: as many as the places do well with. Those under way are not counted.
    Files(usize),
    /// Forgets one job that is over.
    Forget(JobId),
}

/// A time as a person gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// So long from now.
    In(Duration),
    /// The next time a clock shows this.
    At {
        /// 0 to 23.
        hour: i8,
        /// 0 to 59.
        minute: i8,
    },
}

impl When {
    /// The longest time from now on: a week.
    pub const MOST: Duration = Duration::from_secs(7 * 24 * 3600);

    /// Reads `22:30`, `90` (minutes), `45m`, `2h`, `1h30m`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('+').to_ascii_lowercase();
        let number = |text: &str| text.parse::<u32>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        if let Some((hour, minute)) = text.split_once(':') {
            let [hour, minute] = [number(hour)?, number(minute)?];
            return (hour < 24 && minute < 60).then_some(Self::At { hour: hour as i8, minute: minute as i8 });
        }
        let (hours, rest) = text.split_once('h').map_or((None, &*text), |(hours, rest)| (Some(hours), rest));
        let minutes = rest.strip_suffix('m').unwrap_or(rest);
        let minutes = if minutes.is_empty() && hours.is_some() && rest.is_empty() { 0 } else { number(minutes)? };
        let hours = hours.map_or(Some(0), number)?;
        let time = Duration::from_secs(u64::from(hours) * 3600 + u64::from(minutes) * 60);
        (!time.is_zero() && time <= Self::MOST).then_some(Self::In(time))
    }

    /// The moment that is meant at `now`.
    pub fn after(self, now: &Zoned) -> Timestamp {
        match self {
            Self::In(time) => now.timestamp().checked_add(time).unwrap_or(Timestamp::MAX),
            Self::At { hour, minute } => {
                let on = |days: i32| {
                    let day = now.date().checked_add(days.days()).ok()?;
                    // A time the clock leaps over is the one behind the leap.
                    day.at(hour, minute, 0, 0).to_zoned(now.time_zone().clone()).ok().map(|time| time.timestamp())
                };
                on(0).filter(|time| *time > now.timestamp()).or_else(|| on(1)).unwrap_or(Timestamp::MAX)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_people_write_them() {
        let minutes = |minutes: u64| Some(When::In(Duration::from_secs(minutes * 60)));
        for (text, expected) in [
            ("22:30", Some(When::At { hour: 22, minute: 30 })),
            (" 7:05 ", Some(When::At { hour: 7, minute: 5 })),
            ("24:00", None),
            ("12:60", None),
            ("90", minutes(90)),
            ("+45m", minutes(45)),
            ("2h", minutes(120)),
            ("1H30M", minutes(90)),
            ("1h30", minutes(90)),
            ("0", None),
            ("", None),
            ("h", None),
            ("m", None),
            ("1h m", None),
            ("-5", None),
            ("9999h", None),
        ] {
            assert_eq!(When::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn a_time_of_day_is_the_next_one() {
        let after = |when: &str, now: &str| {
            let now: Zoned = now.parse().unwrap();
            When::parse(when).unwrap().after(&now).to_zoned(now.time_zone().clone()).strftime("%F %H:%M").to_string()
        };
        assert_eq!(after("22:30", "2026-11-30T20:00[Europe/Berlin]"), "2026-11-30 22:30");
        assert_eq!(after("22:30", "2026-11-30T22:30[Europe/Berlin]"), "2026-12-01 22:30");
        assert_eq!(after("90", "2026-12-31T23:00[UTC]"), "2027-01-01 00:30");
        assert_eq!(after("2:30", "2026-03-29T01:00[Europe/Berlin]"), "2026-03-29 03:30", "the clock leaps from 2:00 to 3:00");
        assert_eq!(after("2h", "2026-03-29T01:00[Europe/Berlin]"), "2026-03-29 04:00");
    }
}
