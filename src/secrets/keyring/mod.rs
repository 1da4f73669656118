//! The keyring of the operating system: named items, a few hundred bytes each. Knows nothing of what is in them.
//!
//! Its calls block, panic on a runtime's thread, and never come back where the other side of the socket is dead. So a
//! thread of its own makes them, every wait has a limit, and a keyring that failed once is not asked again in this run.

mod worker;

use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyring_core::CredentialStore;
use zeroize::Zeroizing;

use worker::{Answer, Request, Worker};

/// The name all items are under; `secret-tool search --all service sealift` shows them.
pub const SERVICE: &str = "sealift";

/// How long opening it may take.
const OPENING: Duration = Duration::from_secs(3);
/// How long a request may take: a person may have to type the keyring's password into a window first.
const REQUEST: Duration = Duration::from_secs(30);
/// The item that tells whether items can be read and written at all.
const PROBE: &str = "probe";

/// The person's keyring, opened when it is first needed. A clone is the same one. Every method blocks, within limits.
#[derive(Clone)]
pub struct Keyring(Arc<Inner>);

struct Inner {
    opening: Duration,
    request: Duration,
    state: Mutex<State>,
}

enum State {
    /// Nobody asked for anything yet.
    Unopened(Open),
    Open {
        worker: Worker,
        /// An item was written or read.
        proven: bool,
    },
    /// Not in this run any more.
    GivenUp(KeyringError),
}

/// What opens a keyring, on the thread that will use it.
type Open = Box<dyn FnOnce() -> Result<Arc<CredentialStore>, KeyringError> + Send>;

/// Why there is no keyring to use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// The settings say so, or what runs keeps apart from what is the person's own.
    #[error("the keyring is not used")]
    Off,
    /// This system has none, or none runs in this session.
    #[error("there is no keyring in this session ({0})")]
    NoService(String),
    /// It is there and gives nothing away.
    #[error("your keyring is locked, or has no place for items ({0})")]
    Locked(String),
    /// It said nothing for so long.
    #[error("your keyring did not answer within {} seconds", .0.as_secs())]
    NoAnswer(Duration),
    /// Anything else.
    #[error("your keyring failed ({0})")]
    Failed(String),
}

impl KeyringError {
    /// Whether that is how things are, and no trouble: nothing needs to be said about it.
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::Off | Self::NoService(_))
    }
}

impl Keyring {
    /// The operating system's: Secret Service, Keychain or Credential Manager. Touches nothing yet.
    pub fn system() -> Self {
        Self::new(Box::new(worker::open_system), OPENING, REQUEST)
    }

    /// None at all.
    pub fn off() -> Self {
        Self(Arc::new(Inner { opening: OPENING, request: REQUEST, state: Mutex::new(State::GivenUp(KeyringError::Off)) }))
    }

    fn new(open: Open, opening: Duration, request: Duration) -> Self {
        Self(Arc::new(Inner { opening, request, state: Mutex::new(State::Unopened(open)) }))
    }

    /// Items in `store`, for tests.
    #[cfg(test)]
    pub(crate) fn over(store: Arc<CredentialStore>) -> Self {
        Self::new(Box::new(|| Ok(store)), OPENING, REQUEST)
    }

    /// Whether items can be read and written here; leaves an item that says so. Remembered for this run.
    pub fn check(&self) -> Result<(), KeyringError> {
        if let State::Open { proven: true, .. } = *self.0.state.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(());
        }
        match self.get(PROBE)? {
            Some(_) => Ok(()),
            None => self.set(PROBE, b"sealift can use this keyring"),
        }
    }

    /// The contents of the item `name`, if there is one.
    pub fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        self.ask(Request::Get(name.to_owned()))
    }

    /// Writes the item `name`, in place of what it held.
    pub fn set(&self, name: &str, contents: &[u8]) -> Result<(), KeyringError> {
        self.ask(Request::Set(name.to_owned(), Zeroizing::new(contents.to_owned()))).map(drop)
    }

    /// Removes the item `name`; one that is not there is no error.
    pub fn delete(&self, name: &str) -> Result<(), KeyringError> {
        self.ask(Request::Delete(name.to_owned())).map(drop)
    }

    /// One request at a time, so that no wait is longer than its own limit and one for opening.
    fn ask(&self, request: Request) -> Answer {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = mem::replace(&mut *state, State::GivenUp(KeyringError::Failed("a request was broken off".to_owned())));
        let (after, answer) = match before {
            State::GivenUp(error) => (Err(error.clone()), Err(error)),
            State::Open { worker, proven } => self.ask_worker(worker, proven, request),
            State::Unopened(open) => match Worker::open(open, self.0.opening) {
                Ok(worker) => self.ask_worker(worker, false, request),
                Err(error) => (Err(error.clone()), Err(error)),
            },
        };
        *state = after.unwrap_or_else(State::GivenUp);
        answer
    }

    /// A worker that failed is let go: its thread ends, if it ever comes back.
    fn ask_worker(&self, worker: Worker, proven: bool, request: Request) -> (Result<State, KeyringError>, Answer) {
        let answer = worker.ask(request, self.0.request);
        let after = match &answer {
            Ok(found) => Ok(State::Open { worker, proven: proven || found.is_some() }),
            Err(error) => Err(error.clone()),
        };
        (after, answer)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
