//! The control connection: bounded lines in, replies out, and the step from plain to TLS. Knows no command.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::tls::{self, SessionMark};
use crate::model::text;

/// Longer lines end the connection: a path of 4096 bytes fits twice.
const MAX_LINE: usize = 8192 + 64;

/// The stream, before or after the handshake.
pub(super) enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// While one becomes the other, and after a handshake that failed.
    Gone,
}

impl Wire {
    pub(super) async fn read_buf(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read_buf(buffer).await,
            Self::Tls(stream) => stream.read_buf(buffer).await,
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    pub(super) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes).await,
            Self::Tls(stream) => stream.write_all(bytes).await,
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Everything out, then the end: `close_notify` where there is TLS.
    pub(super) async fn shutdown(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.shutdown().await,
            Self::Tls(stream) => stream.shutdown().await,
            Self::Gone => Ok(()),
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tls(stream) => stream.flush().await,
            Self::Plain(_) | Self::Gone => Ok(()),
        }
    }
}

/// A command: the verb in upper case, and the argument's bytes as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) verb: String,
    pub(super) argument: Vec<u8>,
}

impl Line {
    /// Splits at the first blank; all further blanks belong to the name. Telnet commands in front (RFC 959 4.1.3, ABOR) are dropped.
    fn parse(bytes: &[u8]) -> Self {
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let start = bytes.iter().position(|&byte| byte < 0xf0).unwrap_or(bytes.len());
        let bytes = &bytes[start..];
        let (verb, argument) = bytes.iter().position(|&byte| byte == b' ').map_or((bytes, &[][..]), |at| (&bytes[..at], &bytes[at + 1..]));
        Self { verb: String::from_utf8_lossy(verb).to_ascii_uppercase(), argument: argument.to_vec() }
    }
}

pub(super) struct Control {
    wire: Wire,
    buffer: Vec<u8>,
    /// How far the buffer was searched for a line's end.
    searched: usize,
    step: Duration,
}

impl Control {
    pub(super) fn new(wire: Wire, step: Duration) -> Self {
        Self { wire, buffer: Vec::new(), searched: 0, step }
    }

    pub(super) fn is_protected(&self) -> bool {
        matches!(self.wire, Wire::Tls(_))
    }

    /// Whether bytes came that nobody has looked at.
    pub(super) fn has_unread(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// The next line; `None` at the end. Dropping the future loses nothing.
    pub(super) async fn line(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=self.searched + end).collect();
                self.searched = 0;
                return Ok(Some(Line::parse(&line[..line.len() - 1])));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > MAX_LINE {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if self.wire.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// `code text`. The text is ours or was made safe; a line break in it would be a second reply, so it is replaced.
    pub(super) async fn reply(&mut self, code: u16, text: impl AsRef<[u8]>) -> io::Result<()> {
        let mut line = format!("{code} ").into_bytes();
        line.extend(text.as_ref().iter().map(|&byte| if matches!(byte, b'\r' | b'\n' | 0) { b'?' } else { byte }));
        line.extend_from_slice(b"\r\n");
        tracing::debug!("> {}", text::display_safe(&line[..line.len() - 2]));
        self.send(&line).await
    }

    /// `code-first`, the lines each behind a blank, `code last` (RFC 959 4.2).
    pub(super) async fn reply_lines(&mut self, code: u16, first: &str, lines: &[Vec<u8>], last: &str) -> io::Result<()> {
        let mut bytes = format!("{code}-{first}\r\n").into_bytes();
        for line in lines {
            bytes.push(b' ');
            bytes.extend(line.iter().map(|&byte| if matches!(byte, b'\r' | b'\n' | 0) { b'?' } else { byte }));
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(format!("{code} {last}\r\n").as_bytes());
        self.send(&bytes).await
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let send = async {
            self.wire.write_all(bytes).await?;
            self.wire.flush().await
        };
        tokio::time::timeout(self.step, send).await?
    }

    /// The server's side of the TLS handshake.
    pub(super) async fn protect(&mut self, config: &Arc<ServerConfig>, mark: &SessionMark) -> io::Result<()> {
        let Wire::Plain(stream) = std::mem::replace(&mut self.wire, Wire::Gone) else { return Err(io::ErrorKind::AlreadyExists.into()) };
        self.wire = Wire::Tls(tls::accept(config, stream, mark, self.step).await?);
        Ok(())
    }

    /// Says the end of the stream properly, as far as the peer lets us.
    pub(super) async fn close(&mut self) {
        drop(tokio::time::timeout(Duration::from_secs(1), self.wire.shutdown()).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_the_bytes_of_names() {
        let line = |bytes: &[u8]| Line::parse(bytes);
        assert_eq!(line(b"retr  two blanks \r"), Line { verb: "RETR".into(), argument: b" two blanks ".to_vec() });
        assert_eq!(line(b"STOR caf\xe9\r").argument, b"caf\xe9");
        assert_eq!(line(b"\xff\xf4\xffABOR\r").verb, "ABOR");
        assert_eq!(line(b"\r"), Line { verb: String::new(), argument: Vec::new() });
    }
}
