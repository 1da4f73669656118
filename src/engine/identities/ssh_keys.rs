//! SSH keys made here and those `ssh` uses by itself: listed, made, their public half written, installed on a server.

use std::path::{Path, PathBuf};

use super::{Done, IdentityFacts, IdentityFailure, IdentityKind, IdentityOrder, IdentityRow, SshKeyForm, broken_off};
use crate::engine::advice::Advice;
use crate::engine::connect_ssh::LoginKey;
use crate::engine::engine::Engine;
use crate::engine::install_key::KeyInstallation;
use crate::engine::job::SessionId;
use crate::identity::ssh_key::{PrivateForm, SshKey, SshKeyError, SshKeyFile, SshKeyFolder, SshPublicKey, check_free, sheet, write_pair};
use crate::model::{FilePath, text};
use crate::secrets::Secret;

/// Those made here, then those of `usual`. Blocks.
pub(super) fn rows(kept: &SshKeyFolder, usual: &[PathBuf]) -> Vec<IdentityRow> {
    let kept = kept.list().unwrap_or_else(|error| {
        tracing::warn!(%error, "the SSH keys made here cannot be listed");
        Vec::new()
    });
    let usual = usual.iter().filter(|file| !kept.iter().any(|(_, kept)| kept == *file));
    let usual = usual.map(|file| (text::display_safe(file.as_os_str().as_encoded_bytes()), file.clone())).collect::<Vec<_>>();
    let row = |(name, file)| IdentityRow { name, kind: IdentityKind::SshKey, what: read(file), pending: None, is_default: false };
    kept.into_iter().chain(usual).map(row).collect()
}

/// Carries out an order that is about keys on this machine. Blocks; a key takes up to some seconds to make.
pub(super) fn carry_out(kept: &SshKeyFolder, order: IdentityOrder) -> Result<super::desk::Worked, IdentityFailure> {
    match order {
        IdentityOrder::MakeSshKey { name, kind, comment, passphrase } => {
            let file = kept.file(&name)?;
            check_free(&file)?;
            let key = SshKey::generate(kind, &comment)?;
            write_pair(&file, &key.write(PrivateForm::OpenSsh, &passphrase)?, &key.public())?;
            Ok((format!("made {name}; I adds it to the server in the pane, e writes it for an administrator"), None))
        }
        IdentityOrder::ExportSshKey { file, form, out } => {
            let public = public_half(&file)?;
            let text = match form {
                SshKeyForm::Line => public.line() + "\n",
                SshKeyForm::Rfc4716 => public.rfc4716(),
                SshKeyForm::Sheet => sheet::sheet(&public),
            };
            Ok((String::new(), Some((out, text.into_bytes()))))
        }
        _ => Ok((String::new(), None)),
    }
}

/// The public half of a key file, which need not be opened for it.
fn public_half(file: &Path) -> Result<SshPublicKey, SshKeyError> {
    let key = SshKeyFile::read(file)?;
    key.public().cloned().ok_or(SshKeyError::NotAPublicKey)
}

fn read(file: PathBuf) -> Result<(PathBuf, IdentityFacts), String> {
    let key = SshKeyFile::read(&file).map_err(|error| error.to_string())?;
    let public =
        key.public().cloned().ok_or_else(|| "its public half is behind the passphrase, and no .pub file is beside it".to_owned())?;
    Ok((file, IdentityFacts::SshKey { public, is_locked: key.is_locked() }))
}

impl Engine {
    /// As [`Engine::install_key`], in words; the key is opened before anything is written.
    pub(super) async fn install(&self, file: PathBuf, session: SessionId, home: FilePath, passphrase: Secret) -> Done {
        let opening = tokio::task::spawn_blocking(move || SshKeyFile::read(&file)?.unlock(&passphrase));
        let key = opening.await.map_err(|_| broken_off())??;
        let (public, key) = (key.public(), Some(LoginKey::Open(key)));
        let order = KeyInstallation { session, home, file: None, public, key, keep: false, dry_run: false };
        let installed = self.install_key(order).await.map_err(|error| Advice::from(&error))?;
        Ok(installed.told()?)
    }
}
