//! Reaches an SSH server and has its host key judged before anything is said about a user; ends in SFTP.

use std::sync::Arc;
use std::time::Duration;

use russh::keys::HashAlg;
use russh::{Limits, client};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::algorithms;
use super::file_system::{Session, SftpFileSystem};
use super::line::{FirstBytes, Line};
use super::peer::{Peer, Told, handshake_error};
use super::sessions::Sessions;
use super::transport::Transport;
use crate::model::{Endpoint, Site};
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::trust::{Evidence, HostKey};
use crate::vfs::{FsError, FsErrorKind};

/// Bytes a server may send before we take them; what is in flight is bounded by the reading side.
const WINDOW: u32 = 64 * 1024 * 1024;
/// The largest russh takes.
const PACKET: u32 = 65_535;
/// As RFC 4253 section 9 wants it, like [`REKEY_BYTES`].
const REKEY_TIME: Duration = Duration::from_secs(3600);
const REKEY_BYTES: usize = 1 << 30;
const KEEPALIVES_UNANSWERED: usize = 3;
/// Of a banner, this much is kept.
pub(super) const MOST_TEXT: usize = 8 * 1024;

/// How to reach a server.
#[derive(Debug, Clone)]
pub struct SshSettings {
    /// Where.
    pub site: Site,
    /// Key types (`ssh-ed25519`, `ssh-rsa` …) known for this host: asked for first, so that a known key is shown.
    pub preferred_host_keys: Vec<String>,
    /// Only these algorithms, in this order (OpenSSH's HostKeyAlgorithms, names of certificate algorithms among them).
    pub host_key_algorithms: Option<Vec<String>>,
    /// Certificates are asked for before plain keys: somebody is at hand who can judge them.
    pub host_certificates: bool,
    /// The limit for each step of connecting, and for silence while requests are open.
    pub timeout: Duration,
    /// Keys are exchanged anew after so many bytes in either direction; the server may want it sooner.
    pub rekey_after: usize,
    /// Commands may be run in the login's shell, where SFTP itself has no way: to have files hashed there (`sha256sum`).
    pub remote_commands: bool,
    /// A sign of life is asked for after this much silence, or after `timeout` where that is less; three unanswered ones end the
    /// connection.
    pub keepalive: Duration,
}

impl SshSettings {
    /// Nothing known of the host, 20 seconds for each step, a sign of life every 15.
    pub fn new(site: Site) -> Self {
        Self {
            site,
            preferred_host_keys: Vec::new(),
            host_key_algorithms: None,
            host_certificates: false,
            rekey_after: REKEY_BYTES,
            remote_commands: true,
            timeout: Duration::from_secs(20),
            keepalive: Duration::from_secs(15),
        }
    }
}

/// Decides over a host key. `Err` ends the connection before any authentication.
pub type HostKeyJudge = Arc<dyn Fn(&HostKey) -> Result<(), Box<Evidence>> + Send + Sync>;

/// A connection to a server whose host key was accepted. Dropping it cuts the line.
pub struct SshConnection {
    pub(super) handle: client::Handle<Peer>,
    pub(super) told: Told,
    pub(super) endpoint: Endpoint,
    /// What RSA keys sign with, once asked.
    pub(super) rsa_hash: Option<HashAlg>,
    /// What was brought so far and not accepted.
    pub(super) refusals: u32,
    remote_commands: bool,
    pub(super) timeout: Duration,
    line: CancellationToken,
    guard: DropGuard,
}

impl SshConnection {
    /// [`Self::connect_over`] TCP.
    pub async fn connect(settings: &SshSettings, judge: HostKeyJudge) -> Result<Self, ConnectError> {
        Self::connect_over(&Transport::Tcp, settings, judge).await
    }

