//! SHA-256 of a certificate, a public key or a host key, and the notations people write it in.

mod pasted;

pub use pasted::{Compared, Part, PastedFingerprint};

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A SHA-256 digest (32 bytes).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 32]);

/// A text is no SHA-256 fingerprint in a notation we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no SHA-256 fingerprint: 64 hex digits (with or without colons), or SHA256: and 43 base64 characters")]
pub struct NotAFingerprint;

impl Fingerprint {
    /// Hashes `bytes` (DER of a certificate or SPKI, or the wire blob of a host key).
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads hex with or without colons or spaces, `sha256:HEX`, `SHA256:base64`, `sha256//base64`; case of hex is free.
    pub fn parse(text: &str) -> Result<Self, NotAFingerprint> {
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        let body = ["sha256//", "sha256:", "sha-256:", "sha256="]
            .iter()
            .find(|prefix| lower.starts_with(**prefix))
            .map_or(text, |prefix| &text[prefix.len()..])
            .trim();
        let hex: String = body.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
        if hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            let mut digest = [0; 32];
            for (at, byte) in digest.iter_mut().enumerate() {
                *byte = u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).map_err(|_| NotAFingerprint)?;
            }
            return Ok(Self(digest));
        }
        let bytes = STANDARD_NO_PAD.decode(body.trim_end_matches('=')).map_err(|_| NotAFingerprint)?;
        Ok(Self(bytes.try_into().map_err(|_| NotAFingerprint)?))
    }

    /// 64 lower-case hex digits.
    pub fn hex(&self) -> String {
        self.0.map(|byte| format!("{byte:02x}")).concat()
    }

    /// Upper-case hex in pairs with colons, as certificate viewers print it.
    pub fn colons(&self) -> String {
        self.0.map(|byte| format!("{byte:02X}")).join(":")
    }

    /// The first eight bytes as [`Fingerprint::colons`] writes them: to tell two apart at a glance, not to compare by.
    pub fn short(&self) -> String {
        format!("{}...", self.colons().split_at(23).0)
    }

    /// `SHA256:` and base64 without padding, as OpenSSH prints it.
    pub fn openssh(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(self.0))
    }

    /// `sha256//` and base64, as curl's `--pinnedpubkey` takes the fingerprint of a public key.
    pub fn pin(&self) -> String {
        format!("sha256//{}", STANDARD.encode(self.0))
    }
}

/// `MD5:` and lower-case hex in pairs with colons, as an old `ssh-keygen` prints it: to recognise, not to trust by.
pub fn md5(bytes: &[u8]) -> String {
    let digest = Md5::digest(bytes);
    format!("MD5:{}", digest.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"))
}

/// `sha256:HEX`, the notation of `--trust` and of files.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = NotAFingerprint;
    fn try_from(text: String) -> Result<Self, NotAFingerprint> {
        Self::parse(&text)
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_notation_reads_back(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let print = Fingerprint::of(&bytes);
            for text in [print.hex(), print.colons(), print.openssh(), print.to_string(), print.hex().to_uppercase(), format!(" {} ", print.openssh().replace("SHA256:", "sha256//"))] {
                prop_assert_eq!(Fingerprint::parse(&text), Ok(print));
            }
        }
    }

    #[test]
    fn what_is_no_fingerprint_is_refused() {
        for text in ["", "sha256:", "abcd", &"g".repeat(64), &"a".repeat(63)] {
            assert_eq!(Fingerprint::parse(text), Err(NotAFingerprint), "{text}");
        }
    }
}
