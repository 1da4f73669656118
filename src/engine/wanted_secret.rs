//! A password or passphrase on its way: brought along, else kept, else typed; kept once it turned out to be right.
//!
//! Asked for only when the peer it is for was judged. A kept one is tried once in a run, because servers count.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;

use super::services::Services;
use crate::ask::{Declined, SecretAnswer, SecretPurpose, SecretQuestion};
use crate::model::{Endpoint, Site, text};
use crate::secrets::{Fetched, Label, Rung, Secret, SecretStore, SecretStoreError, VaultError};

/// How often a wrong password or passphrase may be tried, kept ones included.
pub(super) const ATTEMPTS: u32 = 3;
/// How often a vault that is open is looked at.
const LOOK: Duration = Duration::from_secs(20);

/// One secret that is needed: [`Self::next`] and [`Self::was_wrong`] until [`Self::was_right`].
pub(super) struct WantedSecret<'a> {
    services: &'a Services,
    question: SecretQuestion,
    /// What it is kept under; `None`: it cannot be kept.
    label: Option<Label>,
    at_hand: Option<Secret>,
    tried: Option<(Source, Secret)>,
}

/// Where a secret came from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// From the command line, the environment or a URL.
    Given,
    Kept,
    Typed {
        keep: bool,
    },
}

impl<'a> WantedSecret<'a> {
    /// For `site`, or a host on the way to another.
    pub(super) fn new(
        services: &'a Services,
        site: &Site,
        on_the_way_to: Option<&Endpoint>,
        purpose: SecretPurpose,
        label: Option<Label>,
    ) -> Self {
        let question = SecretQuestion {
            site: site.clone(),
            on_the_way_to: on_the_way_to.cloned(),
            purpose,
            attempt: 1,
            keeper: None,
            kept_was_wrong: false,
        };
        Self { services, question, label, at_hand: None, tried: None }
    }

    /// The same, with one to be tried before any other.
    pub(super) fn at_hand(self, at_hand: Option<Secret>) -> Self {
        Self { at_hand, ..self }
    }

    /// The one at hand, for another way to log in.
    pub(super) fn take_at_hand(&mut self) -> Option<Secret> {
        let secret = self.at_hand.take()?;
        self.tries(Source::Given, secret.clone());
        Some(secret)
    }

    /// The next one to be tried, after [`Self::was_wrong`] was said of the one before it.
    pub(super) async fn next(&mut self) -> Result<Secret, Declined> {
        if let Some(secret) = self.take_at_hand() {
            return Ok(secret);
        }
        if self.tried.is_none() {
            if let Some(secret) = self.services.prompter.given(&self.question).await {
                return Ok(self.tries(Source::Given, secret));
            }
            if let Some(secret) = self.kept().await {
                return Ok(self.tries(Source::Kept, secret));
            }
        }
        if let Some(label) = self.label.clone() {
            let asked = label.clone();
            self.question.keeper = in_the_secrets(self.services, move |store| store.rung_for(&asked).place()).await.flatten();
            self.question.kept_was_wrong = self.services.secrets.was_refused(&label);
        }
        let SecretAnswer { secret, keep } = self.services.prompter.secret(self.question.clone()).await?;
        Ok(self.tries(Source::Typed { keep }, secret))
    }

    fn tries(&mut self, source: Source, secret: Secret) -> Secret {
        if source != Source::Kept {
            self.question.attempt += 1;
        }
        self.tried = Some((source, secret.clone()));
        secret
    }

    async fn kept(&self) -> Option<Secret> {
        match self.fetch().await? {
            Fetched::Kept(secret, _) => Some(secret),
            Fetched::Nothing => None,
            Fetched::VaultLocked => {
                if !open_vault(self.services, &self.question.site).await {
                    return None;
                }
                match self.fetch().await? {
                    Fetched::Kept(secret, _) => Some(secret),
                    Fetched::VaultLocked | Fetched::Nothing => None,
                }
            }
        }
    }

    async fn fetch(&self) -> Option<Fetched> {
        let (label, now) = (self.label.clone()?, (self.services.now)());
        in_the_secrets(self.services, move |store| store.fetch(&label, now)).await
    }

