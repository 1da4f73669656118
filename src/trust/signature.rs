//! Checks one signature with the TLS provider's algorithms, over a public key as it stands in a certificate.
//! Decides nothing: whether a signer is to be believed is [`super::assess`]'s and the platform's business.

use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::SignatureVerificationAlgorithm;

/// The algorithms the TLS provider can check signatures with.
pub fn provider_algorithms() -> WebPkiSupportedAlgorithms {
    aws_lc_rs::default_provider().signature_verification_algorithms
}

/// A SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey<'a> {
    /// The contents of its AlgorithmIdentifier, without the SEQUENCE header.
    pub algorithm: &'a [u8],
    /// The key's bits.
    pub bits: &'a [u8],
}

impl<'a> PublicKey<'a> {
    /// Splits the DER of a SubjectPublicKeyInfo; `None` if it is none.
    pub fn read(spki: &'a [u8]) -> Option<Self> {
        let (spki, []) = element(spki, SEQUENCE)? else { return None };
        let (algorithm, rest) = element(spki.contents, SEQUENCE)?;
        Some(Self { algorithm: algorithm.contents, bits: bit_string(rest)? })
    }

    /// Whether `signature` over `message` was made with this key, by `algorithm`.
    pub fn made(&self, message: &[u8], signature: &[u8], algorithm: &dyn SignatureVerificationAlgorithm) -> bool {
        algorithm.public_key_alg_id().as_ref() == self.algorithm && algorithm.verify_signature(self.bits, message, signature).is_ok()
    }
}

/// Something signed (certificate, request, revocation list), split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed<'a> {
    /// What was signed, with its header.
    pub message: &'a [u8],
    /// The contents of the AlgorithmIdentifier, without the SEQUENCE header.
    pub algorithm: &'a [u8],
    /// The signature's bits.
    pub signature: &'a [u8],
}

impl<'a> Signed<'a> {
    /// Splits `SEQUENCE { message, algorithm, signature }`; `None` if it is something else.
    pub fn read(der: &'a [u8]) -> Option<Self> {
        let (outer, []) = element(der, SEQUENCE)? else { return None };
        let (message, rest) = element(outer.contents, SEQUENCE)?;
        let (algorithm, rest) = element(rest, SEQUENCE)?;
        Some(Self { message: message.whole, algorithm: algorithm.contents, signature: bit_string(rest)? })
    }

    /// Whether the provider knows this kind of signature at all.
    pub fn is_checkable(&self) -> bool {
        self.algorithms().next().is_some()
    }

    /// Whether `key` made the signature. An algorithm the provider knows but not with this kind of key is a no.
    pub fn is_by(&self, key: &PublicKey<'_>) -> bool {
        self.algorithms().any(|algorithm| key.made(self.message, self.signature, algorithm))
    }

    fn algorithms(&self) -> impl Iterator<Item = &'static dyn SignatureVerificationAlgorithm> {
        provider_algorithms().all.iter().copied().filter(|known| known.signature_alg_id().as_ref() == self.algorithm)
    }
}

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;

struct Element<'a> {
    whole: &'a [u8],
    contents: &'a [u8],
}

/// The first DER element of `input`, if its tag is `tag`, and what follows it.
fn element(input: &[u8], tag: u8) -> Option<(Element<'_>, &[u8])> {
    let (&[found, first], rest) = input.split_first_chunk::<2>()?;
    let (length, header) = match first {
        0..=0x7f => (usize::from(first), 2),
        0x81..=0x84 => {
            let bytes = rest.get(..usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), 2 + bytes.len())
        }
        _ => return None,
    };
    let end = header.checked_add(length)?;
    let whole = input.get(..end)?;
    (found == tag).then(|| (Element { whole, contents: &whole[header..] }, &input[end..]))
}

/// The bits of the BIT STRING that `input` is, which must be whole bytes.
fn bit_string(input: &[u8]) -> Option<&[u8]> {
    let (bits, []) = element(input, BIT_STRING)? else { return None };
    bits.contents.strip_prefix(&[0])
}
