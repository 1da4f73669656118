//! TLS of the FTP server: one configuration an identity, one set of tickets a control connection.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::server::NoServerSessionStorage;
use rustls::{HandshakeKind, ServerConfig};
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

/// The configuration that shows `identity`.
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
    config.send_tls13_tickets = 2;
    Ok(Arc::new(config))
}

/// The configuration of one control connection and its data connections: what resumes, resumes a session of these.
/// Stateless tickets, so that a client may use one more than once.
pub(super) fn of_one_connection(shared: &ServerConfig) -> io::Result<Arc<ServerConfig>> {
    let mut config = shared.clone();
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(io::Error::other)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}

/// The handshake, tickets delivered, within `limit`.
pub(super) async fn accept(config: &Arc<ServerConfig>, stream: TcpStream, limit: Duration) -> io::Result<Box<TlsStream<TcpStream>>> {
    let handshake = async {
        let mut stream = TlsAcceptor::from(Arc::clone(config)).accept(stream).await?;
        // An upload never writes: its tickets would not leave before the end.
        stream.flush().await?;
        Ok(Box::new(stream))
    };
    tokio::time::timeout(limit, handshake).await?
}

/// Whether the handshake resumed a session; with [`of_one_connection`], one of the control connection.
pub(super) fn is_resumed(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed)
}
