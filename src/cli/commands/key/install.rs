//! `key install`: a public key into `authorized_keys` over a login that works, and a second login with it alone before the
//! first one ends. Nothing but the public line is sent.

use std::path::Path;
use std::sync::Arc;

use super::{KeySource, open};
use crate::cli::commands::cert::shown_path;
use crate::cli::exit::{ExitCode, Failure};
use crate::cli::identity_args::PassphraseOptions;
use crate::cli::key_args::KeyInstall;
use crate::cli::output;
use crate::cli::places::Connections;
use crate::engine::{AuthorizeOutcome, Authorized, Engine, KeyInstallation, KeyTrial, LoginKey};
use crate::identity::ssh_key::{SshKeyFile, SshPublicKey};
use crate::model::Protocol;
use crate::protocols::sftp::agent_keys;
use crate::setup::Setup;

pub(super) async fn install(engine: &Engine, command: &KeyInstall) -> Result<ExitCode, Failure> {
    let (path, source) = KeySource::read(&command.file)?;
    let passphrases = PassphraseOptions { passphrase_command: command.common.connect.passphrase_command.clone() };
    let (public, opened) = source.public(&passphrases, command.common.batch).await?;
    let mut connections = Connections::new(engine, &command.common);
    let spot = connections.reach(&command.location).await?;
    let facts = connections.facts(spot.place).filter(|facts| facts.site.protocol == Protocol::Sftp);
    let facts = facts.ok_or_else(|| Failure::usage("keys are installed on SSH servers only", "Write the server like sftp://user@host."))?;
    // Opened before anything is written: what cannot be tried is told first.
    let key = match opened {
        _ if command.dry_run => None,
        Some(key) => Some(LoginKey::Open(key)),
        None => login_key(command, source, &path, &public, &passphrases).await?,
    };

    let order = KeyInstallation {
        session: facts.id,
        home: facts.home.clone(),
        file: command.authorized_keys.as_deref().map(|file| file.as_encoded_bytes().to_owned()),
        public: public.clone(),
        key,
        keep: command.keep,
        dry_run: command.dry_run,
    };
    let installed = engine.install_key(order).await.map_err(|error| Failure::file(&error, true))?;
    tell(&installed.authorized, &public)?;
    match installed.trial {
        KeyTrial::NotTried if command.dry_run => {}
        KeyTrial::NotTried => output::say("a login with it was not tried: its private half is neither here nor in an agent"),
        KeyTrial::Accepted(words) => {
            output::say(&words);
            let named = shown_path(&command.file);
            output::say(&format!("next: sealift ls --key {named} {}; nothing but the public line was sent", facts.site.url()));
        }
        KeyTrial::Failed { failure, advice } => {
            let code = failure.map_or(ExitCode::Authentication, |failure| Failure::from(&failure).code);
            return Err(Failure { code, advice });
        }
    }
    Ok(ExitCode::Ok)
}

/// What signs for the key: an agent that holds it, or its file. `None` where only the public half is at hand.
async fn login_key(
    command: &KeyInstall,
    source: KeySource,
    path: &Path,
    public: &SshPublicKey,
    passphrases: &PassphraseOptions,
) -> Result<Option<LoginKey>, Failure> {
    if let Some(socket) = Setup::read(&command.common.connect.choices())?.usual_ssh_keys().agent
        && agent_keys(&socket).await.iter().any(|held| held.is_same(public))
    {
        return Ok(Some(LoginKey::Agent(socket, public.clone())));
    }
    let file = match source {
        KeySource::Private(file, _) => file,
        KeySource::Public(_) => match SshKeyFile::read(&path.with_extension("")) {
            Ok(file) if file.public().is_some_and(|beside| beside.is_same(public)) => Arc::new(file),
            _ => return Ok(None),
        },
    };
    Ok(Some(LoginKey::Open(open(&file, passphrases, command.common.batch).await?)))
}

fn tell(done: &Authorized, public: &SshPublicKey) -> Result<(), Failure> {
    let (file, print) = (done.file.display(), public.fingerprint().openssh());
    match &done.outcome {
        AuthorizeOutcome::Added => output::say(&format!("added to {file}: {print} {}", public.comment())),
        AuthorizeOutcome::WouldAdd => {
            output::say(&format!("this line would be added to {file}:"));
            output::line(&public.line()).map_err(|error| Failure::output(&error))?;
        }
        AuthorizeOutcome::Present { line, options } if options.is_empty() => {
            output::say(&format!("the key is in {file} already (line {line}); nothing was written"));
        }
        AuthorizeOutcome::Present { line, options } => {
            output::say(&format!("the key is in {file} already (line {line}), with the options {options}; nothing was written"));
        }
    }
    if let Some(backup) = &done.backup {
        output::say(&format!("the file as it was before: {}", backup.display()));
    }
    for warning in &done.warnings {
        output::say(&format!("note: {warning}"));
    }
    Ok(())
}
