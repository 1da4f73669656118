//! From nothing to a logged-in connection: reach, protect, log in. Each step can be the last; nothing is asked.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::command::Command;
use super::control::{Control, ControlError, handshake};
use super::file_system::FtpFileSystem;
use super::line::Line;
use super::quirks::Quirk;
use super::session::Session;
use super::{FtpSettings, reply::Reply};
use crate::model::Protocol;
use crate::protocols::tls::{TlsSession, TlsVersions};
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::secrets::Secret;
use crate::trust::{Evidence, Pin};

/// A connection to a server that was judged; nobody is logged in, or somebody is and nothing else was done.
pub struct FtpConnection {
    pub(super) settings: FtpSettings,
    pub(super) control: Control,
    pub(super) tls: Option<TlsSession>,
    pub(super) banner: String,
    pub(super) login: Option<Login>,
    /// The server promised to protect data connections (`PROT P`).
    data_protected: bool,
}

/// Who is logged in, kept to open another connection like this one.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: Secret,
}

impl FtpConnection {
    /// Reaches the server, reads its greeting, and protects the line as the site's protocol says. There is no
    /// fallback: what refuses to be protected is [`ConnectErrorKind::ProtectionRefused`].
    ///
    /// Errors: `Untrusted` with the evidence before anything but a TLS hello was sent; `Busy` (421), `WrongProtocol`
    /// with what answered, and the line's own failures.
    pub async fn connect(settings: &FtpSettings, pin: Option<Pin>) -> Result<Self, ConnectError> {
        let endpoint = &settings.site.endpoint;
        let versions = if settings.quirks.has(Quirk::NeedsTls12) { TlsVersions::Only12 } else { TlsVersions::Any };
        let tls = match settings.site.protocol {
            Protocol::Ftpes | Protocol::Ftps => Some(TlsSession::new(endpoint, pin, &settings.roots, versions)?),
            Protocol::Ftp => None,
            Protocol::Sftp => return Err(ConnectError::new(ConnectErrorKind::WrongProtocol, endpoint, "sftp is not FTP")),
        };
        let tcp = reach(settings).await?;
        let line = match &tls {
            Some(session) if settings.site.protocol == Protocol::Ftps => handshake(session, tcp, settings.timeout, endpoint).await?,
            _ => Line::Plain(tcp),
        };
        let mut control = Control::new(line, settings.timeout).map_err(|error| ConnectError::from_io(&error, endpoint))?;
        let greeting = control.greeting().await.map_err(|error| error.into_connect(endpoint))?;
        if greeting.is_refusal() {
            return Err(ConnectError::new(ConnectErrorKind::Busy, endpoint, greeting.quote()));
        }
        if let (Some(session), Protocol::Ftpes) = (&tls, settings.site.protocol) {
            control = control.protect(session, endpoint).await?;
        }
        let banner = greeting.text();
        let mut connection = Self { settings: settings.clone(), control, tls, banner, login: None, data_protected: false };
        if connection.tls.is_some() {
            connection.protect_data(true).await?;
        }
        Ok(connection)
    }

    /// What is known of the server's identity; `None` for plain FTP.
    pub fn evidence(&self) -> Option<Evidence> {
        self.tls.as_ref()?.evidence()
    }

    /// Logs in. After [`ConnectErrorKind::LoginRefused`] another try is possible where the server keeps the
    /// connection open.
    pub async fn login(&mut self, user: &str, password: &Secret) -> Result<(), ConnectError> {
        let unsendable = |error| ControlError::Argument(error).into_connect(&self.settings.site.endpoint);
        let user_command = Command::with("USER", user).map_err(unsendable)?;
        let password_command = Command::secret("PASS", password).map_err(unsendable)?;
        let mut reply = self.exchange(&user_command).await?;
        if reply.code == 331 {
            reply = self.exchange(&password_command).await?;
        }
        match reply.code {
            200..300 => {}
            332 => return Err(self.error(ConnectErrorKind::LoginRefused, "the server wants an account (ACCT) besides user and password")),
            400..500 if reply.code != 430 => return Err(self.error(ConnectErrorKind::Busy, reply.quote())),
            331 | 400..600 => return Err(self.error(ConnectErrorKind::LoginRefused, reply.quote())),
            _ => return Err(self.error(ConnectErrorKind::Protocol, reply.quote())),
        }
        self.login = Some(Login { user: user.to_owned(), password: password.clone() });
        Ok(())
    }

