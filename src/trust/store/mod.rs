//! Pins across connections: *Once* in memory, *Always* in a ledger file people can read. Facts only, no secrets.
//!
//! The file is read whenever it is asked, so that several running programs agree, and replaced whole, so that none sees
//! half of it. What it holds beyond what this version understands stays in it.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

use super::pins::{Pin, PinBook, Remember};
use super::private_file;
use crate::model::{Endpoint, text};

/// The pins a person set.
#[derive(Debug)]
pub struct TrustStore {
    folder: PathBuf,
    /// Pins for this run.
    once: Mutex<PinBook>,
}

/// The ledger cannot be read or written. It was left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    /// The ledger file.
    pub file: PathBuf,
    /// What is wrong, made safe to draw.
    pub reason: String,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the trust ledger {}: {}", text::display_safe(self.file.as_os_str().as_encoded_bytes()), self.reason)
    }
}

impl std::error::Error for StoreError {}

impl TrustStore {
    /// The store whose ledger is, or will be, in `folder`. Touches nothing yet; a missing file is an empty ledger.
    pub fn open(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), once: Mutex::default() }
    }

    /// The ledger file.
    pub fn file(&self) -> PathBuf {
        self.folder.join("ledger.json")
    }

    /// The pin of `endpoint`. A ledger that cannot be read trusts nobody; [`Self::list`] tells why.
    pub fn pin(&self, endpoint: &Endpoint) -> Option<Pin> {
        self.once().get(endpoint).cloned().or_else(|| match self.read() {
            Ok(ledger) => ledger.find(endpoint),
            Err(error) => {
                tracing::warn!(%error, "no pin can be read");
                None
            }
        })
    }

    /// Trusts `pin` at `endpoint` in place of what was trusted there. `Once` stays in memory.
    pub fn remember(&self, endpoint: Endpoint, pin: Pin) -> Result<(), StoreError> {
        if pin.remember == Remember::Once {
            self.once().insert(endpoint, pin);
            return Ok(());
        }
        self.change(|ledger| ledger.set(&endpoint, &pin))?;
        self.once().remove(&endpoint);
        Ok(())
    }

    /// Forgets whatever is trusted at `endpoint`; answers whether there was anything.
    pub fn forget(&self, endpoint: &Endpoint) -> Result<bool, StoreError> {
        let mut known = self.once().remove(endpoint).is_some();
        if self.read()?.find(endpoint).is_some() {
            self.change(|ledger| ledger.remove(endpoint))?;
            known = true;
        }
        Ok(known)
    }

    /// Every pin, those of this run instead of those of the ledger where both have one.
    pub fn list(&self) -> Result<PinBook, StoreError> {
        let mut all = PinBook::default();
        for (endpoint, pin) in self.read()?.rows().iter().filter_map(read_row) {
            all.insert(endpoint, pin);
        }
        for (endpoint, pin) in self.once().iter() {
            all.insert(endpoint.clone(), pin.clone());
        }
        Ok(all)
    }

    fn once(&self) -> MutexGuard<'_, PinBook> {
        self.once.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> Result<Ledger, StoreError> {
        match fs::read(self.file()) {
            Ok(bytes) => Ledger::parse(&bytes).map_err(|reason| self.error(&reason)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Ledger::default()),
            Err(error) => Err(self.error(&error.to_string())),
        }
    }

    /// Reads, changes and replaces the ledger, one program at a time.
    fn change(&self, change: impl FnOnce(&mut Ledger)) -> Result<(), StoreError> {
        private_file::create_folder(&self.folder).map_err(|error| self.error(&error.to_string()))?;
        let _lock = self.lock();
        let mut ledger = self.read()?;
        change(&mut ledger);
        let text = serde_json::to_vec_pretty(&ledger.0).map_err(|error| self.error(&error.to_string()))?;
        private_file::replace(&self.file(), &text).map_err(|error| self.error(&error.to_string()))
    }

    /// Held while the ledger is replaced. Some network file systems have no locks: there the last one wins.
    fn lock(&self) -> Option<File> {
        let file = private_file::append_to(&self.folder.join("ledger.lock")).ok()?;
        file.lock().ok()?;
        Some(file)
    }

    fn error(&self, reason: &str) -> StoreError {
        StoreError { file: self.file(), reason: text::display_safe(reason.as_bytes()) }
    }
}

/// The file's contents: `{"format": 1, "trusted": [{"host", "port", and the pin's fields}]}`.
struct Ledger(Map<String, Value>);

const FORMAT: u64 = 1;
const ROWS: &str = "trusted";

impl Default for Ledger {
    fn default() -> Self {
        Self(Map::from_iter([("format".to_owned(), FORMAT.into()), (ROWS.to_owned(), Value::Array(Vec::new()))]))
    }
}

impl Ledger {
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let ledger: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|error| format!("is damaged ({error}); repair it or move it away"))?;
        match ledger.get("format").and_then(Value::as_u64) {
            Some(FORMAT) if ledger.get(ROWS).is_some_and(Value::is_array) => Ok(Self(ledger)),
            Some(newer) if newer > FORMAT => Err(format!("was written by a newer version (format {newer})")),
            _ => Err("is damaged (no list of trusted servers in it); repair it or move it away".to_owned()),
        }
    }

    fn rows(&self) -> &[Value] {
        self.0.get(ROWS).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn find(&self, endpoint: &Endpoint) -> Option<Pin> {
        self.rows().iter().filter_map(read_row).find(|(known, _)| known == endpoint).map(|(_, pin)| pin)
    }

    fn set(&mut self, endpoint: &Endpoint, pin: &Pin) {
        self.remove(endpoint);
        if let (Ok(Value::Object(mut row)), Some(Value::Array(rows))) = (serde_json::to_value(pin), self.0.get_mut(ROWS)) {
            row.insert("host".to_owned(), endpoint.host.clone().into());
            row.insert("port".to_owned(), endpoint.port.into());
            rows.push(row.into());
        }
    }

    fn remove(&mut self, endpoint: &Endpoint) {
        if let Some(Value::Array(rows)) = self.0.get_mut(ROWS) {
            rows.retain(|row| endpoint_of(row).as_ref() != Some(endpoint));
        }
    }
}

/// `None`: a row of a later version, or damaged. It trusts nobody, and stays.
fn read_row(row: &Value) -> Option<(Endpoint, Pin)> {
    Some((endpoint_of(row)?, serde_json::from_value(row.clone()).ok()?))
}

fn endpoint_of(row: &Value) -> Option<Endpoint> {
    let port = row.get("port")?.as_u64()?.try_into().ok()?;
    Some(Endpoint::new(row.get("host")?.as_str()?, port))
}

#[cfg(test)]
mod tests;
