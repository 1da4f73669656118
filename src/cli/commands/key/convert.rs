//! `key convert` and `key sheet`: a key in another format, and for an administrator.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::{KeySource, new_passphrase, of_file, unlock};
use crate::cli::commands::cert::own::{compute, put};
use crate::cli::commands::cert::shown_path;
use crate::cli::exit::{ExitCode, Failure};
use crate::cli::key_args::{KeyConvert, KeyFormat, KeySheet};
use crate::cli::{output, passphrase};
use crate::identity::ssh_key::putty::Version;
use crate::identity::ssh_key::{NewKeyError, PrivateForm, SshKeyFile, sheet};
use crate::secrets::Secret;
use crate::trust::private_file;

pub(super) async fn convert(command: &KeyConvert) -> Result<ExitCode, Failure> {
    let (path, source) = KeySource::read(&command.file)?;
    let form = match command.to {
        KeyFormat::OpensshPublic => {
            let line = source.public(&command.passphrase, false).await?.0.line();
            return put(command.out.as_deref(), &format!("{line}\n")).map(|()| ExitCode::Ok);
        }
        KeyFormat::Rfc4716 => {
            let text = source.public(&command.passphrase, false).await?.0.rfc4716();
            return put(command.out.as_deref(), &text).map(|()| ExitCode::Ok);
        }
        KeyFormat::OpensshPrivate => PrivateForm::OpenSsh,
        KeyFormat::Pkcs8 => PrivateForm::Pkcs8,
        KeyFormat::Ppk if command.ppk_version == 2 => PrivateForm::Putty(Version::Two),
        KeyFormat::Ppk => PrivateForm::Putty(Version::Three),
    };
    let KeySource::Private(file, _) = source else {
        return Err(Failure::unreadable(
            &shown_path(&path),
            "there is only the public half of a key in it",
            "Name the private key's file.",
        ));
    };
    let out = command.out.as_deref();
    let out = out.ok_or_else(|| Failure::usage("a private key is written to a file only: a file is needed", "Name it with --out."))?;
    if out.symlink_metadata().is_ok() {
        return Err(NewKeyError::Exists(out.to_owned()).into());
    }
    let text = private(command, &file, form).await?;
    private_file::create(out, text.as_bytes()).map_err(|error| Failure::unreadable(&shown_path(out), error, ""))?;
    let locked = if command.no_passphrase { "NOT locked" } else { "locked" };
    output::say(&format!("written, with the private key, {locked}: {}", shown_path(out)));
    Ok(ExitCode::Ok)
}

/// The text of the new file.
async fn private(command: &KeyConvert, file: &Arc<SshKeyFile>, form: PrivateForm) -> Result<Zeroizing<String>, Failure> {
    let name = shown_path(file.path());
    let old = if file.is_locked() { Some(passphrase::existing(&command.passphrase, &name).await?) } else { None };
    let key = unlock(file, old.clone().unwrap_or_else(|| Secret::new(String::new()))).await?;
    let given = passphrase::given(command.new_passphrase_command.as_ref(), "SEALIFT_NEW_PASSPHRASE").await?;
    let new = match (given, old) {
        _ if command.no_passphrase => Secret::new(String::new()),
        (Some(given), _) if !command.new_passphrase => given,
        (_, Some(old)) if !command.new_passphrase => old,
        (_, Some(_)) => passphrase::typed_twice(&format!("the new file of {name}")).await.and_then(super::same_and_not_empty)?,
        (_, None) => new_passphrase(&command.passphrase, &format!("the new file of {name}")).await?,
    };
    let path = file.path().to_owned();
    compute(move || key.write(form, &new)).await?.map_err(|error| of_file(&path, error))
}

pub(super) async fn sheet(command: &KeySheet) -> Result<ExitCode, Failure> {
    let (_, source) = KeySource::read(&command.file)?;
    let (public, _) = source.public(&command.passphrase, false).await?;
    put(command.out.as_deref(), &sheet::sheet(&public)).map(|()| ExitCode::Ok)
}
