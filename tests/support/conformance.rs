//! What every `FileSystem` must do, as named behaviours; which places they run on is the callers' matter.
//!
//! Used by several test binaries through `#[path]`. A behaviour may leave its connection lost where the trait allows it,
//! so give each a connection of its own, or a place that cannot be lost.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "shared by test binaries, not every one of which uses every part")]

#[path = "conformance/contents.rs"]
mod contents;
#[path = "conformance/folders.rs"]
mod folders;
#[path = "conformance/names.rs"]
mod names;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use sealift::model::{Entry, EntryName, FilePath};
use sealift::vfs::{Create, FileSystem, FsErrorKind, FsResult};

/// What a kind of place cannot be held to.
#[derive(Debug, Clone, Copy)]
pub struct Flags {
    /// Names need not be UTF-8.
    pub byte_names: bool,
    /// Failures are told apart (an FTP server says 550 to nearly everything).
    pub precise_errors: bool,
    /// A file in a folder's place is told from nothing there (SFTP version 3 has one status for both).
    pub tells_files_from_nothing: bool,
    /// Resuming in the middle cuts off what was behind; else it is refused (FTP cannot cut).
    pub exact_resume: bool,
    /// Odd names it takes for no file.
    pub untaken: &'static [&'static str],
    /// Odd names it takes for no folder.
    pub untaken_dirs: &'static [&'static str],
}

impl Default for Flags {
    fn default() -> Self {
        Self { byte_names: true, precise_errors: true, tells_files_from_nothing: true, exact_resume: true, untaken: &[], untaken_dirs: &[] }
    }
}

/// Where a behaviour is tried: a place and an empty folder there.
pub struct Ground<'a> {
    pub place: &'a dyn FileSystem,
    pub dir: FilePath,
    pub flags: Flags,
}

/// A behaviour; it panics where the place fails it.
pub type Behaviour = for<'a> fn(&'a Ground<'a>) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// All behaviours by name.
pub fn all() -> Vec<(&'static str, Behaviour)> {
    [folders::all(), names::all(), contents::all()].concat()
}

/// Tries one behaviour in a new folder of its name below `scratch`, within a time limit, and clears up after it.
pub async fn run(place: &dyn FileSystem, scratch: &FilePath, flags: Flags, name: &str, behaviour: Behaviour) {
    let dir = scratch.join(&EntryName::try_from(name).unwrap());
    place.make_dir(&dir).await.unwrap_or_else(|error| panic!("{name}: no folder to try it in: {error}"));
    let ground = Ground { place, dir, flags };
    tokio::time::timeout(LIMIT, behaviour(&ground)).await.unwrap_or_else(|_| panic!("{name}: not through in {LIMIT:?}"));
}

/// No behaviour takes longer on a loopback server.
const LIMIT: Duration = Duration::from_secs(60);

/// Lists functions as behaviours.
macro_rules! behaviours {
    ($($name:ident),* $(,)?) => {
        /// The behaviours of this file by name.
        pub fn all() -> Vec<(&'static str, super::Behaviour)> {
            vec![$((stringify!($name), (|ground| Box::pin($name(ground))) as super::Behaviour)),*]
        }
    };
}
use behaviours;

impl Ground<'_> {
    fn path(&self, name: &str) -> FilePath {
        self.dir.join(&EntryName::try_from(name).unwrap())
    }

    async fn write(&self, path: &FilePath, how: Create, content: &[u8]) -> FsResult<u64> {
        let mut sink = self.place.create(path, how).await?;
        for piece in content.chunks(100_000) {
            sink.write(Bytes::copy_from_slice(piece)).await?;
        }
        sink.commit().await
    }

    async fn put(&self, name: &str, content: &[u8]) -> FilePath {
        let path = self.path(name);
        assert_eq!(self.write(&path, Create::New, content).await, Ok(content.len() as u64), "{path:?}");
        path
    }

    async fn make_dir(&self, name: &str) -> FilePath {
        let path = self.path(name);
        self.place.make_dir(&path).await.unwrap();
        path
    }

    async fn read(&self, path: &FilePath, from: u64) -> FsResult<Vec<u8>> {
        let mut source = self.place.open(path, from).await?;
        let mut content = Vec::new();
        while let Some(bytes) = source.read().await? {
            assert!(!bytes.is_empty() && bytes.len() <= 1 << 20, "a read of {} bytes", bytes.len());
            content.extend_from_slice(&bytes);
        }
        Ok(content)
    }

    async fn is_there(&self, path: &FilePath) -> bool {
        match self.place.stat(path).await {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind, FsErrorKind::NotFound, "{error}");
                false
            }
        }
    }

    async fn names(&self) -> Vec<Vec<u8>> {
        sorted(&sealift::vfs::list_all(self.place, &self.dir).await.unwrap())
    }

    /// It failed, and where this place tells failures apart, so.
    fn failed<T>(&self, result: FsResult<T>, kind: FsErrorKind) {
        let error = result.err().expect("it should have failed");
        assert_ne!(error.kind, FsErrorKind::ConnectionLost, "{error}");
        let indistinct = kind == FsErrorKind::NotADirectory && !self.flags.tells_files_from_nothing;
        if self.flags.precise_errors && !indistinct {
            assert_eq!(error.kind, kind, "{error}");
        }
    }
}

fn sorted(entries: &[Entry]) -> Vec<Vec<u8>> {
    let mut names: Vec<_> = entries.iter().map(|entry| entry.raw_name().to_vec()).collect();
    names.sort();
    names
}

/// Bytes without a pattern that a chunk border could hide.
fn content(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ length as u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}
