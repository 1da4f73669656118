//! Private key files: which kind, whether locked, and the public half where it stands in the open. Nothing else of them is
//! looked at, and nothing is unlocked.

use x509_parser::asn1_rs::{Any, Class, FromDer, Tag};
use x509_parser::x509::SubjectPublicKeyInfo;

use super::ssh::public;
use super::{Document, DocumentKind};
use crate::model::text;
use crate::trust::algorithm::KeyKind;
use crate::trust::describe::certificate::{key, key_fingerprints};
use crate::trust::describe::{Field, Section, Value};
use crate::trust::fingerprint::Fingerprint;
use crate::trust::ssh_blob::Blob;

/// A PEM block; `None` if it is damaged.
pub(super) fn pem(name: &str, label: &str, headers: &[String], body: &[u8]) -> Option<Document> {
    let header = |wanted: &str| headers.iter().find_map(|line| line.strip_prefix(wanted)?.strip_prefix(':')).map(str::trim);
    let legacy = |format| {
        if header("Proc-Type") == Some("4,ENCRYPTED") {
            let cipher = header("DEK-Info").and_then(|info| info.split(',').next()).unwrap_or("unknown");
            return Some(document(name, format, Some(cipher), Vec::new()));
        }
        der_of(name, body).filter(|(found, _)| *found == format).map(|(_, document)| document)
    };
    match label {
        "OPENSSH PRIVATE KEY" => openssh(name, body),
        "PRIVATE KEY" => legacy(PKCS8),
        "ENCRYPTED PRIVATE KEY" => locked_pkcs8(name, body),
        "RSA PRIVATE KEY" => legacy(PKCS1),
        "EC PRIVATE KEY" => legacy(SEC1),
        "DSA PRIVATE KEY" => Some(document(name, "PEM (DSA)", header("DEK-Info").map(|_| "unknown"), Vec::new())),
        _ => None,
    }
}

/// A binary key file; `None` if it is none.
pub(super) fn der(name: &str, bytes: &[u8]) -> Option<Document> {
    der_of(name, bytes).map(|(_, document)| document).or_else(|| locked_pkcs8(name, bytes))
}

/// PuTTY's own format, in which the public half is never locked.
pub(super) fn putty(name: &str, bytes: &[u8]) -> Option<Document> {
    let contents = str::from_utf8(bytes).ok().filter(|contents| contents.trim_start().starts_with("PuTTY-User-Key-File-"))?;
    let field = |name: &str| contents.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let cipher = field("Encryption").filter(|cipher| *cipher != "none");
    let count = field("Public-Lines").and_then(|count| count.parse().ok()).unwrap_or(0);
    let lines = contents.lines().skip_while(|line| !line.starts_with("Public-Lines:")).skip(1).take(count);
    let base64: String = lines.map(str::trim).collect();
    let blob = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, base64).unwrap_or_default();
    let comment = field("Comment").unwrap_or_default();
    let Some(half) = ssh_half(&blob, comment) else { return Some(Document::unreadable(name, "this PuTTY key file is damaged")) };
    Some(document(if comment.is_empty() { name } else { comment }, "PuTTY", cipher, half))
}

const PKCS1: &str = "PKCS#1";
const PKCS8: &str = "PKCS#8";
const SEC1: &str = "SEC 1";

fn document(title: &str, format: &str, cipher: Option<&str>, half: Vec<Section>) -> Document {
    let mut fields = vec![Field::text("format", "Format", format), Field::new("locked", "Locked", Value::Flag(cipher.is_some()))];
    fields.extend(cipher.map(|cipher| Field::text("cipher", "With", text::display_safe(cipher.as_bytes()))));
    if half.is_empty() {
        fields.push(Field::text("public_half", "Public half", "not to be read without the private one"));
    }
    let sections = std::iter::once(Section { title: "Private key", fields }).chain(half).collect();
    Document::new(DocumentKind::PrivateKey, title, sections)
}

/// OpenSSH's PROTOCOL.key.
fn openssh(name: &str, body: &[u8]) -> Option<Document> {
    let mut rest = Blob(body.strip_prefix(b"openssh-key-v1\0")?);
    let cipher = str::from_utf8(rest.string()?).ok().filter(|cipher| *cipher != "none");
    let (_derivation, _its_options) = (rest.string()?, rest.string()?);
    if rest.number()? == 0 {
        return None;
    }
    Some(document(name, "OpenSSH", cipher, ssh_half(rest.string()?, "")?))
}

fn ssh_half(blob: &[u8], comment: &str) -> Option<Vec<Section>> {
    let algorithm = text::display_safe(Blob(blob).string()?);
    Some(public(blob, &algorithm, comment))
}

