//! What came in a file: certificates and perhaps a private key, in PEM, DER, PKCS#7 or PKCS#12. Judges nothing of it.

use super::key::{KeyError, PrivateKey};
use super::key_file::KeyFile;
use super::pkcs12;
use crate::secrets::Secret;
use crate::trust::certificate::CertificateFacts;
use crate::trust::document::{pem, pkcs7};

/// More certificates than this are in no chain.
const MOST: usize = 100;
/// No file is read beyond this (bytes).
pub const LARGEST: usize = 4 * 1024 * 1024;

/// What is in a file, as far as it can be read without a passphrase.
pub struct Bundle {
    certificates: Vec<Vec<u8>>,
    key: Option<KeyFile>,
    archive: Option<Vec<u8>>,
}

/// What is in a file.
pub struct Opened {
    /// DER, in the file's order, nothing twice.
    pub certificates: Vec<Vec<u8>>,
    /// The private key, if there is one.
    pub key: Option<PrivateKey>,
}

/// Why nothing can be taken from a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Neither certificate nor key.
    #[error("there is neither a certificate nor a private key in this file (PEM, DER, PKCS#7 or PKCS#12)")]
    Nothing,
    /// A certificate in it cannot be read.
    #[error("a certificate in this file is damaged: {0}")]
    Damaged(&'static str),
    /// Too much of it.
    #[error("this file is far larger than certificates are")]
    TooLarge,
    /// The key, or the whole file's lock.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Bundle {
    /// Reads a file's bytes. Computes nothing.
    pub fn read(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > LARGEST {
            return Err(BundleError::TooLarge);
        }
        let mut found = Self { certificates: Vec::new(), key: None, archive: None };
        if let Some(blocks) = pem::blocks(bytes) {
            for block in &blocks {
                let der = block.body.as_ref().map_err(|why| BundleError::Damaged(why));
                match block.label.as_str() {
                    "CERTIFICATE" | "X509 CERTIFICATE" => found.add(der?)?,
                    "PKCS7" | "PKCS #7 SIGNED DATA" | "CMS" => found.add_pkcs7(der?)?,
                    _ => {}
                }
            }
            found.key = match KeyFile::read(bytes) {
                Err(KeyError::NoKey) => None,
                read => Some(read?),
            };
        } else if pkcs12::is_one(bytes) {
            found.archive = Some(bytes.to_vec());
        } else if CertificateFacts::read(bytes).is_ok() {
            found.add(bytes)?;
        } else if pkcs7::parts(bytes).is_some() {
            found.add_pkcs7(bytes)?;
        } else {
            found.key = Some(KeyFile::read(bytes).map_err(|error| match error {
                KeyError::NoKey => BundleError::Nothing,
                other => other.into(),
            })?);
        }
        if found.certificates.is_empty() && found.key.is_none() && found.archive.is_none() {
            return Err(BundleError::Nothing);
        }
        Ok(found)
    }

    fn add(&mut self, der: &[u8]) -> Result<(), BundleError> {
        if CertificateFacts::read(der).is_err() {
            return Err(BundleError::Damaged("what is inside is none"));
        }
        if self.certificates.len() >= MOST {
            return Err(BundleError::TooLarge);
        }
        if !self.certificates.iter().any(|known| known == der) {
            self.certificates.push(der.to_vec());
        }
        Ok(())
    }

    fn add_pkcs7(&mut self, der: &[u8]) -> Result<(), BundleError> {
        let parts = pkcs7::parts(der).ok_or(BundleError::Damaged("its PKCS#7 wrapping cannot be read"))?;
        // Revocation lists may stand among them.
        parts.into_iter().filter(|part| CertificateFacts::read(part).is_ok()).try_for_each(|part| self.add(part))
    }

    /// Whether a passphrase is needed for what is in it.
    pub fn is_locked(&self) -> bool {
        self.archive.is_some() || self.key.as_ref().is_some_and(KeyFile::is_locked)
    }

    /// Whether a private key may be in it; of a PKCS#12 file only opening it tells.
    pub fn may_have_key(&self) -> bool {
        self.archive.is_some() || self.key.is_some()
    }

    /// The certificates that stand in the open; those of a PKCS#12 file do not.
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    /// Opens it. The passphrase of what is not locked is ignored.
    ///
    /// This takes up to a second of computing on purpose (key derivation): call it off the event loop.
    pub fn open(mut self, passphrase: &Secret) -> Result<Opened, BundleError> {
        if let Some(archive) = self.archive.take() {
            let (key, certificates) = pkcs12::read(&archive, passphrase)?;
            certificates.iter().try_for_each(|der| self.add(der))?;
            return Ok(Opened { certificates: self.certificates, key });
        }
        let key = self.key.map(|key| key.unlock(passphrase)).transpose()?;
        Ok(Opened { certificates: self.certificates, key })
    }
}
