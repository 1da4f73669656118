//! Answers brought along on the command line or in the environment; whatever they do not cover goes on to a person, or to nobody.

use std::process::Stdio;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::ask::{
    ConflictAnswer, ConflictQuestion, Declined, InteractiveQuestion, Prompter, SecretAnswer, SecretPurpose, SecretQuestion, TrustAnswer,
    TrustQuestion,
};
use crate::secrets::Secret;
use crate::trust::Fingerprint;

/// Where a secret comes from, when it is wanted.
#[derive(Clone)]
pub enum SecretSource {
    /// From nowhere.
    Nothing,
    /// It is at hand.
    Value(Secret),
    /// The first line a shell command prints.
    Command(String),
}

/// Answers brought along first, then `then`.
pub struct GivenAnswers<P> {
    trust: Vec<Fingerprint>,
    password: Mutex<SecretSource>,
    passphrase: Mutex<SecretSource>,
    then: P,
}

impl<P: Prompter> GivenAnswers<P> {
    /// Trusts `trust` for this run, gives `password` and `passphrase` once each is wanted.
    pub fn new(trust: Vec<Fingerprint>, password: SecretSource, passphrase: SecretSource, then: P) -> Self {
        Self { trust, password: Mutex::new(password), passphrase: Mutex::new(passphrase), then }
    }

    /// The same answers before another one who answers.
    pub fn before<Q: Prompter>(self, then: Q) -> GivenAnswers<Q> {
        GivenAnswers { trust: self.trust, password: self.password, passphrase: self.passphrase, then }
    }

    /// The password once (a server that refuses it would refuse it again), passphrases as often as there are keys.
    async fn given(&self, question: &SecretQuestion) -> Option<Secret> {
        if question.attempt > 1 {
            return None;
        }
        let slot = match question.purpose {
            SecretPurpose::Password { .. } => &self.password,
            SecretPurpose::KeyPassphrase { .. } => &self.passphrase,
        };
        let command = match &*slot.lock().unwrap_or_else(PoisonError::into_inner) {
            SecretSource::Nothing => return None,
            SecretSource::Value(secret) => return Some(secret.clone()),
            SecretSource::Command(command) => command.clone(),
        };
        let secret = run(&command).await?;
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = SecretSource::Value(secret.clone());
        Some(secret)
    }
}

/// The first line of a shell command's standard output.
async fn run(command: &str) -> Option<Secret> {
    let output =
        tokio::process::Command::new("/bin/sh").arg("-c").arg(command).stdin(Stdio::null()).stderr(Stdio::inherit()).output().await;
    match output {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8(output.stdout).ok()?;
            text.lines().next().map(|line| Secret::new(line.to_owned()))
        }
        _ => None,
    }
}

#[async_trait]
impl<P: Prompter> Prompter for GivenAnswers<P> {
    async fn trust(&self, question: TrustQuestion) -> Result<TrustAnswer, Declined> {
        if self.trust.contains(&question.evidence.identity.fingerprint()) {
            return Ok(TrustAnswer::Once);
        }
        self.then.trust(question).await
    }

    async fn secret(&self, question: SecretQuestion) -> Result<SecretAnswer, Declined> {
        match self.given(&question).await {
            Some(secret) => Ok(SecretAnswer { secret }),
            None => self.then.secret(question).await,
        }
    }

    async fn interactive(&self, question: InteractiveQuestion) -> Result<Vec<Secret>, Declined> {
        if let [only] = question.prompts.as_slice()
            && !only.echo
        {
            let purpose = SecretPurpose::Password { user: question.site.user.clone().unwrap_or_default() };
            let asked = SecretQuestion { site: question.site.clone(), purpose, attempt: 1 };
            let given = self.given(&asked).await;
            // Once: a prompt that comes again did not like it.
            *self.password.lock().unwrap_or_else(PoisonError::into_inner) = SecretSource::Nothing;
            if let Some(secret) = given {
                return Ok(vec![secret]);
            }
        }
        self.then.interactive(question).await
    }

    async fn conflict(&self, question: ConflictQuestion) -> Result<ConflictAnswer, Declined> {
        self.then.conflict(question).await
    }
}
