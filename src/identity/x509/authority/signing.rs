//! The authority's certificate and key, and what they sign.
//!
//! The subject, key and alternative names of a request are taken over byte for byte; everything else a certificate says is
//! decided here, never by the request.

use jiff::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer as _;

use super::super::certificate::{
    ALTERNATIVE_NAMES, Unsigned, Usage, Validity, authority_key, end_entity, extension, key_identifier, serial,
};
use super::super::key::{KeyError, PrivateKey};
use super::super::request::{Request, RequestError};
use super::record::Serial;
use crate::trust::certificate::CertificateFacts;
use crate::trust::signature::{PublicKey, Signed};

/// An authority with its key open.
pub struct Authority {
    certificate: Vec<u8>,
    pub(super) key: PrivateKey,
    pub(super) name: Vec<u8>,
    pub(super) key_identifier: Vec<u8>,
    not_after: Timestamp,
    owner: String,
}

/// A certificate that was just signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// DER.
    pub certificate: Vec<u8>,
    /// Its number at this authority.
    pub serial: Serial,
    /// What the request asked for and did not get; safe to draw.
    pub ignored: Vec<String>,
}

/// Why an authority signs nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// The certificate.
    #[error("the signing certificate cannot be read")]
    NoCertificate,
    /// It may not sign others.
    #[error("the certificate of {0} may not sign others (it is no authority); make one with `sealift cert authority NAME`")]
    NotAnAuthority(String),
    /// Key and certificate.
    #[error("the private key does not belong to the certificate of {0}")]
    WrongKey(String),
    /// The authority's time is over, or has not begun.
    #[error("the certificate of the authority {0} is not valid now")]
    NotValid(String),
    /// The new certificate would outlive it.
    #[error("the authority's own certificate ends on {0}; what it signs cannot be valid longer")]
    TooLong(String),
    /// The new certificate would be born dead.
    #[error("the expiry date lies in the past")]
    InThePast,
    /// The request.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A certificate that is to be taken back.
    #[error("{0} did not sign this certificate")]
    NotMine(String),
    /// Signing.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Authority {
    /// Certificate (DER) and key. Refuses what may not sign others.
    pub fn new(certificate: Vec<u8>, key: PrivateKey, now: Timestamp) -> Result<Self, AuthorityError> {
        let facts = CertificateFacts::read(&certificate).map_err(|_| AuthorityError::NoCertificate)?;
        let (_, x509) = X509Certificate::from_der(&certificate).map_err(|_| AuthorityError::NoCertificate)?;
        let owner = facts.owner();
        let may_sign = x509.key_usage().ok().flatten().is_none_or(|usage| usage.value.key_cert_sign());
        if !facts.is_authority || !may_sign {
            return Err(AuthorityError::NotAnAuthority(owner));
        }
        let spki = x509.tbs_certificate.subject_pki.raw;
        if spki != key.public() {
            return Err(AuthorityError::WrongKey(owner));
        }
        if now < facts.not_before || now > facts.not_after {
            return Err(AuthorityError::NotValid(owner));
        }
        let own = x509.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(identifier) => Some(identifier.0.to_vec()),
            _ => None,
        });
        let key_identifier = own.unwrap_or_else(|| key_identifier(spki));
        let name = x509.subject().as_raw().to_vec();
        Ok(Self { key, name, key_identifier, not_after: facts.not_after, owner, certificate })
    }

    /// Signs a request: the subject's bytes, key and alternative names as asked, valid until `until`, for `usage`.
    pub fn sign(&self, request: &Request, until: Timestamp, usage: Usage, now: Timestamp) -> Result<Granted, AuthorityError> {
        request.check()?;
        if until <= now {
            return Err(AuthorityError::InThePast);
        }
        if until > self.not_after {
            return Err(AuthorityError::TooLong(self.not_after.strftime("%Y-%m-%d").to_string()));
        }
        let mut extensions = end_entity(usage, request.spki());
        extensions.push(authority_key(&self.key_identifier));
        if let Some(names) = request.alternative_names() {
            // Without a subject they are all that names the owner (RFC 5280 section 4.2.1.6).
            extensions.push(extension(ALTERNATIVE_NAMES, request.subject.is_empty(), names));
        }
        let serial = serial()?;
        let certificate = Unsigned {
            serial,
            issuer: &self.name,
            validity: Validity::from_now(now, until),
            subject: request.subject_der(),
            spki: request.spki(),
            extensions,
        }
        .sign(&self.key)?;
        Ok(Granted { certificate, serial: Serial::new(&serial), ignored: request.ignored.clone() })
    }

    /// The number of a certificate that this authority signed.
    pub fn serial_of(&self, certificate: &[u8]) -> Result<Serial, AuthorityError> {
        let (_, x509) = X509Certificate::from_der(certificate).map_err(|_| AuthorityError::NoCertificate)?;
        let own = self.key.public();
        let signed = Signed::read(certificate).zip(PublicKey::read(&own)).is_some_and(|(signed, key)| signed.is_by(&key));
        if x509.issuer().as_raw() != self.name || !signed {
            return Err(AuthorityError::NotMine(self.owner.clone()));
        }
        Ok(Serial::new(x509.raw_serial()))
    }

    /// Its own certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// When its own certificate ends.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Its name in one line, safe to draw.
    pub fn owner(&self) -> &str {
        &self.owner
    }
}
