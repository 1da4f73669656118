//! Passphrases for verbs: from a command, the environment, or the terminal without echo. Never from an argument.

use std::io::IsTerminal as _;

use super::exit::{ExitCode, Failure};
use super::identity_args::PassphraseOptions;
use super::prompt::LinePrompter;
use super::run::interrupted;
use crate::secrets::Secret;
use crate::setup::{SecretSource, variable};

/// The variable that holds the passphrase of the vault.
pub(super) const VAULT: &str = "SEALIFT_VAULT_PASSPHRASE";

/// The passphrase that opens `of`.
pub(super) async fn existing(options: &PassphraseOptions, of: &str) -> Result<Secret, Failure> {
    match given(options.passphrase_command.as_ref(), "SEALIFT_PASSPHRASE").await? {
        Some(secret) => Ok(secret),
        None => ask(&format!("Passphrase of {of}: ")).await,
    }
}

/// A passphrase that will lock `of`, and its confirmation.
pub(super) async fn new(options: &PassphraseOptions, of: &str) -> Result<(Secret, Secret), Failure> {
    if let Some(secret) = given(options.passphrase_command.as_ref(), "SEALIFT_PASSPHRASE").await? {
        return Ok((secret.clone(), secret));
    }
    typed_twice(of).await
}

/// The same, always asked for.
pub(super) async fn typed_twice(of: &str) -> Result<(Secret, Secret), Failure> {
    let first = ask(&format!("New passphrase for {of}: ")).await?;
    Ok((first, ask("The same again: ").await?))
}

/// A passphrase that will lock the vault, typed twice alike.
pub(super) async fn new_of_vault(command: Option<&String>, name: &str) -> Result<Secret, Failure> {
    let (first, again) = match given(command, name).await? {
        Some(secret) => (secret.clone(), secret),
        None => (ask("New passphrase for the vault: ").await?, ask("The same again: ").await?),
    };
    if first.is_empty() {
        return Err(Failure::usage("a passphrase is needed: without one, whoever reads the vault has what is in it", ""));
    }
    if first == again { Ok(first) } else { Err(Failure::usage("the two passphrases are not the same", "")) }
}

/// A passphrase brought along by `command` or in `name`.
pub(super) async fn given(command: Option<&String>, name: &str) -> Result<Option<Secret>, Failure> {
    let source = SecretSource::from(command, variable(name));
    source.fetch().await.map_err(|why| Failure::authentication(format!("the command that should print the passphrase failed: {why}"), ""))
}

/// Asks yes or no; anything but yes is no.
pub(super) async fn confirm(question: &str) -> Result<bool, Failure> {
    let typed = at_terminal(async |line: &LinePrompter| line.shown(format!("{question} [y]es, [n]o (Enter: no): ")).await).await?;
    Ok(typed.is_some_and(|typed| matches!(typed.trim().to_ascii_lowercase().as_str(), "y" | "yes")))
}

/// A passphrase that is typed.
pub(super) async fn ask(text: &str) -> Result<Secret, Failure> {
    let typed = at_terminal(async |line: &LinePrompter| line.hidden(text.to_owned()).await).await?;
    typed.ok_or_else(|| Failure::authentication("no passphrase was given", ""))
}

async fn at_terminal<T>(question: impl AsyncFnOnce(&LinePrompter) -> Option<T>) -> Result<Option<T>, Failure> {
    let line = if std::io::stderr().is_terminal() { LinePrompter::open() } else { None };
    let Some(line) = line else {
        return Err(Failure::authentication(
            "an answer is needed, and there is no terminal to ask at",
            "Passphrases: --passphrase-command or SEALIFT_PASSPHRASE; of the vault: --vault-passphrase-command or SEALIFT_VAULT_PASSPHRASE. Removing: --yes.",
        ));
    };
    tokio::select! {
        typed = question(&line) => Ok(typed),
        () = interrupted() => {
            line.leave();
            Err(Failure { code: ExitCode::Interrupted, ..Failure::authentication("interrupted", "") })
        }
    }
}
