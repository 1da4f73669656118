//! PKCS#12 (RFC 7292): key and certificates in one locked file, as Windows, Java and browsers exchange them. The only place
//! that knows which library reads and writes it.

use p12_keystore::error::Error;
use p12_keystore::{Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, Pkcs12Archive, PrivateKeyChain};
use zeroize::Zeroizing;

use super::certificate::key_identifier;
use super::key::{KeyError, PrivateKey};
use crate::secrets::Secret;

/// How a PKCS#12 file is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// PBES2 with AES-256 and SHA-256.
    Modern,
    /// 3DES and SHA-1: for Windows before 10 (1709), macOS before 15 and old Java. Easier to guess.
    Legacy,
}

const MODERN_ROUNDS: u32 = 600_000;
/// Old programs refuse more than 50 000 to 100 000.
const LEGACY_ROUNDS: u32 = 50_000;

/// Whether these bytes begin as a PKCS#12 file does: `SEQUENCE { INTEGER 3, SEQUENCE …`.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    let header = match bytes {
        [0x30, 0..=0x80, ..] => 2,
        [0x30, length @ 0x81..=0x84, ..] => 2 + usize::from(length & 0x7f),
        _ => return false,
    };
    bytes.get(header..).is_some_and(|rest| rest.starts_with(&[2, 1, 3, 0x30]))
}

/// The first private key and every certificate. Takes a second of computing on purpose.
pub(super) fn read(bytes: &[u8], passphrase: &Secret) -> Result<(Option<PrivateKey>, Vec<Vec<u8>>), KeyError> {
    let archive = Pkcs12Archive::from_pkcs12(bytes, passphrase.expose()).map_err(|error| match error {
        Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_) => KeyError::WrongPassphrase,
        Error::UnsupportedEncryptionScheme | Error::UnsupportedMacAlgorithm => {
            KeyError::OldEncryption("an unknown PKCS#12 scheme".to_owned())
        }
        _ => KeyError::Damaged("it is no PKCS#12 file, or not whole"),
    })?;
    let key = archive.keys.into_iter().next().map(|bag| PrivateKey::from_der(&Zeroizing::new(bag.key.as_der().to_vec()))).transpose()?;
    Ok((key, archive.certs.into_iter().map(|bag| bag.cert.as_der().to_vec()).collect()))
}

/// A file with `key` and its chain, leaf first, called `name`. Takes a second of computing on purpose.
pub fn write(key: &PrivateKey, chain: &[Vec<u8>], name: &str, passphrase: &Secret, strength: Strength) -> Result<Vec<u8>, KeyError> {
    let failed = |error: Error| KeyError::Failed(error.to_string());
    let certificates = chain.iter().map(|der| Certificate::from_der(der)).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let inner = p12_keystore::PrivateKey::from_der(key.pkcs8()).map_err(failed)?;
    let entry = PrivateKeyChain::new(key_identifier(&key.public()), inner, certificates);
    let mut store = KeyStore::new();
    store.add_entry(name, KeyStoreEntry::PrivateKeyChain(entry));
    let writer = store.writer(passphrase.expose());
    let writer = match strength {
        Strength::Modern => writer.encryption_iterations(MODERN_ROUNDS).mac_iterations(MODERN_ROUNDS),
        Strength::Legacy => writer
            .encryption_algorithm(EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc)
            .mac_algorithm(MacAlgorithm::HmacSha1)
            .encryption_iterations(LEGACY_ROUNDS)
            .mac_iterations(LEGACY_ROUNDS),
    };
    writer.write().map_err(failed)
}
