//! Moves one large file over several connections at once: where a server or a line gives one connection little, several bring
//! more. The first connection begins at once; each further one, as soon as it stands, takes the end of what the first has still
//! before it. Only into a place that takes several writers.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use futures::future::{join, join_all};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::copy::{End, FileCopy, TIDY, Under};
use super::flow::unless_stopped;
use super::places::Lease;
use super::running::Job;
use crate::vfs::{Create, FileSystem, FsError, FsResult, Source};

/// A stretch has at least so many bytes: below, a further connection takes longer to make than it brings.
const LEAST: u64 = 16 << 20;
/// Connections for one file at the most.
pub(super) const MOST: usize = 4;

/// Where further connections for a file come from.
pub(super) struct Helpers<'a> {
    pub(super) job: &'a Job,
    /// The end they are connections to.
    pub(super) side: End,
    /// So many at the most.
    pub(super) most: usize,
}

impl Helpers<'_> {
    /// One more connection, if the place gives one.
    async fn lease(&self) -> Option<Lease> {
        let place = if self.side == End::Source { self.job.spec.from } else { self.job.spec.to };
        let lease = self.job.flow.unless_paused(self.job.lease_apart(place)).await;
        lease.inspect_err(|error| tracing::debug!(%error, "no further connection for this file")).ok()
    }
}

/// What the first connection has still before it. Others take of its end. All of them are one task.
struct Before {
    reached: AtomicU64,
    end: AtomicU64,
    /// How many connections there may still be, the first among them.
    shares: AtomicU64,
}

impl Before {
    fn new(range: Range<u64>, connections: usize) -> Self {
        Self { reached: AtomicU64::new(range.start), end: AtomicU64::new(range.end), shares: AtomicU64::new(connections as u64) }
    }

    /// The share of one more connection; `None` where it is not worth it.
    fn share(&self) -> Option<Range<u64>> {
        let (left, end) = (self.end.load(Relaxed).saturating_sub(self.reached.load(Relaxed)), self.end.load(Relaxed));
        let shares = self.shares.load(Relaxed).min(left / LEAST);
        if shares < 2 {
            return None;
        }
        let share = left / shares;
        self.shares.store(self.shares.load(Relaxed) - 1, Relaxed);
        self.end.store(end - share, Relaxed);
        Some(end - share..end)
    }
}

/// How far a stretch was brought, and why no further.
struct Stretch {
    range: Range<u64>,
    /// The bytes before this one are at the target.
    reached: u64,
    failure: Option<(FsError, End)>,
}

