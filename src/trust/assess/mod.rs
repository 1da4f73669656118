//! Everything that is wrong with a certificate chain, found by ourselves and all of it. An explanation, never a permission.

mod findings;
mod names;
mod path;
mod tree;
mod walk;

use jiff::Timestamp;
use x509_parser::certificate::X509Certificate;

use super::anchors::Anchors;
use super::certificate;
use super::chain::ChainLink;
use super::evidence::{Certificate, Problem, ProblemKind};
use super::fingerprint::Fingerprint;
use super::revocation::{Checked, Revocation};
use super::signature::Signed;
use crate::model::{Endpoint, text};
pub(super) use names::name_covers;
pub use path::verify_path;

/// What [`assess`] found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assessment {
    /// Every problem, worst first.
    pub problems: Vec<Problem>,
    /// SHA-256 of the leaf's SubjectPublicKeyInfo, where it can be read.
    pub spki: Option<Fingerprint>,
    /// Nobody can trust this leaf: it cannot be read, or its key fits no handshake.
    pub unusable: bool,
    /// The way from the leaf up to a root, as far as it leads.
    pub chain: Vec<ChainLink>,
    /// Whether the leaf was taken back.
    pub revocation: Revocation,
}

/// What the platform's verifier answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlatformVerdict {
    /// The chain leads to a root of this machine and is good for this name now.
    Accepts,
    /// It does not.
    Refuses {
        /// The kind of problem, where the platform names one that is ours too.
        kind: Option<ProblemKind>,
        /// In its words.
        words: String,
    },
}

/// What a certificate is to be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Usage {
    /// To prove who a server is.
    #[default]
    Server,
    /// To prove to a server who its client is.
    Client,
}

/// What a chain is looked at for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purpose<'a> {
    /// The host it must name (lower case; a name or an address), if that matters.
    pub host: Option<&'a str>,
    /// What it is used for.
    pub usage: Usage,
}

/// A certificate of the chain that could be read.
struct Link<'a> {
    /// Its place in the chain as sent.
    at: usize,
    der: &'a [u8],
    x509: X509Certificate<'a>,
    signed: Signed<'a>,
}

/// More certificates than this are not looked at.
const LONGEST_CHAIN: usize = 10;

/// Looks at `chain` (leaf first) as shown by the server at `endpoint` at the instant `now`.
///
/// Knows no revocation, see [`Assessment::with_revocation`], and not what the platform says, see
/// [`Assessment::with_platform`].
pub fn assess(chain: &[Certificate], endpoint: &Endpoint, anchors: &Anchors, now: Timestamp) -> Assessment {
    assess_for(chain, Purpose { host: Some(&endpoint.host), usage: Usage::Server }, anchors, now)
}

/// The same for any purpose.
pub fn assess_for(chain: &[Certificate], purpose: Purpose<'_>, anchors: &Anchors, now: Timestamp) -> Assessment {
    let links = readable(chain);
    let Some(leaf) = links.first().filter(|link| link.at == 0) else {
        let text = "it cannot be read: this is no certificate, or a damaged one".to_owned();
        return Assessment { problems: vec![Problem { kind: ProblemKind::Other, at: 0, text }], unusable: true, ..Assessment::default() };
    };
    let mut assessment = Assessment { spki: Some(Fingerprint::of(leaf.x509.tbs_certificate.subject_pki.raw)), ..Assessment::default() };
    assessment.look_at_key(leaf);
    assessment.look_at_purpose(leaf, purpose);
    let walk = walk::up(&links, anchors, |link| {
        let mut faults = Assessment::default();
        faults.look_at_link(link, purpose.usage, now);
        faults.problems.len()
    });
    assessment.look_at_issuers(&walk, &links);
    for &at in &walk.path {
        assessment.look_at_link(&links[at], purpose.usage, now);
    }
    assessment.look_at_path(&walk, &links, purpose.usage, now);
    assessment.chain = tree::of(&walk, &links);
    assessment.in_order()
}

