//! File and keyring together: what counts, what is asked again, and that a decision is never lost. Over a mock keyring.

use std::sync::Arc;

use keyring_core::api::CredentialStoreApi;
use keyring_core::mock;

use super::*;
use crate::secrets::keyring::SERVICE;
use crate::trust::Certificate;

/// A folder and a keyring; every store opened over them is another run of the program.
struct Person {
    folder: tempfile::TempDir,
    keyring: Arc<mock::Store>,
}

impl Person {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), keyring: mock::Store::new().unwrap() }
    }

    fn store(&self) -> TrustStore {
        TrustStore::open(self.folder.path(), Keyring::over(self.keyring.clone()))
    }

    /// A run without the keyring.
    fn without(&self) -> TrustStore {
        open(self.folder.path())
    }

    fn item(&self, name: &str) -> keyring_core::Entry {
        self.keyring.build(SERVICE, name, None).unwrap()
    }

    /// A run in which the keyring is locked.
    fn locked(&self, name: &str) -> TrustStore {
        let locked = keyring_core::Error::NoStorageAccess("dismissed".into());
        self.item(name).as_any().downcast_ref::<mock::Cred>().unwrap().set_error(locked);
        self.store()
    }

    fn confirmations(&self) -> Vec<Confirmation> {
        self.store().rows().unwrap().iter().map(|row| row.confirmed).collect()
    }
}

fn always() -> Pin {
    pin(b"always", Remember::Always)
}

fn unconfirmed(pin: Pin) -> Pin {
    Pin { remember: Remember::Unconfirmed, ..pin }
}

#[test]
fn both_agree_or_it_is_asked_again() {
    let person = Person::new();
    let kept = Pin { leaf: Some(Certificate { der: b"always".as_slice().into() }), last_seen: Some(Timestamp::MAX), ..always() };
    assert_eq!(person.store().remember(at(21), kept.clone()), Ok(Kept::default()));
    assert_eq!((person.store().pin(&at(21)).unwrap(), person.confirmations()), (Some(kept.clone()), vec![Confirmation::Confirmed]));

    // The keyring's is another one: that is what was trusted.
    let other = pin(b"other", Remember::Always);
    person.without().remember(at(21), other.clone()).unwrap();
    assert_eq!(person.store().pin(&at(21)).unwrap(), Some(unconfirmed(Pin { leaf: None, last_seen: None, ..kept })));
    assert_eq!(person.confirmations(), [Confirmation::Denied]);
    // The keyring has none.
    person.item("pin host.example:21").delete_credential().unwrap();
    assert_eq!(person.store().pin(&at(21)).unwrap(), Some(unconfirmed(other.clone())));
    // Decided anew, it holds.
    person.store().remember(at(21), other.clone()).unwrap();
    assert_eq!(person.store().pin(&at(21)).unwrap(), Some(other));
    // The file has none: what is in no list is trusted nowhere.
    person.without().forget(&at(21)).unwrap();
    assert!(person.store().pin(&at(21)).unwrap().is_some_and(|pin| pin.remember == Remember::Unconfirmed));
    assert_eq!(person.store().forget(&at(21)), Ok(None));
    assert_eq!(person.store().pin(&at(21)).unwrap(), None);
}

#[test]
fn an_item_stands_for_its_own_endpoint_only() {
    let person = Person::new();
    person.store().remember(at(21), always()).unwrap();
    person.without().remember(at(990), always()).unwrap();
    let contents = person.item("pin host.example:21").get_secret().unwrap();
    person.item("pin host.example:990").set_secret(&contents).unwrap();
    assert_eq!(person.store().pin(&at(990)).unwrap(), Some(unconfirmed(always())));
    for junk in [&b""[..], b"{}", b"\xff"] {
        person.item("pin host.example:21").set_secret(junk).unwrap();
        assert_eq!(person.store().pin(&at(21)).unwrap(), Some(unconfirmed(always())));
    }
}

#[test]
fn a_keyring_that_comes_later_confirms_what_is_decided_again() {
    let person = Person::new();
    assert_eq!(person.without().remember(at(21), always()), Ok(Kept::default()), "no keyring is nothing to tell");
    assert_eq!(
        (person.without().pin(&at(21)).unwrap(), person.store().pin(&at(21)).unwrap()),
        (Some(always()), Some(unconfirmed(always())))
    );
    person.store().remember(at(21), always()).unwrap();
    assert_eq!((person.store().pin(&at(21)).unwrap(), person.without().pin(&at(21)).unwrap()), (Some(always()), Some(always())));
}

#[test]
fn a_keyring_that_fails_loses_no_decision() {
    let person = Person::new();
    let store = person.locked("pin host.example:21");
    let remark = store.remember(at(21), always()).unwrap().remark.unwrap();
    assert!(remark.contains("ledger file only") && remark.contains("locked"), "{remark}");
    assert_eq!(store.pin(&at(21)).unwrap(), Some(always()));
    assert!(store.unconfirmed().is_some_and(|words| words.contains("not confirmed") && words.contains("locked")));
    assert_eq!((store.unconfirmed(), person.without().unconfirmed()), (None, None), "once, and not where there is none");
    let row = &store.rows().unwrap()[0];
    assert!(row.confirmed == Confirmation::NoKeyring && row.kept.contains("locked"), "{row:?}");
    // Locked, and without any item yet: nothing was denied.
    let store = person.locked("probe");
    assert_eq!(store.pin(&at(21)).unwrap(), Some(always()));
    // Back again: asked once.
    assert_eq!(person.store().pin(&at(21)).unwrap(), Some(unconfirmed(always())));

    person.store().remember(at(21), always()).unwrap();
    let store = person.locked("pin host.example:21");
    assert!(store.forget(&at(21)).unwrap().unwrap().remark.unwrap().contains("keyring"));
    assert!(person.store().pin(&at(21)).unwrap().is_some_and(|pin| pin.remember == Remember::Unconfirmed), "removed is removed");
}

