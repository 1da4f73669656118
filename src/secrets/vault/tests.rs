//! The vault's own conduct: kept, refused, damaged in every place, replaced whole, locked when idle.

use super::*;

const IDLE: Duration = Duration::from_secs(900);

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// An open vault that holds `a`.
fn vault(folder: &tempfile::TempDir) -> Vault {
    let vault = Vault::at(folder.path().join("data/vault"), IDLE);
    vault.make(&secret("open sesame"), Cost::LEAST, at(0)).unwrap();
    vault.set("a", &secret("hush-1972"), at(5)).unwrap();
    vault
}

fn get(vault: &Vault, name: &str, now: i64) -> Result<Option<String>, VaultError> {
    vault.get(name, at(now)).map(|found| found.map(|secret| secret.expose().to_owned()))
}

#[test]
fn secrets_are_kept_behind_the_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(&folder);
    assert_eq!(vault.make(&secret("x"), Cost::LEAST, at(0)), Err(VaultError::Exists));
    // Another program.
    let other = Vault::at(vault.file().to_owned(), IDLE);
    assert_eq!((other.exists(), get(&other, "a", 6)), (true, Err(VaultError::Locked)));
    assert_eq!(other.unlock(&secret("open sesam"), at(6)), Err(VaultError::WrongPassphrase));
    other.unlock(&secret("open sesame"), at(6)).unwrap();
    assert_eq!((get(&other, "a", 6), get(&other, "b", 6)), (Ok(Some("hush-1972".to_owned())), Ok(None)));
    other.set("b", &secret(""), at(7)).unwrap();
    assert_eq!(vault.names(at(8)).unwrap(), [("a".to_owned(), at(5)), ("b".to_owned(), at(7))]);
    assert_eq!((vault.delete("a", at(8)), vault.delete("a", at(8)), get(&other, "a", 8)), (Ok(()), Ok(()), Ok(None)));
    other.lock();
    assert_eq!((get(&other, "b", 8), get(&vault, "b", 8)), (Err(VaultError::Locked), Ok(Some(String::new()))));
}

#[test]
fn a_vault_that_was_written_once_can_always_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vault");
    std::fs::write(&file, include_bytes!("../../../tests/fixtures/vault/version-1")).unwrap();
    let vault = Vault::at(file, IDLE);
    vault.unlock(&secret("open sesame"), at(6)).unwrap();
    assert_eq!(get(&vault, "ftpes://bob@host", 6), Ok(Some("hush \u{1f511}".to_owned())));
    assert_eq!(vault.names(at(6)).unwrap(), [("ftpes://bob@host".to_owned(), at(1_795_000_000))]);
}

#[test]
fn there_is_none_before_it_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::at(folder.path().join("vault"), IDLE);
    assert!(!vault.exists());
    assert_eq!((get(&vault, "a", 0), vault.unlock(&secret("x"), at(0))), (Err(VaultError::Missing), Err(VaultError::Missing)));
    assert_eq!(vault.set("a", &secret("x"), at(0)), Err(VaultError::Missing));
    assert!(!vault.exists(), "nothing is made unasked");
}

#[test]
fn a_change_of_the_passphrase_locks_the_old_one_out() {
    let folder = tempfile::tempdir().unwrap();
    let (vault, other) = (vault(&folder), Vault::at(folder.path().join("data/vault"), IDLE));
    other.unlock(&secret("open sesame"), at(6)).unwrap();
    let before = std::fs::read(vault.file()).unwrap();
    assert_eq!(vault.change_passphrase(&secret("wrong"), &secret("new"), Cost::LEAST, at(7)), Err(VaultError::WrongPassphrase));
    assert_eq!(std::fs::read(vault.file()).unwrap(), before);
    vault.change_passphrase(&secret("open sesame"), &secret("new"), Cost::LEAST, at(7)).unwrap();
    assert_eq!((get(&vault, "a", 8), get(&other, "a", 8)), (Ok(Some("hush-1972".to_owned())), Err(VaultError::Locked)));
    assert!(!other.lock_when_idle(at(8)), "the old key is forgotten");
    assert_eq!(other.set("b", &secret("x"), at(8)), Err(VaultError::Locked), "nothing is sealed with an old key");
    assert_eq!(other.unlock(&secret("open sesame"), at(8)), Err(VaultError::WrongPassphrase));
    assert_eq!(other.unlock(&secret("new"), at(8)), Ok(()));
}

