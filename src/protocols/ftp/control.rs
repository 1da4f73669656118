//! The control connection: one command, its reply, in step. It notices when it is out of step and is then lost.
//!
//! What a reply means is not its business; what may follow what on the line is.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::command::{Command, Unsendable};
use super::line::Line;
use super::pipeline::Ahead;
use super::quirks::Quirks;
use super::reply::{Reply, ReplyDecoder, ReplyError};
use crate::model::{Charset, Endpoint, FilePath, text};
use crate::protocols::tls::{TlsSession, alert_of};
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::vfs::{FsError, FsErrorKind};

/// The control connection failed; it cannot be used any more, except after [`ControlError::Argument`].
#[derive(Debug, thiserror::Error)]
pub(super) enum ControlError {
    #[error("the server closed the connection")]
    Closed,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// Reply 421, with the server's words.
    #[error("{0}")]
    Ended(String),
    #[error("{0}")]
    Protocol(String),
    #[error("something else answers there: {0}")]
    Foreign(&'static str),
    #[error("an earlier exchange was left unfinished")]
    OutOfStep,
    /// Commands sent at once were not answered one after the other. From now on one is sent at a time.
    #[error("the server mixed up its replies: {0}")]
    Disorder(String),
    /// Nothing was sent.
    #[error(transparent)]
    Argument(#[from] Unsendable),
}

impl ControlError {
    pub(super) fn into_connect(self, endpoint: &Endpoint) -> ConnectError {
        let kind = match &self {
            // TLS 1.3: the server's refusal of a client certificate comes with the first read.
            Self::Io(error) => match alert_of(error) {
                Some(alert) => ConnectErrorKind::Alert(alert),
                None => return ConnectError::from_io(error, endpoint),
            },
            Self::Closed | Self::OutOfStep | Self::Disorder(_) => ConnectErrorKind::ConnectionLost,
            Self::TimedOut(_) => ConnectErrorKind::TimedOut,
            Self::Ended(_) => ConnectErrorKind::Busy,
            Self::Protocol(_) => ConnectErrorKind::Protocol,
            Self::Foreign(_) => ConnectErrorKind::WrongProtocol,
            Self::Argument(_) => ConnectErrorKind::LoginRefused,
        };
        ConnectError::new(kind, endpoint, self.to_string())
    }

    pub(super) fn into_fs(self, attempted: &'static str, path: &FilePath) -> FsError {
        let kind = match &self {
            Self::Closed | Self::Io(_) | Self::Ended(_) | Self::OutOfStep | Self::Disorder(_) => FsErrorKind::ConnectionLost,
            Self::TimedOut(_) => FsErrorKind::TimedOut,
            Self::Protocol(_) | Self::Foreign(_) => FsErrorKind::Protocol,
            Self::Argument(_) => FsErrorKind::UnsafeName,
        };
        FsError::new(kind, attempted, path, self.to_string())
    }
}

/// Who says the first word on a fresh connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    /// We do: `AUTH TLS` is on its way before the greeting came. For servers that are known.
    First,
    /// The server greets first.
    Second,
}

/// A control connection.
pub(super) struct Control {
    line: Option<Line>,
    decoder: ReplyDecoder,
    /// A command is out and its last reply is not in. Set where a future was dropped in between.
    pub(super) awaiting: bool,
    pub(super) ahead: Ahead,
    pub(super) quirks: Arc<Quirks>,
    /// Names are sent as Telnet wants them (0xFF twice).
    pub(super) telnet: bool,
    limit: Duration,
    local: SocketAddr,
    peer: SocketAddr,
}

impl Control {
    /// Takes over a fresh connection. `limit`: the time for each step.
    pub(super) fn new(line: Line, limit: Duration, quirks: Arc<Quirks>) -> Result<Self, io::Error> {
        let (local, peer) = (line.tcp().local_addr()?, line.tcp().peer_addr()?);
        Ok(Self {
            line: Some(line),
            decoder: ReplyDecoder::default(),
            awaiting: true,
            ahead: Ahead::Nothing,
            quirks,
            telnet: true,
            limit,
            local,
            peer,
        })
    }

