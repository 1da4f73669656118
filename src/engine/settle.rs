//! What becomes of a file or folder whose name is taken at the target: by the job's policy, or by a person's answer.

use super::conflict::{self, Resolution};
use super::job::ConflictPolicy;
use super::plan::Step;
use super::running::Job;
use crate::ask::{ConflictAction, ConflictQuestion, FileFacts, Scope};
use crate::model::{Difference, Entry, EntryName, FilePath, Situation, folded};
use crate::vfs::{FileSystem, FsError, FsErrorKind, FsResult, Replace, list_all};

/// Free names tried before giving up.
const MAX_NUMBER: u32 = 999;

/// What is settled about a step between two tries.
pub(super) struct Settled {
    /// Where it goes; `None`: it is skipped.
    pub(super) to: Option<(FilePath, Replace)>,
    /// It goes on behind what is there.
    pub(super) in_place: bool,
}

/// The answers of a person that hold for more than the file they were asked about.
#[derive(Debug, Default)]
pub(super) struct Answers {
    rest: Option<ConflictAction>,
    alike: Vec<(Situation, ConflictAction)>,
    collisions: Option<ConflictAction>,
}

impl Answers {
    fn find(&self, question: &ConflictQuestion) -> Option<ConflictAction> {
        let known = if question.is_collision {
            self.collisions.or(self.rest.filter(|action| !action.compares() && *action != ConflictAction::Overwrite))
        } else {
            let situation = question.difference.situation();
            self.alike.iter().find(|(alike, _)| *alike == situation).map(|(_, action)| *action).or(self.rest)
        };
        known.filter(|action| question.offers(*action))
    }

    fn keep(&mut self, question: &ConflictQuestion, action: ConflictAction, scope: Scope) {
        match scope {
            Scope::This => {}
            // That one of two names is given up says nothing of files that are merely older.
            Scope::Alike | Scope::RestOfJob if question.is_collision => self.collisions = Some(action),
            Scope::Alike => self.alike.push((question.difference.situation(), action)),
            Scope::RestOfJob => self.rest = Some(action),
        }
    }
}

/// One that is to be copied, and what is in its way.
struct Clash<'a> {
    from: &'a FilePath,
    to: &'a FilePath,
    facts: &'a Entry,
    there: &'a Entry,
    /// The name it has there, where that is not the one asked for.
    other: Option<EntryName>,
}

/// Where `step` goes, as the job's policy or a person has it.
pub(super) async fn settle(job: &Job, target: &dyn FileSystem, step: &Step) -> FsResult<Settled> {
    let straight = Settled { to: Some((step.to.clone(), Replace::No)), in_place: false };
    if step.fresh && !step.has_twin {
        return Ok(straight);
    }
    let there = match target.stat(&step.to).await {
        Ok(entry) => entry,
        Err(error) if error.kind == FsErrorKind::NotFound => return Ok(straight),
        Err(error) => return Err(error),
    };
    let other = if step.has_twin { other_name(job, target, &step.to).await? } else { None };
    let clash = Clash { from: &step.from, to: &step.to, facts: &step.facts, there: &there, other };
    let resolution = resolve(job, target, &clash).await?;
    let in_place = resolution == Resolution::Resume;
    if in_place && !(target.capabilities().append && target.capabilities().read_from) {
        return Err(FsError::unsupported("go on with", &step.to));
    }
    let to = match resolution {
        Resolution::Overwrite | Resolution::Resume => Some((step.to.clone(), Replace::Yes)),
        Resolution::Rename => Some((beside(&step.to, &free_name(target, &step.to).await?), Replace::No)),
        Resolution::DateName => Some((beside(&step.to, &free_dated_name(target, &step.to).await?), Replace::No)),
        Resolution::Skip | Resolution::Ask => None,
        Resolution::Refuse(why) => return Err(FsError::new(FsErrorKind::IsADirectory, "write", &step.to, why)),
    };
    Ok(Settled { to, in_place })
}

/// Where a folder goes that was found at the target as `there`, though another of the same copy may have made it; `None`:
/// it is skipped. `Ok(Some(to))` where it is the folder itself.
pub(super) async fn settle_folder(
    job: &Job,
    target: &dyn FileSystem,
    (from, to): (&FilePath, &FilePath),
    facts: &Entry,
    there: &Entry,
) -> FsResult<Option<FilePath>> {
    let Some(other) = other_name(job, target, to).await? else { return Ok(Some(to.clone())) };
    let clash = Clash { from, to, facts, there, other: Some(other) };
    Ok(match resolve(job, target, &clash).await? {
        Resolution::Rename => Some(beside(to, &free_name(target, to).await?)),
        Resolution::DateName => Some(beside(to, &free_dated_name(target, to).await?)),
        _ => None,
    })
}

async fn resolve(job: &Job, target: &dyn FileSystem, clash: &Clash<'_>) -> FsResult<Resolution> {
    match clash.decide(job.spec.conflicts) {
        Resolution::Ask => ask(job, target, clash).await,
        decided => Ok(decided),
    }
}

