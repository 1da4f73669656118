//! From nothing to a logged-in connection: reach, protect, log in. Each step can be the last; nothing is asked.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::command::{Command, Unsendable};
use super::control::{Control, ControlError, Speaks, handshake};
use super::file_system::FtpFileSystem;
use super::line::Line;
use super::quirks::Quirk;
use super::session::Session;
use super::{FtpSettings, reply::Reply};
use crate::model::Protocol;
use crate::protocols::tls::{TlsSession, TlsVersions};
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::secrets::Secret;
use crate::trust::{ClientCertificate, Evidence, Pin};

/// A connection to a server that was judged; nobody is logged in, or somebody is and nothing else was done.
pub struct FtpConnection {
    pub(super) settings: FtpSettings,
    pub(super) control: Control,
    pub(super) tls: Option<TlsSession>,
    pub(super) banner: String,
    pub(super) login: Option<Login>,
    password_sent: bool,
    /// Who was named and is not logged in yet.
    claimed: String,
    /// The server promised to protect data connections (`PROT P`).
    pub(super) data_protected: bool,
}

/// Who is logged in, kept to open another connection like this one.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) user: String,
    /// `None`: the server wanted none.
    pub(super) password: Option<Secret>,
}

/// What a server wants after the user was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserStep {
    /// Nothing: the user is logged in (230, or 232 where the certificate was enough, RFC 4217).
    LoggedIn,
    /// The password (331).
    Password,
}

impl FtpConnection {
    /// Reaches the server, reads its greeting, and protects the line as the site's protocol says. There is no
    /// fallback: what refuses to be protected is [`ConnectErrorKind::ProtectionRefused`].
    ///
    /// Errors: `Untrusted` with the evidence before anything but a TLS hello was sent; `Busy` (421), `WrongProtocol`
    /// with what answered, and the line's own failures.
    pub async fn connect(settings: &FtpSettings, pin: Option<Pin>) -> Result<Self, ConnectError> {
        let mut tls = tls_of(settings, pin)?;
        let begun = Self::begin(settings, &mut tls).await;
        // Until its first reply, what fails may be the server's word on our certificate.
        begun.map_err(|error| explained(error, tls.as_ref()))
    }

    /// From nothing to the promise that data connections are protected. Takes `tls` once all went well.
    async fn begin(settings: &FtpSettings, tls: &mut Option<TlsSession>) -> Result<Self, ConnectError> {
        let mut connection = Self::greeted(settings, tls.as_ref(), Speaks::Second).await?;
        if tls.is_some() {
            connection.protect_data(true).await?;
        }
        connection.tls = tls.take();
        Ok(connection)
    }

    /// From nothing to a line that is protected as the site's protocol says, and a server that greeted.
    pub(super) async fn greeted(settings: &FtpSettings, tls: Option<&TlsSession>, speaks: Speaks) -> Result<Self, ConnectError> {
        let endpoint = &settings.site.endpoint;
        let tcp = reach(settings).await?;
        let line = match tls {
            Some(session) if settings.site.protocol == Protocol::Ftps => handshake(session, tcp, settings.timeout, endpoint).await?,
            _ => Line::Plain(tcp),
        };
        let mut control =
            Control::new(line, settings.timeout, settings.quirks.clone()).map_err(|error| ConnectError::from_io(&error, endpoint))?;
        control.read_in(settings.charset);
        let explicit = tls.filter(|_| settings.site.protocol == Protocol::Ftpes);
        if explicit.is_some() && speaks == Speaks::First {
            control.ask_for_tls(speaks).await.map_err(|error| error.into_connect(endpoint))?;
        }
        let greeting = control.greeting().await.map_err(|error| error.into_connect(endpoint))?;
        if greeting.is_refusal() {
            return Err(ConnectError::new(ConnectErrorKind::Busy, endpoint, greeting.quote()));
        }
        if let Some(session) = explicit {
            if speaks == Speaks::Second {
                control.ask_for_tls(speaks).await.map_err(|error| error.into_connect(endpoint))?;
            }
            control = control.protect(session, speaks, endpoint).await?;
        }
        Ok(Self {
            settings: settings.clone(),
            control,
            tls: None,
            banner: greeting.text(),
            login: None,
            password_sent: false,
            claimed: String::new(),
            data_protected: false,
        })
    }

    /// Whether the server asked for a certificate of ours, and whether it got one.
    pub fn client_certificate(&self) -> ClientCertificate {
        self.tls.as_ref().map(|tls| tls.facts().client_certificate).unwrap_or_default()
    }

    /// Says good-bye, within the limit of one step.
    pub async fn quit(mut self) {
        self.control.quit().await;
    }

    /// What is known of the server's identity; `None` for plain FTP.
    pub fn evidence(&self) -> Option<Evidence> {
        self.tls.as_ref()?.evidence()
    }

    /// Names the user, and hears whether a password is wanted at all.
    ///
    /// Errors: `LoginRefused` where this user may not come; `Busy`.
    pub async fn user(&mut self, user: &str) -> Result<UserStep, ConnectError> {
        let command = self.sendable(Command::about("USER", user, self.settings.charset))?;
        let reply = self.exchange(&command).await?;
        user.clone_into(&mut self.claimed);
        if reply.code == 331 {
            return Ok(UserStep::Password);
        }
        self.judge(&reply)?;
        self.login = Some(Login { user: user.to_owned(), password: None });
        Ok(UserStep::LoggedIn)
    }

