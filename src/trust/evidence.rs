//! What a peer showed and everything that is wrong with it. Facts only: nothing here makes anything trusted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::assess::Assessment;
use super::chain::{ChainLink, LinkSignature};
use super::change::Change;
use super::fingerprint::Fingerprint;
use super::host_key::HostKey;
use super::pins::{Pin, Remember};
use super::revocation::Revocation;
use super::tls_facts::TlsFacts;
use crate::model::Endpoint;

/// A certificate as it came over the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// DER.
    pub der: Box<[u8]>,
}

/// Base64 of the DER.
impl Serialize for Certificate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.der))
    }
}

impl<'de> Deserialize<'de> for Certificate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let der = STANDARD.decode(text).map_err(serde::de::Error::custom)?;
        Ok(Self { der: der.into() })
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({})", Fingerprint::of(&self.der))
    }
}

/// Who a peer says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerIdentity {
    /// A certificate chain, the leaf first, as sent.
    Certificates(Vec<Certificate>),
    /// An SSH host key.
    HostKey(HostKey),
}

impl PeerIdentity {
    /// The peer's own certificate; `None` for a host key.
    pub fn leaf(&self) -> Option<&Certificate> {
        match self {
            Self::Certificates(chain) => chain.first(),
            Self::HostKey(_) => None,
        }
    }

    /// A fingerprint in the notation commands take for such an identity: OpenSSH's for host keys, `sha256:HEX` for certificates.
    pub fn named(&self, fingerprint: &Fingerprint) -> String {
        match self {
            Self::Certificates(_) => fingerprint.to_string(),
            Self::HostKey(_) => fingerprint.openssh(),
        }
    }

    /// The fingerprint in the notation people compare: OpenSSH's for host keys, colons for certificates.
    pub fn shown_fingerprint(&self) -> String {
        match self {
            Self::Certificates(_) => self.fingerprint().colons(),
            Self::HostKey(_) => self.fingerprint().openssh(),
        }
    }

    /// Whether `typed` is the last `count` characters of the fingerprint as it is shown, colons and spaces aside.
    pub fn is_end_of_fingerprint(&self, typed: &str, count: usize) -> bool {
        let plain = |text: &str| -> String { text.chars().filter(|c| !matches!(c, ':' | ' ')).collect() };
        let (shown, typed) = (plain(&self.shown_fingerprint()), plain(typed));
        let last = &shown[shown.len().saturating_sub(count)..];
        match self {
            // Case is free in hex and counts in base64.
            Self::Certificates(_) => last.eq_ignore_ascii_case(&typed),
            Self::HostKey(_) => last == typed,
        }
    }

    /// SHA-256 of the leaf certificate's DER, or of the host key's blob.
    pub fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::Certificates(chain) => Fingerprint::of(chain.first().map_or(&[], |leaf| &leaf.der)),
            Self::HostKey(key) => Fingerprint::of(&key.blob),
        }
    }
}

/// The kinds of problem, by their stable names (command line, ledger).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are the documentation; each has its sentence in ProblemKind::text")]
pub enum ProblemKind {
    UnknownIssuer,
    SelfSigned,
    Expired,
    NotYetValid,
    NameMismatch,
    NameFromCnOnly,
    WrongUsage,
    CaAsEndEntity,
    OldVersion,
    WeakSignature,
    WeakKey,
    UnknownCriticalExtension,
    Revoked,
    BadChainSignature,
    ChangedSincePinned,
    /// Ledger file and keyring do not agree about what was trusted here.
    Unconfirmed,
    /// SSH: no known_hosts line names this host.
    UnknownHostKey,
    Other,
}

impl ProblemKind {
    /// Every kind.
    pub const ALL: [Self; 18] = [
        Self::UnknownIssuer,
        Self::SelfSigned,
        Self::Expired,
        Self::NotYetValid,
        Self::NameMismatch,
        Self::NameFromCnOnly,
        Self::WrongUsage,
        Self::CaAsEndEntity,
        Self::OldVersion,
        Self::WeakSignature,
        Self::WeakKey,
        Self::UnknownCriticalExtension,
        Self::Revoked,
        Self::BadChainSignature,
        Self::ChangedSincePinned,
        Self::Unconfirmed,
        Self::UnknownHostKey,
        Self::Other,
    ];

    /// The stable name, e.g. `unknown-issuer`.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownIssuer => "unknown-issuer",
            Self::SelfSigned => "self-signed",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::NameMismatch => "name-mismatch",
            Self::NameFromCnOnly => "name-from-cn-only",
            Self::WrongUsage => "wrong-usage",
            Self::CaAsEndEntity => "ca-as-end-entity",
            Self::OldVersion => "old-version",
            Self::WeakSignature => "weak-signature",
            Self::WeakKey => "weak-key",
            Self::UnknownCriticalExtension => "unknown-critical-extension",
            Self::Revoked => "revoked",
            Self::BadChainSignature => "bad-chain-signature",
            Self::ChangedSincePinned => "changed-since-pinned",
            Self::Unconfirmed => "unconfirmed",
            Self::UnknownHostKey => "unknown-host-key",
            Self::Other => "other",
        }
    }

    /// It is about what was trusted before and no property of the identity: no decision accepts it for later.
    pub fn is_about_memory(self) -> bool {
        matches!(self, Self::ChangedSincePinned | Self::Unconfirmed)
    }

    /// Whoever names a certificate before it is seen at work settles it. That it ran out or was taken back asks again.
    pub fn is_settled_by_naming(self) -> bool {
        !self.is_about_memory() && !matches!(self, Self::Expired | Self::NotYetValid | Self::Revoked | Self::BadChainSignature)
    }
}

