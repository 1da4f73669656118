//! What was learnt of a server by being refused, shared by all its connections so that it is learnt once.

use std::sync::atomic::{AtomicU32, Ordering};

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
    /// `MDTM` with a time does not set it.
    NoTimes = 1 << 5,
    /// `SITE CHMOD` is not there.
    NoModes = 1 << 6,
}

/// All that was learnt.
#[derive(Debug, Default)]
pub struct Quirks(AtomicU32);

impl Quirks {
    /// Whether `quirk` was learnt.
    pub fn has(&self, quirk: Quirk) -> bool {
        self.0.load(Ordering::Relaxed) & quirk as u32 != 0
    }

    /// Remembers `quirk`.
    pub fn learn(&self, quirk: Quirk) {
        if self.0.fetch_or(quirk as u32, Ordering::Relaxed) & quirk as u32 == 0 {
            tracing::debug!(target: "sealift::ftp", ?quirk, "learnt of this server");
        }
    }

    /// Forgets `quirk`: it was no way out, either.
    pub fn forget(&self, quirk: Quirk) {
        self.0.fetch_and(!(quirk as u32), Ordering::Relaxed);
    }
}
