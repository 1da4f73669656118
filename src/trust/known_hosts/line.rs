//! One line of a known_hosts file: marker, host patterns, key. Pure.

use std::fmt;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use rustls::crypto::aws_lc_rs;
use sha1::Sha1;

/// A line that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub marker: Option<Marker>,
    pub hosts: Hosts,
    /// The key's type, which its blob says too.
    pub algorithm: String,
    pub blob: Box<[u8]>,
}

/// What a line beginning with `@` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// `@revoked`
    Revoked,
    /// `@cert-authority`
    CertAuthority,
}

/// For whom a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hosts {
    /// `|1|salt|hash`: HMAC-SHA-1 of the name.
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
    /// Comma-separated patterns, in lower case.
    Patterns(String),
}

/// What a line turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Parsed {
    Line(Line),
    /// Empty, or a comment.
    Nothing,
    Junk,
}

impl Line {
    pub(super) fn parse(bytes: &[u8]) -> Parsed {
        let bytes = bytes.trim_ascii();
        if bytes.is_empty() || bytes.starts_with(b"#") {
            return Parsed::Nothing;
        }
        Self::read(bytes).map_or(Parsed::Junk, Parsed::Line)
    }

    /// The comment behind the key may be in any encoding; ssh does not look at it either.
    fn read(bytes: &[u8]) -> Option<Self> {
        let fields = bytes.split(|byte| matches!(byte, b' ' | b'\t')).filter(|field| !field.is_empty());
        let mut fields = fields.map_while(|field| str::from_utf8(field).ok()).peekable();
        let marker = match *fields.peek()? {
            "@revoked" => Some(Marker::Revoked),
            "@cert-authority" => Some(Marker::CertAuthority),
            other if other.starts_with('@') => return None,
            _ => None,
        };
        if marker.is_some() {
            fields.next();
        }
        let hosts = Hosts::read(fields.next()?)?;
        let (algorithm, blob) = key(&mut fields)?;
        Some(Self { marker, hosts, algorithm, blob })
    }
}

/// A key's type and its blob, which says the type too.
pub(super) fn key<'a>(fields: &mut impl Iterator<Item = &'a str>) -> Option<(String, Box<[u8]>)> {
    let algorithm = fields.next()?;
    let blob = STANDARD.decode(fields.next()?).ok()?;
    (key_type(&blob)? == algorithm.as_bytes()).then(|| (algorithm.to_owned(), blob.into()))
}

impl Hosts {
    fn read(field: &str) -> Option<Self> {
        let Some(hashed) = field.strip_prefix('|') else { return Some(Self::Patterns(field.to_ascii_lowercase())) };
        let (salt, hash) = hashed.strip_prefix("1|")?.split_once('|')?;
        Some(Self::Hashed { salt: STANDARD.decode(salt).ok()?, hash: STANDARD.decode(hash).ok()? })
    }

    /// Hides `name`, with a fresh salt.
    pub(super) fn hash(name: &str) -> io::Result<Self> {
        let mut salt = vec![0; 20];
        aws_lc_rs::default_provider().secure_random.fill(&mut salt).map_err(|_| io::Error::other("no random numbers"))?;
        let hash = hmac_of(&salt, name).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self::Hashed { salt, hash })
    }

    /// Whether `name` (lower case, `[host]:port` if the port is not 22) is meant. A negated pattern that fits wins.
    pub(super) fn cover(&self, name: &str) -> bool {
        match self {
            Self::Hashed { salt, hash } => hmac_of(salt, name).is_some_and(|expected| expected == *hash),
            Self::Patterns(patterns) => {
                let mut fits = false;
                for pattern in patterns.split(',') {
                    match pattern.strip_prefix('!') {
                        Some(negated) if matches(negated.as_bytes(), name.as_bytes()) => return false,
                        Some(_) => {}
                        None => fits |= matches(pattern.as_bytes(), name.as_bytes()),
                    }
                }
                fits
            }
        }
    }
}

/// As it stands in the file.
impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hashed { salt, hash } => write!(f, "|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(hash)),
            Self::Patterns(patterns) => f.write_str(patterns),
        }
    }
}

fn hmac_of(salt: &[u8], name: &str) -> Option<Vec<u8>> {
    let hmac = Hmac::<Sha1>::new_from_slice(salt).ok()?;
    Some(hmac.chain_update(name).finalize().into_bytes().to_vec())
}

/// `*` stands for any characters, `?` for one. Time grows with the product of the lengths at most.
pub(super) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut in_name) = (0, 0);
    // Where the last star was, and up to where of the name it stands for.
    let mut star = None;
    while in_name < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, in_name));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == name[in_name] => {
                at += 1;
                in_name += 1;
            }
            _ => {
                let Some((starred, stands_to)) = star else { return false };
                star = Some((starred, stands_to + 1));
                (at, in_name) = (starred + 1, stands_to + 1);
            }
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

/// The type a public key blob begins with (RFC 4253 section 6.6).
pub(super) fn key_type(blob: &[u8]) -> Option<&[u8]> {
    let (length, rest) = blob.split_first_chunk::<4>()?;
    let kind = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    (!kind.is_empty() && kind.iter().all(u8::is_ascii_graphic)).then_some(kind)
}
