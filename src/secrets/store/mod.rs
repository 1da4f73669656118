//! The ladder: a secret is kept in the system's keyring, else in the vault a person made, else it is asked for each time.
//! Which rung it is can always be told, and a fall to a lower one is never silent. Everything here blocks.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::index::{Index, KeptSecret};
use super::rung::{Keep, Rung, Standing};
use super::{Keyring, KeyringError, Label, Secret, Vault, VaultError};
use crate::model::text;

/// What was found under a label.
pub enum Fetched {
    /// The secret, and where it is kept.
    Kept(Secret, Rung),
    /// It is in the vault, which has to be opened first.
    VaultLocked,
    /// Nothing that may be used.
    Nothing,
}

/// A secret could not be kept, moved or forgotten. It is where it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretStoreError {
    /// The keyring.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The list of what is kept.
    #[error("the list of kept secrets {file}: {why}")]
    Index {
        /// Its file, safe to draw.
        file: String,
        /// What is wrong, safe to draw.
        why: String,
    },
    /// Nothing is kept under that label.
    #[error("nothing is kept under {0}")]
    Unknown(String),
    /// There is no place for it.
    #[error("there is no place to keep it in")]
    NoPlace,
}

/// The secrets a person keeps.
#[derive(Debug)]
pub struct SecretStore {
    keep: Keep,
    keyring: Keyring,
    vault: Vault,
    index: Index,
    run: Mutex<Run>,
}

/// What holds until the program ends.
#[derive(Debug, Default)]
struct Run {
    /// Labels whose kept secret was wrong.
    refused: HashSet<Label>,
    /// The vault's passphrase was asked for and not given.
    declined: bool,
    /// That the keyring cannot be used was told.
    told: bool,
    remarks: Vec<Remark>,
}

/// What a person has to know of how secrets were kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// A sentence that begins small, safe to draw.
    pub words: String,
    /// Something is not as the person wanted it.
    pub is_trouble: bool,
}

impl SecretStore {
    /// The secrets listed in `folder`, where the vault is, too; it locks itself after `idle` without use. Touches nothing yet.
    pub fn open(folder: &Path, keyring: Keyring, keep: Keep, idle: Duration) -> Self {
        let vault = Vault::at(folder.join("vault"), idle);
        Self { keep, keyring, vault, index: Index::at(folder.join("secrets.json")), run: Mutex::default() }
    }

    /// The vault, whether it exists or not.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Where a new secret would be kept.
    pub fn standing(&self) -> Standing {
        let below = |why: String| {
            let rung = if self.vault.exists() { Rung::Vault } else { Rung::AskEachTime };
            Standing { rung, why: Some(why) }
        };
        match self.keep {
            Keep::Keyring => match self.keyring.check() {
                Ok(()) => Standing { rung: Rung::Keyring, why: None },
                Err(error) => below(shown(&error)),
            },
            Keep::Vault if self.vault.exists() => Standing { rung: Rung::Vault, why: None },
            Keep::Vault => below(VaultError::Missing.to_string()),
            Keep::Never => Standing { rung: Rung::AskEachTime, why: None },
        }
    }

    /// Where a secret for `label` would be kept: where one is kept already, if that can be used.
    pub fn rung_for(&self, label: &Label) -> Rung {
        if self.keep == Keep::Never {
            return Rung::AskEachTime;
        }
        match self.rung_of(label) {
            Some(Rung::Vault) if self.vault.exists() => Rung::Vault,
            Some(Rung::Keyring) if self.keyring.check().is_ok() => Rung::Keyring,
            _ if *label == Label::Vault => self.keyring.check().map_or(Rung::AskEachTime, |()| Rung::Keyring),
            _ => self.standing().rung,
        }
    }