    /// Sets what the server's texts are written in.
    pub(super) fn read_in(&mut self, charset: Option<Charset>) {
        self.decoder.charset = charset;
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// The address the server sees of us.
    pub(super) fn local_ip(&self) -> IpAddr {
        self.local.ip()
    }

    /// The server's address: the only one data connections are made with.
    pub(super) fn peer_ip(&self) -> IpAddr {
        self.peer.ip()
    }

    /// The first reply of a server; 120 ("ready in n minutes") is waited out within the limit.
    pub(super) async fn greeting(&mut self) -> Result<Reply, ControlError> {
        loop {
            let reply = self.next_reply().await.map_err(|error| match error {
                ControlError::TimedOut(_) => ControlError::Io(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the port is open, but no greeting came: it may want TLS from the first byte (ftps://), or be no FTP server",
                )),
                other => other,
            })?;
            if !reply.is_preliminary() {
                return match foreign_greeting(&reply) {
                    Some(what) => Err(self.lose(ControlError::Foreign(what))),
                    None => Ok(reply),
                };
            }
        }
    }

    /// Sends `command` and reads its one reply. A preliminary reply (1xx) has no place here.
    pub(super) async fn exchange(&mut self, command: &Command) -> Result<Reply, ControlError> {
        self.send(command).await?;
        let reply = self.next_reply().await?;
        if reply.is_preliminary() {
            return Err(self.lose(ControlError::Protocol(format!("{} was answered with {}", command.verb(), reply.quote()))));
        }
        Ok(reply)
    }

    /// Sends `command`; its replies are read with [`Self::next_reply`] until one is not preliminary.
    pub(super) async fn send(&mut self, command: &Command) -> Result<(), ControlError> {
        self.settle_ahead().await?;
        self.check_in_step()?;
        self.send_anyway(&[command]).await
    }

    /// Sends `commands` in one piece, although another may be under way.
    pub(super) async fn send_anyway(&mut self, commands: &[&Command]) -> Result<(), ControlError> {
        self.awaiting = true;
        let lines: Vec<_> = commands.iter().map(|command| command.line(self.telnet)).collect();
        // Reserved at once, so that no copy of a secret is left behind by growing.
        let mut bytes = Zeroizing::new(Vec::with_capacity(lines.iter().map(|line| line.len()).sum()));
        for (command, line) in commands.iter().zip(&lines) {
            tracing::debug!(target: "sealift::ftp", "> {}", command.logged());
            bytes.extend_from_slice(line);
        }
        let line = self.line.as_mut().ok_or(ControlError::Closed)?;
        let written = timeout(self.limit, async {
            line.write_all(&bytes).await?;
            line.flush().await
        })
        .await;
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.lose(ControlError::Io(error))),
            Err(_) => Err(self.lose(ControlError::TimedOut(self.limit))),
        }
    }