impl FileCopy<'_> {
    /// Whether more than one stretch lies behind `at`, and somebody may bring the others.
    pub(super) fn is_segmented(&self, at: u64) -> bool {
        // Another run would take what is there for whole.
        let may_have_gaps = self.reach.is_none_or(|reach| !reach.is_in_order());
        let is_long = self.facts.size.is_some_and(|size| size >= at + 2 * LEAST);
        let can = self.target.capabilities().write_at && self.source.capabilities().read_from;
        is_long && may_have_gaps && self.helpers.is_some() && can
    }

    /// Moves everything behind `under.at`: the first stretch over `under`, the others over helpers, from the last one on. What a
    /// helper does not bring, the first connection does. On failure `under.moved` tells how much is whole from the beginning.
    pub(super) async fn pump_segments(&self, under: &mut Under) -> Result<(), (FsError, End)> {
        let Some((helpers, size)) = self.helpers.zip(self.facts.size) else { return self.pump(under).await };
        let before = Before::new(under.at..size, helpers.most);
        let (stop, first_is_through) = (self.stop.child_token(), CancellationToken::new());
        let helped = join_all((1..helpers.most).map(|_| self.help(helpers, &before, &first_is_through, &stop)));
        let main = async {
            let failure = self.first_stretch(under, &before, &stop).await.err();
            first_is_through.cancel();
            if failure.is_some() {
                stop.cancel();
            }
            failure
        };
        // In this order: connections that are there already get their shares before anything moves.
        let (helped, mut failure) = join(helped, main).await;
        let mut brought: Vec<Stretch> = helped.into_iter().flatten().collect();
        brought.sort_by_key(|stretch| stretch.range.start);
        if failure.is_none() {
            for stretch in &mut brought {
                if let Some((error, _)) = stretch.failure.take() {
                    tracing::debug!(%error, reached = stretch.reached, "the first connection goes on in a helper's place");
                    let rest = self.stretch((self.source, self.target), stretch.reached..stretch.range.end, &stop).await;
                    (stretch.reached, stretch.failure) = (rest.reached, rest.failure);
                    if stretch.failure.is_some() {
                        break;
                    }
                }
            }
        }
        let mut whole_to = under.moved;
        for stretch in brought {
            if whole_to == stretch.range.start {
                whole_to = stretch.reached;
            }
            // What stopped the others is not why.
            failure = failure.or(stretch.failure);
        }
        match failure {
            None => {
                under.elsewhere = size - under.moved;
                under.moved = size;
                Ok(())
            }
            Some(failure) => {
                under.moved = whole_to;
                Err(failure)
            }
        }
    }

    /// Brings the share of one more connection, if it stands before the first one is through.
    async fn help(&self, helpers: &Helpers<'_>, before: &Before, end: &CancellationToken, stop: &CancellationToken) -> Option<Stretch> {
        let lease = end.run_until_cancelled(helpers.lease()).await??;
        let range = before.share()?;
        let ends = if helpers.side == End::Source { (&*lease, self.target) } else { (self.source, &*lease) };
        Some(self.stretch(ends, range, stop).await)
    }

    /// The bytes up to where the others took over, over what is open already.
    async fn first_stretch(&self, under: &mut Under, before: &Before, stop: &CancellationToken) -> Result<(), (FsError, End)> {
        let Some(mut source) = under.source.take() else { return Ok(()) };
        let mut head = Some(std::mem::take(&mut under.head)).filter(|head| !head.is_empty());
        while under.moved < before.end.load(Relaxed) {
            let bytes = match head.take() {
                Some(head) => Some(head),
                None => self.read(&mut *source, stop).await.map_err(|error| (error, End::Source))?,
            };
            let Some(bytes) = bytes.map(|bytes| up_to(bytes, before.end.load(Relaxed) - under.moved)) else {
                return Err((self.changed("it shrank"), End::Source));
            };
            let length = bytes.len() as u64;
            // Nobody takes these any more.
            before.reached.store(under.moved + length, Relaxed);
            self.flow.throttle(length).await.map_err(|error| (error, End::Target))?;
            self.unless(stop, under.sink.write(bytes)).await.map_err(|error| (error, End::Target))?;
            under.moved += length;
            self.meter.add(length);
            if let Some(reach) = self.reach {
                // Where the file ends tells nothing while others write to it.
                reach.is(under.moved, Some(under.good().unwrap_or(under.at)));
            }
        }
        let is_all = Some(under.moved) == self.facts.size;
        if is_all && self.read(&mut *source, stop).await.map_err(|error| (error, End::Source))?.is_some() {
            return Err((self.changed("it grew"), End::Source));
        }
        if !is_all {
            drop(timeout(TIDY, source.abort()).await);
        }
        Ok(())
    }

    /// The bytes of another stretch, between these two ends. The part is there already.
    async fn stretch(&self, ends: (&dyn FileSystem, &dyn FileSystem), range: Range<u64>, stop: &CancellationToken) -> Stretch {
        let mut stretch = Stretch { reached: range.start, range, failure: None };
        stretch.failure = self.bring(ends, &mut stretch.reached, stretch.range.end, stop).await.err();
        stretch
    }

    async fn bring(
        &self,
        (source, target): (&dyn FileSystem, &dyn FileSystem),
        reached: &mut u64,
        end: u64,
        stop: &CancellationToken,
    ) -> Result<(), (FsError, End)> {
        let start = *reached;
        let at_source = |error| (error, End::Source);
        let at_target = |error| (error, End::Target);
        let mut source = self.unless(stop, source.open(self.from, start)).await.map_err(at_source)?;
        let mut sink = self.unless(stop, target.create(self.part, Create::At(start))).await.map_err(at_target)?;
        let result = async {
            let mut at = start;
            while at < end {
                let Some(bytes) = self.read(&mut *source, stop).await.map_err(at_source)? else {
                    return Err(at_source(self.changed("it shrank")));
                };
                let bytes = up_to(bytes, end - at);
                let length = bytes.len() as u64;
                self.flow.throttle(length).await.map_err(at_target)?;
                at += length;
                self.meter.add(length);
                self.unless(stop, sink.write(bytes)).await.map_err(at_target)?;
            }
            // The server's word on the end, and that there is no more of it.
            if Some(end) == self.facts.size && self.read(&mut *source, stop).await.map_err(at_source)?.is_some() {
                return Err(at_source(self.changed("it grew")));
            }
            Ok(())
        };
        let result = result.await;
        if Some(end) == self.facts.size && result.is_ok() {
            drop(source);
        } else {
            drop(timeout(self.tidy(), source.abort()).await);
        }
        match result {
            Ok(()) => {
                *reached = start + unless_stopped(stop, sink.commit()).await.map_err(at_target)?;
                Ok(())
            }
            // How much of it was written nobody knows; it is brought anew.
            Err(failure) => {
                drop(timeout(self.tidy(), sink.abort()).await);
                Err(failure)
            }
        }
    }

    /// Takes away what helpers wrote behind a gap: the end of the file is to tell what is whole. Says whether it does now.
    pub(super) async fn cut_back(&self, to: u64) -> bool {
        let cut = async {
            let sink = self.target.create(self.part, Create::ResumeAt(to)).await?;
            sink.commit().await
        };
        matches!(timeout(TIDY, cut).await, Ok(Ok(_)))
    }

    async fn read(&self, source: &mut dyn Source, stop: &CancellationToken) -> FsResult<Option<Bytes>> {
        self.unless(stop, source.read()).await
    }

    /// What may be done again later: not in a pause, and not once another stretch failed.
    async fn unless<T>(&self, stop: &CancellationToken, work: impl Future<Output = FsResult<T>>) -> FsResult<T> {
        unless_stopped(stop, self.flow.unless_paused(work)).await
    }
}

