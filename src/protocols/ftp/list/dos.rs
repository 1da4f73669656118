//! Lines as IIS and other Windows servers print them: `03-27-26  09:41PM       <DIR>          name`. Times as UTC.

use super::{Parsed, Word, number, utc, words};
use crate::model::{Entry, Kind, TimePrecision};

/// `<DIR>` is followed by this many blanks before the name; a size by one.
const BLANKS_BEHIND_MARK: usize = 10;

/// One line.
pub(super) fn parse(line: &[u8]) -> Parsed {
    entry(line).map_or(Parsed::Unknown, Parsed::Entry)
}

fn entry(line: &[u8]) -> Option<Entry> {
    let words = words(line, 4);
    let [date, clock, rest @ ..] = words.as_slice() else { return None };
    let (year, month, day) = read_date(date.bytes)?;
    // `09:41 PM` takes two words on some servers.
    let (half, rest) = match rest {
        [half, rest @ ..] if matches!(half.bytes, b"AM" | b"PM" | b"am" | b"pm") => (Some(half.bytes), rest),
        rest => (None, rest),
    };
    let (hour, minute) = read_clock(clock.bytes, half)?;
    let [what, ..] = rest else { return None };
    let (kind, size, name) = match what.bytes {
        b"<DIR>" => (Kind::Dir, None, behind(line, what, BLANKS_BEHIND_MARK)),
        b"<JUNCTION>" | b"<SYMLINKD>" | b"<SYMLINK>" => (Kind::Symlink, None, behind(line, what, BLANKS_BEHIND_MARK)),
        digits => {
            let digits: Vec<u8> = digits.iter().copied().filter(|&byte| byte != b',').collect();
            (Kind::File, Some(number(&digits)?), behind(line, what, 1))
        }
    };
    if name.is_empty() {
        return None;
    }
    // `name [target]`
    let target = name.strip_suffix(b"]").and_then(|inner| {
        let open = inner.windows(2).rposition(|pair| pair == b" [")?;
        (kind == Kind::Symlink).then(|| (&inner[..open], &inner[open + 2..]))
    });
    let mut entry = Entry::new(target.map_or(name, |(name, _)| name), kind);
    if let Some((_, target)) = target {
        entry.details_mut().target = Some(target.into());
    }
    entry.size = size;
    entry.modified = utc(year, month, day, hour, minute, 0);
    entry.precision = TimePrecision::Minute;
    Some(entry)
}

/// What stands behind `word`, at most `blanks` blanks skipped.
fn behind<'a>(line: &'a [u8], word: &Word<'_>, blanks: usize) -> &'a [u8] {
    let rest = &line[word.end..];
    let skip = rest.iter().take(blanks).take_while(|&&byte| byte == b' ').count();
    &rest[skip..]
}

/// `MM-DD-YY`, `MM-DD-YYYY`, `MM/DD/YYYY` or `YYYY-MM-DD`.
fn read_date(word: &[u8]) -> Option<(i16, i8, i8)> {
    let parts: Vec<&[u8]> = word.split(|byte| matches!(byte, b'-' | b'/')).collect();
    let [first, second, third] = parts.as_slice() else { return None };
    let (year, month, day) = if first.len() == 4 { (first, second, third) } else { (third, first, second) };
    let year = match (year.len(), number::<i16>(year)?) {
        (2, year @ ..70) => 2000 + year,
        (2, year) => 1900 + year,
        (4, year) => year,
        _ => return None,
    };
    Some((year, number(month)?, number(day)?)).filter(|&(_, month, day)| (1..=12).contains(&month) && (1..=31).contains(&day))
}

/// `HH:MM`, with `AM` or `PM` glued to it or in `half`.
fn read_clock(word: &[u8], half: Option<&[u8]>) -> Option<(i8, i8)> {
    let (word, half) = match word.split_at_checked(5)? {
        (word, []) => (word, half),
        (word, glued) => (word, Some(glued)),
    };
    let (hour, minute) = (number::<i8>(word.get(..2)?)?, number::<i8>(word.get(3..5)?)?);
    let hour = match half.map(<[u8]>::to_ascii_lowercase).as_deref() {
        None => hour,
        Some(b"am" | b"a") => hour % 12,
        Some(b"pm" | b"p") => hour % 12 + 12,
        Some(_) => return None,
    };
    (word[2] == b':' && hour < 24 && minute < 60).then_some((hour, minute))
}
