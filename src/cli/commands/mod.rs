//! The verbs, one file each where they need one.

mod cert;
mod follow;
mod list;
mod single;
mod transfer;
mod trust;

pub(super) use cert::cert;
pub(super) use list::{cat, ls};
pub(super) use single::mkdir;
pub(super) use transfer::{copy_or_move, rm};
pub(super) use trust::trust;
