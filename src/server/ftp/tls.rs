//! TLS of the FTP server: one configuration an identity, one set of tickets and one judge a control connection.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::server::NoServerSessionStorage;
use rustls::{HandshakeKind, ServerConfig, SupportedProtocolVersion};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::server::clients::Judge;
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

static ONLY_12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
static ONLY_13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

impl TlsVersions {
    fn supported(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::Both => rustls::ALL_VERSIONS,
            Self::Only12 => ONLY_12,
            Self::Only13 => ONLY_13,
        }
    }
}

/// The configuration that shows `identity`.
pub(in crate::server) fn configure(identity: &ServerIdentity, versions: TlsVersions) -> Result<Arc<ServerConfig>, IdentityError> {
    let unusable = |error: rustls::Error| IdentityError::Unusable(error.to_string());
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions.supported())
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(identity.chain.clone(), identity.key.clone_key())
        .map_err(unusable)?;
    config.send_tls13_tickets = 2;
    Ok(Arc::new(config))
}

/// The configuration of one control connection and its data connections: what resumes, resumes a session of these, and
/// whom `judge` let in. Stateless tickets, so that a client may use one more than once.
pub(super) fn of_one_connection(
    shared: &Arc<ServerConfig>,
    versions: TlsVersions,
    judge: Option<&Arc<Judge>>,
) -> io::Result<Arc<ServerConfig>> {
    let mut config = match judge {
        None => ServerConfig::clone(shared),
        Some(judge) => {
            let judge: Arc<Judge> = Arc::clone(judge);
            let mut config = ServerConfig::builder_with_provider(Arc::clone(shared.crypto_provider()))
                .with_protocol_versions(versions.supported())
                .map_err(io::Error::other)?
                .with_client_cert_verifier(judge)
                .with_cert_resolver(Arc::clone(&shared.cert_resolver));
            config.send_tls13_tickets = shared.send_tls13_tickets;
            config
        }
    };
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
