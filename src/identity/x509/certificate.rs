//! Assembles certificates (RFC 5280 section 4.1) part by part, so that a subject keeps its bytes. Judges nothing.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::der::{OCTET_STRING, boolean, element, explicit, implicit, integer, named_bits, oid, sequence, time};
use super::key::{KeyError, PrivateKey};
use crate::trust::signature::PublicKey;

/// Clocks of two machines differ; a certificate that begins now would not be valid yet on the other one.
const BACKDATED: SignedDuration = SignedDuration::from_mins(5);

/// What a certificate's owner may do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Usage {
    /// Show it to servers.
    #[default]
    Client,
    /// Show it to clients.
    Server,
    /// Both.
    Both,
}

impl Usage {
    /// The extended key usages, as their last arc (1.3.6.1.5.5.7.3.x).
    fn purposes(self) -> &'static [u32] {
        match self {
            Self::Client => &[2],
            Self::Server => &[1],
            Self::Both => &[1, 2],
        }
    }
}

/// When it is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    from: Timestamp,
    until: Timestamp,
}

impl Validity {
    /// From five minutes before `now`, so that a clock that is behind takes it, too.
    pub(super) fn from_now(now: Timestamp, until: Timestamp) -> Self {
        let whole = |time: Timestamp| Timestamp::from_second(time.as_second()).unwrap_or(time);
        Self { from: whole(now.checked_sub(BACKDATED).unwrap_or(now)), until: whole(until) }
    }
}

/// A certificate that is not signed yet. Names are the DER of a Name, byte for byte.
pub(super) struct Unsigned<'a> {
    pub(super) serial: [u8; 20],
    pub(super) issuer: &'a [u8],
    pub(super) validity: Validity,
    pub(super) subject: &'a [u8],
    pub(super) spki: &'a [u8],
    pub(super) extensions: Vec<Vec<u8>>,
}

impl Unsigned<'_> {
    /// The certificate, signed with the issuer's key.
    pub(super) fn sign(&self, issuer: &PrivateKey) -> Result<Vec<u8>, KeyError> {
        issuer.signed(&sequence(&[
            &explicit(0, &integer(&[2])),
            &integer(&self.serial),
            &issuer.signature_algorithm(),
            self.issuer,
            &sequence(&[&time(self.validity.from), &time(self.validity.until)]),
            self.subject,
            self.spki,
            &explicit(3, &sequence(&[&self.extensions.concat()])),
        ]))
    }
}

/// A serial number: 20 bytes at random, the first bits so that it is positive and has its whole length.
pub(super) fn serial() -> Result<[u8; 20], KeyError> {
    let mut serial = [0; 20];
    getrandom::fill(&mut serial).map_err(|error| KeyError::Failed(error.to_string()))?;
    serial[0] = serial[0] & 0x3f | 0x40;
    Ok(serial)
}

/// Extension OIDs: the arcs below 2.5.29.
pub(super) const SUBJECT_KEY: u32 = 14;
pub(super) const KEY_USAGE: u32 = 15;
pub(super) const ALTERNATIVE_NAMES: u32 = 17;
pub(super) const BASIC_CONSTRAINTS: u32 = 19;
pub(super) const CRL_NUMBER: u32 = 20;
pub(super) const REASON: u32 = 21;
pub(super) const AUTHORITY_KEY: u32 = 35;
pub(super) const EXTENDED_KEY_USAGE: u32 = 37;

/// One extension.
pub(super) fn extension(arc: u32, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag = if critical { boolean(true) } else { Vec::new() };
    sequence(&[&oid(&[2, 5, 29, arc]), &flag, &element(OCTET_STRING, value)])
}

/// What makes a certificate one of a client or server, and no authority.
pub(super) fn end_entity(usage: Usage, spki: &[u8]) -> Vec<Vec<u8>> {
    let purposes: Vec<u8> = usage.purposes().iter().flat_map(|purpose| oid(&[1, 3, 6, 1, 5, 5, 7, 3, *purpose])).collect();
    vec![
        extension(BASIC_CONSTRAINTS, true, &sequence(&[])),
        extension(KEY_USAGE, true, &named_bits(&[0])),
        extension(EXTENDED_KEY_USAGE, false, &sequence(&[&purposes])),
        extension(SUBJECT_KEY, false, &element(OCTET_STRING, &key_identifier(spki))),
    ]
}

/// What makes a certificate one of an authority that signs no other authorities.
pub(super) fn authority(spki: &[u8]) -> Vec<Vec<u8>> {
    vec![
        extension(BASIC_CONSTRAINTS, true, &sequence(&[&boolean(true), &integer(&[0])])),
        extension(KEY_USAGE, true, &named_bits(&[5, 6])),
        extension(SUBJECT_KEY, false, &element(OCTET_STRING, &key_identifier(spki))),
    ]
}

/// The extension that names the issuer's key.
pub(super) fn authority_key(identifier: &[u8]) -> Vec<u8> {
    extension(AUTHORITY_KEY, false, &sequence(&[&implicit(0, identifier)]))
}

/// RFC 7093 section 2, method 1: 160 bits of the SHA-256 of the key's bits.
pub(super) fn key_identifier(spki: &[u8]) -> Vec<u8> {
    let bits = PublicKey::read(spki).map_or(spki, |key| key.bits);
    Sha256::digest(bits)[..20].to_vec()
}
