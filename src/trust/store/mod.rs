//! Decisions across connections: *Once* in memory, *Always* in a ledger file people can read and, where there is one, in
//! the operating system's keyring. Facts only, no secrets. Everything here blocks.
//!
//! The file is read whenever it is asked, so that several running programs agree, and replaced whole, so that none sees
//! half of it. Where a keyring can be used, a row counts only if an item there says the same; where none can, because
//! there is none or it is locked, the file serves alone.

mod authorities;
mod file;
mod item;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::fingerprint::Fingerprint;
use super::ledger::{Confirmation, HostKeyNote, Row};
use super::pins::{Pin, PinBook, Remember, Verified};
use super::private_file;
use crate::model::{Endpoint, text};
use crate::secrets::{Keyring, KeyringError};
use file::LedgerFile;
use item::Standing;

pub use authorities::Authority;

/// That a peer was seen is written down no more often.
const SEEN_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// The decisions of a person.
#[derive(Debug)]
pub struct TrustStore {
    folder: PathBuf,
    keyring: Keyring,
    /// Pins for this run.
    once: Mutex<PinBook>,
    /// That the keyring confirms nothing was said in this run.
    told: AtomicBool,
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

/// Where a change was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// What did not work as it should, in a sentence that begins small; safe to draw. The change itself was kept.
    pub remark: Option<String>,
}

/// What came of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Trusted from now on.
    pub added: Vec<Endpoint>,
    /// Trusted already, exactly so.
    pub known: usize,
    /// Another certificate is trusted there, and stays: remove it first, or re-pin it.
    pub conflicts: Vec<Conflict>,
    /// Rows this version cannot read, and those that are no pins (authorities, host keys).
    pub left_out: usize,
    /// See [`Kept::remark`].
    pub remark: Option<String>,
}

/// Two certificates for one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Where.
    pub endpoint: Endpoint,
    /// The one that is trusted.
    pub trusted: Fingerprint,
    /// The one in the file.
    pub imported: Fingerprint,
}

impl TrustStore {
    /// The store whose ledger is, or will be, in `folder`. Touches nothing yet; a missing file is an empty ledger.
    pub fn open(folder: &Path, keyring: Keyring) -> Self {
        Self { folder: folder.to_owned(), keyring, once: Mutex::default(), told: AtomicBool::new(false) }
    }

    /// The ledger file.
    pub fn file(&self) -> PathBuf {
        self.folder.join("ledger.json")
    }

    /// Whether there is a keyring that confirms what the file says; if not, why.
    pub fn keyring(&self) -> Result<(), KeyringError> {
        self.keyring.check()
    }

    /// Where a keyring is there and cannot be asked: that what is trusted is not confirmed, in words, once in a run.
    pub fn unconfirmed(&self) -> Option<String> {
        let trouble = self.keyring().err().filter(|error| !error.is_absence())?;
        let is_first = !self.told.swap(true, Ordering::Relaxed);
        is_first.then(|| format!("whom you trust is read from the ledger file and not confirmed: {}", shown(&trouble)))
    }

    /// The pin of `endpoint`, `Unconfirmed` where file and keyring do not agree.
    ///
    /// An error where what the file says cannot be read and the keyring has nothing: whether another identity was trusted there before, nobody knows.
    pub fn pin(&self, endpoint: &Endpoint) -> Result<Option<Pin>, StoreError> {
        if let Some(pin) = self.once().get(endpoint) {
            return Ok(Some(pin.clone()));
        }
        let row = self.read().and_then(|ledger| ledger.pin(endpoint).map_err(|reason| self.error(&reason)));
        let unconfirmed = |pin| Pin { remember: Remember::Unconfirmed, ..pin };
        match item::standing_of_pin(&self.keyring, endpoint, row.as_ref().ok().and_then(Option::as_ref)) {
            Standing::Confirmed | Standing::NoKeyring(_) => row,
            Standing::Denied(Some(held)) => Ok(Some(unconfirmed(held))),
            Standing::Denied(None) => row.map(|row| row.map(unconfirmed)),
        }
    }

    /// Trusts `pin` at `endpoint` in place of what was trusted there. `Once` stays in memory. An error only where it
    /// could be written nowhere.
    pub fn remember(&self, endpoint: Endpoint, pin: Pin) -> Result<Kept, StoreError> {
        if pin.remember == Remember::Once {
            self.once().insert(endpoint, pin);
            return Ok(Kept::default());
        }
        let in_keyring = self.keyring.set(&item::name_of_pin(&endpoint), &item::of_pin(&endpoint, &pin));
        let in_file = self.change(|ledger| ledger.set_pin(&endpoint, &pin));
        let kept = both(in_keyring, in_file)?;
        self.once().remove(&endpoint);
        Ok(kept)
    }