    /// What is kept for `label`, unless it was refused in this run.
    pub fn fetch(&self, label: &Label, now: Timestamp) -> Fetched {
        if self.keep == Keep::Never || self.was_refused(label) {
            return Fetched::Nothing;
        }
        let name = label.to_string();
        let rung = self.rung_of(label);
        if rung == Some(Rung::Vault) {
            return match self.vault.get(&name, now) {
                Ok(found) => found.map_or(Fetched::Nothing, |secret| Fetched::Kept(secret, Rung::Vault)),
                Err(VaultError::Locked) => Fetched::VaultLocked,
                Err(error) => {
                    self.remark(format!("what is kept in the vault cannot be read: {error}"));
                    Fetched::Nothing
                }
            };
        }
        if rung == Some(Rung::Keyring) || self.keep == Keep::Keyring {
            match self.keyring.get(&item(&name)) {
                Ok(held) => {
                    if let Some(secret) = held.and_then(|held| secret_in(&held)) {
                        return Fetched::Kept(secret, Rung::Keyring);
                    }
                }
                Err(error) => self.fell(&error, rung.is_some()),
            }
        }
        // The list may be lost where the vault is not.
        match self.vault.get(&name, now) {
            Ok(Some(secret)) => Fetched::Kept(secret, Rung::Vault),
            _ => Fetched::Nothing,
        }
    }

    /// Keeps a secret that turned out to be right, in place of what was kept, and says where.
    ///
    /// [`VaultError::Locked`]: the vault has to be opened first.
    pub fn keep(&self, label: &Label, secret: &Secret, now: Timestamp) -> Result<Rung, SecretStoreError> {
        // What no list could name is not kept.
        self.index.rows()?;
        let mut rung = self.rung_for(label);
        let mut kept = self.put(rung, label, secret, now);
        if let Err(SecretStoreError::Keyring(error)) = &kept {
            // It is given up for this run, so that this is another rung.
            self.fell(error, true);
            rung = self.rung_for(label);
            kept = self.put(rung, label, secret, now);
        }
        kept?;
        self.index.set(KeptSecret { label: label.to_string(), rung, since: now })?;
        self.run().refused.remove(label);
        Ok(rung)
    }

    /// Forgets what is kept for `label`; whether there was anything.
    ///
    /// [`VaultError::Locked`]: it is in the vault, or nobody knows until that is open.
    pub fn forget(&self, label: &Label, now: Timestamp) -> Result<bool, SecretStoreError> {
        let name = label.to_string();
        let row = self.index.row(&name)?;
        let in_vault = match &row {
            Some(row) => row.rung == Rung::Vault,
            // The list may be lost where the vault is not.
            None => *label != Label::Vault && self.vault.exists() && self.vault.get(&name, now)?.is_some(),
        };
        let mut known = row.is_some() || in_vault;
        if in_vault {
            self.vault.delete(&name, now)?;
            // An older one may be left from before the keyring failed.
            drop(self.keyring.delete(&item(&name)));
        } else {
            match self.keyring.get(&item(&name)) {
                Ok(held) => known |= held.is_some(),
                Err(error) if error.is_absence() && !known => {}
                Err(error) => return Err(error.into()),
            }
            if known {
                self.keyring.delete(&item(&name))?;
            }
        }
        if known {
            self.index.remove(&name)?;
        }
        Ok(known)
    }

    /// Everything that is kept, by label; of what only the vault knows no more than is seen while it is open.
    pub fn list(&self, now: Timestamp) -> Result<Vec<KeptSecret>, SecretStoreError> {
        let mut rows = self.index.rows()?;
        // One that cannot be read says so where a secret of it is needed.
        for (label, since) in self.vault.names(now).unwrap_or_default() {
            if rows.iter().all(|row| row.label != label) {
                rows.push(KeptSecret { label, rung: Rung::Vault, since });
            }
        }
        rows.sort_by(|a, b| a.label.cmp(&b.label));
        Ok(rows)
    }