#[test]
fn a_file_that_cannot_be_written_leaves_it_to_the_keyring() {
    let person = Person::new();
    fs::write(person.store().file(), "{").unwrap();
    let remark = person.store().remember(at(21), always()).unwrap().remark.unwrap();
    assert!(remark.contains("your keyring only") && remark.contains("damaged"), "{remark}");
    assert_eq!(person.store().pin(&at(21)).unwrap(), Some(unconfirmed(always())));
    assert!(person.without().remember(at(21), always()).is_err(), "kept nowhere");
}

#[test]
fn a_file_that_cannot_be_read_is_told_where_the_keyring_has_nothing() {
    let person = Person::new();
    fs::write(person.store().file(), "{").unwrap();
    assert!(person.store().pin(&at(21)).is_err());
}

#[test]
fn an_import_leaves_what_only_the_keyring_has() {
    let (person, other) = (Person::new(), Person::new());
    person.store().remember(at(21), always()).unwrap();
    other.store().remember(at(21), pin(b"theirs", Remember::Always)).unwrap();
    other.without().forget(&at(21)).unwrap();
    let imported = other.store().import(&person.store().export(Vec::new()).unwrap()).unwrap();
    assert_eq!((imported.added.len(), imported.conflicts.len()), (0, 1));
}

#[test]
fn authorities_count_where_the_keyring_says_so() {
    let person = Person::new();
    let authority = Authority {
        certificate: Certificate { der: b"not read here".as_slice().into() },
        since: Timestamp::UNIX_EPOCH,
        verified: Verified::Fingerprint,
    };
    let print = authority.fingerprint();
    assert_eq!(person.store().add_authority(&authority), Ok(Kept::default()));
    assert_eq!(person.store().add_authority(&authority), Ok(Kept::default()));
    assert_eq!((person.store().authorities(), person.confirmations()), (Ok(vec![authority.clone()]), vec![Confirmation::Confirmed]));
    let claimed = Authority { since: Timestamp::MAX, ..authority.clone() };
    person.without().add_authority(&claimed).unwrap();
    assert_eq!((person.store().authorities(), person.without().authorities()), (Ok(Vec::new()), Ok(vec![claimed])));
    assert_eq!(person.confirmations(), [Confirmation::Denied]);
    person.store().add_authority(&authority).unwrap();
    assert_eq!((person.store().forget_authority(&print), person.store().forget_authority(&print)), (Ok(Some(Kept::default())), Ok(None)));
    person.without().add_authority(&authority).unwrap();
    assert_eq!(person.store().authorities(), Ok(Vec::new()));
}

#[test]
fn what_is_exported_counts_and_what_is_imported_replaces_nothing() {
    let (person, other) = (Person::new(), Person::new());
    person.store().remember(at(21), always()).unwrap();
    person.store().remember(at(22), pin(b"mine", Remember::Always)).unwrap();
    person.without().remember(at(23), pin(b"unconfirmed", Remember::Always)).unwrap();
    person.store().remember(at(24), pin(b"once", Remember::Once)).unwrap();
    let exported = person.store().export(vec![serde_json::json!({"kind": "host-key"})]).unwrap();
    other.store().remember(at(22), pin(b"theirs", Remember::Always)).unwrap();

    let imported = other.store().import(&exported).unwrap();
    let conflict = Conflict { endpoint: at(22), trusted: Fingerprint::of(b"theirs"), imported: Fingerprint::of(b"mine") };
    assert_eq!((imported.added, imported.known, imported.conflicts, imported.left_out), (vec![at(21)], 0, vec![conflict], 1));
    assert_eq!(other.store().pin(&at(21)).unwrap(), Some(Pin { verified: Verified::Imported, ..always() }));
    assert_eq!(other.store().pin(&at(22)).unwrap(), Some(pin(b"theirs", Remember::Always)));
    assert_eq!(other.confirmations(), [Confirmation::Confirmed; 2]);
    assert_eq!(other.store().import(&exported).unwrap().known, 1);
    assert!(other.store().import("junk").unwrap_err().to_string().contains("imported"));
}

#[test]
fn when_a_peer_was_seen_is_written_once_an_hour_and_changes_no_decision() {
    let person = Person::new();
    let (start, soon) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + SignedDuration::from_mins(59));
    let later = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);
    let store = person.store();
    store.remember(at(21), always()).unwrap();
    store.note_host_key(&at(22), &Fingerprint::of(b"key"), Verified::Blind, start).unwrap();
    for (now, seen) in [(start, start), (soon, start), (later, later)] {
        store.seen(&at(21), &Fingerprint::of(b"always"), now).unwrap();
        store.seen(&at(22), &Fingerprint::of(b"key"), now).unwrap();
        // Another one than is trusted was not seen.
        store.seen(&at(21), &Fingerprint::of(b"other"), Timestamp::MAX).unwrap();
        assert_eq!(
            (store.pin(&at(21)).unwrap().unwrap().last_seen, store.notes().unwrap()[0].last_seen),
            (Some(seen), Some(seen)),
            "{now}"
        );
    }
    assert_eq!((person.confirmations(), store.pin(&at(21)).unwrap().unwrap().remember), (vec![Confirmation::Confirmed], Remember::Always));
    store.forget_notes(|note| note.endpoint == at(22)).unwrap();
    assert_eq!(store.notes(), Ok(Vec::new()));
}
