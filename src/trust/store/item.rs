//! What the keyring holds of a decision, and whether it says the same as the ledger file.

use serde_json::Value;

use super::Authority;
use super::file::At;
use crate::model::Endpoint;
use crate::secrets::{Keyring, KeyringError};
use crate::trust::{Fingerprint, Pin, Remember};

/// What the keyring says of a row of the ledger file.
pub(super) enum Standing<T> {
    /// The same.
    Confirmed,
    /// Something else (as far as it can be read), or nothing although it could.
    Denied(Option<T>),
    /// Nothing can be asked.
    NoKeyring(KeyringError),
}

/// The name of the item of `endpoint`.
pub(super) fn name_of_pin(endpoint: &Endpoint) -> String {
    format!("pin {endpoint}")
}

/// Everything that was decided. Not what is only remembered for comparison (some keyrings hold 2.5 KiB at the most), and
/// not what changes by itself.
fn essence(pin: &Pin) -> Pin {
    Pin { leaf: None, last_seen: None, remember: Remember::Always, ..pin.clone() }
}

/// The contents of the item of `endpoint`. The endpoint is among them, so that no item stands for another.
pub(super) fn of_pin(endpoint: &Endpoint, pin: &Pin) -> Vec<u8> {
    serde_json::to_vec(&At::new(endpoint, essence(pin))).unwrap_or_default()
}

/// What the keyring says of what the ledger file says, which may be nothing.
pub(super) fn standing_of_pin(keyring: &Keyring, endpoint: &Endpoint, row: Option<&Pin>) -> Standing<Pin> {
    match keyring.get(&name_of_pin(endpoint)) {
        Ok(Some(held)) => {
            let held = serde_json::from_slice::<At<Pin>>(&held).ok().filter(|held| held.endpoint() == *endpoint);
            match (held, row) {
                (Some(held), Some(row)) if held.what == essence(row) => Standing::Confirmed,
                (held, _) => Standing::Denied(held.map(|held| held.what)),
            }
        }
        Ok(None) => nothing(keyring, row.is_some()),
        Err(error) => Standing::NoKeyring(error),
    }
}

/// The name of the item of an authority.
pub(super) fn name_of_authority(authority: &Fingerprint) -> String {
    format!("authority {authority}")
}

/// What the item of an authority holds.
pub(super) fn of_authority(authority: &Authority) -> Vec<u8> {
    let mut value = serde_json::to_value(authority).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        // Its fingerprint, which the name says, stands for it.
        fields.remove("certificate");
        fields.insert("authority".to_owned(), authority.fingerprint().to_string().into());
    }
    value.to_string().into_bytes()
}

/// What the keyring says of an authority of the ledger file.
pub(super) fn standing_of_authority(keyring: &Keyring, row: &Authority) -> Standing<()> {
    match keyring.get(&name_of_authority(&row.fingerprint())) {
        Ok(Some(held)) if **held == *of_authority(row) => Standing::Confirmed,
        Ok(Some(_)) => Standing::Denied(None),
        Ok(None) => nothing(keyring, true),
        Err(error) => Standing::NoKeyring(error),
    }
}

/// An item that is not there denies a row only where the keyring would have it: one that is locked, or has no place for
/// items, was never told.
fn nothing<T>(keyring: &Keyring, is_wanted: bool) -> Standing<T> {
    match if is_wanted { keyring.check() } else { Ok(()) } {
        Ok(()) => Standing::Denied(None),
        Err(error) => Standing::NoKeyring(error),
    }
}