    /// Forgets whatever is trusted at `endpoint`; `None` if there was nothing.
    pub fn forget(&self, endpoint: &Endpoint) -> Result<Option<Kept>, StoreError> {
        let mut known = self.once().remove(endpoint).is_some();
        if !matches!(self.read()?.pin(endpoint), Ok(None)) {
            self.change(|ledger| ledger.remove_pin(endpoint))?;
            known = true;
        }
        let gone = self.keyring.delete(&item::name_of_pin(endpoint));
        Ok(known.then(|| removed(gone)))
    }

    /// Every pin, those of this run instead of those of the ledger where both have one. Whether the keyring confirms
    /// them, [`Self::rows`] tells.
    pub fn list(&self) -> Result<PinBook, StoreError> {
        let mut all = PinBook::default();
        for (endpoint, pin) in self.read()?.pins() {
            all.insert(endpoint, pin);
        }
        for (endpoint, pin) in self.once().iter() {
            all.insert(endpoint.clone(), pin.clone());
        }
        Ok(all)
    }

    /// Every pin and every authority, with where they are kept and whether that counts.
    pub fn rows(&self) -> Result<Vec<Row>, StoreError> {
        let ledger = self.read()?;
        let once = self.once().clone();
        let mut rows: Vec<_> =
            once.iter().map(|(at, pin)| Row::of_pin(at, pin.clone(), "this run of the program", Confirmation::NotApplicable)).collect();
        for (endpoint, pin) in ledger.pins().filter(|(endpoint, _)| once.get(endpoint).is_none()) {
            let (kept, confirmed) = place(&item::standing_of_pin(&self.keyring, &endpoint, Some(&pin)));
            rows.push(Row::of_pin(&endpoint, pin, kept, confirmed));
        }
        for authority in ledger.authorities() {
            let (kept, confirmed) = place(&item::standing_of_authority(&self.keyring, &authority));
            rows.push(Row::of_authority(authority, kept, confirmed));
        }
        Ok(rows)
    }

    /// Notes that the peer at `endpoint` showed this certificate or host key at `now`, at most once an hour.
    pub fn seen(&self, endpoint: &Endpoint, shown: &Fingerprint, now: Timestamp) -> Result<(), StoreError> {
        let due = |last: Option<Timestamp>| last.is_none_or(|last| now.duration_since(last).abs() >= SEEN_EVERY);
        let is_due = |ledger: &LedgerFile| {
            let pin = ledger.pin(endpoint).ok().flatten().filter(|pin| pin.certificate == *shown && due(pin.last_seen));
            let note = ledger.notes().find(|note| note.endpoint == *endpoint && note.fingerprint == *shown && due(note.last_seen));
            (pin, note)
        };
        if matches!(is_due(&self.read()?), (None, None)) {
            return Ok(());
        }
        self.change(|ledger| {
            let (pin, note) = is_due(ledger);
            if let Some(pin) = pin {
                ledger.set_pin(endpoint, &Pin { last_seen: Some(now), ..pin });
            }
            if let Some(note) = note {
                ledger.set_note(&HostKeyNote { last_seen: Some(now), ..note });
            }
        })
    }

    /// Notes how a host key came to be trusted; its line stands in known_hosts.
    pub fn note_host_key(&self, endpoint: &Endpoint, key: &Fingerprint, verified: Verified, now: Timestamp) -> Result<(), StoreError> {
        let note = HostKeyNote { endpoint: endpoint.clone(), fingerprint: *key, since: now, verified, last_seen: Some(now) };
        self.change(|ledger| ledger.set_note(&note))
    }

    /// All notes about host keys.
    pub fn notes(&self) -> Result<Vec<HostKeyNote>, StoreError> {
        Ok(self.read()?.notes().collect())
    }

    /// Drops the notes about a host key that `is_about` chooses.
    pub fn forget_notes(&self, is_about: impl Fn(&HostKeyNote) -> bool) -> Result<(), StoreError> {
        let notes: Vec<_> = self.read()?.notes().filter(is_about).collect();
        if notes.is_empty() {
            return Ok(());
        }
        self.change(|ledger| notes.iter().for_each(|note| ledger.remove_note(&note.endpoint, &note.fingerprint)))
    }

