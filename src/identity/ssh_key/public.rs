//! The public half of a key: read from OpenSSH's line or RFC 4716, written as either, and its fingerprints.

use std::fmt;
use std::path::Path;

use russh::keys::PublicKey;

use super::{SshKeyError, read_text};
use crate::model::text;
use crate::trust::{Fingerprint, fingerprint, rfc4716};

/// The public half of a key.
#[derive(Clone, PartialEq, Eq)]
pub struct SshPublicKey(PublicKey);

impl SshPublicKey {
    pub(crate) fn new(key: PublicKey) -> Self {
        Self(key)
    }

    pub(crate) fn inner(&self) -> &PublicKey {
        &self.0
    }

    /// Reads a public key file (`FILE.pub`), whose private half an agent may hold.
    pub fn read(path: &Path) -> Result<Self, SshKeyError> {
        Self::parse(&read_text(path)?)
    }

    /// Reads OpenSSH's line or RFC 4716, also with other text around it.
    ///
    /// A line that was broken on its way, by a mail or a terminal, is put together again.
    pub fn parse(text: &str) -> Result<Self, SshKeyError> {
        let mut lines = text.lines();
        if lines.any(rfc4716::begins) {
            let read = rfc4716::read(&mut lines).ok_or(SshKeyError::NotAPublicKey)?;
            return Self::from_blob(&read.blob, &read.comment).ok_or(SshKeyError::NotAPublicKey);
        }
        let words: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(str::split_whitespace).collect();
        let (algorithm, rest) = words.split_first().ok_or(SshKeyError::NotAPublicKey)?;
        let mut base64 = String::new();
        for (at, word) in rest.iter().enumerate() {
            base64.push_str(word);
            let key = russh::keys::parse_public_key_base64(&base64).ok().filter(|key| key.algorithm().as_str() == *algorithm);
            if let Some(mut key) = key {
                key.set_comment(rest[at + 1..].join(" "));
                return Ok(Self(key));
            }
            if base64.len() as u64 > super::LARGEST {
                break;
            }
        }
        Err(SshKeyError::NotAPublicKey)
    }

    /// From the blob of RFC 4253 section 6.6; `None` if it is no key known here.
    pub(super) fn from_blob(blob: &[u8], comment: &str) -> Option<Self> {
        let mut key = PublicKey::from_bytes(blob).ok()?;
        key.set_comment(comment);
        Some(Self(key))
    }

    /// The blob of RFC 4253 section 6.6: what a server compares.
    pub fn blob(&self) -> Vec<u8> {
        self.0.to_bytes().unwrap_or_default()
    }

    /// Whether both are one key, whatever their comments.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.key_data() == other.0.key_data()
    }

    /// The algorithm's name, e.g. `ssh-ed25519`.
    pub fn algorithm(&self) -> String {
        self.0.algorithm().to_string()
    }

    /// The comment, made safe to draw; may be empty.
    pub fn comment(&self) -> String {
        text::display_safe(self.0.comment().as_bytes())
    }

    /// SHA-256 of the key's blob, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.blob())
    }

    /// MD5 of the key's blob, as `ssh-keygen -l -E md5` prints it: to recognise, not to trust by.
    pub fn md5(&self) -> String {
        fingerprint::md5(&self.blob())
    }

    /// The comment, or the fingerprint where there is none.
    pub fn label(&self) -> String {
        let comment = self.comment();
        if comment.is_empty() { self.fingerprint().openssh() } else { comment }
    }

    /// The line of `.pub` files and `authorized_keys`, without its end. It is one line, whatever the comment was.
    pub fn line(&self) -> String {
        let key = PublicKey::new(self.0.key_data().clone(), "").to_openssh().unwrap_or_default();
        format!("{} {}", key.trim_end(), self.plain_comment()).trim_end().to_owned()
    }

    /// The file of RFC 4716.
    pub fn rfc4716(&self) -> String {
        rfc4716::write(&self.blob(), &self.plain_comment())
    }

    /// The comment as it goes into files: on one line, nothing else changed.
    pub(super) fn plain_comment(&self) -> String {
        let comment = String::from_utf8_lossy(self.0.comment().as_bytes()).replace(char::is_control, " ");
        comment.trim().to_owned()
    }
}

impl fmt::Debug for SshPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm(), self.fingerprint().openssh())
    }
}
