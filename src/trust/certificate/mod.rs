//! What a certificate says, in words a person reads. Every text is safe to draw; nothing here judges.

mod extensions;
mod names;

use jiff::Timestamp;
use serde::Serialize;
use sha1::{Digest as _, Sha1};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Name;

use super::algorithm::{KeyKind, signature_algorithm};
use super::fingerprint::Fingerprint;
pub use extensions::{Extension, ExtensionFacts};
pub(crate) use names::{attributes, general_name, hex, short};
pub(super) use names::{common_name, short_name};

/// The facts of one certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CertificateFacts {
    /// The owner's name: each attribute in order, its short label (`CN`, `O`, an OID) and value.
    pub subject: Vec<(String, String)>,
    /// The issuer's name, in the same form.
    pub issuer: Vec<(String, String)>,
    /// Owner and issuer are one name.
    pub self_issued: bool,
    /// 1, 2 or 3.
    pub version: u32,
    /// Upper-case hex in pairs with colons.
    pub serial: String,
    /// Valid from, UTC.
    pub not_before: Timestamp,
    /// Valid until, UTC.
    pub not_after: Timestamp,
    /// Subject alternative names: `example.com`, `192.0.2.1`, `mail:a@b`, `uri:…`.
    pub names: Vec<String>,
    /// `RSA 2048 bits`, `ECDSA P-256`, `Ed25519`.
    pub key: String,
    /// The same in parts.
    pub public_key: KeyFacts,
    /// `ECDSA with SHA-256`.
    pub signature: String,
    /// The signature algorithm can be forged.
    pub signature_is_weak: bool,
    /// It may sign certificates.
    pub is_authority: bool,
    /// What its extensions say.
    pub extensions: ExtensionFacts,
    /// SHA-256 of the certificate.
    pub fingerprint: Fingerprint,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub spki: Fingerprint,
    /// SHA-1 of the certificate, which old programs and letters still name: upper-case hex in pairs with colons. Proves nothing.
    pub sha1: String,
}

/// A public key in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyFacts {
    /// `RSA`, `ECDSA`, `Ed25519`, or an OID.
    pub algorithm: String,
    /// Its size, where the algorithm has several.
    pub bits: Option<usize>,
    /// The elliptic curve, by name or OID.
    pub curve: Option<String>,
    /// How strong it is, in a word or two.
    pub strength: &'static str,
}

/// These bytes are no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no certificate, or a damaged one")]
pub struct Unreadable;

impl CertificateFacts {
    /// Reads the DER of a certificate.
    pub fn read(der: &[u8]) -> Result<Self, Unreadable> {
        let x509 = parse(der).ok_or(Unreadable)?;
        let spki = &x509.tbs_certificate.subject_pki;
        let (signature, signature_is_weak) = signature_algorithm(&x509.signature_algorithm);
        let names = x509.subject_alternative_name().ok().flatten();
        let kind = KeyKind::of(spki);
        Ok(Self {
            subject: attributes(x509.subject()),
            issuer: attributes(x509.issuer()),
            self_issued: x509.subject().as_raw() == x509.issuer().as_raw(),
            version: x509.version().0.saturating_add(1),
            serial: hex(x509.raw_serial()),
            not_before: instant(&x509.validity().not_before),
            not_after: instant(&x509.validity().not_after),
            names: names.iter().flat_map(|names| &names.value.general_names).filter_map(general_name).collect(),
            key: kind.to_string(),
            public_key: kind.facts(),
            signature,
            signature_is_weak,
            is_authority: x509.is_ca(),
            extensions: ExtensionFacts::read(x509.extensions()),
            fingerprint: Fingerprint::of(der),
            spki: Fingerprint::of(spki.raw),
            sha1: hex(&Sha1::digest(der)),
        })
    }

    /// The owner in one line: the common name, else everything there is.
    pub fn owner(&self) -> String {
        short(&self.subject)
    }

    /// The issuer in one line.
    pub fn issuer_name(&self) -> String {
        short(&self.issuer)
    }

    /// Key usage and extended key usage, in words.
    pub fn usage(&self) -> Vec<String> {
        [&self.extensions.key_usage[..], &self.extensions.extended_key_usage].concat()
    }

    /// Where its issuer publishes revocations (CRL and OCSP addresses).
    pub fn revocation(&self) -> Vec<String> {
        let ocsp = self.extensions.ocsp_addresses.iter().map(|address| format!("OCSP {address}"));
        self.extensions.crl_addresses.iter().cloned().chain(ocsp).collect()
    }
}

/// A distinguished name (DER) in one line; what cannot be read is shown as bytes.
pub fn name_in_one_line(der: &[u8]) -> String {
    X509Name::from_der(der).map_or_else(|_| format!("#{}", hex(der)), |(_, name)| short_name(&name))
}

/// The DER of a certificate's SubjectPublicKeyInfo.
pub fn public_key_of(der: &[u8]) -> Option<&[u8]> {
    let (_, x509) = X509Certificate::from_der(der).ok()?;
    Some(x509.tbs_certificate.subject_pki.raw)
}

/// A certificate with nothing behind it.
pub(super) fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der).ok().filter(|(rest, _)| rest.is_empty()).map(|(_, x509)| x509)
}

/// A certificate's time; what no calendar holds becomes the end of time.
pub(super) fn instant(time: &ASN1Time) -> Timestamp {
    Timestamp::from_second(time.timestamp()).unwrap_or(Timestamp::MAX)
}
