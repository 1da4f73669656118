//! What was learnt of a server by being refused, shared by all its connections so that it is learnt once.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::features::Features;
use crate::model::FilePath;

/// One thing learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Quirk {
    /// Its data connections must resume the control connection's session, and it gives too few TLS 1.3 tickets for
    /// that: TLS 1.2, whose sessions may be resumed for ever, is used.
    NeedsTls12 = 1,
    /// It takes data connections that do not resume a session.
    TakesFullHandshakes = 1 << 1,
    /// `EPSV` is refused, or leads nowhere.
    NoEpsv = 1 << 2,
    /// `PASV` is refused, or leads nowhere.
    NoPasv = 1 << 3,
    /// `LIST -a` is refused, or taken for a file's name.
    NoListAll = 1 << 4,
    /// `MFMT`, `MDTM` with a time, or `SITE UTIME`, whichever it has, does not set it.
    NoTimes = 1 << 5,
    /// `SITE CHMOD` is not there.
    NoModes = 1 << 6,
    /// It does not answer commands in the order they were sent, or loses some, where it is sent several at once.
    OneAtATime = 1 << 7,
    /// It answered commands sent at once in their order.
    KeepsOrder = 1 << 8,
    /// It takes `PBSZ` and `PROT` only behind the login.
    ProtectsAfterLogin = 1 << 9,
}

/// All that was learnt.
#[derive(Debug, Default)]
pub struct Quirks {
    learnt: AtomicU32,
    refused_digests: AtomicU32,
    connections: Mutex<Connections>,
    known: OnceLock<(Features, FilePath)>,
}

/// How many connections there are to a server, and how many it takes.
#[derive(Debug, Default)]
struct Connections {
    open: usize,
    most: Option<usize>,
}

/// A connection that counts while it is there.
#[derive(Debug)]
pub(super) struct Counted(Arc<Quirks>);

impl Counted {
    pub(super) fn new(quirks: Arc<Quirks>) -> Self {
        quirks.connections().open += 1;
        Self(quirks)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections().open -= 1;
    }
}

impl Quirks {
    /// Whether `quirk` was learnt.
    pub fn has(&self, quirk: Quirk) -> bool {
        self.learnt.load(Ordering::Relaxed) & quirk as u32 != 0
    }

    /// Remembers `quirk`.
    pub fn learn(&self, quirk: Quirk) {
        if self.learnt.fetch_or(quirk as u32, Ordering::Relaxed) & quirk as u32 == 0 {
            tracing::debug!(target: "sealift::ftp", ?quirk, "learnt of this server");
        }
    }

    /// The server took no further connection because it has enough of them. Answers how many it takes, the first time.
    pub fn learn_most(&self) -> Option<usize> {
        let mut connections = self.connections();
        let Connections { open, most } = *connections;
        // Without any of ours it is full of others', who will leave.
        (open > 0 && most.is_none_or(|most| open < most)).then(|| {
            connections.most = Some(open);
            open
        })
    }

    /// How many connections at once the server takes, where that is known.
    pub fn most(&self) -> Option<usize> {
        self.connections().most
    }

    /// The same, where there are as many.
    pub fn is_full(&self) -> Option<usize> {
        let connections = self.connections();
        connections.most.filter(|&most| connections.open >= most)
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Features and home folder, as the first connection heard them.
    pub(super) fn known(&self) -> &OnceLock<(Features, FilePath)> {
        &self.known
    }

    pub(super) fn refused_digests(&self) -> u32 {
        self.refused_digests.load(Ordering::Relaxed)
    }

    pub(super) fn refuse_digest(&self, bit: u32) {
        self.refused_digests.fetch_or(bit, Ordering::Relaxed);
    }

    /// Forgets `quirk`: it was no way out, either.
    pub fn forget(&self, quirk: Quirk) {
        self.learnt.fetch_and(!(quirk as u32), Ordering::Relaxed);
    }
}
