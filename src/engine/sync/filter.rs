//! What a comparison leaves out: by name, size and date.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::facts::Facts;
use crate::model::Kind;

/// What is left out, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Rules {
    /// Patterns as in a `.gitignore`; what they match is left out, folders whole. A later `!pattern` takes something back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Only files that one of these patterns matches, or that lie in a folder one matches; none: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// Only files of at least so many bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_size: Option<u64>,
    /// Only files of at most so many bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_size: Option<u64>,
    /// Only files changed at or after this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newer_than: Option<Timestamp>,
    /// Only files changed before this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older_than: Option<Timestamp>,
}

/// A pattern cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{pattern}\" is no pattern: {why}")]
pub struct PatternError {
    /// As it was written.
    pub pattern: String,
    /// What is wrong with it.
    pub why: String,
}

/// Rules, ready to be asked.
#[derive(Debug)]
pub(super) struct Filter {
    exclude: Gitignore,
    include: Option<Gitignore>,
    rules: Rules,
}

impl Rules {
    /// Says whether every pattern can be read.
    ///
    /// # Errors
    /// The first one that cannot.
    pub fn check(&self) -> Result<(), PatternError> {
        Filter::new(self).map(drop)
    }
}

impl Filter {
    pub(super) fn new(rules: &Rules) -> Result<Self, PatternError> {
        let include = if rules.include.is_empty() { None } else { Some(matcher(&rules.include)?) };
        Ok(Self { exclude: matcher(&rules.exclude)?, include, rules: rules.clone() })
    }

    /// Whether the name at `path`, relative to the root, is left out whatever it is like otherwise.
    pub(super) fn leaves_out_name(&self, path: &[u8], kind: Kind) -> bool {
        let path = Path::new(OsStr::from_bytes(path));
        let is_dir = kind == Kind::Dir;
        self.exclude.matched(path, is_dir).is_ignore()
            || !is_dir && self.include.as_ref().is_some_and(|include| !include.matched_path_or_any_parents(path, false).is_ignore())
    }

    /// Whether a file is left out for its size or its time. What is not known leaves nothing out.
    pub(super) fn leaves_out_facts(&self, facts: &Facts) -> bool {
        let Rules { min_size, max_size, newer_than, older_than, .. } = self.rules;
        if facts.kind != Kind::File {
            return false;
        }
        let size = facts.size.is_some_and(|size| min_size.is_some_and(|least| size < least) || max_size.is_some_and(|most| size > most));
        let time =
            facts.modified.is_some_and(|time| newer_than.is_some_and(|from| time < from) || older_than.is_some_and(|until| time >= until));
        size || time
    }
}

fn matcher(patterns: &[String]) -> Result<Gitignore, PatternError> {
    let mut builder = GitignoreBuilder::new("");
    let wrong = |pattern: &str, error: &ignore::Error| PatternError { pattern: pattern.to_owned(), why: error.to_string() };
    for pattern in patterns {
        builder.add_line(None, pattern).map_err(|error| wrong(pattern, &error))?;
    }
    builder.build().map_err(|error| wrong(&patterns.join(" "), &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(exclude: &[&str], include: &[&str]) -> Filter {
        let own = |patterns: &[&str]| patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        Filter::new(&Rules { exclude: own(exclude), include: own(include), ..Rules::default() }).unwrap()
    }

    #[test]
    fn names_are_left_out_as_git_would() {
        let filter = filter(&["*.tmp", "/build/", "docs/*.pdf", "!keep.tmp"], &[]);
        for (path, kind, out) in [
            ("a.tmp", Kind::File, true),
            ("deep/in/a.tmp", Kind::File, true),
            ("keep.tmp", Kind::File, false),
            ("build", Kind::Dir, true),
            ("build", Kind::File, false),
            ("x/build", Kind::Dir, false),
            ("docs/a.pdf", Kind::File, true),
            ("docs/x/a.pdf", Kind::File, false),
            ("a.txt", Kind::File, false),
        ] {
            assert_eq!(filter.leaves_out_name(path.as_bytes(), kind), out, "{path}");
        }
        assert!(filter.leaves_out_name(b"caf\xe9.tmp", Kind::File), "names need not be UTF-8");
    }

    #[test]
    fn only_what_is_wanted_and_every_folder_is_looked_into() {
        let filter = filter(&[], &["*.csv", "/2026/"]);
        for (path, kind, out) in [
            ("a.csv", Kind::File, false),
            ("x/y/a.csv", Kind::File, false),
            ("a.txt", Kind::File, true),
            ("2026/q1/a.txt", Kind::File, false),
            ("x", Kind::Dir, false),
        ] {
            assert_eq!(filter.leaves_out_name(path.as_bytes(), kind), out, "{path}");
        }
    }

    #[test]
    fn sizes_and_dates() {
        let at = |second| Timestamp::from_second(second).ok();
        let rules = Rules { min_size: Some(10), max_size: Some(20), newer_than: at(100), older_than: at(200), ..Rules::default() };
        let filter = Filter::new(&rules).unwrap();
        let file = |size, second| Facts { kind: Kind::File, size, modified: second };
        for (size, time, out) in [(10, 100, false), (9, 100, true), (21, 100, true), (20, 99, true), (20, 199, false), (20, 200, true)] {
            assert_eq!(filter.leaves_out_facts(&file(Some(size), at(time))), out, "{size} {time}");
        }
        assert!(!filter.leaves_out_facts(&file(None, None)));
        assert!(!filter.leaves_out_facts(&Facts { kind: Kind::Dir, size: Some(1), modified: at(1) }));
    }

    #[test]
    fn a_pattern_that_cannot_be_read_is_named() {
        let rules = Rules { exclude: vec!["ok".into(), "{a".into()], ..Rules::default() };
        let error = rules.check().unwrap_err();
        assert!(error.to_string().contains("{a"), "{error}");
    }
}
