//! Jobs of the queue, followed to their end: what came of each file, and how far it all is.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::super::args::Common;
use super::super::exit::{ExitCode, Failure};
use super::super::output;
use super::super::places::Connections;
use super::super::prompt::LinePrompter;
use super::super::run::News;
use crate::engine::{Advice, Engine, Event, FileOutcome, JobId, JobSpec, Outcome, Place, Report, Snapshot};
use crate::model::bytes;
use crate::vfs::{FsError, FsErrorKind};

/// How often the progress line is drawn.
const TICK: Duration = Duration::from_millis(500);

/// What came of all jobs.
#[derive(Default)]
pub(super) struct Followed {
    pub(super) report: Report,
    /// A later stage was not begun, because an earlier one did not come through.
    pub(super) not_begun: bool,
    /// The code of the first failure.
    first: Option<ExitCode>,
    /// What arrived was not what was sent, of one file at least.
    mismatched: bool,
}

impl Followed {
    /// Whether something was not done as ordered.
    fn is_broken(&self) -> bool {
        self.report.cancelled || self.report.failed > 0 || self.report.skipped > 0
    }

    /// *Verification* where that failed, *partial* where something was done, else what the first failure says.
    pub(super) fn code(&self) -> ExitCode {
        let Report { done, skipped, failed, cancelled, .. } = self.report;
        match self.first {
            _ if cancelled => ExitCode::Interrupted,
            _ if self.mismatched => ExitCode::Verification,
            _ if failed == 0 => ExitCode::Ok,
            Some(code) if done + skipped == 0 => code,
            _ => ExitCode::Partial,
        }
    }
}

/// Orders `jobs` and watches until the last has ended.
pub(super) async fn follow(
    engine: &Engine,
    news: &mut News,
    common: &Common,
    connections: &Connections<'_>,
    jobs: Vec<JobSpec>,
) -> Result<Followed, Failure> {
    follow_stages(engine, news, common, connections, vec![jobs]).await
}

/// The same stage by stage: a later one begins when all of the earlier came through.
pub(super) async fn follow_stages(
    engine: &Engine,
    news: &mut News,
    common: &Common,
    connections: &Connections<'_>,
    stages: Vec<Vec<JobSpec>>,
) -> Result<Followed, Failure> {
    let mut progress = Progress { shown: !common.json && std::io::stderr().is_terminal(), person: news.person.clone() };
    let mut watch = Watch { common, connections, ends: BTreeMap::new(), followed: Followed::default() };
    let mut tick = tokio::time::interval(TICK);
    for stage in stages {
        if watch.followed.is_broken() {
            watch.followed.not_begun = true;
            break;
        }
        let mut open = stage.len();
        for job in stage {
            let ends = (job.from, job.to);
            watch.ends.insert(engine.queue().submit(job), ends);
        }
        while open > 0 {
            tokio::select! {
                Some(outcome) = news.outcomes.recv() => {
                    if outcome.result.is_err() {
                        progress.clear();
                    }
                    watch.hear(&outcome);
                }
                Some(event) = news.events.recv() => match event {
                    Event::JobEnded { report, .. } => {
                        open -= 1;
                        watch.add(&report);
                    }
                    Event::SessionLine { lost: Some(advice), .. } | Event::Notice(advice) => {
                        progress.clear();
                        output::say_briefly(&advice);
                    }
                    Event::SessionLine { .. } => {}
                },
                _ = tick.tick() => progress.draw(&engine.queue().snapshot()),
            }
        }
    }
    progress.clear();
    // Outcomes that came before the last job ended.
    while let Ok(outcome) = news.outcomes.try_recv() {
        watch.hear(&outcome);
    }
    watch.sum_up()
}

struct Watch<'a> {
    common: &'a Common,
    connections: &'a Connections<'a>,
    /// From where and to where each job goes.
    ends: BTreeMap<JobId, (Place, Place)>,
    followed: Followed,
}

