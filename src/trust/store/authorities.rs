//! Certificate authorities of the person's own: kept like pins, and counted as roots beside the system's.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Kept, Standing, StoreError, TrustStore, both, item, removed};
use crate::trust::{Certificate, Fingerprint, Verified};

/// An authority a person trusts to vouch for FTPS servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authority {
    /// Its certificate.
    pub certificate: Certificate,
    /// When it was trusted, UTC.
    pub since: Timestamp,
    /// How the person knew it was the right one.
    #[serde(default)]
    pub verified: Verified,
}

impl Authority {
    /// SHA-256 of its certificate.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.certificate.der)
    }
}

impl TrustStore {
    /// The authorities that count: those of the ledger file that the keyring, where there is one, confirms.
    pub fn authorities(&self) -> Result<Vec<Authority>, StoreError> {
        let counts = |authority: &Authority| !matches!(item::standing_of_authority(&self.keyring, authority), Standing::Denied(_));
        Ok(self.read()?.authorities().filter(counts).collect())
    }

    /// Trusts an authority.
    pub fn add_authority(&self, authority: &Authority) -> Result<Kept, StoreError> {
        let in_keyring = self.keyring.set(&item::name_of_authority(&authority.fingerprint()), &item::of_authority(authority));
        both(in_keyring, self.change(|ledger| ledger.set_authority(authority)))
    }

    /// Trusts an authority no longer; `None` if it was not trusted.
    pub fn forget_authority(&self, fingerprint: &Fingerprint) -> Result<Option<Kept>, StoreError> {
        let known = self.read()?.authorities().any(|authority| authority.fingerprint() == *fingerprint);
        if known {
            self.change(|ledger| ledger.remove_authority(fingerprint))?;
        }
        let gone = self.keyring.delete(&item::name_of_authority(fingerprint));
        Ok(known.then(|| removed(gone)))
    }
}
