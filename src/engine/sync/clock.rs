//! How the times of a side are to be read: what they are rounded to, by how much its time zone is off, how its clock goes.
//!
//! All of it is measured with a file that is made, looked at and removed, where that side is written to in any case. Else
//! whole seconds are taken for granted, and for FTP listings what their times look like.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::facts::nanoseconds;
use crate::model::{Entry, EntryName, FilePath, Kind};
use crate::vfs::{Create, FileSystem, FsResult, NewMetadata, list_all};

/// How the times of a side are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Clock {
    /// What its times are rounded to, in seconds.
    pub precision: u32,
    /// Its times are ahead by so many seconds for an error of the time zone, always quarters of an hour.
    pub shift: i64,
    /// How many seconds its clock is ahead of this machine's beyond that; `None`: not measured.
    pub skew: Option<i64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { precision: 1, shift: 0, skew: None }
    }
}

/// How two times stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Same,
    LeftNewer,
    RightNewer,
    /// Whole or half hours apart.
    WholeHours,
    /// Nearer than the clocks of both sides are.
    WithinSkew,
}

const DAY: u32 = 86_400;
const MINUTE: u32 = 60;
const HALF_HOUR: i64 = 1800;
const QUARTER: i64 = 900;
/// Time zones are at most so far apart, in half hours: UTC-12 to UTC+14.
const MOST_HALF_HOURS: i64 = 52;
/// A clock that is off by less is well.
const FINE: i64 = 2;

impl Clock {
    /// In words, where there is something to say.
    pub(super) fn words(&self) -> Option<String> {
        let mut words = Vec::new();
        if self.shift != 0 {
            let (sign, minutes) = (if self.shift < 0 { '-' } else { '+' }, self.shift.abs() / 60);
            words.push(format!("its times are off by {sign}{}:{:02} (time zone); that is allowed for", minutes / 60, minutes % 60));
        }
        if let Some(skew) = self.skew.filter(|skew| skew.abs() > FINE) {
            let way = if skew < 0 { "behind" } else { "ahead" };
            let span = SignedDuration::from_secs(skew.abs());
            words.push(format!("its clock is {span:#} {way}"));
        }
        match self.precision {
            0 | 1 => {}
            DAY => words.push("its times are whole days".to_owned()),
            MINUTE => words.push("its times are whole minutes".to_owned()),
            seconds => words.push(format!("its times are rounded to {seconds} s")),
        }
        (!words.is_empty()).then(|| words.join("; "))
    }

    /// How a time of this side may be off, in seconds, where its listing has times of `listed` seconds' precision.
    fn tolerance(&self, time: Timestamp, listed: u32) -> i64 {
        let precision = self.precision.max(listed).max(1);
        // Listings of minutes show the day alone of what is old.
        let whole_day = precision >= MINUTE && time.as_second() % i64::from(DAY) == 0;
        i64::from(if whole_day { precision.max(DAY) } else { precision })
    }
}

/// Compares a time of the left side with one of the right side; `listed` is what [`precision_of`] says of the two listings.
pub(super) fn order(clocks: [&Clock; 2], listed: [u32; 2], left: Timestamp, right: Timestamp, same_size: bool) -> Order {
    let tolerance = clocks[0].tolerance(left, listed[0]).max(clocks[1].tolerance(right, listed[1]));
    let shift = i128::from(clocks[0].shift - clocks[1].shift) * 1_000_000_000;
    let apart = i128::from(nanoseconds(left)) - i128::from(nanoseconds(right)) - shift;
    let within = |seconds: i64, off: i128| (apart - off).abs() <= i128::from(seconds) * 1_000_000_000;
    if within(tolerance, 0) {
        return Order::Same;
    }
    let skew = clocks.iter().filter_map(|clock| clock.skew).map(i64::abs).filter(|skew| *skew > FINE).sum::<i64>();
    if skew > 0 && within(skew + tolerance, 0) {
        return Order::WithinSkew;
    }
    let halves = (apart as f64 / (HALF_HOUR as f64 * 1e9)).round() as i64;
    if same_size && halves != 0 && halves.abs() <= MOST_HALF_HOURS && within(tolerance, i128::from(halves * HALF_HOUR) * 1_000_000_000) {
        return Order::WholeHours;
    }
    if apart > 0 { Order::LeftNewer } else { Order::RightNewer }
}