    /// Prepares the logged-in connection for work: protected data connections, extensions, binary type, home folder.
    pub async fn into_file_system(self) -> Result<FtpFileSystem, ConnectError> {
        let (session, home) = self.into_session().await?;
        Ok(FtpFileSystem::new(session, home))
    }

    pub(super) async fn into_session(mut self) -> Result<(Session, crate::model::FilePath), ConnectError> {
        if self.tls.is_some() && !self.data_protected {
            self.protect_data(false).await?;
        }
        Session::prepare(self).await
    }

    /// `PBSZ 0` and `PROT P` (RFC 4217 section 9); both must be accepted.
    ///
    /// They are sent before the password, so that a server that refuses never gets one. `may_wait`: a server that
    /// wants the login first is asked again after it.
    async fn protect_data(&mut self, may_wait: bool) -> Result<(), ConnectError> {
        for (verb, argument) in [("PBSZ", "0"), ("PROT", "P")] {
            let command =
                Command::with(verb, argument).map_err(|error| ControlError::Argument(error).into_connect(&self.settings.site.endpoint))?;
            let reply = self.exchange(&command).await?;
            if may_wait && matches!(reply.code, 503 | 530 | 550) {
                return Ok(());
            }
            if !reply.is_success() {
                return Err(self.error(ConnectErrorKind::ProtectionRefused, reply.quote()));
            }
        }
        self.data_protected = true;
        Ok(())
    }

    pub(super) async fn exchange(&mut self, command: &Command) -> Result<Reply, ConnectError> {
        self.control.exchange(command).await.map_err(|error| error.into_connect(&self.settings.site.endpoint))
    }

    pub(super) fn error(&self, kind: ConnectErrorKind, detail: impl AsRef<[u8]>) -> ConnectError {
        ConnectError::new(kind, &self.settings.site.endpoint, detail)
    }
}

/// A TCP connection to the first address of the host that answers.
async fn reach(settings: &FtpSettings) -> Result<TcpStream, ConnectError> {
    let endpoint = &settings.site.endpoint;
    let late = |_| ConnectError::new(ConnectErrorKind::TimedOut, endpoint, "");
    let unknown = |detail: String| ConnectError::new(ConnectErrorKind::UnknownHost, endpoint, detail);
    let addresses = timeout(settings.timeout, lookup_host((endpoint.host.as_str(), endpoint.port)));
    let addresses: Vec<SocketAddr> = addresses.await.map_err(late)?.map_err(|error| unknown(error.to_string()))?.collect();
    let mut failure = unknown("the name has no address".into());
    for address in addresses {
        match timeout(settings.timeout, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => {
                keep_alive(&tcp).map_err(|error| ConnectError::from_io(&error, endpoint))?;
                return Ok(tcp);
            }
            Ok(Err(error)) => failure = ConnectError::from_io(&error, endpoint),
            Err(elapsed) => failure = late(elapsed),
        }
    }
    Err(failure)
}

/// Nothing is said on a control connection while a transfer runs, and routers forget who says nothing; the system's own
/// two hours are too long for them.
fn keep_alive(tcp: &TcpStream) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let probes = TcpKeepalive::new().with_time(Duration::from_secs(30)).with_interval(Duration::from_secs(15)).with_retries(4);
    SockRef::from(tcp).set_tcp_keepalive(&probes)
}
