//! The thread that talks to the keyring, and the waits for it. Decides nothing.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use keyring_core::{CredentialStore, Error};
use zeroize::Zeroizing;

use super::{KeyringError, Open, SERVICE};

/// What is asked of the keyring.
pub(super) enum Request {
    Get(String),
    Set(String, Zeroizing<Vec<u8>>),
    Delete(String),
}

/// What the item held, or something for an item that was written.
pub(super) type Answer = Result<Option<Zeroizing<Vec<u8>>>, KeyringError>;

/// The way to the thread. Dropped, the thread ends as soon as the keyring lets it.
pub(super) struct Worker {
    requests: SyncSender<Request>,
    answers: Receiver<Answer>,
}

impl Worker {
    /// Starts the thread, which opens the keyring.
    pub(super) fn open(open: Open, limit: Duration) -> Result<Self, KeyringError> {
        let (requests, asked) = sync_channel(1);
        let (answer, answers) = sync_channel(1);
        let thread = thread::Builder::new().name("keyring".to_owned()).spawn(move || work(open, &asked, &answer));
        thread.map_err(|error| KeyringError::Failed(error.to_string()))?;
        let worker = Self { requests, answers };
        worker.wait(limit).map(|_| worker)
    }

    /// Asks, and waits for the answer to this one request.
    pub(super) fn ask(&self, request: Request, limit: Duration) -> Answer {
        self.requests.try_send(request).map_err(|_| gone())?;
        self.wait(limit)
    }

    fn wait(&self, limit: Duration) -> Answer {
        self.answers.recv_timeout(limit).unwrap_or_else(|error| {
            Err(match error {
                RecvTimeoutError::Timeout => KeyringError::NoAnswer(limit),
                RecvTimeoutError::Disconnected => gone(),
            })
        })
    }
}

fn gone() -> KeyringError {
    KeyringError::Failed("the thread that asks it ended".to_owned())
}

fn work(open: Open, asked: &Receiver<Request>, answer: &SyncSender<Answer>) {
    let store = match open() {
        Ok(store) => store,
        Err(error) => return drop(answer.send(Err(error))),
    };
    // Nobody hears an answer that comes too late.
    let mut heard = answer.send(Ok(None));
    while heard.is_ok()
        && let Ok(request) = asked.recv()
    {
        heard = answer.send(carry_out(&*store, &request));
    }
}

fn carry_out(store: &CredentialStore, request: &Request) -> Answer {
    let done = match request {
        Request::Get(name) => store.build(SERVICE, name, None).and_then(|entry| entry.get_secret()).map(|held| Some(Zeroizing::new(held))),
        Request::Set(name, contents) => set(store, name, contents).map(|()| Some(Zeroizing::default())),
        Request::Delete(name) => delete(store, name).map(|()| None),
    };
    match done {
        Err(Error::NoEntry) => Ok(None),
        // Several items of one name contradict each other: there is something, and nothing that can be read out of it.
        Err(Error::Ambiguous(_)) => Ok(Some(Zeroizing::default())),
        Err(error @ Error::NoStorageAccess(_)) => Err(KeyringError::Locked(error.to_string())),
        done => done.map_err(|error| KeyringError::Failed(error.to_string())),
    }
}

fn set(store: &CredentialStore, name: &str, contents: &[u8]) -> Result<(), Error> {
    let entry = store.build(SERVICE, name, None)?;
    match entry.set_secret(contents) {
        Err(Error::Ambiguous(_)) => {
            delete(store, name)?;
            entry.set_secret(contents)
        }
        done => done,
    }
}

/// All items of that name.
fn delete(store: &CredentialStore, name: &str) -> Result<(), Error> {
    match store.build(SERVICE, name, None)?.delete_credential() {
        Err(Error::Ambiguous(entries)) => entries.iter().try_for_each(keyring_core::Entry::delete_credential),
        done => done,
    }
}

/// What the Secret Service store says where there is no bus, or none of its kind on it. Its error types are not ours to see;
/// a text that changes one day makes a remark out of an absence, and nothing worse.
const ABSENT: [&str; 3] = ["Failed to connect to address", "no secret service provider", "ServiceUnknown"];

/// The keyring of this system.
pub(super) fn open_system() -> Result<Arc<CredentialStore>, KeyringError> {
    if let Err(error) = keyring::Entry::store_status() {
        let why = error.to_string();
        let is_absent = ABSENT.iter().any(|words| why.contains(words));
        return Err(if is_absent { KeyringError::NoService(why) } else { KeyringError::Failed(why) });
    }
    keyring_core::get_default_store().ok_or_else(|| KeyringError::NoService("this system has none".to_owned()))
}
