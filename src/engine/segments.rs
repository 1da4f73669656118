//! Brings one large file over several connections at once, each a stretch of it: where a server or a line gives one connection
//! little, several bring more. Only where each connection carries one file (FTP), and into a place that takes several writers.

use std::ops::Range;

use bytes::Bytes;
use futures::future::join_all;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::copy::{End, FileCopy, TIDY, Under};
use crate::vfs::{Create, FileSystem, FsError, FsErrorKind, FsResult, Source};

/// A stretch has at least so many bytes: below, a further connection takes longer to make than it brings.
pub(super) const LEAST: u64 = 16 << 20;
/// Connections for one file at the most.
pub(super) const MOST: usize = 4;

/// The bytes from `at` to `size` in at most `most` stretches of nearly one length, none shorter than [`LEAST`] unless it is
/// the only one.
fn stretches(at: u64, size: u64, most: usize) -> Vec<Range<u64>> {
    let left = size.saturating_sub(at);
    let count = (left / LEAST).clamp(1, most.max(1) as u64);
    let border = |number: u64| at + left / count * number + (left % count).min(number);
    (0..count).map(|number| border(number)..border(number + 1)).collect()
}

/// How far a stretch was brought, and why no further.
struct Stretch {
    range: Range<u64>,
    /// The bytes before this one are at the target.
    reached: u64,
    failure: Option<(FsError, End)>,
}

impl FileCopy<'_> {
    /// Whether there is more than one stretch behind `at`, and somebody to bring the others.
    pub(super) fn is_segmented(&self, at: u64) -> bool {
        // Another run would take what is there for whole.
        let may_have_gaps = self.reach.is_none_or(|reach| !reach.is_in_order());
        let is_long = self.facts.size.is_some_and(|size| size >= at + 2 * LEAST);
        is_long && may_have_gaps && !self.helpers.is_empty() && self.target.capabilities().write_at && self.source.capabilities().read_from
    }

    /// Brings everything behind `under.at`: the first stretch over `under`, the others over the helpers. What a helper does not
    /// bring, the first connection does. On failure the file is cut back to what is whole from its beginning; `under.moved`
    /// tells how much that is.
    pub(super) async fn pump_segments(&self, under: &mut Under) -> Result<(), (FsError, End)> {
        let size = self.facts.size.unwrap_or(under.at);
        let mut ranges = stretches(under.at, size, self.helpers.len() + 1).into_iter();
        let first = ranges.next().unwrap_or(under.at..size);
        let stop = self.stop.child_token();
        let helped = join_all(ranges.zip(self.helpers).map(|(range, helper)| self.stretch(&**helper, range, &stop)));
        let main = async {
            let brought = self.first_stretch(under, first, &stop).await;
            if brought.failure.is_some() {
                stop.cancel();
            }
            brought
        };
        let (main, mut brought) = tokio::join!(main, helped);
        if main.failure.is_none() {
            for stretch in &mut brought {
                if let Some((error, _)) = stretch.failure.take() {
                    tracing::debug!(%error, reached = stretch.reached, "the first connection goes on in a helper's place");
                    let rest = self.stretch(self.source, stretch.reached..stretch.range.end, &stop).await;
                    (stretch.reached, stretch.failure) = (rest.reached, rest.failure);
                    if stretch.failure.is_some() {
                        break;
                    }
                }
            }
        }
        let mut whole_to = under.at;
        let mut failure = None;
        for stretch in std::iter::once(main).chain(brought) {
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

    /// The bytes of the first stretch, over what is open already.
    async fn first_stretch(&self, under: &mut Under, range: Range<u64>, stop: &CancellationToken) -> Stretch {
        let failure = async {
            let Some(mut source) = under.source.take() else { return Ok(()) };
            let mut head = Some(std::mem::take(&mut under.head)).filter(|head| !head.is_empty());
            while under.moved < range.end {
                let bytes = match head.take() {
                    Some(head) => Some(head),
                    None => self.read(&mut *source, stop).await.map_err(|error| (error, End::Source))?,
                };
                let Some(bytes) = bytes.map(|bytes| up_to(bytes, range.end - under.moved)) else {
                    return Err((self.changed("it shrank"), End::Source));
                };
                let length = bytes.len() as u64;
                self.flow.throttle(length).await.map_err(|error| (error, End::Target))?;
                self.unless(stop, under.sink.write(bytes)).await.map_err(|error| (error, End::Target))?;
                under.moved += length;
                self.meter.add(length);
                if let Some(reach) = self.reach {
                    // Where the file ends tells nothing while others write to it.
                    reach.is(under.moved, Some(under.good().unwrap_or(under.at)));
                }
            }
            drop(timeout(TIDY, source.abort()).await);
            Ok(())
        };
        let failure = failure.await.err();
        Stretch { range, reached: under.moved, failure }
    }

    /// The bytes of another stretch. The part is there already.
    async fn stretch(&self, source: &dyn FileSystem, range: Range<u64>, stop: &CancellationToken) -> Stretch {
        let mut stretch = Stretch { reached: range.start, range, failure: None };
        stretch.failure = self.bring(source, &mut stretch.reached, stretch.range.end, stop).await.err();
        stretch
    }

    async fn bring(&self, source: &dyn FileSystem, reached: &mut u64, end: u64, stop: &CancellationToken) -> Result<(), (FsError, End)> {
        let start = *reached;
        let at_source = |error| (error, End::Source);
        let at_target = |error| (error, End::Target);
        let mut source = self.unless(stop, source.open(self.from, start)).await.map_err(at_source)?;
        let mut sink = self.unless(stop, self.target.create(self.part, Create::At(start))).await.map_err(at_target)?;
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
                *reached = start + unless(stop, sink.commit()).await.map_err(at_target)?;
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
        unless(stop, self.flow.unless_paused(work)).await
    }
}

fn up_to(mut bytes: Bytes, most: u64) -> Bytes {
    bytes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    bytes
}

async fn unless<T>(stop: &CancellationToken, work: impl Future<Output = FsResult<T>>) -> FsResult<T> {
    stop.run_until_cancelled(work).await.unwrap_or_else(|| Err(FsError::connection(FsErrorKind::Cancelled, "copy", "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_cover_everything_once() {
        for (at, size, most) in
            [(0, 0, 4), (0, 1, 4), (5, 5, 1), (0, LEAST * 2 - 1, 4), (7, LEAST * 3 + 11, 4), (0, LEAST * 100 + 3, 4), (9, 10, 0)]
        {
            let all = stretches(at, size, most);
            assert_eq!(all.first().map(|first| first.start), Some(at));
            assert_eq!(all.last().map(|last| last.end), Some(size));
            assert!(all.windows(2).all(|two| two[0].end == two[1].start), "{all:?}");
            assert!(all.len() == 1 || all.iter().all(|range| range.end - range.start >= LEAST), "{all:?}");
            assert!(all.len() <= most.max(1));
        }
    }
}
