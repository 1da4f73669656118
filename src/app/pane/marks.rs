//! Which entries are marked, by their index, with count and sum at hand.

use crate::model::Entry;
use crate::model::path::UnsafeName;

/// A set of indices, one bit each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn contains(&self, index: u32) -> bool {
        self.0.get(index as usize / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    pub(super) fn insert(&mut self, index: u32) {
        let word = index as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (index % 64);
    }

    pub(super) fn remove(&mut self, index: u32) {
        if let Some(word) = self.0.get_mut(index as usize / 64) {
            *word &= !(1 << (index % 64));
        }
    }
}

/// Marked entries of a folder. Holds only entries whose names are safe to operate on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    bits: Bits,
    count: usize,
    bytes: u64,
}

impl Marks {
    /// How many are marked.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Bytes of the marked files, as far as known.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the entry at `index` is marked.
    pub fn contains(&self, index: u32) -> bool {
        self.bits.contains(index)
    }

    /// Marks or unmarks the entry at `index`. A name that cannot be operated on is never marked.
    pub(in crate::app) fn set(&mut self, index: u32, entry: &Entry, marked: bool) -> Result<(), UnsafeName> {
        if self.contains(index) == marked {
            return Ok(());
        }
        if marked {
            entry.name()?;
            self.bits.insert(index);
            self.count += 1;
            self.bytes = self.bytes.saturating_add(file_bytes(entry));
        } else {
            self.bits.remove(index);
            self.count -= 1;
            self.bytes = self.bytes.saturating_sub(file_bytes(entry));
        }
        Ok(())
    }

    /// The entry at `index` became known better.
    pub(super) fn replaced(&mut self, index: u32, before: &Entry, after: &Entry) {
        if self.contains(index) {
            self.bytes = self.bytes.saturating_sub(file_bytes(before)).saturating_add(file_bytes(after));
        }
    }
}

/// What an entry adds to a sum: a folder's own size says nothing of what is in it.
pub(in crate::app) fn file_bytes(entry: &Entry) -> u64 {
    if entry.kind == crate::model::Kind::Dir { 0 } else { entry.size.unwrap_or(0) }
}
