//! What carries an SSH connection: TCP, a channel of another SSH connection, or a command's standard input and output.
//! Each ends, with everything below it, when the connection above drops it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use russh::{ChannelOpenFailure, ChannelStream, client};
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf, ReadHalf, SimplexStream, WriteHalf};
use tokio::net::{TcpStream, lookup_host};
use tokio_util::task::AbortOnDropHandle;

use super::connection::{SshConnection, within};
use super::proxy_command::{self, LastWords};
use crate::model::Endpoint;
use crate::protocols::{ConnectError, ConnectErrorKind};

/// Bytes a tunnel holds that the connection above has not read. As long as there is room, the connection below goes on
/// reading, and so can always take what the one above writes; more than this is never asked for at once.
const MOST_WAITING: usize = 64 << 20;
/// Read from a tunnel at once.
const PIECE: usize = 64 * 1024;

/// What carries an SSH connection.
#[derive(Clone)]
pub enum Transport {
    /// TCP to the endpoint.
    Tcp,
    /// The standard input and output of a shell command (OpenSSH's ProxyCommand), which is ended with the connection.
    Command(String),
    /// A channel to the endpoint over a connection that is logged in (direct-tcpip, RFC 4254 section 7.2), which is held
    /// as long as the one above stands.
    Through(Arc<SshConnection>),
}

/// A stream of either kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Transport {
    /// Opens the way to `endpoint`; also, for a command, who tells why it ended.
    pub(super) async fn open(&self, endpoint: &Endpoint, limit: Duration) -> Result<(Box<dyn Stream>, Option<LastWords>), ConnectError> {
        Ok(match self {
            Self::Tcp => (Box::new(within(limit, endpoint, tcp(endpoint)).await?), None),
            Self::Command(command) => {
                let (stream, words) = proxy_command::start(command).map_err(|error| {
                    let detail = format!("the command on the way (ProxyCommand) cannot be started: {error}");
                    ConnectError::new(ConnectErrorKind::Unreachable, endpoint, detail)
                })?;
                (Box::new(stream), Some(words))
            }
            Self::Through(hop) => (Box::new(within(limit, endpoint, tunnel(hop, endpoint)).await?), None),
        })
    }
}

async fn tcp(endpoint: &Endpoint) -> Result<TcpStream, ConnectError> {
    let unknown = |detail: String| ConnectError::new(ConnectErrorKind::UnknownHost, endpoint, detail);
    let addresses: Vec<_> =
        lookup_host((endpoint.host.as_str(), endpoint.port)).await.map_err(|error| unknown(error.to_string()))?.collect();
    if addresses.is_empty() {
        return Err(unknown(String::new()));
    }
    let stream = TcpStream::connect(&addresses[..]).await.map_err(|error| ConnectError::from_io(&error, endpoint))?;
    stream.set_nodelay(true).map_err(|error| ConnectError::from_io(&error, endpoint))?;
    Ok(stream)
}

/// A channel to `endpoint` over `hop`.
async fn tunnel(hop: &Arc<SshConnection>, endpoint: &Endpoint) -> Result<Tunnel, ConnectError> {
    let by = &hop.endpoint;
    let opened = hop.handle.channel_open_direct_tcpip(endpoint.host.as_str(), endpoint.port.into(), "127.0.0.1", 0).await;
    let channel = opened.map_err(|error| {
        let (kind, detail) = match error {
            russh::Error::ChannelOpenFailure(ChannelOpenFailure::AdministrativelyProhibited) => {
                (ConnectErrorKind::Unreachable, format!("{by}, which is on the way, lets no connections through"))
            }
            russh::Error::ChannelOpenFailure(_) => {
                (ConnectErrorKind::Unreachable, format!("{by}, which is on the way, cannot connect to it"))
            }
            _ => (ConnectErrorKind::ConnectionLost, format!("the connection to {by}, which is on the way, broke")),
        };
        ConnectError::new(kind, endpoint, detail)
    })?;
    let (from_hop, to_hop) = tokio::io::split(channel.into_stream());
    let (waiting, mut arrived) = tokio::io::simplex(MOST_WAITING);
    let pump = tokio::spawn(async move {
        // However it ends, the reader sees the end of the stream.
        drop(tokio::io::copy_buf(&mut BufReader::with_capacity(PIECE, from_hop), &mut arrived).await);
    });
    Ok(Tunnel { waiting, to_hop, _pump: AbortOnDropHandle::new(pump), _hop: Arc::clone(hop) })
}

/// A channel of a hop. A session that writes does not read meanwhile, so somebody else has to: else the hop's session
/// could wait for this one to read, and this one for the hop's to write.
struct Tunnel {
    waiting: ReadHalf<SimplexStream>,
    to_hop: WriteHalf<ChannelStream<client::Msg>>,
    _pump: AbortOnDropHandle<()>,
    _hop: Arc<SshConnection>,
}

impl AsyncRead for Tunnel {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.waiting).poll_read(context, buffer)
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.to_hop).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.to_hop).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.to_hop).poll_shutdown(context)
    }
}
