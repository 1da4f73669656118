//! SSH keys: their files read and written, the folder of those made here, and what servers are told of them.
//!
//! - `public`, `private`: the two halves
//! - `file`: key files of every format, locked or not; `putty`: PuTTY's
//! - `folder`: the keys made here
//! - `authorized_keys`: the file in which a server looks for public keys
//! - `sheet`: what an administrator needs
//! - `host_key`: the keys servers show

pub mod authorized_keys;
mod file;
mod folder;
mod host_key;
mod private;
mod public;
pub mod putty;
pub mod sheet;

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::model::text;

pub use file::SshKeyFile;
pub use folder::{NewKeyError, SshKeyFolder, check_free, write_pair};
pub(crate) use host_key::host_key;
pub use private::{PrivateForm, SshKey, SshKeyType};
pub use public::SshPublicKey;

/// No key file is larger (bytes).
const LARGEST: u64 = 256 * 1024;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SshKeyError {
    /// The file cannot be read.
    #[error("the key file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It holds no private key we know.
    #[error("this is no private key file (OpenSSH, PEM or PuTTY)")]
    NotAKey,
    /// It holds no public key we know.
    #[error("this is no public key file (OpenSSH or RFC 4716)")]
    NotAPublicKey,
    /// It is no user certificate of OpenSSH.
    #[error("this is no SSH user certificate")]
    NotACertificate,
    /// The passphrase does not open it.
    #[error("the passphrase does not open this key")]
    WrongPassphrase,
    /// It belongs to a security key (FIDO); only an agent can sign with it.
    #[error("this is a security key's file; load it into the SSH agent to use it")]
    NeedsAgent,
    /// It is not what it says it is.
    #[error("this key file is damaged: {0}")]
    Damaged(&'static str),
    /// It is a key, but encrypted or made in a way that is not supported.
    #[error("this key file is of a kind that is not supported here ({0}); `ssh-keygen -p -f FILE` rewrites it in OpenSSH's format")]
    Unsupported(String),
}

/// The key files OpenSSH tries by itself, in its order, as far as they are there.
pub fn default_keys(home: &Path) -> Vec<PathBuf> {
    let names = ["id_ed25519", "id_ecdsa", "id_rsa"];
    names.iter().map(|name| home.join(".ssh").join(name)).filter(|path| path.is_file()).collect()
}

/// Who else may read a private key's file: its mode, where that is more than its owner. OpenSSH does not use such a file.
pub fn loose_mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = path.metadata().ok()?.permissions().mode() & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

/// The text of a key file.
pub(super) fn read_text(path: &Path) -> Result<Zeroizing<String>, SshKeyError> {
    let mut contents = Zeroizing::new(String::new());
    let file = std::fs::File::open(path)?;
    let read = file.take(LARGEST + 1).read_to_string(&mut contents).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => SshKeyError::NotAKey,
        _ => SshKeyError::Io(error),
    })?;
    if read as u64 > LARGEST { Err(SshKeyError::NotAKey) } else { Ok(contents) }
}

/// `path` with something behind its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn unsupported(error: &impl fmt::Display) -> SshKeyError {
    SshKeyError::Unsupported(text::display_safe(error.to_string().as_bytes()))
}
