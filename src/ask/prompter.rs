//! The one way to a person.

use async_trait::async_trait;

use super::question::{ConflictAnswer, ConflictQuestion, InteractiveQuestion, SecretAnswer, SecretQuestion, TrustQuestion, TrustReply};
use crate::secrets::Secret;
use crate::trust::Fingerprint;

/// Nobody answered: the question was closed, or nobody is there. It always means no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody answered")]
pub struct Declined;

/// Answers questions: a screen, a terminal line, a script, or [`Refuse`].
#[async_trait]
pub trait Prompter: Send + Sync {
    /// Is this peer to be trusted?
    async fn trust(&self, question: TrustQuestion) -> Result<TrustReply, Declined>;
    /// Shows a peer that nobody can trust, whatever they say, until the person has seen it. Who has no screen leaves it to
    /// the words of the failure.
    async fn show(&self, _: TrustQuestion) {}
    /// The fingerprints brought along to answer it by: where there are any, an identity nobody accepts is another than named.
    fn named(&self) -> Vec<Fingerprint> {
        Vec::new()
    }
    /// An answer brought along: it is tried before what is kept, and never kept.
    async fn given(&self, _: &SecretQuestion) -> Option<Secret> {
        None
    }
    /// Whether a password was brought along, so that what cannot be asked for may not be needed.
    fn has_password(&self) -> bool {
        false
    }
    /// A password or passphrase, from a person.
    async fn secret(&self, question: SecretQuestion) -> Result<SecretAnswer, Declined>;
    /// Answers to a server's own prompts, one for each.
    async fn interactive(&self, question: InteractiveQuestion) -> Result<Vec<Secret>, Declined>;
    /// What to do about a file that is in the way.
    async fn conflict(&self, question: ConflictQuestion) -> Result<ConflictAnswer, Declined>;
}

/// Nobody is there: every question is declined.
#[derive(Debug, Clone, Copy, Default)]
pub struct Refuse;

#[async_trait]
impl Prompter for Refuse {
    async fn trust(&self, _: TrustQuestion) -> Result<TrustReply, Declined> {
        Err(Declined)
    }
    async fn secret(&self, _: SecretQuestion) -> Result<SecretAnswer, Declined> {
        Err(Declined)
    }
    async fn interactive(&self, _: InteractiveQuestion) -> Result<Vec<Secret>, Declined> {
        Err(Declined)
    }
    async fn conflict(&self, _: ConflictQuestion) -> Result<ConflictAnswer, Declined> {
        Err(Declined)
    }
}
