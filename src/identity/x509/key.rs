//! Private keys of certificates: made, read, locked with a passphrase, and what they sign. Never shown, never logged.
//!
//! Writes encrypted PKCS#8 only, so no key is ever on a disk in the open.

use pkcs8::pkcs5::pbes2::Parameters;
use pkcs8::{Error as Pkcs8Error, PrivateKeyInfoRef};
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData as _,
    RsaKeySize, SigningKey as _,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::der::{self, NULL, OCTET_STRING, element, integer, oid, sequence};
use crate::secrets::Secret;
use crate::trust::signature::PublicKey;

/// What kind of key is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyType {
    /// ECDSA over P-256; every FTP server takes it.
    #[default]
    P256,
    /// ECDSA over P-384.
    P384,
    /// RSA with 3072 bits, for old servers.
    Rsa3072,
    /// Ed25519; old servers do not know it.
    Ed25519,
}

/// Why a private key cannot be made, read or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no private key in the file.
    #[error("there is no private key in this file")]
    NoKey,
    /// It is encrypted, and no passphrase was given.
    #[error("this key is locked with a passphrase")]
    Locked,
    /// The passphrase does not open it. Most formats cannot tell this from damage in the encrypted part.
    #[error("the passphrase does not open this key")]
    WrongPassphrase,
    /// The file is not what it says it is.
    #[error("this key file is damaged: {0}")]
    Damaged(&'static str),
    /// It is encrypted in a way that is not read here.
    #[error(
        "this key is locked with {0}, which is not opened here; `openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out NEW` makes a file that is"
    )]
    OldEncryption(String),
    /// OpenSSH's own format.
    #[error(
        "this is a key in OpenSSH's own format; `ssh-keygen -p -m PKCS8 -f COPY` turns a copy of it into one that certificates can be made over"
    )]
    OpenSsh,
    /// Opening it would take more memory or time than any sensible key file asks for.
    #[error("opening this key would take far more memory or time than a sensible key file asks for")]
    TooExpensive,
    /// The key itself cannot be used.
    #[error("this key cannot be used: it is damaged, or of a kind that is too weak or too rare (RSA below 2048 bits, DSA, secp256k1)")]
    Unusable,
    /// Random numbers or arithmetic failed.
    #[error("the key cannot be used to sign: {0}")]
    Failed(String),
}

/// How the key for a file's encryption is made from the passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Derivation {
    /// scrypt: the harder to guess. OpenSSL 1.1 and later read it.
    Scrypt,
    /// PBKDF2 with HMAC-SHA-256, 600 000 rounds: for programs that do not know scrypt (GnuTLS, older Windows, Java).
    Pbkdf2,
}

/// A private key that is open.
pub struct PrivateKey {
    pair: Zeroizing<KeyPair>,
    /// PKCS#8 version 1: OpenSSL 3.0 and GnuTLS cannot read version 2, which rcgen makes for Ed25519.
    pkcs8: Zeroizing<Vec<u8>>,
}

