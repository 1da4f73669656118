//! What is in a file about identities: certificates, requests, revocation lists, keys. Reads every common wrapping
//! (PEM, DER, PKCS#7, OpenSSH) and says what it is; unlocks nothing.

use super::describe::Section;
use super::evidence::Certificate;

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
