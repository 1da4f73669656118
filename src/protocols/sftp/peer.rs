//! russh's view of the other side: its key is judged here, and what it says beside its answers is kept.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use russh::client::{self, DisconnectReason};
use russh::keys::PublicKeyOrCertificate;

use super::connection::{HostKeyJudge, MOST_TEXT};
use super::line::FirstBytes;
use crate::identity::ssh_key;
use crate::model::{Endpoint, text};
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::trust::Evidence;

/// What a server told beside its answers.
#[derive(Clone, Default)]
pub(super) struct Told(Arc<Mutex<ToldState>>);

#[derive(Clone, Default)]
pub(super) struct ToldState {
    pub(super) banner: String,
    pub(super) facts: Vec<(String, String)>,
    /// What it calls itself in its first line (RFC 4253 section 4.2).
    pub(super) software: String,
    /// The words of its disconnect message.
    pub(super) farewell: Option<String>,
}

impl Told {
    pub(super) fn state(&self) -> MutexGuard<'_, ToldState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// russh's view of the other side.
pub(super) struct Peer {
    pub(super) judge: HostKeyJudge,
    pub(super) told: Told,
}

pub(super) enum PeerError {
    Ssh(russh::Error),
    Untrusted(Box<Evidence>),
}

impl From<russh::Error> for PeerError {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

impl fmt::Debug for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ssh(error) => fmt::Debug::fmt(error, f),
            Self::Untrusted(_) => f.write_str("the host key was not accepted"),
        }
    }
}

impl client::Handler for Peer {
    type Error = PeerError;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, PeerError> {
        (self.judge)(&ssh_key::host_key(key)).map(|()| true).map_err(PeerError::Untrusted)
    }

    async fn auth_banner(&mut self, banner: &str, _: &mut client::Session) -> Result<(), PeerError> {
        let mut state = self.told.state();
        for line in banner.lines() {
            if state.banner.len() + line.len() > MOST_TEXT {
                break;
            }
            let line = text::display_safe(line.trim_end().as_bytes());
            state.banner.push_str(&line);
            state.banner.push('\n');
        }
        Ok(())
    }

    async fn kex_done(&mut self, _: Option<&[u8]>, names: &russh::Names, session: &mut client::Session) -> Result<(), PeerError> {
        let facts = [
            ("Key exchange", names.kex.as_ref().to_owned()),
            ("Host key type", names.key.to_string()),
            ("Cipher", names.cipher.as_ref().to_owned()),
            ("Strict key exchange", if names.strict_kex() { "yes" } else { "no" }.to_owned()),
        ];
        let mut state = self.told.state();
        // Strict key exchange is only negotiated in the first one; later ones change nothing a person looks for.
        if state.facts.is_empty() {
            state.software = text::display_safe(session.remote_sshid());
            state.facts = facts.map(|(label, value)| (label.to_owned(), value)).to_vec();
        }
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<PeerError>) -> Result<(), PeerError> {
        match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                self.told.state().farewell = Some(text::display_safe(info.message.as_bytes()));
                Ok(())
            }
            DisconnectReason::Error(error) => Err(error),
        }
    }
}

/// Why there is no connection.
pub(super) fn handshake_error(error: PeerError, endpoint: &Endpoint, first: &FirstBytes, told: &Told) -> ConnectError {
    let new = |kind, detail: String| ConnectError::new(kind, endpoint, detail);
    let error = match error {
        PeerError::Untrusted(evidence) => return new(ConnectErrorKind::Untrusted(evidence), String::new()),
        PeerError::Ssh(error) => error,
    };
    if let Some(other) = first.other_protocol() {
        return new(ConnectErrorKind::WrongProtocol, other);
    }
    let farewell = told.state().farewell.clone();
    match error {
        russh::Error::IO(error) => ConnectError::from_io(&error, endpoint),
        russh::Error::Disconnect | russh::Error::HUP => {
            let silent = "the server closed the connection at once; it may take no more connections, or not from this address";
            new(ConnectErrorKind::ConnectionLost, farewell.unwrap_or_else(|| silent.to_owned()))
        }
        russh::Error::NoCommonAlgo { kind, theirs, .. } => {
            let what = format!("{kind:?}").to_lowercase();
            new(ConnectErrorKind::Handshake, format!("no common {what} algorithm; the server offers {}", theirs.join(", ")))
        }
        other => new(ConnectErrorKind::Handshake, farewell.unwrap_or_else(|| other.to_string())),
    }
}
