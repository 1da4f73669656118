//! Identities as sections of labelled fields: the one description the popup, the inspector, `cert show` and their JSON
//! are made of. Says what there is and marks what is wrong; draws nothing.

pub(super) mod certificate;
mod connection;
pub(super) mod host_key;
mod json;

use std::time::Duration;

use jiff::Timestamp;

pub use certificate::{certificate, certificate_for};
pub use connection::{connection, handshake, pin, revocation};
pub use host_key::{host_key, ssh_key};
pub use json::put_json;

/// A part of an identity's description: who owns it, who issued it, until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its heading: `Issued to`.
    pub title: &'static str,
    /// Its fields in order; never empty.
    pub fields: Vec<Field>,
}

/// A labelled value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name in JSON, `snake_case`.
    pub key: &'static str,
    /// Its name for a person.
    pub label: String,
    /// What it says.
    pub value: Value,
    /// Something is wrong with this section; only its first field bears the mark.
    pub invalid: bool,
}

/// What a field says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, made safe to draw.
    Text(String),
    /// Several texts, each made safe to draw.
    List(Vec<String>),
    /// An instant, UTC.
    Time(Timestamp),
    /// A number.
    Number(u64),
    /// Yes or no.
    Flag(bool),
    /// A time of validity, with now on it: faces draw it as a bar.
    Validity {
        /// From, UTC.
        from: Timestamp,
        /// Until, UTC.
        to: Timestamp,
        /// The instant it was looked at, UTC.
        now: Timestamp,
    },
    /// A length of time.
    Length(Duration),
}

impl Field {
    /// A field without a mark.
    pub fn new(key: &'static str, label: impl Into<String>, value: Value) -> Self {
        Self { key, label: label.into(), value, invalid: false }
    }

    /// A text field without a mark.
    pub fn text(key: &'static str, label: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(key, label, Value::Text(text.into()))
    }
}

impl Section {
    /// A section; `None` if it would be empty.
    pub fn of(title: &'static str, fields: Vec<Field>) -> Option<Self> {
        (!fields.is_empty()).then_some(Self { title, fields })
    }

    /// With the mark of fault on its first field, if `invalid`.
    #[must_use]
    pub fn marked(mut self, invalid: bool) -> Self {
        if let Some(first) = self.fields.first_mut() {
            first.invalid |= invalid;
        }
        self
    }
}
