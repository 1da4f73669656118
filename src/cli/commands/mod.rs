//! The verbs, one file each where they need one.

mod cert;
mod follow;
pub(super) mod key;
mod list;
mod secret;
mod serve;
mod single;
mod site;
mod sync;
mod transfer;
mod trust;

pub(super) use cert::cert;
pub(super) use key::key;
pub(super) use list::{cat, ls};
pub(super) use secret::secret;
pub(super) use serve::serve;
pub(super) use single::mkdir;
pub(super) use site::site;
pub(super) use sync::sync;
pub(super) use transfer::{copy_or_move, rm};
pub(super) use trust::trust;
