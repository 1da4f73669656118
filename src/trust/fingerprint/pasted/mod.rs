//! A fingerprint as a person got it from somebody: read whatever its notation is, with the words around it, and compared
//! with what a peer shows. Trusts nothing.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::{Fingerprint, NotAFingerprint};
use crate::trust::certificate::public_key_of;
use crate::trust::evidence::{Evidence, PeerIdentity};

/// What may be one fingerprint or several: an administrator's whole message, or a line for each key of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastedFingerprint {
    /// Never empty; the longest first.
    readings: Vec<Digest>,
    /// Each is said to be of a key of another type, as `ssh-keygen -l` lists the keys of one server.
    by_type: bool,
}

/// A digest with its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// Of an old `ssh-keygen` or certificate viewer.
    Md5([u8; 16]),
    /// What certificate viewers call a thumbprint.
    Sha1([u8; 20]),
    /// What everybody writes today.
    Sha256([u8; 32]),
    /// The public key itself, as in `ssh-ed25519 AAAA…`: its SHA-256.
    Key([u8; 32]),
}

/// The part of an identity that a fingerprint is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The certificate.
    Certificate,
    /// The certificate's public key, as curl's `--pinnedpubkey` takes it.
    PublicKey,
    /// The SSH host key.
    HostKey,
}

/// What came of comparing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// It is the one.
    Match {
        /// In what it was given.
        digest: Digest,
        /// Of what it is.
        part: Part,
        /// No fingerprint of anything else was given with it.
        alone: bool,
    },
    /// It is another one.
    Mismatch {
        /// What was read.
        digest: Digest,
    },
    /// What was given is no fingerprint.
    NotAFingerprint,
}

impl Digest {
    /// Two things with the same digest of this kind can be made on purpose.
    pub fn can_be_forged(self) -> bool {
        matches!(self, Self::Md5(_) | Self::Sha1(_))
    }

    fn of_length(bytes: &[u8]) -> Option<Self> {
        match bytes.len() {
            16 => bytes.try_into().ok().map(Self::Md5),
            20 => bytes.try_into().ok().map(Self::Sha1),
            32 => bytes.try_into().ok().map(Self::Sha256),
            _ => None,
        }
    }

    fn length(self) -> usize {
        match self {
            Self::Md5(_) => 16,
            Self::Sha1(_) => 20,
            Self::Sha256(_) | Self::Key(_) => 32,
        }
    }

    /// Whether it is the digest of `bytes`.
    fn is_of(self, bytes: &[u8]) -> bool {
        match self {
            Self::Md5(digest) => Md5::digest(bytes)[..] == digest,
            Self::Sha1(digest) => Sha1::digest(bytes)[..] == digest,
            Self::Sha256(digest) | Self::Key(digest) => Sha256::digest(bytes)[..] == digest,
        }
    }
}

/// Its kind in a word.
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Md5(_) => "MD5",
            Self::Sha1(_) => "SHA-1",
            Self::Sha256(_) => "SHA-256",
            Self::Key(_) => "public key",
        })
    }
}

impl Compared {
    /// Whether a person now knows that the identity is the right one. A match in a kind that can be forged is no proof,
    /// nor is one among fingerprints of other things: a text may name the wrong one first.
    pub fn is_proof(self) -> bool {
        matches!(self, Self::Match { digest, alone: true, .. } if !digest.can_be_forged())
    }

    /// The outcome in a sentence or two.
    pub fn words(self) -> String {
        match self {
            Self::Match { digest, part, alone } => {
                let part = match part {
                    Part::Certificate => "certificate",
                    Part::PublicKey => "certificate's public key",
                    Part::HostKey => "host key",
                };
                if !alone {
                    format!("One of several fingerprints in this text matches this {part}. Paste the one that is meant, alone.")
                } else if digest.can_be_forged() {
                    format!("It matches this {part}, but {digest} can be forged: this does not count as verified. Ask for the SHA-256.")
                } else {
                    format!("It MATCHES this {part} (read as {digest}). This is the identity you were told of.")
                }
            }
            Self::Mismatch { digest } => {
                format!("It does NOT match (read as {digest}). Reject, unless you gave the fingerprint of another key or server.")
            }
            Self::NotAFingerprint => {
                "This is no fingerprint: 64, 40 or 32 hex digits with or without colons, or SHA256: and 43 characters.".to_owned()
            }
        }
    }
}

impl PastedFingerprint {
    /// Longer texts are read only so far.
    const LONGEST: usize = 8 * 1024;

