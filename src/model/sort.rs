//! The order of a listing: natural order by precomputed keys, folders first, and the filter. Pure and fast enough for a million.

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Kind};

/// What a listing is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SortKey {
    /// Natural order of names: case folded, digits by their number.
    #[default]
    Name,
    /// The part after the last dot, then the name.
    Extension,
    /// Bytes.
    Size,
    /// Time of last modification.
    Modified,
    /// As the server or the disk lists it.
    Unsorted,
}

/// How a listing is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sort {
    /// By what.
    pub key: SortKey,
    /// Largest, newest or last name first. Folders stay first.
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { key: SortKey::Name, descending: false }
    }
}

/// Which entries of a listing are shown, and in which order: indices into `entries`.
///
/// `filter` matches anywhere in the name without regard to case; empty matches all.
pub fn order(entries: &[Entry], sort: Sort, show_hidden: bool, filter: &str) -> Vec<u32> {
    let needle = filter.to_lowercase();
    let mut shown: Vec<u32> = (0..entries.len() as u32)
        .filter(|&at| {
            let entry = &entries[at as usize];
            (show_hidden || !entry.is_hidden()) && matches_filter(entry, &needle)
        })
        .collect();
    match sort.key {
        SortKey::Unsorted => {}
        SortKey::Name => sort_by_key(&mut shown, entries, sort.descending, |entry| name_key(entry.raw_name())),
        SortKey::Extension => sort_by_key(&mut shown, entries, sort.descending, extension_key),
        SortKey::Size => sort_by_key(&mut shown, entries, sort.descending, |entry| (entry.size, name_key(entry.raw_name()))),
        SortKey::Modified => sort_by_key(&mut shown, entries, sort.descending, |entry| (entry.modified, name_key(entry.raw_name()))),
    }
    shown
}

/// Whether `entry` passes a lower-case filter text.
fn matches_filter(entry: &Entry, needle: &str) -> bool {
    needle.is_empty() || String::from_utf8_lossy(entry.raw_name()).to_lowercase().contains(needle)
}

fn sort_by_key<K: Ord>(shown: &mut Vec<u32>, entries: &[Entry], descending: bool, key: impl Fn(&Entry) -> K) {
    let mut keyed: Vec<(Rank, K, u32)> = shown
        .iter()
        .map(|&at| {
            let entry = &entries[at as usize];
            (rank(entry), key(entry), at)
        })
        .collect();
    if descending {
        keyed.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.cmp(&a.1)).then_with(|| a.2.cmp(&b.2)));
    } else {
        keyed.sort_unstable();
    }
    shown.clear();
    shown.extend(keyed.into_iter().map(|(_, _, at)| at));
}

/// Folders first, then files, then what was not understood.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Enterable,
    File,
    Unparsed,
}

fn rank(entry: &Entry) -> Rank {
    match entry.kind {
        Kind::Unparsed => Rank::Unparsed,
        Kind::Dir => Rank::Enterable,
        Kind::Symlink if entry.details.as_ref().is_some_and(|d| d.target_kind == Some(Kind::Dir)) => Rank::Enterable,
        _ => Rank::File,
    }
}

fn extension_key(entry: &Entry) -> (Box<[u8]>, Box<[u8]>) {
    let name = entry.raw_name();
    let extension = match name.iter().rposition(|&b| b == b'.') {
        Some(dot) if dot > 0 => &name[dot + 1..],
        _ => b"",
    };
    (name_key(extension), name_key(name))
}

/// Bytes whose plain order is the natural order of names: case folded, a run of digits as (length, digits).
///
/// The folded name is followed by NUL and the name itself, so that the order is total.
pub fn name_key(name: &[u8]) -> Box<[u8]> {
    let mut key = Vec::with_capacity(name.len() * 2 + 4);
    let mut rest = name;
    while let Some(&first) = rest.first() {
        if first.is_ascii_digit() {
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            let zeros = rest[..digits].iter().take_while(|&&b| b == b'0').count().min(digits - 1);
            let number = &rest[zeros..digits];
            key.push(b'0');
            key.push(number.len().min(255) as u8);
            key.extend_from_slice(number);
            rest = &rest[digits..];
        } else if first.is_ascii() {
            key.push(first.to_ascii_lowercase());
            rest = &rest[1..];
        } else {
            let run = rest.iter().take_while(|b| !b.is_ascii()).count();
            match std::str::from_utf8(&rest[..run]) {
                Ok(text) => key.extend_from_slice(text.to_lowercase().as_bytes()),
                Err(_) => key.extend_from_slice(&rest[..run]),
            }
            rest = &rest[run..];
        }
    }
    key.push(0);
    key.extend_from_slice(name);
    key.into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(entries: &[Entry], order: &[u32]) -> Vec<String> {
        order.iter().map(|&at| entries[at as usize].display_name()).collect()
    }

    #[test]
    fn natural_order_with_folders_first() {
        let entries: Vec<Entry> =
            [("file10", Kind::File), ("File2", Kind::File), ("zdir", Kind::Dir), (".h", Kind::File), ("file010", Kind::File)]
                .into_iter()
                .map(|(name, kind)| Entry::new(name.as_bytes(), kind))
                .collect();
        assert_eq!(names(&entries, &order(&entries, Sort::default(), false, "")), ["zdir", "File2", "file010", "file10"]);
        assert_eq!(
            names(&entries, &order(&entries, Sort { key: SortKey::Name, descending: true }, true, "FILE")),
            ["file10", "file010", "File2"]
        );
    }

    proptest! {
        #[test]
        fn the_key_is_total(a in proptest::collection::vec(any::<u8>(), 0..12), b in proptest::collection::vec(any::<u8>(), 0..12)) {
            prop_assert_eq!(name_key(&a) == name_key(&b), a == b);
        }

        #[test]
        fn numbers_sort_by_value(a in 0u64..100_000, b in 0u64..100_000) {
            let key = |n: u64| name_key(format!("f{n}.txt").as_bytes());
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
        }
    }
}
