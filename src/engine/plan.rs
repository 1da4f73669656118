//! Walks what a copy or move takes along, and hands out files while it walks. It makes the folders, it copies nothing.
//!
//! Symbolic links: copied as links, followed or left out as the job has it ([`Links`]); where nothing was chosen, they are
//! copied as links where both places can make them, as mc does, else followed. A copied link keeps its text, wherever it
//! leads: those that lead out of what is copied are counted. Followed, what it leads to is copied under the link's name; a
//! link that leads back to a folder above it, or nowhere, fails by name, and no path grows deeper than [`MAX_DEPTH`].

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};

use super::copy::End;
use super::job::{JobKind, Links, Outcome};
use super::lane::{Lane, Patience};
use super::running::Job;
use super::settle::settle_folder;
use super::twins::Twins;
use super::workers::Workers;
use crate::model::{Entry, EntryName, FilePath, Kind};
use crate::vfs::{FileSystem, FsError, FsErrorKind, FsResult, NewMetadata, Replace, list_with_facts};

/// Folders below the selected one; deeper is taken for a loop.
pub(super) const MAX_DEPTH: usize = 64;
/// Links in a row; more are taken for a loop.
const MAX_LINKS: usize = 16;

/// A file (or link) to copy.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) from: FilePath,
    pub(super) to: FilePath,
    /// What is known of what will be read.
    pub(super) facts: Entry,
    /// Make a link with this text instead.
    pub(super) link: Option<Box<[u8]>>,
    /// The folder it goes to was made by this job, so nothing is in the way.
    pub(super) fresh: bool,
    /// Another one beside it differs from it in nothing but case or composition: some places take the two for one.
    pub(super) has_twin: bool,
    /// In a move: whether the source goes once it is copied. Never behind a link.
    pub(super) consume: bool,
}

/// A folder that was entered; what is left to do once its content is done.
#[derive(Debug)]
pub(super) struct Entered {
    pub(super) from: FilePath,
    pub(super) to: FilePath,
    pub(super) metadata: Option<NewMetadata>,
    pub(super) consume: Consume,
}

/// What a move does with an entered folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consume {
    /// It goes if it is empty.
    Folder,
    /// It is a link that was followed; the link goes if the whole job left nothing behind.
    Link,
    /// It stays.
    No,
}

/// Something found, not yet looked into.
struct Found {
    from: FilePath,
    to: FilePath,
    entry: Entry,
    fresh: bool,
    has_twin: bool,
    consume: bool,
    /// The real folders it was reached through, innermost last.
    above: Arc<Vec<FilePath>>,
}

/// Walks the items of a job.
pub(super) struct Walk<'a> {
    job: &'a Job,
    lane: &'a Mutex<Lane>,
    workers: &'a Workers,
    steps: mpsc::Sender<Step>,
    entered: Vec<Entered>,
    left: Vec<Found>,
    /// The job's two folders without links, where they are in one place.
    real_dirs: Option<(FilePath, FilePath)>,
    items: HashSet<EntryName>,
}

