//! A file copied by the server itself, with `copy-data`.

use std::collections::VecDeque;

use super::channel::{Channel, Failure};
use super::file_system::kind_at;
use super::listing::kind_of;
use super::requests::{self, flag};
use crate::model::{FilePath, Kind};
use crate::vfs::{FsError, FsErrorKind, FsResult};

/// Copied with one request: little enough that progress shows and that giving up is quick.
const PIECE: u64 = 16 << 20;
/// Pieces asked for at once, so that the server does not wait for us between two.
const IN_FLIGHT: usize = 2;

/// Copies `from` to `to`, where nothing may be; answers the number of bytes, and tells of them as they are copied.
pub(super) async fn copy(channel: &Channel, from: &FilePath, to: &FilePath, told: &(dyn Fn(u64) + Sync)) -> FsResult<u64> {
    let source = channel.open_file(from, flag::READ, None).await.map_err(|failure| failure.at("read", from))?;
    let attributes = channel.handle_attributes(&source).await.map_err(|failure| failure.at("read", from))?;
    let size = match (kind_of(&attributes, b""), attributes.size) {
        (Kind::Dir, _) => return Err(FsError::new(FsErrorKind::IsADirectory, "read", from, "")),
        (Kind::File, Some(size)) => size,
        _ => return Err(FsError::unsupported("copy within the place", from)),
    };
    let flags = flag::WRITE | flag::CREATE | flag::EXCLUSIVE;
    let target = match channel.open_file(to, flags, Some(0o600)).await {
        Err(failure) if failure.says_nothing() && kind_at(channel, to).await.is_ok() => {
            return Err(FsError::new(FsErrorKind::AlreadyExists, "create", to, ""));
        }
        opened => opened.map_err(|failure| failure.at("create", to))?,
    };
    let failed = |failure: Failure| failure.at("write", to);
    let mut asked = VecDeque::new();
    let (mut next, mut copied) = (0, 0);
    while copied < size {
        while next < size && asked.len() < IN_FLIGHT {
            let length = PIECE.min(size - next);
            asked.push_back((channel.copy_data(&source, next, length, &target, next).await.map_err(failed)?, length));
            next += length;
        }
        let Some((reply, length)) = asked.pop_front() else { break };
        reply.await.and_then(requests::done).map_err(failed)?;
        copied += length;
        told(length);
    }
    if size == 0 {
        // Empty, or of those that tell no size (/proc): to its end, wherever that is.
        channel.copy_data(&source, 0, 0, &target, 0).await.map_err(failed)?.await.and_then(requests::done).map_err(failed)?;
    }
    let arrived = channel.handle_attributes(&target).await.map_err(failed)?.size.unwrap_or_default();
    let now = channel.handle_attributes(&source).await.map_err(|failure| failure.at("read", from))?.size;
    if now != Some(size) || (arrived != size && size > 0) {
        let words = format!("it had {size} bytes when it was opened and changed");
        return Err(FsError::new(FsErrorKind::ChangedMeanwhile, "read", from, words));
    }
    channel.close_handle(target).await.map_err(failed)?;
    if size == 0 {
        told(arrived);
    }
    Ok(arrived)
}
