//! The ladder over a keyring in memory, a locked one, none, and a vault.

use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{CredentialStore, mock};
use std::sync::Arc;
use tempfile::TempDir;

use super::*;
use crate::secrets::keyring::SERVICE;
use crate::secrets::vault::Cost;

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn now() -> Timestamp {
    Timestamp::from_second(1_000).unwrap()
}

fn bob() -> Label {
    "ftpes://bob@host".parse().unwrap()
}

struct Ladder {
    folder: TempDir,
    keyring: Arc<CredentialStore>,
}

impl Ladder {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), keyring: mock::Store::new().unwrap() }
    }

    /// A run of the program on a machine with a keyring.
    fn with_keyring(&self, keep: Keep) -> SecretStore {
        SecretStore::open(self.folder.path(), Keyring::over(self.keyring.clone()), keep, Duration::from_secs(600))
    }

    /// A run without.
    fn without(&self, keep: Keep) -> SecretStore {
        SecretStore::open(self.folder.path(), Keyring::off(), keep, Duration::from_secs(600))
    }

    /// A run in which the keyring is locked.
    fn locked(&self, keep: Keep) -> SecretStore {
        let store = mock::Store::new().unwrap();
        for item in ["probe".to_owned(), item(&bob().to_string())] {
            let entry = store.build(SERVICE, &item, None).unwrap();
            let locked = keyring_core::Error::NoStorageAccess("dismissed".into());
            entry.as_any().downcast_ref::<mock::Cred>().unwrap().set_error(locked);
        }
        SecretStore::open(self.folder.path(), Keyring::over(store), keep, Duration::from_secs(600))
    }
}

fn vault_of(store: &SecretStore) {
    store.vault().make(&secret("open sesame"), Cost::LEAST, now()).unwrap();
}

/// What is found, in words.
fn found(store: &SecretStore, label: &Label) -> String {
    match store.fetch(label, now()) {
        Fetched::Kept(secret, rung) => format!("{} in {}", secret.expose(), rung.words()),
        Fetched::VaultLocked => "locked".to_owned(),
        Fetched::Nothing => "nothing".to_owned(),
    }
}

#[test]
fn the_keyring_is_the_first_rung() {
    let ladder = Ladder::new();
    let store = ladder.with_keyring(Keep::Keyring);
    assert_eq!((store.standing().rung, found(&store, &bob())), (Rung::Keyring, "nothing".to_owned()));
    vault_of(&store);
    assert_eq!(store.keep(&bob(), &secret("one"), now()), Ok(Rung::Keyring));
    let later = ladder.with_keyring(Keep::Keyring);
    assert_eq!(found(&later, &bob()), "one in keyring");
    assert_eq!(found(&later, &"ftps://bob@host".parse().unwrap()), "nothing", "another protocol is another server");
    let row = KeptSecret { label: bob().to_string(), rung: Rung::Keyring, since: now() };
    assert_eq!(later.list(now()), Ok(vec![row]));
    let index = std::fs::read_to_string(ladder.folder.path().join("secrets.json")).unwrap();
    assert!(index.contains("ftpes://bob@host") && !index.contains("one"), "{index}");
    assert_eq!(later.forget(&bob(), now()), Ok(true));
    assert_eq!(later.forget(&bob(), now()), Err(VaultError::Locked.into()), "there may be one in it");
    assert_eq!((found(&later, &bob()), later.list(now())), ("nothing".to_owned(), Ok(Vec::new())));
    assert!(later.take_remarks().is_empty());
}

