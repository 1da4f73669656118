//! Failures as sentences a person can act on: what happened, why, what to do next.

/// A failure in words. Every text is safe to draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What happened, one line.
    pub what: String,
    /// Why, as far as known; may be empty.
    pub why: String,
    /// What to do next; may be empty.
    pub next: String,
    /// It was a person's own decision (stopped, rejected): no alarm.
    pub intended: bool,
}

mod client_certificate;
mod connect;
mod files;

pub use connect::problem_words;
