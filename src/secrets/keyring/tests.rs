//! The keyring's own conduct: items, limits, and that one failure is one failure. Over a store in memory.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Mutex as StdMutex;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use keyring_core::api::CredentialStoreApi;
use keyring_core::mock;

use super::*;

const SHORT: Duration = Duration::from_millis(50);

fn error_of(store: &mock::Store, name: &str, error: keyring_core::Error) {
    let entry = store.build(SERVICE, name, None).unwrap();
    entry.as_any().downcast_ref::<mock::Cred>().unwrap().set_error(error);
}

#[test]
fn items_are_written_read_and_removed() {
    let keyring = Keyring::over(mock::Store::new().unwrap());
    let held = b"\0 any bytes \xff".to_vec();
    assert_eq!(keyring.get("a"), Ok(None));
    assert_eq!((keyring.set("a", b"first"), keyring.set("a", &held)), (Ok(()), Ok(())));
    assert_eq!((keyring.get("a"), keyring.clone().get("b")), (Ok(Some(Zeroizing::new(held))), Ok(None)));
    assert_eq!((keyring.delete("a"), keyring.delete("a"), keyring.get("a")), (Ok(()), Ok(()), Ok(None)));
    let fresh = Keyring::over(mock::Store::new().unwrap());
    assert_eq!((fresh.check(), fresh.check()), (Ok(()), Ok(())));
    assert!(fresh.get(PROBE).unwrap().is_some());
}

#[test]
fn a_keyring_that_failed_is_not_asked_again() {
    let store = mock::Store::new().unwrap();
    let keyring = Keyring::over(store.clone());
    keyring.set("a", b"x").unwrap();
    error_of(&store, "a", keyring_core::Error::NoStorageAccess("dismissed".into()));
    let locked = keyring.get("a").unwrap_err();
    assert!(matches!(&locked, KeyringError::Locked(why) if why.contains("dismissed")) && !locked.is_absence(), "{locked}");
    // The store would answer now.
    assert_eq!((keyring.get("a"), keyring.set("b", b""), keyring.check()), (Err(locked.clone()), Err(locked.clone()), Err(locked)));
    assert!(Keyring::over(store).get("a").unwrap().is_some());
}

#[test]
fn where_nothing_can_be_written_the_check_says_so() {
    let store = mock::Store::new().unwrap();
    let keyring = Keyring::over(store.clone());
    // Nothing there, so nothing is denied.
    assert_eq!(keyring.get("a"), Ok(None));
    // Told at the first call on the item, which is the look for it; a real store tells at the second.
    error_of(&store, PROBE, keyring_core::Error::NoStorageAccess("no collection".into()));
    assert!(matches!(keyring.check(), Err(KeyringError::Locked(_))));
}

#[test]
fn off_is_off() {
    let keyring = Keyring::off();
    assert_eq!(
        (keyring.check(), keyring.get("a"), keyring.set("a", b"")),
        (Err(KeyringError::Off), Err(KeyringError::Off), Err(KeyringError::Off))
    );
    assert!(KeyringError::Off.is_absence());
}

#[test]
fn opening_that_never_ends_is_given_up_once() {
    // So long that even a busy machine does not take it for a wait if it makes none.
    const LIMIT: Duration = Duration::from_secs(1);
    let (_hold, held) = sync_channel::<()>(1);
    let keyring = Keyring::new(
        Box::new(move || {
            let _ = held.recv();
            Err(KeyringError::Off)
        }),
        LIMIT,
        LIMIT,
    );
    assert_eq!(keyring.get("a"), Err(KeyringError::NoAnswer(LIMIT)));
    let before = Instant::now();
    assert_eq!(keyring.check(), Err(KeyringError::NoAnswer(LIMIT)));
    assert!(before.elapsed() < LIMIT, "asked once only");
}

#[test]
fn an_opening_that_panics_is_a_reason() {
    let keyring = Keyring::new(Box::new(|| panic!("on purpose")), OPENING, REQUEST);
    assert!(matches!(keyring.get("a"), Err(KeyringError::Failed(_))));
}

/// A store that opens and then never answers.
#[derive(Debug)]
struct Silent(StdMutex<Receiver<()>>);

impl CredentialStoreApi for Silent {
    fn vendor(&self) -> String {
        String::new()
    }
    fn id(&self) -> String {
        String::new()
    }
    fn build(&self, _: &str, _: &str, _: Option<&HashMap<&str, &str>>) -> keyring_core::Result<keyring_core::Entry> {
        let _ = self.0.lock().unwrap().recv();
        Err(keyring_core::Error::NoEntry)
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[test]
fn a_request_that_is_never_answered_ends_in_time_for_everybody() {
    let (_hold, held) = sync_channel::<()>(1);
    let store: Arc<CredentialStore> = Arc::new(Silent(StdMutex::new(held)));
    let keyring = Keyring::new(Box::new(|| Ok(store)), OPENING, SHORT);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(keyring.get("a"), Err(KeyringError::NoAnswer(SHORT))));
        }
    });
}
