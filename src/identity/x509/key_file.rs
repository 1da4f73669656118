//! Files with a private key in PEM or DER: encrypted PKCS#8, the older PEM encryption, PKCS#1, SEC 1 and plain PKCS#8.
//!
//! Reads and unlocks; writes nothing. [`crate::identity::ssh_key`] opens its PEM files with it, too.

use pkcs8::pkcs5::pbes2::Kdf;
use pkcs8::{EncryptedPrivateKeyInfoRef, Error as Pkcs8Error, pkcs5};
use zeroize::Zeroizing;

use super::key::{KeyError, PrivateKey};
use super::legacy_pem;
use crate::secrets::Secret;
use crate::trust::document::pem::{self, Block};

/// No derivation takes more memory (bytes) or rounds.
const MOST_MEMORY: u64 = 192 * 1024 * 1024;
const MOST_ROUNDS: u32 = 10_000_000;

/// A private key as it was read; it may be locked.
pub struct KeyFile(Form);

enum Form {
    Open(Zeroizing<Vec<u8>>),
    Pkcs8(Vec<u8>),
    Legacy(legacy_pem::Locked),
}

impl KeyFile {
    /// Reads PEM (the first private key in it) or DER. Computes nothing.
    pub fn read(bytes: &[u8]) -> Result<Self, KeyError> {
        match pem::blocks(bytes) {
            Some(blocks) => Self::from_block(blocks.iter().find(|block| block.label.ends_with("PRIVATE KEY")).ok_or(KeyError::NoKey)?),
            None => Self::from_der(bytes),
        }
    }

    fn from_block(block: &Block) -> Result<Self, KeyError> {
        let body = block.body.as_ref().map_err(|why| KeyError::Damaged(why))?;
        match block.label.as_str() {
            "OPENSSH PRIVATE KEY" => Err(KeyError::OpenSsh),
            "ENCRYPTED PRIVATE KEY" => Self::encrypted(body),
            _ => match legacy_pem::Locked::read(&block.headers, body)? {
                Some(locked) => Ok(Self(Form::Legacy(locked))),
                None => Ok(Self(Form::Open(body.clone()))),
            },
        }
    }

    fn from_der(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.first() != Some(&0x30) {
            return Err(KeyError::NoKey);
        }
        match Self::encrypted(bytes) {
            Err(KeyError::Damaged(_)) => {
                PrivateKey::from_der(bytes).map(|_| Self(Form::Open(Zeroizing::new(bytes.to_vec())))).map_err(|_| KeyError::NoKey)
            }
            read => read,
        }
    }

    fn encrypted(der: &[u8]) -> Result<Self, KeyError> {
        let Ok(info) = EncryptedPrivateKeyInfoRef::try_from(der) else {
            let is_old = der.windows(OLD_SCHEMES.len()).take(32).any(|window| window == OLD_SCHEMES);
            return Err(if is_old { KeyError::OldEncryption("an old PKCS#12 scheme".to_owned()) } else { NOT_PKCS8 });
        };
        let Some(parameters) = info.encryption_algorithm.pbes2() else {
            return Err(KeyError::OldEncryption("PBES1 (PKCS#5 v1.5)".to_owned()));
        };
        let is_affordable = match &parameters.kdf {
            Kdf::Pbkdf2(kdf) => kdf.iteration_count <= MOST_ROUNDS,
            Kdf::Scrypt(kdf) => {
                let memory = kdf.cost_parameter.saturating_mul(u64::from(kdf.block_size)).saturating_mul(128);
                memory <= MOST_MEMORY && kdf.parallelization <= 16
            }
            _ => false,
        };
        if is_affordable { Ok(Self(Form::Pkcs8(der.to_vec()))) } else { Err(KeyError::TooExpensive) }
    }

    /// Whether a passphrase is needed.
    pub fn is_locked(&self) -> bool {
        !matches!(self.0, Form::Open(_))
    }

    /// Opens it. The passphrase of a file that is not locked is ignored.
    ///
    /// This takes up to a second of computing on purpose (key derivation): call it off the event loop.
    pub fn unlock(&self, passphrase: &Secret) -> Result<PrivateKey, KeyError> {
        PrivateKey::from_der(&self.open(passphrase)?)
    }

    /// The same without a look at what comes out: PKCS#8, PKCS#1 or SEC 1.
    pub(in crate::identity) fn open(&self, passphrase: &Secret) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        match &self.0 {
            Form::Open(der) => Ok(der.clone()),
            Form::Legacy(locked) => locked.open(passphrase),
            Form::Pkcs8(der) => {
                let info = EncryptedPrivateKeyInfoRef::try_from(der.as_slice()).map_err(|_| NOT_PKCS8)?;
                let opened = info.decrypt(passphrase.expose()).map_err(|error| match error {
                    Pkcs8Error::EncryptedPrivateKey(pkcs5::Error::UnsupportedAlgorithm { oid }) => KeyError::OldEncryption(oid.to_string()),
                    Pkcs8Error::EncryptedPrivateKey(pkcs5::Error::AlgorithmParametersInvalid { .. }) => {
                        KeyError::Damaged("its encryption is not described as it should be")
                    }
                    _ => KeyError::WrongPassphrase,
                })?;
                Ok(Zeroizing::new(opened.as_bytes().to_vec()))
            }
        }
    }
}

/// 1.2.840.113549.1.12.1, under which PKCS#12 names its schemes.
const OLD_SCHEMES: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01];
const NOT_PKCS8: KeyError = KeyError::Damaged("it is no encrypted PKCS#8");
