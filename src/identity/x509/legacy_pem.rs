//! The PEM encryption of old (RFC 1421 headers, "Proc-Type: 4,ENCRYPTED"): opened, never made. Its key comes from one round
//! of MD5, and nothing in it shows whether it was opened rightly except that a key comes out.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, InvalidLength, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use cbc::Decryptor;
use des::TdesEde3;
use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

use super::key::KeyError;
use crate::identity::hex;
use crate::model::text;
use crate::secrets::Secret;

/// A block that needs a passphrase.
pub(super) struct Locked {
    cipher: Cipher,
    start: Vec<u8>,
    body: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    TripleDes,
}

impl Locked {
    /// `None` if the headers name no encryption.
    pub(super) fn read(headers: &[String], body: &[u8]) -> Result<Option<Self>, KeyError> {
        let header = |name: &str| headers.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
        if header("Proc-Type").is_none_or(|kind| !kind.ends_with("ENCRYPTED")) {
            return Ok(None);
        }
        let damaged = KeyError::Damaged("its header DEK-Info is missing or wrong");
        let (name, start) = header("DEK-Info").and_then(|info| info.split_once(',')).ok_or(damaged.clone())?;
        let start = hex::decode(start.trim()).ok_or(damaged.clone())?;
        let (cipher, block) = match name.trim() {
            "AES-128-CBC" => (Cipher::Aes128, 16),
            "AES-192-CBC" => (Cipher::Aes192, 16),
            "AES-256-CBC" => (Cipher::Aes256, 16),
            "DES-EDE3-CBC" => (Cipher::TripleDes, 8),
            other => return Err(KeyError::OldEncryption(text::cut(&text::display_safe(other.as_bytes()), 40))),
        };
        if start.len() != block {
            return Err(damaged);
        }
        if body.is_empty() || !body.len().is_multiple_of(block) {
            return Err(KeyError::Damaged("its encrypted part was cut off"));
        }
        Ok(Some(Self { cipher, start, body: body.to_vec() }))
    }

    /// The key in the open. Without an integrity check: what is no whole DER element was opened with the wrong passphrase.
    pub(super) fn open(&self, passphrase: &Secret) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let opened = match self.cipher {
            Cipher::Aes128 => self.decrypt::<Decryptor<Aes128>>(passphrase, 16),
            Cipher::Aes192 => self.decrypt::<Decryptor<Aes192>>(passphrase, 24),
            Cipher::Aes256 => self.decrypt::<Decryptor<Aes256>>(passphrase, 32),
            Cipher::TripleDes => self.decrypt::<Decryptor<TdesEde3>>(passphrase, 24),
        };
        let opened = opened.map_err(|_| KeyError::Damaged("its header DEK-Info is missing or wrong"))?;
        opened.filter(|der| is_one_sequence(der)).ok_or(KeyError::WrongPassphrase)
    }

    fn decrypt<D: KeyIvInit + BlockModeDecrypt>(
        &self,
        passphrase: &Secret,
        length: usize,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, InvalidLength> {
        let key = derive(passphrase.expose().as_bytes(), &self.start[..8], length);
        let mut buffer = Zeroizing::new(self.body.clone());
        let opened = D::new_from_slices(&key, &self.start)?.decrypt_padded::<Pkcs7>(&mut buffer).map(<[u8]>::len);
        Ok(opened.ok().map(|length| {
            buffer.truncate(length);
            buffer
        }))
    }
}

/// OpenSSL's EVP_BytesToKey with MD5 and one round.
fn derive(passphrase: &[u8], salt: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(length + 16));
    while key.len() < length {
        let last = key.len().saturating_sub(16);
        let digest =
            Zeroizing::new(<[u8; 16]>::from(Md5::new().chain_update(&key[last..]).chain_update(passphrase).chain_update(salt).finalize()));
        key.extend_from_slice(&*digest);
    }
    key.truncate(length);
    key
}

fn is_one_sequence(der: &[u8]) -> bool {
    let length = match der {
        [0x30, short @ 0..=0x7f, ..] => usize::from(*short) + 2,
        [0x30, 0x81, length, ..] => usize::from(*length) + 3,
        [0x30, 0x82, high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])) + 4,
        _ => return false,
    };
    length == der.len()
}
