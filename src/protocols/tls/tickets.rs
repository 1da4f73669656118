//! The sessions a server lets us resume, for one control connection and its data connections.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

/// More than any server sends at once; the oldest give way.
const MOST_TICKETS: usize = 32;

/// Which key exchange group a server wanted last: the right guess saves a round trip. A clone shares.
#[derive(Debug, Clone, Default)]
pub(super) struct GroupHints(Arc<Mutex<HashMap<ServerName<'static>, NamedGroup>>>);

/// Tickets of one control connection. There is one server, so no name is looked at except for the hint.
#[derive(Debug)]
pub(super) struct Tickets {
    hints: GroupHints,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Can be used again and again.
    tls12: Option<Tls12ClientSessionValue>,
    /// Each is good for one connection.
    tls13: VecDeque<Tls13ClientSessionValue>,
}

impl Tickets {
    pub(super) fn new(hints: GroupHints) -> Self {
        Self { hints, kept: Mutex::default() }
    }

    /// How many more connections can be resumed; without end with TLS 1.2.
    pub(super) fn left(&self) -> usize {
        let kept = self.kept();
        if kept.tls12.is_some() { usize::MAX } else { kept.tls13.len() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, server: ServerName<'static>, group: NamedGroup) {
        self.hints.0.lock().unwrap_or_else(PoisonError::into_inner).insert(server, group);
    }

    fn kx_hint(&self, server: &ServerName<'_>) -> Option<NamedGroup> {
        self.hints.0.lock().unwrap_or_else(PoisonError::into_inner).get(&server.to_owned()).copied()
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.kept().tls12 = Some(value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.kept().tls12.clone()
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        self.kept().tls12 = None;
    }

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        let mut kept = self.kept();
        if kept.tls13.len() == MOST_TICKETS {
            kept.tls13.pop_front();
        }
        kept.tls13.push_back(value);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.kept().tls13.pop_back()
    }
}
