//! A server that runs: accepts, keeps its limits, owns every connection, stops. Knows no protocol.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::ftp::{TlsVersions, tls};
use super::identity::{HostKey, IdentityError, ServerIdentity};

/// What a server takes upon itself at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; more are turned away.
    pub connections: usize,
    /// How long a connection may be silent.
    pub idle: Duration,
    /// How long a handshake, or one step of a transfer, may take.
    pub step: Duration,
    /// Wrong passwords on one connection before it is closed.
    pub failed_logins: u32,
    /// What a wrong password costs; the second one twice as much, and so on.
    pub failed_login_delay: Duration,
    /// How long running transfers may go on after [`Running::stop`].
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            idle: Duration::from_secs(300),
            step: Duration::from_secs(60),
            failed_logins: 4,
            failed_login_delay: Duration::from_millis(500),
            stop: Duration::from_secs(5),
        }
    }
}

/// What a server shows new connections; can be replaced while it runs.
pub(super) type Shown<T> = Arc<watch::Sender<Arc<T>>>;

pub(super) fn shown<T>(value: Arc<T>) -> Shown<T> {
    Arc::new(watch::Sender::new(value))
}

/// How a server proves who it is.
pub(super) enum Proof {
    Nothing,
    Certificate(Shown<ServerConfig>, TlsVersions),
    HostKey(Shown<HostKey>),
}

/// A server that accepts connections. Dropping it ends it and all its connections at once.
#[must_use = "a server that is dropped is stopped"]
pub struct Running {
    /// Where it listens, with the port the system chose.
    pub addr: SocketAddr,
    stopping: CancellationToken,
    accepting: JoinHandle<()>,
    proof: Proof,
}

impl Running {
    /// Accepts on `listener`, one task a connection. `overload` is what a connection too many is told, as far as it fits.
    pub(super) fn start<Serve, Served>(
        listener: TcpListener,
        limits: Limits,
        overload: &'static [u8],
        proof: Proof,
        serve: Serve,
    ) -> std::io::Result<Self>
    where
        Serve: Fn(TcpStream, CancellationToken) -> Served + Send + 'static,
        Served: Future<Output = ()> + Send + 'static,
    {
        let addr = listener.local_addr()?;
        let stopping = CancellationToken::new();
        let token = stopping.clone();
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    () = token.cancelled() => break,
                    Some(_) = connections.join_next() => {}
                    accepted = listener.accept() => match accepted {
                        Ok((stream, _)) if connections.len() >= limits.connections => {
                            tracing::debug!("a connection too many");
                            drop(stream.try_write(overload));
                        }
                        Ok((stream, peer)) => {
                            tracing::debug!(%peer, "accepted");
                            drop(stream.set_nodelay(true));
                            connections.spawn(serve(stream, token.clone()));
                        }
                        Err(error) => {
                            // Out of descriptors: what runs may give some back, spinning would not.
                            tracing::debug!(%error, "cannot accept");
                            tokio::time::sleep(Duration::from_millis(100)).await;
                        }
                    },
                }
            }
            drop(listener);
            let ended = async { while connections.join_next().await.is_some() {} };
            drop(tokio::time::timeout(limits.stop, ended).await);
        });
        Ok(Self { addr, stopping, accepting, proof })
    }

    /// Accepts nothing more, lets transfers end within [`Limits::stop`], then ends what is left.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        drop((&mut self.accepting).await);
    }

    /// Shows `identity` to new connections from now on; running ones keep what they have.
    pub fn replace_identity(&self, identity: &ServerIdentity) -> Result<(), IdentityError> {
        let Proof::Certificate(shown, versions) = &self.proof else { return Err(IdentityError::OtherKind) };
        drop(shown.send_replace(tls::configure(identity, *versions)?));
        Ok(())
    }

    /// Shows `key` to new connections from now on; running ones keep what they have.
    pub fn replace_host_key(&self, key: HostKey) -> Result<(), IdentityError> {
        let Proof::HostKey(shown) = &self.proof else { return Err(IdentityError::OtherKind) };
        drop(shown.send_replace(Arc::new(key)));
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
