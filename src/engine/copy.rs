//! Copies one file: to a temporary name, committed, compared, renamed. What an earlier try left is gone on with where its end
//! agrees with the source. Not who decides whether, and not who tries again.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::flow::{Flow, stopped, unless_stopped};
use super::job::Place;
use super::journal::Reach;
use super::meter::Meter;
use super::segments::Helpers;
use super::verify::Verification;
use crate::model::{Entry, FilePath};
use crate::vfs::{Create, FileSystem, FsError, FsErrorKind, FsResult, NewMetadata, Replace, Sink, Source};

/// One file to copy.
pub(super) struct FileCopy<'a> {
    pub(super) source: &'a dyn FileSystem,
    pub(super) from: &'a FilePath,
    /// What is known of the source; its size is compared with what came.
    pub(super) facts: &'a Entry,
    /// Where more connections for stretches of it come from.
    pub(super) helpers: Option<&'a Helpers<'a>>,
    pub(super) target: &'a dyn FileSystem,
    pub(super) to: &'a FilePath,
    /// Where its bytes are gathered until it is whole: a name of this copy alone, or `to` itself where the person asked to go on
    /// with what is there.
    pub(super) part: &'a FilePath,
    /// An earlier try left bytes there.
    pub(super) resume: Option<Resume>,
    pub(super) replace: Replace,
    pub(super) meter: &'a Meter,
    /// Is told how far it is.
    pub(super) reach: Option<&'a Reach>,
    pub(super) stop: &'a CancellationToken,
    /// Where its bytes are held back, and where a pause is heard of.
    pub(super) flow: &'a Flow,
    /// When stopped, what is there is left to be gone on with.
    pub(super) leaving: &'a AtomicBool,
    /// Permission bits that may travel.
    pub(super) mode_mask: u32,
    /// What arrives is compared with what was sent.
    pub(super) verification: Option<&'a Verification<'a>>,
}

/// What is believed of bytes an earlier try left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resume {
    /// The first so many are known to be safe; `None`: as many as there are.
    pub(super) good: Option<u64>,
}

/// A file that was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Copied {
    /// Bytes moved by this try.
    pub(super) moved: u64,
    /// Bytes that were there already.
    pub(super) resumed_at: u64,
    /// It has the source's time at the target.
    pub(super) time_kept: bool,
}

/// Why a file was not copied. Nothing stands under its real name.
#[derive(Debug)]
pub(super) struct CopyFailure {
    pub(super) error: FsError,
    pub(super) side: End,
    /// The unfinished file, where it is still there.
    pub(super) leftover: Option<Leftover>,
}

/// A file under its temporary name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leftover {
    pub(super) part: FilePath,
    pub(super) state: LeftoverState,
}

/// What is to be done with a file under its temporary name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeftoverState {
    /// It could not be removed.
    Useless,
    /// `moved` bytes of it are worth going on with, of which the first `good` are known to be safe; this try moved `new` of them.
    Worth { moved: u64, new: u64, good: Option<u64> },
    /// It was whole, of so many bytes, and being renamed when the line broke: if it is gone, it was renamed.
    Renaming(u64),
}

/// One end of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Source,
    Target,
}

/// How long tidying up after a failure may take.
pub(super) const TIDY: Duration = Duration::from_secs(5);
/// How long both ends are waited for in a pause.
const PAUSE: Duration = Duration::from_secs(1);
/// Fewer bytes are sent anew sooner than looked at, and nothing is noted of a file that has no more.
pub(super) const WORTH: u64 = 256 * 1024;
/// Smaller files are not synced at the receiver: for many of them that takes longer than the copy.
const SYNCED: u64 = 16 << 20;

/// Both ends open, and where they stand.
pub(super) struct Under {
    /// `None` once it was read as far as it is to be.
    pub(super) source: Option<Box<dyn Source>>,
    pub(super) sink: Box<dyn Sink>,
    /// Bytes that were there.
    pub(super) at: u64,
    /// Bytes in all that went into the sink, and those that were there.
    pub(super) moved: u64,
    /// The first bytes to move.
    pub(super) head: Bytes,
    /// Bytes that other sinks wrote.
    pub(super) elsewhere: u64,
}

impl Under {
    /// How much at the target is known to be safe.
    pub(super) fn good(&self) -> Option<u64> {
        self.sink.known_good().map(|good| self.at + good)
    }
}

