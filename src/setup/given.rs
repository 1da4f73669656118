//! Answers brought along on the command line or in the environment; whatever they do not cover goes on to a person, or to nobody.

use std::process::Stdio;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::ask::{
    ConflictAnswer, ConflictQuestion, Declined, InteractiveQuestion, Prompter, SecretAnswer, SecretPurpose, SecretQuestion, TrustAnswer,
    TrustQuestion, TrustReply,
};
use crate::model::Endpoint;
use crate::secrets::Secret;
use crate::trust::{Fingerprint, Problem, ProblemKind, Verified};

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

impl SecretSource {
    /// A command if one was given, else the environment's `variable`.
    pub fn from(command: Option<&String>, variable: Option<String>) -> Self {
        match (command, variable) {
            (Some(command), _) => Self::Command(command.clone()),
            (None, Some(value)) => Self::Value(Secret::new(value)),
            (None, None) => Self::Nothing,
        }
    }

    /// The secret, a command run for it; `None` if none was brought along. An error says why the command gave none.
    pub async fn fetch(&self) -> Result<Option<Secret>, String> {
        match self {
            Self::Nothing => Ok(None),
            Self::Value(secret) => Ok(Some(secret.clone())),
            Self::Command(command) => run(command, true).await.map(Some),
        }
    }
}

/// Answers brought along first, then `then`.
pub struct GivenAnswers<P> {
    trust: Vec<Fingerprint>,
    /// Those of them that somebody showed: they are not named for anybody else.
    met: Mutex<Vec<Fingerprint>>,
    password: Mutex<SecretSource>,
    passphrase: Mutex<SecretSource>,
    vault_passphrase: Mutex<SecretSource>,
    /// Whose password it is: the first that was asked for. It is given to no other server and no other user.
    whose: Mutex<Option<(Endpoint, String)>>,
    /// Who hears of a command that failed; `None` while the terminal belongs to the screen.
    tell: Option<fn(&str)>,
    then: P,
}

impl<P: Prompter> GivenAnswers<P> {
    /// Trusts `trust` for this run, gives `password` and `passphrase` once each is wanted; `tell` hears of commands that fail.
    pub fn new(trust: Vec<Fingerprint>, password: SecretSource, passphrase: SecretSource, tell: fn(&str), then: P) -> Self {
        Self {
            trust,
            met: Mutex::default(),
            password: Mutex::new(password),
            passphrase: Mutex::new(passphrase),
            vault_passphrase: Mutex::new(SecretSource::Nothing),
            whose: Mutex::default(),
            tell: Some(tell),
            then,
        }
    }

    /// The same, with what opens the vault.
    pub fn with_vault_passphrase(self, passphrase: SecretSource) -> Self {
        Self { vault_passphrase: Mutex::new(passphrase), ..self }
    }

    /// The same answers before a screen that answers: nothing writes to the terminal any more.
    pub fn before<Q: Prompter>(self, then: Q) -> GivenAnswers<Q> {
        GivenAnswers {
            trust: self.trust,
            met: self.met,
            password: self.password,
            passphrase: self.passphrase,
            vault_passphrase: self.vault_passphrase,
            whose: self.whose,
            tell: None,
            then,
        }
    }

    /// The password once (a server that refuses it would refuse it again), passphrases as often as there are keys.
    async fn answer(&self, question: &SecretQuestion) -> Option<Secret> {
        if question.attempt > 1 {
            return None;
        }
        let slot = match &question.purpose {
            // A host on the way is another server; the password is the last one's.
            SecretPurpose::Password { .. } if question.on_the_way_to.is_some() => return None,
            SecretPurpose::Password { user } => {
                let asking = (question.site.endpoint.clone(), user.clone());
                let mut whose = self.whose.lock().unwrap_or_else(PoisonError::into_inner);
                if *whose.get_or_insert_with(|| asking.clone()) != asking {
                    return None;
                }
                &self.password
            }
            SecretPurpose::KeyPassphrase { .. } => &self.passphrase,
            SecretPurpose::VaultPassphrase { .. } => &self.vault_passphrase,
        };
        let command = match &*slot.lock().unwrap_or_else(PoisonError::into_inner) {
            SecretSource::Nothing => return None,
            SecretSource::Value(secret) => return Some(secret.clone()),
            SecretSource::Command(command) => command.clone(),
        };
        let secret = match run(&command, self.tell.is_some()).await {
            Ok(secret) => secret,
            Err(why) => {
                tracing::warn!(%why, "a command for a secret failed");
                if let Some(tell) = self.tell {
                    tell(&format!("the command that should print the {} failed: {why}", question.purpose.name()));
                }
                return None;
            }
        };
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = SecretSource::Value(secret.clone());
        Some(secret)
    }
}

