//! The vault: secrets in one file behind a passphrase, for machines that have no keyring. Made only when a person asks for it.
//!
//! A header (see `header`), a nonce, and the contents sealed with XChaCha20-Poly1305, the header bound to them. The key is in
//! memory while the vault is open, the contents only while something is looked up. The file is read whenever it is asked and
//! replaced whole, so that several running programs agree. Everything here blocks, and what takes a passphrase computes.

mod contents;
mod header;

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use super::{Secret, private_file};
use contents::{Contents, Held};
pub use header::Cost;
use header::{Header, Key, LENGTH};

/// No vault is larger (bytes).
const LARGEST: u64 = 1024 * 1024;
const NONCE: usize = 24;

/// One vault file, and its key while it is open. A clone is the same one.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    file: PathBuf,
    idle: Duration,
    open: Mutex<Option<Open>>,
}

struct Open {
    key: Key,
    /// Of the file the key belongs to: another passphrase gives another.
    header: Header,
    used: Timestamp,
}

/// Why a vault cannot be made, opened or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// Nobody made one.
    #[error("there is no vault yet")]
    Missing,
    /// There is one.
    #[error("there is a vault already")]
    Exists,
    /// Its passphrase is needed first.
    #[error("the vault is locked")]
    Locked,
    /// Not its passphrase.
    #[error("that passphrase does not open the vault")]
    WrongPassphrase,
    /// The file is not what was written.
    #[error("the vault file is damaged: {0}")]
    Damaged(&'static str),
    /// Written in another way.
    #[error("the vault file is of format {0}, which this version of sealift does not read")]
    Version(u16),
    /// The file asks for more memory or time, or for less, than any vault of sealift.
    #[error("opening the vault file would not take what a vault takes, but far too much memory or time, or too little")]
    TooExpensive,
    /// So much was never meant to be in it.
    #[error("there is no room for it in the vault")]
    Full,
    /// The disk.
    #[error("the vault file cannot be used: {0}")]
    Io(String),
    /// Random numbers or memory.
    #[error("the vault cannot be sealed or opened: {0}")]
    Failed(String),
}

impl Vault {
    /// The vault that is, or will be, `file`. It locks itself when it was not used for `idle`. Touches nothing yet.
    pub fn at(file: PathBuf, idle: Duration) -> Self {
        Self(Arc::new(Inner { file, idle, open: Mutex::default() }))
    }

    /// Where it is.
    pub fn file(&self) -> &Path {
        &self.0.file
    }

    /// Whether somebody made it.
    pub fn exists(&self) -> bool {
        self.0.file.symlink_metadata().is_ok()
    }

    /// Makes an empty one and leaves it open.
    pub fn make(&self, passphrase: &Secret, cost: Cost, now: Timestamp) -> Result<(), VaultError> {
        let (header, key) = Header::make(passphrase, cost)?;
        let folder = self.0.file.parent().unwrap_or(Path::new("."));
        private_file::create_folder(folder).map_err(|error| io_error(&error))?;
        let _lock = private_file::lock(&self.0.file);
        if self.exists() {
            return Err(VaultError::Exists);
        }
        self.write(&header, &key, &Contents::default())?;
        *self.open_state() = Some(Open { key, header, used: now });
        Ok(())
    }

    /// Opens it.
    pub fn unlock(&self, passphrase: &Secret, now: Timestamp) -> Result<(), VaultError> {
        let file = self.read()?;
        let header = Header::read(&file)?;
        let key = header.key(passphrase)?;
        unseal(&file, &header, &key)?;
        *self.open_state() = Some(Open { key, header, used: now });
        Ok(())
    }

    /// Forgets the key.
    pub fn lock(&self) {
        *self.open_state() = None;
    }

    /// Forgets the key if nobody needed it for so long, or if the clock jumped; whether it is open afterwards.
    pub fn lock_when_idle(&self, now: Timestamp) -> bool {
        let mut open = self.open_state();
        let idle = SignedDuration::try_from(self.0.idle).unwrap_or(SignedDuration::MAX);
        if open.as_ref().is_some_and(|open| now.duration_since(open.used).abs() >= idle) {
            *open = None;
        }
        open.is_some()
    }

    /// How long it stays open without use.
    pub fn idle(&self) -> Duration {
        self.0.idle
    }

    /// The secret called `name`, if there is one.
    pub fn get(&self, name: &str, now: Timestamp) -> Result<Option<Secret>, VaultError> {
        let (_, _, mut contents) = self.opened(now)?;
        Ok(contents.0.remove(name).map(|held| held.secret))
    }

