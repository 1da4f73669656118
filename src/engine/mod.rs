//! Connects, asks, moves bytes between two places. The only room that holds a [`crate::ask::Prompter`].

pub mod advice;
mod check_revocation;
pub mod conflict;
mod connect;
mod connect_ftp;
mod connect_ssh;
mod copy;
mod decide;
mod delete;
#[expect(clippy::module_inception, reason = "the engine itself stands in the file of its name")]
mod engine;
pub mod event;
pub mod facts;
mod failure;
pub mod job;
mod lane;
mod ledger;
mod look;
pub mod meter;
pub mod places;
mod plan;
pub mod progress;
pub mod queue;
mod running;
mod services;
mod session;
mod ssh_options;
mod transfer;

pub use advice::Advice;
pub use check_revocation::check_revocation;
pub use connect::Target;
pub use connect_ssh::{KnownHostKey, NamedHostKey, trust_host_key};
pub use engine::Engine;
pub use event::Event;
pub use facts::{SecurityLevel, SessionFacts, TrustBasis};
pub use failure::ConnectFailure;
pub use job::{ConflictPolicy, FileFailure, FileOutcome, JobId, JobKind, JobSpec, Outcome, Place, Report, SessionId};
pub use ledger::{Ledger, LedgerError, Sought};
pub use look::look;
pub use places::{Condition, Lease, Places};
pub use progress::{FileProgress, JobProgress, JobState, Snapshot};
pub use queue::{Queue, QueueOptions};
pub use services::{HostKeyFiles, KeySources, Services, SessionTiming};
pub use ssh_options::{HostKeyChecking, SshOptions, SshResolver, SshRole, SshRoute};
