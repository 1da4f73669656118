//! The jobs as they were last seen, and what is said when one ends. The engine owns the jobs; this is what the screen shows.

use super::dialog::MessageDialog;
use crate::engine::{Advice, JobId, JobKind, JobProgress, JobState, Report, Snapshot};
use crate::model::bytes;

/// The jobs as they were last seen.
#[derive(Debug, Clone, Default)]
pub struct Transfers {
    snapshot: Snapshot,
    /// Jobs that were submitted and not seen yet: a tick is needed to see them.
    submitted: usize,
    /// The newest job seen so far.
    newest: Option<JobId>,
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

    /// The first job that runs or waits, else the last one: what a person wants to see.
    pub(super) fn current(&self) -> usize {
        let under_way = self.jobs().iter().position(|job| matches!(job.state, JobState::Running | JobState::Waiting));
        under_way.unwrap_or(self.jobs().len().saturating_sub(1))
    }

    /// How many jobs run or wait.
    pub fn active(&self) -> usize {
        self.submitted + self.jobs().iter().filter(|job| matches!(job.state, JobState::Running | JobState::Waiting)).count()
    }

    pub(super) fn submit(&mut self) {
        self.submitted += 1;
    }

    /// Takes a snapshot. Says whether it differs.
    pub(super) fn take(&mut self, snapshot: Snapshot) -> bool {
        for id in snapshot.jobs.iter().map(|job| job.id) {
            self.saw(id);
        }
        let differs = self.snapshot != snapshot;
        self.snapshot = snapshot;
        differs
    }

    /// Forgets jobs that ended: without a tick nobody else tells.
    pub(super) fn clear_ended(&mut self) {
        self.snapshot.jobs.retain(|job| matches!(job.state, JobState::Running | JobState::Waiting));
    }

    fn saw(&mut self, id: JobId) {
        if self.newest.is_none_or(|newest| id > newest) {
            self.newest = Some(id);
            self.submitted = self.submitted.saturating_sub(1);
        }
    }

    /// A job ended; answers what to say.
    pub(super) fn ended(&mut self, id: JobId, report: &Report) -> MessageDialog {
        self.saw(id);
        let job = self.snapshot.jobs.iter_mut().find(|job| job.id == id);
        let (title, kind) = job.as_ref().map_or_else(|| (String::new(), None), |job| (job.title.clone(), Some(job.kind)));
        if let Some(job) = job {
            job.state = if report.cancelled { JobState::Cancelled } else { JobState::Finished };
            job.files.clear();
            job.report = Some(report.clone());
        }
        report_message(&title, kind, report)
    }
}

/// A report in words.
pub(super) fn report_message(title: &str, kind: Option<JobKind>, report: &Report) -> MessageDialog {
    let verb = match kind {
        Some(JobKind::Copy) => "copied",
        Some(JobKind::Move) => "moved",
        Some(JobKind::Delete) => "deleted",
        None => "done:",
    };
    let sum = if report.bytes > 0 { format!(", {}", bytes::size_in_words(report.bytes)) } else { String::new() };
    let skipped = if report.skipped > 0 { format!(", skipped {}", report.skipped) } else { String::new() };
    let mut what = format!("{verb} {}{sum}{skipped}", count(report.done, "file"));
    if report.failed > 0 {
        what = format!("{} failed; {what}", count(report.failed, "item"));
    }
    if report.cancelled {
        what = format!("stopped; {what}");
    }
    let next = match report.failed {
        0 => String::new(),
        failed if failed as usize > report.failures.len() => format!("The first {} are listed.", report.failures.len()),
        _ => "What failed is listed; the rest is done.".to_owned(),
    };
    let advice = Advice { what, why: title.to_owned(), next, intended: report.cancelled && report.failed == 0 };
    MessageDialog { advice, failures: report.failures.clone(), scroll: 0 }
}

/// `1 file`, `2 files`.
fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
