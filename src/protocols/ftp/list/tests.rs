//! Listings of real servers and of hostile ones, each fixture beside what is read out of it.

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::model::text;

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn parse(format: Format, pieces: &[&[u8]]) -> Vec<Entry> {
    let mut parser = ListParser::new(format, now());
    let mut entries = Vec::new();
    for piece in pieces {
        parser.push(piece, &mut entries);
    }
    parser.finish(&mut entries);
    entries
}

fn describe(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries {
        write!(text, "{:?} [{}]", entry.kind, entry.display_name()).unwrap();
        if let Some(size) = entry.size {
            write!(text, " {size} B").unwrap();
        }
        if let Some(modified) = entry.modified {
            write!(text, " {modified}").unwrap();
        }
        if let Some(details) = &entry.details {
            let target = details.target.as_deref().map(text::display_safe);
            let (owner, group) = (details.owner.as_deref().unwrap_or("?"), details.group.as_deref().unwrap_or("?"));
            write!(text, " {:04o} {owner}:{group}", details.mode.unwrap_or_default()).unwrap();
            write!(text, "{}", target.map(|target| format!(" -> [{target}]")).unwrap_or_default()).unwrap();
        }
        text.push('\n');
    }
    text
}

#[test]
fn fixtures_read_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/listings");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let format = match path.extension().and_then(|extension| extension.to_str()) {
            Some("mlsd") => Format::Mlsd,
            Some("list") => Format::List,
            _ => continue,
        };
        let bytes = std::fs::read(&path).unwrap();
        let found = describe(&parse(format, &[&bytes]));
        let expected = std::fs::read_to_string(format!("{}.expected", path.display())).unwrap_or_default();
        assert_eq!(found, expected, "{}", path.display());
        seen += 1;
    }
    assert_eq!(seen, 11);
}

#[test]
fn a_line_without_end_is_held_only_in_part_and_shown() {
    let entries = parse(Format::List, &[&vec![b'x'; 3 * MAX_LINE], b"y\r\n-rw-r--r-- 1 a b 1 Jan  1  2020 next\r\n"]);
    assert_eq!(entries.len(), 2);
    assert_eq!((entries[0].kind, entries[0].raw_name().len()), (Kind::Unparsed, MAX_LINE));
    assert_eq!(entries[1].raw_name(), b"next");
}

#[test]
fn dates_without_a_year_are_the_last_ones() {
    let time = |line: &str| parse(Format::List, &[line.as_bytes()])[0].modified.unwrap().to_string();
    assert_eq!(time("-rw-r--r-- 1 a b 1 Nov 21 12:30 x"), "2026-11-21T12:30:00Z", "half an hour ahead is a clock");
    assert_eq!(time("-rw-r--r-- 1 a b 1 Nov 23 12:30 x"), "2025-11-23T12:30:00Z", "two days ahead is last year");
    assert_eq!(time("-rw-r--r-- 1 a b 1 Feb 29 12:30 x"), "2024-02-29T12:30:00Z", "the last leap year");
}

#[test]
fn facts_of_one_path_keep_its_own_name() {
    let entry = facts_of(b" type=dir;modify=20200101000000; /somewhere/else", b"name").unwrap();
    assert_eq!((entry.kind, entry.raw_name()), (Kind::Dir, &b"name"[..]));
    assert_eq!(facts_of(b"550", b"name"), None);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        parse(Format::List, &[&bytes]);
        parse(Format::Mlsd, &[&bytes]);
    }

    #[test]
    fn no_words_panic(line in "([d-]( |rwxr-xr-x )|\\[R,|[0-9]{1,5}[,:-]?|Jan|<DIR>|AM|PM|[a-z]{1,3}|->|[=;/.] ?| ){0,14}") {
        parse(Format::List, &[line.as_bytes()]);
        parse(Format::Mlsd, &[line.as_bytes()]);
    }

    #[test]
    fn nothing_is_dropped(lines in proptest::collection::vec("[ -~]{1,40}", 0..20)) {
        let text = lines.join("\r\n");
        let by_design = lines.iter().filter(|line| line.starts_with("total ") || line.ends_with('.')).count();
        prop_assert!(parse(Format::List, &[text.as_bytes()]).len() + by_design >= lines.len());
    }

    #[test]
    fn cutting_the_stream_changes_nothing(cut in 1usize..90) {
        let bytes: &[u8] = include_bytes!("../../../../tests/fixtures/listings/gnu.list");
        let pieces: Vec<&[u8]> = bytes.chunks(cut).collect();
        prop_assert_eq!(parse(Format::List, &pieces), parse(Format::List, &[bytes]));
    }
}
