//! The signature in a handshake, by which a peer proves that the certificate's key is its own. webpki checks it; what webpki
//! does not read at all (version 1, odd extensions) is checked by the key in it, for whether it is trusted is asked elsewhere.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use rustls::{CertificateError, DigitallySignedStruct, Error};

use crate::trust::certificate::public_key_of;
use crate::trust::signature::PublicKey;

/// Of TLS 1.2 (RFC 5246 sections 7.4.3 and 7.4.8).
pub(crate) fn tls12(
    message: &[u8],
    leaf: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    match verify_tls12_signature(message, leaf, signed, algorithms) {
        Err(error) if is_about_the_certificate(&error) => tls12_by_key(message, leaf, signed, algorithms),
        result => result,
    }
}

/// Of TLS 1.3 (RFC 8446 section 4.4.3).
pub(crate) fn tls13(
    message: &[u8],
    leaf: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    match verify_tls13_signature(message, leaf, signed, algorithms) {
        Err(error) if is_about_the_certificate(&error) => public_key_of(leaf)
            .ok_or(CertificateError::BadEncoding.into())
            .and_then(|spki| verify_tls13_signature_with_raw_key(message, &SubjectPublicKeyInfoDer::from(spki), signed, algorithms)),
        result => result,
    }
}

/// webpki did not get as far as the signature.
fn is_about_the_certificate(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(reason) if *reason != CertificateError::BadSignature)
}

/// What rustls's raw-key check is for TLS 1.3, for TLS 1.2, where rustls has none.
fn tls12_by_key(
    message: &[u8],
    leaf: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let spki = public_key_of(leaf).ok_or(CertificateError::BadEncoding)?;
    let key = PublicKey::read(spki).ok_or(CertificateError::BadEncoding)?;
    let candidates = algorithms.mapping.iter().find(|(scheme, _)| *scheme == signed.scheme).map_or(&[][..], |(_, candidates)| candidates);
    if candidates.iter().any(|algorithm| key.made(message, signed.signature(), *algorithm)) {
        Ok(HandshakeSignatureValid::assertion())
    } else {
        Err(CertificateError::BadSignature.into())
    }
}
