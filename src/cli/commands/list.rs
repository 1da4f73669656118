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
use crate::vfs::FsResult;

/// Lists a folder, or tells of one file.
pub(in crate::cli) async fn ls(engine: &Engine, command: &Ls) -> Result<ExitCode, Failure> {
    let spot = Connections::new(engine, &command.common).reach(&command.location).await?;
    let (entries, is_dir) = look(engine, &spot).await.map_err(|error| Failure::file(&error, spot.is_remote()))?;
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

/// What is in a folder, or the one entry that is no folder; and which of the two.
async fn look(engine: &Engine, spot: &Spot) -> FsResult<(Vec<Entry>, bool)> {
    if spot.path.is_root() || spot.folder {
        return Ok((whole(engine, spot).await?, true));
    }
    let entry = engine.stat(spot.place, &spot.path).await?;
    if !entry.is_enterable() {
        return Ok((vec![entry], false));
    }
    match whole(engine, spot).await {
        // A link nobody looked behind: it leads to no folder.
        Err(error) if entry.kind == Kind::Symlink && !error.is_connection_lost() => Ok((vec![entry], false)),
        listed => Ok((listed?, true)),
    }
}

/// A whole listing with facts.
async fn whole(engine: &Engine, spot: &Spot) -> FsResult<Vec<Entry>> {
    let (sender, mut batches) = mpsc::channel(4);
    let mut entries = Vec::new();
    let collect = async {
        while let Some(batch) = batches.recv().await {
            entries.extend(batch);
        }
    };
    let (listed, ()) = tokio::join!(engine.list(spot.place, &spot.path, sender), collect);
    listed?;
    if spot.place == Place::Local {
        let names: Vec<_> = entries.iter().filter_map(|entry| entry.name().ok()).collect();
        let odd: Vec<_> = entries.into_iter().filter(|entry| entry.name().is_err()).collect();
        entries = engine.stat_many(spot.place, &spot.path, &names).await?;
        entries.extend(odd);
    }
    Ok(entries)
}

/// Writes a file to standard output, whole or not at all reported as done.
pub(in crate::cli) async fn cat(engine: &Engine, command: &Cat) -> Result<ExitCode, Failure> {
    let spot = Connections::new(engine, &command.common).reach(&command.location).await?;
    let failed = |error| Failure::file(&error, spot.is_remote());
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
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::output(&error)),
        _ => Ok(ExitCode::Ok),
    }
}