/// What is wrong with a certificate whoever shows it: its dates, format, algorithms, key.
pub fn alone(certificate: &Certificate, now: Timestamp) -> Vec<Problem> {
    let mut assessment = Assessment::default();
    if let Some(link) = readable(std::slice::from_ref(certificate)).first() {
        assessment.look_at_link(link, Usage::Server, now);
        assessment.problems.retain(|problem| problem.kind != ProblemKind::WrongUsage);
    }
    assessment.in_order().problems
}

/// The certificates that can be read, each once. Without the leaf there is nothing to explain.
fn readable(chain: &[Certificate]) -> Vec<Link<'_>> {
    let mut links: Vec<Link<'_>> = Vec::new();
    for (at, shown) in chain.iter().enumerate().take(LONGEST_CHAIN) {
        if chain[..at].contains(shown) {
            continue;
        }
        if let (Some(x509), Some(signed)) = (certificate::parse(&shown.der), Signed::read(&shown.der)) {
            links.push(Link { at, der: &shown.der, x509, signed });
        } else if at == 0 {
            break;
        }
    }
    links
}

impl Assessment {
    /// Brings in the platform's verdict, which alone decides whether there is nothing wrong.
    ///
    /// Where it accepts, of our own findings only a revocation stays, and whatever makes the leaf unusable. Where it
    /// refuses, what it names is added, and a refusal never ends without a problem.
    pub fn with_platform(mut self, verdict: PlatformVerdict) -> Self {
        match verdict {
            PlatformVerdict::Accepts if self.unusable => {}
            PlatformVerdict::Accepts => self.problems.retain(|problem| problem.kind == ProblemKind::Revoked),
            PlatformVerdict::Refuses { kind, words } => {
                let is_new = match kind {
                    // What webpki says of names and issuers is covered by what was found in more detail.
                    None | Some(ProblemKind::UnknownIssuer) => self.problems.is_empty(),
                    Some(ProblemKind::NameMismatch) => !self.has(ProblemKind::NameMismatch) && !self.has(ProblemKind::NameFromCnOnly),
                    Some(kind) => !self.has(kind),
                };
                if is_new {
                    self.add(kind.unwrap_or(ProblemKind::Other), 0, &words);
                }
            }
        }
        self.in_order()
    }

    /// Brings in what is known of revocation.
    #[must_use]
    pub fn with_revocation(mut self, checked: Checked) -> Self {
        self.revocation = checked.leaf;
        self.problems.extend(checked.problems);
        self.in_order()
    }

    fn has(&self, kind: ProblemKind) -> bool {
        self.problems.iter().any(|problem| problem.kind == kind)
    }

    fn add(&mut self, kind: ProblemKind, at: usize, words: &str) {
        self.problems.push(Problem { kind, at, text: text::display_safe(words.as_bytes()) });
    }

    fn in_order(mut self) -> Self {
        self.problems.sort_by_key(|problem| (severity(problem.kind), problem.at));
        self
    }
}

/// The order in which a person should read them; smaller is worse.
fn severity(kind: ProblemKind) -> usize {
    use ProblemKind as Kind;
    const WORST_FIRST: [ProblemKind; 16] = [
        Kind::ChangedSincePinned,
        Kind::Revoked,
        Kind::BadChainSignature,
        Kind::NameMismatch,
        Kind::UnknownIssuer,
        Kind::SelfSigned,
        Kind::UnknownHostKey,
        Kind::Expired,
        Kind::NotYetValid,
        Kind::WeakKey,
        Kind::WrongUsage,
        Kind::WeakSignature,
        Kind::CaAsEndEntity,
        Kind::OldVersion,
        Kind::UnknownCriticalExtension,
        Kind::NameFromCnOnly,
    ];
    WORST_FIRST.iter().position(|&worse| worse == kind).unwrap_or(WORST_FIRST.len())
}
