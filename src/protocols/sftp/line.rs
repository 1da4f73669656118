//! The stream below SSH: buffered, cut when its token is cancelled, and aware of who speaks first.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio_util::sync::CancellationToken;

use super::transport::Stream;

/// russh reads a packet's length and its body apart; one system call for both.
const BUFFER: usize = 64 * 1024;

/// The first bytes a peer sent.
#[derive(Clone, Default)]
pub(super) struct FirstBytes(Arc<Mutex<Vec<u8>>>);

impl FirstBytes {
    const ENOUGH: usize = 128;

    fn add(&self, bytes: &[u8]) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = Self::ENOUGH - first.len();
        first.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn get(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What speaks there, where it is not SSH: a sentence.
    pub(super) fn other_protocol(&self) -> Option<String> {
        let first = self.get();
        let line = first.split(|&b| b == b'\r' || b == b'\n').next().unwrap_or_default();
        match &first[..] {
            [] => None,
            _ if first.starts_with(b"SSH-") => None,
            [0x15 | 0x16, 3, ..] => Some("TLS is spoken there; this may be an FTPS or HTTPS port".into()),
            _ if first.starts_with(b"220") => Some(format!("an FTP or mail server answers there: {}", String::from_utf8_lossy(line))),
            _ if first.starts_with(b"HTTP/") => Some("a web server answers there".into()),
            // Text may come before the SSH banner (RFC 4253 section 4.2).
            _ if first.windows(5).any(|five| five == b"\nSSH-") => None,
            _ => Some(format!("it says: {}", String::from_utf8_lossy(line))),
        }
    }

    /// It is certain from the first bytes on, and waiting for more makes no sense.
    fn is_certainly_other(&self) -> bool {
        let first = self.get();
        matches!(first[..], [0x15 | 0x16, 3, ..]) || first.starts_with(b"220 ") || first.starts_with(b"220-") || first.starts_with(b"HTTP/")
    }
}

/// A stream that ends when its token is cancelled.
pub(super) struct Line {
    stream: BufReader<Box<dyn Stream>>,
    token: CancellationToken,
    cut: BoxFuture<'static, ()>,
    first: FirstBytes,
    is_ssh: bool,
}

impl Line {
    pub(super) fn new(stream: Box<dyn Stream>, token: CancellationToken, first: FirstBytes) -> Self {
        let cut = Box::pin(token.clone().cancelled_owned());
        Self { stream: BufReader::with_capacity(BUFFER, stream), token, cut, first, is_ssh: false }
    }

    fn poll_cut(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        // A future that ended must not be polled again.
        if self.token.is_cancelled() || self.cut.as_mut().poll(context).is_ready() {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the line was cut"));
        }
        Ok(())
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_cut(context)?;
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if !self.is_ssh {
            self.first.add(&buffer.filled()[before..]);
            if self.first.is_certainly_other() {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "another protocol answers")));
            }
            self.is_ssh = self.first.get().starts_with(b"SSH-") || self.first.get().len() == FirstBytes::ENOUGH;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_cut(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_cut(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
