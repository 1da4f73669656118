//! Lines of `ls -l` as GNU, BSD, busybox, vsftpd and NetWare print them. Times are taken as UTC: the line does not tell.

use jiff::{Timestamp, tz::TimeZone};

use super::{Parsed, Word, number, utc, words};
use crate::model::{Details, Entry, Kind, TimePrecision, text};

/// More words stand in front of no name; a line without end is not searched further.
const MOST_WORDS: usize = 24;

/// One line.
pub(super) fn parse(line: &[u8], now: Timestamp) -> Parsed {
    let words = words(line, MOST_WORDS);
    match words.first() {
        Some(first) if first.bytes == b"total" && words.len() == 2 && number::<u64>(words[1].bytes).is_some() => Parsed::Nothing,
        Some(first) if is_mode(first.bytes, words.get(1)) => entry(line, &words, now).map_or(Parsed::Unknown, Parsed::Entry),
        _ => Parsed::Unknown,
    }
}

/// `-rw-r--r--`, perhaps with a mark behind, or NetWare's single letter with rights in brackets.
fn is_mode(word: &[u8], next: Option<&Word<'_>>) -> bool {
    match word {
        [kind] => matches!(kind, b'd' | b'-') && next.is_some_and(|next| next.bytes.starts_with(b"[")),
        [kind, ..] if word.len() >= 10 => b"-dlbcpsD".contains(kind) && word[1..10].iter().all(|byte| b"-rwxsStTlL".contains(byte)),
        _ => false,
    }
}

