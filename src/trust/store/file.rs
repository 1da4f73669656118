//! The ledger file's contents, as text and back. Pure; what this version does not understand stays where it is.
//!
//! `{"format": 1, "trusted": [{"host", "port", and the pin's fields}], "authorities": […], "host_key_notes": […]}`

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::Authority;
use crate::model::{Endpoint, text};
use crate::trust::ledger::HostKeyNote;
use crate::trust::{Fingerprint, Pin};

/// The file's contents.
pub(super) struct LedgerFile(Map<String, Value>);

const FORMAT: u64 = 1;
const PINS: &str = "trusted";
const AUTHORITIES: &str = "authorities";
const NOTES: &str = "host_key_notes";

/// Something with an endpoint, as a flat object.
#[derive(Serialize, Deserialize)]
pub(super) struct At<T> {
    #[serde(deserialize_with = "host")]
    host: String,
    port: u16,
    #[serde(flatten)]
    pub(super) what: T,
}

impl<T> At<T> {
    pub(super) fn new(endpoint: &Endpoint, what: T) -> Self {
        Self { host: endpoint.host.clone(), port: endpoint.port, what }
    }

    pub(super) fn endpoint(&self) -> Endpoint {
        Endpoint::new(&self.host, self.port)
    }
}

impl Default for LedgerFile {
    fn default() -> Self {
        Self(Map::from_iter([("format".to_owned(), FORMAT.into()), (PINS.to_owned(), Value::Array(Vec::new()))]))
    }
}

impl LedgerFile {
    /// Errors in words, naming what to do.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let ledger: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|error| format!("is damaged ({error}); repair it or move it away"))?;
        match ledger.get("format").and_then(Value::as_u64) {
            Some(FORMAT) if ledger.get(PINS).is_some_and(Value::is_array) => Ok(Self(ledger)),
            Some(newer) if newer > FORMAT => Err(format!("was written by a newer version (format {newer})")),
            _ => Err("is damaged (no list of trusted servers in it); repair it or move it away".to_owned()),
        }
    }

    /// A file of these rows.
    pub(super) fn of(pins: &[(Endpoint, Pin)], authorities: &[Authority], host_keys: Vec<Value>) -> Self {
        let mut ledger = Self::default();
        for (endpoint, pin) in pins {
            ledger.set_pin(endpoint, pin);
        }
        for authority in authorities {
            ledger.set_authority(authority);
        }
        ledger.0.insert("host_keys".to_owned(), Value::Array(host_keys));
        ledger
    }

    pub(super) fn to_text(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&self.0)
    }

    pub(super) fn pins(&self) -> impl Iterator<Item = (Endpoint, Pin)> {
        read::<At<Pin>>(self.rows(PINS)).map(|row| (row.endpoint(), with_its_own_leaf(row.what)))
    }

    /// Rows that are no pins, or none this version can read.
    pub(super) fn left_out(&self) -> usize {
        let all: usize = self.0.values().filter_map(Value::as_array).map(Vec::len).sum();
        all - self.pins().count()
    }

    /// An error where a row names `endpoint` and cannot be read: whom it trusts there, nobody knows.
    pub(super) fn pin(&self, endpoint: &Endpoint) -> Result<Option<Pin>, String> {
        let named = |row: &&Value| endpoint_of(row).as_ref() == Some(endpoint);
        if self.rows(PINS).iter().filter(named).any(|row| serde_json::from_value::<At<Pin>>(row.clone()).is_err()) {
            return Err(format!(
                "what it says of {endpoint} cannot be read (a newer version wrote it, or it is damaged); \
                 trust anew whom you mean: sealift trust add HOST:PORT FINGERPRINT"
            ));
        }
        Ok(self.pins().find(|(known, _)| known == endpoint).map(|(_, pin)| pin))
    }

    pub(super) fn set_pin(&mut self, endpoint: &Endpoint, pin: &Pin) {
        self.remove_pin(endpoint);
        self.push(PINS, &At::new(endpoint, pin));
    }

    pub(super) fn remove_pin(&mut self, endpoint: &Endpoint) {
        self.retain(PINS, |row| endpoint_of(row).as_ref() != Some(endpoint));
    }

    pub(super) fn authorities(&self) -> impl Iterator<Item = Authority> {
        read(self.rows(AUTHORITIES))
    }

    pub(super) fn set_authority(&mut self, authority: &Authority) {
        self.remove_authority(&authority.fingerprint());
        self.push(AUTHORITIES, authority);
    }

    pub(super) fn remove_authority(&mut self, fingerprint: &Fingerprint) {
        let is_other = |row: &Value| serde_json::from_value::<Authority>(row.clone()).map_or(true, |row| row.fingerprint() != *fingerprint);
        self.retain(AUTHORITIES, is_other);
    }

    pub(super) fn notes(&self) -> impl Iterator<Item = HostKeyNote> {
        read::<At<HostKeyNote>>(self.rows(NOTES)).map(|row| HostKeyNote { endpoint: row.endpoint(), ..row.what })
    }

    pub(super) fn set_note(&mut self, note: &HostKeyNote) {
        self.remove_note(&note.endpoint, &note.fingerprint);
        self.push(NOTES, &At::new(&note.endpoint, note));
    }

    pub(super) fn remove_note(&mut self, endpoint: &Endpoint, key: &Fingerprint) {
        let print = key.to_string();
        self.retain(NOTES, |row| endpoint_of(row).as_ref() != Some(endpoint) || row.get("fingerprint") != Some(&print.as_str().into()));
    }

    fn rows(&self, list: &str) -> &[Value] {
        self.0.get(list).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn push(&mut self, list: &str, row: &impl Serialize) {
        if let (Ok(row), Some(rows)) = (serde_json::to_value(row), self.list(list)) {
            rows.push(row);
        }
    }

    fn retain(&mut self, list: &str, keep: impl FnMut(&Value) -> bool) {
        if self.0.contains_key(list)
            && let Some(rows) = self.list(list)
        {
            rows.retain(keep);
        }
    }

    fn list(&mut self, list: &str) -> Option<&mut Vec<Value>> {
        self.0.entry(list).or_insert_with(|| Value::Array(Vec::new())).as_array_mut()
    }
}

/// A host that can be drawn as it stands; no other is in any URL.
fn host<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let host = String::deserialize(deserializer)?;
    let is_host = !host.is_empty() && !host.contains(char::is_whitespace) && text::display_safe(host.as_bytes()) == host;
    if is_host { Ok(host) } else { Err(serde::de::Error::custom("this is no host")) }
}

/// A certificate that is not the trusted one is not shown as if it were.
fn with_its_own_leaf(pin: Pin) -> Pin {
    let leaf = pin.leaf.filter(|leaf| Fingerprint::of(&leaf.der) == pin.certificate);
    Pin { leaf, ..pin }
}

/// Rows that can be read; the others are of a later version, or damaged.
fn read<T: DeserializeOwned>(rows: &[Value]) -> impl Iterator<Item = T> {
    rows.iter().filter_map(|row| serde_json::from_value(row.clone()).ok())
}

fn endpoint_of(row: &Value) -> Option<Endpoint> {
    let port = row.get("port")?.as_u64()?.try_into().ok()?;
    Some(Endpoint::new(row.get("host")?.as_str()?, port))
}
