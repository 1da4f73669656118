//! From a plan to jobs of the queue, in the order in which nothing is lost: copies first, deletions when they came through.

use std::fmt;
use std::sync::Arc;

use futures::future::join_all;
use jiff::Timestamp;

use super::facts::Facts;
use super::options::{Deletion, SyncSide};
use super::plan::Plan;
use super::row::{Decision, Effect, Row};
use crate::engine::job::{ConflictPolicy, JobKind, JobOptions, JobSpec, Place, Report};
use crate::engine::queue::Queue;
use crate::model::{Entry, EntryName, Kind};

/// What a job of a plan does with the rows it picks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    /// Makes what the target does not have.
    Create,
    /// Replaces what the target has.
    Update,
    /// Removes.
    Remove,
}

/// The rows of a plan that a job works on, instead of items. Clones are the same plan.
#[derive(Clone)]
pub struct Picked {
    pub(super) plan: Arc<Plan>,
    /// The side that changes.
    pub(super) target: SyncSide,
    part: Part,
    /// The folder in the trash that deletions go to; `None`: they are for good.
    pub(super) trash: Option<EntryName>,
}

impl fmt::Debug for Picked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picked").field("target", &self.target).field("part", &self.part).finish_non_exhaustive()
    }
}

impl PartialEq for Picked {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.plan, &other.plan) && (self.target, self.part, &self.trash) == (other.target, other.part, &other.trash)
    }
}

impl Eq for Picked {}

impl Picked {
    /// What it does, for the title of its job: `12 new`.
    pub(in crate::engine) fn words(&self) -> String {
        let number = self.count();
        match (self.part, &self.trash) {
            (Part::Create, _) => format!("{number} new"),
            (Part::Update, _) => format!("{number} changed"),
            (Part::Remove, Some(_)) => format!("{number} to the trash"),
            (Part::Remove, None) => format!("{number} to be removed"),
        }
    }

    /// Whether it picks the row at this place.
    fn takes(&self, at: usize) -> bool {
        let (wanted, effect) = match self.part {
            Part::Create => (Decision::copy(self.target), Effect::Create),
            Part::Update => (Decision::copy(self.target), Effect::Update),
            Part::Remove => (Decision::delete(self.target), Effect::Delete),
        };
        self.plan.decision(at) == Some(wanted) && self.plan.effect(at) == Some(effect)
    }

    /// The places in the plan of the rows it picks, in the plan's order.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.plan.len()).filter(|&at| self.takes(at))
    }

    /// The files and links it picks, folder by folder, in portions that are looked at in one go.
    pub(super) fn files(&self) -> impl Iterator<Item = Vec<Row>> + '_ {
        let mut rows = self.places().filter_map(|at| self.plan.row(at)).filter(|row| !row.is_dir()).peekable();
        std::iter::from_fn(move || {
            let mut portion = vec![rows.next()?];
            while portion.len() < crate::vfs::STATS_AT_ONCE
                && let Some(row) = rows.next_if(|row| row.folder == portion[0].folder)
            {
                portion.push(row);
            }
            Some(portion)
        })
    }

    fn count(&self) -> usize {
        self.places().count()
    }

    /// Whether `found` is still what `side` had when it was compared.
    pub(super) fn is_as_compared(&self, side: SyncSide, expected: Option<Facts>, found: Option<&Entry>) -> bool {
        match (expected, found.map(Facts::of)) {
            (None, None) => true,
            (Some(expected), Some(found)) => {
                let precision = i64::from(self.plan.end(side).clock.precision.max(1));
                let apart = |one: Timestamp, other: Timestamp| (one.as_second() - other.as_second()).abs();
                // The time of a folder changes with what is done in it.
                let same_time = || expected.modified.zip(found.modified).is_none_or(|(one, other)| apart(one, other) <= precision);
                let same_size = expected.size.zip(found.size).is_none_or(|(one, other)| one == other);
                expected.kind == found.kind && (found.kind == Kind::Dir || same_size && same_time())
            }
            _ => false,
        }
    }
}

impl Plan {
    /// The jobs that carry it out, stage by stage: a later stage only when the earlier came through whole. The two sides are at
    /// `places`; `now` names the folder in the trash.
    pub fn jobs(self: &Arc<Self>, places: [Place; 2], now: Timestamp) -> Vec<Vec<JobSpec>> {
        let trash = now.strftime("%Y-%m-%dT%H-%M-%SZ").to_string();
        let trash = EntryName::try_from(trash.as_str()).ok().filter(|_| self.options.deletion != Deletion::Permanent);
        let job = |part: Part, target: SyncSide| {
            let picked = Picked { plan: Arc::clone(self), target, part, trash: trash.clone().filter(|_| part == Part::Remove) };
            let source = target.other();
            // A removal works at its target alone, and looks at the other side whether that still lacks it.
            let (kind, from, to) = match part {
                Part::Remove => (JobKind::Delete, target, source),
                Part::Create | Part::Update => (JobKind::Copy, source, target),
            };
            let has_work = picked.places().next().is_some();
            has_work.then(|| JobSpec {
                kind,
                from: places[from as usize],
                from_dir: self.end(from).dir.clone(),
                items: Vec::new(),
                to: places[to as usize],
                to_dir: self.end(to).dir.clone(),
                new_name: None,
                // What came to be since is left: nobody compared it.
                conflicts: if part == Part::Update { ConflictPolicy::Overwrite } else { ConflictPolicy::Skip },
                options: JobOptions::picking(picked),
            })
        };
        let stage = |parts: &[Part]| -> Vec<JobSpec> {
            parts.iter().flat_map(|&part| SyncSide::BOTH.map(|side| job(part, side))).flatten().collect()
        };
        [stage(&[Part::Create, Part::Update]), stage(&[Part::Remove])].into_iter().filter(|jobs| !jobs.is_empty()).collect()
    }
}

impl Queue {
    /// Runs the stages of [`Plan::jobs`] to their end. Dropping the future leaves the jobs that run; later stages do not begin.
    pub async fn run_stages(&self, stages: Vec<Vec<JobSpec>>) -> Staged {
        let mut staged = Staged::default();
        let mut stages = stages.into_iter();
        for stage in stages.by_ref() {
            let jobs = stage.into_iter().map(|job| self.ended(self.submit(job)));
            for report in join_all(jobs).await.into_iter().flatten() {
                staged.add(&report);
            }
            if staged.is_broken() {
                break;
            }
        }
        staged.not_begun = stages.len() > 0;
        staged
    }
}

/// What came of the stages of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Staged {
    /// All reports as one.
    pub report: Report,
    /// A later stage was not begun, because an earlier one did not come through: nothing was deleted.
    pub not_begun: bool,
}

impl Staged {
    /// Adds what came of one job.
    pub fn add(&mut self, report: &Report) {
        let total = &mut self.report;
        total.done += report.done;
        total.skipped += report.skipped;
        total.bytes += report.bytes;
        total.failed += report.failed;
        total.cancelled |= report.cancelled;
        let room = Report::MAX_FAILURES.saturating_sub(total.failures.len());
        total.failures.extend(report.failures.iter().take(room).cloned());
    }

    /// Whether what comes after must not happen.
    pub fn is_broken(&self) -> bool {
        self.report.cancelled || self.report.failed > 0 || self.report.skipped > 0
    }
}
