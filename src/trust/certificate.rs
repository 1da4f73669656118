//! What a certificate says, in words a person reads. Every text is safe to draw; nothing here judges.

use std::net::{Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Serialize;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use super::algorithm::{KeyKind, signature_algorithm};
use super::evidence::Certificate;
use super::fingerprint::Fingerprint;
use crate::model::text;

/// Longer values are cut: a certificate may hold 64 KiB of them.
const LONGEST_VALUE: usize = 256;

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
    /// `ECDSA with SHA-256`.
    pub signature: String,
    /// The signature algorithm can be forged.
    pub signature_is_weak: bool,
    /// It may sign certificates.
    pub is_authority: bool,
    /// Key usage and extended key usage, in words.
    pub usage: Vec<String>,
    /// Where its issuer publishes revocations (CRL and OCSP addresses).
    pub revocation: Vec<String>,
    /// Every extension's OID, and whether it is critical.
    pub extensions: Vec<(String, bool)>,
    /// SHA-256 of the certificate.
    pub fingerprint: Fingerprint,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub spki: Fingerprint,
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
        Ok(Self {
            subject: attributes(x509.subject()),
            issuer: attributes(x509.issuer()),
            self_issued: x509.subject().as_raw() == x509.issuer().as_raw(),
            version: x509.version().0.saturating_add(1),
            serial: hex(x509.raw_serial()),
            not_before: instant(&x509.validity().not_before),
            not_after: instant(&x509.validity().not_after),
            names: names.iter().flat_map(|names| &names.value.general_names).filter_map(general_name).collect(),
            key: KeyKind::of(spki).to_string(),
            signature,
            signature_is_weak,
            is_authority: x509.is_ca(),
            usage: usage(&x509),
            revocation: revocation(&x509),
            extensions: x509.extensions().iter().map(|extension| (extension.oid.to_id_string(), extension.critical)).collect(),
            fingerprint: Fingerprint::of(der),
            spki: Fingerprint::of(spki.raw),
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
}

/// The certificates in the contents of a file: PEM, several of them too, or one as DER. What is something else is left out.
pub fn in_file(contents: &[u8]) -> Vec<Certificate> {
    let pem: Vec<_> = CertificateDer::pem_slice_iter(contents).filter_map(Result::ok).map(|der| der.as_ref().into()).collect();
    let all: Vec<Box<[u8]>> = if pem.is_empty() { vec![contents.into()] } else { pem };
    all.into_iter().filter(|der| parse(der).is_some()).map(|der| Certificate { der }).collect()
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

/// The last common name of `name`.
pub(super) fn common_name(name: &X509Name<'_>) -> Option<String> {
    name.iter_common_name().last().map(value)
}

/// `name` in one line: the common name, else everything there is.
pub(super) fn short_name(name: &X509Name<'_>) -> String {
    short(&attributes(name))
}

fn short(attributes: &[(String, String)]) -> String {
    if let Some((_, common)) = attributes.iter().rfind(|(label, _)| label == "CN") {
        return common.clone();
    }
    let all = attributes.iter().map(|(label, value)| format!("{label}={value}")).collect::<Vec<_>>().join(", ");
    if all.is_empty() { "(no name)".to_owned() } else { text::cut(&all, LONGEST_VALUE) }
}

fn attributes(name: &X509Name<'_>) -> Vec<(String, String)> {
    name.iter_attributes().map(|attribute| (label(&attribute.attr_type().to_id_string()), value(attribute))).collect()
}

fn label(oid: &str) -> String {
    let label = match oid {
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "street",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "title",
        "2.5.4.42" => "GN",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        other => other,
    };
    label.to_owned()
}

/// An attribute's text, whatever string type it is in.
fn value(attribute: &AttributeTypeAndValue<'_>) -> String {
    let any = attribute.attr_value();
    let decoded = match any.tag().0 {
        12 | 18 | 19 | 22 | 26 => return safe(any.data),
        // BMPString, UniversalString, and TeletexString as everybody reads it: Latin-1.
        30 => String::from_utf16_lossy(&any.data.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]])).collect::<Vec<_>>()),
        28 => {
            any.data.chunks_exact(4).filter_map(|unit| char::from_u32(u32::from_be_bytes([unit[0], unit[1], unit[2], unit[3]]))).collect()
        }
        20 => any.data.iter().map(|&byte| char::from(byte)).collect(),
        _ => format!("#{}", hex(any.data)),
    };
    safe(decoded.as_bytes())
}

fn safe(bytes: &[u8]) -> String {
    text::cut(&text::display_safe(bytes), LONGEST_VALUE)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(LONGEST_VALUE).map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

/// An alternative name as a person writes it; `None` for the kinds nobody uses for hosts or people.
pub(super) fn general_name(name: &GeneralName<'_>) -> Option<String> {
    Some(match name {
        GeneralName::DNSName(name) => safe(name.as_bytes()),
        GeneralName::RFC822Name(name) => format!("mail:{}", safe(name.as_bytes())),
        GeneralName::URI(uri) => format!("uri:{}", safe(uri.as_bytes())),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => return None,
    })
}

fn address(bytes: &[u8]) -> String {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        Ipv4Addr::from(octets).to_string()
    } else if let Ok(octets) = <[u8; 16]>::try_from(bytes) {
        Ipv6Addr::from(octets).to_string()
    } else {
        format!("no address: {}", hex(bytes))
    }
}

fn usage(x509: &X509Certificate<'_>) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    if let Ok(Some(usage)) = x509.key_usage() {
        words.extend(usage.value.to_string().split(", ").filter(|word| !word.is_empty()).map(|word| safe(word.as_bytes())));
    }
    if let Ok(Some(usage)) = x509.extended_key_usage() {
        let usage = usage.value;
        let flags = [
            (usage.any, "any purpose"),
            (usage.server_auth, "server authentication"),
            (usage.client_auth, "client authentication"),
            (usage.code_signing, "code signing"),
            (usage.email_protection, "e-mail protection"),
            (usage.time_stamping, "time stamping"),
            (usage.ocsp_signing, "OCSP signing"),
        ];
        words.extend(flags.iter().filter(|(set, _)| *set).map(|(_, word)| (*word).to_owned()));
        words.extend(usage.other.iter().map(x509_parser::oid_registry::Oid::to_id_string));
    }
    words
}

fn revocation(x509: &X509Certificate<'_>) -> Vec<String> {
    use x509_parser::extensions::DistributionPointName::FullName;
    let mut places = Vec::new();
    for extension in x509.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::CRLDistributionPoints(points) => {
                for point in points.iter() {
                    if let Some(FullName(names)) = &point.distribution_point {
                        places.extend(names.iter().filter_map(general_name));
                    }
                }
            }
            ParsedExtension::AuthorityInfoAccess(access) => {
                let ocsp = access.accessdescs.iter().filter(|description| description.access_method.to_id_string() == "1.3.6.1.5.5.7.48.1");
                places
                    .extend(ocsp.filter_map(|description| general_name(&description.access_location)).map(|place| format!("OCSP {place}")));
            }
            _ => {}
        }
    }
    places
}
