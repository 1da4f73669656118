//! `key new`: a key pair.

use std::path::Path;

use super::new_passphrase;
use crate::cli::commands::cert::own::{compute, data};
use crate::cli::commands::cert::shown_path;
use crate::cli::exit::{ExitCode, Failure};
use crate::cli::key_args::{KeyNew, KeyTypeName};
use crate::cli::output;
use crate::identity::ssh_key::{PrivateForm, SshKey, SshKeyFolder, SshKeyType, check_free, write_pair};
use crate::secrets::Secret;
use crate::setup::{Choices, Setup};

pub(super) async fn new(command: &KeyNew) -> Result<ExitCode, Failure> {
    let kind = kind(command)?;
    let (file, named) = match (&command.file, &command.name) {
        (Some(file), _) if file.to_string_lossy().contains("://") => {
            return Err(Failure::usage(
                "a private key is made on this machine only, never on a server",
                "Make it here, and give the server the public line alone (`sealift key install`).",
            ));
        }
        (Some(file), _) => (file.clone(), shown_path(file)),
        (None, name) => {
            let name = name.clone().unwrap_or_default();
            (SshKeyFolder::open(&data()?).file(&name)?, name)
        }
    };
    check_free(&file)?;
    let comment = match &command.comment {
        Some(comment) => comment.clone(),
        None => Setup::read(&Choices::default())?.person_at_machine(),
    };
    let secret = if command.no_passphrase { Secret::new(String::new()) } else { new_passphrase(&command.passphrase, &named).await? };
    let public = make_pair(kind, comment, secret, &file).await?.public();
    let file = shown_path(&file);
    output::say(&format!("made {file}: the private key, for nobody but you{}", if command.no_passphrase { ", NOT locked" } else { "" }));
    output::say(&format!("for servers: {file}.pub, the line below; {}", public.fingerprint().openssh()));
    output::say(&format!("next: sealift key install {named} sftp://user@host, or sealift key sheet {named} for its administrator"));
    output::line(&public.line()).map_err(|error| Failure::output(&error))?;
    Ok(ExitCode::Ok)
}

/// Makes a key and writes both its halves, the private one locked with `passphrase` if that is not empty: `file` and `file`.pub.
pub(in crate::cli) async fn make_pair(kind: SshKeyType, comment: String, passphrase: Secret, file: &Path) -> Result<SshKey, Failure> {
    let made = compute(move || {
        let key = SshKey::generate(kind, &comment)?;
        Ok((key.write(PrivateForm::OpenSsh, &passphrase)?, key))
    });
    let (private, key) = made.await?.map_err(|error| super::of_file(file, error))?;
    write_pair(file, &private, &key.public())?;
    Ok(key)
}

fn kind(command: &KeyNew) -> Result<SshKeyType, Failure> {
    let (fewest, most) = (SshKeyType::FEWEST_RSA_BITS, SshKeyType::MOST_RSA_BITS);
    match (command.kind, command.bits) {
        (KeyTypeName::Ed25519, None | Some(256)) => Ok(SshKeyType::Ed25519),
        (KeyTypeName::Ed25519, Some(_)) => {
            Err(Failure::usage("Ed25519 has 256 bits and no others", "Leave out --bits, or choose --type rsa."))
        }
        (KeyTypeName::Ecdsa, None | Some(256)) => Ok(SshKeyType::P256),
        (KeyTypeName::Ecdsa, Some(384)) => Ok(SshKeyType::P384),
        (KeyTypeName::Ecdsa, Some(521)) => Ok(SshKeyType::P521),
        (KeyTypeName::Ecdsa, Some(_)) => Err(Failure::usage("ECDSA has 256, 384 or 521 bits", "")),
        (KeyTypeName::Rsa, None) => Ok(SshKeyType::Rsa(fewest)),
        (KeyTypeName::Rsa, Some(bits)) if (fewest..=most).contains(&bits) => Ok(SshKeyType::Rsa(bits)),
        (KeyTypeName::Rsa, Some(_)) => Err(Failure::usage(
            format!("an RSA key is made with {fewest} to {most} bits"),
            "Fewer are too weak, more are slow and often refused.",
        )),
    }
}
