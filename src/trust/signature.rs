//! Checks one signature with the TLS provider's algorithms, over a public key as it stands in a certificate.
//! Decides nothing: whether a signer is to be believed is [`super::assess`]'s and the platform's business.

use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::SignatureVerificationAlgorithm;

use super::der::{self, BIT_STRING, Reader, SEQUENCE};

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
        let mut parts = der::only(spki, SEQUENCE)?.inside();
        let algorithm = parts.take(SEQUENCE)?.contents;
        Some(Self { algorithm, bits: der::only(parts.0, BIT_STRING)?.bits()? })
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
        let mut parts = der::only(der, SEQUENCE)?.inside();
        let signed = Self::take(&mut parts)?;
        parts.is_at_end().then_some(signed)
    }

    /// The next three elements of `parts`.
    pub(super) fn take(parts: &mut Reader<'a>) -> Option<Self> {
        let message = parts.take(SEQUENCE)?.whole;
        let algorithm = parts.take(SEQUENCE)?.contents;
        Some(Self { message, algorithm, signature: parts.take(BIT_STRING)?.bits()? })
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
