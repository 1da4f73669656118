//! Whole acts on identities and authorities that are kept here, as every face of the program does them. What computes long
//! (keys, locks, signatures) takes up to a second on purpose: call it off the event loop.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use super::authority::{Authority, AuthorityError, AuthorityFolder, AuthorityStore, Event, Reason, Record, RecordError, Serial, list_pem};
use super::bundle::{Bundle, BundleError, Opened};
use super::draft::{DEFAULT_DAYS, Draft, MakeError};
use super::folder::FolderError;
use super::key::{Derivation, KeyError};
use super::key_file::KeyFile;
use super::pkcs12::{self, Strength};
use super::request::{Request, RequestError};
use super::returned::{Refused, Returned, check};
use super::store::{Facts, Identity, IdentityStore, New, UnlockError, pem};
use super::{Usage, folder};
use crate::secrets::Secret;
use crate::trust::Fingerprint;
use crate::trust::private_file;

/// Why an act was not done. What there was is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// The folder of identities or authorities.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// What was filled in, or the key that was made.
    #[error(transparent)]
    Make(#[from] MakeError),
    /// A private key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A file of certificates and keys.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A certificate that came back.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A request.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The record of what it signed.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A new file would take the place of one.
    #[error("{}: it is there already", .0.display())]
    Taken(PathBuf),
    /// A new identity needs a key.
    #[error("there is no identity called {0}, and no private key in the file to make one of")]
    NoKey(String),
}

impl From<UnlockError> for ActError {
    fn from(error: UnlockError) -> Self {
        match error {
            UnlockError::Folder(error) => error.into(),
            UnlockError::Key(error) => error.into(),
        }
    }
}

/// Makes an identity out of what was filled in, and keeps it.
pub fn make(store: &IdentityStore, draft: &Draft, now: Timestamp) -> Result<Identity, ActError> {
    is_free(store.get(&draft.name).map(drop), &draft.name)?;
    let made = draft.make(now)?;
    let facts = Facts { made: now, usage: draft.usage };
    Ok(store.add(&draft.name, &New { key: &made.key, chain: &[made.certificate], request: made.request.as_deref(), facts })?)
}

/// Makes an identity out of what was filled in, as files of a folder of one's own: `NAME.key` (mode 0600), `NAME.crt` and
/// `NAME.csr`. Replaces nothing. Answers the certificate (DER).
pub fn make_apart(folder: &Path, draft: &Draft, now: Timestamp) -> Result<Vec<u8>, ActError> {
    let file = |ending: &str| folder.join(format!("{}.{ending}", draft.name));
    if let Some(taken) = ["key", "crt", "csr"].map(file).into_iter().find(|file| file.symlink_metadata().is_ok()) {
        return Err(ActError::Taken(taken));
    }
    let made = draft.make(now)?;
    let public = |ending: &str, text: &str| {
        let file = file(ending);
        private_file::write_new_public(&file, text.as_bytes()).map_err(folder::at(&file))
    };
    let key = file("key");
    private_file::write_new(&key, made.key.as_bytes()).map_err(folder::at(&key))?;
    public("crt", &pem(std::slice::from_ref(&made.certificate)))?;
    public("csr", made.request.as_deref().unwrap_or_default())?;
    Ok(made.certificate)
}

/// Makes an authority out of what was filled in, and keeps it.
pub fn make_authority(store: &AuthorityStore, draft: &Draft, now: Timestamp) -> Result<AuthorityFolder, ActError> {
    is_free(store.get(&draft.name).map(drop), &draft.name)?;
    Ok(store.add(&draft.name, &draft.make_authority(now)?)?)
}

/// Before a second of computing.
fn is_free(found: Result<(), FolderError>, name: &str) -> Result<(), FolderError> {
    match found {
        Err(FolderError::Missing(_)) => Ok(()),
        Err(error @ FolderError::Name(_)) => Err(error),
        _ => Err(FolderError::Exists(name.to_owned())),
    }
}

/// Bundles opened, as one.
pub fn open(bundles: Vec<Bundle>, secret: &Secret) -> Result<Opened, BundleError> {
    let mut all = Opened { certificates: Vec::new(), key: None };
    for bundle in bundles {
        let opened = bundle.open(secret)?;
        all.certificates.extend(opened.certificates);
        all.key = all.key.or(opened.key);
    }
    Ok(all)
}

