//! `copy`, `move` and `rm`: from places to jobs of the queue.

use super::super::args::{OnConflict, Rm, Transfer};
use super::super::exit::{ExitCode, Failure};
use super::super::output;
use super::super::places::{Connections, Spot};
use super::super::run::News;
use super::follow::follow;
use crate::engine::{ConflictPolicy, Engine, JobKind, JobSpec, Place};
use crate::model::{EntryName, FilePath, Kind};
use crate::vfs::FsErrorKind;

/// Copies or moves what the command names.
pub(in crate::cli) async fn copy_or_move(engine: &Engine, news: &mut News, command: &Transfer, moving: bool) -> Result<ExitCode, Failure> {
    let mut connections = Connections::new(engine, &command.common);
    let mut spots = Vec::new();
    for source in &command.sources {
        spots.push(connections.reach(source).await?);
    }
    let target = connections.reach(&command.destination).await?;
    let (to_dir, new_name) = destination(engine, &connections, &target, spots.len()).await?;
    let conflicts = policy(command.on_conflict);
    let kind = if moving { JobKind::Move } else { JobKind::Copy };
    let groups = group(&connections, &spots)?;
    refuse_one_name_twice(&groups)?;
    let jobs = groups.into_iter().map(|((from, from_dir), items)| JobSpec {
        kind,
        from,
        from_dir,
        items,
        to: target.place,
        to_dir: to_dir.clone(),
        new_name: new_name.clone(),
        conflicts,
    });
    let followed = follow(engine, news, &command.common, &connections, jobs.collect()).await?;
    // Without a person every question is answered with "skip": that is not what was ordered.
    let left = followed.report.skipped;
    if conflicts == ConflictPolicy::Ask && left > 0 && news.person.is_none() {
        let files = if left == 1 { "1 file is" } else { &format!("{left} files are") };
        output::say(&format!("{files} there already and not replaced; --on-conflict says what to do then"));
        return Ok(ExitCode::Partial);
    }
    Ok(followed.code())
}

/// Removes what the command names.
pub(in crate::cli) async fn rm(engine: &Engine, news: &mut News, command: &Rm) -> Result<ExitCode, Failure> {
    let mut connections = Connections::new(engine, &command.common);
    let mut spots = Vec::new();
    for location in &command.locations {
        let spot = connections.reach(location).await?;
        let entry = engine.stat(spot.place, &spot.path).await.map_err(|error| Failure::file(&error, spot.is_remote()))?;
        if entry.kind == Kind::Dir && !command.recursive {
            let name = connections.shown(spot.place, &spot.path);
            return Err(Failure::usage(format!("{name} is a folder"), "Add -r to remove it with everything in it."));
        }
        spots.push(spot);
    }
    let jobs = group(&connections, &spots)?.into_iter().map(|((from, from_dir), items)| JobSpec {
        kind: JobKind::Delete,
        from,
        from_dir: from_dir.clone(),
        items,
        to: from,
        to_dir: from_dir,
        new_name: None,
        conflicts: ConflictPolicy::Ask,
    });
    Ok(follow(engine, news, &command.common, &connections, jobs.collect()).await?.code())
}

/// The folder things go to, and the new name where the destination is one.
async fn destination(
    engine: &Engine,
    connections: &Connections<'_>,
    target: &Spot,
    sources: usize,
) -> Result<(FilePath, Option<EntryName>), Failure> {
    let no_folder = || Failure::usage(format!("{} is not a folder", connections.shown(target.place, &target.path)), "");
    match engine.stat(target.place, &target.path).await {
        Ok(entry) if entry.is_enterable() => return Ok((target.path.clone(), None)),
        Ok(_) if sources > 1 || target.folder => return Err(no_folder()),
        Ok(_) => {}
        Err(error) if error.kind == FsErrorKind::NotFound && sources == 1 && !target.folder => {}
        Err(_) if target.path.is_root() => return Ok((target.path.clone(), None)),
        Err(error) => return Err(Failure::file(&error, target.is_remote())),
    }
    match (target.path.parent(), target.path.name()) {
        (Some(parent), Some(name)) => Ok((parent, Some(name))),
        _ => Ok((target.path.clone(), None)),
    }
}

/// Items in one folder of one place.
type Group = ((Place, FilePath), Vec<EntryName>);

/// Items by the place and folder they are in.
fn group(connections: &Connections<'_>, spots: &[Spot]) -> Result<Vec<Group>, Failure> {
    let mut groups: Vec<Group> = Vec::new();
    for spot in spots {
        let (Some(parent), Some(name)) = (spot.path.parent(), spot.path.name()) else {
            let name = connections.shown(spot.place, &spot.path);
            return Err(Failure::usage(format!("{name} is a whole disk or server"), "Name a folder or file in it."));
        };
        match groups.iter_mut().find(|((place, dir), _)| *place == spot.place && *dir == parent) {
            // Named twice is meant once.
            Some((_, names)) if names.contains(&name) => {}
            Some((_, names)) => names.push(name),
            None => groups.push(((spot.place, parent), vec![name])),
        }
    }
    Ok(groups)
}

/// Two items of one name would replace each other in the one folder they go to.
fn refuse_one_name_twice(groups: &[Group]) -> Result<(), Failure> {
    let mut names: Vec<&EntryName> = groups.iter().flat_map(|(_, names)| names).collect();
    names.sort_unstable();
    match names.windows(2).find(|two| two[0] == two[1]) {
        Some(two) => Err(Failure::usage(format!("two of the sources are called {}", two[0].display()), "Copy them to different folders.")),
        None => Ok(()),
    }
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
