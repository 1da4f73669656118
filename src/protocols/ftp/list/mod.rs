//! Listings out of bytes: `MLSD` facts, and what `LIST` prints on Unix, DOS and NetWare. Pure; nothing is ever dropped.
//!
//! A line nobody understands becomes [`Kind::Unparsed`] with the whole line.

mod dos;
mod mlsd;
mod unix;

use jiff::Timestamp;

use crate::model::{Entry, Kind};

pub use mlsd::facts_of;
pub(super) use mlsd::time;

/// The longest line that is held, in bytes; what is behind is skipped and the line shown unparsed.
pub const MAX_LINE: usize = 8 * 1024;

/// How a listing is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 3659 section 7.
    Mlsd,
    /// Whatever `LIST` prints.
    List,
}

/// Takes a listing in pieces and gives its entries.
#[derive(Debug)]
pub struct ListParser {
    format: Format,
    now: Timestamp,
    line: Vec<u8>,
    is_cut: bool,
    lines: u64,
}

impl ListParser {
    /// A parser. `now` dates lines that name no year.
    pub fn new(format: Format, now: Timestamp) -> Self {
        Self { format, now, line: Vec::new(), is_cut: false, lines: 0 }
    }

    /// Lines seen so far, `.` and `..` among them.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Takes the next bytes and appends the entries that are complete.
    pub fn push(&mut self, mut bytes: &[u8], entries: &mut Vec<Entry>) {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            self.hold(&bytes[..end]);
            self.end_line(entries);
            bytes = &bytes[end + 1..];
        }
        self.hold(bytes);
    }

    /// Takes a last line without an end.
    pub fn finish(&mut self, entries: &mut Vec<Entry>) {
        if !self.line.is_empty() {
            self.end_line(entries);
        }
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = MAX_LINE - self.line.len();
        self.is_cut |= bytes.len() > room;
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_line(&mut self, entries: &mut Vec<Entry>) {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        self.lines += 1;
        if self.is_cut {
            entries.push(Entry::new(line, Kind::Unparsed));
        } else if !line.is_empty() {
            let parsed = match self.format {
                Format::Mlsd => mlsd::parse(line),
                Format::List => parse_list_line(line, self.now),
            };
            match parsed {
                Parsed::Entry(entry) if matches!(entry.raw_name(), b"." | b"..") => {}
                Parsed::Entry(entry) => entries.push(entry),
                Parsed::Nothing => {}
                Parsed::Unknown => entries.push(Entry::new(line, Kind::Unparsed)),
            }
        }
        self.line.clear();
        self.is_cut = false;
    }
}

fn parse_list_line(line: &[u8], now: Timestamp) -> Parsed {
    match unix::parse(line, now) {
        Parsed::Unknown => dos::parse(line),
        parsed => parsed,
    }
}

/// What a line is.
#[derive(Debug)]
enum Parsed {
    Entry(Entry),
    /// A line without an entry by design: `total 12`, the folder itself.
    Nothing,
    Unknown,
}

/// Bytes of ASCII digits as a number.
fn number<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    bytes.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(bytes).ok()?.parse().ok())?
}

/// A UTC time from its parts; `None` where there is no such day.
fn utc(year: i16, month: i8, day: i8, hour: i8, minute: i8, second: i8) -> Option<Timestamp> {
    let date = jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

/// A word of a line and where it lies.
struct Word<'a> {
    bytes: &'a [u8],
    end: usize,
}

/// The blank-separated words of `line`, at most `most`.
fn words(line: &[u8], most: usize) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut at = 0;
    while words.len() < most {
        let Some(start) = line[at..].iter().position(|byte| !matches!(byte, b' ' | b'\t')).map(|skip| at + skip) else { break };
        let end = line[start..].iter().position(|byte| matches!(byte, b' ' | b'\t')).map_or(line.len(), |len| start + len);
        words.push(Word { bytes: &line[start..end], end });
        at = end;
    }
    words
}

#[cfg(test)]
mod tests;
