//! TLS of the FTP server: one configuration an identity, tickets that bind data connections to their control connection.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::server::{IdentityError, ServerIdentity};

/// Which versions of TLS a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsVersions {
    /// 1.2 and 1.3.
    #[default]
    Both,
    /// 1.2 alone.
    Only12,
    /// 1.3 alone.
    Only13,
}

/// Marks the tickets of one control connection.
pub(super) type SessionMark = [u8; 16];

/// The configuration that shows `identity`. Stateless tickets, so that a client may use one more than once.
pub(in crate::server) fn configure(identity: &ServerIdentity, versions: TlsVersions) -> Result<Arc<ServerConfig>, IdentityError> {
    let unusable = |error: rustls::Error| IdentityError::Unusable(error.to_string());
    let versions: &[&rustls::SupportedProtocolVersion] = match versions {
        TlsVersions::Both => rustls::ALL_VERSIONS,
        TlsVersions::Only12 => &[&rustls::version::TLS12],
        TlsVersions::Only13 => &[&rustls::version::TLS13],
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(identity.chain.clone(), identity.key.clone_key())
        .map_err(unusable)?;
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(unusable)?;
    config.send_tls13_tickets = 2;
    Ok(Arc::new(config))
}

/// The handshake, tickets delivered, within `limit`.
pub(super) async fn accept(
    config: &Arc<ServerConfig>,
    stream: TcpStream,
    mark: &SessionMark,
    limit: Duration,
) -> io::Result<Box<TlsStream<TcpStream>>> {
    let handshake = async {
        let acceptor = TlsAcceptor::from(Arc::clone(config));
        let mut stream = acceptor.accept_with(stream, |connection| connection.set_resumption_data(mark)).await?;
        // An upload never writes: its tickets would not leave before the end.
        stream.flush().await?;
        Ok(Box::new(stream))
    };
    tokio::time::timeout(limit, handshake).await?
}

/// Whether the handshake resumed a session of the control connection with this mark.
pub(super) fn resumes(stream: &TlsStream<TcpStream>, mark: &SessionMark) -> bool {
    stream.get_ref().1.received_resumption_data() == Some(mark)
}

/// A mark no other connection has.
pub(super) fn new_mark() -> SessionMark {
    let mut mark = SessionMark::default();
    // Without random numbers no handshake succeeds either.
    drop(aws_lc_rs::default_provider().secure_random.fill(&mut mark));
    mark
}
