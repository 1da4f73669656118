//! `sync`: compares two folders, and says, writes or does what makes them alike.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{self, BufReader, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::super::exit::{ExitCode, Failure};
use super::super::output;
use super::super::places::Connections;
use super::super::run::News;
use super::super::sync_args::{DeleteArgument, DirectionArgument, LinksArgument, Synchronise};
use super::follow::follow_stages;
use crate::engine::sync::{
    CompareEnd, CompareError, CompareOrder, CompareProgress, Comparison, Deletion, Direction, Effect, Links, Plan, PlanFileError, Rules,
    SyncOptions, SyncSide,
};
use crate::engine::{Advice, Engine, Event, Place};
use crate::model::{FilePath, text};

/// How often the progress line is drawn.
const TICK: Duration = Duration::from_millis(500);
/// Remarks said one by one.
const MOST_SAID: usize = 20;

/// Compares two folders, or takes a plan, and does what the command says with it.
pub(in crate::cli) async fn sync(engine: &Engine, news: &mut News, command: &Synchronise) -> Result<ExitCode, Failure> {
    let mut connections = Connections::new(engine, &command.common);
    let (plan, places) = match (&command.apply, &command.source, &command.destination) {
        (Some(file), ..) => taken(&mut connections, file).await?,
        (None, Some(source), Some(destination)) => compared(engine, news, command, &mut connections, source, destination).await?,
        _ => return Err(Failure::usage("sync needs two folders, or --apply and a plan", "")),
    };
    say_remarks(&plan);
    if let Some(file) = &command.plan {
        write_new(&plan, file)?;
        output::say(&format!("{}; sealift sync --apply {} carries it out", plan.totals().words(), shown(file)));
        return Ok(differences(&plan));
    }
    if command.dry_run {
        print(&plan, command.common.json).map_err(|error| Failure::output(&error))?;
        return Ok(differences(&plan));
    }
    carry_out(engine, news, command, &connections, plan, places).await
}

async fn compared(
    engine: &Engine,
    news: &mut News,
    command: &Synchronise,
    connections: &mut Connections<'_>,
    source: &OsStr,
    destination: &OsStr,
) -> Result<(Plan, [Place; 2]), Failure> {
    let mut ends = Vec::new();
    for text in [source, destination] {
        let spot = connections.reach(text).await?;
        let name = connections.shown(spot.place, &spot.path);
        ends.push(CompareEnd { place: spot.place, dir: spot.path, name });
    }
    let (Some(right), Some(left)) = (ends.pop(), ends.pop()) else { return Err(Failure::usage("sync needs two folders", "")) };
    let places = [left.place, right.place];
    let order = CompareOrder { left, right, options: options(command), newer_than: command.newer_than, older_than: command.older_than };
    let progress = CompareProgress::default();
    let shows = !command.common.json && io::stderr().is_terminal();
    let mut comparing = pin!(engine.compare(&order, &progress));
    let mut tick = tokio::time::interval(TICK);
    let plan = loop {
        tokio::select! {
            compared = &mut comparing => break compared,
            Some(event) = news.events.recv() => if let Event::SessionLine { lost: Some(advice), .. } | Event::Notice(advice) = event {
                output::say_briefly(&advice);
            },
            _ = tick.tick(), if shows => {
                let read = match progress.read() {
                    0 => String::new(),
                    read => format!(", {read} files read"),
                };
                let line = format!("\rcomparing: {} folders, {} entries{read}\x1b[K", progress.folders(), progress.entries());
                drop(io::stderr().lock().write_all(line.as_bytes()));
            }
        }
    };
    if shows {
        drop(io::stderr().lock().write_all(b"\r\x1b[K"));
    }
    let plan = plan.map_err(|error| failure(&error, &order))?;
    if plan.source_is_empty {
        let source = plan.options.direction.source().map_or(&plan.left, |side| plan.end(side));
        return Err(Failure::because(
            ExitCode::Error,
            format!("{} has nothing in it, so nothing was changed", source.name),
            "Perhaps its disk is not mounted: everything on the other side would be deleted.",
            "If that is what you want, add --empty-source.",
        ));
    }
    Ok((plan, places))
}

/// The plan in a file, its two sides reached.
async fn taken(connections: &mut Connections<'_>, file: &Path) -> Result<(Plan, [Place; 2]), Failure> {
    let opened = std::fs::File::open(file).map_err(|error| Failure::unreadable(&shown(file), error, "Name a file that --plan wrote."))?;
    let mut plan = Plan::read(&mut BufReader::new(opened)).map_err(|error| unreadable(file, &error))?;
    let mut places = [Place::Local; 2];
    for (side, place) in SyncSide::BOTH.into_iter().zip(&mut places) {
        let end = if side == SyncSide::Left { &mut plan.left } else { &mut plan.right };
        // What is no URL is a path here, whose bytes the plan has.
        if end.name.contains("://") {
            let spot = connections.reach(OsStr::new(&end.name)).await?;
            (*place, end.dir) = (spot.place, spot.path);
        }
    }
    Ok((plan, places))
}

async fn carry_out(
    engine: &Engine,
    news: &mut News,
    command: &Synchronise,
    connections: &Connections<'_>,
    plan: Plan,
    places: [Place; 2],
) -> Result<ExitCode, Failure> {
    let totals = plan.totals();
    let plan = Arc::new(plan);
    let stages = plan.jobs(places, engine.now());
    let followed = follow_stages(engine, news, &command.common, connections, stages).await?;
    if followed.not_begun {
        output::say("nothing was deleted, because not everything was copied; run it again");
    }
    if totals.open() > 0 {
        say_open(&plan, command.common.json);
    }
    match followed.code() {
        ExitCode::Ok if totals.open() > 0 || plan.is_incomplete || followed.report.skipped > 0 => Ok(ExitCode::Partial),
        code => Ok(code),
    }
}

