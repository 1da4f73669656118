//! From a passphrase to the keys of cipher and checksum. Version 2 hashes it once, version 3 derives them with Argon2.

use aes::Aes256;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use argon2::{Algorithm, Argon2, Params};
use hmac::{Hmac, KeyInit as _};
use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use super::{CIPHER, Mac, SshKeyError, Version, unsupported};
use crate::identity::hex;
use crate::secrets::Secret;

/// As PuTTY calls them.
pub(super) const KINDS: [(&str, Algorithm); 3] =
    [("Argon2d", Algorithm::Argon2d), ("Argon2i", Algorithm::Argon2i), ("Argon2id", Algorithm::Argon2id)];
const BLOCK: usize = 16;
/// No file may take more memory (KiB) to open.
const MOST_MEMORY: u32 = 192 * 1024;
/// Nor go over more of it (KiB) in all its passes.
const MOST_WORK: u64 = 16 * 1024 * 1024;

/// How the private half is locked.
pub(super) enum Lock {
    None,
    /// Version 2.
    Plain,
    /// Version 3.
    Derived(Derivation),
}

impl Lock {
    /// Its name in the file.
    pub(super) fn cipher(&self) -> &'static str {
        if matches!(self, Self::None) { "none" } else { CIPHER }
    }
}

/// Argon2 (RFC 9106) and its costs.
pub(super) struct Derivation {
    pub(super) kind: Algorithm,
    /// KiB.
    pub(super) memory: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
    pub(super) salt: Vec<u8>,
}

impl Derivation {
    /// 64 MiB, the second choice of RFC 9106 section 4. PuTTY itself takes 8 MiB and more passes.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut salt = vec![0; 16];
        getrandom::fill(&mut salt)?;
        Ok(Self { kind: Algorithm::Argon2id, memory: 64 * 1024, passes: 3, lanes: 1, salt })
    }

    pub(super) fn is_affordable(&self) -> bool {
        self.memory <= MOST_MEMORY && u64::from(self.memory) * u64::from(self.passes) <= MOST_WORK && self.lanes <= 16
    }

    pub(super) fn put(&self, text: &mut String) {
        let kind = KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(name, _)| name);
        text.push_str(&format!(
            "Key-Derivation: {kind}\nArgon2-Memory: {}\nArgon2-Passes: {}\nArgon2-Parallelism: {}\nArgon2-Salt: {}\n",
            self.memory,
            self.passes,
            self.lanes,
            hex::encode(&self.salt)
        ));
    }

    fn derive(&self, passphrase: &Secret) -> Result<Zeroizing<Vec<u8>>, SshKeyError> {
        let mut derived = Zeroizing::new(vec![0; 80]);
        let costs = Params::new(self.memory, self.passes, self.lanes, None).map_err(|error| unsupported(&error))?;
        let argon2 = Argon2::new(self.kind, argon2::Version::V0x13, costs);
        argon2.hash_password_into(passphrase.expose().as_bytes(), &self.salt, &mut derived).map_err(|error| unsupported(&error))?;
        Ok(derived)
    }
}

/// What a passphrase becomes.
pub(super) struct Keys {
    /// Of the cipher, and the block it starts from; `None`: nothing is encrypted.
    cipher: Option<Zeroizing<([u8; 32], [u8; BLOCK])>>,
    mac: Zeroizing<Vec<u8>>,
}

impl Keys {
    pub(super) fn derive(version: Version, lock: &Lock, passphrase: &Secret) -> Result<Self, SshKeyError> {
        let sha1 = |parts: [&[u8]; 2]| Zeroizing::new(Sha1::digest(Zeroizing::new(parts.concat()).as_slice()).to_vec());
        let secret = if matches!(lock, Lock::None) { b"" } else { passphrase.expose().as_bytes() };
        let mut cipher = Zeroizing::new(([0; 32], [0; BLOCK]));
        let mac = match lock {
            Lock::Derived(derivation) => {
                let derived = derivation.derive(passphrase)?;
                cipher.0.copy_from_slice(&derived[..32]);
                cipher.1.copy_from_slice(&derived[32..48]);
                Zeroizing::new(derived[48..].to_vec())
            }
            Lock::None if version == Version::Three => Zeroizing::default(),
            Lock::None | Lock::Plain => {
                cipher.0[..20].copy_from_slice(&sha1([&[0; 4], secret]));
                cipher.0[20..].copy_from_slice(&sha1([&[0, 0, 0, 1], secret])[..12]);
                sha1([b"putty-private-key-file-mac-key", secret])
            }
        };
        Ok(Self { cipher: (!matches!(lock, Lock::None)).then_some(cipher), mac })
    }

    /// Fills up the last block with what cannot be foreseen without knowing the rest.
    pub(super) fn pad(&self, private: &mut Zeroizing<Vec<u8>>) {
        if self.cipher.is_some() {
            let filling = Sha1::digest(&**private);
            let missing = private.len().next_multiple_of(BLOCK) - private.len();
            private.extend_from_slice(&filling[..missing]);
        }
    }

    /// Encrypts in place; `None` where the last block is not whole.
    pub(super) fn encrypt(&self, private: &mut [u8]) -> Option<()> {
        let Some(cipher) = &self.cipher else { return Some(()) };
        let length = private.len();
        let encryptor = cbc::Encryptor::<Aes256>::new(&cipher.0.into(), &cipher.1.into());
        encryptor.encrypt_padded::<NoPadding>(private, length).ok().map(|_| ())
    }

    /// Decrypts in place; `None` where the last block is not whole.
    pub(super) fn decrypt(&self, private: &mut [u8]) -> Option<()> {
        let Some(cipher) = &self.cipher else { return Some(()) };
        let decryptor = cbc::Decryptor::<Aes256>::new(&cipher.0.into(), &cipher.1.into());
        decryptor.decrypt_padded::<NoPadding>(private).ok().map(|_| ())
    }

    /// The checksum; HMAC takes keys of any length.
    pub(super) fn mac(&self, version: Version) -> Result<Mac, SshKeyError> {
        Ok(match version {
            Version::Two => Mac::Two(Hmac::new_from_slice(&self.mac).map_err(|error| unsupported(&error))?),
            Version::Three => Mac::Three(Hmac::new_from_slice(&self.mac).map_err(|error| unsupported(&error))?),
        })
    }
}
