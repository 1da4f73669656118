//! The list of certificates an authority took back (CRL, RFC 5280 section 5), written whole each time. Checks no list.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::certificate::{CRL_NUMBER, REASON, authority_key, extension};
use super::super::der::{ENUMERATED, element, explicit, integer, sequence, time};
use super::super::key::KeyError;
use super::record::Serial;
use super::signing::Authority;

/// Why a certificate was taken back (RFC 5280 section 5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Not said.
    #[default]
    Unspecified,
    /// Somebody else may have the private key.
    KeyCompromise,
    /// The owner's name or place changed.
    AffiliationChanged,
    /// There is a newer one.
    Superseded,
    /// It is not needed any more.
    CessationOfOperation,
    /// The owner may not do any more what it allows.
    PrivilegeWithdrawn,
}

impl Reason {
    fn code(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::KeyCompromise => 1,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::PrivilegeWithdrawn => 9,
        }
    }
}

/// One certificate that was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Its number.
    pub serial: Serial,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Reason,
}

impl Authority {
    /// The signed list, DER: everything taken back so far, the list's `number`, and when the next one follows at the latest.
    pub fn revocation_list(&self, revoked: &[Revoked], number: u64, now: Timestamp, next: Timestamp) -> Result<Vec<u8>, KeyError> {
        let entries: Vec<u8> = revoked.iter().flat_map(entry).collect();
        // An empty list of entries is left out, not written empty (RFC 5280 section 5.1.2.6).
        let entries = if entries.is_empty() { Vec::new() } else { sequence(&[&entries]) };
        let extensions = sequence(&[&authority_key(&self.key_identifier), &extension(CRL_NUMBER, false, &integer(&number.to_be_bytes()))]);
        self.key.signed(&sequence(&[
            &integer(&[1]),
            &self.key.signature_algorithm(),
            &self.name,
            &time(now),
            &time(next),
            &entries,
            &explicit(0, &extensions),
        ]))
    }
}

/// The list in PEM.
pub fn list_pem(der: &[u8]) -> String {
    super::super::der::pem("X509 CRL", der).to_string()
}

fn entry(revoked: &Revoked) -> Vec<u8> {
    // "Unspecified" should be left out (RFC 5280 section 5.3.1).
    let reason = match revoked.reason {
        Reason::Unspecified => Vec::new(),
        reason => sequence(&[&extension(REASON, false, &element(ENUMERATED, &[reason.code()]))]),
    };
    sequence(&[&integer(revoked.serial.bytes()), &time(revoked.at), &reason])
}