impl Clash<'_> {
    fn decide(&self, policy: ConflictPolicy) -> Resolution {
        match self.other {
            Some(_) => conflict::decide_collision(policy),
            None => conflict::decide(policy, self.facts, self.there),
        }
    }

    fn follow(&self, action: ConflictAction) -> Resolution {
        if self.other.is_some() && action == ConflictAction::Overwrite {
            return conflict::decide(ConflictPolicy::Overwrite, self.facts, self.there);
        }
        self.decide(match action {
            ConflictAction::Overwrite => ConflictPolicy::Overwrite,
            ConflictAction::Skip => ConflictPolicy::Skip,
            ConflictAction::Rename => ConflictPolicy::Rename,
            ConflictAction::DateName => ConflictPolicy::DateName,
            ConflictAction::Resume => ConflictPolicy::Resume,
            ConflictAction::Newer => ConflictPolicy::Newer,
            ConflictAction::Larger => ConflictPolicy::Larger,
            ConflictAction::DateDiffers => ConflictPolicy::DateDiffers,
            ConflictAction::SizeDiffers => ConflictPolicy::SizeDiffers,
            ConflictAction::Differs => ConflictPolicy::Differs,
        })
    }
}

/// Asks a person, one question at a time, or takes the answer given for files like this one.
async fn ask(job: &Job, target: &dyn FileSystem, clash: &Clash<'_>) -> FsResult<Resolution> {
    let mut answers = job.answers.lock().await;
    let facts = |path: FilePath, entry: &Entry| FileFacts { path, kind: entry.kind, size: entry.size, modified: entry.modified };
    let there = clash.other.as_ref().map_or_else(|| clash.to.clone(), |other| beside(clash.to, other));
    let mut question = ConflictQuestion {
        source: facts(clash.from.clone(), clash.facts),
        target: facts(there, clash.there),
        difference: Difference::between(clash.facts, clash.there),
        free_name: clash.to.name().ok_or_else(|| taken(clash.to))?,
        dated_name: dated_name(clash.to)?,
        can_resume: clash.other.is_none() && conflict::can_resume(clash.facts, clash.there),
        is_collision: clash.other.is_some(),
    };
    // A rule that was given for all and cannot tell of this file is no answer.
    let known = answers.find(&question).map(|action| clash.follow(action)).filter(|resolution| *resolution != Resolution::Ask);
    if let Some(known) = known {
        return Ok(known);
    }
    question.free_name = free_name(target, clash.to).await?;
    match job.prompter.conflict(question.clone()).await {
        Ok(answer) => {
            answers.keep(&question, answer.action, answer.scope);
            Ok(clash.follow(answer.action))
        }
        // Left out without a word, one of the two would be missed only when it is too late.
        Err(_) => match &clash.other {
            Some(other) => {
                let words = format!("names that differ only in case or accents are one there, and {} came first", other.display());
                Err(FsError::new(FsErrorKind::AlreadyExists, "copy to", clash.to, words))
            }
            None => {
                job.unanswered();
                Ok(Resolution::Skip)
            }
        },
    }
}

/// The name under which something was found at `path`, where that place takes it for the name asked for. Each folder is
/// listed only until it shows that it keeps such names apart.
async fn other_name(job: &Job, target: &dyn FileSystem, path: &FilePath) -> FsResult<Option<EntryName>> {
    let (folder, name) = path.parent().zip(path.name()).ok_or_else(|| taken(path))?;
    if job.keeps_apart(&folder) {
        return Ok(None);
    }
    let entries = list_all(target, &folder).await?;
    let fold = folded(name.as_bytes());
    let mut alike: Vec<_> = entries.iter().filter(|entry| folded(entry.raw_name()) == fold).collect();
    if alike.len() > 1 {
        job.learn_apart(folder);
        return Ok(None);
    }
    Ok(alike.pop().filter(|entry| entry.raw_name() != name.as_bytes()).and_then(|entry| entry.name().ok()))
}

fn beside(path: &FilePath, name: &EntryName) -> FilePath {
    path.parent().unwrap_or_else(FilePath::root).join(name)
}

fn taken(path: &FilePath) -> FsError {
    FsError::new(FsErrorKind::AlreadyExists, "find a free name for", path, "")
}

async fn free_name(target: &dyn FileSystem, path: &FilePath) -> FsResult<EntryName> {
    let (folder, name) = path.parent().zip(path.name()).ok_or_else(|| taken(path))?;
    for number in 2..=MAX_NUMBER {
        let free = conflict::numbered(&name, number);
        if is_free(target, &folder.join(&free)).await? {
            return Ok(free);
        }
    }
    Err(taken(path))
}

async fn free_dated_name(target: &dyn FileSystem, path: &FilePath) -> FsResult<EntryName> {
    let dated = beside(path, &dated_name(path)?);
    if is_free(target, &dated).await? { dated.name().ok_or_else(|| taken(path)) } else { free_name(target, &dated).await }
}

async fn is_free(target: &dyn FileSystem, path: &FilePath) -> FsResult<bool> {
    match target.stat(path).await {
        Ok(_) => Ok(false),
        Err(error) if error.kind == FsErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// The name with the time of this copy: that of the file is the same each night it was not touched.
fn dated_name(path: &FilePath) -> FsResult<EntryName> {
    let name = path.name().ok_or_else(|| taken(path))?;
    Ok(conflict::dated(&name, &jiff::Zoned::now()))
}
