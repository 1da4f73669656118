//! Whether a certificate was taken back by its issuer: lists (CRL, RFC 5280 section 5) and answers (OCSP, RFC 6960).
//! Looks only at what is at hand and checks every signature on it; fetches nothing.

mod answer;
mod folder;
mod list;
mod name;
mod subject;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use folder::ListFolder;
pub use list::RevocationList;

use super::anchors::Anchors;
use super::evidence::{Certificate, Problem, ProblemKind};
use crate::model::text;
use subject::{Subject, Ways};

/// What is known of a certificate's revocation. *Not checked* is its own state, never "good".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Revocation {
    /// Nobody looked, or nothing was at hand to look in.
    #[default]
    NotChecked,
    /// Its issuer says it stands.
    Good {
        /// Who says so.
        source: RevocationSource,
        /// Until when that answer holds, UTC.
        until: Option<Timestamp>,
    },
    /// Its issuer took it back.
    Revoked {
        /// Who says so.
        source: RevocationSource,
        /// Since when, UTC.
        since: Option<Timestamp>,
        /// Why, in the words of RFC 5280 section 5.3.1, e.g. `key compromise`.
        reason: Option<String>,
    },
    /// An answer was at hand and does not count.
    Unusable {
        /// Where it came from.
        source: RevocationSource,
        /// Why not, in words: out of date, signed by somebody else.
        why: String,
    },
}

/// Where an answer about a revocation came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevocationSource {
    /// The server brought it along in the handshake (RFC 6066 section 8).
    Staple,
    /// A list in a file here, its name made safe to draw.
    File(String),
    /// It was fetched on request from this address.
    Fetched(String),
}

/// What [`check`] found about a chain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// The leaf's state.
    pub leaf: Revocation,
    /// One problem for each certificate of the chain that was taken back.
    pub problems: Vec<Problem>,
}

/// A place where a certificate's issuer says whether it stands, as the certificate names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevocationPlace {
    /// A responder to ask, with the DER of the question.
    Responder(String, Vec<u8>),
    /// A list to fetch.
    List(String),
}

/// Looks whether a certificate of `chain` (leaf first) was taken back, as of `now`: in the answer about the leaf the
/// server stapled (empty: none), then in `lists`. Every certificate counts that stands on some way up from the leaf.
/// `anchors` is called only where there is something to look in.
///
/// A certificate whose issuer is not known by its signature stays *not checked*; of the leaf, what is at hand is then
/// *unusable*. A chain of more certificates of one name than are looked at is a problem itself.
pub fn check<'a>(
    chain: &'a [Certificate],
    anchors: impl FnOnce() -> &'a Anchors,
    staple: &[u8],
    lists: &[RevocationList],
    now: Timestamp,
) -> Checked {
    if staple.is_empty() && lists.is_empty() {
        return Checked::default();
    }
    let wanted = |at: usize, issuer: &[u8]| (at == 0 && !staple.is_empty()) || lists.iter().any(|list| list.is_of(issuer));
    let Ways { subjects, is_cut } = subject::up(chain, anchors, wanted);
    let mut states = BTreeMap::<usize, Revocation>::new();
    for subject in subjects {
        let state = states.entry(subject.at).or_default();
        if subject.at == 0 && !staple.is_empty() {
            state.take_in(Revocation::from_finding(answer::look(staple, &subject, now), RevocationSource::Staple));
        }
        for list in lists.iter().filter(|list| list.is_of(subject.issuer_name())) {
            state.take_in(Revocation::from_finding(list.look(&subject, now), RevocationSource::File(list.name.clone())));
        }
    }
    let mut problems: Vec<_> = states.iter().filter_map(|(at, state)| state.problem(*at)).collect();
    let mut leaf = states.remove(&0).unwrap_or_default();
    if is_cut {
        problems.push(Problem { kind: ProblemKind::Revoked, at: 0, text: format!("whether it was taken back cannot be told: {TOO_MANY}") });
    }
    let is_open = matches!(leaf, Revocation::NotChecked) || (is_cut && !matches!(leaf, Revocation::Revoked { .. }));
    if let Some(issuer) = chain.first().and_then(subject::issuer_of).filter(|_| is_open) {
        let list = lists.iter().find(|list| list.is_of(issuer)).map(|list| RevocationSource::File(list.name.clone()));
        if let Some(source) = Some(RevocationSource::Staple).filter(|_| !staple.is_empty()).or(list) {
            leaf = Revocation::Unusable { source, why: if is_cut { TOO_MANY } else { NO_ISSUER }.to_owned() };
        }
    }
    Checked { leaf, problems }
}

const NO_ISSUER: &str = "its signature cannot be checked, because the certificate of the issuer is not at hand";
const TOO_MANY: &str = "the server sent more certificates of the same names than are looked at";

/// Where to ask about the leaf of `chain`, responders first; empty where its issuer is not known or names no place.
pub fn places<'a>(chain: &'a [Certificate], anchors: impl FnOnce() -> &'a Anchors) -> Vec<RevocationPlace> {
    let leaf = leaf(chain, anchors);
    let mut places = leaf.iter().flat_map(Subject::responders).take(MOST_QUESTIONS).collect::<Vec<_>>();
    places.extend(leaf.first().into_iter().flat_map(Subject::lists));
    places
}

