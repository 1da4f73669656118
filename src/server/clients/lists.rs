//! The operator's lists as they are kept: trusted, refused and pending clients, and authorities whose clients are trusted.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::trust::certificate::{CertificateFacts, Unreadable};
use crate::trust::{Certificate, Fingerprint};

/// More clients do not wait; of the address most of them come from, the one that was away longest makes room.
const MOST_PENDING: usize = 200;
/// A client that comes again so soon changes nothing (seconds).
const AGAIN: i64 = 10;
/// The largest certificate that is kept of a stranger (bytes).
const LARGEST: usize = 16 * 1024;

/// A client that showed its certificate and proved that it has the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Its certificate.
    pub certificate: Certificate,
    /// When it was first seen or decided upon, UTC.
    pub since: Timestamp,
    /// When it came last, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// Where it came from last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<IpAddr>,
    /// How often it was turned away.
    #[serde(default)]
    pub times: u64,
}

impl Client {
    /// One that was never here.
    pub(super) fn decided(certificate: Certificate, now: Timestamp) -> Self {
        Self { certificate, since: now, last_seen: None, from: None, times: 0 }
    }

    /// SHA-256 of the certificate.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.certificate.der)
    }

    /// What its certificate says.
    pub fn facts(&self) -> Result<CertificateFacts, Unreadable> {
        CertificateFacts::read(&self.certificate.der)
    }
}

/// What the operator decided, and what is left to decide.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Lists {
    /// Let in.
    pub trusted: Vec<Client>,
    /// Whoever they signed is let in.
    pub authorities: Vec<Client>,
    /// Turned away without a word.
    pub refused: Vec<Client>,
    /// Turned away until somebody decides; the one that came last is the first.
    pub pending: Vec<Client>,
}

impl Lists {
    /// Whether this certificate is trusted itself.
    pub(super) fn trusts(&self, certificate: &Certificate) -> bool {
        self.trusted.iter().any(|client| client.certificate == *certificate)
    }

    /// Whether it is refused.
    pub(super) fn refuses(&self, certificate: &Certificate) -> bool {
        self.refused.iter().any(|client| client.certificate == *certificate)
    }

    /// An unknown client was turned away. Answers whether it is a new one.
    pub(super) fn met(&mut self, certificate: &Certificate, from: IpAddr, now: Timestamp) -> bool {
        if self.trusts(certificate) || self.refuses(certificate) || certificate.der.len() > LARGEST {
            return false;
        }
        let just_now = |client: &Client| client.last_seen.is_some_and(|seen| now.as_second().saturating_sub(seen.as_second()) < AGAIN);
        if self.pending.iter().any(|client| client.certificate == *certificate && client.from == Some(from) && just_now(client)) {
            return false;
        }
        let known = take(&mut self.pending, |client| client.certificate == *certificate);
        let is_new = known.is_none();
        let mut client = known.unwrap_or_else(|| Client::decided(certificate.clone(), now));
        (client.last_seen, client.from, client.times) = (Some(now), Some(from), client.times.saturating_add(1));
        self.pending.insert(0, client);
        if self.pending.len() > MOST_PENDING {
            self.make_room();
        }
        is_new
    }

    /// One stranger with many certificates pushes out its own, and no client of others.
    fn make_room(&mut self) {
        let mut counts = BTreeMap::<Option<IpAddr>, usize>::new();
        for client in &self.pending {
            *counts.entry(client.from).or_default() += 1;
        }
        let loudest = counts.into_iter().max_by_key(|(_, count)| *count).map(|(from, _)| from);
        if let Some(at) = self.pending.iter().rposition(|client| Some(client.from) == loudest) {
            self.pending.remove(at);
        }
    }

    /// A client is let in without having been decided upon itself.
    pub(super) fn waits_no_longer(&mut self, which: &Fingerprint) {
        self.pending.retain(|client| client.fingerprint() != *which);
    }

    /// Trusts a client that waits or was refused. `None`: there is none of this fingerprint.
    pub(super) fn trust(&mut self, which: &Fingerprint, now: Timestamp) -> Option<Client> {
        if let Some(known) = self.trusted.iter().find(|client| client.fingerprint() == *which) {
            return Some(known.clone());
        }
        let client = self.undecided(which)?;
        self.trusted.push(Client { since: now, ..client.clone() });
        Some(client)
    }

    /// Refuses a client that waits or was trusted.
    pub(super) fn refuse(&mut self, which: &Fingerprint, now: Timestamp) -> Option<Client> {
        let is_it = |client: &Client| client.fingerprint() == *which;
        let client = self.undecided(which).or_else(|| take(&mut self.trusted, is_it))?;
        self.refused.push(Client { since: now, ..client.clone() });
        Some(client)
    }

    /// Forgets a client or an authority: as if it had never been here.
    pub(super) fn forget(&mut self, which: &Fingerprint) -> Option<Client> {
        let is_it = |client: &Client| client.fingerprint() == *which;
        [&mut self.trusted, &mut self.authorities, &mut self.refused, &mut self.pending].into_iter().find_map(|list| take(list, is_it))
    }

    fn undecided(&mut self, which: &Fingerprint) -> Option<Client> {
        let is_it = |client: &Client| client.fingerprint() == *which;
        take(&mut self.pending, is_it).or_else(|| take(&mut self.refused, is_it))
    }
}

fn take(list: &mut Vec<Client>, is_it: impl Fn(&Client) -> bool) -> Option<Client> {
    list.iter().position(is_it).map(|at| list.remove(at))
}
