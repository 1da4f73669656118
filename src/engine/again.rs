//! What of a job that is over is tried again, as the order of a new one.

use super::job::{JobKind, JobOptions, JobSpec};
use super::order::{Again, Start};
use super::running::Job;
use crate::model::FilePath;

impl Job {
    /// The order that tries it again; what it takes on leaves this job's report. `None`: there is nothing to try.
    pub(super) fn again(&self, again: Again) -> Option<JobSpec> {
        let spec = JobSpec {
            options: JobOptions { start: Start::Soon, rest_of: None, ..self.spec.options.clone() },
            from: self.places.now(self.spec.from),
            to: self.places.now(self.spec.to),
            ..self.spec.clone()
        };
        let failed = match again {
            Again::All => return Some(spec),
            Again::Failed => self.take_failed(None),
            Again::One(at) => self.take_failed(Some(at)),
        };
        let only =
            if spec.kind == JobKind::Copy || matches!(again, Again::One(_)) { exactly(&spec, failed) } else { whole(&spec, &failed) };
        // All of it is the same order once more: what an earlier try left in the journal is gone on with.
        let is_all = only == spec.pairs();
        match (only.is_empty(), is_all) {
            (true, _) => None,
            (false, true) => Some(spec),
            (false, false) => {
                // Where nothing else failed, nothing else is left of it.
                let rest_of = self.account.left().filter(|_| !self.has_failed());
                Some(JobSpec { options: JobOptions { only, rest_of, ..spec.options.clone() }, ..spec })
            }
        }
    }
}

/// What failed, to where it was on its way; where that is not known, the item it is in.
fn exactly(spec: &JobSpec, failed: Vec<(FilePath, Option<FilePath>)>) -> Vec<(FilePath, FilePath)> {
    let pairs = spec.pairs();
    let mut only = Vec::new();
    for (from, to) in failed {
        let item = || pairs.iter().find(|(item, _)| from.is_within(item)).cloned();
        let pair = match (to, spec.kind) {
            (Some(to), _) => Some((from, to)),
            (None, JobKind::Delete) => Some((from.clone(), from)),
            (None, _) => item(),
        };
        only.extend(pair.filter(|pair| !only.contains(pair)));
    }
    only
}

/// The items in which something failed: of the others nothing is left where they were, and a folder goes only as a whole.
fn whole(spec: &JobSpec, failed: &[(FilePath, Option<FilePath>)]) -> Vec<(FilePath, FilePath)> {
    spec.pairs().into_iter().filter(|(item, _)| failed.iter().any(|(from, _)| from.is_within(item))).collect()
}
