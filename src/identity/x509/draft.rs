//! An identity that is being made: what a person filled in, checked step by step, and what comes of it.

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use super::certificate::{ALTERNATIVE_NAMES, Unsigned, Usage, Validity, authority, end_entity, extension, serial};
use super::key::{Derivation, KeyError, KeyType, PrivateKey};
use super::names::{AlternativeName, Field, Invalid, Subject, general_names};
use super::request::Request;
use crate::model::text;
use crate::secrets::Secret;

/// What a person fills in. Without `Debug`: there is a passphrase in it.
#[derive(Clone)]
pub struct Draft {
    /// What it is called here; the folder's name.
    pub name: String,
    /// Whose it is.
    pub subject: Subject,
    /// Other names of the same owner.
    pub names: Vec<AlternativeName>,
    /// The kind of key.
    pub key_type: KeyType,
    /// How long the certificate is valid, from now.
    pub days: u32,
    /// Who it is shown to.
    pub usage: Usage,
    /// How the file's key is made from the passphrase.
    pub derivation: Derivation,
    /// Locks the private key.
    pub passphrase: Secret,
    /// The passphrase again.
    pub confirmation: Secret,
}

/// The steps of making one, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// What it is called here.
    Name,
    /// Subject and alternative names.
    Owner,
    /// Key type and validity.
    Key,
    /// Passphrase and confirmation.
    Passphrase,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Name, Self::Owner, Self::Key, Self::Passphrase];
}

/// Why no identity was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MakeError {
    /// Something is not filled in as it must be.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// What was made. The key is locked with the passphrase.
pub struct Made {
    /// Encrypted PKCS#8, PEM.
    pub key: Zeroizing<String>,
    /// The self-signed certificate, DER.
    pub certificate: Vec<u8>,
    /// The request for the same subject and key, PEM; authorities have none.
    pub request: Option<String>,
}

/// Days a certificate of one's own is valid if nothing else is said.
pub const DEFAULT_DAYS: u32 = 825;
/// Longer is a mistake.
const MOST_DAYS: u32 = 36_500;

impl Default for Draft {
    fn default() -> Self {
        let none = || Secret::new(String::new());
        Self {
            name: String::new(),
            subject: Subject::default(),
            names: Vec::new(),
            key_type: KeyType::default(),
            days: DEFAULT_DAYS,
            usage: Usage::Client,
            derivation: Derivation::Scrypt,
            passphrase: none(),
            confirmation: none(),
        }
    }
}

impl Draft {
    /// What is wrong in one step; empty if a person may go on.
    pub fn check(&self, step: Step) -> Vec<Invalid> {
        match step {
            Step::Name => check_name(&self.name).err().into_iter().collect(),
            Step::Owner => self.subject.check(),
            Step::Key if !(1..=MOST_DAYS).contains(&self.days) => {
                vec![Invalid::new(Field::Days, format!("the days must be between 1 and {MOST_DAYS}"))]
            }
            Step::Passphrase if self.passphrase.is_empty() => {
                vec![Invalid::new(Field::Passphrase, "a passphrase is needed: without one, whoever reads the key file is you")]
            }
            Step::Passphrase if self.passphrase != self.confirmation => {
                vec![Invalid::new(Field::Confirmation, "the two passphrases are not the same")]
            }
            Step::Key | Step::Passphrase => Vec::new(),
        }
    }

    /// Key, self-signed certificate and request. Takes a second of computing on purpose: call it off the event loop.
    pub fn make(&self, now: Timestamp) -> Result<Made, MakeError> {
        let key = self.key()?;
        let spki = key.public();
        let mut extensions = end_entity(self.usage, &spki);
        if !self.names.is_empty() {
            extensions.push(extension(ALTERNATIVE_NAMES, false, &general_names(&self.names)));
        }
        Ok(Made {
            certificate: self.self_signed(&key, extensions, now)?,
            request: Some(Request::make(&self.subject, &self.names, &key)?),
            key: key.lock(&self.passphrase, self.derivation)?,
        })
    }

    /// An authority: key and certificate that may sign others, but no further authority. Alternative names and usage do not count.
    pub fn make_authority(&self, now: Timestamp) -> Result<Made, MakeError> {
        let key = self.key()?;
        let certificate = self.self_signed(&key, authority(&key.public()), now)?;
        Ok(Made { certificate, request: None, key: key.lock(&self.passphrase, self.derivation)? })
    }

    fn key(&self) -> Result<PrivateKey, MakeError> {
        if let Some(wrong) = Step::ALL.into_iter().find_map(|step| self.check(step).into_iter().next()) {
            return Err(wrong.into());
        }
        Ok(PrivateKey::generate(self.key_type)?)
    }

    fn self_signed(&self, key: &PrivateKey, extensions: Vec<Vec<u8>>, now: Timestamp) -> Result<Vec<u8>, KeyError> {
        let until = now.checked_add(SignedDuration::from_hours(24 * i64::from(self.days))).unwrap_or(Timestamp::MAX);
        let (subject, spki) = (self.subject.der(), key.public());
        let validity = Validity::from_now(now, until);
        Unsigned { serial: serial()?, issuer: &subject, validity, subject: &subject, spki: &spki, extensions }.sign(key)
    }
}

/// Whether something may be called this: it becomes a folder's name.
pub fn check_name(name: &str) -> Result<(), Invalid> {
    let no = |why: &str| Err(Invalid::new(Field::Name, why));
    if name.is_empty() {
        return no("a name is needed, such as bank or payroll");
    }
    if name.len() > 64 {
        return no("the name is longer than 64 bytes");
    }
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | ' ');
    if name.starts_with(['.', '-', ' '])
        || name.ends_with(' ')
        || !name.chars().all(is_plain)
        || text::display_safe(name.as_bytes()) != name
    {
        return no("the name becomes a folder: letters, digits and - _ . @ only, and a letter or digit first");
    }
    Ok(())
}
