//! SFTP server (version 3): russh carries it, russh-sftp reads and writes its packets, `handler.rs` answers them.
//!
//! Names go through russh-sftp as text: one that is not UTF-8 is listed with U+FFFD in it and cannot be opened.
//! A file is written from its beginning or from where it ends, in order; a write with a gap before it is refused.
//!
//! | file | what |
//! |---|---|
//! | `ending.rs` | a stream that ends when its owner says so |
//! | `login.rs` | the SSH side: who may come in and how, the one subsystem |
//! | `keys.rs` | which keys may log in |
//! | `handler.rs` | the SFTP requests |
//! | `handles.rs` | open files and folders |
//! | `attributes.rs` | entries as SFTP attributes, errors as status |

mod attributes;
mod ending;
mod handler;
mod handles;
mod keys;
mod login;

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use russh::{MethodKind, MethodSet, Preferred, cipher};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::running::{Limits, Proof, Running, shown};
use super::{HostKey, Users};
use crate::model::FilePath;
use crate::secrets::Secret;
use crate::vfs::FileSystem;

pub use keys::AcceptedKeys;

/// What an SFTP server serves, and how.
#[derive(Clone)]
pub struct SftpOptions {
    /// What clients see as `/`; also where a login lands.
    pub root: Arc<dyn FileSystem>,
    /// Who may log in.
    pub users: Users,
    /// What it proves itself with.
    pub host_key: HostKey,
    /// Where to listen; port 0: the system chooses.
    pub bind: SocketAddr,
    /// Passwords are accepted.
    pub password: bool,
    /// Keys every user may log in with.
    pub keys: AcceptedKeys,
    /// A file below `root` whose keys every user may log in with, too; read anew at each login, so who may write below `root`
    /// says who may come in. A line with options lets nobody in; the modes of the file and its folders are not judged.
    pub authorized_keys: Option<FilePath>,
    /// Keyboard-interactive with two prompts, the password (not echoed) and this code (echoed).
    pub code: Option<Secret>,
    /// Text shown before the login.
    pub banner: Option<String>,
    /// Serves the `sftp` subsystem; else it is refused, as a machine without one does.
    pub subsystem: bool,
    /// What it takes upon itself.
    pub limits: Limits,
}

impl SftpOptions {
    /// Passwords only.
    pub fn new(root: Arc<dyn FileSystem>, users: Users, host_key: HostKey, bind: SocketAddr) -> Self {
        Self {
            root,
            users,
            host_key,
            bind,
            password: true,
            keys: AcceptedKeys::default(),
            authorized_keys: None,
            code: None,
            banner: None,
            subsystem: true,
            limits: Limits::default(),
        }
    }

    fn methods(&self) -> MethodSet {
        let offered = [
            (MethodKind::PublicKey, !self.keys.is_empty() || self.authorized_keys.is_some()),
            (MethodKind::KeyboardInteractive, self.code.is_some()),
            (MethodKind::Password, self.password),
        ];
        let methods: Vec<MethodKind> = offered.into_iter().filter_map(|(method, on)| on.then_some(method)).collect();
        MethodSet::from(methods.as_slice())
    }
}

/// The SFTP server.
pub struct SftpServer;

impl SftpServer {
    /// Listens and serves until the answer is stopped or dropped.
    pub async fn start(options: SftpOptions) -> io::Result<Running> {
        let listener = TcpListener::bind(options.bind).await?;
        let host_key = shown(Arc::new(options.host_key.clone()));
        let limits = options.limits;
        let options = Arc::new(options);
        let proof = Proof::HostKey(Arc::clone(&host_key));
        Running::start(listener, limits, b"", proof, move |stream, stopping| {
            let key = Arc::clone(&host_key.borrow());
            serve(Arc::clone(&options), key, stream, stopping)
        })
    }
}

/// Ciphers russh leaves out by default although it has them come last.
const CIPHERS: &[cipher::Name] =
    &[cipher::AES_256_GCM, cipher::AES_128_GCM, cipher::CHACHA20_POLY1305, cipher::AES_256_CTR, cipher::AES_192_CTR, cipher::AES_128_CTR];

fn configure(options: &SftpOptions, key: &HostKey) -> russh::server::Config {
    russh::server::Config {
        methods: options.methods(),
        keys: vec![key.0.clone()],
        auth_rejection_time: options.limits.failed_login_delay,
        auth_rejection_time_initial: Some(Duration::ZERO),
        max_auth_attempts: options.limits.failed_logins as usize + 2,
        inactivity_timeout: Some(options.limits.idle),
        window_size: 16 << 20,
        maximum_packet_size: 65535,
        nodelay: true,
        preferred: Preferred { cipher: Cow::Borrowed(CIPHERS), ..Preferred::default() },
        ..russh::server::Config::default()
    }
}

/// One connection to its end. The session's own task ends with `stopping`, and with this future.
async fn serve(options: Arc<SftpOptions>, key: Arc<HostKey>, stream: TcpStream, stopping: CancellationToken) {
    let limits = options.limits;
    let config = Arc::new(configure(&options, &key));
    // Ends the tasks russh and russh-sftp start on their own when this future ends, however it does.
    let ended = CancellationToken::new();
    let _guard = ended.clone().drop_guard();
    let stream = ending::Ending::new(stream, ended);
    let session = match tokio::time::timeout(limits.step, russh::server::run_stream(config, stream, login::Login::new(options))).await {
        Ok(Ok(session)) => session,
        Ok(Err(error)) => return tracing::debug!(%error, "no SSH session"),
        Err(_) => return tracing::debug!("no SSH session in time"),
    };
    let handle = session.handle();
    tokio::select! {
        ended = session => if let Err(error) = ended { tracing::debug!(%error, "SSH session ended") },
        () = stopping.cancelled() => {
            drop(handle.disconnect(russh::Disconnect::ByApplication, "The server stops".to_owned(), String::new()).await);
        }
    }
}
