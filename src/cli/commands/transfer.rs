//! `copy`, `move` and `rm`: from places to jobs of the queue.

use super::super::args::{LinksArgument, OnConflict, Rm, Transfer};
use super::super::exit::{ExitCode, Failure};
use super::super::output;
use super::super::places::{Connections, Spot};
use super::super::run::News;
use super::follow::follow;
use crate::engine::{ConflictPolicy, Engine, JobKind, JobOptions, JobSpec, Links, Place, QueueOrder};
use crate::model::{EntryName, FilePath, Kind, TransferType};
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
    let is_ftp = |spot: &Spot| connections.facts(spot.place).is_some_and(|facts| facts.site.protocol.is_ftp());
    if command.transfer_type.is_some() && !spots.iter().chain([&target]).any(is_ftp) {
        let next = "Leave it out: files travel as they are here, and over SFTP.";
        return Err(Failure::usage("--transfer-type is about FTP, and none of these places is on an FTP server", next));
    }
    let transfer_type = command.transfer_type.as_ref().and_then(|word| TransferType::ALL.into_iter().find(|kind| kind.word() == word));
    if let Some(files) = command.jobs.map(usize::from) {
        engine.queue().carry_out(QueueOrder::Files(files));
        engine.queue().carry_out(QueueOrder::Jobs(files));
    }
    if let Some(rate) = command.limit {
        engine.queue().carry_out(QueueOrder::Limit(None, rate));
    }
    let links = command.links.map_or(Links::AsPossible, |links| match links {
        LinksArgument::Follow => Links::Follow,
        LinksArgument::Copy => Links::Copy,
        LinksArgument::Skip => Links::Skip,
    });
    let options = JobOptions { links, transfer_type, verify: command.verify, ..JobOptions::default() };
    let kind = if moving { JobKind::Move } else { JobKind::Copy };
    let groups = group(&connections, &spots)?;
    refuse_one_name_twice(&groups)?;
    let mut jobs: Vec<_> = groups
        .into_iter()
        .map(|((from, from_dir), items)| JobSpec {
            kind,
            from,
            from_dir,
            items,
            to: target.place,
            to_dir: to_dir.clone(),
            new_name: new_name.clone(),
            conflicts,
            options: options.clone(),
        })
        .collect();
    // What was interrupted may have made its folder already, so that the same words would now mean another one inside it.
    if let ([job], None, Some((parent, name))) = (&*jobs, &new_name, to_dir.parent().zip(to_dir.name())) {
        let before = JobSpec { to_dir: parent, new_name: Some(name), ..job.clone() };
        if engine.is_unfinished(&before).await {
            jobs = vec![before];
        }
    }
    let followed = follow(engine, news, &command.common, &connections, jobs).await?;
    // Without a person every question is answered with "skip": that is not what was ordered.
    let left = followed.report.unanswered;
    if left > 0 && news.person.is_none() {
        let files = if left == 1 { "1 file is" } else { &format!("{left} files are") };
        let words =
            if conflicts == ConflictPolicy::Ask { "--on-conflict says what to do then" } else { "their times or sizes do not tell" };
        output::say(&format!("{files} there already and not replaced; {words}"));
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
        options: JobOptions::default(),
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
        OnConflict::Differs => ConflictPolicy::Differs,
        OnConflict::Resume => ConflictPolicy::Resume,
        OnConflict::Rename => ConflictPolicy::Rename,
        OnConflict::DateName => ConflictPolicy::DateName,
    }
}