impl PrivateKey {
    /// A new key. Takes up to a second for RSA.
    pub fn generate(kind: KeyType) -> Result<Self, KeyError> {
        let made = match kind {
            KeyType::P256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
            KeyType::P384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384),
            KeyType::Rsa3072 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_3072),
            KeyType::Ed25519 => KeyPair::generate_for(&PKCS_ED25519),
        };
        let pair = Zeroizing::new(made.map_err(|error| KeyError::Failed(error.to_string()))?);
        Self::from_der(pair.serialized_der())
    }

    /// Reads PKCS#8 (version 1 or 2), PKCS#1 or SEC 1.
    pub fn from_der(bytes: &[u8]) -> Result<Self, KeyError> {
        let pair = Zeroizing::new(KeyPair::try_from(bytes).map_err(|_| KeyError::Unusable)?);
        let spki = pair.subject_public_key_info();
        let algorithm = PublicKey::read(&spki).ok_or(KeyError::Unusable)?.algorithm;
        let inner = match PrivateKeyInfoRef::try_from(bytes) {
            Ok(info) => info.private_key.as_bytes(),
            Err(_) => bytes,
        };
        let pkcs8 = pkcs8(&sequence(&[algorithm]), inner);
        Ok(Self { pair, pkcs8 })
    }

    /// The DER of its SubjectPublicKeyInfo.
    pub fn public(&self) -> Vec<u8> {
        self.pair.subject_public_key_info()
    }

    /// PKCS#8 in the open, for the one who uses it in memory.
    pub fn pkcs8(&self) -> &Zeroizing<Vec<u8>> {
        &self.pkcs8
    }

    /// Encrypted PKCS#8 in PEM. Takes a second of computing on purpose.
    pub fn lock(&self, passphrase: &Secret, derivation: Derivation) -> Result<Zeroizing<String>, KeyError> {
        lock_pkcs8(&self.pkcs8, passphrase, derivation)
    }

    /// `SEQUENCE { message, algorithm, signature }`: certificates, requests and revocation lists alike.
    pub(super) fn signed(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let signature = self.pair.sign(message).map_err(|error| KeyError::Failed(error.to_string()))?;
        Ok(sequence(&[message, &self.signature_algorithm(), &der::bit_string(&signature)]))
    }

    /// The AlgorithmIdentifier of [`Self::signed`].
    pub(super) fn signature_algorithm(&self) -> Vec<u8> {
        let is = |algorithm| self.pair.is_compatible(algorithm);
        if is(&PKCS_ED25519) {
            sequence(&[&oid(&[1, 3, 101, 112])])
        } else if is(&PKCS_ECDSA_P256_SHA256) {
            sequence(&[&oid(&[1, 2, 840, 10045, 4, 3, 2])])
        } else if is(&PKCS_ECDSA_P384_SHA384) {
            sequence(&[&oid(&[1, 2, 840, 10045, 4, 3, 3])])
        } else if is(&PKCS_ECDSA_P521_SHA512) {
            sequence(&[&oid(&[1, 2, 840, 10045, 4, 3, 4])])
        } else {
            sequence(&[&oid(&[1, 2, 840, 113_549, 1, 1, 11]), &element(NULL, &[])])
        }
    }
}

/// Encrypts PKCS#8; the text is PEM. Takes a second of computing on purpose.
pub(in crate::identity) fn lock_pkcs8(der: &[u8], passphrase: &Secret, derivation: Derivation) -> Result<Zeroizing<String>, KeyError> {
    let failed = |error: Pkcs8Error| KeyError::Failed(error.to_string());
    let mut random = getrandom::SysRng;
    let parameters = match derivation {
        Derivation::Scrypt => Parameters::generate_scrypt(&mut random),
        Derivation::Pbkdf2 => Parameters::generate_pbkdf2(&mut random),
    };
    let parameters = parameters.map_err(|error| failed(error.into()))?;
    let info = PrivateKeyInfoRef::try_from(der).map_err(failed)?;
    let locked = info.encrypt_with_params(parameters, passphrase.expose()).map_err(failed)?;
    Ok(der::pem("ENCRYPTED PRIVATE KEY", locked.as_bytes()))
}

/// PKCS#8 in the open, PEM.
pub(in crate::identity) fn pkcs8_pem(der: &[u8]) -> Zeroizing<String> {
    der::pem("PRIVATE KEY", der)
}

/// An Ed25519 key as PKCS#8, version 1 (RFC 8410 section 7).
pub(in crate::identity) fn ed25519_pkcs8(seed: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    let inner = Zeroizing::new(element(OCTET_STRING, seed));
    pkcs8(&sequence(&[&oid(&[1, 3, 101, 112])]), &inner)
}

/// An RSA key of PKCS#1 as PKCS#8, version 1.
pub(in crate::identity) fn rsa_pkcs8(pkcs1: &[u8]) -> Zeroizing<Vec<u8>> {
    pkcs8(&sequence(&[&oid(&[1, 2, 840, 113_549, 1, 1, 1]), &element(NULL, &[])]), pkcs1)
}

/// `algorithm` is the DER of an AlgorithmIdentifier.
fn pkcs8(algorithm: &[u8], inner: &[u8]) -> Zeroizing<Vec<u8>> {
    let inner = Zeroizing::new(element(OCTET_STRING, inner));
    Zeroizing::new(sequence(&[&integer(&[0]), algorithm, &inner]))
}
