//! From evidence to a decision: judges, asks where a person has to, and remembers.

use super::failure::ConnectFailure;
use super::services::Services;
use crate::ask::{TrustAnswer, TrustQuestion, TrustReply};
use crate::model::{Endpoint, Site};
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::trust::{Evidence, Pin, Remember, Verdict, Verified, judge};

/// What was decided about a peer that is not trusted by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decision {
    /// How long it holds.
    pub(super) remember: Remember,
    /// How the person knew.
    pub(super) verified: Verified,
}

/// Shows what nobody can trust, so that a person sees why.
pub(super) async fn show(evidence: &Evidence, site: &Site, on_the_way_to: Option<&Endpoint>, services: &Services) {
    let question = TrustQuestion {
        site: site.clone(),
        on_the_way_to: on_the_way_to.cloned(),
        evidence: Box::new(evidence.clone()),
        dangerous: true,
        can_remember: false,
    };
    services.prompter.show(question).await;
}

/// Asks about `evidence` (of a host on the way to another, if so); only an explicit yes is a yes.
pub(super) async fn decide(
    evidence: &Evidence,
    pin: Option<&Pin>,
    site: &Site,
    on_the_way_to: Option<&Endpoint>,
    services: &Services,
    can_remember: bool,
) -> Result<Decision, ConnectFailure> {
    let refused =
        || ConnectFailure::Connect(ConnectError::new(ConnectErrorKind::Untrusted(Box::new(evidence.clone())), &evidence.endpoint, ""));
    let dangerous = match judge(evidence, pin) {
        Verdict::Ask { dangerous } => dangerous,
        Verdict::Refuse => {
            show(evidence, site, on_the_way_to, services).await;
            return Err(refused());
        }
        // The verifier refused what the judge would take: fail closed, never loop.
        Verdict::Trusted | Verdict::Pinned => return Err(refused()),
    };
    let question = TrustQuestion {
        site: site.clone(),
        on_the_way_to: on_the_way_to.cloned(),
        evidence: Box::new(evidence.clone()),
        dangerous,
        can_remember,
    };
    let TrustReply { answer, verified } = services.prompter.trust(question).await.map_err(|_| {
        let named = services.prompter.named();
        if named.is_empty() { refused() } else { ConnectFailure::NotAsNamed { named, evidence: Box::new(evidence.clone()) } }
    })?;
    let remember = match answer {
        TrustAnswer::Always if can_remember => Remember::Always,
        TrustAnswer::Once | TrustAnswer::Always => Remember::Once,
        TrustAnswer::Reject => return Err(ConnectFailure::Rejected(Box::new(evidence.clone()))),
    };
    Ok(Decision { remember, verified })
}
