//! Identities a person decided to trust, by endpoint. Pure; [`super::store`] keeps them on disk.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::evidence::{Evidence, ProblemKind};
use super::fingerprint::Fingerprint;
use crate::model::Endpoint;

/// How long a decision holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Remember {
    /// Until this program ends.
    Once,
    /// Until it is removed.
    Always,
}

/// A TLS identity a person trusts at one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// SHA-256 of the leaf certificate.
    pub certificate: Fingerprint,
    /// SHA-256 of its SubjectPublicKeyInfo: tells a renewal from another key.
    pub spki: Option<Fingerprint>,
    /// The problems that were known and accepted. A new one asks again.
    pub accepted: BTreeSet<ProblemKind>,
    /// When it was trusted, UTC.
    pub since: Timestamp,
    /// How long it holds.
    pub remember: Remember,
}

impl Pin {
    /// The pin for what `evidence` showed.
    pub fn of(evidence: &Evidence, remember: Remember, now: Timestamp) -> Self {
        Self {
            certificate: evidence.identity.fingerprint(),
            spki: evidence.spki,
            accepted: evidence
                .problems
                .iter()
                .map(|problem| problem.kind)
                .filter(|&kind| kind != ProblemKind::ChangedSincePinned)
                .collect(),
            since: now,
            remember,
        }
    }
}

/// All pins, by endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PinBook(BTreeMap<Endpoint, Pin>);

impl PinBook {
    /// The pin of `endpoint`.
    pub fn get(&self, endpoint: &Endpoint) -> Option<&Pin> {
        self.0.get(endpoint)
    }

    /// Sets the pin of `endpoint`; answers the one it replaces.
    pub fn insert(&mut self, endpoint: Endpoint, pin: Pin) -> Option<Pin> {
        self.0.insert(endpoint, pin)
    }

    /// Forgets `endpoint`.
    pub fn remove(&mut self, endpoint: &Endpoint) -> Option<Pin> {
        self.0.remove(endpoint)
    }

    /// Every pin in the order of endpoints.
    pub fn iter(&self) -> impl Iterator<Item = (&Endpoint, &Pin)> {
        self.0.iter()
    }
}
