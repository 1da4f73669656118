//! `mkdir`: making folders.

use serde_json::{Map, json};

use super::super::args::Mkdir;
use super::super::exit::{ExitCode, Failure};
use super::super::output;
use super::super::places::{Connections, Spot};
use crate::engine::Engine;
use crate::vfs::{FsError, FsErrorKind, FsResult};

/// Makes folders; with `--parents` missing parents too. One that fails does not keep the others from being made.
pub(in crate::cli) async fn mkdir(engine: &Engine, command: &Mkdir) -> Result<ExitCode, Failure> {
    let common = &command.common;
    let mut connections = Connections::new(engine, common);
    let (mut made, mut failed) = (0, Vec::new());
    for location in &command.locations {
        let spot = connections.reach(location).await?;
        let result = if command.parents { make_with_parents(engine, &spot).await } else { engine.make_dir(spot.place, &spot.path).await };
        let mut line = Map::new();
        output::put_name(&mut line, "target", &connections.name(spot.place, &spot.path));
        line.insert("outcome".into(), json!(if result.is_ok() { "made" } else { "failed" }));
        match result {
            Ok(()) => made += 1,
            Err(error) => {
                line.insert("error".into(), json!(error.to_string()));
                failed.push(Failure::file(&error, spot.is_remote()).report());
            }
        }
        if common.json {
            output::json_line(&line).map_err(|error| Failure::output(&error))?;
        }
    }
    if common.json {
        let summary = json!({ "summary": { "done": made, "failed": failed.len() } });
        output::json_line(&summary).map_err(|error| Failure::output(&error))?;
    }
    Ok(match failed.first() {
        None => ExitCode::Ok,
        Some(&code) if made == 0 => code,
        Some(_) => ExitCode::Partial,
    })
}

async fn make_with_parents(engine: &Engine, spot: &Spot) -> FsResult<()> {
    let mut missing = Vec::new();
    let mut path = spot.path.clone();
    loop {
        match engine.stat(spot.place, &path).await {
            Ok(entry) if entry.is_enterable() => break,
            Ok(_) => return Err(FsError::new(FsErrorKind::NotADirectory, "make the folder", &path, "")),
            Err(error) if error.kind == FsErrorKind::NotFound => missing.push(path.clone()),
            Err(error) => return Err(error),
        }
        match path.parent() {
            Some(parent) => path = parent,
            None => break,
        }
    }
    for path in missing.iter().rev() {
        match engine.make_dir(spot.place, path).await {
            // Somebody else was quicker.
            Err(error) if error.kind == FsErrorKind::AlreadyExists => {}
            made => made?,
        }
    }
    Ok(())
}
