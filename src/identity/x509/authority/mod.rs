//! A small authority: signs requests from any tool, keeps what it signed, and takes certificates back. Asks nobody.

mod folder;
mod record;
mod revocation_list;
mod signing;

pub use folder::{AuthorityFolder, AuthorityStore};
pub use record::{Event, Record, RecordError, Serial};
pub use revocation_list::{Reason, Revoked, list_pem};
pub use signing::{Authority, AuthorityError, Granted};