fn entry(line: &[u8], words: &[Word<'_>], now: Timestamp) -> Option<Entry> {
    let (at, (modified, date_words)) = (2..words.len()).find_map(|at| {
        let is_size = number::<u64>(words[at - 1].bytes).is_some();
        is_size.then(|| date(&words[at..], now)).flatten().map(|date| (at, date))
    })?;
    // One blank stands between date and name; more belong to the name.
    let name_at = words[at + date_words - 1].end + 1;
    let name = line.get(name_at..).filter(|name| !name.is_empty())?;
    let netware = words[0].bytes.len() == 1;
    let name = if netware { name.trim_ascii_start() } else { name };

    let kind = match words[0].bytes[0] {
        b'd' => Kind::Dir,
        b'-' => Kind::File,
        b'l' => Kind::Symlink,
        _ => Kind::Other,
    };
    let arrow = (kind == Kind::Symlink).then(|| name.windows(4).position(|four| four == b" -> ")).flatten();
    let (name, target) = arrow.map_or((name, None), |arrow| (&name[..arrow], Some(&name[arrow + 4..])));
    if name.is_empty() {
        return None;
    }

    // Between mode and size: links (a number, missing on some servers), owner, group (missing on some), `major,`.
    let mut owners = &words[1..at - 1];
    if owners.last().is_some_and(|word| word.bytes.ends_with(b",")) {
        owners = &owners[..owners.len() - 1];
    }
    if !netware && owners.len() > 1 && number::<u64>(owners[0].bytes).is_some() {
        owners = &owners[1..];
    }
    let owners = if netware { owners.get(1..).unwrap_or_default() } else { owners };
    let named = |word: &Word<'_>| -> Box<str> { text::display_safe(word.bytes).into() };

    let mut entry = Entry::new(name, kind);
    entry.size = if kind == Kind::File { number(words[at - 1].bytes) } else { None };
    entry.modified = modified;
    entry.precision = precision(&words[at..at + date_words]);
    *entry.details_mut() = Details {
        mode: if netware { None } else { Some(mode(&words[0].bytes[1..10])) },
        owner: owners.first().map(named),
        group: owners.get(1).map(named),
        target: target.map(Into::into),
        target_kind: None,
    };
    Some(entry)
}

/// Nine letters as bits.
fn mode(letters: &[u8]) -> u32 {
    letters.iter().enumerate().fold(0, |mode, (at, letter)| {
        let special = 0o4000 >> (at / 3);
        let plain = 0o400 >> at;
        mode | match letter {
            b'-' => 0,
            b's' | b't' => special | plain,
            b'S' | b'T' | b'l' | b'L' => special,
            _ => plain,
        }
    })
}

/// How exactly a time in these words is told; only a zone makes seconds count.
fn precision(date: &[Word<'_>]) -> TimePrecision {
    let clock = date.iter().find(|word| word.bytes.contains(&b':'));
    let zone = date.last().is_some_and(|word| matches!(word.bytes, [b'+' | b'-', ..]));
    match clock {
        Some(_) if zone => TimePrecision::Second,
        Some(_) => TimePrecision::Minute,
        None => TimePrecision::Day,
    }
}

/// The time these words begin with, and how many words it takes.
fn date(words: &[Word<'_>], now: Timestamp) -> Option<(Option<Timestamp>, usize)> {
    let [first, second, rest @ ..] = words else { return None };
    if let Some((year, month, day)) = iso_date(first.bytes) {
        let (hour, minute, second) = clock(second.bytes)?;
        let zone = rest.first().filter(|zone| matches!(zone.bytes, [b'+' | b'-', digits @ ..] if digits.len() == 4));
        let offset = zone.and_then(|zone| number::<i64>(&zone.bytes[1..]).map(|hhmm| (hhmm / 100 * 3600 + hhmm % 100 * 60, zone.bytes[0])));
        let shift = offset.map_or(0, |(seconds, sign)| if sign == b'-' { seconds } else { -seconds });
        let local = utc(year, month, day, hour, minute, second)?;
        return Some((Timestamp::from_second(local.as_second() + shift).ok(), 2 + usize::from(zone.is_some())));
    }
    let last = rest.first()?;
    let (month, day) = match (month(first.bytes), month(second.bytes)) {
        (Some(month), _) => (month, number::<i8>(second.bytes.strip_suffix(b",").unwrap_or(second.bytes))?),
        (None, Some(month)) => (month, number::<i8>(first.bytes.strip_suffix(b".").unwrap_or(first.bytes))?),
        (None, None) => return None,
    };
    if !(1..=31).contains(&day) {
        return None;
    }
    match clock(last.bytes) {
        // `ls -lT` (BSD) and Serv-U put the year behind the clock.
        Some((hour, minute, second)) => match rest.get(1).and_then(|word| year(word.bytes)) {
            Some(year) if last.bytes.len() == 8 => Some((utc(year, month, day, hour, minute, second), 4)),
            _ => Some((recent(month, day, hour, minute, now), 3)),
        },
        None => Some((utc(year(last.bytes)?, month, day, 0, 0, 0), 3)),
    }
}

/// The last such day that is not in the future (a day of leeway for clocks and zones).
fn recent(month: i8, day: i8, hour: i8, minute: i8, now: Timestamp) -> Option<Timestamp> {
    let latest = Timestamp::from_second(now.as_second() + 86_400).ok()?;
    let this_year = latest.to_zoned(TimeZone::UTC).year();
    // Eight years reach the next 29 February also over the turn of a century.
    (0..=8).filter_map(|back| utc(this_year - back, month, day, hour, minute, 0)).find(|&time| time <= latest)
}

fn month(word: &[u8]) -> Option<i8> {
    const MONTHS: &[u8] = b"janfebmaraprmayjunjulaugsepoctnovdec";
    let word = word.strip_suffix(b".").unwrap_or(word).to_ascii_lowercase();
    (word.len() == 3).then(|| MONTHS.chunks(3).position(|month| month == word))?.map(|at| at as i8 + 1)
}

fn year(word: &[u8]) -> Option<i16> {
    (word.len() == 4).then(|| number(word))?.filter(|&year| year >= 1900)
}

/// `HH:MM`, `HH:MM:SS` or with a fraction.
fn clock(word: &[u8]) -> Option<(i8, i8, i8)> {
    let whole = word.split(|&byte| byte == b'.').next()?;
    let mut parts = whole.split(|&byte| byte == b':').map(number::<i8>);
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next());
    let second = match second {
        None => 0,
        Some(second) => second?,
    };
    (parts.next().is_none() && hour < 24 && minute < 60 && second < 61).then_some((hour, minute, second.min(59)))
}

fn iso_date(word: &[u8]) -> Option<(i16, i8, i8)> {
    let mut parts = word.split(|&byte| byte == b'-');
    let (year, month, day) = (year(parts.next()?)?, number(parts.next()?)?, number(parts.next()?)?);
    parts.next().is_none().then_some((year, month, day))
}
