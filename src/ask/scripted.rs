//! A prompter that answers from lists and writes down what it was asked: tests and the demo's tour.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::prompter::{Declined, Prompter};
use super::question::{
    ConflictAnswer, ConflictQuestion, InteractiveQuestion, SecretAnswer, SecretPurpose, SecretQuestion, TrustQuestion, TrustReply,
};
use crate::secrets::Secret;

/// Answers in order; a list that is used up declines.
#[derive(Default)]
pub struct ScriptedPrompter(Mutex<Script>);

#[derive(Default)]
struct Script {
    trust: VecDeque<TrustReply>,
    secrets: VecDeque<(String, bool)>,
    interactive: VecDeque<Vec<String>>,
    conflicts: VecDeque<ConflictAnswer>,
    trust_asked: Vec<TrustQuestion>,
    secrets_asked: Vec<SecretQuestion>,
    asked: Vec<String>,
}

impl ScriptedPrompter {
    /// The next answer to a trust question.
    pub fn trusting(self, answer: impl Into<TrustReply>) -> Self {
        self.script().trust.push_back(answer.into());
        self
    }

    /// The next answer to a password or passphrase question.
    pub fn secret(self, text: &str) -> Self {
        self.script().secrets.push_back((text.to_owned(), false));
        self
    }

    /// The same, to be kept.
    pub fn kept_secret(self, text: &str) -> Self {
        self.script().secrets.push_back((text.to_owned(), true));
        self
    }

    /// The next answers to a server's prompts.
    pub fn interactive(self, answers: &[&str]) -> Self {
        self.script().interactive.push_back(answers.iter().map(|&answer| answer.to_owned()).collect());
        self
    }

    /// The next answer to a conflict.
    pub fn conflict(self, answer: ConflictAnswer) -> Self {
        self.script().conflicts.push_back(answer);
        self
    }

    /// What was asked so far, in words: `trust ENDPOINT`, `password USER 1`, `passphrase FILE 1`, `vault 1`, `interactive TEXT|TEXT`, `conflict PATH`.
    pub fn asked(&self) -> Vec<String> {
        self.script().asked.clone()
    }

    /// The trust questions asked so far, whole.
    pub fn trust_asked(&self) -> Vec<TrustQuestion> {
        self.script().trust_asked.clone()
    }

    /// The questions for secrets asked so far, whole.
    pub fn secrets_asked(&self) -> Vec<SecretQuestion> {
        self.script().secrets_asked.clone()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Prompter for ScriptedPrompter {
    async fn trust(&self, question: TrustQuestion) -> Result<TrustReply, Declined> {
        let mut script = self.script();
        script.asked.push(format!("trust {}", question.evidence.endpoint));
        script.trust_asked.push(question);
        script.trust.pop_front().ok_or(Declined)
    }
    async fn secret(&self, question: SecretQuestion) -> Result<SecretAnswer, Declined> {
        let mut script = self.script();
        script.asked.push(match &question.purpose {
            SecretPurpose::Password { user } => format!("password {user} {}", question.attempt),
            SecretPurpose::KeyPassphrase { file, .. } => format!("passphrase {file} {}", question.attempt),
            SecretPurpose::VaultPassphrase { .. } => format!("vault {}", question.attempt),
        });
        script.secrets_asked.push(question);
        script.secrets.pop_front().map(|(text, keep)| SecretAnswer { secret: Secret::new(text), keep }).ok_or(Declined)
    }
    async fn interactive(&self, question: InteractiveQuestion) -> Result<Vec<Secret>, Declined> {
        let mut script = self.script();
        let prompts: Vec<&str> = question.prompts.iter().map(|prompt| prompt.text.as_str()).collect();
        script.asked.push(format!("interactive {}", prompts.join("|")));
        script.interactive.pop_front().map(|answers| answers.into_iter().map(Secret::new).collect()).ok_or(Declined)
    }
    async fn conflict(&self, question: ConflictQuestion) -> Result<ConflictAnswer, Declined> {
        let mut script = self.script();
        script.asked.push(format!("conflict {}", question.target.path.display()));
        script.conflicts.pop_front().ok_or(Declined)
    }
}