    /// The next reply. May be dropped and called again: what came is kept.
    pub(super) async fn next_reply(&mut self) -> Result<Reply, ControlError> {
        match timeout(self.limit, self.reply_in_own_time()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.lose(ControlError::TimedOut(self.limit))),
        }
    }

    /// [`Self::next_reply`] for a caller that limits the time itself.
    pub(super) async fn reply_in_own_time(&mut self) -> Result<Reply, ControlError> {
        loop {
            let reply = self.one_reply().await?;
            match self.ahead {
                Ahead::Next => self.came_ahead(reply)?,
                Ahead::Behind if reply.code == 229 => return Err(self.disorder(&reply.quote())),
                _ => {
                    self.awaiting = reply.is_preliminary();
                    if !self.awaiting && matches!(self.ahead, Ahead::Behind) {
                        self.ahead = Ahead::Next;
                    }
                    return Ok(reply);
                }
            }
        }
    }

    /// Whatever comes next. 421 is the end.
    pub(super) async fn one_reply(&mut self) -> Result<Reply, ControlError> {
        let reply = match self.receive().await {
            Ok(reply) => reply,
            Err(error) => return Err(self.lose(error)),
        };
        tracing::debug!(target: "sealift::ftp", "< {}", reply.quote());
        if reply.code == 421 {
            return Err(self.lose(ControlError::Ended(reply.quote())));
        }
        Ok(reply)
    }

    async fn receive(&mut self) -> Result<Reply, ControlError> {
        loop {
            match self.decoder.next_reply() {
                Ok(Some(reply)) => return Ok(reply),
                Ok(None) => {}
                Err(ReplyError::NoReply(line)) => {
                    return Err(match foreign_line(line.as_bytes()) {
                        Some(what) => ControlError::Foreign(what),
                        None => ControlError::Protocol(ReplyError::NoReply(line).to_string()),
                    });
                }
                Err(error) => return Err(ControlError::Protocol(error.to_string())),
            }
            let line = self.line.as_mut().ok_or(ControlError::Closed)?;
            match line.read_buf(&mut self.decoder.buffer).await {
                Ok(0) => return Err(ControlError::Closed),
                Ok(_) if self.decoder.buffer.starts_with(&[0x15, 3]) || self.decoder.buffer.starts_with(&[0x16, 3]) => {
                    return Err(ControlError::Foreign("TLS, where plain FTP was spoken"));
                }
                Ok(_) => {}
                // A server that ends without close_notify: nothing is cut that a reply's own end would not show.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(ControlError::Closed),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Nothing may lie unread when a command goes out: it would be taken for that command's reply.
    pub(super) fn check_in_step(&mut self) -> Result<(), ControlError> {
        if self.awaiting {
            return Err(self.lose(ControlError::OutOfStep));
        }
        let unasked = match self.receive().now_or_never() {
            None if self.decoder.is_empty() => return Ok(()),
            None => "half a reply".to_owned(),
            Some(Ok(reply)) if reply.code == 421 => return Err(self.lose(ControlError::Ended(reply.quote()))),
            Some(Ok(reply)) => reply.quote(),
            Some(Err(error)) => return Err(self.lose(error)),
        };
        Err(self.lose(ControlError::Protocol(format!("the server sent a reply nobody asked for: {unasked}"))))
    }

    /// Sends `AUTH TLS`.
    pub(super) async fn ask_for_tls(&mut self, speaks: Speaks) -> Result<(), ControlError> {
        if speaks == Speaks::Second {
            self.check_in_step()?;
        }
        self.send_anyway(&[&Command::with("AUTH", "TLS")?]).await
    }

    /// The reply to `AUTH TLS` and the handshake (RFC 4217 section 4). Anything but 234 ends the connection.
    pub(super) async fn protect(mut self, session: &TlsSession, speaks: Speaks, endpoint: &Endpoint) -> Result<Self, ConnectError> {
        let reply = match speaks {
            Speaks::First => self.reply_to("AUTH", false).await,
            Speaks::Second => self.next_reply().await,
        };
        let reply = reply.map_err(|error| error.into_connect(endpoint))?;
        if reply.code != 234 {
            return Err(ConnectError::new(ConnectErrorKind::ProtectionRefused, endpoint, reply.quote()));
        }
        if !self.decoder.is_empty() {
            let detail = "plain text was sent ahead of the TLS handshake (STARTTLS injection)";
            return Err(ConnectError::new(ConnectErrorKind::Protocol, endpoint, detail));
        }
        let Some(Line::Plain(tcp)) = self.line.take() else {
            return Err(ConnectError::new(ConnectErrorKind::ConnectionLost, endpoint, ""));
        };
        self.line = Some(handshake(session, tcp, self.limit, endpoint).await?);
        Ok(self)
    }

    /// Says good-bye and closes, within a short time.
    pub(super) async fn quit(&mut self) {
        if self.line.is_some() && !self.awaiting && self.send_anyway(&[&Command::new("QUIT")]).await.is_ok() {
            let farewell = timeout(Duration::from_secs(2), self.next_reply()).await;
            tracing::trace!(target: "sealift::ftp", answered = farewell.is_ok(), "closed");
        }
        self.close();
    }

    /// Closes without a word. Everything after answers [`ControlError::Closed`] or `OutOfStep`.
    pub(super) fn close(&mut self) {
        self.awaiting = true;
        self.ahead = Ahead::Nothing;
        self.line = None;
    }

    pub(super) fn lose(&mut self, error: ControlError) -> ControlError {
        self.close();
        error
    }
}

/// A control connection's handshake within `limit`.
pub(super) async fn handshake(session: &TlsSession, tcp: TcpStream, limit: Duration, endpoint: &Endpoint) -> Result<Line, ConnectError> {
    let late = || ConnectError::new(ConnectErrorKind::TimedOut, endpoint, "the TLS handshake did not end");
    let tls = timeout(limit, session.connect(tcp)).await.map_err(|_| late())??;
    Ok(Line::Tls(Box::new(tls)))
}

/// Who else begins like this.
fn foreign_line(line: &[u8]) -> Option<&'static str> {
    const FOREIGN: [(&[u8], &str); 6] = [
        (b"SSH-", "an SSH server (sftp:// may be meant)"),
        (b"HTTP/", "a web server"),
        (b"<", "a web server"),
        (b"+OK", "a POP3 mail server"),
        (b"* OK", "an IMAP mail server"),
        (b"RFB ", "a VNC server"),
    ];
    FOREIGN.iter().find(|(start, _)| line.starts_with(start)).map(|(_, what)| *what)
}

/// SMTP greets with 220 like FTP.
fn foreign_greeting(reply: &Reply) -> Option<&'static str> {
    let words = text::display_safe(&reply.lines[0]);
    words.split_whitespace().any(|word| matches!(word, "SMTP" | "ESMTP")).then_some("an SMTP mail server")
}
