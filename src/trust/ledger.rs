//! Everything a person trusts, in one list: certificates, authorities, host keys. Rows only; [`super::store`] and
//! [`super::known_hosts`] keep what they are made of.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::certificate::CertificateFacts;
use super::evidence::{Certificate, ProblemKind};
use super::fingerprint::Fingerprint;
use super::known_hosts::{Listed, Marker, Place};
use super::pins::{Pin, Remember, Verified};
use super::store::Authority;
use crate::model::Endpoint;

/// A line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is, and what takes it out of the list again.
    pub subject: Subject,
    /// For whom: `ftp.example.com:21`, the host patterns of a known_hosts line, the name of an authority; safe to draw.
    pub whom: String,
    /// The certificate's or key's.
    pub fingerprint: Fingerprint,
    /// Trusted since, UTC, where it is known.
    pub since: Option<Timestamp>,
    /// How the person knew it was the right one, where it is known.
    pub verified: Option<Verified>,
    /// The problems that were accepted with it.
    pub accepted: BTreeSet<ProblemKind>,
    /// When it ends by itself, UTC.
    pub expires: Option<Timestamp>,
    /// When the peer last showed it, UTC, where it is known.
    pub last_seen: Option<Timestamp>,
    /// Where it is written: `your keyring and the ledger file`, `~/.ssh/known_hosts line 3`; safe to draw.
    pub kept: String,
    /// Whether the keyring confirms it.
    pub confirmed: Confirmation,
    /// The certificate itself, where there is one and it was kept.
    pub certificate: Option<Certificate>,
}

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A certificate trusted at one endpoint.
    Certificate(Endpoint),
    /// A certificate authority of the person's own, which vouches for servers.
    Authority(Fingerprint),
    /// A line of known_hosts, with the type of its key.
    HostKey(Place, String),
    /// A `@cert-authority` line of known_hosts.
    HostAuthority(Place, String),
    /// A `@revoked` line of known_hosts: never to be trusted.
    RevokedHostKey(Place, String),
}

/// Whether the keyring, which is authoritative where there is one, confirms a row of the ledger file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// It does.
    Confirmed,
    /// There is no keyring here that can be used: the file alone serves.
    NoKeyring,
    /// There is one, and it says something else or nothing: the next connection asks again.
    Denied,
    /// The row is not kept there (known_hosts, this run only).
    NotApplicable,
}

/// What is known of a host key besides its line in known_hosts: written when it is accepted here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostKeyNote {
    /// Where it was accepted.
    #[serde(skip, default = "nowhere")]
    pub endpoint: Endpoint,
    /// The key's.
    pub fingerprint: Fingerprint,
    /// When, UTC.
    pub since: Timestamp,
    /// How the person knew.
    #[serde(default)]
    pub verified: Verified,
    /// When the host last showed it, UTC.
    #[serde(default)]
    pub last_seen: Option<Timestamp>,
}

fn nowhere() -> Endpoint {
    Endpoint::new("", 0)
}

impl Row {
    /// The row of a pin; `kept` says where the store has it.
    pub fn of_pin(endpoint: &Endpoint, pin: Pin, kept: impl Into<String>, confirmed: Confirmation) -> Self {
        Self {
            subject: Subject::Certificate(endpoint.clone()),
            whom: endpoint.to_string(),
            fingerprint: pin.certificate,
            since: Some(pin.since),
            verified: Some(pin.verified),
            accepted: pin.accepted,
            expires: pin.leaf.as_ref().and_then(expiry),
            last_seen: pin.last_seen,
            kept: kept.into(),
            confirmed: if pin.remember == Remember::Once { Confirmation::NotApplicable } else { confirmed },
            certificate: pin.leaf,
        }
    }

    /// The row of an authority.
    pub fn of_authority(authority: Authority, kept: impl Into<String>, confirmed: Confirmation) -> Self {
        let facts = CertificateFacts::read(&authority.certificate.der).ok();
        Self {
            subject: Subject::Authority(authority.fingerprint()),
            whom: facts.as_ref().map_or_else(|| "an authority that cannot be read".to_owned(), CertificateFacts::owner),
            fingerprint: authority.fingerprint(),
            since: Some(authority.since),
            verified: Some(authority.verified),
            accepted: BTreeSet::new(),
            expires: facts.map(|facts| facts.not_after),
            last_seen: None,
            kept: kept.into(),
            confirmed,
            certificate: Some(authority.certificate),
        }
    }

    /// The row of a known_hosts line, with what was noted about its key.
    pub fn of_line(line: Listed, notes: &[HostKeyNote]) -> Self {
        let fingerprint = Fingerprint::of(&line.blob);
        let note =
            notes.iter().find(|note| note.fingerprint == fingerprint && line.covers(&note.endpoint)).filter(|_| line.marker.is_none());
        let kept = line.place.to_string();
        let subject = match line.marker {
            None => Subject::HostKey(line.place, line.algorithm),
            Some(Marker::CertAuthority) => Subject::HostAuthority(line.place, line.algorithm),
            Some(Marker::Revoked) => Subject::RevokedHostKey(line.place, line.algorithm),
        };
        Self {
            subject,
            whom: line.whom,
            fingerprint,
            since: note.map(|note| note.since),
            verified: note.map(|note| note.verified),
            accepted: BTreeSet::new(),
            expires: None,
            last_seen: note.and_then(|note| note.last_seen),
            kept,
            confirmed: Confirmation::NotApplicable,
            certificate: None,
        }
    }

    /// The row as `trust list --json` prints it: public facts only.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        let mut put = |key: &str, value: Value| drop(object.insert(key.to_owned(), value));
        put("kind", json!(self.subject.name()));
        put("whom", json!(self.whom));
        match &self.subject {
            Subject::Certificate(endpoint) => {
                put("host", json!(endpoint.host));
                put("port", json!(endpoint.port));
            }
            Subject::Authority(_) => {}
            Subject::HostKey(place, algorithm) | Subject::HostAuthority(place, algorithm) | Subject::RevokedHostKey(place, algorithm) => {
                put("algorithm", json!(algorithm));
                put("file", json!(place.file.to_string_lossy()));
                put("line", json!(place.line));
            }
        }
        put("sha256", json!(self.fingerprint.hex()));
        for (key, time) in [("since", self.since), ("last_seen", self.last_seen), ("expires", self.expires)] {
            if let Some(time) = time {
                put(key, json!(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()));
            }
        }
        if let Some(verified) = self.verified {
            put("verified", json!(verified));
        }
        put("accepted", json!(self.accepted));
        put("kept", json!(self.kept));
        put("confirmed", json!(self.confirmed.name()));
        if let Some(certificate) = &self.certificate {
            put("certificate", json!(certificate));
        }
        Value::Object(object)
    }
}

fn expiry(certificate: &Certificate) -> Option<Timestamp> {
    CertificateFacts::read(&certificate.der).ok().map(|facts| facts.not_after)
}

impl Subject {
    /// The stable name, e.g. `host-key`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Certificate(_) => "certificate",
            Self::Authority(_) => "authority",
            Self::HostKey(..) => "host-key",
            Self::HostAuthority(..) => "host-authority",
            Self::RevokedHostKey(..) => "revoked-host-key",
        }
    }
}

impl Confirmation {
    /// The stable name, e.g. `no-keyring`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::NoKeyring => "no-keyring",
            Self::Denied => "denied",
            Self::NotApplicable => "not-applicable",
        }
    }
}
