//! FTP server: plain, explicit TLS (RFC 4217), implicit TLS. One task a connection; commands are answered in their order.
//!
//! | file | what |
//! |---|---|
//! | `control.rs` | the control connection: lines in, replies out, TLS in between |
//! | `session.rs` | one connection: what is allowed when, which command goes where |
//! | `login.rs` | AUTH, USER, PASS, PBSZ, PROT |
//! | `files.rs` | folders, facts, renaming, removing |
//! | `data.rs` | PASV, EPSV, PORT, EPRT; opening the data connection |
//! | `transfer.rs` | RETR, STOR, APPE, listings; stopping them |
//! | `listing.rs` | how entries are written in MLSD, LIST and NLST |
//! | `tls.rs` | configuration and handshake |

mod control;
mod data;
mod files;
pub(super) mod listing;
mod login;
mod session;
pub(super) mod tls;
mod transfer;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use jiff::Timestamp;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::UnixTime;
use tokio::net::TcpListener;

use super::clients::Judge;
use super::running::{Limits, Proof, Running, Shown, shown};
use super::{AskForCertificate, Clients, ServerIdentity, Users};
use crate::trust::certificate::CertificateFacts;
use crate::trust::{Certificate, Fingerprint};
use crate::vfs::FileSystem;

pub use tls::TlsVersions;

/// Hears what an operator should know.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// What an FTP server serves, and how.
#[derive(Clone)]
pub struct FtpOptions {
    /// What clients see as `/`.
    pub root: Arc<dyn FileSystem>,
    /// Who may log in; there is no anonymous login.
    pub users: Users,
    /// With what it proves itself; `None`: plain FTP only.
    pub tls: Option<ServerIdentity>,
    /// TLS from the first byte; else `AUTH TLS`.
    pub implicit: bool,
    /// Where to listen; port 0: the system chooses.
    pub bind: SocketAddr,
    /// Which versions of TLS are spoken.
    pub versions: TlsVersions,
    /// No login and no transfer without TLS (530, 521).
    pub require_tls: bool,
    /// A data connection must resume the TLS session of its own control connection (522).
    pub require_session_reuse: bool,
    /// Keeps what came of an upload that broke off, so that it can be resumed.
    pub keep_broken_uploads: bool,
    /// Sends names with CR, LF and NUL as they are instead of `?`: what a hostile server does.
    pub raw_names: bool,
    /// Whether clients are asked for a certificate.
    pub client_certificate: AskForCertificate,
    /// Which are let in; needed where clients are asked.
    pub clients: Option<Clients>,
    /// Hears of each unknown client once, in words for the operator.
    pub tell: Option<Tell>,
    /// What it takes upon itself.
    pub limits: Limits,
}

impl FtpOptions {
    /// Explicit TLS on offer where there is an identity; nothing required.
    pub fn new(root: Arc<dyn FileSystem>, users: Users, tls: Option<ServerIdentity>, bind: SocketAddr) -> Self {
        Self {
            root,
            users,
            tls,
            implicit: false,
            bind,
            versions: TlsVersions::Both,
            require_tls: false,
            require_session_reuse: false,
            keep_broken_uploads: false,
            raw_names: false,
            client_certificate: AskForCertificate::Off,
            clients: None,
            tell: None,
            limits: Limits::default(),
        }
    }
}

/// What all connections of one server share.
struct Shared {
    options: FtpOptions,
    tls: Option<Shown<rustls::ServerConfig>>,
}

impl Shared {
    /// The judge of one connection, by the lists as they stand now. Lists that cannot be read let nobody in.
    async fn judge(&self, provider: Arc<CryptoProvider>) -> io::Result<Option<Arc<Judge>>> {
        let ask = self.options.client_certificate;
        let Some(clients) = self.options.clients.clone().filter(|_| ask != AskForCertificate::Off) else { return Ok(None) };
        let lists = tokio::task::spawn_blocking(move || clients.effective()).await.map_err(io::Error::other)?;
        let lists = lists.inspect_err(|error| self.tell(&format!("nobody can be let in: {error}"))).map_err(io::Error::other)?;
        Ok(Judge::new(ask, lists, provider))
    }

    /// Whether the client of a connection would be let in by the lists as they stand now. Lists that cannot be read let nobody in.
    async fn lets_in(&self, judge: &Arc<Judge>) -> bool {
        let Some(clients) = self.options.clients.clone().filter(|_| judge.has_seen_one()) else { return true };
        let judge = Arc::clone(judge);
        let judged = tokio::task::spawn_blocking(move || clients.effective().is_ok_and(|by| judge.is_let_in_by(by, UnixTime::now())));
        judged.await.unwrap_or(false)
    }

    /// An unknown client was turned away: it waits until the operator decides.
    async fn met(&self, certificate: Certificate, from: IpAddr) {
        let Some(clients) = self.options.clients.clone() else { return };
        let (owner, fingerprint) = match CertificateFacts::read(&certificate.der) {
            Ok(facts) => (facts.owner(), facts.fingerprint),
            Err(_) => return,
        };
        let met = tokio::task::spawn_blocking(move || clients.met(&certificate, from, Timestamp::now())).await;
        match met.map_err(io::Error::other).and_then(|met| met.map_err(io::Error::other)) {
            Ok(true) => self.tell(&format!("an unknown client waits to be trusted: {owner} from {from}, {fingerprint}")),
            Ok(false) => {}
            Err(error) => self.tell(&format!("an unknown client could not be noted: {owner} from {from}, {fingerprint}: {error}")),
        }
    }

    /// A client that waited was let in.
    async fn waits_no_longer(&self, client: Fingerprint) {
        let Some(clients) = self.options.clients.clone() else { return };
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || clients.waits_no_longer(&client)).await {
            tracing::debug!(%error, "a client waits on in the list");
        }
    }

    fn tell(&self, words: &str) {
        tracing::debug!("{words}");
        if let Some(tell) = &self.options.tell {
            tell(words);
        }
    }
}

/// The FTP server.
pub struct FtpServer;

impl FtpServer {
    /// Listens and serves until the answer is stopped or dropped.
    pub async fn start(options: FtpOptions) -> io::Result<Running> {
        let tls = match &options.tls {
            Some(identity) => Some(shown(tls::configure(identity, options.versions).map_err(io::Error::other)?)),
            None if options.implicit || options.require_tls => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "TLS needs an identity"));
            }
            None => None,
        };
        if options.client_certificate != AskForCertificate::Off && (tls.is_none() || options.clients.is_none()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "clients can be asked for a certificate only over TLS, and by lists"));
        }
        let listener = TcpListener::bind(options.bind).await?;
        let proof = tls.clone().map_or(Proof::Nothing, |shown| Proof::Certificate(shown, options.versions));
        let limits = options.limits;
        let shared = Arc::new(Shared { options, tls });
        Running::start(listener, limits, b"421 Too many connections, try again later.\r\n", proof, move |stream, stopping| {
            session::serve(Arc::clone(&shared), stream, stopping)
        })
    }
}