/// One thing that is wrong with a peer's identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Which kind.
    pub kind: ProblemKind,
    /// Place in the chain, 0 = the peer's own certificate.
    pub at: usize,
    /// One sentence for a person, made safe to draw.
    pub text: String,
}

/// All that is known of a peer at the moment of judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Where it answered.
    pub endpoint: Endpoint,
    /// Who it says it is.
    pub identity: PeerIdentity,
    /// Everything wrong with it, worst first; empty only if the platform's verifier (or known_hosts) accepts it.
    pub problems: Vec<Problem>,
    /// SHA-256 of the leaf's SubjectPublicKeyInfo; for a host key the same as its fingerprint.
    pub spki: Option<Fingerprint>,
    /// The identity remembered for this endpoint, where another one is: what the person trusted before.
    pub remembered: Option<Remembered>,
    /// It cannot be trusted even if the person wants to: unreadable, a key no handshake can use, or an SSH key that
    /// contradicts known_hosts, where only a hand in that file helps.
    pub unusable: bool,
    /// The way from the peer's certificate up to a root, as far as it leads; empty for a host key.
    pub chain: Vec<ChainLink>,
    /// Whether the peer's certificate was taken back.
    pub revocation: Revocation,
    /// TLS connections only.
    pub tls: TlsFacts,
}

/// What was trusted at this endpoint before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Where that is written, for the person to look: `known_hosts line 12`, `pinned 2026-11-02`.
    pub place: String,
    /// Whether the new identity has the same public key (a renewal).
    pub same_key: bool,
    /// What kind of change it is.
    pub change: Change,
    /// The certificate that was trusted, where it was kept; `None` for host keys and old pins.
    pub certificate: Option<Certificate>,
}

impl Evidence {
    /// The evidence of a certificate chain, with the pin of its endpoint brought in.
    pub fn of_certificates(endpoint: Endpoint, chain: Vec<Certificate>, assessment: Assessment, pin: Option<&Pin>) -> Self {
        let Assessment { mut problems, spki, unusable, chain: links, revocation } = assessment;
        let identity = PeerIdentity::Certificates(chain);
        let remembered = pin.filter(|pin| pin.certificate != identity.fingerprint()).map(|pin| Remembered {
            fingerprint: pin.certificate,
            place: format!("pinned {}", pin.since.strftime("%Y-%m-%d")),
            same_key: spki.is_some() && pin.spki == spki,
            change: Change::of_certificates(pin, spki, &links),
            certificate: pin.leaf.clone(),
        });
        if let Some(before) = &remembered {
            let key = if before.same_key { "its key is the same" } else { "its key is another one" };
            let text = format!("this is not the certificate you trusted here before ({}); {key}", before.place);
            problems.insert(0, Problem { kind: ProblemKind::ChangedSincePinned, at: 0, text });
        }
        if let Some(pin) = pin.filter(|pin| remembered.is_none() && pin.remember != Remember::Unconfirmed) {
            let since = pin.since.strftime("%Y-%m-%d");
            // What is new is what is asked about.
            problems.sort_by_key(|problem| pin.accepted.contains(&problem.kind));
            for problem in problems.iter_mut().filter(|problem| !pin.accepted.contains(&problem.kind)) {
                problem.text = format!("{} (new since you trusted it on {since})", problem.text);
            }
        }
        if pin.is_some_and(|pin| pin.remember == Remember::Unconfirmed) {
            let text = "the ledger file has a decision about this server that your keyring does not confirm, so you are asked again";
            problems.insert(0, Problem { kind: ProblemKind::Unconfirmed, at: 0, text: text.to_owned() });
        }
        Self { endpoint, identity, problems, spki, remembered, unusable, chain: links, revocation, tls: TlsFacts::default() }
    }

    /// An identity of which nothing is known to be wrong.
    pub fn new(endpoint: Endpoint, identity: PeerIdentity) -> Self {
        let spki = match &identity {
            PeerIdentity::Certificates(_) => None,
            PeerIdentity::HostKey(key) => Some(key.fingerprint()),
        };
        Self {
            endpoint,
            identity,
            problems: Vec::new(),
            spki,
            remembered: None,
            unusable: false,
            chain: Vec::new(),
            revocation: Revocation::NotChecked,
            tls: TlsFacts::default(),
        }
    }

    /// SHA-256 of the SubjectPublicKeyInfo whose signature on the peer's certificate was checked.
    pub fn issuer(&self) -> Option<Fingerprint> {
        match self.chain.first()?.signature {
            LinkSignature::Valid => self.chain.get(1)?.spki,
            LinkSignature::SelfSigned => self.spki,
            _ => None,
        }
    }

    /// Whether there is a problem of this kind.
    pub fn has(&self, kind: ProblemKind) -> bool {
        self.problems.iter().any(|problem| problem.kind == kind)
    }
}
