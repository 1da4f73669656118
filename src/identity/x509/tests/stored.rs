//! The folders of identities and authorities: what lies there, how it changes, who may read it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::super::FolderError;
use super::super::authority::AuthorityStore;
use super::super::draft::{Draft, Made};
use super::super::expiry::Urgency;
use super::super::store::{Facts, IdentityStore, New, UnlockError};
use super::super::{Usage, key::KeyError};
use super::{PASSPHRASE, draft, now, secret};

fn add(store: &IdentityStore, name: &str, days: u32) -> Made {
    let made = Draft { days, ..draft(name) }.make(now()).unwrap();
    let facts = Facts { made: now(), usage: Usage::Client };
    store
        .add(name, &New { key: &made.key, chain: std::slice::from_ref(&made.certificate), request: made.request.as_deref(), facts })
        .unwrap();
    made
}

/// Every folder 0700, every file 0600, and the passphrase nowhere, not in names either.
fn is_private(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert!(!entry.path().to_string_lossy().contains(PASSPHRASE));
        if entry.path().is_dir() {
            assert_eq!(mode, 0o700, "{:?}", entry.path());
            is_private(&entry.path());
        } else {
            assert_eq!(mode, 0o600, "{:?}", entry.path());
            let bytes = fs::read(entry.path()).unwrap();
            assert!(!bytes.windows(PASSPHRASE.len()).any(|window| window == PASSPHRASE.as_bytes()));
        }
    }
}

#[test]
fn identities_are_kept_listed_renamed_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let store = IdentityStore::open(dir.path());
    assert!(store.list().unwrap().is_empty());
    let made = add(&store, "bank", 825);
    add(&store, "Müller", 5);
    is_private(dir.path());
    let names: Vec<_> = store.list().unwrap().into_iter().map(|(name, identity)| (name, identity.unwrap())).collect();
    assert_eq!(names.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["Müller", "bank"]);
    assert_eq!(names[0].1.expiry(now()).unwrap().urgency, Urgency::Week);
    assert_eq!(names[1].1.expiry(now()), None);
    let bank = store.get("bank").unwrap();
    assert_eq!((&bank.chain, bank.certificate.owner().as_str()), (&vec![made.certificate.clone()], "Ann Müller"));
    assert_eq!(bank.request().unwrap().unwrap().spki(), bank.public_key());
    assert_eq!(bank.unlock(&secret(PASSPHRASE)).unwrap().public(), bank.public_key());
    assert!(matches!(bank.unlock(&secret("x")), Err(UnlockError::Key(KeyError::WrongPassphrase))));
    let shown = format!("{bank:?}");
    assert!(!shown.contains("PRIVATE") && !shown.contains(PASSPHRASE));

    let new = New { key: &made.key, chain: &[], request: None, facts: bank.facts };
    assert!(matches!(store.add("bank", &new), Err(FolderError::Exists(_))));
    assert!(matches!(store.rename("bank", "Müller"), Err(FolderError::Exists(_))));
    assert!(matches!(store.rename("bank", "../x"), Err(FolderError::Name(_))));
    store.rename("bank", "payroll").unwrap();
    assert!(matches!(store.get("bank"), Err(FolderError::Missing(_))));
    store.remove("payroll").unwrap();
    assert!(matches!(store.remove("payroll"), Err(FolderError::Missing(_))));
    assert_eq!(fs::read_dir(dir.path().join("identities")).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn a_signed_certificate_waits_beside_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = IdentityStore::open(dir.path());
    let old = add(&store, "bank", 825);
    let signed = draft("x").make(now()).unwrap().certificate;
    let signed = [signed];
    assert!(matches!(store.commit("bank", &signed), Err(FolderError::NothingPending(_))));
    assert!(matches!(store.discard("bank"), Err(FolderError::NothingPending(_))));
    store.stage("bank", &signed).unwrap();
    let bank = store.get("bank").unwrap();
    assert_eq!((bank.chain, bank.pending), (vec![old.certificate.clone()], Some(signed.to_vec())));
    store.discard("bank").unwrap();
    assert_eq!(store.get("bank").unwrap().pending, None);
    store.stage("bank", &signed).unwrap();
    // While somebody logs in with it, another one is taken in: that one got nobody in yet.
    let other = [draft("y").make(now()).unwrap().certificate];
    store.stage("bank", &other).unwrap();
    assert!(matches!(store.commit("bank", &signed), Err(FolderError::OtherPending(_))));
    let bank = store.get("bank").unwrap();
    assert_eq!((bank.chain, bank.pending), (vec![old.certificate], Some(other.to_vec())));
    store.stage("bank", &signed).unwrap();
    store.commit("bank", &signed).unwrap();
    let bank = store.get("bank").unwrap();
    assert_eq!((bank.chain.clone(), bank.pending.clone()), (signed.to_vec(), None));
    // This one was not made over the identity's key: it is found out before it is used.
    assert!(matches!(bank.unlock(&secret(PASSPHRASE)), Err(UnlockError::Folder(FolderError::Damaged { .. }))));
    is_private(dir.path());
}

#[test]
fn a_damaged_folder_says_so_and_hides_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = IdentityStore::open(dir.path());
    add(&store, "good", 825);
    add(&store, "bad", 825);
    fs::write(dir.path().join("identities/bad/certificate.pem"), "nothing").unwrap();
    let all = store.list().unwrap();
    assert!(matches!(all[0].1, Err(FolderError::Damaged { .. })) && all[1].1.is_ok());
    fs::write(dir.path().join("identities/good/key.pem"), "").unwrap();
    assert!(store.get("good").unwrap().unlock(&secret(PASSPHRASE)).is_err());
}

#[test]
fn authorities_lie_in_a_folder_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let store = AuthorityStore::open(dir.path());
    let made = draft("ca").make_authority(now()).unwrap();
    let kept = store.add("ca", &made).unwrap();
    assert!(kept.facts.is_authority);
    assert_eq!(kept.certificate, made.certificate);
    assert!(fs::read_to_string(kept.key_file()).unwrap().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    assert!(matches!(store.add("ca", &made), Err(FolderError::Exists(_))));
    assert_eq!(store.list().unwrap().len(), 1);
    is_private(dir.path());
}
