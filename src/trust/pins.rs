//! Identities a person decided to trust, by endpoint. Pure; [`super::store`] keeps them on disk.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::certificate::public_key_of;
use super::evidence::{Certificate, Evidence, ProblemKind};
use super::fingerprint::{Compared, Fingerprint};
use crate::model::Endpoint;

/// How long a decision holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Remember {
    /// Until this program ends.
    Once,
    /// Until it is removed.
    Always,
    /// Not until a person says so again: ledger file and keyring do not agree about it. Never written.
    Unconfirmed,
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
    /// How the person knew it was the right one.
    #[serde(default)]
    pub verified: Verified,
    /// When the peer last showed it, UTC.
    #[serde(default)]
    pub last_seen: Option<Timestamp>,
    /// The certificate itself (base64 of its DER in the ledger), so that a later one can be compared with it.
    #[serde(default)]
    pub leaf: Option<Certificate>,
    /// SHA-256 of the SubjectPublicKeyInfo that signed it, where the signature was checked.
    #[serde(default)]
    pub issuer: Option<Fingerprint>,
}

/// How a person knew that an identity is the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verified {
    /// They said yes to what was shown.
    #[default]
    Blind,
    /// It was compared with a fingerprint they had from elsewhere.
    Fingerprint,
    /// They named exactly this fingerprint on the command line or in the URL.
    Named,
    /// An authority this machine trusts vouches for it.
    Authority,
    /// It came out of a file of exported decisions.
    Imported,
}

impl Verified {
    /// What a decision made by hand is worth after this comparison.
    pub fn after(compared: Option<Compared>) -> Self {
        if compared.is_some_and(Compared::is_proof) { Self::Fingerprint } else { Self::Blind }
    }
}

impl Pin {
    /// The pin for what `evidence` showed.
    pub fn of(evidence: &Evidence, remember: Remember, verified: Verified, now: Timestamp) -> Self {
        Self {
            verified,
            last_seen: Some(now),
            leaf: evidence.identity.leaf().cloned(),
            issuer: evidence.issuer(),
            certificate: evidence.identity.fingerprint(),
            spki: evidence.spki,
            accepted: evidence.problems.iter().map(|problem| problem.kind).filter(|kind| !kind.is_about_memory()).collect(),
            since: now,
            remember,
        }
    }

    /// The pin for a certificate of which only the fingerprint was named before it was ever seen at work. Accepted is what
    /// the certificate of a private server may honestly have; whatever else is wrong with it asks at the first connection.
    pub fn named(certificate: Fingerprint, leaf: Option<Certificate>, now: Timestamp) -> Self {
        use ProblemKind::{CaAsEndEntity, NameFromCnOnly, OldVersion, SelfSigned, UnknownIssuer};
        Self {
            certificate,
            spki: leaf.as_ref().and_then(|leaf| public_key_of(&leaf.der)).map(Fingerprint::of),
            accepted: BTreeSet::from([UnknownIssuer, SelfSigned, NameFromCnOnly, CaAsEndEntity, OldVersion]),
            since: now,
            remember: Remember::Always,
            verified: Verified::Named,
            last_seen: None,
            leaf,
            issuer: None,
        }
    }
}

impl Verified {
    /// How it was known, to end a sentence that begins "trusted".
    pub fn words(self) -> &'static str {
        match self {
            Self::Blind => "by what was shown",
            Self::Fingerprint => "by a compared fingerprint",
            Self::Named => "by a named fingerprint",
            Self::Authority => "by an authority",
            Self::Imported => "by an import",
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
