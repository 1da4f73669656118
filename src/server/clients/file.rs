//! The lists on the disk: `clients.json`, read anew for each connection, so that a decision counts from the next one on.
//! Public facts only. Everything here blocks.

use std::fs::File;
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::lists::{Client, Lists};
use crate::model::text;
use crate::trust::certificate::CertificateFacts;
use crate::trust::revocation::RevocationList;
use crate::trust::{Certificate, Fingerprint, ListFolder, private_file};

const FORMAT: u32 = 1;
const FILE: &str = "clients.json";
/// It is not larger (bytes).
const LARGEST: u64 = 16 * 1024 * 1024;

/// Why the lists cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum ClientsError {
    /// The file, or its folder.
    #[error("{path}: {why}")]
    File {
        /// Which, safe to draw.
        path: String,
        /// In words.
        why: String,
    },
    /// No client or authority has this fingerprint.
    #[error("no client with the fingerprint {0} waits here or was decided upon")]
    Unknown(Fingerprint),
    /// What was to be trusted is no certificate.
    #[error("this is no certificate, or a damaged one")]
    NoCertificate,
    /// An authority that may not sign others.
    #[error("the certificate of {0} is none of an authority: it may not sign others")]
    NoAuthority(String),
}

/// The lists of one server. A clone is cheap; clones and other processes see the same lists.
#[derive(Debug, Clone)]
pub struct Clients {
    folder: PathBuf,
    /// Trusted for this run only.
    authorities: Arc<[Certificate]>,
    only_authorities: bool,
    revocations: ListFolder,
    needs_lists: bool,
}

/// What a connection is judged by.
pub(in crate::server) struct Effective {
    pub(super) lists: Lists,
    pub(super) revocations: Arc<[RevocationList]>,
    /// A list that does not count is as bad as none.
    pub(super) needs_lists: bool,
}

#[derive(Serialize, Deserialize)]
struct Contents {
    format: u32,
    #[serde(flatten)]
    lists: Lists,
}

impl Clients {
    /// The lists in `folder`, and the revocation lists in its folder `crl`. Makes nothing.
    pub fn at(folder: PathBuf) -> Self {
        let revocations = ListFolder::at(folder.join("crl"));
        Self { folder, authorities: Arc::default(), only_authorities: false, revocations, needs_lists: false }
    }

    /// Whoever these authorities (DER) signed is trusted too, as long as this value lives.
    pub fn and_authorities(self, authorities: &[Vec<u8>]) -> Result<Self, ClientsError> {
        let authorities = authorities.iter().map(|der| authority(der)).collect::<Result<_, _>>()?;
        Ok(Self { authorities, ..self })
    }

    /// Lets in only whom an authority signed: that a certificate itself is trusted does not count.
    #[must_use]
    pub fn only_authorities(self) -> Self {
        Self { only_authorities: true, ..self }
    }

    /// With the revocation lists of another folder, which counts: a client whose issuer's list in it is out of date or cannot
    /// be checked is refused.
    #[must_use]
    pub fn with_revocation_lists(self, revocations: ListFolder) -> Self {
        Self { revocations, needs_lists: true, ..self }
    }

