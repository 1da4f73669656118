//! The jobs as they were last seen. The engine owns them; this is what the screen shows.

use crate::engine::{JobProgress, Snapshot};

/// The jobs as they were last seen.
#[derive(Debug, Clone, Default)]
pub struct Transfers {
    /// All jobs, oldest first.
    pub snapshot: Snapshot,
    /// Jobs that were submitted and have not been seen in a snapshot yet.
    pub submitted: u32,
}

impl Transfers {
    /// Whether a job runs or waits.
    pub fn is_active(&self) -> bool {
        self.submitted > 0 || self.snapshot.is_active()
    }

    /// The jobs, oldest first.
    pub fn jobs(&self) -> &[JobProgress] {
        &self.snapshot.jobs
    }
}
