//! Renames, with and without replacing, in as few turns as a server allows.

use super::channel::{Channel, Failure};
use super::file_system::kind_at;
use super::offers::Offers;
use crate::model::{FilePath, Kind};
use crate::vfs::{FsError, FsErrorKind, FsResult, Replace};

/// Renames `from` to `to`.
pub(super) async fn rename(channel: &Channel, offers: &Offers, from: &FilePath, to: &FilePath, replace: Replace) -> FsResult<()> {
    let failed = |failure: Failure| failure.at("rename", from);
    let is_taken = || FsError::new(FsErrorKind::AlreadyExists, "rename", to, "");
    if replace == Replace::Yes && offers.posix_rename {
        return channel.posix_rename(from, to).await.map_err(failed);
    }
    if replace == Replace::No && offers.is_openssh {
        return match channel.plain_rename(from, to).await {
            Err(failure) if failure.says_nothing() && kind_at(channel, to).await.is_ok() => Err(is_taken()),
            renamed => renamed.map_err(failed),
        };
    }
    // Looked at first, because there are servers whose RENAME replaces.
    match kind_at(channel, to).await {
        Ok(_) if replace == Replace::No => return Err(is_taken()),
        Ok(Kind::Dir) => return Err(FsError::new(FsErrorKind::IsADirectory, "rename", to, "")),
        Ok(_) => {
            // The source is looked at before anything is removed for it.
            kind_at(channel, from).await.map_err(failed)?;
            channel.remove(to).await.map_err(|failure| failure.at("replace", to))?;
        }
        Err(failure) if failure.is_not_found() => {}
        Err(failure) => return Err(failure.at("rename", to)),
    }
    channel.plain_rename(from, to).await.map_err(failed)
}
