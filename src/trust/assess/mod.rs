//! Everything that is wrong with a certificate chain, found by ourselves and all of it. An explanation, never a permission.

mod names;
mod walk;

use jiff::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::x509::X509Version;

use super::algorithm::{KeyKind, signature_algorithm};
use super::anchors::Anchors;
use super::certificate;
use super::chain::ChainLink;
use super::evidence::{Certificate, Problem, ProblemKind};
use super::fingerprint::Fingerprint;
use super::revocation::Revocation;
use super::signature::{PublicKey, Signed, provider_algorithms};
use crate::model::{Endpoint, text};
use names::NameMatch;
pub(super) use names::name_covers;

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

/// A certificate of the chain that could be read.
struct Link<'a> {
    /// Its place in the chain as sent.
    at: usize,
    x509: X509Certificate<'a>,
    signed: Signed<'a>,
}

/// More certificates than this are not looked at.
const LONGEST_CHAIN: usize = 10;

/// Looks at `chain` (leaf first) as shown by `endpoint` at the instant `now`.
///
/// Knows no revocation: that is the platform's to say, see [`Assessment::with_platform`].
pub fn assess(chain: &[Certificate], endpoint: &Endpoint, anchors: &Anchors, now: Timestamp) -> Assessment {
    let links = readable(chain);
    let Some(leaf) = links.first().filter(|link| link.at == 0) else {
        let text = "it cannot be read: this is no certificate, or a damaged one".to_owned();
        return Assessment { problems: vec![Problem { kind: ProblemKind::Other, at: 0, text }], unusable: true, ..Assessment::default() };
    };
    let mut assessment = Assessment { spki: Some(Fingerprint::of(leaf.x509.tbs_certificate.subject_pki.raw)), ..Assessment::default() };
    assessment.look_at_key(leaf);
    assessment.look_at_purpose(leaf, endpoint);
    for &at in &assessment.look_at_issuers(&links, anchors) {
        assessment.look_at_link(&links[at], now);
    }
    assessment.in_order()
}

