//! `copy`, `move` and `rm`: jobs of the queue, followed to their end.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::super::args::{Common, OnConflict, Rm, Transfer};
use super::super::exit::{ExitCode, Failure};
use super::super::output;
use super::super::places::{Connections, Spot};
use super::super::run::News;
use crate::engine::{Advice, ConflictPolicy, Engine, Event, FileOutcome, JobId, JobKind, JobSpec, Outcome, Place, Report, Snapshot};
use crate::model::{EntryName, FilePath, bytes};
use crate::vfs::FsErrorKind;

/// How often the progress line is drawn.
const TICK: Duration = Duration::from_millis(500);

/// Copies or moves what the command names.
pub(in crate::cli) async fn copy_or_move(engine: &Engine, news: &mut News, command: &Transfer, moving: bool) -> Result<ExitCode, Failure> {
    let mut connections = Connections::new(engine, command.common.allow_plain);
    let Some((last, sources)) = command.locations.split_last() else {
        return Err(Failure::usage("copy and move need a source and a destination", ""));
    };
    let mut spots = Vec::new();
    for source in sources {
        spots.push(connections.reach(source).await?);
    }
    let target = connections.reach(last).await?;
    let (to_dir, new_name) = destination(engine, &target, spots.len()).await?;
    let conflicts = policy(command.on_conflict);
    let kind = if moving { JobKind::Move } else { JobKind::Copy };
    let jobs = group(&spots)?.into_iter().map(|((from, from_dir), items)| JobSpec {
        kind,
        from,
        from_dir,
        items,
        to: target.place,
        to_dir: to_dir.clone(),
        new_name: new_name.clone(),
        conflicts,
    });
    let mut report = follow(engine, news, &command.common, jobs.collect()).await?;
    // Without a person every question is answered with "skip": that is not what was ordered.
    let unanswered = conflicts == ConflictPolicy::Ask && report.skipped > 0 && !news.somebody_answers;
    if unanswered {
        output::say(&format!("{} files are there already and were left; --on-conflict says what to do about them", report.skipped));
        report.failed += report.skipped;
    }
    Ok(code(&report))
}

/// Removes what the command names.
pub(in crate::cli) async fn rm(engine: &Engine, news: &mut News, command: &Rm) -> Result<ExitCode, Failure> {
    let mut connections = Connections::new(engine, command.common.allow_plain);
    let mut spots = Vec::new();
    for location in &command.locations {
        let spot = connections.reach(location).await?;
        let entry = engine.stat(spot.place, &spot.path).await.map_err(|error| Failure::file(&error, spot.place != Place::Local))?;
        if entry.kind == crate::model::Kind::Dir && !command.recursive {
            return Err(Failure::usage(format!("{} is a folder", spot.name), "add -r to remove it with everything in it"));
        }
        spots.push(spot);
    }
    let jobs = group(&spots)?.into_iter().map(|((from, from_dir), items)| JobSpec {
        kind: JobKind::Delete,
        from,
        from_dir: from_dir.clone(),
        items,
        to: from,
        to_dir: from_dir,
        new_name: None,
        conflicts: ConflictPolicy::Ask,
    });
    let report = follow(engine, news, &command.common, jobs.collect()).await?;
    Ok(code(&report))
}

/// The folder things go to, and the new name where the destination is one.
async fn destination(engine: &Engine, target: &Spot, sources: usize) -> Result<(FilePath, Option<EntryName>), Failure> {
    let remote = target.place != Place::Local;
    match engine.stat(target.place, &target.path).await {
        Ok(entry) if entry.is_enterable() => return Ok((target.path.clone(), None)),
        Ok(_) if sources > 1 || target.folder => return Err(Failure::usage(format!("{} is not a folder", target.name), "")),
        Ok(_) => {}
        Err(error) if error.kind == FsErrorKind::NotFound && sources == 1 && !target.folder => {}
        Err(_) if target.path.is_root() => return Ok((target.path.clone(), None)),
        Err(error) => return Err(Failure::file(&error, remote)),
    }
    match (target.path.parent(), target.path.name()) {
        (Some(parent), Some(name)) => Ok((parent, Some(name))),
        _ => Ok((target.path.clone(), None)),
    }
}

/// Items in one folder of one place.
type Group = ((Place, FilePath), Vec<EntryName>);

/// Items by the place and folder they are in.
fn group(spots: &[Spot]) -> Result<Vec<Group>, Failure> {
    let mut groups: Vec<Group> = Vec::new();
    for spot in spots {
        let (Some(parent), Some(name)) = (spot.path.parent(), spot.path.name()) else {
            return Err(Failure::usage(format!("{} is a whole disk or server", spot.name), "name a folder or file in it"));
        };
        match groups.iter_mut().find(|((place, dir), _)| *place == spot.place && *dir == parent) {
            Some((_, names)) => names.push(name),
            None => groups.push(((spot.place, parent), vec![name])),
        }
    }
    Ok(groups)
}