fn up_to(mut bytes: Bytes, most: u64) -> Bytes {
    bytes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_lie_behind_each_other_and_leave_the_first_its_own() {
        for size in [0, LEAST * 2 - 1, LEAST * 2, LEAST * 3 + 11, LEAST * 100 + 3] {
            for connections in [1, 2, MOST] {
                let before = Before::new(7..7 + size, connections);
                let mut end = 7 + size;
                let mut shares = Vec::new();
                while let Some(share) = before.share() {
                    assert_eq!(share.end, end, "behind the one before");
                    assert!(share.end - share.start >= LEAST);
                    end = share.start;
                    shares.push(share);
                    before.reached.store(before.reached.load(Relaxed) + 1000, Relaxed);
                }
                assert_eq!(before.end.load(Relaxed), end);
                assert!(end - 7 >= LEAST.min(size), "{size}: {end}");
                assert!(shares.len() < connections.max(1));
                assert_eq!(shares.is_empty(), connections == 1 || size < LEAST * 2, "{size} by {connections}");
            }
        }
    }

    #[test]
    fn what_the_first_is_through_with_is_not_shared() {
        let before = Before::new(0..LEAST * 8, 2);
        before.reached.store(LEAST * 6, Relaxed);
        assert_eq!(before.share(), Some(LEAST * 7..LEAST * 8));
        assert_eq!(before.share(), None);
        let late = Before::new(0..LEAST * 8, 2);
        late.reached.store(LEAST * 6 + 1, Relaxed);
        assert_eq!(late.share(), None, "the rest is not worth another connection");
    }
}
