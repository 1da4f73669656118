//! Writes DER (X.690): the few forms certificates, requests and revocation lists are made of. Reads nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use zeroize::Zeroizing;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const UTF8_STRING: u8 = 0x0c;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
pub(super) const PRINTABLE_STRING: u8 = 0x13;
pub(super) const IA5_STRING: u8 = 0x16;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const BOOLEAN: u8 = 0x01;

/// One element.
pub(super) fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut der = Vec::with_capacity(contents.len() + 6);
    der.push(tag);
    if contents.len() < 0x80 {
        der.push(contents.len() as u8);
    } else {
        let bytes = contents.len().to_be_bytes();
        let bytes = &bytes[bytes.iter().take_while(|&&byte| byte == 0).count()..];
        der.push(0x80 | bytes.len() as u8);
        der.extend_from_slice(bytes);
    }
    der.extend_from_slice(contents);
    der
}

/// A SEQUENCE of elements that are DER already.
pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, &parts.concat())
}

/// Constructed, context-specific.
pub(super) fn explicit(number: u8, contents: &[u8]) -> Vec<u8> {
    element(0xa0 | number, contents)
}

/// Primitive, context-specific.
pub(super) fn implicit(number: u8, contents: &[u8]) -> Vec<u8> {
    element(0x80 | number, contents)
}

/// An OBJECT IDENTIFIER from its arcs.
pub(super) fn oid(arcs: &[u32]) -> Vec<u8> {
    let (first, rest) = arcs.split_at(arcs.len().min(2));
    let first = first.iter().fold(0, |sum, arc| sum * 40 + arc);
    let mut contents = Vec::new();
    for arc in std::iter::once(first).chain(rest.iter().copied()) {
        let groups = (32 - arc.leading_zeros()).div_ceil(7).max(1);
        contents.extend((0..groups).rev().map(|group| (arc >> (7 * group)) as u8 & 0x7f | if group > 0 { 0x80 } else { 0 }));
    }
    element(OID, &contents)
}

/// A whole number that is not negative, from its bytes.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    let mut contents = bytes[zeros..].to_vec();
    if contents.first().is_none_or(|&byte| byte >= 0x80) {
        contents.insert(0, 0);
    }
    element(INTEGER, &contents)
}

pub(super) fn boolean(value: bool) -> Vec<u8> {
    element(BOOLEAN, &[if value { 0xff } else { 0 }])
}

/// Whole bytes as a BIT STRING.
pub(super) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[0], bytes].concat())
}

/// A BIT STRING of named bits, without trailing zeros (X.690 section 11.2.2).
pub(super) fn named_bits(set: &[usize]) -> Vec<u8> {
    let mut bytes = vec![0_u8; set.iter().max().map_or(0, |last| last / 8 + 1)];
    for bit in set {
        bytes[bit / 8] |= 0x80 >> (bit % 8);
    }
    let unused = bytes.last().map_or(0, |last| last.trailing_zeros() as u8);
    element(BIT_STRING, &[&[unused], &bytes[..]].concat())
}

/// A Time, in the form RFC 5280 section 4.1.2.5 wants for its year.
pub(super) fn time(time: Timestamp) -> Vec<u8> {
    let time = time.to_zoned(TimeZone::UTC);
    if (1950..2050).contains(&time.year()) {
        element(UTC_TIME, time.strftime("%y%m%d%H%M%SZ").to_string().as_bytes())
    } else {
        element(GENERALIZED_TIME, time.strftime("%Y%m%d%H%M%SZ").to_string().as_bytes())
    }
}

/// A PEM block (RFC 7468), lines of 64. What is in it may be secret.
pub(super) fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(der));
    let mut text = Zeroizing::new(String::with_capacity(body.len() + body.len() / 64 + 2 * label.len() + 40));
    text.extend(["-----BEGIN ", label, "-----\n"]);
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.extend([line, "\n"]);
        rest = after;
    }
    text.extend(["-----END ", label, "-----\n"]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_are_as_the_standard_says() {
        assert_eq!(oid(&[1, 2, 840, 113_549, 1, 9, 1]), [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1]);
        assert_eq!(oid(&[2, 5, 4, 3]), [6, 3, 0x55, 4, 3]);
        assert_eq!(integer(&[0, 0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[0]), [2, 1, 0]);
        assert_eq!(integer(&[0x7f, 1]), [2, 2, 0x7f, 1]);
        assert_eq!(named_bits(&[0]), [3, 2, 7, 0x80]);
        assert_eq!(named_bits(&[5, 6]), [3, 2, 1, 6]);
        assert_eq!(element(4, &[7; 200])[..3], [4, 0x81, 200]);
        assert_eq!(element(4, &vec![7; 70_000])[..5], [4, 0x83, 1, 0x11, 0x70]);
        let at = |text: &str| time(text.parse().unwrap());
        assert_eq!(at("2049-12-31T23:59:59Z")[2..], *b"491231235959Z");
        assert_eq!(at("2050-01-01T00:00:00Z")[..6], [0x18, 15, b'2', b'0', b'5', b'0']);
        assert_eq!(*pem("X", &[0; 49]), format!("-----BEGIN X-----\n{}\nAA==\n-----END X-----\n", "A".repeat(64)));
    }
}
