//! What the engine tells without being asked. Progress is not among it: that is pulled.

use super::advice::Advice;
use super::job::{JobId, Place, Report, SessionId};
use crate::model::FilePath;

/// News from the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A session's line broke (`Some`) or stands again (`None`).
    SessionLine {
        /// Which session.
        id: SessionId,
        /// Why it broke.
        lost: Option<Advice>,
    },
    /// Something to tell that belongs to no request.
    Notice(Advice),
    /// A job ended.
    JobEnded {
        /// Which.
        id: JobId,
        /// What came of it.
        report: Report,
        /// The folders that changed.
        changed: Vec<(Place, FilePath)>,
    },
}
