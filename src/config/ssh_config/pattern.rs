//! Patterns of names: `*`, `?` and `!` in `Host` and `Match`, and wildcards in the paths of `Include`.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::surroundings::Surroundings;

/// Files one `Include` may stand for.
const MOST_FILES: usize = 1000;

/// Whether `name` fits a `Host` line: one pattern at least, and none behind a `!`.
pub(super) fn fits_host(patterns: &[String], name: &str) -> bool {
    fits(patterns.iter().map(String::as_str), name)
}

/// Whether `name` fits a comma-separated list of `Match`, in the same way.
pub(super) fn fits_list(list: &str, name: &str) -> bool {
    fits(list.split(','), name)
}

fn fits<'a>(patterns: impl Iterator<Item = &'a str>, name: &str) -> bool {
    let mut fits = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(pattern) if wildcard(pattern.as_bytes(), name.as_bytes()) => return false,
            Some(_) => {}
            None => fits |= wildcard(pattern.as_bytes(), name.as_bytes()),
        }
    }
    fits
}

/// `*` stands for any characters, `?` for one. Time grows with the product of the lengths at most.
pub(super) fn wildcard(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut in_name) = (0, 0);
    // Where the last star was, and up to where of the name it stands for.
    let mut star = None;
    while in_name < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, in_name));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == name[in_name] => {
                at += 1;
                in_name += 1;
            }
            _ => {
                let Some((starred, stands_to)) = star else { return false };
                star = Some((starred, stands_to + 1));
                (at, in_name) = (starred + 1, stands_to + 1);
            }
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

pub(super) fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// The files an absolute path with `*` and `?` stands for, in order of their names. A path without them is itself.
pub(super) fn files(pattern: &Path, surroundings: &dyn Surroundings) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        match part {
            Component::Normal(name) if has_wildcard(&name.to_string_lossy()) => {
                found = found.iter().flat_map(|folder| names(folder, name, surroundings)).take(MOST_FILES).collect();
            }
            part => found.iter_mut().for_each(|path| path.push(part)),
        }
    }
    found
}

fn names(folder: &Path, pattern: &OsStr, surroundings: &dyn Surroundings) -> Vec<PathBuf> {
    let pattern = pattern.as_encoded_bytes();
    let mut names = surroundings.names(folder);
    // As in a shell, a star stands for no dot in front.
    names.retain(|name| {
        let name = name.as_encoded_bytes();
        wildcard(pattern, name) && (!name.starts_with(b".") || pattern.starts_with(b"."))
    });
    names.sort();
    names.into_iter().map(|name| folder.join(name)).collect()
}
