//! What an SSH server shows: a key, and perhaps a certificate about it (OpenSSH's PROTOCOL.certkeys).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::fingerprint::Fingerprint;
use super::ssh_blob::{Blob, key_facts};

/// An SSH host key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKey {
    /// The key's algorithm name, e.g. `ssh-ed25519`.
    pub algorithm: String,
    /// The public key blob (RFC 4253 section 6.6), without any certificate around it.
    pub blob: Box<[u8]>,
    /// The certificate the server showed for it, if it did.
    pub certificate: Option<Box<HostCertificate>>,
}

/// What an authority says of a host key. Whether the authority is to be believed is known_hosts' to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCertificate {
    /// The certificate's own algorithm name, e.g. `ssh-ed25519-cert-v01@openssh.com`.
    pub algorithm: String,
    /// The authority's name for it, made safe to draw.
    pub id: String,
    /// The authority's number for it.
    pub serial: u64,
    /// The hosts it is for; empty: any.
    pub principals: Vec<String>,
    /// Valid from, UTC; `None`: always.
    pub not_before: Option<Timestamp>,
    /// Valid until, UTC; `None`: for ever.
    pub not_after: Option<Timestamp>,
    /// It is a host certificate, not a user's.
    pub is_for_hosts: bool,
    /// Critical options, none of which OpenSSH defines for hosts: any makes it invalid.
    pub critical: Vec<String>,
    /// The authority's public key blob.
    pub authority: Box<[u8]>,
    /// What the authority signed with, e.g. `ssh-ed25519`, `rsa-sha2-512`.
    pub signature: String,
    /// The signature is really the authority's. If not, nothing in here is proven.
    pub is_signed: bool,
}

impl HostKey {
    /// A key without a certificate.
    pub fn plain(algorithm: impl Into<String>, blob: impl Into<Box<[u8]>>) -> Self {
        Self { algorithm: algorithm.into(), blob: blob.into(), certificate: None }
    }

    /// The keys in a text of `.pub` or known_hosts lines, each once. Lines about other things are passed over, and so are
    /// certificates and what a line with `@` says of a key: that is not this host's, or to be trusted no more.
    pub fn read_lines(text: &str) -> Vec<Self> {
        let mut keys: Vec<Self> = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', '@'])) {
            let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).take(3).collect();
            let key = words.windows(2).find_map(|pair| {
                let blob = STANDARD.decode(pair[1]).ok()?;
                let is_key = Blob(&blob).string() == Some(pair[0].as_bytes()) && !pair[0].contains("-cert-") && key_facts(&blob).is_some();
                is_key.then(|| Self::plain(pair[0], blob))
            });
            keys.extend(key.filter(|key| !keys.contains(key)));
        }
        keys
    }

    /// SHA-256 of the key's blob, as OpenSSH prints it.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.blob)
    }
}