impl Watch<'_> {
    fn hear(&mut self, outcome: &FileOutcome) {
        let (from, to) = self.ends.get(&outcome.job).copied().unwrap_or((Place::Local, Place::Local));
        if let Err(error) = &outcome.result {
            // The path tells on which end it failed.
            let at_source = error.path.as_ref().is_none_or(|path| *path == outcome.source);
            let place = if at_source { from } else { to };
            self.followed.mismatched |= error.kind == FsErrorKind::Mismatch;
            self.followed.first.get_or_insert(ExitCode::of(error, place != Place::Local));
            let path = error.path.as_ref().unwrap_or(&outcome.source);
            output::say_failure(&advice(error, &self.connections.shown(place, path)));
        }
        if self.common.json {
            let mut line = Map::new();
            output::put_name(&mut line, "source", &self.connections.name(from, &outcome.source));
            if let Some(target) = &outcome.target {
                output::put_name(&mut line, "target", &self.connections.name(to, target));
            }
            line.insert("bytes".into(), json!(outcome.bytes));
            line.insert("outcome".into(), json!(outcome.result.as_ref().map_or("failed", |result| word(*result))));
            if let Ok(Outcome::Verified(proof)) = outcome.result {
                line.insert("verified_by".into(), json!(proof.words()));
            }
            if let Err(error) = &outcome.result {
                line.insert("error".into(), json!(error.to_string()));
            }
            // A reader that is gone does not stop a transfer.
            drop(output::json_line(&line));
        }
    }

    fn add(&mut self, report: &Report) {
        self.followed.report.add(report);
    }

    fn sum_up(self) -> Result<Followed, Failure> {
        let Report { done, skipped, failed, .. } = self.followed.report;
        if self.common.json {
            output::json_line(&summary(&self.followed.report)).map_err(|error| Failure::output(&error))?;
        } else if failed > 0 && done + skipped > 0 {
            output::say(&format!("{failed} failed, {done} done, {skipped} left as they were"));
        }
        for remark in self.followed.report.remarks() {
            output::say(&remark);
        }
        Ok(self.followed)
    }
}

/// A failure as it is told, with the place in front.
fn advice(error: &FsError, name: &str) -> Advice {
    Advice { what: format!("Cannot {} {name}", error.attempted), ..Advice::from(error) }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Copied => "copied",
        Outcome::Resumed => "resumed",
        Outcome::Verified(_) => "verified",
        Outcome::Skipped => "skipped",
        Outcome::Removed => "removed",
    }
}

fn summary(report: &Report) -> Value {
    json!({ "summary": { "done": report.done, "skipped": report.skipped, "failed": report.failed, "bytes": report.bytes } })
}

/// The progress line, drawn over itself; never over a question.
struct Progress {
    shown: bool,
    person: Option<LinePrompter>,
}

impl Progress {
    fn draw(&mut self, snapshot: &Snapshot) {
        let (mut done, mut total, mut moved, mut rate) = (0, 0, 0, 0.0);
        for job in &snapshot.jobs {
            done += job.files_done;
            total += job.files_total;
            moved += job.bytes_done;
            rate += job.rate;
        }
        if let Some(line) = snapshot.jobs.iter().find_map(|job| job.line) {
            let words = format!("the line was lost; try {} in {}", line.attempt, bytes::duration(line.again_in));
            return self.write(&format!("\r{done} of {total} files, {}; {words}\x1b[K", bytes::size(moved)));
        }
        let counting = if snapshot.jobs.iter().any(|job| job.counting) { "+" } else { "" };
        self.write(&format!("\r{done} of {total}{counting} files, {}, {}\x1b[K", bytes::size(moved), bytes::rate(rate)));
    }

    fn clear(&mut self) {
        self.write("\r\x1b[K");
    }

    fn write(&mut self, line: &str) {
        if self.shown && !self.person.as_ref().is_some_and(LinePrompter::is_asking) {
            drop(std::io::stderr().lock().write_all(line.as_bytes()));
        }
    }
}
