//! Lines of `MLSD` and `MLST` (RFC 3659 section 7): `fact=value;…; name`.

use jiff::Timestamp;

use super::{Parsed, number, utc};
use crate::model::{Entry, Kind};

/// One line of `MLSD`. The folder itself and its parent are no entries.
pub(super) fn parse(line: &[u8]) -> Parsed {
    let Some((facts, name)) = split(line) else { return Parsed::Unknown };
    if name.is_empty() {
        return Parsed::Unknown;
    }
    match read(facts, name) {
        (_, FolderItself::Yes) => Parsed::Nothing,
        (entry, FolderItself::No) => Parsed::Entry(entry),
    }
}

/// The facts `MLST` answered about `name`. The name in the line is a path or an alias, and not used.
pub fn facts_of(line: &[u8], name: &[u8]) -> Option<Entry> {
    let (facts, _) = split(line.trim_ascii_start())?;
    Some(read(facts, name).0)
}

/// Facts and name; a name may hold `;` and spaces, values hold neither but may (owners do) contain blanks.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some(name) = line.strip_prefix(b" ") {
        return Some((&[], name));
    }
    let end = line.windows(2).position(|pair| pair == b"; ")?;
    let facts = &line[..end];
    facts.contains(&b'=').then(|| (facts, &line[end + 2..]))
}

#[derive(PartialEq)]
enum FolderItself {
    Yes,
    No,
}

fn read(facts: &[u8], name: &[u8]) -> (Entry, FolderItself) {
    let mut entry = Entry::new(name, Kind::Other);
    let mut itself = FolderItself::No;
    for fact in facts.split(|&byte| byte == b';') {
        let Some(equals) = fact.iter().position(|&byte| byte == b'=') else { continue };
        let (key, value) = (fact[..equals].trim_ascii().to_ascii_lowercase(), &fact[equals + 1..]);
        match key.as_slice() {
            b"type" => {
                let kind = value.to_ascii_lowercase();
                entry.kind = match kind.as_slice() {
                    b"file" => Kind::File,
                    b"dir" => Kind::Dir,
                    b"cdir" | b"pdir" => {
                        itself = FolderItself::Yes;
                        Kind::Dir
                    }
                    _ if kind.starts_with(b"os.unix=slink") || kind.starts_with(b"os.unix=symlink") => {
                        let target = value.iter().position(|&byte| byte == b':').map(|colon| &value[colon + 1..]);
                        if let Some(target) = target.filter(|target| !target.is_empty()) {
                            entry.details_mut().target = Some(target.into());
                        }
                        Kind::Symlink
                    }
                    _ => Kind::Other,
                };
            }
            b"size" => entry.size = number(value),
            b"modify" => entry.modified = time(value),
            b"unix.mode" => {
                let mode = std::str::from_utf8(value).ok().and_then(|octal| u32::from_str_radix(octal, 8).ok());
                entry.details_mut().mode = mode.map(|mode| mode & 0o7777);
            }
            b"unix.ownername" => entry.details_mut().owner = Some(safe(value)),
            b"unix.groupname" => entry.details_mut().group = Some(safe(value)),
            b"unix.owner" | b"unix.uid" => {
                entry.details_mut().owner.get_or_insert_with(|| safe(value));
            }
            b"unix.group" | b"unix.gid" => {
                entry.details_mut().group.get_or_insert_with(|| safe(value));
            }
            _ => {}
        }
    }
    if entry.kind == Kind::Dir {
        entry.size = None;
    }
    (entry, itself)
}

fn safe(value: &[u8]) -> Box<str> {
    crate::model::text::display_safe(value).into()
}

/// `YYYYMMDDHHMMSS`, UTC, a fraction ignored (RFC 3659 section 2.3).
pub(in crate::protocols::ftp) fn time(value: &[u8]) -> Option<Timestamp> {
    let digits = value.get(..14)?;
    let part = |from: usize, to: usize| number::<i8>(&digits[from..to]);
    utc(number(&digits[..4])?, part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, part(12, 14)?.min(59))
}
