//! The authorities made here, one folder each: `key.pem` (locked), `certificate.pem`, `signed.jsonl` (the record) and
//! `revoked.crl`. Holds no secret in the open.

use std::path::{Path, PathBuf};

use super::super::draft::Made;
use super::super::folder::{self, FolderError, Listed};
use super::super::store::{chain_of, pem};
use crate::trust::certificate::CertificateFacts;

const CERTIFICATE: &str = "certificate.pem";

/// An authority as it lies on the disk; its key stays locked.
#[derive(Debug, Clone)]
pub struct AuthorityFolder {
    /// What it is called.
    pub name: String,
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// What that says.
    pub facts: CertificateFacts,
    folder: PathBuf,
}

impl AuthorityFolder {
    /// The locked key's file.
    pub fn key_file(&self) -> PathBuf {
        self.folder.join("key.pem")
    }

    /// The certificate's file: what servers are told to trust.
    pub fn certificate_file(&self) -> PathBuf {
        self.folder.join(CERTIFICATE)
    }

    /// The record of what it signed.
    pub fn record_file(&self) -> PathBuf {
        self.folder.join("signed.jsonl")
    }

    /// The latest revocation list.
    pub fn list_file(&self) -> PathBuf {
        self.folder.join("revoked.crl")
    }
}

/// The folder of authorities.
#[derive(Debug, Clone)]
pub struct AuthorityStore {
    folder: PathBuf,
}

impl AuthorityStore {
    /// In `data`, a person's data folder. Makes nothing.
    pub fn open(data: &Path) -> Self {
        Self { folder: data.join("authorities") }
    }

    /// Keeps a new one: with all its files, or not at all.
    pub fn add(&self, name: &str, made: &Made) -> Result<AuthorityFolder, FolderError> {
        let certificate = pem(std::slice::from_ref(&made.certificate));
        folder::add(&self.folder, name, &[("key.pem", made.key.as_bytes()), (CERTIFICATE, certificate.as_bytes())])?;
        self.get(name)
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Result<AuthorityFolder, FolderError> {
        let folder = folder::find(&self.folder, name)?;
        let file = folder.join(CERTIFICATE);
        let certificate = chain_of(&file)?.and_then(|chain| chain.into_iter().next());
        let certificate = certificate.ok_or_else(|| FolderError::damaged(&file, &"the certificate is gone"))?;
        let facts = CertificateFacts::read(&certificate).map_err(|error| FolderError::damaged(&file, &error))?;
        Ok(AuthorityFolder { name: name.to_owned(), certificate, facts, folder })
    }

    /// All of them by name; what cannot be read says why.
    pub fn list(&self) -> Result<Vec<Listed<AuthorityFolder>>, FolderError> {
        Ok(folder::names(&self.folder)?.into_iter().map(|name| (name.clone(), self.get(&name))).collect())
    }
}
