//! Commands that are sent before the replies to those before them came: fewer waits on a long line. Only ones that do no harm
//! where one before them fails, and only while the server keeps order: the first disorder ends it for the session.

use std::time::Duration;

use tokio::time::timeout;

use super::command::Command;
use super::control::{Control, ControlError};
use super::quirks::Quirk;
use super::reply::Reply;

/// How long the replies behind the first may take. A server that threw the commands away never sends them.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of an `EPSV` that was sent before it was needed.
pub(super) enum Ahead {
    Nothing,
    /// Its reply comes behind the last one of the command under way.
    Behind,
    /// Its reply is the next one.
    Next,
    Came(Reply),
}

impl Control {
    /// Sends `command` and `EPSV` behind it. The reply to that waits until [`Self::take_ahead`].
    pub(super) async fn send_with_ahead(&mut self, command: &Command) -> Result<(), ControlError> {
        self.settle_ahead().await?;
        self.check_in_step()?;
        if self.may_pipeline() && matches!(self.ahead, Ahead::Nothing) {
            self.ahead = Ahead::Behind;
            return self.send_anyway(&[command, &Command::new("EPSV")]).await;
        }
        self.send_anyway(&[command]).await
    }

    /// Sends `EPSV` now that nothing is under way.
    pub(super) async fn send_ahead(&mut self) -> Result<(), ControlError> {
        if self.may_pipeline() && matches!(self.ahead, Ahead::Nothing) {
            self.check_in_step()?;
            self.send_anyway(&[&Command::new("EPSV")]).await?;
            self.awaiting = false;
            self.ahead = Ahead::Next;
        }
        Ok(())
    }

    /// Waits for the reply to an `EPSV` sent ahead, so that the next command's reply is the next one.
    pub(super) async fn settle_ahead(&mut self) -> Result<(), ControlError> {
        if !self.awaiting && matches!(self.ahead, Ahead::Next) {
            let reply = match timeout(self.limit().min(PATIENCE), self.one_reply()).await {
                Ok(reply) => reply?,
                Err(_) => return Err(self.disorder("EPSV got none")),
            };
            self.came_ahead(reply)?;
        }
        Ok(())
    }

    /// The reply to an `EPSV` that was sent ahead; it is of use once.
    pub(super) async fn take_ahead(&mut self) -> Result<Option<Reply>, ControlError> {
        self.settle_ahead().await?;
        Ok(match std::mem::replace(&mut self.ahead, Ahead::Nothing) {
            Ahead::Came(reply) => Some(reply),
            _ => None,
        })
    }

    pub(super) fn came_ahead(&mut self, reply: Reply) -> Result<(), ControlError> {
        // A refusal may be one of EPSV; any other success is of another command.
        if reply.code != 229 && !reply.is_refusal() {
            return Err(self.disorder(&reply.quote()));
        }
        if reply.code == 229 {
            self.quirks.learn(Quirk::KeepsOrder);
        }
        self.ahead = Ahead::Came(reply);
        Ok(())
    }

    /// Sends `commands` at once and reads a reply to each; one by one where the server does not keep order.
    pub(super) async fn exchange_all(&mut self, commands: &[Command]) -> Result<Vec<Reply>, ControlError> {
        let mut replies = Vec::with_capacity(commands.len());
        if commands.len() < 2 || !self.may_pipeline() {
            for command in commands {
                replies.push(self.exchange(command).await?);
            }
            return Ok(replies);
        }
        self.settle_ahead().await?;
        self.check_in_step()?;
        self.send_anyway(&commands.iter().collect::<Vec<_>>()).await?;
        for (at, command) in commands.iter().enumerate() {
            replies.push(self.reply_to(command.verb(), at == 0).await?);
        }
        self.quirks.learn(Quirk::KeepsOrder);
        Ok(replies)
    }

    /// The reply to one of several commands that were sent at once.
    pub(super) async fn reply_to(&mut self, verb: &str, is_first: bool) -> Result<Reply, ControlError> {
        self.awaiting = true;
        let limit = if is_first { self.limit() } else { self.limit().min(PATIENCE) };
        match timeout(limit, self.reply_in_own_time()).await {
            Ok(Ok(reply)) if !reply.is_preliminary() => Ok(reply),
            Ok(Ok(reply)) => Err(self.disorder(&reply.quote())),
            Err(_) if is_first => Err(self.lose(ControlError::TimedOut(limit))),
            Err(_) | Ok(Err(ControlError::Closed)) => Err(self.disorder(&format!("{verb} got none"))),
            Ok(Err(error)) => Err(error),
        }
    }

    /// [`Self::exchange_all`] for commands that may be asked twice: one that was not understood behind another is asked again,
    /// alone. A server that loses lines understands it then.
    pub(super) async fn exchange_all_understood(&mut self, commands: &[Command]) -> Result<Vec<Reply>, ControlError> {
        let were_at_once = self.may_pipeline();
        let mut replies = self.exchange_all(commands).await?;
        for (command, reply) in
            commands.iter().zip(&mut replies).skip(1).filter(|(_, reply)| were_at_once && matches!(reply.code, 500..=503))
        {
            *reply = self.exchange(command).await?;
            if !matches!(reply.code, 500..=503) {
                self.quirks.learn(Quirk::OneAtATime);
            }
        }
        Ok(replies)
    }

    pub(super) fn may_pipeline(&self) -> bool {
        !self.quirks.has(Quirk::OneAtATime)
    }

    pub(super) fn disorder(&mut self, seen: &str) -> ControlError {
        self.quirks.learn(Quirk::OneAtATime);
        self.lose(ControlError::Disorder(seen.to_owned()))
    }
}
