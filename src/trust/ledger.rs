//! Everything a person trusts, in one list: certificates, authorities, host keys. Rows only; [`super::store`] and
//! [`super::known_hosts`] keep what they are made of.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::evidence::{Certificate, ProblemKind};
use super::fingerprint::Fingerprint;
use super::known_hosts::Place;
use super::pins::Verified;
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
    /// Where it is written: `your keyring`, `the ledger file`, `~/.ssh/known_hosts line 3`; safe to draw.
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
    /// There is no keyring here: the file alone serves.
    NoKeyring,
    /// There is one, and it says something else or nothing: the next connection asks again.
    Denied,
    /// The row is not kept there (known_hosts, this run only).
    NotApplicable,
}
