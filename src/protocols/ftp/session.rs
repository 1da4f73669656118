//! A logged-in connection ready for work, and how it replaces itself by one like it. What a transfer does with the
//! data connection is `transfer`'s business.

use jiff::Timestamp;

use super::FtpSettings;
use super::attempt::Attempt;
use super::command::Command;
use super::connection::{FtpConnection, Login};
use super::control::{Control, ControlError};
use super::features::Features;
use super::further::further;
use super::quirks::{Counted, Quirk};
use super::reply::Reply;
use crate::model::FilePath;
use crate::protocols::tls::TlsSession;
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::trust::{Pin, Remember, Verified};
use crate::vfs::{DigestAlgorithm, FsError};

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
    /// Files that went over this connection: behind one, another is likely to follow.
    pub(super) files: u32,
    /// `EPSV` was answered as it should be.
    pub(super) knows_epsv: bool,
    /// `TYPE A` is set.
    pub(super) is_text: bool,
    /// The file that was written last from its beginning, and its length, as long as nobody asked whether all of it is there.
    pub(super) unconfirmed: Option<(FilePath, u64)>,
    /// What `OPTS HASH` chose.
    pub(super) hashes_with: Option<DigestAlgorithm>,
    _counted: Counted,
}

impl Session {
    /// `FEAT`, `TYPE I`, `PWD`, and `OPTS` as far as they are wanted, on a connection whose data connections are protected (or
    /// that is plain by name).
    pub(super) async fn prepare(mut connection: FtpConnection) -> Result<(Self, FilePath), ConnectError> {
        let charset = connection.settings.charset;
        let quirks = connection.settings.quirks.clone();
        let type_i = connection.sendable(Command::with("TYPE", "I"))?;
        let (features, home) = match quirks.known().get() {
            Some((features, home)) => {
                connection.control.telnet = features.reads_telnet;
                let mut commands = connection.options(features)?;
                commands.push(type_i);
                let replies = connection.exchange_all(&commands).await?;
                connection.is_binary(replies.last())?;
                (*features, home.clone())
            }
            None => {
                let replies = connection.exchange_all(&[Command::new("FEAT"), type_i, Command::new("PWD")]).await?;
                let [feat, binary, folder] = replies.as_slice() else { return Err(connection.error(ConnectErrorKind::Protocol, "")) };
                connection.is_binary(Some(binary))?;
                let features = Features::read(feat, &connection.banner);
                connection.control.telnet = features.reads_telnet;
                let mut commands = connection.options(&features)?;
                if features.utf8 {
                    // Only now it is known what the path is written in.
                    commands.push(Command::new("PWD"));
                }
                // A refusal of an option is no failure: it only was not needed.
                let more = connection.exchange_all(&commands).await?;
                let home = quoted_path(more.last().filter(|_| features.utf8).unwrap_or(folder));
                let home = home.map(|path| charset.map_or(path.clone(), |charset| charset.decode_path(&path)));
                let home = home.and_then(|path| FilePath::parse(&path).ok()).unwrap_or_else(FilePath::root);
                (features, home)
            }
        };
        quirks.known().get_or_init(|| (features, home.clone()));
        Ok((Self::on(connection, features), home))
    }

    /// A session on a connection that is prepared.
    pub(super) fn on(connection: FtpConnection, features: Features) -> Self {
        let FtpConnection { settings, control, tls, banner, login, .. } = connection;
        let counted = Counted::new(settings.quirks.clone());
        let gives_tickets = tls.as_ref().is_some_and(|tls| tls.tickets_left() > 0);
        Self {
            settings,
            control,
            tls,
            features,
            banner,
            login,
            gives_tickets,
            given_up: false,
            files: 0,
            knows_epsv: false,
            is_text: false,
            unconfirmed: None,
            hashes_with: None,
            _counted: counted,
        }
    }

    /// A command about a path, in the bytes the server knows it by.
    pub(super) fn command(&self, verb: &'static str, argument: impl AsRef<[u8]>, attempt: Attempt<'_>) -> Result<Command, FsError> {
        Command::about(verb, argument, self.settings.charset).map_err(|error| attempt.argument(error))
    }

    /// One command about a path and its reply.
    pub(super) async fn exchange(
        &mut self,
        verb: &'static str,
        argument: impl AsRef<[u8]>,
        attempt: Attempt<'_>,
    ) -> Result<Reply, FsError> {
        let command = self.command(verb, argument, attempt)?;
        self.control.exchange(&command).await.map_err(|error| attempt.control(error))
    }

    /// Commands that may be sent at once and repeated, each with its reply; after disorder, one by one on another connection.
    pub(super) async fn exchange_all(&mut self, commands: &[Command], attempt: Attempt<'_>) -> Result<Vec<Reply>, FsError> {
        let outcome = match self.control.exchange_all_understood(commands).await {
            Err(ControlError::Disorder(_)) => {
                self.replace(attempt).await?;
                self.control.exchange_all_understood(commands).await
            }
            outcome => outcome,
        };
        outcome.map_err(|error| attempt.control(error))
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
        match &self.login {
            Some(login) => Ok(further(&self.settings, pin, login).await?.0),
            None => Ok(FtpConnection::connect(&self.settings, pin).await?.into_session().await?.0),
        }
    }
}

impl FtpConnection {
    /// The options that are set on a server with `features`.
    pub(super) fn options(&self, features: &Features) -> Result<Vec<Command>, ConnectError> {
        let mut options = Vec::new();
        if features.utf8 {
            // Names in a charset of the disk's are changed on the way by a server that thinks we read UTF-8.
            options.push(if self.settings.charset.is_some() { "UTF8 OFF" } else { "UTF8 ON" });
        }
        if features.mlst {
            options.push("MLST modify;size;type;perm;unix.mode;unix.owner;unix.group;unix.ownername;unix.groupname;");
        }
        options.into_iter().map(|option| self.sendable(Command::with("OPTS", option))).collect()
    }

    /// Whether the reply to `TYPE I` says so.
    pub(super) fn is_binary(&self, reply: Option<&Reply>) -> Result<(), ConnectError> {
        match reply.filter(|reply| !reply.is_success() || reply.code == 257) {
            Some(reply) => Err(self.error(ConnectErrorKind::Protocol, format!("TYPE I was answered with {}", reply.quote()))),
            None => Ok(()),
        }
    }

    /// Commands at once, as far as the server is not known to mix up its replies.
    pub(super) async fn exchange_all(&mut self, commands: &[Command]) -> Result<Vec<Reply>, ConnectError> {
        self.control.exchange_all_understood(commands).await.map_err(|error| error.into_connect(&self.settings.site.endpoint))
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
        let path = |line: &str| quoted_path(&Reply::new(257, vec![line.into()]));
        assert_eq!(path("\"/a \"\"b\"\" c\" is the current directory").as_deref(), Some(&b"/a \"b\" c"[..]));
        assert_eq!(path("\"/\"").as_deref(), Some(&b"/"[..]));
        for broken in ["/a", "\"/a", "\"\"", ""] {
            assert_eq!(path(broken), None, "{broken}");
        }
    }
}
