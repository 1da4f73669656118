//! A certificate as sections, with what is wrong marked on the first field of the section at fault.

use jiff::Timestamp;

use super::{Field, Section, Value};
use crate::trust::certificate::CertificateFacts;
use crate::trust::{Problem, ProblemKind};

/// Describes `facts`, marking what `problems` (of this certificate alone) find at fault, as of `now`.
///
/// A problem that belongs to no section marks nothing: its words have to do.
pub fn certificate(facts: &CertificateFacts, problems: &[Problem], now: Timestamp) -> Vec<Section> {
    use ProblemKind as Kind;
    let at_fault = |kinds: &[Kind]| problems.iter().any(|problem| kinds.contains(&problem.kind));
    let name = |key, attributes: &[(String, String)]| -> Vec<Field> {
        if attributes.is_empty() {
            return vec![Field::text(key, "Name", "(no name)")];
        }
        attributes.iter().map(|(label, value)| Field::text(key, label.clone(), value.clone())).collect()
    };
    let validity = Value::Validity { from: facts.not_before, to: facts.not_after, now };
    let mut issuer = name("issuer", &facts.issuer);
    if facts.self_issued {
        issuer = vec![Field::text("issuer", "Itself", "owner and issuer are one name")];
    }
    let sections = [
        (
            "Issued to",
            name("subject", &facts.subject),
            at_fault(&[Kind::NameMismatch, Kind::NameFromCnOnly, Kind::WrongUsage, Kind::CaAsEndEntity, Kind::WeakKey]),
        ),
        (
            "Issued by",
            issuer,
            at_fault(&[Kind::UnknownIssuer, Kind::SelfSigned, Kind::BadChainSignature, Kind::WeakSignature, Kind::Revoked]),
        ),
        ("Validity", vec![Field::new("validity", "Valid", validity)], at_fault(&[Kind::Expired, Kind::NotYetValid])),
        ("Names", names(facts), false),
        ("Fingerprints", vec![Field::text("sha256", "SHA-256", facts.fingerprint.colons())], false),
    ];
    sections.into_iter().filter_map(|(title, fields, invalid)| Some(Section::of(title, fields)?.marked(invalid))).collect()
}

fn names(facts: &CertificateFacts) -> Vec<Field> {
    if facts.names.is_empty() { Vec::new() } else { vec![Field::new("names", "For", Value::List(facts.names.clone()))] }
}
