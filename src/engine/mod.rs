//! Connects, asks, moves bytes between two places. The only room that holds a [`crate::ask::Prompter`].

pub mod advice;
pub mod conflict;
mod copy;
mod delete;
pub mod facts;
mod file_advice;
pub mod job;
mod lane;
pub mod meter;
pub mod places;
mod plan;
pub mod progress;
pub mod queue;
mod running;
mod transfer;

pub use advice::Advice;
pub use facts::{SecurityLevel, SessionFacts, TrustBasis};
pub use job::{ConflictPolicy, FileFailure, FileOutcome, JobId, JobKind, JobSpec, Outcome, Place, Report, SessionId};
pub use places::{Condition, Lease, Places};
pub use progress::{FileProgress, JobProgress, JobState, Snapshot};
pub use queue::{Queue, QueueEvent, QueueOptions};
