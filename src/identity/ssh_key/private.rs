//! Private keys that are open: made, used to sign, and written, each format locked with a passphrase.

use std::sync::Arc;

use russh::keys::pkcs8::encode_pkcs8;
use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::{KeypairData, RsaKeypair};
use russh::keys::{Algorithm, EcdsaCurve, PrivateKey};
use zeroize::Zeroizing;

use super::putty;
use super::{SshKeyError, SshPublicKey, unsupported};
use crate::identity::x509::key::{Derivation, ed25519_pkcs8, lock_pkcs8, pkcs8_pem};
use crate::secrets::Secret;

/// What kind of key is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SshKeyType {
    /// Ed25519: short, and known to every server since 2014.
    #[default]
    Ed25519,
    /// ECDSA over P-256.
    P256,
    /// ECDSA over P-384.
    P384,
    /// ECDSA over P-521.
    P521,
    /// RSA with this many bits, for old servers.
    Rsa(u16),
}

impl SshKeyType {
    /// Fewer bits of RSA are not made.
    pub const FEWEST_RSA_BITS: u16 = 3072;
    /// More take minutes to make, and some servers refuse them.
    pub const MOST_RSA_BITS: u16 = 8192;
}

/// How a private key is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivateForm {
    /// OpenSSH's own format (AES-256-CTR, bcrypt).
    OpenSsh,
    /// PKCS#8 in PEM (PBES2: AES-256-CBC, PBKDF2), which OpenSSL, Java and old ssh-keygen read.
    Pkcs8,
    /// PuTTY's format, version 2 (SHA-1) for PuTTY before 0.75, or 3 (Argon2).
    Putty(putty::Version),
}

/// A private key that is open: it can sign. Never shown, never logged.
#[derive(Clone)]
pub struct SshKey(Arc<PrivateKey>);

impl SshKey {
    pub(super) fn new(key: PrivateKey) -> Self {
        Self(Arc::new(key))
    }

    /// A new key. Takes seconds for RSA: call it off the event loop.
    ///
    /// # Errors
    /// [`SshKeyError::Unsupported`] for RSA of too few or too many bits.
    pub fn generate(kind: SshKeyType, comment: &str) -> Result<Self, SshKeyError> {
        let mut random = russh::keys::key::safe_rng();
        let ecdsa = |curve| Algorithm::Ecdsa { curve };
        let algorithm = match kind {
            SshKeyType::Ed25519 => Algorithm::Ed25519,
            SshKeyType::P256 => ecdsa(EcdsaCurve::NistP256),
            SshKeyType::P384 => ecdsa(EcdsaCurve::NistP384),
            SshKeyType::P521 => ecdsa(EcdsaCurve::NistP521),
            SshKeyType::Rsa(bits) => {
                if !(SshKeyType::FEWEST_RSA_BITS..=SshKeyType::MOST_RSA_BITS).contains(&bits) {
                    return Err(SshKeyError::Unsupported(format!("RSA with {bits} bits")));
                }
                let pair = RsaKeypair::random(&mut random, usize::from(bits)).map_err(|error| unsupported(&error))?;
                return Ok(Self::new(PrivateKey::new(pair.into(), comment).map_err(|error| unsupported(&error))?));
            }
        };
        let mut key = PrivateKey::random(&mut random, algorithm).map_err(|error| unsupported(&error))?;
        key.set_comment(comment);
        Ok(Self::new(key))
    }

    pub(crate) fn inner(&self) -> &Arc<PrivateKey> {
        &self.0
    }

    /// The public half.
    pub fn public(&self) -> SshPublicKey {
        SshPublicKey::new(self.0.public_key().clone())
    }

    /// The text of a key file, locked with `passphrase`; in the open if that is empty.
    ///
    /// This takes up to a second of computing on purpose (key derivation): call it off the event loop.
    ///
    /// # Errors
    /// [`SshKeyError::Unsupported`] where the format does not know this kind of key.
    pub fn write(&self, form: PrivateForm, passphrase: &Secret) -> Result<Zeroizing<String>, SshKeyError> {
        match form {
            PrivateForm::OpenSsh => {
                let locked = (!passphrase.is_empty())
                    .then(|| self.0.encrypt(&mut russh::keys::key::safe_rng(), passphrase.expose()))
                    .transpose()
                    .map_err(|error| unsupported(&error))?;
                locked.as_ref().unwrap_or(&self.0).to_openssh(LineEnding::LF).map_err(|error| unsupported(&error))
            }
            PrivateForm::Pkcs8 => {
                let der = self.pkcs8()?;
                if passphrase.is_empty() {
                    return Ok(pkcs8_pem(&der));
                }
                lock_pkcs8(&der, passphrase, Derivation::Pbkdf2).map_err(|error| unsupported(&error))
            }
            PrivateForm::Putty(version) => putty::write(&self.0, version, passphrase),
        }
    }

    /// Version 1, as OpenSSL 3.0 and ssh-keygen want it.
    fn pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, SshKeyError> {
        match self.0.key_data() {
            KeypairData::Ed25519(pair) => Ok(ed25519_pkcs8(&Zeroizing::new(pair.private.to_bytes()))),
            _ => encode_pkcs8(&self.0).map(Zeroizing::new).map_err(|error| unsupported(&error)),
        }
    }
}
