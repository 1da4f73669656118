//! Connects, asks, moves bytes between two places. The only room that holds a [`crate::ask::Prompter`].

pub mod advice;
pub mod facts;
pub mod job;
pub mod progress;

pub use advice::Advice;
pub use facts::{SecurityLevel, SessionFacts, TrustBasis};
pub use job::{ConflictPolicy, FileFailure, JobId, JobKind, JobSpec, Outcome, Place, Report, SessionId};
pub use progress::{FileProgress, JobProgress, JobState, Snapshot};
