//! A stream that ends when its owner says so: what reads from it on a task of its own ends with it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A stream whose reading ends, and whose writing fails, once the token is cancelled.
pub(super) struct Ending<S> {
    stream: S,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    is_over: bool,
}

impl<S> Ending<S> {
    pub(super) fn new(stream: S, token: CancellationToken) -> Self {
        Self { stream, ended: Box::pin(token.cancelled_owned()), is_over: false }
    }

    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        self.is_over = self.is_over || self.ended.as_mut().poll(context).is_ready();
        self.is_over
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Ending<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_over(context) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Ending<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_over {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