/// An operation of the walk.
#[derive(Clone, Copy)]
enum Ask<'a> {
    /// The facts of a path.
    Stat(End, &'a FilePath),
    /// The facts of several names in a folder of the source.
    StatMany(&'a FilePath, &'a [EntryName]),
    /// A folder's entries with their facts.
    List(&'a FilePath),
    /// A folder at the target; no entry: it was made, an entry: this was there.
    MakeDir(&'a FilePath),
    /// A rename within one place.
    Rename(&'a FilePath, &'a FilePath),
}

impl<'a> Walk<'a> {
    pub(super) fn new(job: &'a Job, lane: &'a Mutex<Lane>, workers: &'a Workers, steps: mpsc::Sender<Step>) -> Self {
        Self {
            job,
            lane,
            workers,
            steps,
            entered: Vec::new(),
            left: Vec::new(),
            real_dirs: None,
            items: job.spec.items.iter().cloned().collect(),
        }
    }

    /// Walks everything; files go out as steps meanwhile. Answers the folders entered, outer ones first.
    pub(super) async fn run(mut self) -> Vec<Entered> {
        let spec = &self.job.spec;
        let mut known = Vec::new();
        // Where a server describes no single file, each look is a listing: one does for all.
        if spec.items.len() > 1 && spec.options.only.is_empty() {
            known = self.ask(Ask::StatMany(&spec.from_dir, &spec.items)).await.unwrap_or_default();
        }
        let mut known = known.into_iter().peekable();
        let pairs = spec.pairs();
        let names: Vec<EntryName> = pairs.iter().filter_map(|(from, _)| from.name()).collect();
        let twins = Twins::among(names.iter().map(EntryName::as_bytes));
        for (from, to) in pairs {
            let name = from.name();
            let name = name.as_ref().map_or(&b""[..], EntryName::as_bytes);
            let entry = known.next_if(|entry| entry.raw_name() == name);
            if let Err(error) = self.begin(&from, &to, entry, twins.has(name)).await {
                self.job.failed(&from, Some(&to), error).await;
            }
            while let Some(found) = self.left.pop() {
                if self.job.stop.is_cancelled() {
                    return self.entered;
                }
                let (from, to) = (found.from.clone(), found.to.clone());
                if let Err(error) = self.take(found).await {
                    self.job.failed(&from, Some(&to), error).await;
                }
            }
        }
        self.job.counted();
        self.entered
    }

    async fn begin(&mut self, from: &FilePath, to: &FilePath, known: Option<Entry>, has_twin: bool) -> FsResult<()> {
        let spec = &self.job.spec;
        self.refuse_into_itself(from, to).await?;
        let entry = match known {
            Some(entry) => entry,
            None => match self.ask_one(Ask::Stat(End::Source, from)).await {
                // An earlier run moved it whole.
                Err(error) if error.kind == FsErrorKind::NotFound && spec.kind == JobKind::Move && self.job.account.is_resumed() => {
                    return Ok(());
                }
                entry => entry?,
            },
        };
        if spec.kind == JobKind::Move && spec.from == spec.to {
            match self.ask(Ask::Rename(from, to)).await {
                Ok(_) => {
                    self.job.found(1, 0);
                    self.job.ended(from, Some(to), 0, Ok(Outcome::Copied)).await;
                    return Ok(());
                }
                // Something is in the way, or the two lie on different disks: file by file, then.
                Err(error) if matches!(error.kind, FsErrorKind::AlreadyExists | FsErrorKind::Refused | FsErrorKind::Unsupported) => {}
                Err(error) => return Err(error),
            }
        }
        let above = Arc::new(Vec::from_iter(from.parent()));
        let found = Found { from: from.clone(), to: to.clone(), entry, fresh: false, has_twin, consume: spec.kind == JobKind::Move, above };
        if found.entry.kind == Kind::File {
            self.job.found(1, found.entry.size.unwrap_or(0));
        }
        self.left.push(found);
        Ok(())
    }

    /// Copying a folder into itself would never end; copying a file onto itself would lose it.
    async fn refuse_into_itself(&mut self, from: &FilePath, to: &FilePath) -> FsResult<()> {
        let spec = &self.job.spec;
        let (Some(from_name), Some(to_name)) = (from.name(), to.name()) else { return Ok(()) };
        if spec.from != spec.to {
            return Ok(());
        }
        if self.real_dirs.is_none() {
            self.real_dirs = Some((self.real(&spec.from_dir).await?, self.real(&spec.to_dir).await?));
        }
        let Some((real_from, real_to)) = &self.real_dirs else { return Ok(()) };
        let (real_from, real_to) = (real_from.join(&from_name), real_to.join(&to_name));
        if real_to == real_from {
            return Err(FsError::new(FsErrorKind::Refused, "copy", from, "source and target are the same"));
        }
        if real_to.is_within(&real_from) {
            return Err(FsError::new(FsErrorKind::Refused, "copy", from, "the target lies inside it"));
        }
        Ok(())
    }

    /// `dir` with links replaced by what they lead to: one folder may be named in two ways.
    async fn real(&self, dir: &FilePath) -> FsResult<FilePath> {
        let mut real = FilePath::root();
        for name in dir.names() {
            let next = real.join(&name);
            real = match self.ask_one(Ask::Stat(End::Source, &next)).await {
                Ok(entry) => link_target(&entry).and_then(|text| real.resolve(text).ok()).unwrap_or(next),
                // Folders above may be hidden from this user; what is seen of them then is the path itself.
                Err(error) if error.kind != FsErrorKind::Cancelled => next,
                Err(error) => return Err(error),
            };
        }
        Ok(real)
    }

    async fn take(&mut self, found: Found) -> FsResult<()> {
        match found.entry.kind {
            Kind::File => self.send(found, None).await,
            Kind::Dir => {
                let real = found.above.last().map_or_else(|| found.from.clone(), |above| real_child(above, &found.from));
                self.enter(found, real, false).await
            }
            Kind::Symlink => self.take_link(found).await,
            Kind::Other => Err(FsError::new(FsErrorKind::Refused, "copy", &found.from, "it is neither file, folder nor link")),
            Kind::Unparsed => Err(FsError::new(FsErrorKind::UnsafeName, "copy", &found.from, "")),
        }
    }

    async fn take_link(&mut self, mut found: Found) -> FsResult<()> {
        let choice = self.job.spec.options.links;
        if choice == Links::Skip {
            self.job.found(1, 0);
            self.job.link(|links| links.skipped += 1);
            self.job.ended(&found.from, Some(&found.to), 0, Ok(Outcome::Skipped)).await;
            return Ok(());
        }
        if link_target(&found.entry).is_none() {
            found.entry = self.ask_one(Ask::Stat(End::Source, &found.from)).await?;
        }
        let [source_can, target_can] = {
            let mut lane = self.lane.lock().await;
            let (source, target) = lane.both(self.job).await.map_err(|(error, _)| error)?;
            [source, target].map(|place| place.capabilities().symlinks)
        };
        let text = link_target(&found.entry).map(Box::<[u8]>::from);
        match (choice, text) {
            (Links::Copy, _) if !target_can => {
                let words = "symbolic links cannot be made there; --links follow copies what they lead to";
                return Err(FsError::new(FsErrorKind::Unsupported, "copy the link", &found.from, words));
            }
            (Links::Copy, None) => {
                return Err(FsError::new(FsErrorKind::Unsupported, "copy the link", &found.from, "its place does not tell where it leads"));
            }
            (Links::Copy | Links::AsPossible, Some(text)) if target_can && (source_can || choice == Links::Copy) => {
                let leads_out = self.leads_out(&found.from, &text);
                self.job.link(|links| links.leading_out += u64::from(leads_out));
                self.job.found(1, 0);
                return self.send(found, Some(text)).await;
            }
            _ => {}
        }
        let (real, entry) = self.behind(&found).await?;
        self.job.link(|links| links.followed += 1);
        match entry.kind {
            Kind::File => {
                self.job.found(1, entry.size.unwrap_or(0));
                found.entry = entry;
                self.send(found, None).await
            }
            Kind::Dir if found.above.iter().any(|above| above.is_within(&real)) => {
                Err(FsError::new(FsErrorKind::Refused, "copy", &found.from, "this link leads back to a folder above it"))
            }
            Kind::Dir => {
                found.entry = entry;
                self.enter(found, real, true).await
            }
            _ => Err(FsError::new(FsErrorKind::Refused, "copy", &found.from, "the link leads to neither file nor folder")),
        }
    }

    /// Whether a copied link will lead to what was not copied with it: by an absolute path, or out of the items.
    fn leads_out(&self, link: &FilePath, text: &[u8]) -> bool {
        let spec = &self.job.spec;
        let resolved = link.parent().unwrap_or_else(FilePath::root).resolve(text);
        let Some(leads_to) = resolved.ok().filter(|_| !text.starts_with(b"/")) else { return true };
        let depth = spec.from_dir.names().count();
        !leads_to.is_within(&spec.from_dir) || leads_to.names().nth(depth).is_none_or(|item| !self.items.contains(&item))
    }

    /// What a link leads to, and where that really lies.
    async fn behind(&self, found: &Found) -> FsResult<(FilePath, Entry)> {
        let mut real = found.above.last().map_or_else(|| found.from.clone(), |above| real_child(above, &found.from));
        let mut entry = found.entry.clone();
        for _ in 0..MAX_LINKS {
            if entry.kind != Kind::Symlink {
                return Ok((real, entry));
            }
            let Some(target) = link_target(&entry) else {
                // The place does not tell where it leads, perhaps what to; read through it.
                let kind = entry.details.as_ref().and_then(|details| details.target_kind).unwrap_or(Kind::File);
                return Ok((real, Entry::new(entry.raw_name(), kind)));
            };
            real = real.parent().unwrap_or_else(FilePath::root).resolve(target).map_err(|_| dangling(&found.from))?;
            entry = match self.ask_one(Ask::Stat(End::Source, &real)).await {
                Err(error) if error.kind == FsErrorKind::NotFound => return Err(dangling(&found.from)),
                result => result?,
            };
        }
        Err(FsError::new(FsErrorKind::Refused, "copy", &found.from, "the link leads in a circle"))
    }

    async fn enter(&mut self, mut found: Found, real: FilePath, followed: bool) -> FsResult<()> {
        if found.above.len() > MAX_DEPTH {
            return Err(FsError::new(FsErrorKind::Refused, "copy", &found.from, "too many folders below each other; a loop?"));
        }
        self.workers.expect_work();
        // Listed before the target is made: should it come to lie inside after all, it is not among its own content.
        let entries = self.ask(Ask::List(&found.from)).await?;
        let mut there = self.ask(Ask::MakeDir(&found.to)).await?.pop();
        if let Some(taken) = there.as_ref().filter(|_| found.has_twin) {
            let to = {
                let mut lane = self.lane.lock().await;
                let target = lane.target(self.job).await?;
                self.job.unless_stopped(settle_folder(self.job, target, (&found.from, &found.to), &found.entry, taken)).await?
            };
            let Some(to) = to else {
                self.job.found(1, 0);
                self.job.ended(&found.from, Some(&found.to), 0, Ok(Outcome::Skipped)).await;
                return Ok(());
            };
            if to != found.to {
                found.to = to;
                there = self.ask(Ask::MakeDir(&found.to)).await?.pop();
            }
        }
        let fresh = there.is_none();
        let metadata =
            fresh.then(|| NewMetadata { modified: found.entry.modified, mode: found.entry.mode().map(|mode| mode & self.job.mode_mask()) });
        let consume = match (found.consume, followed) {
            (true, false) => Consume::Folder,
            (true, true) => Consume::Link,
            (false, _) => Consume::No,
        };
        self.entered.push(Entered { from: found.from.clone(), to: found.to.clone(), metadata, consume });

        let files = entries.iter().filter(|entry| entry.kind == Kind::File && entry.name().is_ok());
        let (count, bytes) = files.fold((0, 0), |(count, bytes), file| (count + 1, u64::saturating_add(bytes, file.size.unwrap_or(0))));
        self.job.found(count, bytes);
        let above = Arc::new([found.above.as_slice(), &[real]].concat());
        let twins = Twins::among(entries.iter().map(Entry::raw_name));
        for entry in entries {
            let name = match entry.name() {
                Ok(name) => name,
                Err(why) => {
                    let error = FsError::new(FsErrorKind::UnsafeName, "copy", &found.from, format!("{}: {why}", entry.display_name()));
                    self.job.failed(&found.from, Some(&found.to), error).await;
                    continue;
                }
            };
            let child = Found {
                from: found.from.join(&name),
                to: found.to.join(&name),
                has_twin: twins.has(entry.raw_name()),
                entry,
                fresh,
                consume: found.consume && !followed,
                above: Arc::clone(&above),
            };
            if child.entry.kind == Kind::File { self.send(child, None).await? } else { self.left.push(child) }
        }
        Ok(())
    }

    async fn send(&self, found: Found, link: Option<Box<[u8]>>) -> FsResult<()> {
        let Found { from, to, entry: facts, fresh, has_twin, consume, .. } = found;
        let step = Step { from, to, facts, link, fresh, has_twin, consume };
        // Nobody takes steps any more only when the job is stopped.
        let sent = async {
            drop(self.steps.send(step).await);
            Ok(())
        };
        self.job.unless_stopped(sent).await
    }

    async fn ask_one(&self, ask: Ask<'_>) -> FsResult<Entry> {
        let nothing = || FsError::connection(FsErrorKind::NotFound, "look", "");
        self.ask(ask).await?.pop().ok_or_else(nothing)
    }

    /// Asks, on a new connection where the old one was lost.
    async fn ask(&self, ask: Ask<'_>) -> FsResult<Vec<Entry>> {
        let mut patience = Patience::default();
        loop {
            let mut lane = self.lane.lock().await;
            match self.job.unless_stopped(answer(self.job, &mut lane, ask)).await {
                Err(error) if error.is_connection_lost() => {
                    lane.lost(ask.end());
                    drop(lane);
                    if !patience.again(self.job, &error).await {
                        return Err(error);
                    }
                }
                result => return result,
            }
        }
    }
}

impl Ask<'_> {
    fn end(self) -> End {
        match self {
            Self::Stat(end, _) => end,
            Self::StatMany(..) | Self::List(_) | Self::Rename(..) => End::Source,
            Self::MakeDir(_) => End::Target,
        }
    }
}

async fn answer(job: &Job, lane: &mut Lane, ask: Ask<'_>) -> FsResult<Vec<Entry>> {
    let place = match ask.end() {
        End::Source => lane.source(job).await?,
        End::Target => lane.target(job).await?,
    };
    match ask {
        Ask::Stat(_, path) => place.stat(path).await.map(|entry| vec![entry]),
        Ask::StatMany(dir, names) => place.stat_many(dir, names).await,
        Ask::List(dir) => list_with_facts(place, dir).await,
        Ask::MakeDir(dir) => make_dir(place, dir).await.map(Vec::from_iter),
        Ask::Rename(from, to) => place.rename(from, to, Replace::No).await.map(|()| Vec::new()),
    }
}

/// Makes a folder; answers what was there already, if that is a folder too.
pub(super) async fn make_dir(place: &dyn FileSystem, dir: &FilePath) -> FsResult<Option<Entry>> {
    let Err(error) = place.make_dir(dir).await else { return Ok(None) };
    if error.is_connection_lost() {
        return Err(error);
    }
    // Not every server tells this failure from others, so look.
    match place.stat(dir).await {
        Ok(entry) if entry.kind == Kind::Dir => Ok(Some(entry)),
        // As cp: a listing may name a link and then a folder, to have files written where the link leads.
        Ok(entry) if entry.kind == Kind::Symlink => {
            let words = "a link of that name is in the way, and nothing is written through links";
            Err(FsError::new(FsErrorKind::AlreadyExists, "make the folder", dir, words))
        }
        Ok(_) => Err(FsError::new(FsErrorKind::AlreadyExists, "make the folder", dir, "a file of that name is in the way")),
        Err(_) => Err(error),
    }
}

fn real_child(above: &FilePath, path: &FilePath) -> FilePath {
    path.name().map_or_else(|| above.clone(), |name| above.join(&name))
}

fn link_target(entry: &Entry) -> Option<&[u8]> {
    entry.details.as_ref().and_then(|details| details.target.as_deref()).filter(|_| entry.kind == Kind::Symlink)
}

fn dangling(path: &FilePath) -> FsError {
    FsError::new(FsErrorKind::NotFound, "copy", path, "the link leads nowhere")
}