/// The first line of a shell command's standard output.
async fn run(command: &str, heard: bool) -> Result<Secret, String> {
    let stderr = if heard { Stdio::inherit() } else { Stdio::null() };
    let shell = tokio::process::Command::new("/bin/sh")
        .arg("-c")
        .arg(command)
        .env_remove("SEALIFT_PASSWORD")
        .env_remove("SEALIFT_PASSPHRASE")
        .env_remove("SEALIFT_VAULT_PASSPHRASE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .kill_on_drop(true)
        .spawn();
    let output = shell.map_err(|error| error.to_string())?.wait_with_output().await.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(output.status.to_string());
    }
    let printed = Secret::new(String::from_utf8(output.stdout).map_err(|_| "it printed what is not UTF-8".to_owned())?);
    match printed.expose().lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line.to_owned())),
        _ => Err("it printed nothing".to_owned()),
    }
}

#[async_trait]
impl<P: Prompter> Prompter for GivenAnswers<P> {
    async fn trust(&self, question: TrustQuestion) -> Result<TrustReply, Declined> {
        let shown = question.evidence.identity.fingerprint();
        if self.trust.contains(&shown) {
            self.met.lock().unwrap_or_else(PoisonError::into_inner).push(shown);
            // Whoever named the fingerprint may not know yet that it was revoked.
            if !question.evidence.has(ProblemKind::Revoked) {
                return Ok(TrustReply { answer: TrustAnswer::Once, verified: Verified::Named });
            }
        }
        let mut question = question;
        if !self.named().is_empty() {
            // One letter must not undo what was named.
            question.dangerous = true;
            let text = "it is NOT the identity you named with --trust".to_owned();
            question.evidence.problems.insert(0, Problem { kind: ProblemKind::Other, at: 0, text });
        }
        self.then.trust(question).await
    }

    async fn show(&self, question: TrustQuestion) {
        self.then.show(question).await;
    }

    fn named(&self) -> Vec<Fingerprint> {
        let met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        self.trust.iter().filter(|named| !met.contains(named)).copied().collect()
    }

    async fn given(&self, question: &SecretQuestion) -> Option<Secret> {
        self.answer(question).await
    }

    fn has_password(&self) -> bool {
        !matches!(*self.password.lock().unwrap_or_else(PoisonError::into_inner), SecretSource::Nothing)
    }

    async fn secret(&self, question: SecretQuestion) -> Result<SecretAnswer, Declined> {
        self.then.secret(question).await
    }

    async fn interactive(&self, question: InteractiveQuestion) -> Result<Vec<Secret>, Declined> {
        if let [only] = question.prompts.as_slice()
            && question.on_the_way_to.is_none()
            && !only.echo
            // A code or anything else is not what was brought along.
            && only.text.to_lowercase().contains("passw")
        {
            let purpose = SecretPurpose::Password { user: question.site.user.clone().unwrap_or_default() };
            let asked = SecretQuestion {
                site: question.site.clone(),
                on_the_way_to: None,
                purpose,
                attempt: 1,
                keeper: None,
                kept_was_wrong: false,
            };
            let given = self.answer(&asked).await;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::ScriptedPrompter;
    use crate::model::site::ParsedUrl;
    use crate::trust::{Evidence, HostKey, PeerIdentity, Problem};

    #[tokio::test]
    async fn a_fingerprint_brought_along_says_nothing_for_who_was_revoked() {
        let site = ParsedUrl::parse("ftpes://h").unwrap().site;
        let identity = PeerIdentity::HostKey(HostKey::plain("ssh-ed25519", *b"blob"));
        let named = identity.fingerprint();
        for (kind, once) in [(ProblemKind::UnknownIssuer, true), (ProblemKind::Revoked, false)] {
            let problems = vec![Problem { kind, at: 0, text: String::new() }];
            let evidence = Box::new(Evidence { problems, ..Evidence::new(site.endpoint.clone(), identity.clone()) });
            let then = ScriptedPrompter::default().trusting(TrustAnswer::Reject);
            let given = GivenAnswers::new(vec![named], SecretSource::Nothing, SecretSource::Nothing, |_| {}, then);
            let question = TrustQuestion { site: site.clone(), on_the_way_to: None, evidence, dangerous: false, can_remember: true };
            assert_eq!(given.trust(question).await.unwrap().answer == TrustAnswer::Once, once, "{kind:?}");
        }
    }
}
