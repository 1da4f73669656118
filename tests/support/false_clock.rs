//! A clock on the wall that jumps while a program runs: libfaketime, told by a file. Clocks that only count stay as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Unavailable;
use super::system::run;

/// The clock one program goes by.
pub struct FalseClock {
    library: PathBuf,
    file: PathBuf,
}

impl FalseClock {
    /// One that goes right at first, told by a file in `folder`.
    pub fn new(folder: &Path) -> Result<Self, Unavailable> {
        let clock =
            Self { library: library().ok_or_else(|| Unavailable::Absent("there is no faketime".into()))?, file: folder.join("clock") };
        clock.jump_to("+0");
        Ok(clock)
    }

    /// From now on it shows the right time and so much more, as in `+5h` or `-30h`.
    pub fn jump_to(&self, offset: &str) {
        // In one step: who reads it just then sees the old or the new one.
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{offset}\n")).unwrap();
        fs::rename(new, &self.file).unwrap();
    }

    /// What a program needs in its environment to go by it.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        vec![
            ("LD_PRELOAD", path(&self.library)),
            ("FAKETIME_TIMESTAMP_FILE", path(&self.file)),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("NO_FAKE_STAT", "1".to_owned()),
        ]
    }

    /// Seconds since 1970 as a program sees them.
    pub fn seconds(&self) -> i64 {
        run(Command::new("date").arg("+%s").envs(self.environment())).unwrap().trim().parse().unwrap()
    }
}

/// The one for programs with threads.
fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|library| library.is_file())
}
