//! The embedded server: FTP, FTPS and SFTP over a [`FileSystem`]. For the demo, for tests and for one folder; not for the internet.
//!
//! | file | what |
//! |---|---|
//! | `ftp/` | FTP, explicit and implicit TLS: our own |
//! | `sftp/` | SFTP on russh and russh-sftp |
//! | `clients/` | who is let in by a certificate, and who waits for it |
//! | `identity.rs` | what a server proves itself with: certificates and host keys, throw-away or from files |
//! | `running.rs` | accepting, limits, stopping |
//! | `users.rs` | who may come in |

pub mod clients;
pub mod ftp;
mod identity;
mod running;
pub mod sftp;
mod users;

pub use clients::{AskForCertificate, Clients};
pub use identity::{HostKey, IdentityError, ServerIdentity, Throwaway, random_text};
pub use running::{Limits, Running};
pub use users::Users;

use crate::model::{Entry, FilePath, Kind};
use crate::vfs::{FileSystem, FsError, FsErrorKind, FsResult};

/// How many links are followed one after the other before it is taken for a loop.
const MAX_LINKS: usize = 8;

/// The path and the facts of what `path` leads to, where it is a link.
async fn follow(root: &dyn FileSystem, path: &FilePath) -> FsResult<(FilePath, Entry)> {
    let mut at = path.clone();
    for _ in 0..MAX_LINKS {
        let entry = root.stat(&at).await?;
        let Some(target) = entry.details.as_ref().and_then(|details| details.target.as_deref()).filter(|_| entry.kind == Kind::Symlink)
        else {
            return Ok((at, entry));
        };
        let folder = at.parent().unwrap_or_else(FilePath::root);
        at = folder.resolve(target).map_err(|why| FsError::new(FsErrorKind::UnsafeName, "follow", path, why.to_string()))?;
    }
    Err(FsError::new(FsErrorKind::NotFound, "follow", path, "too many links"))
}
