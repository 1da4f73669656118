//! Reads the binary notation of SSH (RFC 4251 section 5): strings, numbers, key blobs. Checks no signature.

use super::certificate::KeyFacts;

/// What is left of a blob to be read. Every read answers `None` where it ends too early.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Blob<'a>(pub(crate) &'a [u8]);

impl<'a> Blob<'a> {
    pub(crate) fn number(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*bytes))
    }

    pub(crate) fn long(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*bytes))
    }

    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.number()? as usize;
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }

    /// All strings to its end; `None` if one is cut off.
    pub(crate) fn strings(mut self) -> Option<Vec<&'a [u8]>> {
        let mut all = Vec::new();
        while !self.0.is_empty() {
            all.push(self.string()?);
        }
        Some(all)
    }
}

/// What kind of key a blob is and how strong; `None` if it cannot be read.
pub(crate) fn key_facts(blob: &[u8]) -> Option<KeyFacts> {
    let mut rest = Blob(blob);
    let algorithm = str::from_utf8(rest.string()?).ok()?;
    let (name, bits, curve) = match algorithm {
        "ssh-rsa" => {
            rest.string()?;
            ("RSA", Some(bit_length(rest.string()?)), None)
        }
        "ssh-dss" => ("DSA", Some(bit_length(rest.string()?)), None),
        "ssh-ed25519" | "sk-ssh-ed25519@openssh.com" => ("Ed25519", None, None),
        _ if algorithm.starts_with("ecdsa-sha2-") || algorithm.starts_with("sk-ecdsa-sha2-") => {
            let curve = match rest.string()? {
                b"nistp256" => ("P-256", 256),
                b"nistp384" => ("P-384", 384),
                b"nistp521" => ("P-521", 521),
                _ => return None,
            };
            ("ECDSA", Some(curve.1), Some(curve.0.to_owned()))
        }
        _ => return None,
    };
    let strength = match (name, bits) {
        ("DSA", _) | ("RSA", Some(..2048)) => "too weak",
        ("RSA", Some(..3072)) => "good enough until about 2030",
        _ => "strong",
    };
    Some(KeyFacts { algorithm: name.to_owned(), bits, curve, strength })
}

fn bit_length(number: &[u8]) -> usize {
    let digits = &number[number.iter().take_while(|&&byte| byte == 0).count()..];
    digits.first().map_or(0, |first| digits.len() * 8 - first.leading_zeros() as usize)
}
