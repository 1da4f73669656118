//! The identities made or brought here, one folder each: `key.pem` (locked), `certificate.pem` (the chain), `request.pem`,
//! `facts.json`, and `pending.pem` (with its lock) while a signed certificate waits for its first login. Holds no secret in
//! the open.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bundle::Bundle;
use super::certificate::Usage;
use super::der;
use super::draft::check_name;
use super::expiry::{Expiry, expiry};
use super::folder::{self, FolderError, Listed, at};
use super::key::{KeyError, PrivateKey};
use super::key_file::KeyFile;
use super::request::Request;
use crate::secrets::Secret;
use crate::trust::certificate::{CertificateFacts, public_key_of};
use crate::trust::private_file;

const KEY: &str = "key.pem";
const CERTIFICATE: &str = "certificate.pem";
const REQUEST: &str = "request.pem";
const PENDING: &str = "pending.pem";
const FACTS: &str = "facts.json";
/// Beside the identities: the name of the one that is shown where nothing else was chosen.
const DEFAULT: &str = "default";

/// What is kept beside the files of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// When it was made or brought here.
    pub made: Timestamp,
    /// What it is for.
    pub usage: Usage,
}

/// An identity as it lies on the disk; its key stays locked.
#[derive(Debug, Clone)]
pub struct Identity {
    /// What it is called.
    pub name: String,
    /// Where it lies.
    pub folder: PathBuf,
    /// What is kept of it.
    pub facts: Facts,
    /// DER, its own certificate first.
    pub chain: Vec<Vec<u8>>,
    /// What its certificate says.
    pub certificate: CertificateFacts,
    /// The signed chain that replaces the old one after the first login with it.
    pub pending: Option<Vec<Vec<u8>>>,
}

impl Identity {
    /// The locked key's file.
    pub fn key_file(&self) -> PathBuf {
        self.folder.join(KEY)
    }

    /// The certificate's file, with its chain.
    pub fn certificate_file(&self) -> PathBuf {
        self.folder.join(CERTIFICATE)
    }

    /// The request's file, which may not be there.
    pub fn request_file(&self) -> PathBuf {
        self.folder.join(REQUEST)
    }

    /// The file of the signed certificate that waits for its first login, which may not be there.
    pub fn pending_file(&self) -> PathBuf {
        self.folder.join(PENDING)
    }

    /// Opens its key. Takes up to a second of computing on purpose: call it off the event loop.
    pub fn unlock(&self, passphrase: &Secret) -> Result<PrivateKey, UnlockError> {
        let file = self.key_file();
        let bytes = folder::read(&file)?.ok_or_else(|| FolderError::damaged(&file, &"the private key is gone"))?;
        let key = KeyFile::read(&bytes)?.unlock(passphrase)?;
        if key.public() != self.public_key() {
            return Err(FolderError::damaged(&file, &"the private key belongs to another certificate").into());
        }
        Ok(key)
    }

    /// Its request, if there is one.
    pub fn request(&self) -> Result<Option<Request>, FolderError> {
        let file = self.request_file();
        folder::read(&file)?.map(|bytes| Request::read(&bytes).map_err(|error| FolderError::damaged(&file, &error))).transpose()
    }

    /// Whether its certificate ends soon.
    pub fn expiry(&self, now: Timestamp) -> Option<Expiry> {
        expiry(self.certificate.not_after, now)
    }

    /// Its SubjectPublicKeyInfo, DER.
    pub fn public_key(&self) -> &[u8] {
        self.chain.first().and_then(|leaf| public_key_of(leaf)).unwrap_or_default()
    }
}

/// Why a key was not opened.
#[derive(Debug, thiserror::Error)]
pub enum UnlockError {
    /// Its file.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// What a new identity is made of. The key is locked already.
pub struct New<'a> {
    /// Encrypted PKCS#8, PEM.
    pub key: &'a str,
    /// DER, its own certificate first.
    pub chain: &'a [Vec<u8>],
    /// PEM.
    pub request: Option<&'a str>,
    /// What is kept beside it.
    pub facts: Facts,
}

/// The folder of identities.
#[derive(Debug, Clone)]
pub struct IdentityStore {
    folder: PathBuf,
}

impl IdentityStore {
    /// In `data`, a person's data folder. Makes nothing.
    pub fn open(data: &Path) -> Self {
        Self { folder: data.join("identities") }
    }

