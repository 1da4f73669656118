//! SSH public keys and certificates in files: OpenSSH's lines, also with options or hosts before them, and RFC 4716.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::Timestamp;

use super::{Document, DocumentKind};
use crate::model::text;
use crate::trust::describe::host_key::{ssh_certificate, ssh_key};
use crate::trust::describe::{Field, Section, Value};
use crate::trust::fingerprint::Fingerprint;
use crate::trust::host_key::HostCertificate;
use crate::trust::rfc4716::{self, KeyText};
use crate::trust::ssh_blob::Blob;

const CERTIFICATE: &str = "-cert-v01@openssh.com";

/// Every key in a text, in its order.
pub(super) fn lines(bytes: &[u8], now: Timestamp) -> impl Iterator<Item = Document> {
    let mut lines = bytes.split(|&byte| byte == b'\n').filter_map(|line| str::from_utf8(line).ok()).map(str::trim).enumerate();
    std::iter::from_fn(move || {
        while let Some((at, line)) = lines.next() {
            if rfc4716::begins(line) {
                let read = rfc4716::read(&mut lines.by_ref().map(|(_, line)| line));
                return Some(damaged_or_key(read, now));
            }
            if let Some(found) = self::line(at + 1, line, now) {
                return Some(found);
            }
        }
        None
    })
}

/// A line of authorized_keys, known_hosts or a `.pub` file; `None` if there is no key type in it.
fn line(number: usize, line: &str, now: Timestamp) -> Option<Document> {
    if line.starts_with('#') {
        return None;
    }
    let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
    let at = words.iter().position(|word| is_key_type(word))?;
    let read = words.get(at + 1).and_then(|base64| Some((base64, decode(base64)?)));
    let blob = read.filter(|(_, blob)| Blob(blob).string() == Some(words[at].as_bytes())).map(|(_, blob)| blob);
    // A word that only looks like a key type, in a text that is about something else.
    let document = match blob {
        Some(blob) => key(&blob, &words[at + 2..].join(" "), now),
        None if words.get(at + 1).is_some_and(|word| word.starts_with("AAAA")) => None,
        None => return None,
    };
    Some(document.unwrap_or_else(|| Document::unreadable(&format!("line {number}"), "its SSH key is damaged")))
}

fn is_key_type(word: &str) -> bool {
    ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"].iter().any(|prefix| word.starts_with(prefix))
}

fn decode(base64: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(base64.trim_end_matches('=')).ok()
}

fn damaged_or_key(read: Option<KeyText>, now: Timestamp) -> Document {
    let read = read.and_then(|read| key(&read.blob, &read.comment, now));
    read.unwrap_or_else(|| Document::unreadable("SSH public key", "it is damaged, or cut off"))
}

/// A key or certificate from its blob.
fn key(blob: &[u8], comment: &str, now: Timestamp) -> Option<Document> {
    let algorithm = str::from_utf8(Blob(blob).string()?).ok()?;
    if algorithm.ends_with(CERTIFICATE) {
        return certificate(blob, algorithm, now);
    }
    let safe = text::display_safe(algorithm.as_bytes());
    let title = if comment.is_empty() { format!("{safe} {}", Fingerprint::of(blob).openssh()) } else { comment.to_owned() };
    Some(Document::new(DocumentKind::SshPublicKey, &title, public(blob, &safe, comment)))
}

/// A public half, and what is written beside it.
pub(super) fn public(blob: &[u8], algorithm: &str, comment: &str) -> Vec<Section> {
    let mut fields = ssh_key(blob, algorithm);
    if !comment.is_empty() {
        fields.push(Field::text("comment", "Comment", text::display_safe(comment.as_bytes())));
    }
    vec![Section { title: "Public key", fields }]
}

/// OpenSSH's PROTOCOL.certkeys. The authority's signature is not checked: a file proves nothing by being here.
fn certificate(blob: &[u8], algorithm: &str, now: Timestamp) -> Option<Document> {
    let mut rest = Blob(blob);
    rest.string()?;
    let _nonce = rest.string()?;
    let plain = algorithm.strip_suffix(CERTIFICATE)?;
    let plain = if plain.starts_with("sk-") { format!("{plain}@openssh.com") } else { plain.to_owned() };
    let parts = match plain.as_str() {
        "ssh-ed25519" => 1,
        "ssh-dss" => 4,
        "sk-ecdsa-sha2-nistp256@openssh.com" => 3,
        _ => 2,
    };
    let key = rest.0;
    for _ in 0..parts {
        rest.string()?;
    }
    let key = &key[..key.len() - rest.0.len()];
    let public_blob = [&u32::try_from(plain.len()).ok()?.to_be_bytes(), plain.as_bytes(), key].concat();
    let serial = rest.long()?;
    let is_for_hosts = match rest.number()? {
        1 => false,
        2 => true,
        _ => return None,
    };
    let id = safe(rest.string()?);
    let principals = Blob(rest.string()?).strings()?.into_iter().map(safe).collect();
    let (after, before) = (rest.long()?, rest.long()?);
    let instant = |seconds: u64| i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let critical = options(rest.string()?)?;
    let extensions = options(rest.string()?)?;
    rest.string()?;
    let authority = rest.string()?;
    let signature = safe(Blob(rest.string()?).string()?);
    let certificate = HostCertificate {
        algorithm: safe(algorithm.as_bytes()),
        id,
        serial,
        principals,
        not_before: instant(after).filter(|_| after > 0),
        not_after: instant(before),
        is_for_hosts,
        critical,
        authority: authority.into(),
        signature,
        is_signed: false,
    };
    let mut sections = ssh_certificate(&certificate, "not checked here", now);
    if !extensions.is_empty() {
        let fields = vec![Field::new("allows", "Allows", Value::List(extensions))];
        sections.push(Section { title: "Extensions", fields });
    }
    sections.extend(public(&public_blob, &safe(plain.as_bytes()), ""));
    let title = if certificate.id.is_empty() { certificate.algorithm } else { certificate.id };
    Some(Document::new(DocumentKind::SshCertificate, &title, sections))
}

/// Names of options, each with its value where it has one.
fn options(packed: &[u8]) -> Option<Vec<String>> {
    let mut options = Vec::new();
    for pair in Blob(packed).strings()?.chunks(2) {
        let [name, value] = pair else { return None };
        match Blob(value).string() {
            Some(value) if !value.is_empty() => options.push(format!("{}={}", safe(name), safe(value))),
            _ => options.push(safe(name)),
        }
    }
    Some(options)
}

fn safe(bytes: &[u8]) -> String {
    text::cut(&text::display_safe(bytes), 256)
}
