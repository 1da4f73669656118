//! `key`: SSH keys of one's own, made, converted, looked at, handed over and installed.

mod convert;
mod install;
mod list;
mod make;
mod show;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cert::own::{compute, data};
use super::cert::shown_path;
use crate::cli::exit::{ExitCode, Failure};
use crate::cli::identity_args::PassphraseOptions;
use crate::cli::key_args::Key;
use crate::cli::passphrase;
use crate::cli::run::headless;
use crate::identity::ssh_key::{NewKeyError, SshKey, SshKeyError, SshKeyFile, SshKeyFolder, SshPublicKey};
use crate::secrets::Secret;

pub(in crate::cli) use make::make_pair;

pub(in crate::cli) async fn key(command: &Key) -> Result<ExitCode, Failure> {
    match command {
        Key::New(command) => make::new(command).await,
        Key::Convert(command) => convert::convert(command).await,
        Key::Show(command) => show::show(command),
        Key::Sheet(command) => convert::sheet(command).await,
        Key::List { json } => list::list(*json).await,
        Key::Install(command) => headless(&command.common, async |engine, _| install::install(engine, command).await).await,
    }
}

/// What a person named as a key.
enum KeySource {
    /// The public half alone.
    Public(SshPublicKey),
    /// A whole key, and its public half where the file itself shows it: what merely lies beside is not believed.
    Private(Arc<SshKeyFile>, Option<SshPublicKey>),
}

impl KeySource {
    /// Reads what a person named: a file, or the name of a key made here. Answers where it lies, too.
    fn read(named: &Path) -> Result<(PathBuf, Self), Failure> {
        let path = SshKeyFolder::open(&data()?).find(named);
        let source = Self::at(&path)?;
        Ok((path, source))
    }

    fn at(path: &Path) -> Result<Self, Failure> {
        match SshKeyFile::read(path) {
            Ok(file) => {
                // The one with a comment, which may stand beside it only.
                let public = file.own_public().and(file.public()).cloned();
                Ok(Self::Private(Arc::new(file), public))
            }
            Err(SshKeyError::NotAKey) => SshPublicKey::read(path).map(Self::Public).map_err(|error| match error {
                SshKeyError::NotAPublicKey => {
                    Failure::unreadable(&shown_path(path), "this is no SSH key (OpenSSH, RFC 4716, PEM or PuTTY)", "")
                }
                other => of_file(path, other),
            }),
            Err(error) => Err(of_file(path, error)),
        }
    }

    /// The public half; and the whole key, where it had to be opened for that.
    async fn public(&self, passphrases: &PassphraseOptions, batch: bool) -> Result<(SshPublicKey, Option<SshKey>), Failure> {
        match self {
            Self::Public(public) | Self::Private(_, Some(public)) => Ok((public.clone(), None)),
            Self::Private(file, None) => {
                let key = open(file, passphrases, batch).await?;
                Ok((key.public(), Some(key)))
            }
        }
    }
}

/// Opens a key. Its passphrase is asked for only if `batch` does not forbid it.
async fn open(file: &Arc<SshKeyFile>, passphrases: &PassphraseOptions, batch: bool) -> Result<SshKey, Failure> {
    let name = shown_path(file.path());
    let secret = if !file.is_locked() {
        Secret::new(String::new())
    } else if batch {
        let given = passphrase::given(passphrases.passphrase_command.as_ref(), "SEALIFT_PASSPHRASE").await?;
        let next = "Give it with --passphrase-command or SEALIFT_PASSPHRASE.";
        given.ok_or_else(|| Failure::authentication(format!("the passphrase of {name} is needed, and --batch forbids to ask"), next))?
    } else {
        passphrase::existing(passphrases, &name).await?
    };
    unlock(file, secret).await
}

/// The same with a passphrase at hand, off the event loop.
async fn unlock(file: &Arc<SshKeyFile>, secret: Secret) -> Result<SshKey, Failure> {
    let locked = Arc::clone(file);
    compute(move || locked.unlock(&secret)).await?.map_err(|error| of_file(file.path(), error))
}

fn of_file(path: &Path, error: SshKeyError) -> Failure {
    let file = shown_path(path);
    match error {
        SshKeyError::WrongPassphrase => {
            Failure::authentication(format!("{file}: {error}"), "Check the passphrase; it is the key's own, not the password of a server.")
        }
        SshKeyError::Io(error) => {
            Failure::unreadable(&file, error, "Check the name and who may read it; `sealift key list` names the keys made here.")
        }
        other => Failure::unreadable(&file, other, ""),
    }
}

impl From<NewKeyError> for Failure {
    fn from(error: NewKeyError) -> Self {
        let (code, next) = match error {
            NewKeyError::Name(_) => (ExitCode::Usage, ""),
            NewKeyError::Exists(_) => (ExitCode::Local, "Choose another name, or move it away."),
            NewKeyError::Io { .. } => (ExitCode::Local, ""),
        };
        Self { code, ..Self::usage(crate::model::text::display_safe(error.to_string().as_bytes()), next) }
    }
}

/// A passphrase for a new file, typed twice where somebody types it.
async fn new_passphrase(options: &PassphraseOptions, of: &str) -> Result<Secret, Failure> {
    same_and_not_empty(passphrase::new(options, of).await?)
}

/// What was typed twice.
pub(in crate::cli) fn same_and_not_empty((first, second): (Secret, Secret)) -> Result<Secret, Failure> {
    if first != second {
        return Err(Failure::usage("the two passphrases are not the same", "Nothing was written."));
    }
    if first.is_empty() {
        return Err(Failure::usage(
            "a passphrase is needed: without one, whoever reads the file is you",
            "Say --no-passphrase if that is what you want.",
        ));
    }
    Ok(first)
}
