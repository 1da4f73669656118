//! OpenSSH user certificates: what an authority signed for a key of the person. Judged by servers, not here.

use std::path::Path;
use std::sync::Arc;

use russh::keys::Certificate;
use russh::keys::ssh_key::certificate::CertType;

use super::ssh_key::{SshKeyError, SshPublicKey, read_text};

/// A user certificate (`ssh-ed25519-cert-v01@openssh.com …`).
#[derive(Clone, PartialEq, Eq)]
pub struct SshCertificate(Arc<Certificate>);

impl SshCertificate {
    /// Reads a certificate file.
    ///
    /// # Errors
    /// [`SshKeyError::Io`], or [`SshKeyError::NotACertificate`] for anything but a user certificate.
    pub fn read(path: &Path) -> Result<Self, SshKeyError> {
        let certificate = Certificate::from_openssh(read_text(path)?.trim()).map_err(|_| SshKeyError::NotACertificate)?;
        if certificate.cert_type() == CertType::User { Ok(Self(Arc::new(certificate))) } else { Err(SshKeyError::NotACertificate) }
    }

    /// Whether it was signed for this key.
    pub fn is_for(&self, key: &SshPublicKey) -> bool {
        self.0.public_key() == key.inner().key_data()
    }

    /// The key it was signed for.
    pub fn key(&self) -> SshPublicKey {
        SshPublicKey::new(self.0.public_key().clone().into())
    }

    pub(crate) fn inner(&self) -> &Certificate {
        &self.0
    }
}