/// What is wrong with a certificate whoever shows it: its dates, format, algorithms, key.
pub fn alone(certificate: &Certificate, now: Timestamp) -> Vec<Problem> {
    let mut assessment = Assessment::default();
    if let Some(link) = readable(std::slice::from_ref(certificate)).first() {
        assessment.look_at_link(link, now);
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
            links.push(Link { at, x509, signed });
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

    /// Whether a handshake with the leaf's key can work at all.
    fn look_at_key(&mut self, leaf: &Link<'_>) {
        let spki = &leaf.x509.tbs_certificate.subject_pki;
        let known = PublicKey::read(spki.raw)
            .is_some_and(|key| provider_algorithms().all.iter().any(|algorithm| algorithm.public_key_alg_id().as_ref() == key.algorithm));
        let kind = KeyKind::of(spki);
        let in_reach = !matches!(kind, KeyKind::Rsa { bits } if !(2048..=8192).contains(&bits));
        self.unusable = !known || !in_reach;
        if self.unusable && !kind.is_weak() {
            self.add(ProblemKind::Other, 0, &format!("its key ({kind}) is of a kind no handshake here can use"));
        }
    }

    /// What the leaf is for: names, usage, authority.
    fn look_at_purpose(&mut self, leaf: &Link<'_>, endpoint: &Endpoint) {
        let host = &endpoint.host;
        match names::look(&leaf.x509, host) {
            NameMatch::Listed => {}
            NameMatch::CommonNameOnly => {
                self.add(ProblemKind::NameFromCnOnly, 0, &format!("{host} stands only in its common name, where programs no longer look"));
            }
            NameMatch::No(listed) if listed.is_empty() => {
                self.add(ProblemKind::NameMismatch, 0, &format!("it names no host, so not {host} either"));
            }
            NameMatch::No(listed) => self.add(ProblemKind::NameMismatch, 0, &format!("it is for {}, not for {host}", some_of(&listed))),
        }
        if let Ok(Some(usage)) = leaf.x509.extended_key_usage()
            && !usage.value.server_auth
            && !usage.value.any
        {
            self.add(ProblemKind::WrongUsage, 0, "it was not made for servers: its extended key usage lacks server authentication");
        }
        if leaf.x509.is_ca() {
            self.add(ProblemKind::CaAsEndEntity, 0, "it is marked as a certificate authority and used as a server's own certificate");
        }
        let unreadable = |extension: &x509_parser::extensions::X509Extension<'_>| {
            UNDERSTOOD.contains(&extension.oid.to_id_string().as_str())
                && matches!(extension.parsed_extension(), ParsedExtension::ParseError { .. })
        };
        if leaf.x509.extensions().iter().any(unreadable) || leaf.x509.tbs_certificate.extensions_map().is_err() {
            self.unusable = true;
            self.add(ProblemKind::Other, 0, "what it says of itself (names, usage) is damaged or there twice");
        }
    }

    /// Who vouches for the leaf; answers the links that take part.
    fn look_at_issuers(&mut self, links: &[Link<'_>], anchors: &Anchors) -> Vec<usize> {
        let walk = walk::up(links, anchors);
        for &at in &walk.forged {
            let issuer = certificate::short_name(&links[at].x509.tbs_certificate.issuer);
            let words = format!("it says {issuer} signed it, but the signature is not by that key: damaged or forged");
            self.add(ProblemKind::BadChainSignature, links[at].at, &words);
        }
        if !walk.anchored {
            let last = &links[walk.last];
            let issuer = certificate::short_name(&last.x509.tbs_certificate.issuer);
            let words = if walk::is_self_signed(&links[0]) {
                self.add(ProblemKind::SelfSigned, 0, "it vouches for itself: nobody else signed it");
                "no authority this machine trusts vouches for it".to_owned()
            } else if !last.signed.is_checkable() {
                let (algorithm, _) = signature_algorithm(&last.x509.signature_algorithm);
                format!("whether {issuer} signed it cannot be checked: nobody here trusts {algorithm}")
            } else if walk::is_self_signed(last) {
                format!("it leads to {issuer}, which this machine does not trust")
            } else {
                format!("its issuer {issuer} is not known to this machine, and the server did not send its certificate")
            };
            self.add(ProblemKind::UnknownIssuer, 0, &words);
        }
        walk.path
    }

    /// What is wrong with one certificate as such.
    fn look_at_link(&mut self, link: &Link<'_>, now: Timestamp) {
        let validity = link.x509.validity();
        let (from, to) = (certificate::instant(&validity.not_before), certificate::instant(&validity.not_after));
        if now > to {
            self.add(ProblemKind::Expired, link.at, &format!("it was valid until {}", day(to)));
        }
        if now < from {
            self.add(ProblemKind::NotYetValid, link.at, &format!("it is valid only from {}", day(from)));
        }
        if link.x509.version() != X509Version::V3 {
            self.add(
                ProblemKind::OldVersion,
                link.at,
                &format!("its format is X.509 version {}, long replaced by 3", link.x509.version().0.saturating_add(1)),
            );
        }
        let (algorithm, weak) = signature_algorithm(&link.x509.signature_algorithm);
        if weak && (link.at == 0 || !walk::is_self_signed(link)) {
            self.add(ProblemKind::WeakSignature, link.at, &format!("it is signed with {algorithm}, which can be forged"));
        }
        let key = KeyKind::of(&link.x509.tbs_certificate.subject_pki);
        if key.is_weak() {
            self.add(ProblemKind::WeakKey, link.at, &format!("its key ({key}) is too weak"));
        }
        for extension in link.x509.extensions().iter().filter(|extension| extension.critical) {
            let oid = extension.oid.to_id_string();
            if !UNDERSTOOD.contains(&oid.as_str()) {
                self.add(
                    ProblemKind::UnknownCriticalExtension,
                    link.at,
                    &format!("it has a critical extension nobody here understands: {oid}"),
                );
            }
        }
    }
}

/// Extensions verification takes into account: key usage, names, basic and name constraints, CRL places, extended usage.
const UNDERSTOOD: [&str; 6] = ["2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.30", "2.5.29.31", "2.5.29.37"];

fn day(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let some = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN { format!("{some} and {} more", names.len() - SHOWN) } else { some }
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
