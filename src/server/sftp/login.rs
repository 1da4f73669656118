//! The SSH side: who may come in and how, and the one subsystem. Runs no commands, forwards nothing.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use russh::keys::PublicKey;
use russh::server::{Auth, ChannelOpenHandle, Msg, PublicKeyOffer, Response, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure};

use super::SftpOptions;
use super::handler::Files;
use super::keys::is_authorized;

/// Channels of one connection at once.
const MAX_CHANNELS: usize = 8;

/// One SSH connection.
pub(super) struct Login {
    options: Arc<SftpOptions>,
    /// Opened, and not yet asked for a subsystem.
    channels: HashMap<ChannelId, Channel<Msg>>,
    opened: usize,
}

impl Login {
    pub(super) fn new(options: Arc<SftpOptions>) -> Self {
        Self { options, channels: HashMap::new(), opened: 0 }
    }

    /// A no leaves every method open, as OpenSSH does: another key or a password typed anew may do.
    fn verdict(&self, accepted: bool) -> Auth {
        if accepted {
            return Auth::Accept;
        }
        Auth::Reject { proceed_with_methods: Some(self.options.methods()), partial_success: false }
    }

    async fn key(&self, user: &str, key: &PublicKey) -> Auth {
        let SftpOptions { root, users, keys, authorized_keys, .. } = &*self.options;
        let is_accepted = match authorized_keys {
            Some(file) => keys.contains(key) || is_authorized(&**root, file, key).await,
            None => keys.contains(key),
        };
        self.verdict(is_accepted && users.knows(user.as_bytes()))
    }
}

impl russh::server::Handler for Login {
    type Error = russh::Error;

    async fn authentication_banner(&mut self) -> Result<Option<String>, Self::Error> {
        Ok(self.options.banner.clone())
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        Ok(self.verdict(self.options.password && self.options.users.admits(user.as_bytes(), password.as_bytes())))
    }

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        Ok(self.key(user, offer.public_key).await)
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        Ok(self.key(user, key.public_key).await)
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let Some(code) = &self.options.code else { return Ok(Auth::UnsupportedMethod) };
        let Some(mut answers) = response else {
            return Ok(Auth::Partial {
                name: Cow::Borrowed("Two factors"),
                instructions: Cow::Borrowed("The password, and the code you were given."),
                prompts: Cow::Borrowed(&[(Cow::Borrowed("Password: "), false), (Cow::Borrowed("Code: "), true)]),
            });
        };
        let (password, given) = (answers.next().unwrap_or_default(), answers.next().unwrap_or_default());
        Ok(self.verdict(self.options.users.admits(user.as_bytes(), &password) & (given == code.expose().as_bytes())))
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.opened >= MAX_CHANNELS {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        }
        self.opened += 1;
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _session: &mut Session) -> Result<(), Self::Error> {
        self.channels.remove(&channel);
        self.opened = self.opened.saturating_sub(1);
        Ok(())
    }

    async fn channel_eof(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        session.close(channel)
    }

    async fn subsystem_request(&mut self, id: ChannelId, name: &str, session: &mut Session) -> Result<(), Self::Error> {
        match self.channels.remove(&id).filter(|_| name == "sftp" && self.options.subsystem) {
            Some(channel) => {
                session.channel_success(id)?;
                // Its task ends with the channel, and the channel with this connection.
                russh_sftp::server::run(channel.into_stream(), Files::new(Arc::clone(&self.options.root))).await;
                Ok(())
            }
            None => session.channel_failure(id),
        }
    }

    async fn exec_request(&mut self, id: ChannelId, _command: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        session.channel_failure(id)
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        session.channel_failure(id)
    }
}
