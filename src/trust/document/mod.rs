//! What is in a file about identities: certificates, requests, revocation lists, keys. Reads every common wrapping
//! (PEM, DER, PKCS#7, OpenSSH) and says what it is; unlocks nothing.

pub(crate) mod pem;
pub(crate) mod pkcs7;
mod private_key;
mod ssh;
#[cfg(test)]
mod tests;
mod x509;

use jiff::Timestamp;

use super::describe::{Field, Section};
use super::evidence::Certificate;
use crate::model::text;

/// One thing found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is.
    pub kind: DocumentKind,
    /// Its name in one line, e.g. the owner of a certificate; made safe to draw.
    pub title: String,
    /// All there is to say of it.
    pub sections: Vec<Section>,
    /// The certificate, if it is one.
    pub certificate: Option<Certificate>,
}

/// What a [`Document`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// An X.509 certificate.
    Certificate,
    /// A certificate request (PKCS#10).
    Request,
    /// A certificate revocation list.
    RevocationList,
    /// An SSH public key.
    SshPublicKey,
    /// An SSH certificate, of a user or a host.
    SshCertificate,
    /// A private key of any format, of which only the public half and whether it is locked are shown.
    PrivateKey,
    /// Something that looks like one of these and cannot be read.
    Unreadable,
}

/// No file is read beyond this (bytes).
pub const LARGEST: usize = 16 * 1024 * 1024;
/// Of one file, no more things than this are shown.
const MOST: usize = 1000;

/// Everything about identities in a file called `name`, in its order, as of `now`; empty if there is nothing of the kind.
///
/// What looks like such a thing and cannot be read is [`DocumentKind::Unreadable`], with the reason.
pub fn read(name: &str, bytes: &[u8], now: Timestamp) -> Vec<Document> {
    if bytes.len() > LARGEST {
        return vec![Document::unreadable(name, "the file is larger than 16 MiB")];
    }
    let mut documents = if let Some(blocks) = pem::blocks(bytes) {
        blocks.iter().flat_map(|block| pem::read(name, block, now)).take(MOST + 1).collect()
    } else if let Some(key) = private_key::putty(name, bytes) {
        vec![key]
    } else if let Some(found) = der(name, bytes, now) {
        found
    } else {
        ssh::lines(bytes, now).take(MOST + 1).collect()
    };
    if documents.len() > MOST {
        documents.truncate(MOST);
        documents.push(Document::unreadable(name, &format!("there is more in this file than the {MOST} things shown")));
    }
    documents
}

/// What a binary file is; `None` if it is nothing of the kind.
fn der(name: &str, bytes: &[u8], now: Timestamp) -> Option<Vec<Document>> {
    if bytes.first() != Some(&0x30) {
        return None;
    }
    if let Some(document) = x509::certificate(bytes, now).or_else(|| x509::request(bytes)).or_else(|| x509::revocation_list(bytes, now)) {
        return Some(vec![document]);
    }
    if let Some(parts) = pkcs7::parts(bytes) {
        return Some(pkcs7::read(name, &parts, now));
    }
    let is_der = x509::first_element(bytes).is_some_and(|first| first.len() == bytes.len());
    let unknown = || Document::unreadable(name, "it is DER, but no certificate, request, revocation list or key");
    private_key::der(name, bytes).or_else(|| is_der.then(unknown)).map(|document| vec![document])
}

impl Document {
    fn new(kind: DocumentKind, title: &str, sections: Vec<Section>) -> Self {
        Self { kind, title: text::cut(&text::display_safe(title.as_bytes()), LONGEST_TITLE), sections, certificate: None }
    }

    fn unreadable(name: &str, why: &str) -> Self {
        let why = Field::text("unreadable", "Not read", text::display_safe(why.as_bytes()));
        Self::new(DocumentKind::Unreadable, name, vec![Section { title: "Problem", fields: vec![why] }])
    }
}

const LONGEST_TITLE: usize = 120;
