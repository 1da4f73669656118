//! A certificate as sections, with what is wrong marked on the first field of the section at fault.

use jiff::Timestamp;

use super::{Field, Section, Value};
use crate::trust::certificate::{CertificateFacts, Extension, ExtensionFacts, KeyFacts};
use crate::trust::fingerprint::Fingerprint;
use crate::trust::{Problem, ProblemKind};

/// Describes `facts`, marking what `problems` (of this certificate alone) find at fault, as of `now`.
///
/// A problem that belongs to no section marks nothing: its words have to do.
pub fn certificate(facts: &CertificateFacts, problems: &[Problem], now: Timestamp) -> Vec<Section> {
    certificate_for(facts, None, problems, now)
}

/// The same, with the name among its names that `host` matched.
pub fn certificate_for(facts: &CertificateFacts, host: Option<&str>, problems: &[Problem], now: Timestamp) -> Vec<Section> {
    use ProblemKind as Kind;
    let extensions = &facts.extensions;
    let sections: [(&str, Vec<Field>, &[Kind]); 12] = [
        ("Issued to", name("subject", &facts.subject), &[Kind::NameMismatch, Kind::NameFromCnOnly]),
        ("Issued by", issuer(facts), &[Kind::UnknownIssuer, Kind::SelfSigned, Kind::BadChainSignature, Kind::Revoked]),
        ("Validity", validity(facts.not_before, facts.not_after, now), &[Kind::Expired, Kind::NotYetValid]),
        ("Names", names(&facts.names, host), &[]),
        ("Key", key(&facts.public_key), &[Kind::WeakKey]),
        ("Signature", signature(&facts.signature, facts.signature_is_weak), &[Kind::WeakSignature]),
        ("Usage", usage(extensions, Some(facts.is_authority)), &[Kind::WrongUsage, Kind::CaAsEndEntity]),
        ("Fingerprints", fingerprints(facts), &[]),
        ("Serial number", vec![serial(facts), Field::new("version", "Version", Value::Number(facts.version.into()))], &[Kind::OldVersion]),
        ("Revocation addresses", revocation_addresses(extensions), &[]),
        ("Key identifiers", key_identifiers(extensions), &[]),
        ("Other extensions", other_extensions(extensions), &[]),
    ];
    let at_fault = |kinds: &[Kind]| problems.iter().any(|problem| kinds.contains(&problem.kind));
    sections.into_iter().filter_map(|(title, fields, kinds)| Some(Section::of(title, fields)?.marked(at_fault(kinds)))).collect()
}

/// A distinguished name, an attribute a field.
pub(in crate::trust) fn name(key: &'static str, attributes: &[(String, String)]) -> Vec<Field> {
    if attributes.is_empty() {
        return vec![Field::text(key, "Name", "(no name)")];
    }
    attributes.iter().map(|(label, value)| Field::text(key, label.clone(), value.clone())).collect()
}

fn issuer(facts: &CertificateFacts) -> Vec<Field> {
    let mut fields = name("issuer", &facts.issuer);
    if facts.self_issued {
        fields.push(Field::text("self_issued", "Itself", "owner and issuer are one name"));
    }
    fields
}

/// A time of validity: the bar, its ends, and how long it is to go.
pub(in crate::trust) fn validity(from: Timestamp, to: Timestamp, now: Timestamp) -> Vec<Field> {
    let days = |until: Timestamp, since: Timestamp| {
        Value::Number(u64::try_from(until.as_second().saturating_sub(since.as_second()) / 86_400).unwrap_or(0))
    };
    let distance = if now > to {
        Field::new("days_expired", "Days since it ended", days(now, to))
    } else if now < from {
        Field::new("days_until_valid", "Days until it begins", days(from, now))
    } else {
        Field::new("days_left", "Days left", days(to, now))
    };
    vec![
        Field::new("validity", "Valid", Value::Validity { from, to, now }),
        Field::new("not_before", "From", Value::Time(from)),
        Field::new("not_after", "Until", Value::Time(to)),
        distance,
    ]
}

