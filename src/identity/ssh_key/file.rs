//! Key files: the public half without the passphrase where the format allows, the private half with it.

use std::path::{Path, PathBuf};

use russh::keys::ssh_key::Kdf;
use russh::keys::{Algorithm, PrivateKey, pkcs8::decode_pkcs8};
use zeroize::Zeroizing;

use super::putty::PuttyFile;
use super::{SshKey, SshKeyError, SshPublicKey, read_text, unsupported, with_suffix};
use crate::identity::x509::key::{KeyError, rsa_pkcs8};
use crate::identity::x509::key_file::KeyFile;
use crate::model::text;
use crate::secrets::Secret;

/// No derivation of OpenSSH's takes more rounds; ssh-keygen makes 24 if nothing else is said.
const MOST_ROUNDS: u32 = 2000;

/// A key file as it was read; the private half may still be locked.
pub struct SshKeyFile {
    path: PathBuf,
    form: Form,
    public: Option<SshPublicKey>,
    shows_public: bool,
}

enum Form {
    OpenSsh(Box<PrivateKey>),
    Putty(Box<PuttyFile>),
    Pem(KeyFile),
}

impl SshKeyFile {
    /// Reads a file. Needs no passphrase and computes next to nothing.
    ///
    /// The public half is known at once for OpenSSH and PuTTY files and for those that are not locked; for a locked
    /// PEM file only if `FILE.pub` lies beside it.
    pub fn read(path: &Path) -> Result<Self, SshKeyError> {
        let form = Form::read(&read_text(path)?)?;
        let own = form.public()?;
        let shows_public = own.is_some();
        // A locked OpenSSH file hides its comment, too; the public file beside it has it.
        let public = match (own, SshPublicKey::read(&with_suffix(path, ".pub")).ok()) {
            (Some(own), Some(beside)) if own.comment().is_empty() && beside.is_same(&own) => Some(beside),
            (own, beside) => own.or(beside),
        };
        Ok(Self { path: path.to_owned(), form, public, shows_public })
    }

    /// Where it was read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The public half, where it is known without the passphrase.
    pub fn public(&self) -> Option<&SshPublicKey> {
        self.public.as_ref()
    }

    /// The public half, where the file itself shows it: not believed of a file that only lies beside it.
    pub fn own_public(&self) -> Option<&SshPublicKey> {
        self.public.as_ref().filter(|_| self.shows_public)
    }

    /// Whether a passphrase is needed.
    pub fn is_locked(&self) -> bool {
        match &self.form {
            Form::OpenSsh(key) => key.is_encrypted(),
            Form::Putty(file) => file.is_locked(),
            Form::Pem(file) => file.is_locked(),
        }
    }

    /// The key's comment or fingerprint, or the file's name where neither is known; safe to draw.
    pub fn label(&self) -> String {
        match &self.public {
            Some(public) => public.label(),
            None => text::display_safe(self.path.file_name().unwrap_or_default().as_encoded_bytes()),
        }
    }

    /// Opens the private half. The passphrase of a file that is not locked is ignored.
    ///
    /// This takes up to a second of computing on purpose (key derivation): call it off the event loop.
    pub fn unlock(&self, passphrase: &Secret) -> Result<SshKey, SshKeyError> {
        let mut key = match &self.form {
            Form::OpenSsh(key) if key.is_encrypted() => open_openssh(key, passphrase)?,
            Form::OpenSsh(key) => (**key).clone(),
            Form::Putty(file) => file.unlock(passphrase)?,
            Form::Pem(file) => from_der(&file.open(passphrase)?)?,
        };
        if matches!(key.algorithm(), Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256) {
            return Err(SshKeyError::NeedsAgent);
        }
        // PEM has no comments.
        if let Some(public) = &self.public
            && key.comment().as_bytes().is_empty()
            && public.inner().key_data() == key.public_key().key_data()
        {
            key.set_comment(public.inner().comment().clone());
        }
        Ok(SshKey::new(key))
    }
}

impl Form {
    fn read(contents: &str) -> Result<Self, SshKeyError> {
        let contents = contents.trim();
        let first = contents.lines().next().unwrap_or_default().trim_end();
        if first.starts_with("PuTTY-User-Key-File-") {
            return PuttyFile::read(contents).map(|file| Self::Putty(Box::new(file)));
        }
        if first == "-----BEGIN OPENSSH PRIVATE KEY-----" {
            let key = PrivateKey::from_openssh(contents.as_bytes()).map_err(|error| unsupported(&error))?;
            return match key.kdf() {
                Kdf::Bcrypt { rounds, .. } if *rounds > MOST_ROUNDS => {
                    Err(SshKeyError::Unsupported(format!("opening it would take {rounds} rounds of bcrypt")))
                }
                _ => Ok(Self::OpenSsh(Box::new(key))),
            };
        }
        if first.starts_with("-----BEGIN ") && first.ends_with("PRIVATE KEY-----") {
            return Ok(Self::Pem(KeyFile::read(contents.as_bytes())?));
        }
        Err(SshKeyError::NotAKey)
    }

    /// What can be told of the public half without the passphrase.
    fn public(&self) -> Result<Option<SshPublicKey>, SshKeyError> {
        Ok(match self {
            Self::OpenSsh(key) => Some(SshPublicKey::new(key.public_key().clone())),
            Self::Putty(file) => Some(file.public().clone()),
            Self::Pem(file) if file.is_locked() => None,
            Self::Pem(file) => Some(SshPublicKey::new(from_der(&file.open(&Secret::new(String::new()))?)?.public_key().clone())),
        })
    }
}

fn open_openssh(locked: &PrivateKey, passphrase: &Secret) -> Result<PrivateKey, SshKeyError> {
    use russh::keys::ssh_key::Error;
    // bcrypt itself takes no empty one.
    if passphrase.is_empty() {
        return Err(SshKeyError::WrongPassphrase);
    }
    locked.decrypt(passphrase.expose()).map_err(|error| match error {
        Error::Crypto => SshKeyError::WrongPassphrase,
        other => unsupported(&other),
    })
}

/// PKCS#8, PKCS#1 or SEC 1.
fn from_der(der: &Zeroizing<Vec<u8>>) -> Result<PrivateKey, SshKeyError> {
    let read = decode_pkcs8(der, None).or_else(|error| decode_pkcs8(&rsa_pkcs8(der), None).map_err(|_| error));
    read.map_err(|error| unsupported(&error))
}

impl From<KeyError> for SshKeyError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::NoKey => Self::NotAKey,
            KeyError::WrongPassphrase | KeyError::Locked => Self::WrongPassphrase,
            KeyError::Damaged(why) => Self::Damaged(why),
            other => Self::Unsupported(other.to_string()),
        }
    }
}
