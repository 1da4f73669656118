//! What a vault holds, as bytes before they are sealed. Not JSON: a parser of text leaves copies of what it read.
//!
//! `count | { name length | name | seconds since 1970 | secret length | secret }…`, numbers little-endian, then zeros.

use std::collections::BTreeMap;

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::secrets::Secret;

/// A length of the whole says no more of a secret than this many bytes.
const ROUNDED_TO: usize = 256;
/// Bytes of an item besides its name and its secret.
const AROUND: usize = 4 + 8 + 4;

/// A secret, and when it was put there.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) secret: Secret,
    pub(super) since: Timestamp,
}

/// Everything in a vault, by name.
#[derive(Default)]
pub(super) struct Contents(pub(super) BTreeMap<String, Held>);

impl Contents {
    /// Reads [`Self::write`]; `None` if it is not that.
    pub(super) fn read(mut bytes: &[u8]) -> Option<Self> {
        let count = number(&mut bytes)?;
        let mut held = BTreeMap::new();
        for _ in 0..count {
            let name = text(&mut bytes)?.to_owned();
            let since = i64::from_le_bytes(*take(&mut bytes)?);
            let secret = Secret::new(text(&mut bytes)?.to_owned());
            held.insert(name, Held { secret, since: Timestamp::from_second(since).ok()? });
        }
        Some(Self(held))
    }

    pub(super) fn write(&self) -> Zeroizing<Vec<u8>> {
        let lengths = self.0.iter().map(|(name, held)| AROUND + name.len() + held.secret.expose().len());
        let length = (4 + lengths.sum::<usize>()).next_multiple_of(ROUNDED_TO);
        // A vector that grows leaves what it held behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        bytes.extend((self.0.len() as u32).to_le_bytes());
        for (name, held) in &self.0 {
            let secret = held.secret.expose();
            bytes.extend((name.len() as u32).to_le_bytes());
            bytes.extend(name.as_bytes());
            bytes.extend(held.since.as_second().to_le_bytes());
            bytes.extend((secret.len() as u32).to_le_bytes());
            bytes.extend(secret.as_bytes());
        }
        bytes.resize(length, 0);
        bytes
    }
}

fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(taken)
}

fn number(bytes: &mut &[u8]) -> Option<u32> {
    take(bytes).copied().map(u32::from_le_bytes)
}

fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let length = number(bytes)?;
    let (taken, rest) = bytes.split_at_checked(length as usize)?;
    *bytes = rest;
    std::str::from_utf8(taken).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else_breaks_it() {
        let held = |secret: &str, second| Held { secret: Secret::new(secret.to_owned()), since: Timestamp::from_second(second).unwrap() };
        let contents =
            Contents([("a".to_owned(), held("", 0)), ("ü b".to_owned(), held("pa\0ss\u{1f511}", 1_790_000_000))].into_iter().collect());
        let bytes = contents.write();
        assert_eq!(bytes.len() % ROUNDED_TO, 0);
        let read = Contents::read(&bytes).unwrap().0;
        let plain: Vec<_> = read.iter().map(|(name, held)| (name.as_str(), held.secret.expose(), held.since.as_second())).collect();
        assert_eq!(plain, [("a", "", 0), ("ü b", "pa\0ss\u{1f511}", 1_790_000_000)]);
        assert!(Contents::read(&Contents::default().write()).unwrap().0.is_empty());
        let end = bytes.iter().rposition(|&byte| byte != 0).unwrap();
        assert!((0..=end).all(|cut| Contents::read(&bytes[..cut]).is_none()));
        assert!(Contents::read(&[0xff; 64]).is_none());
    }
}
