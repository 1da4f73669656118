//! Holds the house together: who may use whom, who may import what, and how long a file may be. Reads the sources as
//! text; it does not compile them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of `src`, the ground floor first. A room may use what lies on a lower floor, and nothing else.
const FLOORS: &[&[&str]] = &[
    &["model"],
    &["secrets"],
    &["trust", "vfs", "config"],
    &["identity", "ask"],
    &["protocols"],
    &["server", "engine"],
    &["setup", "demo", "app"],
    &["cli", "tui"],
    &["main", "lib"],
];

/// Dependencies that one folder imports, so that replacing one touches one folder. Test code is free.
const IMPORTED_BY: &[(&[&str], &[&str])] = &[
    (&["ratatui", "crossterm"], &["tui"]),
    (&["russh"], &["protocols/sftp", "identity", "server"]),
    (&["redb"], &["engine/journal"]),
    (&["russh_sftp"], &["server"]),
    (&["rustls", "tokio_rustls"], &["protocols/tls", "trust", "server"]),
    (&["rustls_platform_verifier", "rustls_native_certs"], &["protocols/tls"]),
    (&["x509_parser"], &["trust", "identity/x509"]),
    (&["keyring", "keyring_core", "chacha20poly1305"], &["secrets"]),
    (&["rcgen"], &["identity", "server"]),
    (&["p12_keystore"], &["identity/x509"]),
    (&["pkcs8", "cbc"], &["identity"]),
    (&["encoding_rs"], &["model"]),
    (&["argon2"], &["identity/ssh_key/putty", "secrets"]),
    (&["ignore"], &["engine/sync"]),
    (&["unicode_normalization"], &["model"]),
];

/// What the pure core never mentions.
const NOT_IN_APP: &[&str] = &[
    "tokio",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::env",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
];

/// Channels that hold whatever is sent.
const UNBOUNDED: &[&str] = &["unbounded_channel", "UnboundedSender", "UnboundedReceiver", "mpsc::unbounded", "mpsc::channel()"];

const MOST_LINES: usize = 500;

#[test]
fn rooms_use_only_lower_floors() {
    check(|source, complain| {
        let Some(own) = floor_of(&source.room) else {
            complain(1, &format!("`{}` is in no floor: add it to FLOORS in tests/layering.rs, as low as it can be", source.room));
            return;
        };
        for (line, room) in rooms_used(&source.code, source.depth) {
            match floor_of(&room) {
                _ if room == source.room => {}
                Some(floor) if floor < own => {}
                Some(_) => complain(
                    line,
                    &format!(
                        "`{}` may not use `{room}`, which is not below it: move what is shared down, or turn the call round",
                        source.room
                    ),
                ),
                // An item at the crate's root would be reachable from everywhere.
                None => complain(line, &format!("`crate::{room}` is no room of FLOORS in tests/layering.rs: name its room")),
            }
        }
    });
}

#[test]
fn big_dependencies_stay_in_their_rooms() {
    check(|source, complain| {
        for (line, code) in source.product_code() {
            for (crates, homes) in IMPORTED_BY {
                if homes.iter().any(|home| source.is_in(home)) {
                    continue;
                }
                for name in crates.iter().filter(|name| mentions(code, &format!("{name}::"))) {
                    complain(line, &format!("`{name}` is imported only by {}: wrap what is needed there", homes.join(", ")));
                }
            }
        }
    });
}

#[test]
fn the_core_is_pure() {
    check(|source, complain| {
        for (line, code) in source.product_code().filter(|_| source.room == "app") {
            for word in NOT_IN_APP.iter().filter(|word| mentions(code, word)) {
                complain(line, &format!("`app` may not mention `{word}`: answer an Effect, or take a Moment in the message"));
            }
        }
    });
}

#[test]
fn every_channel_is_bounded() {
    check(|source, complain| {
        for (line, code) in source.code.lines().enumerate() {
            for word in UNBOUNDED.iter().filter(|word| mentions(code, word)) {
                complain(line + 1, &format!("`{word}` is without bound: use a channel with a capacity"));
            }
        }
    });
}

