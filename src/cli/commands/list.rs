//! `ls` and `cat`: reading.

use std::io::{self, Write};

use serde_json::json;
use tokio::sync::mpsc;

use super::super::args::{Cat, Ls};
use super::super::exit::{ExitCode, Failure};
use super::super::output;
use super::super::places::{Connections, Spot};
use crate::engine::{Engine, Place};
use crate::model::sort::{Sort, order};
use crate::model::{Entry, Kind};

/// Lists a folder, or tells of one file.
pub(in crate::cli) async fn ls(engine: &Engine, command: &Ls) -> Result<ExitCode, Failure> {
    let spot = Connections::new(engine, command.common.allow_plain).reach(&command.location).await?;
    let remote = spot.place != Place::Local;
    let failed = |error| Failure::file(&error, remote);
    let is_dir = spot.path.is_root() || spot.folder || engine.stat(spot.place, &spot.path).await.map_err(failed)?.is_enterable();
    let entries = if is_dir { whole(engine, &spot).await? } else { vec![engine.stat(spot.place, &spot.path).await.map_err(failed)?] };
    let shown = order(&entries, Sort::default(), command.all || command.common.json || !is_dir, "");
    let printed = shown.iter().try_for_each(|&at| {
        let entry = &entries[at as usize];
        if command.common.json {
            output::json_line(&output::entry_json(entry))
        } else if command.long {
            output::line(&output::entry_long(entry))
        } else {
            output::line(&entry.display_name())
        }
    });
    let summed = printed.and_then(|()| {
        if command.common.json {
            let unparsed = entries.iter().filter(|entry| entry.kind == Kind::Unparsed).count();
            output::json_line(&json!({ "summary": { "entries": entries.len(), "unparsed": unparsed } }))
        } else {
            Ok(())
        }
    });
    closed_pipe_is_fine(summed)
}

/// A whole listing with facts.
async fn whole(engine: &Engine, spot: &Spot) -> Result<Vec<Entry>, Failure> {
    let failed = |error| Failure::file(&error, spot.place != Place::Local);
    let (sender, mut batches) = mpsc::channel(4);
    let mut entries = Vec::new();
    let collect = async {
        while let Some(batch) = batches.recv().await {
            entries.extend(batch);
        }
    };
    let (listed, ()) = tokio::join!(engine.list(spot.place, &spot.path, sender), collect);
    listed.map_err(failed)?;
    if spot.place == Place::Local {
        let names: Vec<_> = entries.iter().filter_map(|entry| entry.name().ok()).collect();
        let odd: Vec<_> = entries.into_iter().filter(|entry| entry.name().is_err()).collect();
        entries = engine.stat_many(spot.place, &spot.path, &names).await.map_err(failed)?;
        entries.extend(odd);
    }
    Ok(entries)
}

/// Writes a file to standard output, whole or not at all reported as done.
pub(in crate::cli) async fn cat(engine: &Engine, command: &Cat) -> Result<ExitCode, Failure> {
    let spot = Connections::new(engine, command.common.allow_plain).reach(&command.location).await?;
    let failed = |error| Failure::file(&error, spot.place != Place::Local);
    let place = engine.lease(spot.place).await.map_err(failed)?;
    let mut source = place.open(&spot.path, 0).await.map_err(failed)?;
    while let Some(chunk) = source.read().await.map_err(failed)? {
        let written = tokio::task::spawn_blocking(move || io::stdout().lock().write_all(&chunk)).await;
        if let Err(error) = written.map_err(io::Error::other).flatten() {
            source.abort().await;
            return closed_pipe_is_fine(Err(error));
        }
    }
    closed_pipe_is_fine(io::stdout().lock().flush())
}

/// `| head` closes the pipe on purpose.
fn closed_pipe_is_fine(result: io::Result<()>) -> Result<ExitCode, Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let mut failure = Failure::usage(format!("cannot write to standard output: {error}"), "");
            failure.code = ExitCode::Local;
            Err(failure)
        }
        _ => Ok(ExitCode::Ok),
    }
}