fn policy(on_conflict: OnConflict) -> ConflictPolicy {
    match on_conflict {
        OnConflict::Ask => ConflictPolicy::Ask,
        OnConflict::Overwrite => ConflictPolicy::Overwrite,
        OnConflict::Skip => ConflictPolicy::Skip,
        OnConflict::Newer => ConflictPolicy::Newer,
        OnConflict::Larger => ConflictPolicy::Larger,
        OnConflict::SizeDiffers => ConflictPolicy::SizeDiffers,
        OnConflict::DateDiffers => ConflictPolicy::DateDiffers,
        OnConflict::Rename => ConflictPolicy::Rename,
    }
}

/// Orders the jobs and watches until the last has ended; answers what came of all of them.
async fn follow(engine: &Engine, news: &mut News, common: &Common, jobs: Vec<JobSpec>) -> Result<Report, Failure> {
    let mut open: Vec<JobId> = jobs.into_iter().map(|job| engine.queue().submit(job)).collect();
    let mut total = Report::default();
    let progress = !common.json && std::io::stderr().is_terminal();
    let mut tick = tokio::time::interval(TICK);
    while !open.is_empty() {
        tokio::select! {
            Some(outcome) = news.outcomes.recv() => tell(&outcome, common),
            Some(event) = news.events.recv() => match event {
                Event::JobEnded { id, report, .. } => {
                    open.retain(|&job| job != id);
                    add(&mut total, report);
                }
                Event::SessionLine { lost: Some(advice), .. } => output::say(&advice.what),
                Event::SessionLine { .. } => {}
            },
            _ = tick.tick(), if progress => draw(&engine.queue().snapshot()),
        }
    }
    drain(&mut news.outcomes, common);
    if progress {
        clear();
    }
    if !common.json {
        for failure in &total.failures {
            output::say(&format!("{}: {}", failure.path, failure.why));
        }
    } else if let Err(error) = output::json_line(&summary(&total)) {
        return Err(Failure {
            code: ExitCode::Local,
            advice: Advice { what: format!("standard output: {error}"), why: String::new(), next: String::new(), intended: false },
        });
    }
    Ok(total)
}

fn add(total: &mut Report, report: Report) {
    total.done += report.done;
    total.skipped += report.skipped;
    total.bytes += report.bytes;
    total.failed += report.failed;
    total.cancelled |= report.cancelled;
    total.failures.extend(report.failures);
}

fn code(report: &Report) -> ExitCode {
    match (report.failed, report.done) {
        _ if report.cancelled => ExitCode::Interrupted,
        (0, _) => ExitCode::Ok,
        _ => ExitCode::Partial,
    }
}

/// Outcomes that came before the last job ended.
fn drain(outcomes: &mut mpsc::Receiver<FileOutcome>, common: &Common) {
    while let Ok(outcome) = outcomes.try_recv() {
        tell(&outcome, common);
    }
}

/// One file as `--json` prints it.
fn tell(outcome: &FileOutcome, common: &Common) {
    if !common.json {
        return;
    }
    let target = outcome.target.as_ref().map(FilePath::display);
    let mut line = json!({ "source": outcome.source.display(), "target": target, "bytes": outcome.bytes });
    match &outcome.result {
        Ok(result) => line["outcome"] = json!(word(*result)),
        Err(error) => {
            line["outcome"] = json!("failed");
            line["error"] = json!(error.to_string());
        }
    }
    // A reader that is gone does not stop a transfer.
    drop(output::json_line(&line));
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Copied => "copied",
        Outcome::Skipped => "skipped",
        Outcome::Removed => "removed",
    }
}

fn summary(report: &Report) -> Value {
    json!({ "summary": { "done": report.done, "skipped": report.skipped, "failed": report.failed, "bytes": report.bytes } })
}

/// The progress line, drawn over itself.
fn draw(snapshot: &Snapshot) {
    let (mut done, mut total, mut moved, mut rate) = (0, 0, 0, 0.0);
    for job in &snapshot.jobs {
        done += job.files_done;
        total += job.files_total;
        moved += job.bytes_done;
        rate += job.rate;
    }
    let counting = if snapshot.jobs.iter().any(|job| job.counting) { "+" } else { "" };
    let line = format!("\r{done} of {total}{counting} files, {}, {}\x1b[K", bytes::size(moved), bytes::rate(rate));
    drop(std::io::stderr().lock().write_all(line.as_bytes()));
}

fn clear() {
    drop(std::io::stderr().lock().write_all(b"\r\x1b[K"));
}