    /// Where the lists are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The lists as they stand now.
    pub fn lists(&self) -> Result<Lists, ClientsError> {
        let file = self.folder.join(FILE);
        let opened = match File::open(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Lists::default()),
            opened => opened.map_err(|error| at(&file, &error))?,
        };
        let mut bytes = Vec::new();
        opened.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| at(&file, &error))?;
        if bytes.len() as u64 > LARGEST {
            return Err(at(&file, &"it is far too large"));
        }
        let contents: Contents =
            serde_json::from_slice(&bytes).map_err(|error| at(&file, &format!("it is damaged ({error}); repair it or move it away")))?;
        match contents.format {
            FORMAT => Ok(contents.lists),
            newer => Err(at(&file, &format!("it was written by a newer version (format {newer})"))),
        }
    }

    /// What a connection is judged by: the lists with the authorities of this run, and what those took back.
    pub(in crate::server) fn effective(&self) -> Result<Effective, ClientsError> {
        let mut lists = self.lists()?;
        if self.only_authorities {
            lists.trusted.clear();
        }
        lists.authorities.extend(self.authorities.iter().map(|certificate| Client::decided(certificate.clone(), Timestamp::UNIX_EPOCH)));
        Ok(Effective { lists, revocations: self.revocations.current(), needs_lists: self.needs_lists })
    }

    /// An unknown client was turned away. Answers whether it is a new one.
    pub(in crate::server) fn met(&self, certificate: &Certificate, from: IpAddr, now: Timestamp) -> Result<bool, ClientsError> {
        self.change(|lists| Ok(lists.met(certificate, from, now)))
    }

    /// A client that waited was let in by what an authority signed: it waits no longer. What was decided about it stays.
    pub(in crate::server) fn waits_no_longer(&self, which: &Fingerprint) -> Result<(), ClientsError> {
        self.change(|lists| {
            lists.waits_no_longer(which);
            Ok(())
        })
    }

    /// Lets a client in that waits, or was refused.
    pub fn trust(&self, which: &Fingerprint, now: Timestamp) -> Result<Client, ClientsError> {
        self.change(|lists| lists.trust(which, now).ok_or(ClientsError::Unknown(*which)))
    }

    /// Turns a client away for good, without a word to anybody.
    pub fn refuse(&self, which: &Fingerprint, now: Timestamp) -> Result<Client, ClientsError> {
        self.change(|lists| lists.refuse(which, now).ok_or(ClientsError::Unknown(*which)))
    }

    /// Forgets a client or an authority; if it comes again, it is unknown.
    pub fn forget(&self, which: &Fingerprint) -> Result<Client, ClientsError> {
        self.change(|lists| lists.forget(which).ok_or(ClientsError::Unknown(*which)))
    }

    /// Lets a client in that was never here, by the certificate (DER) it sent its administrator.
    pub fn trust_certificate(&self, der: &[u8], now: Timestamp) -> Result<Client, ClientsError> {
        let fingerprint = CertificateFacts::read(der).map_err(|_| ClientsError::NoCertificate)?.fingerprint;
        self.change(|lists| {
            if let Some(known) = lists.trust(&fingerprint, now) {
                return Ok(known);
            }
            let client = Client::decided(Certificate { der: der.into() }, now);
            lists.trusted.push(client.clone());
            Ok(client)
        })
    }

    /// Lets everybody in whom this authority (DER) signed.
    pub fn trust_authority(&self, der: &[u8], now: Timestamp) -> Result<Client, ClientsError> {
        let client = Client::decided(authority(der)?, now);
        self.change(|lists| {
            if !lists.authorities.iter().any(|known| known.certificate == client.certificate) {
                lists.authorities.push(client.clone());
            }
            Ok(client)
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut Lists) -> Result<T, ClientsError>) -> Result<T, ClientsError> {
        private_file::create_folder(&self.folder).map_err(|error| at(&self.folder, &error))?;
        let file = self.folder.join(FILE);
        let _lock = private_file::lock(&file);
        let before = self.lists()?;
        let mut lists = before.clone();
        let changed = change(&mut lists)?;
        if lists != before {
            let bytes = serde_json::to_vec_pretty(&Contents { format: FORMAT, lists }).map_err(|error| at(&file, &error))?;
            private_file::replace(&file, &bytes).map_err(|error| at(&file, &error))?;
        }
        Ok(changed)
    }
}

fn authority(der: &[u8]) -> Result<Certificate, ClientsError> {
    let facts = CertificateFacts::read(der).map_err(|_| ClientsError::NoCertificate)?;
    if facts.is_authority { Ok(Certificate { der: der.into() }) } else { Err(ClientsError::NoAuthority(facts.owner())) }
}

fn at(path: &Path, why: &impl ToString) -> ClientsError {
    ClientsError::File { path: text::display_safe(path.as_os_str().as_encoded_bytes()), why: why.to_string() }
}