/// What nobody has decided on.
fn say_open(plan: &Plan, json: bool) {
    let open = || (0..plan.len()).filter(|&at| plan.row(at).is_some_and(|row| is_open(row.effect())));
    if !json {
        for at in open().take(MOST_SAID) {
            output::say(&format!("left as it is: {}", line(plan, at)));
        }
    }
    let count = open().count();
    output::say(&format!(
        "{count} {} left as {}; --overwrite-newer, or a plan in the panes (C), decides",
        if count == 1 { "difference is" } else { "differences are" },
        if count == 1 { "it is" } else { "they are" }
    ));
}

fn is_open(effect: Effect) -> bool {
    matches!(effect, Effect::Conflict | Effect::ClockDoubt)
}

fn say_remarks(plan: &Plan) {
    for remark in plan.remarks.iter().take(MOST_SAID) {
        let side = remark.side.map(|side| plan.end(side).name.as_str());
        let at = match (side, remark.path.as_str()) {
            (Some(side), "") => format!("{side}: "),
            (Some(side), path) => format!("{}/{path}: ", side.trim_end_matches('/')),
            (None, "") => String::new(),
            (None, path) => format!("{path}: "),
        };
        output::say(&format!("{at}{}", remark.words));
    }
    let more = plan.remarks.len().saturating_sub(MOST_SAID) as u64 + plan.more_remarks;
    if more > 0 {
        output::say(&format!("and {more} more remarks"));
    }
}

fn print(plan: &Plan, json: bool) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for at in 0..plan.len() {
        if json {
            plan.write_row(at, &mut out)?;
        } else {
            writeln!(out, "{}", line(plan, at))?;
        }
    }
    if json {
        plan.write_summary(&mut out)?;
    }
    out.flush()?;
    drop(out);
    if !json {
        output::say(&plan.totals().words());
    }
    Ok(())
}

/// A row for a person: `update -> docs/a.txt (SRC is newer)`.
fn line(plan: &Plan, at: usize) -> String {
    let Some(row) = plan.row(at) else { return String::new() };
    let arrow = match row.decision.changes() {
        Some(SyncSide::Right) => "->",
        Some(SyncSide::Left) => "<-",
        None => "--",
    };
    let slash = if row.is_dir() { "/" } else { "" };
    let path = text::display_safe(&plan.path(at));
    let why = row.finding.words("SRC", "DST");
    format!("{:<11} {arrow} {path}{slash} ({why})", row.effect().name())
}

fn differences(plan: &Plan) -> ExitCode {
    match (plan.is_empty(), plan.is_incomplete) {
        (false, _) => ExitCode::Differences,
        (true, true) => ExitCode::Partial,
        (true, false) => ExitCode::Ok,
    }
}

fn write_new(plan: &Plan, file: &Path) -> Result<(), Failure> {
    let written = OpenOptions::new().write(true).create_new(true).open(file).and_then(|opened| {
        let mut out = BufWriter::new(opened);
        plan.write(&mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    });
    written.map_err(|error| {
        let next = if error.kind() == io::ErrorKind::AlreadyExists { "Choose another name, or remove the file first." } else { "" };
        Failure::because(ExitCode::Local, format!("the plan could not be written to {}", shown(file)), error.to_string(), next)
    })
}

fn unreadable(file: &Path, error: &PlanFileError) -> Failure {
    let next = match error {
        PlanFileError::Version(_) => "Use the program that wrote it, or compare again.",
        _ => "Compare again to make a new one.",
    };
    Failure::unreadable(&shown(file), error, next)
}

fn failure(error: &CompareError, order: &CompareOrder) -> Failure {
    match error {
        CompareError::Side(side, error) => {
            let end = if *side == SyncSide::Left { &order.left } else { &order.right };
            let advice = Advice {
                what: format!("Cannot {} {}", error.attempted, error.path.as_ref().map_or_else(|| end.name.clone(), FilePath::display)),
                ..Advice::from(error)
            };
            Failure { code: ExitCode::of(error, end.place != Place::Local), advice }
        }
        CompareError::Pattern(error) => Failure::usage(error.to_string(), "Patterns are those of a .gitignore, such as *.tmp or /build/."),
        CompareError::Overlap => Failure::usage(error.to_string(), "Name two folders that lie beside each other."),
    }
}

fn options(command: &Synchronise) -> SyncOptions {
    SyncOptions {
        direction: match command.direction {
            DirectionArgument::Right => Direction::Right,
            DirectionArgument::Left => Direction::Left,
            DirectionArgument::Both => Direction::Both,
        },
        deletion: match command.delete {
            None => Deletion::No,
            Some(DeleteArgument::Trash) => Deletion::Trash,
            Some(DeleteArgument::Permanent) => Deletion::Permanent,
        },
        comparison: if command.checksum { Comparison::Content } else { Comparison::Times },
        links: match command.links {
            LinksArgument::Skip => Links::Skip,
            LinksArgument::Keep => Links::Keep,
        },
        hidden: !command.no_hidden,
        replace_newer: command.overwrite_newer,
        empty_source: command.empty_source,
        measure_clocks: !command.no_clock && !command.dry_run,
        rules: Rules {
            exclude: command.exclude.clone(),
            include: command.include.clone(),
            min_size: command.min_size,
            max_size: command.max_size,
            ..Rules::default()
        },
    }
}

fn shown(file: &Path) -> String {
    text::display_safe(file.as_os_str().as_encoded_bytes())
}