impl FileCopy<'_> {
    /// Copies it. Cancelled by `stop`; then, as on every failure, it tidies up first, or leaves what is worth going on with.
    pub(super) async fn run(&self) -> Result<Copied, CopyFailure> {
        self.meter.restart();
        // Bytes that are to be compared or held back pass here, and so do those behind what an earlier try left.
        if self.resume.is_none()
            && self.verification.is_none()
            && std::ptr::addr_eq(self.source, self.target)
            && self.target.capabilities().copies_within
            && !self.flow.is_limited()
            && let Some(result) = self.run_within().await
        {
            return result;
        }
        let mut under = match self.take_up().await? {
            Some(under) => under,
            None => self.begin().await?,
        };
        self.meter.start_at(under.at);
        // Bytes that are converted have no places one could begin at.
        let is_converted = under.source.as_ref().is_some_and(|source| source.is_converted());
        // Bytes that are hashed as they pass need not be read a second time, and pass one behind the other.
        let is_hashed = self.verification.is_some() && self.source.capabilities().notices_damage;
        let is_segmented = !is_converted && !is_hashed && self.is_segmented(under.at);
        let pumped = if is_segmented { self.pump_segments(&mut under).await } else { self.pump(&mut under).await };
        if let Err((error, side)) = pumped {
            let good = under.good();
            // Of the piece that failed, a part may have arrived.
            let moved = under.moved.max(good.unwrap_or(0));
            let new = moved - under.at;
            let source = async {
                if let Some(source) = under.source {
                    source.abort().await;
                }
            };
            drop(timeout(self.tidy(), async { tokio::join!(source, under.sink.abort()) }).await);
            let state = if !is_segmented || self.cut_back(moved).await {
                LeftoverState::Worth { moved, new, good }
            } else if let Some(moved) = good.filter(|_| !self.is_here()) {
                // What lies behind is cut off by whoever goes on: there it goes by what is known to be safe.
                LeftoverState::Worth { moved, new: moved.saturating_sub(under.at), good }
            } else {
                LeftoverState::Useless
            };
            return self.give_up(state, error, side).await;
        }
        let Under { at, moved, elsewhere, .. } = under;
        let (good, sink) = (under.good(), under.sink);
        drop(under.source);
        let is_described = match self.finish(sink, at + elsewhere, moved).await {
            Ok(is_described) => is_described,
            Err(error) => return self.give_up(LeftoverState::Worth { moved, new: moved - at, good }, error, End::Target).await,
        };
        let facts = if is_described { NewMetadata::default() } else { self.facts_to_keep() };
        let time_kept = is_described && self.facts_to_keep().modified.is_some();
        let copied = Copied { moved: moved - at, resumed_at: at, time_kept };
        if self.is_in_place() {
            self.describe(facts).await.unwrap_or_else(|error| tracing::debug!(%error, "times or mode not kept"));
            return Ok(copied);
        }
        self.give_name(copied, moved, facts).await
    }

    /// Lets the place copy it itself. `None`: it does not, after all.
    async fn run_within(&self) -> Option<Result<Copied, CopyFailure>> {
        let moved = AtomicU64::new(0);
        let told = |bytes| {
            moved.fetch_add(bytes, Ordering::Relaxed);
            self.meter.add(bytes);
        };
        let copied = self.flow.unless_paused(self.target.copy_within(self.from, self.part, &told)).await;
        let kept = match copied {
            // Nothing was begun. What has the name of the part already was left by an earlier try.
            Err(error) if matches!(error.kind, FsErrorKind::Unsupported | FsErrorKind::AlreadyExists) => return None,
            Ok(moved) if self.facts.size.is_some_and(|size| size != moved) => Err(self.changed("it has another size now")),
            Ok(moved) => Ok(moved),
            Err(error) => Err(error),
        };
        let is_described = self.target.capabilities().copies_facts;
        Some(match kept {
            Ok(moved) => {
                let facts = if is_described { NewMetadata::default() } else { self.facts_to_keep() };
                self.give_name(Copied { moved, resumed_at: 0, time_kept: is_described }, moved, facts).await
            }
            Err(error) if error.kind == FsErrorKind::Paused => {
                let moved = moved.into_inner();
                self.give_up(LeftoverState::Worth { moved, new: moved, good: None }, error, End::Target).await
            }
            Err(error) => self.give_up(LeftoverState::Useless, error, End::Target).await,
        })
    }

    async fn give_name(&self, copied: Copied, moved: u64, facts: NewMetadata) -> Result<Copied, CopyFailure> {
        // Not interrupted: whether the file has its name must be known.
        match self.target.put_in_place(self.part, self.to, facts, self.replace).await {
            Ok(()) => Ok(copied),
            Err(error) => {
                let state = if error.is_connection_lost() { LeftoverState::Renaming(moved) } else { LeftoverState::Useless };
                self.give_up(state, error, End::Target).await
            }
        }
    }

    /// The target is this machine.
    fn is_here(&self) -> bool {
        self.helpers.is_some_and(|helpers| helpers.job.spec.to == Place::Local)
    }

    /// The bytes gather under the real name, behind those a person asked to go on with.
    pub(super) fn is_in_place(&self) -> bool {
        self.part == self.to
    }

    /// Opens both ends at the beginning.
    async fn begin(&self) -> Result<Under, CopyFailure> {
        if self.is_in_place() {
            let words = "what is there is not the beginning of it, so there is nothing to go on with";
            let error = FsError::new(FsErrorKind::Refused, "resume", self.to, words);
            return Err(CopyFailure { error, side: End::Target, leftover: None });
        }
        let at = |side| move |error| self.failed_before_the_part(error, side, LeftoverState::Useless);
        let source = self.flow.unless_paused(self.source.open(self.from, 0)).await.map_err(at(End::Source))?;
        match self.create_part().await {
            Ok(sink) => Ok(Under { source: Some(source), sink, at: 0, moved: 0, head: Bytes::new(), elsewhere: 0 }),
            Err(error) => {
                drop(timeout(TIDY, source.abort()).await);
                Err(at(End::Target)(error))
            }
        }
    }

    pub(super) async fn pump(&self, under: &mut Under) -> Result<(), (FsError, End)> {
        let size = self.facts.size.filter(|_| under.source.as_ref().is_none_or(|source| !source.is_converted()));
        let mut head = Some(std::mem::take(&mut under.head)).filter(|head| !head.is_empty());
        if let Some(reach) = self.reach {
            reach.goes_in_order();
        }
        loop {
            let bytes = match head.take() {
                Some(head) => head,
                None => {
                    let Some(source) = &mut under.source else { break };
                    match self.flow.unless_paused(source.read()).await.map_err(|error| (error, End::Source))? {
                        Some(bytes) => bytes,
                        None => break,
                    }
                }
            };
            let length = bytes.len() as u64;
            // Not only at the end: a file that grows as fast as it is read has none.
            if size.is_some_and(|size| under.moved + length > size) {
                return Err((self.changed("it grew"), End::Source));
            }
            if let Some(verification) = self.verification {
                self.flow.unless_paused(verification.pass(&bytes)).await.map_err(|error| (error, End::Source))?;
            }
            self.flow.throttle(length).await.map_err(|error| (error, End::Target))?;
            self.flow.unless_paused(under.sink.write(bytes)).await.map_err(|error| (error, End::Target))?;
            under.moved += length;
            self.meter.add(length);
            if let Some(reach) = self.reach {
                reach.is(under.moved, under.good());
            }
        }
        match size {
            Some(size) if under.moved < size => Err((self.changed("it shrank"), End::Source)),
            _ => Ok(()),
        }
    }

    /// Waits for the receiver's word and compares; says whether the file has its time and mode already. What is verified and has
    /// at least [`SYNCED`] bytes is on the receiver's disk by then, where it can be asked to bring it there.
    async fn finish(&self, mut sink: Box<dyn Sink>, at: u64, moved: u64) -> FsResult<bool> {
        let facts = self.facts_to_keep();
        let is_described = facts == NewMetadata::default() || sink.set_metadata(facts);
        if self.verification.is_some() && moved >= SYNCED {
            sink.sync_at_end();
        }
        let committed = self.unless_stopped(sink.commit()).await?;
        let mut arrived = at + committed;
        // Somebody may have gone on writing for the line that broke: the file as it is now is what counts.
        if at > 0 && arrived == moved {
            arrived = self.unless_stopped(self.target.stat(self.part)).await?.size.unwrap_or(arrived);
            if arrived != moved {
                let detail = format!("{arrived} bytes are there, and {moved} were written");
                return Err(FsError::new(FsErrorKind::ChangedMeanwhile, "go on with", self.to, detail));
            }
        }
        if arrived != moved {
            let detail = format!("{arrived} of {moved} bytes arrived");
            return Err(FsError::new(FsErrorKind::Protocol, "write", self.to, detail));
        }
        if let Some(verification) = self.verification {
            self.flow.unless_paused(verification.check((self.source, self.from), (self.target, self.part), moved)).await?;
        }
        Ok(is_described)
    }

    /// What the target is given of the source's facts, as far as the place can.
    fn facts_to_keep(&self) -> NewMetadata {
        let can = self.target.capabilities();
        NewMetadata {
            modified: self.facts.modified.filter(|_| can.set_modified),
            // The part was made for its owner alone. Set-id bits do not travel.
            mode: (can.set_mode && !self.is_in_place()).then(|| self.facts.mode().map_or(0o644, |mode| mode & self.mode_mask)),
        }
    }

    async fn describe(&self, facts: NewMetadata) -> FsResult<()> {
        if facts == NewMetadata::default() { Ok(()) } else { self.unless_stopped(self.target.set_metadata(self.to, facts)).await }
    }

    async fn create_part(&self) -> FsResult<Box<dyn Sink>> {
        let mut cleared = false;
        loop {
            // Not dropped when stopped: the file might come to be after it was cleared away. Places bound their own waits.
            let created = tokio::select! {
                created = self.target.create(self.part, Create::New) => created,
                () = async { self.stop.cancelled().await; tokio::time::sleep(TIDY).await } => Err(stopped()),
            };
            match created {
                // The name is this copy's alone: an earlier try left it.
                Err(error) if error.kind == FsErrorKind::AlreadyExists && !cleared => {
                    cleared = true;
                    match self.unless_stopped(self.target.remove_file(self.part)).await {
                        Err(error) if error.kind != FsErrorKind::NotFound => return Err(self.by_its_name(error)),
                        _ => {}
                    }
                }
                Err(error) => return Err(FsError { path: Some(self.to.clone()), ..error }),
                Ok(sink) => return Ok(sink),
            }
        }
    }

    /// Leaves the unfinished file where it is worth it; else removes it, or says that it is still there.
    async fn give_up(&self, state: LeftoverState, error: FsError, side: End) -> Result<Copied, CopyFailure> {
        let keeps = match state {
            _ if self.is_in_place() => false,
            LeftoverState::Worth { moved, .. } => self.is_worth_keeping(&error, moved),
            LeftoverState::Renaming(_) => true,
            LeftoverState::Useless => false,
        };
        let leftover = if keeps {
            self.still_there(state, &error).await
        } else if self.is_in_place() {
            None
        } else if error.kind == FsErrorKind::Paused {
            // It comes to its turn again; to wait for a slow line now would be no pause.
            Some(LeftoverState::Useless)
        } else {
            match timeout(TIDY, self.target.remove_file(self.part)).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) if error.kind == FsErrorKind::NotFound => None,
                Ok(Err(_)) | Err(_) => Some(LeftoverState::Useless),
            }
        };
        self.meter.restart();
        let leftover = leftover.map(|state| Leftover { part: self.part.clone(), state });
        Err(CopyFailure { error: self.by_its_name(error), side, leftover })
    }

    /// A server without room may have taken less than it was sent, or thrown all of it away.
    async fn still_there(&self, state: LeftoverState, error: &FsError) -> Option<LeftoverState> {
        let LeftoverState::Worth { moved, new, good } = state else { return Some(state) };
        if error.kind != FsErrorKind::NoSpace {
            return Some(state);
        }
        match timeout(TIDY, self.target.stat(self.part)).await {
            Ok(Ok(entry)) => {
                let there = entry.size.unwrap_or(moved).min(moved);
                Some(LeftoverState::Worth { moved: there, new: new.saturating_sub(moved - there), good: good.map(|good| good.min(there)) })
            }
            Ok(Err(error)) if error.kind == FsErrorKind::NotFound => None,
            Ok(Err(_)) | Err(_) => Some(state),
        }
    }

    /// Whether `moved` bytes are better gone on with than sent anew, after `error`.
    pub(super) fn is_worth_keeping(&self, error: &FsError, moved: u64) -> bool {
        let may_go_on = match error.kind {
            FsErrorKind::Cancelled => self.leaving.load(Ordering::Relaxed),
            FsErrorKind::NoSpace => true,
            _ => error.is_connection_lost(),
        };
        may_go_on && moved >= WORTH && self.facts.size.is_some() && can_resume(self.source, self.target)
    }

    /// How long both ends may take to break off.
    pub(super) fn tidy(&self) -> Duration {
        if self.stop.is_cancelled() || self.flow.is_open() { TIDY } else { PAUSE }
    }

    /// A person knows the file by its name, not by that of its part.
    fn by_its_name(&self, error: FsError) -> FsError {
        if error.path.as_ref() == Some(self.part) { FsError { path: Some(self.to.clone()), ..error } } else { error }
    }

    pub(super) async fn unless_stopped<T>(&self, work: impl Future<Output = FsResult<T>>) -> FsResult<T> {
        unless_stopped(self.stop, work).await
    }

    pub(super) fn changed(&self, how: &str) -> FsError {
        FsError::new(FsErrorKind::ChangedMeanwhile, "copy", self.from, how)
    }
}

/// Whether a file that was begun can be gone on with between these places.
pub(super) fn can_resume(source: &dyn FileSystem, target: &dyn FileSystem) -> bool {
    let target = target.capabilities();
    source.capabilities().read_from && target.read_from && target.append
}

/// Whether a file whose rename was not answered has its name now: the part is gone, and what is there has its size.
pub(super) async fn has_arrived(target: &dyn FileSystem, to: &FilePath, moved: u64) -> bool {
    matches!(timeout(TIDY, target.stat(to)).await, Ok(Ok(entry)) if entry.size == Some(moved))
}