    /// Reads every fingerprint in `text`: SHA-256, SHA-1 and MD5 in hex (any case; colons, dashes, spaces or nothing
    /// between), SHA-256 in base64 (`SHA256:…`, `sha256//…`, or bare), and public keys of OpenSSH; other words may stand around.
    pub fn parse(text: &str) -> Result<Self, NotAFingerprint> {
        let mut readings = Vec::new();
        let mut run: Vec<String> = Vec::new();
        let is_gap = |c: char| c.is_whitespace() || "=\"'`()[]<>{},;|".contains(c);
        let end = text.char_indices().map(|(at, _)| at).find(|&at| at >= Self::LONGEST).unwrap_or(text.len());
        for word in text[..end].split(is_gap).filter(|word| !word.is_empty()) {
            let (labelled, body) = without_label(word.trim_end_matches(['.', ':', '!', '?']));
            if labelled {
                hex_of(&std::mem::take(&mut run), &mut readings);
            }
            let digits = body.replace([':', '-'], "");
            if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                run.push(digits);
                continue;
            }
            hex_of(&std::mem::take(&mut run), &mut readings);
            readings.extend(base64_of(body, labelled));
        }
        hex_of(&run, &mut readings);
        readings.sort_by_key(|digest| std::cmp::Reverse(digest.length()));
        let types = ["(ED25519)", "(ED25519-SK)", "(ECDSA)", "(ECDSA-SK)", "(RSA)", "(DSA)"];
        let types = text[..end].split_whitespace().filter(|word| types.contains(word)).count();
        let by_type = types >= readings.iter().filter(|digest| matches!(digest, Digest::Sha256(_))).count();
        if readings.is_empty() { Err(NotAFingerprint) } else { Ok(Self { readings, by_type }) }
    }

    /// Compares with the identity in `evidence`; the strongest match counts.
    pub fn compare(&self, evidence: &Evidence) -> Compared {
        let key;
        let parts: Vec<(Part, &[u8])> = match &evidence.identity {
            PeerIdentity::Certificates(chain) => {
                let leaf = chain.first().map_or(&[][..], |leaf| &leaf.der);
                key = public_key_of(leaf).unwrap_or_default();
                vec![(Part::Certificate, leaf), (Part::PublicKey, key)]
            }
            PeerIdentity::HostKey(key) => vec![(Part::HostKey, &key.blob)],
        };
        let part_of = |digest: Digest| parts.iter().find(|(_, bytes)| !bytes.is_empty() && digest.is_of(bytes)).map(|&(part, _)| part);
        let is_of_another = |digest: &Digest| !digest.can_be_forged() && part_of(*digest).is_none();
        for &digest in &self.readings {
            if let Some(part) = part_of(digest) {
                let alone = self.by_type || !self.readings.iter().any(is_of_another);
                return Compared::Match { digest, part, alone };
            }
        }
        Compared::Mismatch { digest: self.readings[0] }
    }

    /// Reads `text` and compares.
    pub fn compare_text(text: &str, evidence: &Evidence) -> Compared {
        Self::parse(text).map_or(Compared::NotAFingerprint, |pasted| pasted.compare(evidence))
    }
}

/// A word without what says its kind, and whether that was there.
fn without_label(word: &str) -> (bool, &str) {
    const LABELS: [&str; 8] = ["pin-sha256:", "sha256//", "sha256:", "sha-256:", "sha1:", "sha-1:", "md5:", "fingerprint:"];
    let label = LABELS.iter().find(|label| word.get(..label.len()).is_some_and(|start| start.eq_ignore_ascii_case(label)));
    label.map_or((false, word), |label| (true, &word[label.len()..]))
}

/// Every digest in hex that `run` holds from the beginning of one word to the end of another. A number before it
/// (`2048 aa:bb:…`) is hex as well, so that every beginning is tried.
fn hex_of(run: &[String], readings: &mut Vec<Digest>) {
    const MOST_DIGITS: usize = 64;
    for from in 0..run.len() {
        let mut digits = String::new();
        for word in &run[from..] {
            if digits.len() + word.len() > MOST_DIGITS {
                break;
            }
            digits.push_str(word);
            let pairs = digits.as_bytes().chunks_exact(2).filter_map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok());
            if digits.len().is_multiple_of(2) {
                readings.extend(Digest::of_length(&pairs.collect::<Vec<_>>()));
            }
        }
    }
}

/// A digest or a whole public key in base64. Without a label only SHA-256 is taken for one: shorter ones could be words.
fn base64_of(body: &str, labelled: bool) -> Option<Digest> {
    let bytes = STANDARD_NO_PAD.decode(body).ok()?;
    if body.starts_with("AAAA") && bytes.len() > 32 {
        return Some(Digest::Key(*Fingerprint::of(&bytes).as_bytes()));
    }
    Digest::of_length(&bytes).filter(|digest| labelled || digest.length() == 32)
}

#[cfg(test)]
mod tests;
