//! Faults a test plants in a [`super::MemoryFileSystem`]. Not for use outside tests and the demo: nothing fails by itself.

use std::sync::{Arc, Mutex, PoisonError};

use crate::model::FilePath;
use crate::vfs::FsErrorKind;

/// The operation a [`Fault`] waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// A folder is listed.
    List,
    /// Facts of a path are asked for.
    Stat,
    /// A file is opened for reading.
    Open,
    /// Bytes are read, from this one on.
    Read(u64),
    /// A file is opened for writing.
    Create,
    /// Bytes are written, from this one on.
    Write(u64),
    /// Writing is committed.
    Commit,
    /// A name is changed. The path is the one it is changed from.
    Rename,
    /// A folder is made.
    MakeDir,
    /// A file, link or folder is removed.
    Remove,
    /// Times or mode are set.
    SetMetadata,
    /// A symbolic link is made.
    MakeSymlink,
    /// A digest is asked for.
    Digest,
}

/// What happens instead of the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It fails so.
    Fail(FsErrorKind),
    /// It never ends; only dropping its future does.
    Stall,
    /// It fails, and so does everything after it on this connection (see [`super::MemoryFileSystem::reconnect`]).
    LoseConnection,
    /// It is done, but the answer is lost with the connection; only for [`Call::Rename`].
    LoseAnswer,
    /// Somebody else makes the file so many bytes longer (or shorter) just before it is read on; only for [`Call::Read`].
    Resize(i64),
    /// One bit of the byte there is another one, and nobody says so; only for [`Call::Read`] and [`Call::Write`].
    FlipBit,
}

/// A fault, and where it strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// At which operation.
    pub call: Call,
    /// On every path that contains this text; empty: everywhere.
    pub path: String,
    /// What happens.
    pub effect: Effect,
    /// How often it strikes; then it is gone.
    pub times: u32,
}

/// The faults of one tree; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    /// Plants a fault that strikes each time.
    pub fn always(&self, call: Call, path: &str, effect: Effect) {
        self.plant(Fault { call, path: path.to_owned(), effect, times: u32::MAX });
    }

    /// Plants a fault that strikes once.
    pub fn once(&self, call: Call, path: &str, effect: Effect) {
        self.plant(Fault { call, path: path.to_owned(), effect, times: 1 });
    }

    /// Plants a fault.
    pub fn plant(&self, fault: Fault) {
        self.with(|faults| faults.push(fault));
    }

    /// Takes all faults away.
    pub fn clear(&self) {
        self.with(Vec::clear);
    }

    /// What strikes `call` on `path` now, if anything; counts it.
    pub(super) fn strike(&self, call: Call, path: &FilePath) -> Option<Effect> {
        self.with(|faults| {
            let index = faults.iter().position(|fault| fault.call == call && fault.covers(path))?;
            let effect = faults[index].effect;
            faults[index].times = faults[index].times.saturating_sub(1);
            if faults[index].times == 0 {
                faults.remove(index);
            }
            Some(effect)
        })
    }

    /// How many bytes from `position` on can be moved before a fault of reading (or writing) waits.
    pub(super) fn bytes_before(&self, writing: bool, position: u64, path: &FilePath) -> u64 {
        let distance = |fault: &Fault| match fault.call {
            Call::Read(at) if !writing && at > position => Some(at - position),
            Call::Write(at) if writing && at > position => Some(at - position),
            _ => None,
        };
        self.with(|faults| faults.iter().filter(|fault| fault.covers(path)).filter_map(distance).min()).unwrap_or(u64::MAX)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<Fault>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Fault {
    fn covers(&self, path: &FilePath) -> bool {
        let text = self.path.as_bytes();
        text.is_empty() || path.as_bytes().windows(text.len()).any(|window| window == text)
    }
}
