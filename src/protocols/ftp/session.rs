//! A logged-in connection ready for work, and how it replaces itself by one like it. What a transfer does with the
//! data connection is `transfer`'s business.

use jiff::Timestamp;

use super::FtpSettings;
use super::attempt::Attempt;
use super::command::Command;
use super::connection::{FtpConnection, Login};
use super::control::Control;
use super::features::Features;
use super::quirks::Quirk;
use super::reply::Reply;
use crate::model::FilePath;
use crate::protocols::tls::TlsSession;
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::trust::{Pin, Remember, Verified};
use crate::vfs::FsError;

/// A logged-in connection: binary type, extensions known.
pub(super) struct Session {
    pub(super) settings: FtpSettings,
    pub(super) control: Control,
    pub(super) tls: Option<TlsSession>,
    pub(super) features: Features,
    pub(super) banner: String,
    login: Option<Login>,
    /// The server gave tickets to resume the TLS session with, so it may insist on them.
    gives_tickets: bool,
    /// We gave the connection up ourselves (a cancelled transfer): the next call may open another.
    pub(super) given_up: bool,
}

impl Session {
    /// `FEAT`, `OPTS`, `TYPE I`, `PWD` on a connection whose data connections are protected (or that is plain by name).
    pub(super) async fn prepare(mut connection: FtpConnection) -> Result<(Self, FilePath), ConnectError> {
        let features = Features::read(&connection.exchange(&Command::new("FEAT")).await?, &connection.banner);
        connection.control.telnet = features.reads_telnet;
        if features.utf8 {
            connection.option("UTF8 ON").await?;
        }
        if features.mlst {
            connection.option("MLST modify;size;type;perm;unix.mode;unix.owner;unix.group;unix.ownername;unix.groupname;").await?;
        }
        let binary = Command::with("TYPE", "I").map_err(|error| connection.error(ConnectErrorKind::Protocol, error.to_string()))?;
        let reply = connection.exchange(&binary).await?;
        if !reply.is_success() {
            return Err(connection.error(ConnectErrorKind::Protocol, format!("TYPE I was answered with {}", reply.quote())));
        }
        let home = connection.exchange(&Command::new("PWD")).await?;
        let home = quoted_path(&home).and_then(|path| FilePath::parse(&path).ok()).unwrap_or_else(FilePath::root);
        let FtpConnection { settings, control, tls, banner, login, .. } = connection;
        let gives_tickets = tls.as_ref().is_some_and(|tls| tls.tickets_left() > 0);
        Ok((Self { settings, control, tls, features, banner, login, gives_tickets, given_up: false }, home))
    }

    /// One command about a path and its reply.
    pub(super) async fn exchange(
        &mut self,
        verb: &'static str,
        argument: impl AsRef<[u8]>,
        attempt: Attempt<'_>,
    ) -> Result<Reply, FsError> {
        let command = Command::with(verb, argument).map_err(|error| attempt.argument(error))?;
        self.control.exchange(&command).await.map_err(|error| attempt.control(error))
    }

    /// [`Self::exchange`] that must succeed.
    pub(super) async fn done(&mut self, verb: &'static str, argument: impl AsRef<[u8]>, attempt: Attempt<'_>) -> Result<Reply, FsError> {
        attempt.success(self.exchange(verb, argument, attempt).await?)
    }

    /// Whether the next data connection could not resume, on a server that may insist on it. One that never gave a
    /// ticket (Pure-FTPd) cannot insist.
    pub(super) fn is_out_of_tickets(&self) -> bool {
        self.gives_tickets && self.tls.as_ref().is_some_and(|tls| tls.tickets_left() == 0) && self.may_fall_back()
    }

    /// Whether TLS 1.2 was not tried yet and full handshakes are not known to do.
    pub(super) fn may_fall_back(&self) -> bool {
        let is_tls13 = self.tls.as_ref().is_some_and(|tls| tls.facts().version.as_deref() == Some("TLS1.3"));
        is_tls13 && !self.settings.quirks.has(Quirk::TakesFullHandshakes)
    }

    /// Goes on over TLS 1.2, whose sessions can be resumed without end.
    pub(super) async fn fall_back(&mut self, attempt: Attempt<'_>) -> Result<(), FsError> {
        self.settings.quirks.learn(Quirk::NeedsTls12);
        self.replace(attempt).await
    }

    /// Replaces this connection by a fresh one to exactly the peer that was judged, logged in as the same user.
    pub(super) async fn replace(&mut self, attempt: Attempt<'_>) -> Result<(), FsError> {
        // First, because servers count connections.
        self.control.quit().await;
        let fresh = Box::pin(self.like_this()).await.map_err(|error| attempt.connect(&error))?;
        *self = fresh;
        Ok(())
    }

    async fn like_this(&self) -> Result<Self, ConnectError> {
        let evidence = self.tls.as_ref().and_then(TlsSession::evidence);
        let pin = evidence.map(|evidence| Pin::of(&evidence, Remember::Once, Verified::Blind, Timestamp::now()));
        let mut connection = FtpConnection::connect(&self.settings, pin).await?;
        if let Some(login) = &self.login {
            connection.login(&login.user, &login.password).await?;
        }
        Ok(connection.into_session().await?.0)
    }
}

impl FtpConnection {
    /// Switches an announced option on. A refusal is no failure: the option only was not needed.
    async fn option(&mut self, option: &str) -> Result<(), ConnectError> {
        let command = Command::with("OPTS", option).map_err(|error| self.error(ConnectErrorKind::Protocol, error.to_string()))?;
        self.exchange(&command).await.map(drop)
    }
}

/// The path in a 257 reply: quoted, a quote in it written twice (RFC 959 appendix II).
fn quoted_path(reply: &Reply) -> Option<Vec<u8>> {
    let mut rest = reply.last_line().iter().copied().skip_while(|&byte| byte != b'"').skip(1).peekable();
    let mut path = Vec::new();
    while let Some(byte) = rest.next() {
        if byte == b'"' && rest.next_if_eq(&b'"').is_none() {
            return (reply.code == 257 && !path.is_empty()).then_some(path);
        }
        path.push(byte);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_quotes() {
        let path = |line: &str| quoted_path(&Reply { code: 257, lines: vec![line.into()] });
        assert_eq!(path("\"/a \"\"b\"\" c\" is the current directory").as_deref(), Some(&b"/a \"b\" c"[..]));
        assert_eq!(path("\"/\"").as_deref(), Some(&b"/"[..]));
        for broken in ["/a", "\"/a", "\"\"", ""] {
            assert_eq!(path(broken), None, "{broken}");
        }
    }
}
