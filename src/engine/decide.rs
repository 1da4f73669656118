//! From evidence to a decision: judges, asks where a person has to, and remembers.

use super::failure::ConnectFailure;
use super::services::Services;
use crate::ask::{TrustAnswer, TrustQuestion};
use crate::model::Site;
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::trust::{Evidence, Pin, Remember, Verdict, judge};

/// What was decided about a peer that is not trusted by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Once,
    Always,
}

/// Asks about `evidence`; only an explicit yes is a yes.
pub(super) async fn decide(
    evidence: &Evidence,
    pin: Option<&Pin>,
    site: &Site,
    services: &Services,
    can_remember: bool,
) -> Result<Decision, ConnectFailure> {
    let refused =
        || ConnectFailure::Connect(ConnectError::new(ConnectErrorKind::Untrusted(Box::new(evidence.clone())), &evidence.endpoint, ""));
    let dangerous = match judge(evidence, pin) {
        Verdict::Ask { dangerous } => dangerous,
        // The verifier refused what the judge would take: fail closed, never loop.
        Verdict::Refuse | Verdict::Trusted | Verdict::Pinned => return Err(refused()),
    };
    let question = TrustQuestion { site: site.clone(), evidence: evidence.clone(), dangerous, can_remember };
    match services.prompter.trust(question).await {
        Ok(TrustAnswer::Always) if can_remember => Ok(Decision::Always),
        Ok(TrustAnswer::Once | TrustAnswer::Always) => Ok(Decision::Once),
        Ok(TrustAnswer::Reject) => Err(ConnectFailure::Rejected(Box::new(evidence.clone()))),
        Err(_) => Err(refused()),
    }
}

impl Decision {
    /// How long it holds.
    pub(super) fn remember(self) -> Remember {
        match self {
            Self::Once => Remember::Once,
            Self::Always => Remember::Always,
        }
    }
}
