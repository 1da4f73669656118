//! The files of the demo's servers: everyday ones, names that are hard to draw, and names that are hostile.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Entry, EntryName, FilePath, Kind, UnsafeName};
use crate::vfs::memory::MemoryFileSystem;
use crate::vfs::{FsError, FsErrorKind, FsResult};

const BIG: usize = 32 << 20;
const MANY: usize = 2000;

/// Names that are allowed and hard to draw.
const HARD: [&str; 12] = [
    "漢字かな交じり文.txt",
    "e\u{301}te\u{301} combining.txt",
    "שלום עולם.txt",
    "مرحبا بالعالم.txt",
    "🚢⚓️ emoji 👩‍🔧.txt",
    "  spaces around  ",
    "-leading-dash.txt",
    "[brackets]{braces}(parens).txt",
    "quotes \" ' ` and $ & ; | *.txt",
    ".hidden",
    "100% done?.txt",
    "tab\tinside.txt",
];

/// Names no client may build a path of, or draw as they are. They are listed and lead nowhere.
const HOSTILE: [(&[u8], Kind); 11] = [
    (b"../escape", Kind::File),
    (b"../../../../tmp/escape", Kind::File),
    (b"/etc/passwd", Kind::File),
    (b"..", Kind::Dir),
    (b"sub/../../escape", Kind::Dir),
    (b"red \x1b[31m and title \x1b]0;owned\x07.txt", Kind::File),
    (b"c1 control \xc2\x9b31m.txt", Kind::File),
    ("bidi \u{202e}txt.exe".as_bytes(), Kind::File),
    (b"line\r\nbreak.txt", Kind::File),
    (b"nul\0byte.txt", Kind::File),
    (b"not utf-8 \xe9\xff.txt", Kind::File),
];

/// The content of the big file.
pub(super) fn big() -> Vec<u8> {
    noise(BIG)
}

/// The tree of one server.
pub(super) fn tree(server: &str, big: &[u8]) -> FsResult<MemoryFileSystem> {
    let tree = MemoryFileSystem::new();
    let put = |path: &str, content: &[u8]| tree.put(&path_of(path)?, content);
    put("/README.txt", readme(server).as_bytes())?;
    for month in 1..=6 {
        put(&format!("/payroll/2026-{month:02}.csv"), table(month, 400).as_bytes())?;
    }
    for day in 1..=14 {
        put(&format!("/logs/2026-06-{day:02}.log"), log(day).as_bytes())?;
    }
    for number in 0..MANY {
        put(&format!("/many/file-{number:04}.txt"), format!("This is small file number {number}.\n").as_bytes())?;
    }
    put("/big/32-megabytes.bin", big)?;
    put("/nested/a/b/c/d/e/f/g/h/deep.txt", b"As deep as it gets here.\n")?;
    put("/nested/a/beside.txt", b"Half way.\n")?;
    tree.put_dir(&path_of("/nested/empty")?)?;
    let names = path_of("/names")?;
    tree.put(&names.join(&name_of(&format!("{}.txt", "long-name-".repeat(20)))?), b"200 letters and an ending.\n")?;
    for hard in HARD {
        tree.put(&names.join(&name_of(hard)?), format!("{hard}\n").as_bytes())?;
    }
    tree.put_dir(&path_of("/upload")?)?;
    plant_hostile(&tree)?;
    Ok(tree)
}

fn plant_hostile(tree: &MemoryFileSystem) -> FsResult<()> {
    let hostile = path_of("/hostile")?;
    tree.put(&hostile.join(&name_of("harmless.txt")?), b"The others here are not.\n")?;
    for (name, kind) in HOSTILE {
        let mut entry = Entry::new(name, kind);
        entry.size = Some(666);
        entry.modified = Some(Timestamp::now() - SignedDuration::from_hours(24));
        tree.plant_line(&hostile, entry)?;
    }
    Ok(())
}

fn unsafe_name(why: UnsafeName) -> FsError {
    FsError::connection(FsErrorKind::UnsafeName, "make the sample files", why.to_string())
}

fn path_of(path: &str) -> FsResult<FilePath> {
    FilePath::try_from(path).map_err(unsafe_name)
}

fn name_of(name: &str) -> FsResult<EntryName> {
    EntryName::try_from(name).map_err(unsafe_name)
}

fn readme(server: &str) -> String {
    format!(
        "sealift demo: the {server} server\n\n\
         Everything here lives in memory and is gone when the demo ends.\n\n\
         payroll   tables to copy\n\
         logs      text files\n\
         many      {MANY} small files: copy the folder\n\
         big       one file of 32 MiB: watch the progress, cancel it, resume it\n\
         nested    folders in folders, an empty one among them\n\
         names     long, wide, combining, right-to-left, emoji, blanks\n\
         hostile   what a malicious server might list; none of it can be opened or copied\n\
         upload    empty, for what you bring\n\n\
         On the SFTP servers, whoever has a public key in /.ssh/authorized_keys logs in without the password.\n"
    )
}

/// A table of `rows` lines; the same `number`, the same table.
pub(super) fn table(number: u32, rows: u32) -> String {
    let mut text = String::from("id,name,department,gross,net\n");
    for row in 0..rows {
        let gross = 2000 + (row * 7919 + number * 104_729) % 4000;
        // Writing to a String cannot fail.
        let _ =
            writeln!(text, "{row:05},Employee {row},{},{gross}.00,{}.00", ["Harbour", "Yard", "Office"][row as usize % 3], gross * 7 / 10);
    }
    text
}

fn log(day: u32) -> String {
    let mut text = String::new();
    for line in 0..300u32 {
        let (hour, minute) = (line / 13, line * 7 % 60);
        let _ = writeln!(text, "2026-06-{day:02}T{hour:02}:{minute:02}:00Z berth={} containers={}", line % 9, (line * 31 + day) % 240);
    }
    text
}

/// `length` bytes that do not compress, always the same (xorshift64).
pub(super) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
