//! Everything a person trusts, for a face to list and change: pins, authorities and known_hosts in one. Draws nothing,
//! asks nothing.

use std::sync::Arc;
use std::time::Duration;

use super::services::{HostKeyFiles, Services};
use crate::model::Endpoint;
use crate::secrets::KeyringError;
use crate::trust::known_hosts::{self, KnownHosts, Place, RemoveError};
use crate::trust::ledger::{Row, Subject};
use crate::trust::store::{Authority, Imported, Kept, StoreError, TrustStore};
use crate::trust::{Fingerprint, Pin};

/// How long the ledger may be waited for: another program holds its lock, or a person is to unlock the keyring.
const LIMIT: Duration = Duration::from_secs(45);

/// The trust ledger. A clone is the same one.
#[derive(Debug, Clone)]
pub struct Ledger {
    trust: Arc<TrustStore>,
    host_keys: Arc<HostKeyFiles>,
}

/// What to look for in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// Whatever is about this endpoint, host keys of any notation among it.
    Endpoint(Endpoint),
    /// Whatever has this fingerprint.
    Fingerprint(Fingerprint),
}

/// A row could not be removed; everything is as it was.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The ledger file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The line of known_hosts is for several hosts, which would all be forgotten: ask the person, then remove it whole.
    #[error("{place} is for several hosts ({hosts}), and all of them would be forgotten")]
    SeveralHosts {
        /// Where the line stands.
        place: Place,
        /// For whom it is, safe to draw.
        hosts: String,
    },
    /// It is not there any more, or no longer what the row said.
    #[error("the entry for {whom} is not there any more; list the ledger again")]
    Gone {
        /// Whom the row was about, safe to draw.
        whom: String,
    },
    /// A known_hosts file cannot be changed.
    #[error("{place} cannot be removed: {why}")]
    File {
        /// Where the line stands.
        place: Place,
        /// Why.
        why: String,
    },
}

impl Ledger {
    /// The ledger these services decide by.
    pub fn new(services: &Services) -> Self {
        Self { trust: services.trust.clone(), host_keys: services.host_keys.clone() }
    }

    /// Every row: pins, also those of this run, authorities, and the lines of known_hosts.
    pub async fn rows(&self) -> Result<Vec<Row>, StoreError> {
        let host_keys = self.host_keys.clone();
        in_the_store(&self.trust, move |store| {
            let (mut rows, notes) = (store.rows()?, store.notes()?);
            rows.extend(KnownHosts::load(&host_keys.read).listed().map(|line| Row::of_line(line, &notes)));
            Ok(rows)
        })
        .await
    }

    /// The rows about what is sought.
    pub async fn find(&self, sought: Sought) -> Result<Vec<Row>, StoreError> {
        let host_keys = self.host_keys.clone();
        in_the_store(&self.trust, move |store| {
            let is_meant = |row: &Row| match &sought {
                Sought::Fingerprint(fingerprint) => row.fingerprint == *fingerprint,
                Sought::Endpoint(endpoint) => row.subject == Subject::Certificate(endpoint.clone()),
            };
            let (mut rows, notes) = (store.rows()?, store.notes()?);
            rows.retain(is_meant);
            for line in KnownHosts::load(&host_keys.read).listed() {
                let covers = matches!(&sought, Sought::Endpoint(endpoint) if line.covers(endpoint));
                let row = Row::of_line(line, &notes);
                if covers || is_meant(&row) {
                    rows.push(row);
                }
            }
            Ok(rows)
        })
        .await
    }

    /// Whether there is a keyring that confirms rows; if not, why.
    pub async fn keyring(&self) -> Result<(), KeyringError> {
        let checked = in_the_store(&self.trust, |store| Ok(store.keyring())).await;
        checked.unwrap_or_else(|error| Err(KeyringError::Failed(error.reason)))
    }

    /// Takes a row out. A line of known_hosts for several hosts only as a `whole_line`.
    pub async fn remove(&self, row: &Row, whole_line: bool) -> Result<Kept, LedgerError> {
        let row = row.clone();
        in_the_store(&self.trust, move |store| Ok(remove(store, &row, whole_line))).await?
    }

    /// Trusts `pin` at `endpoint` in place of what was trusted there.
    pub async fn accept(&self, endpoint: Endpoint, pin: Pin) -> Result<Kept, StoreError> {
        in_the_store(&self.trust, move |store| store.remember(endpoint, pin)).await
    }

    /// Trusts an authority to vouch for FTPS servers, from the next connection on.
    pub async fn accept_authority(&self, authority: Authority) -> Result<Kept, StoreError> {
        in_the_store(&self.trust, move |store| store.add_authority(&authority)).await
    }

    /// All decisions that hold beyond this run, and the known host keys, as JSON: public facts only.
    pub async fn export(&self) -> Result<String, StoreError> {
        let host_keys = self.host_keys.clone();
        in_the_store(&self.trust, move |store| {
            let notes = store.notes()?;
            store.export(KnownHosts::load(&host_keys.read).listed().map(|line| Row::of_line(line, &notes).to_json()).collect())
        })
        .await
    }

    /// Trusts the pins of an exported ledger that nothing contradicts, as *imported*.
    pub async fn import(&self, exported: &str) -> Result<Imported, StoreError> {
        let exported = exported.to_owned();
        in_the_store(&self.trust, move |store| store.import(&exported)).await
    }
}

fn remove(store: &TrustStore, row: &Row, whole_line: bool) -> Result<Kept, LedgerError> {
    let gone = || LedgerError::Gone { whom: row.whom.clone() };
    let place = match &row.subject {
        Subject::Certificate(endpoint) => return store.forget(endpoint)?.ok_or_else(gone),
        Subject::Authority(fingerprint) => return store.forget_authority(fingerprint)?.ok_or_else(gone),
        Subject::HostKey(place, _) | Subject::HostAuthority(place, _) | Subject::RevokedHostKey(place, _) => place,
    };
    let line = KnownHosts::load(std::slice::from_ref(&place.file)).listed().find(|line| line.place == *place).ok_or_else(gone)?;
    known_hosts::remove_line(place, &row.fingerprint, whole_line).map_err(|error| match error {
        RemoveError::Changed => gone(),
        RemoveError::SeveralHosts(hosts) => LedgerError::SeveralHosts { place: place.clone(), hosts },
        RemoveError::File(error) => LedgerError::File { place: place.clone(), why: error.to_string() },
    })?;
    let noted = store.forget_notes(|note| note.fingerprint == row.fingerprint && line.covers(&note.endpoint));
    Ok(Kept { remark: noted.err().map(|error| format!("what was noted about it stays: {error}")) })
}

/// Calls the store off the runtime's threads, within a limit.
pub(super) async fn in_the_store<T: Send + 'static>(
    store: &Arc<TrustStore>,
    call: impl FnOnce(&TrustStore) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (file, store) = (store.file(), store.clone());
    let failed = |reason: String| StoreError { file, reason };
    match tokio::time::timeout(LIMIT, tokio::task::spawn_blocking(move || call(&store))).await {
        Ok(Ok(done)) => done,
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed(format!("was not free within {} seconds; does another program hold it?", LIMIT.as_secs()))),
    }
}
