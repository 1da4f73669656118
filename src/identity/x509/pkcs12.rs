//! PKCS#12 (RFC 7292): key and certificates in one locked file, as Windows, Java and browsers exchange them. The only place
//! that knows which library reads and writes it.

use p12_keystore::error::Error;
use p12_keystore::{Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, Pkcs12Archive, PrivateKeyChain};
use x509_parser::asn1_rs::{Any, FromDer as _, Tag};
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

/// No derivation takes more rounds.
const MOST_ROUNDS: u32 = 5_000_000;
/// 1.3.6.1.4.1.11591.4.11, whose memory no file should choose; no program locks PKCS#12 with it.
const SCRYPT: [u8; 9] = [0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];

/// Whether no derivation in it asks for more than a sensible file would: the library sets no limits of its own.
fn is_affordable(bytes: &[u8]) -> bool {
    !bytes.windows(SCRYPT.len()).any(|window| window == SCRYPT) && rounds_are_few(bytes, 0)
}

/// Looks into everything that is DER, also inside of octet strings. Rounds always follow the salt.
fn rounds_are_few(mut rest: &[u8], depth: usize) -> bool {
    let mut after_salt = false;
    while let Ok((after, element)) = Any::from_der(rest) {
        let is_octets = element.tag() == Tag::OctetString;
        let looks_inside = element.header.is_constructed() || is_octets;
        if after_salt && element.tag() == Tag::Integer && element.as_u32().is_ok_and(|rounds| rounds > MOST_ROUNDS)
            || looks_inside && depth < DEEPEST && !rounds_are_few(element.data, depth + 1)
        {
            return false;
        }
        (after_salt, rest) = (is_octets, after);
    }
    true
}

/// The private key of a PKCS#12 file lies half as deep.
const DEEPEST: usize = 32;

/// The first private key and every certificate. Takes a second of computing on purpose.
pub(super) fn read(bytes: &[u8], passphrase: &Secret) -> Result<(Option<PrivateKey>, Vec<Vec<u8>>), KeyError> {
    if !is_affordable(bytes) {
        return Err(KeyError::TooExpensive);
    }
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
