//! The ledger: what is remembered, by whom it can be read, and that nothing in it is lost.

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::trust::{Fingerprint, ProblemKind, Verified};

fn pin(of: &[u8], remember: Remember) -> Pin {
    let accepted = BTreeSet::from([ProblemKind::SelfSigned, ProblemKind::UnknownIssuer]);
    Pin {
        certificate: Fingerprint::of(of),
        spki: Some(Fingerprint::of(b"key")),
        accepted,
        since: Timestamp::UNIX_EPOCH,
        remember,
        verified: Verified::Blind,
        last_seen: None,
        leaf: None,
        issuer: None,
    }
}

/// A store without a keyring.
fn open(folder: &Path) -> TrustStore {
    TrustStore::open(folder, Keyring::off())
}

fn at(port: u16) -> Endpoint {
    Endpoint::new("Host.example.", port)
}

#[test]
fn always_is_in_the_file_and_once_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("deep/inside"));
    assert_eq!(store.pin(&at(21)), None);
    store.remember(at(21), pin(b"once", Remember::Once)).unwrap();
    assert!(!store.file().exists());
    store.remember(at(990), pin(b"always", Remember::Always)).unwrap();

    let again = open(&folder.path().join("deep/inside"));
    assert_eq!((again.pin(&at(21)), again.pin(&at(990))), (None, Some(pin(b"always", Remember::Always))));
    assert_eq!((store.list().unwrap().iter().count(), again.list().unwrap().iter().count()), (2, 1));

    store.remember(at(990), pin(b"for now", Remember::Once)).unwrap();
    assert_eq!(store.pin(&at(990)), Some(pin(b"for now", Remember::Once)));
    store.remember(at(990), pin(b"new", Remember::Always)).unwrap();
    assert_eq!((store.pin(&at(990)), again.pin(&at(990))), (Some(pin(b"new", Remember::Always)), Some(pin(b"new", Remember::Always))));

    assert_eq!(
        (store.forget(&at(990)), store.forget(&at(990)), store.forget(&at(21))),
        (Ok(Some(Kept::default())), Ok(None), Ok(Some(Kept::default())))
    );
    assert_eq!((store.list().unwrap(), again.pin(&at(990))), (PinBook::default(), None));
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("trust"));
    store.remember(at(21), pin(b"a", Remember::Always)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&store.file()), mode(&folder.path().join("trust"))), (0o600, 0o700));
    let names: Vec<_> = fs::read_dir(folder.path().join("trust")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "ledger and lock, nothing half-written: {names:?}");
}

#[test]
fn two_programs_keep_each_others_pins() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for first in [1, 100] {
            let folder = folder.path();
            scope.spawn(move || {
                let store = open(folder);
                (first..first + 20).for_each(|port| drop(store.remember(at(port), pin(b"a", Remember::Always)).unwrap()));
            });
        }
    });
    assert_eq!(open(folder.path()).list().unwrap().iter().count(), 40);
}

#[test]
fn what_is_not_understood_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.remember(at(21), pin(b"a", Remember::Always)).unwrap();
    let mut ledger: Value = serde_json::from_slice(&fs::read(store.file()).unwrap()).unwrap();
    ledger["later"] = true.into();
    ledger["trusted"][0]["note"] = "asked the administrator".into();
    let mut newer = ledger["trusted"][0].clone();
    newer["port"] = 22.into();
    newer["accepted"] = serde_json::json!(["a-problem-of-tomorrow"]);
    ledger["trusted"].as_array_mut().unwrap().push(newer);
    fs::write(store.file(), ledger.to_string()).unwrap();

    assert_eq!((store.pin(&at(21)), store.pin(&at(22))), (Some(pin(b"a", Remember::Always)), None), "what is not understood trusts nobody");
    store.remember(at(23), pin(b"b", Remember::Always)).unwrap();
    let after: Value = serde_json::from_slice(&fs::read(store.file()).unwrap()).unwrap();
    assert_eq!(after["later"], true);
    assert_eq!(after["trusted"].as_array().unwrap()[..2], ledger["trusted"].as_array().unwrap()[..]);
}

#[test]
fn a_ledger_of_the_first_version_is_read_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let print = Fingerprint::of(b"a");
    let row = format!(
        r#"{{"certificate":"{print}","spki":null,"accepted":["self-signed"],"since":"2026-11-02T10:00:00Z","remember":"always","host":"host.example","port":21}}"#
    );
    fs::write(store.file(), format!(r#"{{"format":1,"trusted":[{row}]}}"#)).unwrap();
    let old = store.pin(&at(21)).unwrap();
    assert_eq!((old.certificate, old.verified, old.last_seen, old.leaf), (print, Verified::Blind, None, None));
    store.note_host_key(&at(22), &print, Verified::Blind, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!((store.pin(&at(21)).map(|pin| pin.since), store.notes().unwrap().len()), (Some(old.since), 1));
}

#[test]
fn a_damaged_file_is_told_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for (contents, word) in
        [("", "damaged"), ("{", "damaged"), ("[]", "damaged"), ("{\"format\": 1}", "damaged"), ("{\"format\": 2}", "newer")]
    {
        fs::write(store.file(), contents).unwrap();
        assert_eq!(store.pin(&at(21)), None);
        for error in [
            store.remember(at(21), pin(b"a", Remember::Always)).unwrap_err(),
            store.list().unwrap_err(),
            store.forget(&at(21)).unwrap_err(),
        ] {
            assert!(error.to_string().contains(word), "{error}");
        }
        assert_eq!(fs::read_to_string(store.file()).unwrap(), contents);
    }
}

proptest! {
    #[test]
    fn no_contents_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), text in r#"\{"format":1,"trusted":\[.{0,60}\]\}"#) {
        for contents in [bytes.as_slice(), text.as_bytes()] {
            if let Ok(ledger) = LedgerFile::parse(contents) {
                prop_assert_eq!(ledger.pin(&at(1)), None);
                prop_assert_eq!((ledger.authorities().count(), ledger.notes().count()), (0, 0));
            }
        }
    }
}

mod with_a_keyring;