    /// Connects, exchanges keys and has the host key judged.
    ///
    /// # Errors
    /// [`ConnectErrorKind::Untrusted`] with the judge's evidence: nothing but the key exchange was sent.
    pub async fn connect_over(transport: &Transport, settings: &SshSettings, judge: HostKeyJudge) -> Result<Self, ConnectError> {
        let endpoint = &settings.site.endpoint;
        let (stream, last_words) = transport.open(endpoint, settings.timeout).await?;
        let line = CancellationToken::new();
        let guard = line.clone().drop_guard();
        let first = FirstBytes::default();
        let told = Told::default();
        let peer = Peer { judge, told: told.clone() };
        let line_below = Line::new(stream, line.clone(), first.clone());
        let greeting = async {
            let connected = client::connect_stream(Arc::new(config(settings)), line_below, peer).await;
            connected.map_err(|error| handshake_error(error, endpoint, &first, &told))
        };
        let greeting = within(settings.timeout, endpoint, greeting).await;
        // A server that waits for us to speak another protocol looks like a silent one, unless it said something.
        let greeting = greeting.map_err(|error| match (&error.kind, first.other_protocol()) {
            (ConnectErrorKind::TimedOut, Some(other)) => ConnectError::new(ConnectErrorKind::WrongProtocol, endpoint, other),
            _ => error,
        });
        let handle = match (greeting, last_words) {
            (Ok(handle), _) => handle,
            (Err(error), Some(words)) if matches!(error.kind, ConnectErrorKind::ConnectionLost | ConnectErrorKind::TimedOut) => {
                line.cancel();
                let heard = words.heard().await;
                return Err(heard.map_or(error, |why| ConnectError::new(ConnectErrorKind::ConnectionLost, endpoint, why)));
            }
            (Err(error), _) => return Err(error),
        };
        let (remote_commands, timeout) = (settings.remote_commands, settings.timeout);
        Ok(Self { handle, told, endpoint: endpoint.clone(), rsa_hash: None, refusals: 0, remote_commands, timeout, line, guard })
    }

    /// What the server said before the login, made safe to draw; may be empty, may have several lines.
    pub fn banner(&self) -> String {
        self.told.state().banner.clone()
    }

    /// Starts SFTP. The login must have succeeded.
    ///
    /// # Errors
    /// [`ConnectErrorKind::NoSftp`], and the detail says whether the subsystem is missing or something else spoke.
    pub async fn into_sftp(self) -> Result<SftpFileSystem, ConnectError> {
        let endpoint = self.endpoint.clone();
        let sessions = Sessions::new(self.handle, self.timeout, self.line);
        let opening = async { sessions.first_channel().await.map_err(|why| ConnectError::new(ConnectErrorKind::NoSftp, &endpoint, why)) };
        let (channel, version) = within(self.timeout, &endpoint, opening).await?;
        self.guard.disarm();
        let state = self.told.state().clone();
        let session = Session {
            banner: state.banner,
            facts: state.facts,
            software: state.software,
            below: Some(Arc::new(sessions)),
            remote_commands: self.remote_commands,
        };
        let starting = async { SftpFileSystem::start(channel, version, session).await.map_err(|error| from_fs(&error, &endpoint)) };
        within(self.timeout, &endpoint, starting).await
    }
}

fn from_fs(error: &FsError, endpoint: &Endpoint) -> ConnectError {
    let kind = match error.kind {
        FsErrorKind::TimedOut => ConnectErrorKind::TimedOut,
        FsErrorKind::ConnectionLost => ConnectErrorKind::ConnectionLost,
        _ => ConnectErrorKind::Protocol,
    };
    ConnectError::new(kind, endpoint, &error.detail)
}

pub(super) async fn within<T>(
    limit: Duration,
    endpoint: &Endpoint,
    step: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    match tokio::time::timeout(limit, step).await {
        Ok(done) => done,
        Err(_) => Err(ConnectError::new(ConnectErrorKind::TimedOut, endpoint, format!("nothing came within {} seconds", limit.as_secs()))),
    }
}

fn config(settings: &SshSettings) -> client::Config {
    client::Config {
        window_size: WINDOW,
        maximum_packet_size: PACKET,
        preferred: algorithms::preferred(settings),
        limits: Limits::new(settings.rekey_after.min(REKEY_BYTES), settings.rekey_after.min(REKEY_BYTES), REKEY_TIME),
        inactivity_timeout: None,
        keepalive_interval: Some(settings.keepalive.min(settings.timeout)),
        keepalive_max: KEEPALIVES_UNANSWERED,
        nodelay: true,
        ..client::Config::default()
    }
}