    /// Every name, with when it was put there.
    pub fn names(&self, now: Timestamp) -> Result<Vec<(String, Timestamp)>, VaultError> {
        let (_, _, contents) = self.opened(now)?;
        Ok(contents.0.into_iter().map(|(name, held)| (name, held.since)).collect())
    }

    /// Keeps `secret` under `name`, in place of what was there.
    pub fn set(&self, name: &str, secret: &Secret, now: Timestamp) -> Result<(), VaultError> {
        let held = Held { secret: secret.clone(), since: now };
        self.change(now, |contents| drop(contents.0.insert(name.to_owned(), held)))
    }

    /// Removes `name`; one that is not there is no error.
    pub fn delete(&self, name: &str, now: Timestamp) -> Result<(), VaultError> {
        self.change(now, |contents| drop(contents.0.remove(name)))
    }

    /// Seals it with another passphrase and leaves it open. Programs that have it open have to be told the new one.
    pub fn change_passphrase(&self, old: &Secret, new: &Secret, cost: Cost, now: Timestamp) -> Result<(), VaultError> {
        let _lock = private_file::lock(&self.0.file);
        self.unlock(old, now)?;
        let (_, _, contents) = self.opened(now)?;
        let (header, key) = Header::make(new, cost)?;
        self.write(&header, &key, &contents)?;
        *self.open_state() = Some(Open { key, header, used: now });
        Ok(())
    }

    /// Reads, changes and replaces the contents, one program at a time.
    fn change(&self, now: Timestamp, change: impl FnOnce(&mut Contents)) -> Result<(), VaultError> {
        let _lock = private_file::lock(&self.0.file);
        let (header, key, mut contents) = self.opened(now)?;
        change(&mut contents);
        self.write(&header, &key, &contents)
    }

    /// What is in it, if it is open.
    fn opened(&self, now: Timestamp) -> Result<(Header, Key, Contents), VaultError> {
        let file = self.read()?;
        let header = Header::read(&file)?;
        self.lock_when_idle(now);
        let mut state = self.open_state();
        // A key of before the passphrase was changed opens nothing any more.
        if state.as_ref().is_some_and(|open| open.header != header) {
            *state = None;
        }
        let open = state.as_mut().ok_or(VaultError::Locked)?;
        open.used = now;
        let contents = unseal(&file, &header, &open.key)?;
        Ok((header, open.key.clone(), contents))
    }

    fn open_state(&self) -> MutexGuard<'_, Option<Open>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> Result<Vec<u8>, VaultError> {
        let mut bytes = Vec::new();
        match File::open(&self.0.file).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(VaultError::Missing),
            Err(error) => Err(io_error(&error)),
            Ok(read) if read as u64 > LARGEST => Err(VaultError::Damaged("it is far too large")),
            Ok(_) => Ok(bytes),
        }
    }

    fn write(&self, header: &Header, key: &Key, contents: &Contents) -> Result<(), VaultError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|error| VaultError::Failed(error.to_string()))?;
        let header = header.bytes();
        let payload = Payload { msg: &contents.write(), aad: &header };
        let sealed = cipher(key).encrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::Full)?;
        let file = [&header[..], &nonce, &sealed].concat();
        if file.len() as u64 > LARGEST {
            return Err(VaultError::Full);
        }
        private_file::replace(&self.0.file, &file).map_err(|error| io_error(&error))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("file", &self.0.file).finish_non_exhaustive()
    }
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&**key).into())
}

/// The contents of a file that begins with `header`.
fn unseal(file: &[u8], header: &Header, key: &Key) -> Result<Contents, VaultError> {
    let (nonce, sealed) = file.get(LENGTH..).and_then(<[u8]>::split_first_chunk::<NONCE>).ok_or(VaultError::Damaged("it is cut off"))?;
    let payload = Payload { msg: sealed, aad: &header.bytes() };
    let opened = cipher(key).decrypt(&XNonce::from(*nonce), payload).map(Zeroizing::new);
    let opened = opened.map_err(|_| VaultError::Damaged("what is sealed in it is not what was written"))?;
    Contents::read(&opened).ok_or(VaultError::Damaged("what is sealed in it makes no sense"))
}

fn io_error(error: &io::Error) -> VaultError {
    VaultError::Io(error.to_string())
}

#[cfg(test)]
mod tests;
