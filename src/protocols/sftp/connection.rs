//! Reaches an SSH server and has its host key judged before anything is said about a user; ends in SFTP.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use russh::client::{self, DisconnectReason};
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKeyOrCertificate};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Disconnect, Preferred, cipher, compression};
use tokio::net::{TcpStream, lookup_host};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::channel::{Channel, Incoming, NotSftp, Outgoing};
use super::file_system::{self, Session, SftpFileSystem};
use super::line::{FirstBytes, Line};
use crate::identity::ssh_key;
use crate::model::{Endpoint, Site, text};
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::trust::{Evidence, HostKey};
use crate::vfs::{FsError, FsErrorKind};

/// Bytes a server may send before we take them; what is in flight is bounded by the reading side.
const WINDOW: u32 = 32 * 1024 * 1024;
/// The largest russh takes.
const PACKET: u32 = 65_535;
const KEEPALIVES_UNANSWERED: usize = 3;
/// Of a banner or a program's error output, this much is kept.
const MOST_TEXT: usize = 8 * 1024;

/// How to reach a server.
#[derive(Debug, Clone)]
pub struct SshSettings {
    /// Where.
    pub site: Site,
    /// Key types (`ssh-ed25519`, `ssh-rsa` …) known for this host: asked for first, so that a known key is shown.
    pub preferred_host_keys: Vec<String>,
    /// The limit for each step of connecting, and for silence while requests are open.
    pub timeout: Duration,
    /// A sign of life is asked for after this much silence; three unanswered ones end the connection.
    pub keepalive: Duration,
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
    timeout: Duration,
    line: CancellationToken,
    guard: DropGuard,
}