/// More questions than this are not asked.
const MOST_QUESTIONS: usize = 8;

/// What came from a `place` about the leaf of `chain`: signatures and dates are looked at as in [`check`].
pub fn check_fetched<'a>(
    chain: &'a [Certificate],
    anchors: impl FnOnce() -> &'a Anchors,
    place: &RevocationPlace,
    bytes: &[u8],
    now: Timestamp,
) -> Revocation {
    let list = match place {
        RevocationPlace::Responder(..) => None,
        RevocationPlace::List(address) => RevocationList::read(address, bytes).into_iter().next(),
    };
    let mut state = Revocation::NotChecked;
    for leaf in leaf(chain, anchors) {
        let finding = match (place, &list) {
            (RevocationPlace::Responder(..), _) => answer::look(bytes, &leaf, now),
            (RevocationPlace::List(_), None) => Err("what came is no revocation list".to_owned()),
            (RevocationPlace::List(_), Some(list)) if !list.is_of(leaf.issuer_name()) => {
                Err("what came is the list of another issuer".to_owned())
            }
            (RevocationPlace::List(_), Some(list)) => list.look(&leaf, now),
        };
        state.take_in(Revocation::from_finding(finding, RevocationSource::Fetched(text::display_safe(place.address().as_bytes()))));
    }
    state
}

/// The leaf of `chain`, once for each key that fits its signature.
fn leaf<'a>(chain: &'a [Certificate], anchors: impl FnOnce() -> &'a Anchors) -> Vec<Subject<'a>> {
    subject::up(chain, anchors, |at, _| at == 0).subjects
}

/// What one answer or list says of a certificate; the error says why it does not count.
type Finding = Result<Statement, String>;

/// What an issuer states.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Statement {
    Good { until: Option<Timestamp> },
    Revoked { since: Option<Timestamp>, reason: Option<String> },
}

impl RevocationPlace {
    /// The address as the certificate has it. Not safe to draw.
    pub fn address(&self) -> &str {
        match self {
            Self::Responder(address, _) | Self::List(address) => address,
        }
    }
}

impl Revocation {
    fn from_finding(finding: Finding, source: RevocationSource) -> Self {
        match finding {
            Ok(Statement::Good { until }) => Self::Good { source, until },
            Ok(Statement::Revoked { since, reason }) => Self::Revoked { source, since, reason },
            Err(why) => Self::Unusable { source, why },
        }
    }

    /// Of two states of one certificate the one that counts: taken back before good, good before what does not count.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if other.weight() > self.weight() { other } else { self }
    }

    fn take_in(&mut self, other: Self) {
        *self = std::mem::take(self).or(other);
    }

    /// The problem of a certificate at this place of its chain, if it was taken back.
    pub fn problem(&self, at: usize) -> Option<Problem> {
        let Self::Revoked { source, since, reason } = self else { return None };
        let since = since.map(|since| format!(" on {}", moment(since))).unwrap_or_default();
        let reason = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let text = format!("its issuer took it back{since}{reason}; {} says so", source.words());
        Some(Problem { kind: ProblemKind::Revoked, at, text })
    }

    fn weight(&self) -> u8 {
        match self {
            Self::NotChecked => 0,
            Self::Unusable { .. } => 1,
            Self::Good { .. } => 2,
            Self::Revoked { .. } => 3,
        }
    }
}

impl RevocationSource {
    /// In words, as the subject of a sentence: `the list x.crl`.
    pub fn words(&self) -> String {
        match self {
            Self::Staple => "the answer the server brought along (OCSP)".to_owned(),
            Self::File(name) => format!("the revocation list {name}"),
            Self::Fetched(address) => format!("the answer from {address}"),
        }
    }
}

/// How far the clocks of an issuer and this machine may be apart, in seconds.
const CLOCK_SKEW: i64 = 300;

/// Whether something stated at `from`, holding `until`, holds at `now`; the error says why not.
fn in_force(from: Timestamp, until: Timestamp, now: Timestamp) -> Result<(), String> {
    if from.as_second() > now.as_second().saturating_add(CLOCK_SKEW) {
        Err(format!("it is dated {}, which is still to come", moment(from)))
    } else if until < now {
        Err(format!("it is out of date: it held until {}", moment(until)))
    } else {
        Ok(())
    }
}

fn moment(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// What a CRLReason means (RFC 5280 section 5.3.1); `None` for *unspecified* and unknown numbers.
fn reason(number: &[u8]) -> Option<String> {
    let words = match number {
        [1] => "key compromise",
        [2] => "CA compromise",
        [3] => "affiliation changed",
        [4] => "superseded",
        [5] => "cessation of operation",
        [6] => HOLD,
        [9] => "privilege withdrawn",
        [10] => "AA compromise",
        _ => return None,
    };
    Some(words.to_owned())
}

/// The one reason that may be taken back again, so that an old statement of it proves nothing today.
const HOLD: &str = "certificate hold";

/// A statement of `from` until `until`: what is out of date says nothing, except that a certificate was taken back for good.
fn as_of(statement: Statement, in_force: Result<(), String>) -> Finding {
    let is_final = matches!(&statement, Statement::Revoked { reason, .. } if reason.as_deref() != Some(HOLD));
    match in_force {
        Err(why) if !is_final => Err(why),
        _ => Ok(statement),
    }
}
