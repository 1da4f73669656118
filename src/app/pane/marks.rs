//! Which entries are marked, by their index, with count and sum at hand.

/// Marked entries of a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    bits: Vec<u64>,
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
        self.bits.get(index as usize / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }
}
