//! Compares files by their bytes: by digests that the places make themselves, where they can, else by reading.

use std::sync::Arc;

use futures::stream::{self, StreamExt as _};

use super::compare::{CompareError, CompareProgress};
use super::hands::Hands;
use super::judge::{Judge, Judged};
use super::options::SyncSide;
use super::plan::Plan;
use super::row::Finding;
use crate::engine::verify::read_through;
use crate::model::FilePath;
use crate::vfs::{Digest, DigestAlgorithm, FsError, FsResult};

/// Looks at the bytes of every row that is the same as far as size tells, and drops those that are the same.
pub(super) async fn compare(hands: &[Arc<Hands>; 2], plan: &mut Plan, progress: &CompareProgress) -> Result<(), CompareError> {
    let at_once = hands[0].most().min(hands[1].most()).min(8);
    let to_read: Vec<usize> = (0..plan.len()).filter(|&at| plan.row(at).is_some_and(|row| row.finding == Finding::NotCompared)).collect();
    let mut verdicts = Vec::with_capacity(to_read.len());
    {
        let whole: &Plan = plan;
        let read = |at: usize| async move {
            let path = |side| {
                let row = whole.row(at)?;
                Some(whole.folder_on(side, row.folder).join(&row.name))
            };
            let Some((left, right)) = path(SyncSide::Left).zip(path(SyncSide::Right)) else { return (at, Ok(false)) };
            let same = same_bytes(hands, &left, &right).await;
            progress.has_read();
            (at, same)
        };
        let mut reading = stream::iter(to_read).map(read).buffer_unordered(at_once);
        while let Some(verdict) = reading.next().await {
            verdicts.push(verdict);
        }
    }
    let mut same = vec![false; plan.len()];
    let (options, clocks) = (plan.options.clone(), [plan.left.clock, plan.right.clock]);
    let keeps_times = [hands[0].capabilities().set_modified, hands[1].capabilities().set_modified];
    let judge = Judge { options: &options, clocks: [&clocks[0], &clocks[1]], listed: [1, 1], keeps_times, whole: [true; 2] };
    for (at, verdict) in verdicts {
        match verdict {
            Ok(true) => same[at] = true,
            Ok(false) => {
                let facts = plan.row(at).and_then(|row| row.left.zip(row.right));
                if let Some((left, right)) = facts
                    && let Judged::Differs(finding, decision) = judge.content_differs(&left, &right)
                {
                    plan.find(at, finding, decision);
                }
            }
            Err((side, error)) if error.is_connection_lost() => return Err(CompareError::Side(side, error)),
            Err((side, error)) => {
                let path = plan.path(at);
                plan.is_incomplete = true;
                plan.remark(Some(side), &path, format!("its content could not be compared ({})", error.kind));
            }
        }
    }
    plan.drop_same(&same);
    Ok(())
}

/// Whether two files have the same bytes. What one place tells of itself decides how the other is asked.
async fn same_bytes(hands: &[Arc<Hands>; 2], left: &FilePath, right: &FilePath) -> Result<bool, (SyncSide, FsError)> {
    let at = |side| move |error| (side, error);
    let [left_hands, right_hands] = hands;
    if let Some(told) = told(right_hands, right, &DigestAlgorithm::STRONGEST_FIRST).await.map_err(at(SyncSide::Right))? {
        return Ok(made(left_hands, left, told.algorithm).await.map_err(at(SyncSide::Left))? == told);
    }
    let one = match told(left_hands, left, &DigestAlgorithm::STRONGEST_FIRST).await.map_err(at(SyncSide::Left))? {
        Some(told) => told,
        None => read(left_hands, left, DigestAlgorithm::Sha256).await.map_err(at(SyncSide::Left))?,
    };
    Ok(read(right_hands, right, one.algorithm).await.map_err(at(SyncSide::Right))? == one)
}

async fn told(hands: &Hands, path: &FilePath, wanted: &[DigestAlgorithm]) -> FsResult<Option<Digest>> {
    hands
        .ask(|place| {
            let (path, wanted) = (path.clone(), wanted.to_vec());
            Box::pin(async move { place.digest(&path, &wanted).await })
        })
        .await
}

/// The digest as the place tells it, else from its bytes.
async fn made(hands: &Hands, path: &FilePath, algorithm: DigestAlgorithm) -> FsResult<Digest> {
    match told(hands, path, &[algorithm]).await? {
        Some(told) => Ok(told),
        None => read(hands, path, algorithm).await,
    }
}

async fn read(hands: &Hands, path: &FilePath, algorithm: DigestAlgorithm) -> FsResult<Digest> {
    hands
        .ask(|place| {
            let path = path.clone();
            Box::pin(async move { read_through(place, &path, algorithm).await })
        })
        .await
}