/// What the times of a listing look like, in seconds: whole days or minutes, where its files have nothing else.
pub(super) fn precision_of(entries: &[Entry]) -> u32 {
    let times = || entries.iter().filter(|entry| entry.kind == Kind::File).filter_map(|entry| entry.modified);
    let all = |seconds: u32| times().all(|time| time.as_second() % i64::from(seconds) == 0 && time.subsec_nanosecond() == 0);
    match times().next() {
        Some(_) if all(DAY) => DAY,
        Some(_) if all(MINUTE) => MINUTE,
        _ => 1,
    }
}

/// How the name of a file that measures begins.
pub(super) const PROBE: &[u8] = b".sealift-clock-";
/// How long removing it may take.
const TIDY: Duration = Duration::from_secs(10);

/// Makes a file in `dir`, reads its time as a listing would bring it, and removes it.
pub(super) async fn measure(place: &dyn FileSystem, dir: &FilePath, now: fn() -> Timestamp) -> FsResult<Clock> {
    let mut random = [0; 4];
    if getrandom::fill(&mut random).is_err() {
        tracing::debug!("no randomness; the name is only easier to guess");
    }
    let name = [PROBE, format!("{:08x}", u32::from_ne_bytes(random)).as_bytes()].concat();
    let Ok(name) = EntryName::new(name) else { return Ok(Clock::default()) };
    let path = dir.join(&name);
    let measured = look(place, dir, &path, now).await;
    let removed = tokio::time::timeout(TIDY, place.remove_file(&path)).await;
    if !matches!(removed, Ok(Ok(()))) {
        tracing::debug!(path = %path.display(), "the file that measured the clock could not be removed");
    }
    measured
}

async fn look(place: &dyn FileSystem, dir: &FilePath, path: &FilePath, now: fn() -> Timestamp) -> FsResult<Clock> {
    let before = now();
    let sink = place.create(path, Create::New).await?;
    sink.commit().await?;
    let after = now();
    let made = time_of(place, dir, path).await?;
    let mut clock = Clock::default();
    if place.capabilities().set_modified {
        // Yesterday, at an odd second: what comes back tells the precision, and whether times are read as they are set.
        let wanted = before.as_second() - i64::from(DAY);
        let wanted = Timestamp::new(wanted - wanted.rem_euclid(60) + 37, 123_456_789).unwrap_or(before);
        let set = place.set_metadata(path, NewMetadata { modified: Some(wanted), mode: None }).await;
        if set.is_ok()
            && let Some(read) = time_of(place, dir, path).await?
        {
            let off = read.as_second() - wanted.as_second();
            clock.shift = quarters(off);
            clock.precision = match (off - clock.shift).abs() {
                0 => 1,
                1 | 2 => 2,
                3..=60 => MINUTE,
                _ => DAY,
            };
        }
    }
    if let Some(made) = made {
        let middle = i64::midpoint(before.as_second(), after.as_second());
        let mut off = made.as_second() - middle - clock.shift;
        if clock.shift == 0 {
            clock.shift = quarters(off);
            off -= clock.shift;
        }
        let uncertain = (after.as_second() - before.as_second()) / 2 + i64::from(clock.precision) + 1;
        clock.skew = Some(if off.abs() <= uncertain { 0 } else { off });
    }
    Ok(clock)
}

/// The quarters of an hour in `seconds`, where that is nearly all of it; as seconds.
fn quarters(seconds: i64) -> i64 {
    let whole = (seconds as f64 / QUARTER as f64).round() as i64 * QUARTER;
    if whole.abs() >= HALF_HOUR && (seconds - whole).abs() <= i64::from(MINUTE) { whole } else { 0 }
}