    /// Keeps a new one: with all its files, or not at all.
    pub fn add(&self, name: &str, new: &New<'_>) -> Result<Identity, FolderError> {
        let facts = serde_json::to_vec_pretty(&new.facts).map_err(|error| at(&self.folder)(error.into()))?;
        let chain = pem(new.chain);
        let mut files = vec![(KEY, new.key.as_bytes()), (CERTIFICATE, chain.as_bytes()), (FACTS, &facts)];
        files.extend(new.request.map(|request| (REQUEST, request.as_bytes())));
        folder::add(&self.folder, name, &files)?;
        self.get(name)
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Result<Identity, FolderError> {
        let folder = folder::find(&self.folder, name)?;
        let file = folder.join(CERTIFICATE);
        let chain = chain_of(&file)?.ok_or_else(|| FolderError::damaged(&file, &"the certificate is gone"))?;
        let certificate = CertificateFacts::read(&chain[0]).map_err(|error| FolderError::damaged(&file, &error))?;
        let facts_file = folder.join(FACTS);
        let facts = folder::read(&facts_file)?.unwrap_or_default();
        let facts = serde_json::from_slice(&facts).map_err(|error| FolderError::damaged(&facts_file, &error))?;
        Ok(Identity { name: name.to_owned(), facts, chain, certificate, pending: chain_of(&folder.join(PENDING))?, folder })
    }

    /// All of them by name; what cannot be read says why.
    pub fn list(&self) -> Result<Vec<Listed<Identity>>, FolderError> {
        Ok(folder::names(&self.folder)?.into_iter().map(|name| (name.clone(), self.get(&name))).collect())
    }

    /// Gives one another name.
    pub fn rename(&self, name: &str, new: &str) -> Result<(), FolderError> {
        let is_default = self.default_name()?.as_deref() == Some(name);
        folder::rename(&self.folder, name, new)?;
        if is_default { self.set_default(Some(new)) } else { Ok(()) }
    }

    /// Takes one away for good, with its private key.
    pub fn remove(&self, name: &str) -> Result<(), FolderError> {
        if self.default_name()?.as_deref() == Some(name) {
            self.set_default(None)?;
        }
        folder::remove(&self.folder, name)
    }

    /// The one that is shown to every server that asks, where nothing else was chosen for it.
    pub fn default_name(&self) -> Result<Option<String>, FolderError> {
        let file = self.folder.join(DEFAULT);
        let name = folder::read(&file)?.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()).filter(|name| !name.is_empty());
        name.map(|name| check_name(&name).map(|()| name).map_err(|why| FolderError::damaged(&file, &why))).transpose()
    }

    /// Chooses it; `None`: servers that ask are shown nothing.
    pub fn set_default(&self, name: Option<&str>) -> Result<(), FolderError> {
        let file = self.folder.join(DEFAULT);
        match name {
            Some(name) => {
                self.get(name)?;
                private_file::replace(&file, format!("{name}\n").as_bytes()).map_err(at(&file))
            }
            None => match fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(at(&file)(error)),
                _ => Ok(()),
            },
        }
    }

    /// Keeps a signed chain beside the old one, until [`Self::commit`].
    pub fn stage(&self, name: &str, chain: &[Vec<u8>]) -> Result<(), FolderError> {
        let file = folder::find(&self.folder, name)?.join(PENDING);
        let _lock = private_file::lock(&file);
        private_file::replace(&file, pem(chain).as_bytes()).map_err(at(&file))
    }

    /// The pending chain replaces the old one, in one step, if it is still `chain`: the one that got somebody in.
    pub fn commit(&self, name: &str, chain: &[Vec<u8>]) -> Result<(), FolderError> {
        let folder = folder::find(&self.folder, name)?;
        let pending = folder.join(PENDING);
        let _lock = private_file::lock(&pending);
        match chain_of(&pending)? {
            None => Err(FolderError::NothingPending(name.to_owned())),
            Some(waiting) if waiting != chain => Err(FolderError::OtherPending(name.to_owned())),
            Some(_) => fs::rename(&pending, folder.join(CERTIFICATE)).map_err(at(&pending)),
        }
    }

    /// The pending chain is forgotten; the old one stays.
    pub fn discard(&self, name: &str) -> Result<(), FolderError> {
        let pending = folder::find(&self.folder, name)?.join(PENDING);
        let _lock = private_file::lock(&pending);
        match fs::remove_file(&pending) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(FolderError::NothingPending(name.to_owned())),
            removed => removed.map_err(at(&pending)),
        }
    }

    /// Keeps a new request (PEM).
    pub fn set_request(&self, name: &str, request: &str) -> Result<(), FolderError> {
        let file = folder::find(&self.folder, name)?.join(REQUEST);
        private_file::replace(&file, request.as_bytes()).map_err(at(&file))
    }
}

/// A chain in PEM.
pub fn pem(chain: &[Vec<u8>]) -> String {
    chain.iter().map(|der| der::pem("CERTIFICATE", der).to_string()).collect()
}

/// At least one certificate, or `None` if the file is not there.
pub(super) fn chain_of(file: &Path) -> Result<Option<Vec<Vec<u8>>>, FolderError> {
    let Some(bytes) = folder::read(file)? else { return Ok(None) };
    let bundle = Bundle::read(&bytes).map_err(|error| FolderError::damaged(file, &error))?;
    if bundle.certificates().is_empty() {
        Err(FolderError::damaged(file, &"there is no certificate in it"))
    } else {
        Ok(Some(bundle.certificates().to_vec()))
    }
}