#[test]
fn without_a_keyring_a_vault_that_was_made_is_used() {
    let ladder = Ladder::new();
    let store = ladder.without(Keep::Keyring);
    assert_eq!((store.standing().rung, store.standing().why.is_some()), (Rung::AskEachTime, true));
    assert_eq!(store.keep(&bob(), &secret("one"), now()), Err(SecretStoreError::NoPlace));
    vault_of(&store);
    assert_eq!((store.standing().rung, store.keep(&bob(), &secret("one"), now())), (Rung::Vault, Ok(Rung::Vault)));
    let later = ladder.without(Keep::Keyring);
    assert_eq!(found(&later, &bob()), "locked");
    assert_eq!(found(&later, &Label::Certificate("payroll".to_owned())), "nothing", "nobody is asked to open it for that");
    assert_eq!(later.keep(&bob(), &secret("two"), now()), Err(VaultError::Locked.into()));
    assert_eq!(later.forget(&bob(), now()), Err(VaultError::Locked.into()));
    later.vault().unlock(&secret("open sesame"), now()).unwrap();
    assert_eq!(found(&later, &bob()), "one in vault");
    // A list that is lost is no loss while the vault is open.
    std::fs::remove_file(ladder.folder.path().join("secrets.json")).unwrap();
    assert_eq!(found(&later, &bob()), "one in vault");
    assert!(store.take_remarks().is_empty() && later.take_remarks().is_empty(), "that is how things are there");
}

#[test]
fn what_the_list_has_lost_is_forgotten_all_the_same() {
    let ladder = Ladder::new();
    let store = ladder.without(Keep::Vault);
    vault_of(&store);
    store.keep(&bob(), &secret("one"), now()).unwrap();
    std::fs::remove_file(ladder.folder.path().join("secrets.json")).unwrap();
    let row = KeptSecret { label: bob().to_string(), rung: Rung::Vault, since: now() };
    assert_eq!((found(&store, &bob()), store.list(now())), ("one in vault".to_owned(), Ok(vec![row])));
    for later in [ladder.without(Keep::Vault), ladder.with_keyring(Keep::Keyring)] {
        assert_eq!(later.list(now()), Ok(Vec::new()), "nobody opened it for that");
        assert_eq!(later.forget(&bob(), now()), Err(VaultError::Locked.into()));
        assert_eq!(later.forget(&Label::Vault, now()), Ok(false), "that is never in it");
    }
    store.move_to(&bob(), Rung::Vault, now()).unwrap();
    assert_eq!((store.forget(&bob(), now()), store.forget(&bob(), now())), (Ok(true), Ok(false)));
    assert_eq!((found(&store, &bob()), store.list(now())), ("nothing".to_owned(), Ok(Vec::new())));
}

#[test]
fn a_locked_keyring_is_told_once_and_the_next_rung_used() {
    let ladder = Ladder::new();
    ladder.with_keyring(Keep::Keyring).keep(&bob(), &secret("one"), now()).unwrap();
    let store = ladder.locked(Keep::Keyring);
    assert_eq!((found(&store, &bob()), found(&store, &bob())), ("nothing".to_owned(), "nothing".to_owned()));
    assert!(matches!(store.take_remarks().as_slice(), [only] if only.words.contains("locked") && only.words.contains("asked each time")));
    assert_eq!(store.rung_for(&bob()), Rung::AskEachTime);
    vault_of(&store);
    let Standing { rung, why } = store.standing();
    assert!(rung == Rung::Vault && why.is_some_and(|why| why.contains("locked")));
    assert_eq!(store.keep(&bob(), &secret("two"), now()), Ok(Rung::Vault));
    assert_eq!(found(&store, &bob()), "two in vault");
}

#[test]
fn a_keyring_that_fails_while_it_is_written_loses_nothing() {
    let ladder = Ladder::new();
    let store = ladder.with_keyring(Keep::Keyring);
    vault_of(&store);
    assert_eq!(store.standing().rung, Rung::Keyring);
    let entry = ladder.keyring.build(SERVICE, &item(&bob().to_string()), None).unwrap();
    entry.as_any().downcast_ref::<mock::Cred>().unwrap().set_error(keyring_core::Error::NoStorageAccess("gone".into()));
    assert_eq!(store.keep(&bob(), &secret("one"), now()), Ok(Rung::Vault));
    assert!(matches!(store.take_remarks().as_slice(), [only] if only.words.contains("kept in the vault")));
}