/// What taking in a certificate came to.
pub struct TakenIn {
    /// Its chain in order, and what a person should know about it.
    pub returned: Returned,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a certificate that was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The identity has it already.
    Same,
    /// It waits beside the old one for the first login it brings.
    Waits,
    /// It is a new identity.
    Made,
}

/// Whether a passphrase is needed to take these in as `name`: a PKCS#12 file hides its certificates, too.
pub fn needs_passphrase(store: &IdentityStore, name: &str, bundles: &[Bundle]) -> bool {
    let hidden = bundles.iter().all(|bundle| bundle.certificates().is_empty());
    bundles.iter().any(Bundle::is_locked) && (hidden || store.get(name).is_err())
}

/// Whether there is, or can be made, an identity called `name`; before any passphrase is asked for.
pub fn can_take_in(store: &IdentityStore, name: &str, bundles: &[Bundle]) -> Result<(), ActError> {
    match store.get(name) {
        Err(FolderError::Missing(_)) if !bundles.iter().any(Bundle::may_have_key) => Err(ActError::NoKey(name.to_owned())),
        Err(FolderError::Missing(_)) | Ok(_) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Takes in a signed certificate for an identity, or a whole identity. `secret` opens what is locked, `new` locks the key of
/// a new identity.
pub fn take_in(
    store: &IdentityStore,
    name: &str,
    bundles: Vec<Bundle>,
    (secret, new): (&Secret, &Secret),
    now: Timestamp,
) -> Result<TakenIn, ActError> {
    let identity = match store.get(name) {
        Ok(identity) => identity,
        Err(FolderError::Missing(_)) => return keep(store, name, open(bundles, secret)?, new, now),
        Err(error) => return Err(error.into()),
    };
    // A key that came along is not needed: the identity has its own.
    let certificates = if needs_passphrase(store, name, &bundles) {
        open(bundles, secret)?.certificates
    } else {
        bundles.iter().flat_map(|bundle| bundle.certificates().to_vec()).collect()
    };
    let request = identity.request()?;
    let returned = check(&certificates, identity.public_key(), request.as_ref(), identity.facts.usage, now)?;
    if returned.chain == identity.chain {
        return Ok(TakenIn { returned, outcome: Outcome::Same });
    }
    store.stage(name, &returned.chain)?;
    Ok(TakenIn { returned, outcome: Outcome::Waits })
}

/// A new identity out of key and certificate.
fn keep(store: &IdentityStore, name: &str, opened: Opened, new: &Secret, now: Timestamp) -> Result<TakenIn, ActError> {
    let key = opened.key.ok_or_else(|| ActError::NoKey(name.to_owned()))?;
    let returned = check(&opened.certificates, &key.public(), None, Usage::Client, now)?;
    let locked = key.lock(new, Derivation::Scrypt)?;
    store.add(name, &New { key: &locked, chain: &returned.chain, request: None, facts: Facts { made: now, usage: Usage::Client } })?;
    Ok(TakenIn { returned, outcome: Outcome::Made })
}

/// What an identity is written as for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Its own certificate, PEM: what an administrator needs.
    Certificate,
    /// The same, DER.
    Der,
    /// The certificate and its chain, PEM.
    Chain,
    /// Its request, PEM.
    Request,
    /// Key and chain in one PEM file, locked so that old programs can open it (PBKDF2).
    Pem,
    /// Key and chain as PKCS#12.
    Pkcs12(Strength),
}

impl Form {
    /// Whether the private key is in it.
    pub fn has_key(self) -> bool {
        matches!(self, Self::Pem | Self::Pkcs12(_))
    }
}

/// An identity as a file's contents. `secret` opens its key, `new` locks it in the file, where there is one.
pub fn export(identity: &Identity, form: Form, (secret, new): (&Secret, &Secret)) -> Result<Zeroizing<Vec<u8>>, ActError> {
    let own = identity.chain.first().cloned().unwrap_or_default();
    Ok(Zeroizing::new(match form {
        Form::Certificate => pem(&[own]).into_bytes(),
        Form::Der => own,
        Form::Chain => pem(&identity.chain).into_bytes(),
        Form::Request => {
            let request = identity.request()?.ok_or_else(|| FolderError::damaged(&identity.request_file(), &"there is no request"))?;
            request.pem().into_bytes()
        }
        Form::Pem => {
            let key = identity.unlock(secret)?.lock(new, Derivation::Pbkdf2)?;
            [key.as_bytes(), pem(&identity.chain).as_bytes()].concat()
        }
        Form::Pkcs12(strength) => pkcs12::write(&identity.unlock(secret)?, &identity.chain, &identity.name, new, strength)?,
    }))
}

/// An authority with its key open, and where its papers lie.
pub struct Signer<'a> {
    /// Certificate and open key.
    pub authority: &'a Authority,
    /// The record of what it signed.
    pub record: &'a Path,
    /// Its latest revocation list.
    pub list: &'a Path,
}