#[test]
fn no_byte_can_be_changed_unnoticed() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(&folder);
    let sound = std::fs::read(vault.file()).unwrap();
    let state = |bytes: &[u8]| {
        std::fs::write(vault.file(), bytes).unwrap();
        get(&vault, "a", 6)
    };
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x20;
        let found = state(&bytes);
        assert!(matches!(found, Err(VaultError::Damaged(_) | VaultError::Version(_))), "byte {at}: {found:?}");
        if at % 16 == 0 {
            assert!(matches!(state(&sound[..at]), Err(VaultError::Damaged(_))), "cut off at {at}");
        }
    }
    assert!(matches!(state(&[&sound[..], b"x"].concat()), Err(VaultError::Damaged(_))));
    assert!(matches!(state(&vec![0; LARGEST as usize + 1]), Err(VaultError::Damaged(_))));
    // Damage is not taken for a wrong passphrase.
    let mut bytes = sound.clone();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(vault.file(), &bytes).unwrap();
    assert!(matches!(vault.unlock(&secret("open sesame"), at(6)), Err(VaultError::Damaged(_))));
    assert_eq!(state(&sound), Ok(Some("hush-1972".to_owned())));
}

#[test]
fn a_checksum_that_fits_makes_no_forgery() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(&folder);
    let sound = std::fs::read(vault.file()).unwrap();
    // Cheaper to guess at from now on, the checksum mended.
    let (other, _) = Header::make(&secret("theirs"), Cost::LEAST).unwrap();
    std::fs::write(vault.file(), [&other.bytes()[..], &sound[LENGTH..]].concat()).unwrap();
    vault.lock();
    assert_eq!(vault.unlock(&secret("open sesame"), at(6)), Err(VaultError::WrongPassphrase));
    assert!(matches!(vault.unlock(&secret("theirs"), at(6)), Err(VaultError::Damaged(_))));
}

#[test]
fn it_is_replaced_whole_for_its_owner_alone_and_never_sealed_twice_alike() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(&folder);
    let before = (std::fs::metadata(vault.file()).unwrap(), std::fs::read(vault.file()).unwrap());
    // Somebody who has the old one open goes on reading that.
    let mut open = File::open(vault.file()).unwrap();
    vault.set("a", &secret("hush-1972"), at(5)).unwrap();
    let after = (std::fs::metadata(vault.file()).unwrap(), std::fs::read(vault.file()).unwrap());
    assert_ne!(before.0.ino(), after.0.ino());
    assert_eq!(after.0.permissions().mode() & 0o7777, 0o600);
    assert_eq!(before.1[..LENGTH], after.1[..LENGTH]);
    assert_ne!(before.1[LENGTH..], after.1[LENGTH..], "same contents, another nonce");
    let mut read = Vec::new();
    open.read_to_end(&mut read).unwrap();
    assert_eq!(read, before.1);
    assert!(!after.1.windows(4).any(|window| window == b"hush"));
    let names: Vec<_> = std::fs::read_dir(vault.file().parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "the vault, its lock, and nothing half made: {names:?}");
}

#[test]
fn what_has_no_room_leaves_the_vault_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(&folder);
    assert_eq!(vault.set("b", &secret(&"x".repeat(LARGEST as usize)), at(6)), Err(VaultError::Full));
    assert_eq!((get(&vault, "a", 6), get(&vault, "b", 6)), (Ok(Some("hush-1972".to_owned())), Ok(None)));
}

#[test]
fn it_locks_itself_when_nobody_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(&folder);
    let idle = IDLE.as_secs() as i64;
    assert!(get(&vault, "a", idle).is_ok(), "used at 5 last");
    assert!(vault.lock_when_idle(at(2 * idle - 1)), "used again meanwhile");
    assert_eq!(get(&vault, "a", 2 * idle), Err(VaultError::Locked));
    vault.unlock(&secret("open sesame"), at(2 * idle)).unwrap();
    assert!(!vault.lock_when_idle(at(idle)), "a clock that jumps says nothing about idleness");
}
