//! What a file's content comes to: the digests that servers tell, and the same made here from bytes.

use std::fmt;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

/// How a digest is made, weakest first. All tell a damaged file from a whole one; none here guards against forgery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DigestAlgorithm {
    /// The CRC of ZIP and Ethernet (ISO 3309), 4 bytes, the most significant first.
    Crc32,
    /// RFC 1321.
    Md5,
    /// FIPS 180-4.
    Sha1,
    /// FIPS 180-4.
    Sha256,
    /// FIPS 180-4.
    Sha512,
}

impl DigestAlgorithm {
    /// All of them, the strongest first.
    pub const STRONGEST_FIRST: [Self; 5] = [Self::Sha512, Self::Sha256, Self::Sha1, Self::Md5, Self::Crc32];

    /// What it is called in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC-32",
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
        }
    }

    /// Length of its digests in bytes.
    pub fn length(self) -> usize {
        match self {
            Self::Crc32 => 4,
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// The digest of a whole file.
#[derive(Clone, PartialEq, Eq)]
pub struct Digest {
    /// How it was made.
    pub algorithm: DigestAlgorithm,
    bytes: Box<[u8]>,
}

impl Digest {
    /// A digest from its bytes; `None` where their number is not that of the algorithm.
    pub fn new(algorithm: DigestAlgorithm, bytes: &[u8]) -> Option<Self> {
        (bytes.len() == algorithm.length()).then(|| Self { algorithm, bytes: bytes.into() })
    }

    /// A digest from hexadecimal digits as servers write them, in either case.
    pub fn from_hex(algorithm: DigestAlgorithm, digits: &str) -> Option<Self> {
        if digits.len() != algorithm.length() * 2 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let pairs = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16));
        pairs.collect::<Result<Vec<u8>, _>>().ok().and_then(|bytes| Self::new(algorithm, &bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {self}", self.algorithm.name())
    }
}

/// Makes a digest from bytes as they come. What it does is work: off the event loop for more than a few pieces.
pub struct Hasher(State);

enum State {
    Crc32(crc32fast::Hasher),
    Md5(Md5),
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Box<Sha512>),
}

impl Hasher {
    /// Begins.
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        Self(match algorithm {
            DigestAlgorithm::Crc32 => State::Crc32(crc32fast::Hasher::new()),
            DigestAlgorithm::Md5 => State::Md5(Md5::new()),
            DigestAlgorithm::Sha1 => State::Sha1(Sha1::new()),
            DigestAlgorithm::Sha256 => State::Sha256(Sha256::new()),
            DigestAlgorithm::Sha512 => State::Sha512(Box::default()),
        })
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Crc32(hasher) => hasher.update(bytes),
            State::Md5(hasher) => hasher.update(bytes),
            State::Sha1(hasher) => hasher.update(bytes),
            State::Sha256(hasher) => hasher.update(bytes),
            State::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// Ends.
    pub fn finish(self) -> Digest {
        let (algorithm, bytes): (_, Box<[u8]>) = match self.0 {
            State::Crc32(hasher) => (DigestAlgorithm::Crc32, hasher.finalize().to_be_bytes().into()),
            State::Md5(hasher) => (DigestAlgorithm::Md5, hasher.finalize().as_slice().into()),
            State::Sha1(hasher) => (DigestAlgorithm::Sha1, hasher.finalize().as_slice().into()),
            State::Sha256(hasher) => (DigestAlgorithm::Sha256, hasher.finalize().as_slice().into()),
            State::Sha512(hasher) => (DigestAlgorithm::Sha512, hasher.finalize().as_slice().into()),
        };
        Digest { algorithm, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_of_the_standards_own_example() {
        for (algorithm, expected) in [
            (DigestAlgorithm::Crc32, "352441c2"),
            (DigestAlgorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (DigestAlgorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (DigestAlgorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(b"a");
            hasher.update(b"bc");
            let digest = hasher.finish();
            assert_eq!(digest.to_string(), expected);
            assert_eq!(Digest::from_hex(algorithm, &expected.to_uppercase()), Some(digest));
        }
        let digest = Hasher::new(DigestAlgorithm::Sha512).finish();
        assert!(digest.to_string().starts_with("cf83e1357eefb8bd"), "{digest}");
    }

    #[test]
    fn what_is_no_digest_is_none() {
        for digits in ["", "352441c", "352441c22", "352441cx", "+52441c2", "ä52441c"] {
            assert_eq!(Digest::from_hex(DigestAlgorithm::Crc32, digits), None, "{digits}");
        }
    }
}