/// A key in the open: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017 appendix A.1.2) or SEC 1 (RFC 5915).
fn der_of(name: &str, bytes: &[u8]) -> Option<(&'static str, Document)> {
    let found =
        |format, spki: Option<Vec<u8>>| Some((format, document(name, format, None, spki.map(|spki| half(&spki)).unwrap_or_default())));
    let parts = parts(bytes)?;
    match parts.as_slice() {
        // Version, algorithm, key, and perhaps attributes and the public key.
        [version, algorithm, inner, rest @ ..]
            if is(version, Tag::Integer) && is(algorithm, Tag::Sequence) && is(inner, Tag::OctetString) =>
        {
            let own = rest.iter().find(|part| part.any.class() == Class::ContextSpecific && part.any.tag().0 == 1);
            let bits = own.map(|part| part.any.data.to_vec()).or_else(|| inner_half(inner.any.data));
            found(PKCS8, bits.map(|bits| spki(algorithm.whole, &bits)))
        }
        [version, modulus, exponent, ..] if [version, modulus, exponent].iter().all(|part| is(part, Tag::Integer)) && parts.len() >= 9 => {
            let rsa = [&[0x30, 13, 6, 9], &RSA[..], &[5, 0]].concat();
            found(PKCS1, Some(spki(&rsa, &rsa_bits(modulus, exponent))))
        }
        [version, key, rest @ ..] if is(version, Tag::Integer) && is(key, Tag::OctetString) => {
            let [curve, bits] =
                [0, 1].map(|tag| rest.iter().find(|part| part.any.class() == Class::ContextSpecific && part.any.tag().0 == tag));
            let spki = curve.zip(bits).and_then(|(curve, bits)| {
                let algorithm = tlv(0x30, &[&[6, 7], &EC[..], curve.any.data].concat());
                Some(spki(&algorithm, only(bits.any.data, Tag::BitString)?))
            });
            found(SEC1, spki)
        }
        _ => None,
    }
}

/// rsaEncryption and ecPublicKey (RFC 3279 section 2.3).
const RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// The public half, with its byte of unused bits, where the key inside PKCS#8 has it in the open.
fn inner_half(inner: &[u8]) -> Option<Vec<u8>> {
    let parts = parts(inner)?;
    match parts.as_slice() {
        [version, modulus, exponent, ..] if is(version, Tag::Integer) && is(modulus, Tag::Integer) => Some(rsa_bits(modulus, exponent)),
        [_, key, rest @ ..] if is(key, Tag::OctetString) => {
            let bits = rest.iter().find(|part| part.any.class() == Class::ContextSpecific && part.any.tag().0 == 1)?;
            Some(only(bits.any.data, Tag::BitString)?.to_vec())
        }
        _ => None,
    }
}

fn rsa_bits(modulus: &Part<'_>, exponent: &Part<'_>) -> Vec<u8> {
    [&[0], &tlv(0x30, &[modulus.whole, exponent.whole].concat())[..]].concat()
}

/// The DER of a SubjectPublicKeyInfo; `bits` with their byte of unused bits.
fn spki(algorithm: &[u8], bits: &[u8]) -> Vec<u8> {
    tlv(0x30, &[algorithm, &tlv(3, bits)].concat())
}

fn half(spki: &[u8]) -> Vec<Section> {
    let Ok((_, parsed)) = SubjectPublicKeyInfo::from_der(spki) else { return Vec::new() };
    let mut fields = key(&KeyKind::of(&parsed).facts());
    fields.extend(key_fingerprints(&Fingerprint::of(spki)));
    vec![Section { title: "Public key", fields }]
}

/// EncryptedPrivateKeyInfo (RFC 5958 section 3).
fn locked_pkcs8(name: &str, bytes: &[u8]) -> Option<Document> {
    let parts = parts(bytes)?;
    let [algorithm, sealed] = parts.as_slice() else { return None };
    if !is(algorithm, Tag::Sequence) || !is(sealed, Tag::OctetString) {
        return None;
    }
    let (_, oid) = Any::from_der(algorithm.any.data).ok().filter(|(_, oid)| oid.tag() == Tag::Oid)?;
    let scheme = match oid.data {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d] => "PBES2",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, _] => "PBES1 (old and weak)",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, _] => "PKCS#12 PBE (old and weak)",
        _ => "an unknown scheme",
    };
    Some(document(name, PKCS8, Some(scheme), Vec::new()))
}

/// A DER element.
struct Part<'a> {
    /// With its header.
    whole: &'a [u8],
    any: Any<'a>,
}

/// The elements of the one SEQUENCE that `bytes` is.
fn parts(bytes: &[u8]) -> Option<Vec<Part<'_>>> {
    let (rest, outer) = Any::from_der(bytes).ok()?;
    if !rest.is_empty() || outer.tag() != Tag::Sequence {
        return None;
    }
    let mut parts = Vec::new();
    let mut rest = outer.data;
    while !rest.is_empty() {
        let (after, any) = Any::from_der(rest).ok()?;
        parts.push(Part { whole: &rest[..rest.len() - after.len()], any });
        rest = after;
    }
    Some(parts)
}

fn is(part: &Part<'_>, tag: Tag) -> bool {
    part.any.class() == Class::Universal && part.any.tag() == tag
}

/// The contents of the one element `bytes` is.
fn only(bytes: &[u8], tag: Tag) -> Option<&[u8]> {
    Any::from_der(bytes).ok().filter(|(rest, any)| rest.is_empty() && any.tag() == tag).map(|(_, any)| any.data)
}

/// A DER element of these contents.
fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len().to_be_bytes();
    let digits = &length[length.iter().take_while(|&&byte| byte == 0).count()..];
    let mut element = vec![tag];
    if contents.len() >= 0x80 {
        element.push(0x80 | digits.len() as u8);
        element.extend_from_slice(digits);
    } else {
        element.push(contents.len() as u8);
    }
    element.extend_from_slice(contents);
    element
}