    /// Trusts the pins of an exported ledger that nothing contradicts. A decision of the person's own is never replaced.
    pub fn import(&self, exported: &str) -> Result<Imported, StoreError> {
        let foreign = LedgerFile::parse(exported.as_bytes()).map_err(|reason| self.error(&format!("{FOREIGN} {reason}")))?;
        self.read()?;
        let mut imported = Imported { left_out: foreign.left_out(), ..Imported::default() };
        for (endpoint, pin) in foreign.pins() {
            // The keyring is asked, too: it may hold a decision the file has not.
            let Ok(own) = self.pin(&endpoint) else {
                imported.left_out += 1;
                continue;
            };
            match own.map(|known| known.certificate) {
                Some(trusted) if trusted == pin.certificate => imported.known += 1,
                Some(trusted) => imported.conflicts.push(Conflict { endpoint, trusted, imported: pin.certificate }),
                None => {
                    let accepted = pin.accepted.into_iter().filter(|kind| kind.is_settled_by_naming()).collect();
                    let pin = Pin { accepted, remember: Remember::Always, verified: Verified::Imported, last_seen: None, ..pin };
                    imported.remark = self.remember(endpoint.clone(), pin)?.remark.or(imported.remark);
                    imported.added.push(endpoint);
                }
            }
        }
        Ok(imported)
    }

    /// The decisions that count, as [`Self::import`] reads them, with `host_keys` beside them for people and other programs.
    pub fn export(&self, host_keys: Vec<Value>) -> Result<String, StoreError> {
        let ledger = self.read()?;
        let counts =
            |(endpoint, pin): &(Endpoint, Pin)| !matches!(item::standing_of_pin(&self.keyring, endpoint, Some(pin)), Standing::Denied(_));
        let pins: Vec<_> = ledger.pins().filter(counts).collect();
        LedgerFile::of(&pins, &self.authorities()?, host_keys).to_text().map_err(|error| self.error(&error.to_string()))
    }

    fn once(&self) -> MutexGuard<'_, PinBook> {
        self.once.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> Result<LedgerFile, StoreError> {
        match fs::read(self.file()) {
            Ok(bytes) => LedgerFile::parse(&bytes).map_err(|reason| self.error(&reason)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(LedgerFile::default()),
            Err(error) => Err(self.error(&error.to_string())),
        }
    }

    /// Reads, changes and replaces the ledger, one program at a time.
    fn change(&self, change: impl FnOnce(&mut LedgerFile)) -> Result<(), StoreError> {
        private_file::create_folder(&self.folder).map_err(|error| self.error(&error.to_string()))?;
        let _lock = private_file::lock(&self.file());
        let mut ledger = self.read()?;
        change(&mut ledger);
        let text = ledger.to_text().map_err(|error| self.error(&error.to_string()))?;
        private_file::replace(&self.file(), text.as_bytes()).map_err(|error| self.error(&error.to_string()))
    }

    fn error(&self, reason: &str) -> StoreError {
        StoreError { file: self.file(), reason: text::display_safe(reason.as_bytes()) }
    }
}

/// How the reason of a [`StoreError`] begins that is about a file to be imported and not about the ledger.
pub const FOREIGN: &str = "what is to be imported";

/// A decision that one of the two has is kept; that the other has it not is told, unless that is how things are here.
fn both(in_keyring: Result<(), KeyringError>, in_file: Result<(), StoreError>) -> Result<Kept, StoreError> {
    let remark = match (in_keyring, in_file) {
        (Ok(()), Ok(())) => None,
        (Err(error), Ok(())) if error.is_absence() => None,
        (Err(error), Ok(())) => Some(format!("this decision is kept in the ledger file only: {}", shown(&error))),
        (Ok(()), Err(error)) => Some(format!("this decision is kept in your keyring only, and will be asked about again: {error}")),
        (Err(_), Err(error)) => return Err(error),
    };
    Ok(Kept { remark })
}

fn removed(from_keyring: Result<(), KeyringError>) -> Kept {
    let trouble = from_keyring.err().filter(|error| !error.is_absence());
    Kept { remark: trouble.map(|error| format!("it is out of the ledger file; if your keyring has it, it stays there: {}", shown(&error))) }
}

/// Where a row is, for the list.
fn place<T>(standing: &Standing<T>) -> (String, Confirmation) {
    match standing {
        Standing::Confirmed => ("your keyring and the ledger file".to_owned(), Confirmation::Confirmed),
        Standing::NoKeyring(KeyringError::Off | KeyringError::NoService(_)) => ("the ledger file".to_owned(), Confirmation::NoKeyring),
        Standing::NoKeyring(error) => (format!("the ledger file; not confirmed: {}", shown(error)), Confirmation::NoKeyring),
        Standing::Denied(_) => ("the ledger file; your keyring does not confirm it".to_owned(), Confirmation::Denied),
    }
}

fn shown(error: &KeyringError) -> String {
    text::cut(&text::display_safe(error.to_string().as_bytes()), 160)
}

#[cfg(test)]
mod tests;
