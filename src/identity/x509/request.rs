//! Certificate requests (PKCS#10, RFC 2986): ours are made here; anybody's are read here and their proof of possession checked.

use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::cri_attributes::ParsedCriAttribute;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer as _;

use super::certificate::{ALTERNATIVE_NAMES, extension};
use super::der::{self, SET, element, explicit, integer, oid, sequence};
use super::key::{KeyError, PrivateKey};
use super::names::{AlternativeName, Subject, general_names};
use crate::trust::algorithm::{KeyKind, signature_algorithm};
use crate::trust::certificate::{attributes, general_name, short};
use crate::trust::document::pem;
use crate::trust::signature::{PublicKey, Signed};

/// Why a request is not read or not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// There is none.
    #[error("there is no certificate request in this file")]
    NoRequest,
    /// There is one, damaged.
    #[error("this certificate request is damaged: {0}")]
    Damaged(&'static str),
    /// Whoever made it does not show that they have the private key.
    #[error("the request is not signed with its own key: who sent it may not have that key, or it was changed on the way")]
    NoPossession,
    /// The key can be broken.
    #[error("the key of this request is too weak ({0}); ask for a new request with at least RSA 2048 bits or ECDSA P-256")]
    WeakKey(String),
    /// The signature can be forged.
    #[error("this request is signed with {0}, which can be forged; ask for a new one with SHA-256")]
    WeakSignature(String),
    /// The signature cannot be checked here, so nothing shows that its maker has the key.
    #[error(
        "this request is signed with {0}, which cannot be checked here; ask for a new one, signed with RSA or ECDSA and SHA-256, or Ed25519"
    )]
    UnknownSignature(String),
    /// Nobody is named in it.
    #[error("this request names nobody: it has neither a subject nor alternative names")]
    Nameless,
}

/// A certificate request. What it shows is safe to draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    der: Vec<u8>,
    subject_der: Vec<u8>,
    spki: Vec<u8>,
    alternative_names: Option<Vec<u8>>,
    /// The subject: each attribute in order, its short label and value.
    pub subject: Vec<(String, String)>,
    /// The alternative names.
    pub names: Vec<String>,
    /// The key in words.
    pub key: String,
    /// What else it asks for, by OID or in words. None of it is honoured.
    pub ignored: Vec<String>,
    key_is_weak: bool,
    signature: String,
    signature_is_weak: bool,
}

impl Request {
    /// A request for `subject`, signed with its key, PEM. Checks nothing of the subject ([`Subject::check`]).
    pub fn make(subject: &Subject, names: &[AlternativeName], key: &PrivateKey) -> Result<String, KeyError> {
        let attributes = if names.is_empty() {
            Vec::new()
        } else {
            let extensions = sequence(&[&extension(ALTERNATIVE_NAMES, false, &general_names(names))]);
            sequence(&[&oid(&EXTENSION_REQUEST), &element(SET, &extensions)])
        };
        let der = key.signed(&sequence(&[&integer(&[0]), &subject.der(), &key.public(), &explicit(0, &attributes)]))?;
        Ok(der::pem("CERTIFICATE REQUEST", &der).to_string())
    }

    /// Reads PEM (either label; the first request in it) or DER. Checks no signature.
    pub fn read(bytes: &[u8]) -> Result<Self, RequestError> {
        let Some(blocks) = pem::blocks(bytes) else { return Self::from_der(bytes) };
        // GnuTLS and Windows write the second.
        let is_request = |label: &str| matches!(label, "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST");
        let block = blocks.iter().find(|block| is_request(&block.label)).ok_or(RequestError::NoRequest)?;
        let der = block.body.as_ref().map_err(|why| RequestError::Damaged(why))?;
        match Self::from_der(der) {
            Err(RequestError::NoRequest) => Err(RequestError::Damaged("what is inside is none")),
            read => read,
        }
    }

