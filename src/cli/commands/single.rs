//! `mkdir`: making folders.

use super::super::args::Mkdir;
use super::super::exit::{ExitCode, Failure};
use super::super::output;
use super::super::places::{Connections, Spot};
use crate::engine::{Engine, Place};
use crate::vfs::{FsErrorKind, FsResult};

/// Makes folders; with `--parents` missing parents too.
pub(in crate::cli) async fn mkdir(engine: &Engine, command: &Mkdir) -> Result<ExitCode, Failure> {
    let mut connections = Connections::new(engine, command.common.allow_plain);
    let mut done = 0;
    for location in &command.locations {
        let spot = connections.reach(location).await?;
        let made = if command.parents { make_with_parents(engine, &spot).await } else { engine.make_dir(spot.place, &spot.path).await };
        made.map_err(|error| Failure::file(&error, spot.place != Place::Local))?;
        done += 1;
        if command.common.json {
            drop(output::json_line(&serde_json::json!({ "target": spot.name, "outcome": "made" })));
        }
    }
    if command.common.json {
        drop(output::json_line(&serde_json::json!({ "summary": { "made": done } })));
    }
    Ok(ExitCode::Ok)
}

async fn make_with_parents(engine: &Engine, spot: &Spot) -> FsResult<()> {
    let mut missing = Vec::new();
    let mut path = spot.path.clone();
    loop {
        match engine.stat(spot.place, &path).await {
            Ok(_) => break,
            Err(error) if error.kind == FsErrorKind::NotFound => missing.push(path.clone()),
            Err(error) => return Err(error),
        }
        match path.parent() {
            Some(parent) => path = parent,
            None => break,
        }
    }
    for path in missing.iter().rev() {
        engine.make_dir(spot.place, path).await?;
    }
    Ok(())
}
