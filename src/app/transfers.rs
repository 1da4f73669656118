//! The jobs as they were last seen, and what is said when one ends. The engine owns the jobs; this is what the screen shows.

use super::dialog::MessageDialog;
use crate::engine::{Advice, FileFailure, JobId, JobKind, JobProgress, JobState, Place, Report, Snapshot};
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
    /// Whether a job moves or is about to.
    pub fn is_active(&self) -> bool {
        self.submitted > 0 || self.snapshot.is_active()
    }

    /// Whether a job waits for a time, so that nothing but the clock says when it begins.
    pub fn waits_for_a_time(&self) -> bool {
        self.jobs().iter().any(|job| matches!(job.state, JobState::Scheduled(_)))
    }

    /// Bytes per second of all together; 0: no limit.
    pub fn limit(&self) -> u64 {
        self.snapshot.limit
    }

    /// Jobs that run at once; 0 before that is known.
    pub fn at_once(&self) -> usize {
        self.snapshot.at_once
    }

    /// Whether a job that is not over works at `place`.
    pub(super) fn uses(&self, place: Place) -> bool {
        self.submitted > 0 || self.jobs().iter().any(|job| !job.state.is_over() && [job.from, job.to.0].contains(&place))
    }

    /// The jobs, oldest first.
    pub fn jobs(&self) -> &[JobProgress] {
        &self.snapshot.jobs
    }

    /// How many jobs are not over.
    pub fn open(&self) -> usize {
        self.submitted + self.jobs().iter().filter(|job| !job.state.is_over()).count()
    }

    pub(super) fn submit(&mut self) {
        self.submitted += 1;
    }

    /// These were submitted. One may have ended before this was told.
    pub(super) fn submitted(&mut self, jobs: &[JobId]) {
        self.submitted += jobs.iter().filter(|id| self.newest.is_none_or(|newest| **id > newest)).count();
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
        self.snapshot.jobs.retain(|job| !job.state.is_over());
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
            job.state = match report {
                report if report.cancelled => JobState::Cancelled,
                report if report.failed > 0 => JobState::Failed,
                _ => JobState::Finished,
            };
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
    for remark in report.remarks() {
        what = format!("{what}; {remark}");
    }
    if report.failed > 0 {
        what = format!("{} failed; {what}", count(report.failed, "item"));
    }
    if report.cancelled {
        what = format!("stopped; {what}");
    }
    let next = match report.failed {
        0 => String::new(),
        failed if failed as usize > report.failures.len() => format!("The first {} are listed.", report.failures.len()),
        _ => "What failed is listed, also under w, where r tries it again; the rest is done.".to_owned(),
    };
    let advice = Advice { what, why: title.to_owned(), next, intended: report.cancelled && report.failed == 0 };
    MessageDialog { advice, failures: report.failures.clone(), scroll: 0 }
}

/// What became of one file of a job, in words.
pub(super) fn failure_message(title: &str, failure: &FileFailure) -> MessageDialog {
    let target = if failure.target.is_empty() { String::new() } else { format!(" on its way to {}", failure.target) };
    let what = format!("{} failed{target}.", failure.path);
    let advice = Advice { what, why: failure.why.clone(), next: format!("It is one of the files of: {title}"), intended: false };
    MessageDialog { advice, failures: Vec::new(), scroll: 0 }
}

/// `1 file`, `2 files`.
pub(super) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
