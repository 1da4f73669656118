//! Certificates, requests (RFC 2986) and revocation lists (RFC 5280 section 5) as documents.

use jiff::Timestamp;
use x509_parser::asn1_rs::{Any, FromDer as _};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::cri_attributes::ParsedCriAttribute;
use x509_parser::extensions::ParsedExtension;
use x509_parser::revocation_list::{CertificateRevocationList, RevokedCertificate};

use super::{Document, DocumentKind};
use crate::trust::algorithm::{KeyKind, signature_algorithm};
use crate::trust::assess;
use crate::trust::certificate::{CertificateFacts, ExtensionFacts, attributes, general_name, hex, instant, short_name};
use crate::trust::describe::certificate::{key, key_fingerprints, name, names, others, signature, usage};
use crate::trust::describe::{self, Field, Section, Value};
use crate::trust::evidence::Certificate;
use crate::trust::fingerprint::Fingerprint;
use crate::trust::signature::{PublicKey, Signed};

/// Of a list, this many entries are shown.
const MOST_REVOKED: usize = 100;

/// A certificate, marked with what can be said of it alone.
pub(super) fn certificate(der: &[u8], now: Timestamp) -> Option<Document> {
    let facts = CertificateFacts::read(der).ok()?;
    let certificate = Certificate { der: der.into() };
    let sections = describe::certificate(&facts, &assess::alone(&certificate, now), now);
    Some(Document { certificate: Some(certificate), ..Document::new(DocumentKind::Certificate, &facts.owner(), sections) })
}

pub(super) fn certificate_or_why(name: &str, der: &[u8], now: Timestamp) -> Document {
    certificate(der, now).unwrap_or_else(|| Document::unreadable(name, "it says it is a certificate, and is damaged or something else"))
}

/// The first DER element of `bytes`, whole.
pub(super) fn first_element(bytes: &[u8]) -> Option<&[u8]> {
    let (rest, _) = Any::from_der(bytes).ok()?;
    Some(&bytes[..bytes.len() - rest.len()])
}

/// A request. Whether who made it has the key is checked; nothing else is proven by it.
pub(super) fn request(der: &[u8]) -> Option<Document> {
    let (_, request) = X509CertificationRequest::from_der(der).ok().filter(|(rest, _)| rest.is_empty())?;
    let info = &request.certification_request_info;
    let mut facts = ExtensionFacts::default();
    let (mut alternative, mut is_authority) = (Vec::new(), None);
    for attribute in info.attributes() {
        if let ParsedCriAttribute::ExtensionRequest(wanted) = attribute.parsed_attribute() {
            facts = ExtensionFacts::read(&wanted.extensions);
            for extension in &wanted.extensions {
                match extension.parsed_extension() {
                    ParsedExtension::SubjectAlternativeName(names) => {
                        alternative.extend(names.general_names.iter().filter_map(general_name));
                    }
                    ParsedExtension::BasicConstraints(constraints) => is_authority = Some(constraints.ca),
                    _ => {}
                }
            }
        }
    }
    let signed = Signed::read(der)?;
    let (proof, is_wrong) = match PublicKey::read(info.subject_pki.raw) {
        Some(key) if signed.is_by(&key) => ("proven: the request is signed with it", false),
        Some(_) if signed.is_checkable() => ("wrong: the request is not signed with this key", true),
        _ => ("cannot be checked here", false),
    };
    let (algorithm, is_weak) = signature_algorithm(&request.signature_algorithm);
    let mut signature = signature(&algorithm, is_weak);
    signature.insert(0, Field::text("proof_of_possession", "Has the key", proof));
    let [spki, pin] = key_fingerprints(&Fingerprint::of(info.subject_pki.raw));
    let fingerprints = vec![Field::text("sha256", "SHA-256", Fingerprint::of(der).colons()), spki, pin];
    let sections = [
        ("Requested for", name("subject", &attributes(&info.subject)), false),
        ("Names", names(&alternative, None), false),
        ("Key", key(&KeyKind::of(&info.subject_pki).facts()), false),
        ("Signature", signature, is_wrong),
        ("Usage", usage(&facts, is_authority), false),
        ("Fingerprints", fingerprints, false),
        ("Other extensions", others(&facts.others), false),
    ];
    let sections = sections.into_iter().filter_map(|(title, fields, invalid)| Some(Section::of(title, fields)?.marked(invalid))).collect();
    Some(Document::new(DocumentKind::Request, &short_name(&info.subject), sections))
}

/// A revocation list. Its signature is not checked: its issuer is not at hand.
pub(super) fn revocation_list(der: &[u8], now: Timestamp) -> Option<Document> {
    let (_, list) = CertificateRevocationList::from_der(der).ok().filter(|(rest, _)| rest.is_empty())?;
    let (from, to) = (instant(&list.last_update()), list.next_update().as_ref().map(instant));
    let mut validity: Vec<_> = to.map(|to| Field::new("validity", "Valid", Value::Validity { from, to, now })).into_iter().collect();
    validity.push(Field::new("this_update", "Made", Value::Time(from)));
    validity.extend(to.map(|to| Field::new("next_update", "Next one by", Value::Time(to))));
    let revoked = &list.tbs_cert_list.revoked_certificates;
    let mut entries = vec![Field::new("revoked_count", "How many", Value::Number(revoked.len() as u64))];
    entries.extend(revoked.iter().take(MOST_REVOKED).map(|entry| Field::text("revoked", hex(entry.raw_serial()), said(entry))));
    if revoked.len() > MOST_REVOKED {
        entries.push(Field::text("revoked_more", "More", format!("{} of them are not shown", revoked.len() - MOST_REVOKED)));
    }
    let (algorithm, is_weak) = signature_algorithm(&list.signature_algorithm);
    let facts = ExtensionFacts::read(list.extensions());
    let mut numbers = vec![Field::text("sha256", "SHA-256", Fingerprint::of(der).colons())];
    numbers.extend(list.crl_number().map(|number| Field::text("crl_number", "Number", number.to_string())));
    numbers.extend(facts.authority_key_id.map(|id| Field::text("authority_key_id", "Issuer's key", id)));
    let sections = [
        Section { title: "Issued by", fields: name("issuer", &attributes(list.issuer())) },
        Section { title: "Validity", fields: validity }.marked(to.is_some_and(|to| now > to) || now < from),
        Section { title: "Revoked", fields: entries },
        Section { title: "Signature", fields: signature(&algorithm, is_weak) }.marked(is_weak),
        Section { title: "Fingerprints", fields: numbers },
    ];
    Some(Document::new(DocumentKind::RevocationList, &short_name(list.issuer()), sections.into()))
}

/// When a certificate was taken back, and why.
fn said(entry: &RevokedCertificate<'_>) -> String {
    let date = instant(&entry.revocation_date).strftime("%Y-%m-%d %H:%M UTC");
    match entry.reason_code() {
        Some((_, reason)) => format!("{date}, {}", reason_words(reason.0)),
        None => date.to_string(),
    }
}

/// RFC 5280 section 5.3.1.
fn reason_words(code: u8) -> &'static str {
    match code {
        1 => "key compromise",
        2 => "authority compromise",
        3 => "affiliation changed",
        4 => "superseded",
        5 => "no longer used",
        6 => "on hold",
        8 => "taken from the list again",
        9 => "privilege withdrawn",
        10 => "attribute authority compromise",
        _ => "no reason given",
    }
}
