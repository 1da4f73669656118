//! `secret`: what is kept of passwords and passphrases, and where. No verb shows one.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use crate::cli::exit::{ExitCode, Failure};
use crate::cli::secret_args::{SecretMove, SecretVerb, VaultOptions, VaultVerb};
use crate::cli::{output, passphrase};
use crate::model::text;
use crate::secrets::vault::Cost;
use crate::secrets::{Fetched, KeptSecret, Label, NoLabel, Rung, Secret, SecretStore, SecretStoreError, Standing, VaultError};
use crate::setup::{Choices, Setup};

pub(in crate::cli) async fn secret(command: &SecretVerb) -> Result<ExitCode, Failure> {
    let secrets = Secrets(Arc::new(Setup::read(&Choices::default())?.secret_store()));
    match command {
        SecretVerb::List { json } => secrets.list(*json).await,
        SecretVerb::Status => secrets.status().await,
        SecretVerb::Forget { label, vault } => secrets.forget(label, vault).await,
        SecretVerb::Move(command) => secrets.move_to(command).await,
        SecretVerb::Vault(VaultVerb::New { vault }) => secrets.make_vault(vault).await,
        SecretVerb::Vault(VaultVerb::Passphrase { vault, new_passphrase_command }) => {
            secrets.change_passphrase(vault, new_passphrase_command.as_ref()).await
        }
    }
}

/// The person's secrets, asked off the event loop.
struct Secrets(Arc<SecretStore>);

impl Secrets {
    async fn list(&self, json: bool) -> Result<ExitCode, Failure> {
        let rows = self.compute(|store| store.list(Timestamp::now())).await?;
        for row in &rows {
            let printed = if json {
                output::json_line(&json!({ "label": row.label, "kind": kind(row), "rung": row.rung, "since": row.since }))
            } else {
                output::line(&words(row))
            };
            printed.map_err(|error| Failure::output(&error))?;
        }
        if json {
            let Standing { rung, why } = self.attempt(SecretStore::standing).await?;
            let summary = json!({ "summary": { "secrets": rows.len(), "rung": rung, "why": why } });
            output::json_line(&summary).map_err(|error| Failure::output(&error))?;
        } else if rows.is_empty() {
            output::say("no password or passphrase is kept");
        }
        Ok(ExitCode::Ok)
    }

    async fn status(&self) -> Result<ExitCode, Failure> {
        let (rows, standing) = self.compute(|store| Ok((store.list(Timestamp::now())?, store.standing()))).await?;
        let place = standing.rung.place().unwrap_or("nowhere; you are asked each time");
        let why = standing.why.map(|why| format!(" ({why})")).unwrap_or_default();
        let file = shown_vault(&self.0);
        let vault = if self.0.vault().exists() { file } else { format!("none; sealift secret vault new makes {file}") };
        let count = |rung| rows.iter().filter(|row| row.rung == rung).count();
        for line in [
            format!("New secrets are kept in  {place}{why}"),
            format!("Vault                    {vault}"),
            format!("Kept in the keyring      {}", count(Rung::Keyring)),
            format!("Kept in the vault        {}", count(Rung::Vault)),
        ] {
            output::line(&line).map_err(|error| Failure::output(&error))?;
        }
        Ok(ExitCode::Ok)
    }

    async fn forget(&self, label: &str, options: &VaultOptions) -> Result<ExitCode, Failure> {
        let label: Label = label.parse()?;
        let gone = {
            let label = label.clone();
            self.with_vault(options, move |store| store.forget(&label, Timestamp::now())).await?
        };
        if !gone {
            return Err(SecretStoreError::Unknown(label.to_string()).into());
        }
        output::say(&format!("forgotten: {}", shown(&label.to_string())));
        Ok(ExitCode::Ok)
    }

    async fn move_to(&self, command: &SecretMove) -> Result<ExitCode, Failure> {
        let to = Rung::from(command.to);
        let labels = match &command.label {
            Some(label) => vec![label.parse()?],
            None => {
                let rows = self.compute(|store| store.list(Timestamp::now())).await?;
                let movable = rows.iter().filter(|row| row.rung != to).filter_map(|row| row.label.parse().ok());
                movable.filter(|label: &Label| to != Rung::Vault || *label != Label::Vault).collect()
            }
        };
        for label in labels {
            let moved = label.clone();
            self.with_vault(&command.vault, move |store| store.move_to(&moved, to, Timestamp::now())).await?;
            output::say(&format!("moved to {}: {}", to.place().unwrap_or_default(), shown(&label.to_string())));
        }
        Ok(ExitCode::Ok)
    }

    async fn make_vault(&self, options: &VaultOptions) -> Result<ExitCode, Failure> {
        if self.0.vault().exists() {
            return Err(SecretStoreError::from(VaultError::Exists).into());
        }
        let new = passphrase::new_of_vault(options.vault_passphrase_command.as_ref(), passphrase::VAULT).await?;
        self.compute(move |store| Ok(store.vault().make(&new, Cost::USUAL, Timestamp::now())?)).await?;
        output::say(&format!("made {}; nobody can open it without its passphrase, nor you", shown_vault(&self.0)));
        Ok(ExitCode::Ok)
    }

