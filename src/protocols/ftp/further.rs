//! A further connection to a server that is known: what took one turn each on the first goes out at once. It was seen to keep
//! order, and it has the password: the peer is exactly the one that was given it before.

use super::command::Command;
use super::connection::{FtpConnection, Login, explained, tls_of};
use super::control::Speaks;
use super::features::Features;
use super::file_system::FtpFileSystem;
use super::pipeline::Ahead;
use super::quirks::Quirk;
use super::reply::Reply;
use super::session::Session;
use super::{DataMode, FtpSettings};
use crate::model::FilePath;
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::secrets::Secret;
use crate::trust::Pin;

impl FtpConnection {
    /// A connection like one that was logged in before, ready for work, in as few turns as the server takes.
    ///
    /// `pin`: exactly the peer that was accepted then. `password`: `None` where the server wanted none.
    ///
    /// Errors: as [`Self::connect`] and [`Self::login`].
    pub async fn further(
        settings: &FtpSettings,
        pin: Option<Pin>,
        user: &str,
        password: Option<&Secret>,
    ) -> Result<FtpFileSystem, ConnectError> {
        let login = Login { user: user.to_owned(), password: password.cloned() };
        let (session, home) = further(settings, pin, &login).await?;
        Ok(FtpFileSystem::new(session, home))
    }

    /// Sends all there is to say before the first file, and judges each reply as it comes: the first refusal is the last word.
    async fn say_all(&mut self, login: &Login, features: &Features) -> Result<(), ConnectError> {
        let mut commands = Vec::new();
        if self.tls.is_some() {
            commands.extend([self.sendable(Command::with("PBSZ", "0"))?, self.sendable(Command::with("PROT", "P"))?]);
        }
        commands.push(self.sendable(Command::about("USER", &login.user, self.settings.charset))?);
        if let Some(password) = &login.password {
            commands.push(self.sendable(Command::secret("PASS", password, self.settings.charset))?);
        }
        commands.extend(self.options(features)?);
        commands.push(self.sendable(Command::with("TYPE", "I"))?);
        let endpoint = self.settings.site.endpoint.clone();
        let epsv = self.settings.data_mode != DataMode::Active && !self.settings.quirks.has(Quirk::NoEpsv);
        let ahead = epsv.then(|| Command::new("EPSV"));
        let all: Vec<&Command> = commands.iter().chain(&ahead).collect();
        self.control.send_anyway(&all).await.map_err(|error| error.into_connect(&endpoint))?;
        for (at, command) in commands.iter().enumerate() {
            let reply = self.control.reply_to(command.verb(), at == 0).await.map_err(|error| error.into_connect(&endpoint));
            let reply = if at == 0 { reply.map_err(|error| explained(error, self.tls.as_ref()))? } else { reply? };
            self.take(command.verb(), &reply, login)?;
        }
        self.control.telnet = features.reads_telnet;
        if ahead.is_some() {
            self.control.ahead = Ahead::Next;
        }
        self.data_protected = self.tls.is_some();
        self.login = Some(login.clone());
        Ok(())
    }

    fn take(&mut self, verb: &str, reply: &Reply, login: &Login) -> Result<(), ConnectError> {
        let expected = match verb {
            // It knew the command before, so it lost its way now.
            "PBSZ" | "PROT" | "USER" | "PASS" | "TYPE" if matches!(reply.code, 500..=503) => false,
            "PBSZ" | "PROT" if !reply.is_success() => return Err(self.error(ConnectErrorKind::ProtectionRefused, reply.quote())),
            "USER" if login.password.is_none() && reply.code == 331 => {
                return Err(self.error(ConnectErrorKind::LoginRefused, "the server wants a password now, and did not before"));
            }
            "USER" if reply.code == 331 => true,
            "USER" | "PASS" => {
                self.judge(reply)?;
                matches!(reply.code, 202 | 230..=239)
            }
            "TYPE" => {
                self.is_binary(Some(reply))?;
                reply.code == 200
            }
            // A refusal of an option is no failure.
            _ => !matches!(reply.code, 229..=239 | 300..400),
        };
        if expected { Ok(()) } else { Err(self.control.disorder(&reply.quote()).into_connect(&self.settings.site.endpoint)) }
    }
}

/// A session like the one that `login` had before, and the home folder.
pub(super) async fn further(settings: &FtpSettings, pin: Option<Pin>, login: &Login) -> Result<(Session, FilePath), ConnectError> {
    let quirks = &settings.quirks;
    let keeps_order = quirks.has(Quirk::KeepsOrder) && !quirks.has(Quirk::OneAtATime) && !quirks.has(Quirk::ProtectsAfterLogin);
    if let Some((features, home)) = quirks.known().get().filter(|_| keeps_order) {
        match at_once(settings, pin.clone(), login, features).await {
            // From now on it is asked one thing at a time.
            Err(error) if error.kind == ConnectErrorKind::ConnectionLost && quirks.has(Quirk::OneAtATime) => {}
            session => return Ok((session?, home.clone())),
        }
    }
    let mut connection = FtpConnection::connect(settings, pin).await?;
    connection.login_as(&login.user, login.password.as_ref()).await?;
    connection.into_session().await
}

async fn at_once(settings: &FtpSettings, pin: Option<Pin>, login: &Login, features: &Features) -> Result<Session, ConnectError> {
    let tls = tls_of(settings, pin)?;
    let greeted = FtpConnection::greeted(settings, tls.as_ref(), Speaks::First).await;
    let mut connection = greeted.map_err(|error| explained(error, tls.as_ref()))?;
    connection.tls = tls;
    connection.say_all(login, features).await?;
    Ok(Session::on(connection, *features))
}
