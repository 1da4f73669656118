//! PKCS#7 (RFC 2315, RFC 5652): the certificates and lists that a signed message carries. Checks no signature.

use jiff::Timestamp;
use x509_parser::asn1_rs::{Any, Class, FromBer, Tag};

use super::{Document, MOST, x509};

/// 1.2.840.113549.1.7.2, signedData.
const SIGNED_DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];

/// The DER of each certificate and list, up to one more than anybody looks at; `None` if it is no signed message.
pub(crate) fn parts(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let (_, outer) = Any::from_ber(bytes).ok().filter(|(_, any)| any.tag() == Tag::Sequence)?;
    let (rest, kind) = Any::from_ber(outer.data).ok()?;
    if kind.tag() != Tag::Oid || kind.data != SIGNED_DATA {
        return None;
    }
    let (_, content) = Any::from_ber(rest).ok()?;
    let (_, signed) = Any::from_ber(content.data).ok().filter(|(_, any)| any.tag() == Tag::Sequence)?;
    let mut rest = signed.data;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let (after, field) = Any::from_ber(rest).ok()?;
        if field.class() == Class::ContextSpecific && field.tag().0 <= 1 {
            let mut inside = field.data;
            while !inside.is_empty() && parts.len() <= MOST {
                let (after, _) = Any::from_ber(inside).ok()?;
                parts.push(&inside[..inside.len() - after.len()]);
                inside = after;
            }
        }
        rest = after;
    }
    Some(parts)
}

/// What is in a signed message.
pub(super) fn read(name: &str, parts: &[&[u8]], now: Timestamp) -> Vec<Document> {
    if parts.is_empty() {
        return vec![Document::unreadable(name, "PKCS#7: there is no certificate in it")];
    }
    parts.iter().map(|der| x509::revocation_list(der, now).unwrap_or_else(|| x509::certificate_or_why(name, der, now))).collect()
}