    async fn change_passphrase(&self, options: &VaultOptions, new: Option<&String>) -> Result<ExitCode, Failure> {
        if !self.0.vault().exists() {
            return Err(SecretStoreError::from(VaultError::Missing).into());
        }
        let old = self.vault_passphrase(options).await?;
        let new = passphrase::new_of_vault(new, "").await?;
        self.compute(move |store| Ok(store.vault().change_passphrase(&old, &new, Cost::USUAL, Timestamp::now())?)).await?;
        output::say("the vault has its new passphrase");
        // One that is kept opens nothing any more.
        if let Err(error) = self.attempt(|store| store.forget(&Label::Vault, Timestamp::now())).await? {
            output::say(&format!("if the old one is in your keyring, it stays there: {error}"));
        }
        Ok(ExitCode::Ok)
    }

    /// Does something for which the vault may have to be opened first.
    async fn with_vault<T: Send + 'static>(
        &self,
        options: &VaultOptions,
        work: impl Fn(&SecretStore) -> Result<T, SecretStoreError> + Clone + Send + 'static,
    ) -> Result<T, Failure> {
        match self.attempt(work.clone()).await? {
            Err(SecretStoreError::Vault(VaultError::Locked)) => {
                let passphrase = self.vault_passphrase(options).await?;
                self.compute(move |store| Ok(store.vault().unlock(&passphrase, Timestamp::now())?)).await?;
                self.compute(work).await
            }
            done => Ok(done?),
        }
    }

    /// Brought along, kept in the keyring, or typed.
    async fn vault_passphrase(&self, options: &VaultOptions) -> Result<Secret, Failure> {
        if let Some(given) = passphrase::given(options.vault_passphrase_command.as_ref(), passphrase::VAULT).await? {
            return Ok(given);
        }
        match self.compute(|store| Ok(store.fetch(&Label::Vault, Timestamp::now()))).await? {
            Fetched::Kept(kept, _) => Ok(kept),
            Fetched::VaultLocked | Fetched::Nothing => passphrase::ask("Passphrase of the vault: ").await,
        }
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&SecretStore) -> Result<T, SecretStoreError> + Send + 'static,
    ) -> Result<T, Failure> {
        Ok(self.attempt(work).await??)
    }

    /// Keyrings, files and key derivations take long.
    async fn attempt<T: Send + 'static>(&self, work: impl FnOnce(&SecretStore) -> T + Send + 'static) -> Result<T, Failure> {
        let store = self.0.clone();
        let done = tokio::task::spawn_blocking(move || work(&store)).await;
        done.map_err(|error| Failure::because(ExitCode::Error, format!("the work was broken off: {error}"), "", ""))
    }
}

fn words(row: &KeptSecret) -> String {
    let since = row.since.strftime("%Y-%m-%d");
    format!("{}\n    {}, kept in {} since {since}", shown(&row.label), kind(row), row.rung.place().unwrap_or_default())
}

fn kind(row: &KeptSecret) -> &'static str {
    row.label.parse::<Label>().map_or("of another version of sealift", |label| label.kind())
}

fn shown(label: &str) -> String {
    text::display_safe(label.as_bytes())
}

fn shown_vault(store: &SecretStore) -> String {
    text::display_safe(store.vault().file().as_os_str().as_encoded_bytes())
}

impl From<NoLabel> for Failure {
    fn from(error: NoLabel) -> Self {
        Self::usage(format!("this label will not do: {error}"), "See what is kept: sealift secret list.")
    }
}

impl From<SecretStoreError> for Failure {
    fn from(error: SecretStoreError) -> Self {
        let (code, next) = match &error {
            SecretStoreError::Unknown(_) => (ExitCode::Error, "See what is kept: sealift secret list."),
            SecretStoreError::NoPlace => (ExitCode::Error, "The passphrase of the vault is never kept in the vault itself."),
            SecretStoreError::Keyring(_) => (ExitCode::Local, "Unlock it, or say where else: sealift secret status tells what there is."),
            SecretStoreError::Index { .. } => (ExitCode::Local, "Mend the file or move it away; the secrets themselves are untouched."),
            SecretStoreError::Vault(VaultError::Missing) => (ExitCode::Error, "Make one: sealift secret vault new."),
            SecretStoreError::Vault(VaultError::Exists) => {
                (ExitCode::Error, "Give it another passphrase: sealift secret vault passphrase.")
            }
            SecretStoreError::Vault(VaultError::WrongPassphrase | VaultError::Locked) => {
                (ExitCode::Authentication, "Check the passphrase; without it nothing in the vault can be had back.")
            }
            SecretStoreError::Vault(_) => {
                (ExitCode::Local, "Put an older copy of the file in its place, or move it away and make a new vault.")
            }
        };
        Self::because(code, error.to_string(), "", next)
    }
}