/// A file's time as comparing will see it.
async fn time_of(place: &dyn FileSystem, dir: &FilePath, path: &FilePath) -> FsResult<Option<Timestamp>> {
    let can = place.capabilities();
    // Where a listing says less than a look at the file, only the listing counts.
    if can.parallel || !can.listing_has_facts {
        return place.stat(path).await.map(|entry| entry.modified);
    }
    let listed = list_all(place, dir).await?;
    let name = path.name();
    let own = listed.into_iter().find(|entry| name.as_ref().is_some_and(|name| entry.raw_name() == name.as_bytes()));
    Ok(own.and_then(|entry| entry.modified))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ordered(left: Clock, right: Clock, times: (i64, i64)) -> Order {
        order([&left, &right], [1, 1], at(times.0), at(times.1), true)
    }

    #[test]
    fn times_are_compared_as_far_as_both_sides_tell_them() {
        let (second, fat, minute) =
            (Clock::default(), Clock { precision: 2, ..Clock::default() }, Clock { precision: 60, ..Clock::default() });
        for (left, right, times, expected) in [
            (second, second, (100, 101), Order::Same),
            (second, second, (100, 102), Order::RightNewer),
            (second, fat, (100, 102), Order::Same),
            (second, fat, (103, 100), Order::LeftNewer),
            (second, minute, (659, 600), Order::Same),
            (second, minute, (700, 600), Order::LeftNewer),
            (second, minute, (86_400 * 9 + 5000, 86_400 * 9), Order::Same),
            (second, second, (100_000, 96_400), Order::WholeHours),
            (second, second, (100_000, 98_201), Order::WholeHours),
            (second, second, (100_000, 97_000), Order::LeftNewer),
        ] {
            assert_eq!(ordered(left, right, times), expected, "{left:?} {right:?} {times:?}");
        }
        assert_eq!(order([&second, &second], [1, 1], at(100_000), at(96_400), false), Order::LeftNewer, "another size is another file");
        assert_eq!(order([&second, &second], [1, 60], at(100), at(60), true), Order::Same);
    }

    #[test]
    fn clocks_that_go_wrong_decide_nothing_within_their_error() {
        let ahead = Clock { skew: Some(300), ..Clock::default() };
        assert_eq!(ordered(Clock::default(), ahead, (1000, 1000)), Order::Same, "times that travelled with the file are the same");
        assert_eq!(ordered(Clock::default(), ahead, (1000, 1250)), Order::WithinSkew);
        assert_eq!(ordered(Clock::default(), ahead, (1000, 800)), Order::WithinSkew);
        assert_eq!(ordered(Clock::default(), ahead, (1000, 1400)), Order::RightNewer);
        let shifted = Clock { shift: 7200, ..Clock::default() };
        assert_eq!(ordered(Clock::default(), shifted, (1000, 8200)), Order::Same);
        assert_eq!(ordered(shifted, Clock::default(), (8200, 1500)), Order::RightNewer);
    }

    #[test]
    fn quarters_of_an_hour_are_zones_and_the_rest_is_skew() {
        for (seconds, zone) in [(0, 0), (900, 0), (1800, 1800), (3600 + 42, 3600), (-19_800, -19_800), (3700, 0), (5000, 0)] {
            assert_eq!(quarters(seconds), zone, "{seconds}");
        }
        assert!(Clock { shift: -5400, skew: Some(95), precision: 60 }.words().unwrap().contains("-1:30"));
        assert_eq!(Clock { skew: Some(1), ..Clock::default() }.words(), None);
    }

    #[test]
    fn listings_show_what_they_are_rounded_to() {
        let listing = |times: &[i64]| -> Vec<Entry> {
            let entry = |&time: &i64| {
                let mut entry = Entry::new(*b"x", Kind::File);
                entry.modified = Some(at(time));
                entry
            };
            times.iter().map(entry).collect()
        };
        for (times, expected) in [(&[61, 120][..], 1), (&[60, 120, 180], 60), (&[60, 120, 181], 1), (&[86_400, 172_800, 0], DAY), (&[], 1)]
        {
            assert_eq!(precision_of(&listing(times)), expected, "{times:?}");
        }
    }
}
