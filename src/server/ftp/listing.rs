//! How entries are written: machine facts (RFC 3659 7), unix lines, bare names. Sends nothing.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::{Entry, Kind};

/// Times in MDTM, MFMT and facts: UTC, whole seconds (RFC 3659 2.3).
const STAMP: &str = "%Y%m%d%H%M%S";
/// A listing shows the year instead of the time of day for what is older than half a year.
const RECENT: i64 = 182 * 24 * 3600;

const NAMES: [&str; 6] = ["Type", "Size", "Modify", "UNIX.mode", "UNIX.ownername", "UNIX.groupname"];

/// Which facts a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts([bool; NAMES.len()]);

impl Default for Facts {
    fn default() -> Self {
        Self([true; NAMES.len()])
    }
}

impl Facts {
    /// Those of a list such as `type;size;`, of which we know some.
    pub(super) fn selected(list: &str) -> Self {
        Self(NAMES.map(|name| list.split(';').any(|wanted| wanted.trim().eq_ignore_ascii_case(name))))
    }

    /// `Type;Size;` of those in use.
    pub(super) fn names(self) -> String {
        NAMES.iter().zip(self.0).filter(|(_, on)| *on).flat_map(|(name, _)| [*name, ";"]).collect()
    }

    /// All facts, those in use with a star, as FEAT tells them.
    pub(super) fn feature(self) -> String {
        NAMES.iter().zip(self.0).flat_map(|(name, on)| [*name, if on { "*;" } else { ";" }]).collect()
    }
}

/// `facts name`, without a line end.
pub(super) fn machine(entry: &Entry, facts: Facts, name: &[u8]) -> Vec<u8> {
    let details = entry.details.as_deref();
    let values: [Option<Vec<u8>>; NAMES.len()] = [
        Some(kind_fact(entry)),
        entry.size.filter(|_| entry.kind != Kind::Dir).map(|size| size.to_string().into()),
        entry.modified.map(|time| stamp(time).into()),
        entry.mode().map(|mode| format!("{mode:04o}").into()),
        details.and_then(|details| details.owner.as_deref()).map(|owner| owner.as_bytes().to_vec()),
        details.and_then(|details| details.group.as_deref()).map(|group| group.as_bytes().to_vec()),
    ];
    let mut line = Vec::with_capacity(96 + name.len());
    for ((fact, value), _) in NAMES.iter().zip(values).zip(facts.0).filter(|(_, on)| *on) {
        if let Some(value) = value.filter(|value| !value.iter().any(|byte| matches!(byte, b';' | b'\r' | b'\n' | 0))) {
            line.extend_from_slice(fact.as_bytes());
            line.push(b'=');
            line.extend_from_slice(&value);
            line.push(b';');
        }
    }
    line.push(b' ');
    line.extend_from_slice(name);
    line
}

fn kind_fact(entry: &Entry) -> Vec<u8> {
    match entry.kind {
        Kind::Dir => b"dir".to_vec(),
        Kind::File => b"file".to_vec(),
        Kind::Symlink => match entry.details.as_ref().and_then(|details| details.target.as_deref()) {
            Some(target) if !target.iter().any(|byte| matches!(byte, b';' | b' ' | b'\r' | b'\n' | 0)) => {
                [b"OS.unix=slink:", target].concat()
            }
            _ => b"OS.unix=symlink".to_vec(),
        },
        Kind::Other | Kind::Unparsed => b"OS.unix=other".to_vec(),
    }
}