#[test]
fn the_settings_choose_the_rung() {
    let ladder = Ladder::new();
    let store = ladder.with_keyring(Keep::Vault);
    assert_eq!((store.standing().rung, store.rung_for(&bob())), (Rung::AskEachTime, Rung::AskEachTime));
    vault_of(&store);
    assert_eq!(store.keep(&bob(), &secret("one"), now()), Ok(Rung::Vault));
    // Its own passphrase may be in the keyring all the same, and never in itself.
    assert_eq!(store.keep(&Label::Vault, &secret("open sesame"), now()), Ok(Rung::Keyring));
    assert_eq!(store.move_to(&Label::Vault, Rung::Vault, now()), Err(SecretStoreError::NoPlace));
    let later = ladder.with_keyring(Keep::Vault);
    assert_eq!((found(&later, &Label::Vault), found(&later, &bob())), ("open sesame in keyring".to_owned(), "locked".to_owned()));
    let never = ladder.with_keyring(Keep::Never);
    assert_eq!((found(&never, &Label::Vault), never.rung_for(&bob())), ("nothing".to_owned(), Rung::AskEachTime));
    assert_eq!(never.keep(&bob(), &secret("two"), now()), Err(SecretStoreError::NoPlace));
}

#[test]
fn what_was_refused_is_not_used_again_until_it_is_replaced() {
    let ladder = Ladder::new();
    let store = ladder.with_keyring(Keep::Keyring);
    store.keep(&bob(), &secret("one"), now()).unwrap();
    store.refuse(&bob());
    assert_eq!((found(&store, &bob()), store.was_refused(&bob())), ("nothing".to_owned(), true));
    assert_eq!(found(&ladder.with_keyring(Keep::Keyring), &bob()), "one in keyring", "it is where it was");
    store.keep(&bob(), &secret("two"), now()).unwrap();
    assert_eq!((found(&store, &bob()), store.was_refused(&bob())), ("two in keyring".to_owned(), false));
}

#[test]
fn secrets_move_between_the_rungs() {
    let ladder = Ladder::new();
    let store = ladder.with_keyring(Keep::Keyring);
    store.keep(&bob(), &secret("one"), now()).unwrap();
    let unknown: Label = "certificate:nobody".parse().unwrap();
    assert_eq!(store.move_to(&unknown, Rung::Vault, now()), Err(SecretStoreError::Unknown(unknown.to_string())));
    assert_eq!(store.move_to(&bob(), Rung::Vault, now()), Err(VaultError::Missing.into()));
    assert_eq!(found(&store, &bob()), "one in keyring");
    vault_of(&store);
    store.move_to(&bob(), Rung::Vault, now()).unwrap();
    assert_eq!(found(&store, &bob()), "one in vault");
    assert_eq!(found(&ladder.without(Keep::Keyring), &bob()), "locked");
    assert_eq!(store.move_to(&bob(), Rung::AskEachTime, now()), Err(SecretStoreError::NoPlace));
    store.move_to(&bob(), Rung::Keyring, now()).unwrap();
    assert_eq!((found(&store, &bob()), store.vault().names(now())), ("one in keyring".to_owned(), Ok(Vec::new())));
}

#[test]
fn a_list_that_cannot_be_read_is_never_overwritten() {
    let ladder = Ladder::new();
    let store = ladder.with_keyring(Keep::Keyring);
    let index = ladder.folder.path().join("secrets.json");
    std::fs::write(&index, "{\"kept\": 7}").unwrap();
    assert!(matches!(store.list(now()), Err(SecretStoreError::Index { .. })));
    assert!(matches!(store.keep(&bob(), &secret("one"), now()), Err(SecretStoreError::Index { .. })));
    assert_eq!(std::fs::read_to_string(&index).unwrap(), "{\"kept\": 7}");
    assert_eq!(found(&store, &bob()), "nothing");
}