    /// Gives the password of the user named last. After [`ConnectErrorKind::LoginRefused`] another try, from
    /// [`Self::user`] on, is possible where the server keeps the connection open.
    pub async fn password(&mut self, password: &Secret) -> Result<(), ConnectError> {
        let command = self.sendable(Command::secret("PASS", password, self.settings.charset))?;
        self.control.send(&command).await.map_err(|error| error.into_connect(&self.settings.site.endpoint))?;
        self.password_sent = true;
        let reply = self.control.next_reply().await.map_err(|error| error.into_connect(&self.settings.site.endpoint))?;
        self.judge(&reply)?;
        self.login = Some(Login { user: std::mem::take(&mut self.claimed), password: Some(password.clone()) });
        Ok(())
    }

    /// Logs in with a password that is known already; a server that wants none is not sent it.
    pub async fn login(&mut self, user: &str, password: &Secret) -> Result<(), ConnectError> {
        self.login_as(user, Some(password)).await
    }

    /// Logs in as somebody who was logged in before, perhaps without a password.
    pub async fn login_as(&mut self, user: &str, password: Option<&Secret>) -> Result<(), ConnectError> {
        if let Some(password) = password {
            self.sendable(Command::secret("PASS", password, self.settings.charset))?;
        }
        match (self.user(user).await?, password) {
            (UserStep::LoggedIn, _) => Ok(()),
            (UserStep::Password, Some(password)) => self.password(password).await,
            (UserStep::Password, None) => {
                Err(self.error(ConnectErrorKind::LoginRefused, "the server wants a password now, and did not before"))
            }
        }
    }

    pub(super) fn sendable(&self, command: Result<Command, Unsendable>) -> Result<Command, ConnectError> {
        command.map_err(|error| ControlError::Argument(error).into_connect(&self.settings.site.endpoint))
    }

    /// Whether `reply` says that the user is logged in.
    pub(super) fn judge(&self, reply: &Reply) -> Result<(), ConnectError> {
        match reply.code {
            200..300 => Ok(()),
            332 => Err(self.error(ConnectErrorKind::LoginRefused, "the server wants an account (ACCT) besides user and password")),
            400..500 if reply.code != 430 => Err(self.error(ConnectErrorKind::Busy, reply.quote())),
            530 if is_about_many_connections(reply) => Err(self.error(ConnectErrorKind::Busy, reply.quote())),
            331 | 400..600 => {
                let refused = self.error(ConnectErrorKind::LoginRefused, reply.quote());
                Err(match &self.tls {
                    Some(tls) if is_about_the_certificate(reply) => tls.refused_at_login(refused),
                    _ => refused,
                })
            }
            _ => Err(self.error(ConnectErrorKind::Protocol, reply.quote())),
        }
    }

    /// Whether the server got a password: a refusal of the user alone says nothing of it.
    pub fn password_sent(&self) -> bool {
        self.password_sent
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
        let commands = [self.sendable(Command::with("PBSZ", "0"))?, self.sendable(Command::with("PROT", "P"))?];
        let at_once = self.settings.quirks.has(Quirk::KeepsOrder);
        for commands in commands.chunks(if at_once { 2 } else { 1 }) {
            for reply in self.exchange_all(commands).await? {
                if may_wait && matches!(reply.code, 503 | 530 | 550) {
                    self.settings.quirks.learn(Quirk::ProtectsAfterLogin);
                    return Ok(());
                }
                if !reply.is_success() {
                    return Err(self.error(ConnectErrorKind::ProtectionRefused, reply.quote()));
                }
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

/// The TLS of a connection to the site; `None` for plain FTP.
pub(super) fn tls_of(settings: &FtpSettings, pin: Option<Pin>) -> Result<Option<TlsSession>, ConnectError> {
    let endpoint = &settings.site.endpoint;
    let versions = if settings.quirks.has(Quirk::NeedsTls12) { TlsVersions::Only12 } else { TlsVersions::Any };
    match settings.site.protocol {
        Protocol::Ftpes | Protocol::Ftps => TlsSession::proving(endpoint, pin, &settings.roots, versions, settings.proof.clone()).map(Some),
        Protocol::Ftp => Ok(None),
        Protocol::Sftp => Err(ConnectError::new(ConnectErrorKind::WrongProtocol, endpoint, "sftp is not FTP")),
    }
}

/// An error before the server's first reply, which may be its word on our certificate.
pub(super) fn explained(error: ConnectError, tls: Option<&TlsSession>) -> ConnectError {
    match tls {
        Some(session) => session.explain(error),
        None => error,
    }
}

/// Some servers take everybody's certificate and judge it at the login (RFC 4217 section 12.4, RFC 2228 section 5).
fn is_about_the_certificate(reply: &Reply) -> bool {
    matches!(reply.code, 431 | 533..=537) || reply.text().to_ascii_lowercase().contains("certificat")
}

/// ProFTPD, Serv-U and others answer a user who has enough connections as they answer a wrong password, with other words.
fn is_about_many_connections(reply: &Reply) -> bool {
    let text = reply.text().to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    has(&["too many", "maximum", "limit"])
        && has(&["user", "client", "connection", "session", "logged in"])
        && !has(&["fail", "attempt", "password"])
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_one_too_many_is_told_from_who_is_not_known() {
        let is = |text: &str| is_about_many_connections(&Reply::new(530, vec![text.into()]));
        for text in [
            "Sorry, the maximum number of clients (2) for this user are already connected.",
            "Sorry, the maximum number of connections (3) for your host are already connected.",
            "Too many users logged in for this account. Try again later.",
            "Not logged in, too many sessions of this user.",
            "Connection limit reached",
        ] {
            assert!(is(text), "{text}");
        }
        for text in ["Login incorrect.", "Too many login failures.", "Maximum login attempts reached for this client", "Not logged in."] {
            assert!(!is(text), "{text}");
        }
    }
}