impl SshConnection {
    /// Connects, exchanges keys and has the host key judged.
    ///
    /// # Errors
    /// [`ConnectErrorKind::Untrusted`] with the judge's evidence: nothing but the key exchange was sent.
    pub async fn connect(settings: &SshSettings, judge: HostKeyJudge) -> Result<Self, ConnectError> {
        let endpoint = &settings.site.endpoint;
        let stream = within(settings.timeout, endpoint, reach(endpoint)).await?;
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
        let handle = greeting.map_err(|error| match (&error.kind, first.other_protocol()) {
            (ConnectErrorKind::TimedOut, Some(other)) => ConnectError::new(ConnectErrorKind::WrongProtocol, endpoint, other),
            _ => error,
        })?;
        Ok(Self { handle, told, endpoint: endpoint.clone(), rsa_hash: None, timeout: settings.timeout, line, guard })
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
        let said = Said::default();
        let opening = async {
            let no_sftp = |detail: String| ConnectError::new(ConnectErrorKind::NoSftp, &endpoint, detail);
            let session = self.handle.channel_open_session().await;
            let session = session.map_err(|error| no_sftp(format!("the server opens no session: {error}")))?;
            let (mut read, write) = session.split();
            write.request_subsystem(true, "sftp").await.map_err(|error| no_sftp(error.to_string()))?;
            loop {
                match read.wait().await {
                    Some(ChannelMsg::Success) => break,
                    Some(ChannelMsg::Failure) | None => {
                        return Err(no_sftp("it has no SFTP subsystem; the administrator can switch it on".into()));
                    }
                    Some(_) => {}
                }
            }
            let incoming = SessionReader { half: read, said: said.clone() };
            let opened = Channel::open(incoming, SessionWriter(write), self.timeout, self.line.clone()).await;
            opened.map_err(|why| no_sftp(said.explain(&why)))
        };
        let (channel, version) = within(self.timeout, &endpoint, opening).await?;
        self.guard.disarm();
        let state = self.told.state().clone();
        let session = Session { banner: state.banner, facts: state.facts, line: Some(Box::new(Goodbye(self.handle))) };
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

async fn reach(endpoint: &Endpoint) -> Result<TcpStream, ConnectError> {
    let unknown = |detail: String| ConnectError::new(ConnectErrorKind::UnknownHost, endpoint, detail);
    let addresses: Vec<_> =
        lookup_host((endpoint.host.as_str(), endpoint.port)).await.map_err(|error| unknown(error.to_string()))?.collect();
    if addresses.is_empty() {
        return Err(unknown(String::new()));
    }
    let stream = TcpStream::connect(&addresses[..]).await.map_err(|error| ConnectError::from_io(&error, endpoint))?;
    stream.set_nodelay(true).map_err(|error| ConnectError::from_io(&error, endpoint))?;
    Ok(stream)
}

fn config(settings: &SshSettings) -> client::Config {
    client::Config {
        window_size: WINDOW,
        maximum_packet_size: PACKET,
        preferred: Preferred {
            key: host_key_algorithms(&settings.preferred_host_keys).into(),
            cipher: Cow::Borrowed(if has_aes() { &AES_FIRST } else { &CHACHA_FIRST }),
            compression: Cow::Borrowed(&[compression::NONE]),
            // The key exchanges stay russh's own: strict-kex markers are among them.
            ..Preferred::DEFAULT
        },
        inactivity_timeout: None,
        keepalive_interval: Some(settings.keepalive),
        keepalive_max: KEEPALIVES_UNANSWERED,
        nodelay: true,
        ..client::Config::default()
    }
}

const AES_FIRST: [cipher::Name; 6] =
    [cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::CHACHA20_POLY1305, cipher::AES_256_CTR, cipher::AES_192_CTR, cipher::AES_128_CTR];
const CHACHA_FIRST: [cipher::Name; 6] =
    [cipher::CHACHA20_POLY1305, cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::AES_256_CTR, cipher::AES_192_CTR, cipher::AES_128_CTR];

/// Whether this processor computes AES itself.
fn has_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("aes");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

/// Known types first. RSA with SHA-1 is left out, as OpenSSH does.
fn host_key_algorithms(preferred: &[String]) -> Vec<Algorithm> {
    let mut all = vec![
        Algorithm::Ed25519,
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
        Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
        Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
    ];
    let key_type = |algorithm: &Algorithm| match algorithm {
        Algorithm::Rsa { .. } => "ssh-rsa".to_owned(),
        other => other.to_string(),
    };
    all.sort_by_key(|algorithm| preferred.iter().position(|known| *known == key_type(algorithm)).unwrap_or(usize::MAX));
    all
}

/// What a server told beside its answers.
#[derive(Clone, Default)]
pub(super) struct Told(Arc<Mutex<ToldState>>);

#[derive(Clone, Default)]
pub(super) struct ToldState {
    banner: String,
    facts: Vec<(String, String)>,
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
    judge: HostKeyJudge,
    told: Told,
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

    async fn kex_done(&mut self, _: Option<&[u8]>, names: &russh::Names, _: &mut client::Session) -> Result<(), PeerError> {
        let facts = [
            ("Key exchange", names.kex.as_ref().to_owned()),
            ("Host key type", names.key.to_string()),
            ("Cipher", names.cipher.as_ref().to_owned()),
            ("Strict key exchange", if names.strict_kex() { "yes" } else { "no" }.to_owned()),
        ];
        let mut state = self.told.state();
        // Strict key exchange is only negotiated in the first one; later ones change nothing a person looks for.
        if state.facts.is_empty() {
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

fn handshake_error(error: PeerError, endpoint: &Endpoint, first: &FirstBytes, told: &Told) -> ConnectError {
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

struct Goodbye(client::Handle<Peer>);

#[async_trait]
impl file_system::Line for Goodbye {
    async fn say_goodbye(&self) {
        // If the session is gone already, there is nobody to take leave of.
        drop(self.0.disconnect(Disconnect::ByApplication, "", "").await);
    }
}

/// What the program behind the channel said beside SFTP.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<(Vec<u8>, Option<u32>)>>);

impl Said {
    fn explain(&self, why: &NotSftp) -> String {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let complaint = if said.0.is_empty() { String::new() } else { format!(": {}", String::from_utf8_lossy(&said.0).trim()) };
        match (why, said.1) {
            (NotSftp::Noise(noise), _) => {
                // SFTP's own bytes may follow the text.
                let words = noise.split(|&b| b == 0).next().unwrap_or_default();
                format!(
                    "a text came where SFTP should speak, probably from a start-up file of the shell there (.bashrc, .profile) or a forced command: {}",
                    String::from_utf8_lossy(words).trim().chars().take(200).collect::<String>()
                )
            }
            (NotSftp::Ended, Some(status)) => format!("the SFTP program there ended with status {status}{complaint}"),
            (NotSftp::Ended, None) => format!("the SFTP program there ended at once{complaint}"),
            (NotSftp::Version(version), _) => format!("the server speaks SFTP version {version} only"),
        }
    }
}

struct SessionReader {
    half: ChannelReadHalf,
    said: Said,
}

impl Incoming for SessionReader {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            match self.half.wait().await? {
                ChannelMsg::Data { data } => return Some(data),
                ChannelMsg::ExtendedData { data, .. } => {
                    let mut said = self.said.0.lock().unwrap_or_else(PoisonError::into_inner);
                    let room = MOST_TEXT - said.0.len();
                    said.0.extend_from_slice(&data[..data.len().min(room)]);
                }
                ChannelMsg::ExitStatus { exit_status } => {
                    self.said.0.lock().unwrap_or_else(PoisonError::into_inner).1 = Some(exit_status);
                }
                ChannelMsg::Close => return None,
                // The exit status comes behind the end of the data.
                _ => {}
            }
        }
    }
}

struct SessionWriter(ChannelWriteHalf<client::Msg>);

impl Outgoing for SessionWriter {
    async fn send(&mut self, bytes: Bytes) -> bool {
        self.0.data_bytes(bytes).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_key_type_is_asked_for_first() {
        let first = |known: &[&str]| host_key_algorithms(&known.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())[0].clone();
        assert_eq!(first(&[]), Algorithm::Ed25519);
        assert_eq!(first(&["ssh-rsa"]), Algorithm::Rsa { hash: Some(HashAlg::Sha512) });
        assert_eq!(first(&["ecdsa-sha2-nistp384", "ssh-ed25519"]), Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 });
    }

    #[test]
    fn strict_key_exchange_stays_on_and_compression_off() {
        let site = crate::model::site::ParsedUrl::parse("sftp://h").unwrap().site;
        let second = Duration::from_secs(1);
        let config = config(&SshSettings { site, preferred_host_keys: Vec::new(), timeout: second, keepalive: second });
        assert!(config.preferred.kex.contains(&russh::kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT));
        assert!(config.preferred.cipher.contains(&cipher::AES_128_GCM));
        assert_eq!(config.preferred.compression.len(), 1);
    }
}