#[test]
fn no_file_is_too_long() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut complaints = String::new();
    for path in rust_files(&root.join("src")).into_iter().chain(rust_files(&root.join("tests"))) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        if lines > MOST_LINES {
            let path = path.strip_prefix(root).unwrap().display();
            writeln!(complaints, "{path}:{MOST_LINES}: {lines} lines, {MOST_LINES} at most: split it by topic").unwrap();
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn the_scanner_sees_what_it_should() {
    let code =
        blank("use crate::{model::{A, B}, trust};\n// crate::cli\nlet a = \"crate::tui\"; let b = '\"'; crate::vfs::c(r#\"crate::app\"#);");
    let rooms: Vec<_> = rooms_used(&code, 2);
    assert_eq!(rooms, [(1, "model".into()), (1, "trust".into()), (3, "vfs".into())]);
    assert_eq!(rooms_used("use super::super::engine::x; use super::engine;", 2), [(1, "engine".into())]);
    assert_eq!(rooms_used("pub(in crate::cli) fn x<'a>() {} /* crate::tui */", 2)[0], (1, "cli".into()));
    assert!(mentions("tokio::spawn", "tokio") && !mentions("my_tokio::x", "tokio") && !mentions("tokio_util", "tokio"));
}

/// One file of `src`.
struct Source {
    /// Relative to the repository, for messages.
    path: PathBuf,
    /// Relative to `src`, `/` between parts.
    place: String,
    room: String,
    /// How many `super` lead from it to the crate's root.
    depth: usize,
    /// Without comments and the insides of strings; the lines are where they were.
    code: String,
}

impl Source {
    fn read(root: &Path, path: &Path) -> Self {
        let place = path.strip_prefix(root.join("src")).unwrap().to_string_lossy().replace('\\', "/");
        let modules: Vec<_> = place.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").collect();
        Self {
            room: modules[0].to_owned(),
            depth: modules.len(),
            code: blank(&fs::read_to_string(path).unwrap()),
            path: path.strip_prefix(root).unwrap().to_owned(),
            place,
        }
    }

    /// Whether it is `home.rs` or lies in the folder `home`.
    fn is_in(&self, home: &str) -> bool {
        self.place.strip_prefix(home).is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
    }

    /// The lines that are part of the program, with their numbers: what follows the `#[cfg(test)]` of a test module is not.
    fn product_code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<_> = self.code.lines().collect();
        let is_test_file = self.place.ends_with("/tests.rs") || self.place.contains("/tests/");
        let end = (0..lines.len())
            .find(|&at| lines[at].trim() == "#[cfg(test)]" && lines[at + 1..].iter().take(3).any(|next| next.trim_end().ends_with('{')))
            .unwrap_or(lines.len());
        lines.into_iter().take(if is_test_file { 0 } else { end }).enumerate().map(|(at, line)| (at + 1, line))
    }
}

fn check(rule: impl Fn(&Source, &mut dyn FnMut(usize, &str))) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut complaints = String::new();
    for path in rust_files(&root.join("src")) {
        let source = Source::read(root, &path);
        rule(&source, &mut |line, text| writeln!(complaints, "{}:{line}: {text}", source.path.display()).unwrap());
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Whether `code` contains `word` as whole identifiers.
fn mentions(code: &str, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(joins) && (word.ends_with([':', ')']) || !after.is_some_and(joins))
    })
}

/// The rooms that `code` names by `crate::…` or by as many `super::` as lead to the root, with their lines.
fn rooms_used(code: &str, depth: usize) -> Vec<(usize, String)> {
    let up = "super::".repeat(depth);
    let mut rooms = Vec::new();
    for root in ["crate::", &up] {
        for (at, _) in code.match_indices(root) {
            let line = code[..at].matches('\n').count() + 1;
            let rest = &code[at + root.len()..];
            if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
                continue;
            }
            // A longer chain of `super` than there are folders belongs to a module inside the file.
            if root == up && (rest.starts_with("super") || code[..at].ends_with("super::")) {
                continue;
            }
            rooms.extend(first_names(rest).into_iter().map(|(lines, name)| (line + lines, name)));
        }
    }
    rooms.sort();
    rooms.retain(|(_, room)| floor_of(room).is_some() || code.contains(&format!("crate::{room}")));
    rooms
}

/// The first identifier of a path, or of every branch of `{a::x, b::{c, d}}`, with the lines before it.
fn first_names(rest: &str) -> Vec<(usize, String)> {
    let name_at = |text: &str| -> String { text.chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect() };
    if !rest.starts_with('{') {
        return vec![(0, name_at(rest))].into_iter().filter(|(_, name)| !name.is_empty()).collect();
    }
    let (mut names, mut deep, mut expects) = (Vec::new(), 0, false);
    for (at, c) in rest.char_indices() {
        match c {
            '{' => (deep, expects) = (deep + 1, deep == 0),
            '}' if deep == 1 => break,
            '}' => deep -= 1,
            ',' if deep == 1 => expects = true,
            _ if expects && !c.is_whitespace() => {
                names.push((rest[..at].matches('\n').count(), name_at(&rest[at..])));
                expects = false;
            }
            _ => {}
        }
    }
    names
}

/// `text` with comments and the insides of strings as blanks.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let identifier_before = code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => quoted(rest, '"'),
            '\'' if rest.starts_with("'\\") => quoted(rest, '\''),
            '\'' if rest.chars().nth(2) == Some('\'') => rest.chars().take(3).map(char::len_utf8).sum(),
            'r' if !identifier_before || code.ends_with('b') => raw(rest),
            _ => 0,
        };
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[length..];
        }
    }
    code
}

/// The length of a literal from its opening quote to its closing one.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = true;
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a raw string, 0 if it is none.
fn raw(rest: &str) -> usize {
    let hashes = rest[1..].bytes().take_while(|&b| b == b'#').count();
    if !rest[1 + hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    rest[2 + hashes..].find(&end).map_or(rest.len(), |at| 2 + hashes + at + end.len())
}