    /// The last one was wrong. One that is kept is not tried again in this run.
    pub(super) fn was_wrong(&self) {
        if let (Some((Source::Kept, _)), Some(label)) = (&self.tried, &self.label) {
            self.services.secrets.refuse(label);
        }
    }

    /// The last one was right: it is kept if the person wants that. One that is kept and was wrong is replaced now, or forgotten.
    pub(super) async fn was_right(self) {
        let (Some(label), Some((Source::Typed { keep }, secret))) = (&self.label, &self.tried) else { return };
        let (secrets, what) = (&self.services.secrets, self.question.purpose.name());
        if *keep && !secret.is_empty() {
            match self.keep(label, secret).await {
                Ok(rung) => secrets.note(format!("the {what} is kept in {}", rung.place().unwrap_or_default())),
                Err(error) => secrets.remark(format!("the {what} was not kept: {error}")),
            }
        } else if secrets.was_refused(label) {
            let (label, now) = (label.clone(), (self.services.now)());
            match in_the_secrets(self.services, move |store| store.forget(&label, now)).await {
                Some(Err(error)) => secrets.remark(format!("the {what} that was wrong is still kept: {error}")),
                Some(Ok(true)) => secrets.note(format!("the {what} that was wrong is kept no more")),
                // It went meanwhile, by another hand.
                Some(Ok(false)) | None => {}
            }
        }
    }

    async fn keep(&self, label: &Label, secret: &Secret) -> Result<Rung, SecretStoreError> {
        let keep = async || {
            let (label, secret, now) = (label.clone(), secret.clone(), (self.services.now)());
            in_the_secrets(self.services, move |store| store.keep(&label, &secret, now)).await.unwrap_or(Err(SecretStoreError::NoPlace))
        };
        match keep().await {
            Err(SecretStoreError::Vault(VaultError::Locked)) if open_vault(self.services, &self.question.site).await => keep().await,
            done => done,
        }
    }
}

/// Opens the vault with a passphrase that was brought along, is in the keyring, or is typed; whether it is open. Who does not
/// open it is not asked again in this run. Boxed, because a secret may need it and its passphrase is one.
fn open_vault<'a>(services: &'a Services, site: &'a Site) -> BoxFuture<'a, bool> {
    async move {
        // Two connections need one answer.
        let _turn = services.asking.lock().await;
        let (secrets, now) = (&services.secrets, services.now);
        let is_open = secrets.vault().lock_when_idle(now());
        if is_open || secrets.is_vault_declined() {
            return is_open;
        }
        let file = text::display_safe(secrets.vault().file().as_os_str().as_encoded_bytes());
        let mut wanted = WantedSecret::new(services, site, None, SecretPurpose::VaultPassphrase { file }, Some(Label::Vault));
        for _ in 0..ATTEMPTS {
            let Ok(passphrase) = wanted.next().await else { break };
            match in_the_secrets(services, move |store| store.vault().unlock(&passphrase, now())).await {
                Some(Ok(())) => {
                    wanted.was_right().await;
                    watch_vault(secrets, now);
                    return true;
                }
                Some(Err(VaultError::WrongPassphrase)) => wanted.was_wrong(),
                Some(Err(error)) => {
                    secrets.remark(error.to_string());
                    break;
                }
                None => break,
            }
        }
        secrets.decline_vault();
        false
    }
    .boxed()
}

/// Takes the key of a vault that is open out of memory when nobody used it for long. The task ends when the vault is locked, or
/// nobody holds the store any more.
pub(super) fn watch_vault(secrets: &Arc<SecretStore>, now: fn() -> Timestamp) {
    let secrets = Arc::downgrade(secrets);
    tokio::spawn(async move {
        while secrets.upgrade().is_some_and(|secrets| secrets.vault().lock_when_idle(now())) {
            tokio::time::sleep(LOOK).await;
        }
    });
}

/// Keyrings, files and key derivations, off the runtime's threads; `None` if that was broken off.
async fn in_the_secrets<T: Send + 'static>(services: &Services, work: impl FnOnce(&SecretStore) -> T + Send + 'static) -> Option<T> {
    let store = services.secrets.clone();
    let done = tokio::task::spawn_blocking(move || work(&store)).await;
    done.inspect_err(|error| tracing::warn!(%error, "looking after secrets was broken off")).ok()
}
