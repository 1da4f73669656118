//! Times and permission bits as SFTP 3 writes them.

use jiff::Timestamp;

use super::packet::Attributes;
use crate::vfs::NewMetadata;

/// The attributes for `new`; `None` if the time cannot be written: SFTP 3 knows times from 1970 to 2106.
pub(super) fn exactly(new: &NewMetadata) -> Option<Attributes> {
    new.modified.is_none_or(|time| seconds(time).is_some()).then(|| as_far_as_possible(new))
}

/// The attributes for `new`, without a time that cannot be written.
pub(super) fn as_far_as_possible(new: &NewMetadata) -> Attributes {
    let times = new.modified.and_then(seconds).map(|seconds| (seconds, seconds));
    Attributes { permissions: new.mode.map(|mode| mode & 0o7777), times, ..Attributes::default() }
}

fn seconds(time: Timestamp) -> Option<u32> {
    u32::try_from(time.as_second()).ok()
}