/// Opens an authority that is kept here.
pub fn open_authority(kept: &AuthorityFolder, secret: &Secret, now: Timestamp) -> Result<Authority, ActError> {
    let file = kept.key_file();
    let bytes = folder::read(&file)?.ok_or_else(|| FolderError::damaged(&file, &"the private key is gone"))?;
    Ok(Authority::new(kept.certificate.clone(), KeyFile::read(&bytes)?.unlock(secret)?, now)?)
}

/// A certificate that was signed for somebody.
pub struct Signed {
    /// The certificate and the authority's, PEM.
    pub pem: String,
    /// For whom, safe to draw.
    pub owner: String,
    /// Its number.
    pub serial: Serial,
    /// Until when it is valid, UTC.
    pub until: Timestamp,
    /// What the request asked for and did not get; safe to draw.
    pub ignored: Vec<String>,
}

impl Signer<'_> {
    /// Signs a request, after a line in the record. `until`: as long as is usual, and the authority itself is valid.
    pub fn sign(&self, request: &Request, until: Option<Timestamp>, usage: Usage, now: Timestamp) -> Result<Signed, ActError> {
        let usual = || days_from(now, DEFAULT_DAYS).min(self.authority.not_after());
        let until = until.unwrap_or_else(usual);
        let mut record = Record::open(self.record)?;
        let granted = self.authority.sign(request, until, usage, now)?;
        record.append(Event::Signed {
            at: now,
            serial: granted.serial.clone(),
            subject: request.owner(),
            not_after: until,
            fingerprint: Fingerprint::of(&granted.certificate),
        })?;
        let pem = pem(&[granted.certificate, self.authority.certificate().to_vec()]);
        Ok(Signed { pem, owner: request.owner(), serial: granted.serial, until, ignored: granted.ignored })
    }

    /// Takes back what `wanted` names, if anything, and writes the next revocation list, good for `days`.
    pub fn revoke(&self, wanted: Option<(&Wanted, Reason)>, days: u32, now: Timestamp) -> Result<Listed, ActError> {
        let mut record = Record::open(self.record)?;
        let mut taken_back = None;
        if let Some((wanted, reason)) = wanted {
            let (serial, is_mine) = match wanted {
                Wanted::Certificate(der) => (self.authority.serial_of(der)?, true),
                Wanted::Serial(serial) => (serial.clone(), false),
            };
            record.check_revocable(&serial, is_mine)?;
            record.append(Event::Revoked { at: now, serial: serial.clone(), reason })?;
            taken_back = Some(serial);
        }
        let (number, next, revoked) = (record.next_number(), days_from(now, days), record.revoked());
        let list = self.authority.revocation_list(&revoked, number, now, next)?;
        record.append(Event::List { at: now, number, next })?;
        let pem = list_pem(&list);
        private_file::replace(self.list, pem.as_bytes()).map_err(folder::at(self.list))?;
        Ok(Listed { pem, number, next, taken_back, count: revoked.len() })
    }
}

/// What is to be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// This certificate, DER.
    Certificate(Vec<u8>),
    /// The one of this number.
    Serial(Serial),
}

/// A revocation list that was written.
pub struct Listed {
    /// PEM.
    pub pem: String,
    /// Its number.
    pub number: u64,
    /// When the next one is due, UTC.
    pub next: Timestamp,
    /// What was taken back just now.
    pub taken_back: Option<Serial>,
    /// How many are taken back altogether.
    pub count: usize,
}

/// So many days later.
pub fn days_from(now: Timestamp, days: u32) -> Timestamp {
    now.checked_add(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MAX)
}
