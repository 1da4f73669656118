//! What an authority signed and took back: a file of JSON lines that only ever grows. Holds no key and no secret.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::revocation_list::{Reason, Revoked};
use crate::trust::{Fingerprint, private_file};

/// The number of a certificate at its authority, big-endian, without leading zeros.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Serial(Vec<u8>);

/// A text is no serial number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no serial number: hex digits, with or without colons")]
pub struct NotASerial;

impl Serial {
    /// From the bytes of a certificate's INTEGER.
    pub fn new(bytes: &[u8]) -> Self {
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count().min(bytes.len().saturating_sub(1));
        Self(bytes[zeros..].to_vec())
    }

    /// Reads hex with or without colons, either case.
    pub fn parse(text: &str) -> Result<Self, NotASerial> {
        let mut hex: String = text.trim().chars().filter(|c| *c != ':').collect();
        if hex.is_empty() || hex.len() > 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NotASerial);
        }
        if hex.len() % 2 == 1 {
            hex.insert(0, '0');
        }
        let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16)).collect::<Result<Vec<_>, _>>();
        Ok(Self::new(&bytes.map_err(|_| NotASerial)?))
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Lower-case hex.
impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Serial {
    type Error = NotASerial;
    fn try_from(text: String) -> Result<Self, NotASerial> {
        Self::parse(&text)
    }
}

impl From<Serial> for String {
    fn from(serial: Serial) -> Self {
        serial.to_string()
    }
}

/// One line of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A certificate was signed.
    Signed {
        /// When.
        at: Timestamp,
        /// Its number.
        serial: Serial,
        /// Whose, in one line.
        subject: String,
        /// Until when.
        not_after: Timestamp,
        /// SHA-256 of the certificate.
        fingerprint: Fingerprint,
    },
    /// A certificate was taken back.
    Revoked {
        /// When.
        at: Timestamp,
        /// Its number.
        serial: Serial,
        /// Why.
        reason: Reason,
    },
    /// A revocation list was written.
    List {
        /// When.
        at: Timestamp,
        /// The list's number.
        number: u64,
        /// When the next one follows at the latest.
        next: Timestamp,
    },
}

/// Why the record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file.
    #[error("the record of what was signed cannot be used: {0}")]
    Io(#[from] io::Error),
    /// A line in it.
    #[error("line {0} of the record of what was signed is damaged; mend it or take it out, else something signed could be forgotten")]
    Damaged(usize),
    /// Somebody else has it open.
    #[error("another program is signing with this authority just now; try again when it is done")]
    Busy,
    /// This certificate is not in it.
    #[error("the record has no certificate with the number {0}; name the certificate's file instead")]
    Unknown(Serial),
    /// This certificate was taken back before.
    #[error("the certificate {0} was taken back on {1} already")]
    AlreadyRevoked(Serial, String),
}

/// The record, open for one program alone until it is dropped.
pub struct Record {
    file: File,
    events: Vec<Event>,
}

impl Record {
    /// Opens the file, mode 0600 if it is made.
    pub fn open(path: &Path) -> Result<Self, RecordError> {
        let mut file = private_file::append_to(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => RecordError::Busy,
            TryLockError::Error(error) => error.into(),
        })?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let parse = |(at, line)| serde_json::from_str(line).map_err(|_| RecordError::Damaged(at + 1));
        let events = text.lines().enumerate().map(parse).collect::<Result<_, _>>()?;
        Ok(Self { file, events })
    }

    /// Everything, oldest first.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Adds a line; it is on the disk when this returns.
    pub fn append(&mut self, event: Event) -> Result<(), RecordError> {
        let mut line = serde_json::to_vec(&event).map_err(io::Error::from)?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_all()?;
        self.events.push(event);
        Ok(())
    }

    /// Everything that was taken back.
    pub fn revoked(&self) -> Vec<Revoked> {
        let revoked = self.events.iter().filter_map(|event| match event {
            Event::Revoked { at, serial, reason } => Some(Revoked { serial: serial.clone(), at: *at, reason: *reason }),
            _ => None,
        });
        revoked.collect()
    }

    /// The number of the next list.
    pub fn next_number(&self) -> u64 {
        let numbers = self.events.iter().filter_map(|event| if let Event::List { number, .. } = event { Some(*number) } else { None });
        numbers.max().unwrap_or(0).saturating_add(1)
    }

    /// Whether this certificate can be taken back: it was signed (or `is_mine`, shown to be ours) and not taken back yet.
    pub fn check_revocable(&self, wanted: &Serial, is_mine: bool) -> Result<(), RecordError> {
        if let Some(before) = self.revoked().into_iter().find(|revoked| revoked.serial == *wanted) {
            return Err(RecordError::AlreadyRevoked(before.serial, before.at.strftime("%Y-%m-%d").to_string()));
        }
        let is_known = self.events.iter().any(|event| matches!(event, Event::Signed { serial, .. } if serial == wanted));
        if is_mine || is_known { Ok(()) } else { Err(RecordError::Unknown(wanted.clone())) }
    }
}

impl Drop for Record {
    /// Closing alone is not enough: a program started meanwhile by another thread holds the file, and with it the lock, until it
    /// runs.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "the record of what was signed stays locked until this program ends");
        }
    }
}
