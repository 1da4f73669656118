//! An SSH key and what an authority says of it, as sections.

use jiff::Timestamp;

use super::certificate::validity;
use super::{Field, Section, Value};
use crate::model::text::display_safe;
use crate::trust::fingerprint::Fingerprint;
use crate::trust::host_key::{HostCertificate, HostKey};
use crate::trust::ssh_blob;

/// Describes a host key and, where the server showed one, its certificate as of `now`.
pub fn host_key(key: &HostKey, now: Timestamp) -> Vec<Section> {
    let mut sections = vec![Section { title: "Host key", fields: ssh_key(&key.blob, &key.algorithm) }];
    if let Some(certificate) = &key.certificate {
        let state = if certificate.is_signed { "made by this authority" } else { "not made by this authority, or not to be checked" };
        sections.extend(ssh_certificate(certificate, state, now));
    }
    sections
}

/// A public key blob (RFC 4253 section 6.6).
pub fn ssh_key(blob: &[u8], algorithm: &str) -> Vec<Field> {
    let mut fields = vec![Field::text("key_algorithm", "Algorithm", safe(algorithm))];
    if let Some(key) = ssh_blob::key_facts(blob) {
        fields.extend(key.bits.map(|bits| Field::new("key_bits", "Bits", Value::Number(bits as u64))));
        fields.extend(key.curve.map(|curve| Field::text("key_curve", "Curve", curve)));
        fields.push(Field::text("key_strength", "Strength", key.strength));
    }
    fields.push(Field::text("sha256", "SHA-256", Fingerprint::of(blob).openssh()));
    fields
}

/// What an authority says of a key (OpenSSH's PROTOCOL.certkeys).
///
/// `signature_state`: what is known of the authority's signature.
pub(in crate::trust) fn ssh_certificate(certificate: &HostCertificate, signature_state: &str, now: Timestamp) -> Vec<Section> {
    let kind = if certificate.is_for_hosts { "host" } else { "user" };
    let principals = if certificate.principals.is_empty() { vec!["any".to_owned()] } else { all_safe(&certificate.principals) };
    let to = vec![
        Field::text("key_id", "Name", safe(&certificate.id)),
        Field::text("certificate_kind", "For a", kind),
        Field::new("principals", if certificate.is_for_hosts { "Hosts" } else { "Users" }, Value::List(principals)),
        Field::new("serial", "Serial", Value::Number(certificate.serial)),
        Field::text("certificate_algorithm", "Algorithm", safe(&certificate.algorithm)),
    ];
    let by = vec![
        Field::text("authority_sha256", "Authority's SHA-256", Fingerprint::of(&certificate.authority).openssh()),
        Field::text("signature_algorithm", "Signed with", safe(&certificate.signature)),
        Field::text("signature_state", "Signature", signature_state),
    ];
    let mut sections = vec![Section { title: "Issued to", fields: to }, Section { title: "Issued by", fields: by }];
    let (from, until) = (certificate.not_before, certificate.not_after);
    let fields = match (from, until) {
        (None, None) => vec![Field::text("validity_words", "Valid", "for ever")],
        _ => validity(from.unwrap_or(Timestamp::UNIX_EPOCH), until.unwrap_or(Timestamp::MAX), now),
    };
    let outside = from.is_some_and(|from| now < from) || until.is_some_and(|until| now > until);
    sections.push(Section { title: "Validity", fields }.marked(outside));
    if !certificate.critical.is_empty() {
        let field = Field::new("critical_options", "Only", Value::List(all_safe(&certificate.critical)));
        sections.push(Section { title: "Critical options", fields: vec![field] });
    }
    sections
}

/// What an authority or a server wrote. The names stay as they are where hosts are held against them.
fn safe(text: &str) -> String {
    display_safe(text.as_bytes())
}

fn all_safe(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| safe(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_an_authority_wrote_reaches_the_terminal_as_it_is() {
        const EVIL: &str = "\u{1b}]0;owned\u{7}\u{202e}";
        let evil = || EVIL.to_owned();
        let certificate = HostCertificate {
            algorithm: evil(),
            id: evil(),
            serial: 1,
            principals: vec![evil()],
            not_before: None,
            not_after: None,
            is_for_hosts: true,
            critical: vec![evil()],
            authority: Box::default(),
            signature: evil(),
            is_signed: true,
        };
        let key = HostKey { certificate: Some(Box::new(certificate)), ..HostKey::plain(EVIL, *b"blob") };
        let mut told = 0;
        for field in host_key(&key, Timestamp::UNIX_EPOCH).into_iter().flat_map(|section| section.fields) {
            let texts = match field.value {
                Value::Text(text) => vec![text],
                Value::List(texts) => texts,
                _ => Vec::new(),
            };
            assert!(texts.iter().all(|text| display_safe(text.as_bytes()) == *text), "{}: {texts:?}", field.key);
            told += texts.iter().filter(|text| text.contains("owned")).count();
        }
        assert_eq!(told, 6);
    }
}