    /// Moves what is kept for `label` to another rung.
    pub fn move_to(&self, label: &Label, to: Rung, now: Timestamp) -> Result<(), SecretStoreError> {
        let name = label.to_string();
        let unknown = || SecretStoreError::Unknown(name.clone());
        let row = self.list(now)?.into_iter().find(|row| row.label == name).ok_or_else(unknown)?;
        if row.rung == to {
            return Ok(());
        }
        let secret = match row.rung {
            Rung::Vault => self.vault.get(&name, now)?,
            _ => self.keyring.get(&item(&name))?.and_then(|held| secret_in(&held)),
        };
        self.put(to, label, &secret.ok_or_else(unknown)?, now)?;
        self.index.set(KeptSecret { rung: to, ..row.clone() })?;
        match row.rung {
            Rung::Vault => self.vault.delete(&name, now)?,
            _ => self.keyring.delete(&item(&name))?,
        }
        Ok(())
    }

    /// What is kept for `label` was wrong: it is not used again in this run, and stays until a right one replaces it.
    pub fn refuse(&self, label: &Label) {
        self.run().refused.insert(label.clone());
    }

    /// Whether [`Self::refuse`] was said of it in this run.
    pub fn was_refused(&self, label: &Label) -> bool {
        self.run().refused.contains(label)
    }

    /// Nobody gave the vault's passphrase: it is not asked for again in this run.
    pub fn decline_vault(&self) {
        self.run().declined = true;
    }

    /// Whether [`Self::decline_vault`] was said.
    pub fn is_vault_declined(&self) -> bool {
        self.run().declined
    }

    /// What a person has to know of how secrets were kept, since this was asked last.
    pub fn take_remarks(&self) -> Vec<Remark> {
        std::mem::take(&mut self.run().remarks)
    }

    /// Something that is not as the person wanted it.
    pub fn remark(&self, words: String) {
        self.run().remarks.push(Remark { words, is_trouble: true });
    }

    /// Something that went as the person wanted it.
    pub fn note(&self, words: String) {
        self.run().remarks.push(Remark { words, is_trouble: false });
    }

    fn put(&self, rung: Rung, label: &Label, secret: &Secret, now: Timestamp) -> Result<(), SecretStoreError> {
        let name = label.to_string();
        match rung {
            Rung::Keyring => Ok(self.keyring.set(&item(&name), secret.expose().as_bytes())?),
            // It would lock itself in.
            Rung::Vault if *label != Label::Vault => Ok(self.vault.set(&name, secret, now)?),
            Rung::Vault | Rung::AskEachTime => Err(SecretStoreError::NoPlace),
        }
    }

    /// The rung the list names; a list that cannot be read names none.
    fn rung_of(&self, label: &Label) -> Option<Rung> {
        let row = self.index.row(&label.to_string());
        row.unwrap_or_else(|error| {
            tracing::warn!(%error, "where secrets are kept is not known");
            None
        })
        .map(|row| row.rung)
    }

    /// Tells once that the keyring cannot be used. That there is none is no news, unless a secret should be in it.
    fn fell(&self, error: &KeyringError, is_wanted: bool) {
        if (error.is_absence() && !is_wanted) || std::mem::replace(&mut self.run().told, true) {
            return;
        }
        let instead = if self.vault.exists() { "secrets are kept in the vault" } else { "you are asked each time" };
        self.remark(format!("{}: {instead}", shown(error)));
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keyring's name for a secret, among the decisions that are kept there, too.
fn item(label: &str) -> String {
    format!("secret {label}")
}

/// What an item holds; nothing in it is no secret.
fn secret_in(held: &Zeroizing<Vec<u8>>) -> Option<Secret> {
    std::str::from_utf8(held).ok().filter(|text| !text.is_empty()).map(|text| Secret::new(text.to_owned()))
}

fn shown(error: &KeyringError) -> String {
    text::cut(&text::display_safe(error.to_string().as_bytes()), 160)
}

#[cfg(test)]
mod tests;
