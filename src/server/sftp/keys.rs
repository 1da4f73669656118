//! Which public keys may log in: those the server was started with, and those of a file below its root.

use russh::keys::PublicKey;

use crate::identity::ssh_key::SshPublicKey;
use crate::identity::ssh_key::authorized_keys::{self, Standing};
use crate::model::FilePath;
use crate::server::IdentityError;
use crate::vfs::{FileSystem, read_small};

/// Public keys that may log in.
#[derive(Debug, Clone, Default)]
pub struct AcceptedKeys(Vec<PublicKey>);

impl AcceptedKeys {
    /// Reads lines of an `authorized_keys` or `.pub` file; empty lines and comments are skipped.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines
            .map(|line| PublicKey::from_openssh(line).map_err(|error| IdentityError::Unusable(error.to_string())))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, key: &PublicKey) -> bool {
        self.0.iter().any(|accepted| accepted.key_data() == key.key_data())
    }
}

/// Whether the first line for `key` in `file` (sshd(8), AUTHORIZED_KEYS FILE FORMAT) lets it in. No option is honoured here, so
/// a line that has any lets nobody in, nor does a file that cannot be read or is too large.
pub(super) async fn is_authorized(root: &dyn FileSystem, file: &FilePath, key: &PublicKey) -> bool {
    let content = match read_small(root, file, authorized_keys::LARGEST).await {
        Ok(content) => content.unwrap_or_default(),
        Err(error) => {
            tracing::debug!(%error, "no file of keys");
            return false;
        }
    };
    let standing = authorized_keys::find(&content, &SshPublicKey::new(key.clone()));
    matches!(standing, Standing::Present { options, .. } if options.is_empty())
}
