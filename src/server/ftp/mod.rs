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
mod listing;
mod login;
mod session;
pub(super) mod tls;
mod transfer;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::running::{Limits, Proof, Running, Shown, shown};
use super::{ServerIdentity, Users};
use crate::vfs::FileSystem;

pub use tls::TlsVersions;

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
            limits: Limits::default(),
        }
    }
}

/// What all connections of one server share.
struct Shared {
    options: FtpOptions,
    tls: Option<Shown<rustls::ServerConfig>>,
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
        let listener = TcpListener::bind(options.bind).await?;
        let proof = tls.clone().map_or(Proof::Nothing, |shown| Proof::Certificate(shown, options.versions));
        let limits = options.limits;
        let shared = Arc::new(Shared { options, tls });
        Running::start(listener, limits, b"421 Too many connections, try again later.\r\n", proof, move |stream, stopping| {
            session::serve(Arc::clone(&shared), stream, stopping)
        })
    }
}
