//! Names of one folder that a place may take for one: they differ only in case or in how their letters are put together.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use crate::model::folded;

/// The names of a folder that have such a twin beside them; empty for nearly every folder.
#[derive(Debug)]
pub(super) struct Twins {
    state: RandomState,
    /// What the names of twins fold into, as hashes: a folder may have a million names, and a false twin costs one look.
    folds: HashSet<u64>,
}

impl Twins {
    /// Finds them among `names`.
    pub(super) fn among<'a>(names: impl Iterator<Item = &'a [u8]>) -> Self {
        let state = RandomState::new();
        let mut seen = HashSet::new();
        let folds = names.map(|name| state.hash_one(folded(name))).filter(|fold| !seen.insert(*fold)).collect();
        Self { state, folds }
    }

    /// Whether `name` has one.
    pub(super) fn has(&self, name: &[u8]) -> bool {
        !self.folds.is_empty() && self.folds.contains(&self.state.hash_one(folded(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_are_found_and_nobody_else() {
        let twins = Twins::among([&b"README"[..], b"a", b"Readme", b"b"].into_iter());
        for (name, has) in [("README", true), ("Readme", true), ("a", false), ("b", false), ("A", false)] {
            assert_eq!(twins.has(name.as_bytes()), has, "{name}");
        }
    }
}
