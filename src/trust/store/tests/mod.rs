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
    assert_eq!(store.pin(&at(21)).unwrap(), None);
    store.remember(at(21), pin(b"once", Remember::Once)).unwrap();
    assert!(!store.file().exists());
    store.remember(at(990), pin(b"always", Remember::Always)).unwrap();

    let again = open(&folder.path().join("deep/inside"));
    assert_eq!((again.pin(&at(21)).unwrap(), again.pin(&at(990)).unwrap()), (None, Some(pin(b"always", Remember::Always))));
    assert_eq!((store.list().unwrap().iter().count(), again.list().unwrap().iter().count()), (2, 1));

    store.remember(at(990), pin(b"for now", Remember::Once)).unwrap();
    assert_eq!(store.pin(&at(990)).unwrap(), Some(pin(b"for now", Remember::Once)));
    store.remember(at(990), pin(b"new", Remember::Always)).unwrap();
    assert_eq!(
        (store.pin(&at(990)).unwrap(), again.pin(&at(990)).unwrap()),
        (Some(pin(b"new", Remember::Always)), Some(pin(b"new", Remember::Always)))
    );

    assert_eq!(
        (store.forget(&at(990)), store.forget(&at(990)), store.forget(&at(21))),
        (Ok(Some(Kept::default())), Ok(None), Ok(Some(Kept::default())))
    );
    assert_eq!((store.list().unwrap(), again.pin(&at(990)).unwrap()), (PinBook::default(), None));
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

    assert_eq!(store.pin(&at(21)).unwrap(), Some(pin(b"a", Remember::Always)),);
    // Somebody was trusted there: to say nobody was would let another one in without a question.
    assert!(store.pin(&at(22)).unwrap_err().to_string().contains("host.example:22 cannot be read"));
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
    let old = store.pin(&at(21)).unwrap().unwrap();
    assert_eq!((old.certificate, old.verified, old.last_seen, old.leaf), (print, Verified::Blind, None, None));
    store.note_host_key(&at(22), &print, Verified::Blind, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!((store.pin(&at(21)).unwrap().map(|pin| pin.since), store.notes().unwrap().len()), (Some(old.since), 1));
}

#[test]
fn a_damaged_file_is_told_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for (contents, word) in
        [("", "damaged"), ("{", "damaged"), ("[]", "damaged"), ("{\"format\": 1}", "damaged"), ("{\"format\": 2}", "newer")]
    {
        fs::write(store.file(), contents).unwrap();
        for error in [
            store.pin(&at(21)).unwrap_err(),
            store.remember(at(21), pin(b"a", Remember::Always)).unwrap_err(),
            store.list().unwrap_err(),
            store.forget(&at(21)).unwrap_err(),
        ] {
            assert!(error.to_string().contains(word), "{error}");
        }
        assert_eq!(fs::read_to_string(store.file()).unwrap(), contents);
    }
}

#[test]
fn a_row_is_kept_to_what_can_be_drawn_and_to_its_own_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let leaf = Some(crate::trust::Certificate { der: b"another".as_slice().into() });
    store.remember(at(21), Pin { leaf, ..pin(b"a", Remember::Always) }).unwrap();
    for host in ["evil\u{1b}[2J.example", "a\u{202e}b", "a b", ""] {
        store.remember(Endpoint::new(host, 21), pin(b"b", Remember::Always)).unwrap();
    }
    assert_eq!(store.pin(&at(21)).unwrap(), Some(pin(b"a", Remember::Always)));
    assert_eq!((store.rows().unwrap().len(), store.list().unwrap().iter().count()), (1, 1));
    assert!(store.pin(&Endpoint::new("a\u{202e}b", 21)).is_err());
}

#[test]
fn what_is_imported_accepts_no_revoked_certificate() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let all = Pin { accepted: ProblemKind::ALL.into_iter().collect(), ..pin(b"a", Remember::Always) };
    open(one.path()).remember(at(21), all).unwrap();
    open(other.path()).import(&open(one.path()).export(Vec::new()).unwrap()).unwrap();
    let accepted = open(other.path()).pin(&at(21)).unwrap().unwrap().accepted;
    assert!(accepted.contains(&ProblemKind::SelfSigned));
    for kind in [ProblemKind::Revoked, ProblemKind::Expired, ProblemKind::BadChainSignature, ProblemKind::Unconfirmed] {
        assert!(!accepted.contains(&kind), "{kind:?}");
    }
}

#[cfg(unix)]
#[test]
fn what_lies_under_a_foreseen_name_is_not_written_through() {
    let folder = tempfile::tempdir().unwrap();
    let (store, victim) = (open(folder.path()), folder.path().join("victim"));
    fs::write(&victim, "mine").unwrap();
    let foreseen = folder.path().join(format!("ledger.json.{}.new", std::process::id()));
    std::os::unix::fs::symlink(&victim, foreseen).unwrap();
    store.remember(at(21), pin(b"a", Remember::Always)).unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"mine");
    assert!(!fs::symlink_metadata(store.file()).unwrap().is_symlink());
}

proptest! {
    #[test]
    fn no_contents_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), text in r#"\{"format":1,"trusted":\[.{0,60}\]\}"#) {
        for contents in [bytes.as_slice(), text.as_bytes()] {
            if let Ok(ledger) = LedgerFile::parse(contents) {
                prop_assert_eq!(ledger.pin(&at(1)), Ok(None));
                prop_assert_eq!((ledger.authorities().count(), ledger.notes().count()), (0, 0));
            }
        }
    }
}

mod with_a_keyring;