/// Alternative names, and which of them is the one looked for.
pub(in crate::trust) fn names(names: &[String], host: Option<&str>) -> Vec<Field> {
    if names.is_empty() {
        return Vec::new();
    }
    let mut fields = vec![Field::new("names", "For", Value::List(names.to_vec()))];
    let matching = host.and_then(|host| names.iter().find(|name| crate::trust::assess::name_covers(name, host)));
    fields.extend(matching.map(|name| Field::text("matching_name", "Matches", name.clone())));
    fields
}

/// A public key.
pub(in crate::trust) fn key(key: &KeyFacts) -> Vec<Field> {
    let mut fields = vec![Field::text("key_algorithm", "Algorithm", key.algorithm.clone())];
    fields.extend(key.bits.map(|bits| Field::new("key_bits", "Bits", Value::Number(bits as u64))));
    fields.extend(key.curve.clone().map(|curve| Field::text("key_curve", "Curve", curve)));
    fields.push(Field::text("key_strength", "Strength", key.strength));
    fields
}

/// A signature's algorithm.
pub(in crate::trust) fn signature(algorithm: &str, is_weak: bool) -> Vec<Field> {
    let strength = if is_weak { "weak: it can be forged" } else { "sound" };
    vec![Field::text("signature_algorithm", "Algorithm", algorithm), Field::text("signature_strength", "Strength", strength)]
}

/// What something may be used for.
pub(in crate::trust) fn usage(extensions: &ExtensionFacts, is_authority: Option<bool>) -> Vec<Field> {
    let mut fields = list("key_usage", "Key", &extensions.key_usage);
    fields.extend(list("extended_key_usage", "Purposes", &extensions.extended_key_usage));
    fields.extend(is_authority.map(|is| Field::new("is_authority", "Authority", Value::Flag(is))));
    fields.extend(extensions.path_length.map(|length| Field::new("path_length", "Authorities below", Value::Number(length.into()))));
    fields
}

/// Extensions as they stand.
pub(in crate::trust) fn others(extensions: &[Extension]) -> Vec<Field> {
    let said = |extension: &Extension| format!("{}{}", if extension.critical { "critical, " } else { "" }, extension.value);
    extensions.iter().map(|extension| Field::text("extensions", extension.oid.clone(), said(extension))).collect()
}

/// SHA-256 of a SubjectPublicKeyInfo, in both common notations.
pub(in crate::trust) fn key_fingerprints(spki: &Fingerprint) -> [Field; 2] {
    [Field::text("spki_sha256", "Key SHA-256", spki.colons()), Field::text("spki_pin", "Key pin", spki.pin())]
}

fn fingerprints(facts: &CertificateFacts) -> Vec<Field> {
    let [spki, pin] = key_fingerprints(&facts.spki);
    let sha1 = Field::text("sha1", "SHA-1 (old)", facts.sha1.clone());
    vec![Field::text("sha256", "SHA-256", facts.fingerprint.colons()), spki, pin, sha1]
}

fn serial(facts: &CertificateFacts) -> Field {
    Field::text("serial", "Serial", facts.serial.clone())
}

fn revocation_addresses(extensions: &ExtensionFacts) -> Vec<Field> {
    let mut fields = list("crl_addresses", "Lists (CRL)", &extensions.crl_addresses);
    fields.extend(list("ocsp_addresses", "Answers (OCSP)", &extensions.ocsp_addresses));
    fields
}

fn key_identifiers(extensions: &ExtensionFacts) -> Vec<Field> {
    let ids =
        [("subject_key_id", "This key", &extensions.subject_key_id), ("authority_key_id", "Issuer's key", &extensions.authority_key_id)];
    let mut fields: Vec<_> = ids.into_iter().filter_map(|(key, label, id)| Some(Field::text(key, label, id.clone()?))).collect();
    fields.extend(list("issuer_addresses", "Issuer's certificate", &extensions.issuer_addresses));
    fields
}

fn other_extensions(extensions: &ExtensionFacts) -> Vec<Field> {
    let timestamps = Field::new("signed_timestamps", "Signed timestamps (SCT)", Value::Number(extensions.timestamps as u64));
    let timestamps = (extensions.timestamps > 0).then_some(timestamps);
    timestamps.into_iter().chain(others(&extensions.others)).collect()
}

fn list(key: &'static str, label: &str, values: &[String]) -> Vec<Field> {
    if values.is_empty() { Vec::new() } else { vec![Field::new(key, label, Value::List(values.to_vec()))] }
}