/// `-rw-r--r--   1 owner    group        1234 Nov 21 09:37 name`, without a line end.
pub(super) fn unix(entry: &Entry, now: Timestamp, name: &[u8]) -> Vec<u8> {
    let details = entry.details.as_deref();
    let letter = match entry.kind {
        Kind::Dir => 'd',
        Kind::Symlink => 'l',
        Kind::File => '-',
        Kind::Other | Kind::Unparsed => 'p',
    };
    let modified = entry.modified.unwrap_or(Timestamp::UNIX_EPOCH);
    let age = now.as_second() - modified.as_second();
    let format = if (0..RECENT).contains(&age) { "%b %e %H:%M" } else { "%b %e  %Y" };
    let mut line = format!(
        "{letter}{} {:>3} {:<8} {:<8} {:>12} {} ",
        permissions(entry.mode().unwrap_or(if entry.kind == Kind::Dir { 0o755 } else { 0o644 })),
        1,
        details.and_then(|details| details.owner.as_deref()).unwrap_or("demo"),
        details.and_then(|details| details.group.as_deref()).unwrap_or("demo"),
        entry.size.unwrap_or(0),
        modified.to_zoned(TimeZone::UTC).strftime(format),
    )
    .into_bytes();
    line.extend_from_slice(name);
    if let Some(target) = details.and_then(|details| details.target.as_deref()).filter(|_| entry.kind == Kind::Symlink) {
        line.extend_from_slice(b" -> ");
        line.extend_from_slice(target);
    }
    line
}

fn permissions(mode: u32) -> String {
    let mut text: Vec<u8> = (0..9).map(|at| if mode & (0o400 >> at) == 0 { b'-' } else { b"rwxrwxrwx"[at] }).collect();
    for (bit, at, set, alone) in [(0o4000, 2, b's', b'S'), (0o2000, 5, b's', b'S'), (0o1000, 8, b't', b'T')] {
        if mode & bit != 0 {
            text[at] = if text[at] == b'x' { set } else { alone };
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// `YYYYMMDDHHMMSS`, UTC.
pub(super) fn stamp(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime(STAMP).to_string()
}

/// Reads [`stamp`]; a fraction is dropped.
pub(super) fn read_stamp(text: &str) -> Option<Timestamp> {
    let whole = text.split('.').next().filter(|whole| whole.len() == 14)?;
    jiff::civil::DateTime::strptime(STAMP, whole).ok()?.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp())
}

/// A name as a line can carry it: CR, LF and NUL become `?`, unless a hostile server is played.
pub(super) fn line_name(name: &[u8], raw: bool) -> Vec<u8> {
    name.iter().map(|&byte| if !raw && matches!(byte, b'\r' | b'\n' | 0) { b'?' } else { byte }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let mut entry = Entry::new(&b"a b"[..], Kind::File);
        entry.size = Some(12);
        entry.modified = read_stamp("20260102030405");
        entry.details_mut().mode = Some(0o4751);
        entry
    }

    #[test]
    fn facts_are_those_that_were_asked_for() {
        assert_eq!(machine(&entry(), Facts::default(), b"a b"), b"Type=file;Size=12;Modify=20260102030405;UNIX.mode=4751; a b");
        let facts = Facts::selected("size;nonsense;");
        assert_eq!(machine(&entry(), facts, b"a b"), b"Size=12; a b");
        assert_eq!((facts.names(), facts.feature().starts_with("Type;Size*;")), ("Size;".to_owned(), true));
        let mut link = Entry::new(&b"l"[..], Kind::Symlink);
        link.details_mut().target = Some(b"x;y"[..].into());
        assert_eq!(machine(&link, Facts::default(), b"l"), b"Type=OS.unix=symlink; l");
    }

    #[test]
    fn unix_lines_show_the_time_of_young_files_and_the_year_of_old_ones() {
        let now = read_stamp("20260103000000").unwrap();
        let line = |now| String::from_utf8(unix(&entry(), now, b"a b")).unwrap();
        assert_eq!(line(now), "-rwsr-x--x   1 demo     demo               12 Jan  2 03:04 a b");
        assert_eq!(line(read_stamp("20270103000000").unwrap()), "-rwsr-x--x   1 demo     demo               12 Jan  2  2026 a b");
        assert_eq!(permissions(0o1646), "rw-r--rwT");
    }

    #[test]
    fn stamps_read_back() {
        assert_eq!(read_stamp("20260102030405.123").map(stamp).as_deref(), Some("20260102030405"));
        assert!(read_stamp("20261302030405").is_none() && read_stamp("2026").is_none() && read_stamp("").is_none());
    }
}
