//! Goes on with what an earlier try left of a file: only where its end agrees with the source. Not what is begun anew.

use bytes::Bytes;
use tokio::time::timeout;

use super::copy::{CopyFailure, End, FileCopy, Leftover, LeftoverState, Under, WORTH, can_resume};
use crate::model::Kind;
use crate::vfs::{Create, FsError, FsErrorKind, FsResult, Source};

/// So much of the end of what is there is compared with the source before going on behind it.
const TAIL: u64 = 64 * 1024;
/// Where it differs, so much is cut off before the last tries; a machine that lost its power loses the end first.
const CUT_BACK: [u64; 3] = [0, 4 << 20, 64 << 20];

impl FileCopy<'_> {
    /// Opens both ends behind what an earlier try left; `None` where there is nothing to go on with.
    pub(super) async fn take_up(&self) -> Result<Option<Under>, CopyFailure> {
        let (Some(resume), Some(size)) = (self.resume, self.facts.size) else { return Ok(None) };
        if !can_resume(self.source, self.target) {
            return Ok(None);
        }
        let failed = |error: FsError, side| {
            // It is still there, as far as one can tell.
            let keeps = self.is_worth_keeping(&error, WORTH);
            let worth = LeftoverState::Worth { moved: resume.good.unwrap_or(WORTH).max(WORTH), new: 0, good: resume.good };
            self.failed_before_the_part(error, side, if keeps { worth } else { LeftoverState::Useless })
        };
        let there = match self.flow.unless_paused(self.target.stat(self.part)).await {
            Ok(entry) if entry.kind == Kind::File => entry.size.unwrap_or(0),
            Ok(_) => 0,
            Err(error) if error.kind == FsErrorKind::NotFound => 0,
            Err(error) => return Err(failed(error, End::Target)),
        };
        let good = there.min(resume.good.unwrap_or(there));
        // Longer than the source: it is of another file. One byte short of that may still be whole, and only wait for its name.
        if there > size {
            return Ok(None);
        }
        // What a person has under its own name is not cut.
        let steps = if self.is_in_place() { &CUT_BACK[..1] } else { &CUT_BACK[..] };
        for back in steps {
            let Some(at) = good.checked_sub(*back).filter(|&at| at > 0) else { break };
            let Some((source, head)) = self.compare(at).await.map_err(|(error, side)| failed(error, side))? else { continue };
            // Waited for in a pause, too: what is cut late would be cut from the next try.
            match self.unless_stopped(self.target.create(self.part, Create::ResumeAt(at))).await {
                Ok(sink) => return Ok(Some(Under { source: Some(source), sink, at, moved: at, head, elsewhere: 0 })),
                Err(error) => {
                    drop(timeout(self.tidy(), source.abort()).await);
                    if error.is_connection_lost() || error.kind == FsErrorKind::Cancelled {
                        return Err(failed(error, End::Target));
                    }
                    tracing::debug!(%error, "cannot go on with what is there");
                    break;
                }
            }
        }
        Ok(None)
    }

    /// Compares the bytes in front of `at` on both sides. Where they agree, answers the source from there on, and the bytes behind
    /// `at` that came along.
    async fn compare(&self, at: u64) -> Result<Option<(Box<dyn Source>, Bytes)>, (FsError, End)> {
        let length = TAIL.min(at);
        let read = async {
            let mut there = self.target.open(self.part, at - length).await?;
            let tail = read_exactly(&mut *there, length).await;
            let (tail, rest) = match tail {
                Ok(read) => read,
                Err(error) => {
                    there.abort().await;
                    return Err(error);
                }
            };
            // At its very end the server's word is taken, so that the connection is free again.
            if rest.is_empty() && there.read().await?.is_none() {
                drop(there);
            } else {
                there.abort().await;
            }
            Ok(tail)
        };
        let there = match self.flow.unless_paused(read).await {
            Ok(tail) => tail,
            Err(error) if error.is_connection_lost() || error.kind == FsErrorKind::Cancelled => return Err((error, End::Target)),
            // A folder one may only write to, for one.
            Err(error) => {
                tracing::debug!(%error, "what is there cannot be compared");
                return Ok(None);
            }
        };
        let at_source = |error| (error, End::Source);
        let mut source = self.flow.unless_paused(self.source.open(self.from, at - length)).await.map_err(at_source)?;
        match self.flow.unless_paused(read_exactly(&mut *source, length)).await {
            Ok((here, rest)) if here == there && here.len() as u64 == length => Ok(Some((source, rest))),
            result => {
                drop(timeout(self.tidy(), source.abort()).await);
                result.map(|_| None).map_err(at_source)
            }
        }
    }

    /// Something failed while what an earlier try left, if it did, was not touched.
    pub(super) fn failed_before_the_part(&self, error: FsError, side: End, state: LeftoverState) -> CopyFailure {
        let is_there = self.resume.is_some() && !self.is_in_place();
        CopyFailure { error, side, leftover: is_there.then(|| Leftover { part: self.part.clone(), state }) }
    }
}

/// The next `length` bytes (fewer at the end), and what came along behind them.
async fn read_exactly(source: &mut dyn Source, length: u64) -> FsResult<(Vec<u8>, Bytes)> {
    let length = length as usize;
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let Some(mut piece) = source.read().await? else { break };
        let rest = piece.split_off(piece.len().min(length - bytes.len()));
        bytes.extend_from_slice(&piece);
        if !rest.is_empty() {
            return Ok((bytes, rest));
        }
    }
    Ok((bytes, Bytes::new()))
}