    fn from_der(der: &[u8]) -> Result<Self, RequestError> {
        let (rest, request) = X509CertificationRequest::from_der(der).map_err(|_| RequestError::NoRequest)?;
        if !rest.is_empty() {
            return Err(RequestError::Damaged("there is more in it than the request"));
        }
        let info = &request.certification_request_info;
        let (mut alternative_names, mut names, mut ignored) = (None, Vec::new(), Vec::new());
        for attribute in info.iter_attributes() {
            match attribute.parsed_attribute() {
                ParsedCriAttribute::ExtensionRequest(asked) => {
                    for extension in &asked.extensions {
                        match extension.parsed_extension() {
                            ParsedExtension::SubjectAlternativeName(list) => {
                                names.extend(list.general_names.iter().filter_map(general_name));
                                alternative_names = Some(extension.value.to_vec());
                            }
                            ParsedExtension::BasicConstraints(constraints) if constraints.ca => {
                                ignored.push("to be an authority itself".to_owned());
                            }
                            // What every certificate signed here gets in its own form.
                            ParsedExtension::BasicConstraints(_) | ParsedExtension::SubjectKeyIdentifier(_) => {}
                            ParsedExtension::KeyUsage(usage) if usage.flags == DIGITAL_SIGNATURE => {}
                            ParsedExtension::KeyUsage(usage) => ignored.push(format!("key usage: {}", usage.to_string().trim())),
                            ParsedExtension::ExtendedKeyUsage(_) => ignored.push("extended key usage".to_owned()),
                            _ if extension.oid.to_id_string() == "2.5.29.17" => {
                                return Err(RequestError::Damaged("its alternative names cannot be read"));
                            }
                            _ => ignored.push(format!("extension {}", extension.oid.to_id_string())),
                        }
                    }
                }
                _ => ignored.push(format!("attribute {}", attribute.oid.to_id_string())),
            }
        }
        let kind = KeyKind::of(&info.subject_pki);
        let (signature, signature_is_weak) = signature_algorithm(&request.signature_algorithm);
        Ok(Self {
            der: der.to_vec(),
            subject_der: info.subject.as_raw().to_vec(),
            spki: info.subject_pki.raw.to_vec(),
            alternative_names,
            subject: attributes(&info.subject),
            names,
            key: kind.to_string(),
            ignored,
            key_is_weak: kind.is_weak(),
            signature,
            signature_is_weak,
        })
    }

    /// Whether its maker has the private key, and key and signature are strong enough to be worth a certificate.
    pub fn check(&self) -> Result<(), RequestError> {
        if self.key_is_weak {
            return Err(RequestError::WeakKey(self.key.clone()));
        }
        if self.signature_is_weak {
            return Err(RequestError::WeakSignature(self.signature.clone()));
        }
        let signed = Signed::read(&self.der).ok_or(RequestError::Damaged("its signature cannot be read"))?;
        let key = PublicKey::read(&self.spki).ok_or(RequestError::Damaged("its key cannot be read"))?;
        if !signed.is_checkable() {
            return Err(RequestError::UnknownSignature(self.signature.clone()));
        }
        if !signed.is_by(&key) {
            return Err(RequestError::NoPossession);
        }
        if self.subject.is_empty() && self.alternative_names.is_none() {
            return Err(RequestError::Nameless);
        }
        Ok(())
    }

    /// The subject in one line.
    pub fn owner(&self) -> String {
        short(&self.subject)
    }

    /// PEM, with the label every tool reads.
    pub fn pem(&self) -> String {
        der::pem("CERTIFICATE REQUEST", &self.der).to_string()
    }

    /// The subject's Name, byte for byte.
    pub(super) fn subject_der(&self) -> &[u8] {
        &self.subject_der
    }

    /// The SubjectPublicKeyInfo, byte for byte.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The GeneralNames it asks for, byte for byte.
    pub(super) fn alternative_names(&self) -> Option<&[u8]> {
        self.alternative_names.as_deref()
    }
}

/// The first bit of a key usage, as x509-parser counts it.
const DIGITAL_SIGNATURE: u16 = 1;
const EXTENSION_REQUEST: [u32; 7] = [1, 2, 840, 113_549, 1, 9, 14];
