//! Where a data connection comes from (PASV, EPSV, PORT, EPRT) and how it is opened. Knows no transfer.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};

use super::control::Wire;
use super::session::Session;
use super::tls::{self, SessionMark};

/// How the next data connection comes about.
pub(super) enum Plan {
    None,
    Passive(TcpListener),
    Active(SocketAddr),
}

/// Why there is no data connection.
pub(super) enum NotOpened {
    /// 425.
    Failed(String),
    /// 522: the TLS session is not the control connection's.
    NotReused,
}

/// All that is needed to open one data connection, apart from the session.
pub(super) struct Opening {
    plan: Plan,
    peer: IpAddr,
    protection: Option<Arc<ServerConfig>>,
    must_resume: bool,
    mark: SessionMark,
    limit: Duration,
}

impl Opening {
    /// Connects or accepts, from the control connection's peer only, and protects where PROT P was said.
    pub(super) async fn open(self) -> Result<Wire, NotOpened> {
        let failed = |what: &str, error: io::Error| NotOpened::Failed(format!("{what}: {error}"));
        let connect = async {
            match &self.plan {
                Plan::None => Err(io::Error::other("send PASV, EPSV, PORT or EPRT first")),
                Plan::Active(address) => TcpStream::connect(address).await,
                Plan::Passive(listener) => loop {
                    let (stream, from) = listener.accept().await?;
                    if from.ip().to_canonical() == self.peer {
                        break Ok(stream);
                    }
                    tracing::debug!(%from, "a stranger at the data port");
                },
            }
        };
        let stream = tokio::time::timeout(self.limit, connect)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|error| failed("No data connection", error))?;
        drop(stream.set_nodelay(true));
        let Some(config) = &self.protection else { return Ok(Wire::Plain(stream)) };
        let stream = tls::accept(config, stream, &self.mark, self.limit)
            .await
            .map_err(|error| failed("TLS failed on the data connection", error))?;
        if self.must_resume && !tls::resumes(&stream, &self.mark) {
            return Err(NotOpened::NotReused);
        }
        Ok(Wire::Tls(stream))
    }
}

impl Session {
    /// Uses up the plan for the next data connection; `None` (and a reply) where protection is required and missing.
    pub(super) async fn opening(&mut self) -> io::Result<Option<Opening>> {
        let plan = std::mem::replace(&mut self.plan, Plan::None);
        if self.shared.options.require_tls && !self.private_data {
            return self.control.reply(521, "Data must be protected: send PROT P").await.map(|()| None);
        }
        if matches!(plan, Plan::None) {
            return self.control.reply(425, "Send PASV, EPSV, PORT or EPRT first").await.map(|()| None);
        }
        Ok(Some(Opening {
            plan,
            peer: self.peer.ip().to_canonical(),
            protection: self.protection.clone().filter(|_| self.private_data),
            must_resume: self.shared.options.require_session_reuse,
            mark: self.mark,
            limit: self.shared.options.limits.step,
        }))
    }

    async fn listen(&mut self) -> io::Result<Option<SocketAddr>> {
        let bound = match TcpListener::bind((self.local.ip(), 0)).await {
            Ok(listener) => listener.local_addr().map(|address| (listener, address)),
            Err(error) => Err(error),
        };
        match bound {
            Ok((listener, address)) => {
                self.plan = Plan::Passive(listener);
                Ok(Some(address))
            }
            Err(error) => self.control.reply(425, format!("Cannot listen: {error}")).await.map(|()| None),
        }
    }

    pub(super) async fn pasv(&mut self) -> io::Result<()> {
        if self.only_extended {
            return self.control.reply(503, "EPSV ALL was said").await;
        }
        let IpAddr::V4(ip) = self.local.ip().to_canonical() else {
            return self.control.reply(522, "Use EPSV (2)").await;
        };
        let Some(address) = self.listen().await? else { return Ok(()) };
        let [a, b, c, d] = ip.octets();
        let [high, low] = address.port().to_be_bytes();
        self.control.reply(227, format!("Entering Passive Mode ({a},{b},{c},{d},{high},{low})")).await
    }

    pub(super) async fn epsv(&mut self, argument: &[u8]) -> io::Result<()> {
        let own = if self.local.ip().to_canonical().is_ipv4() { &b"1"[..] } else { b"2" };
        if argument.eq_ignore_ascii_case(b"ALL") {
            self.only_extended = true;
            return self.control.reply(200, "Only EPSV from now on").await;
        }
        if !argument.is_empty() && argument != own {
            return self.control.reply(522, format!("Not that protocol, use ({})", String::from_utf8_lossy(own))).await;
        }
        let Some(address) = self.listen().await? else { return Ok(()) };
        self.control.reply(229, format!("Entering Extended Passive Mode (|||{}|)", address.port())).await
    }

    pub(super) async fn port(&mut self, argument: &[u8]) -> io::Result<()> {
        let numbers: Vec<u8> = String::from_utf8_lossy(argument).split(',').map_while(|number| number.trim().parse().ok()).collect();
        let address = match numbers[..] {
            [a, b, c, d, high, low] => Some(SocketAddr::from((Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low])))),
            _ => None,
        };
        self.active(address).await
    }

    pub(super) async fn eprt(&mut self, argument: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(argument).into_owned();
        let parts: Vec<&str> = text.chars().next().map(|mark| text.split(mark).collect()).unwrap_or_default();
        let address = match parts[..] {
            ["", "1" | "2", host, port, ""] => host.parse::<IpAddr>().ok().zip(port.parse().ok()).map(SocketAddr::from),
            _ => None,
        };
        self.active(address).await
    }

    /// Takes an address only if it is the client's own: else we would attack others in its name (RFC 2577 3).
    async fn active(&mut self, address: Option<SocketAddr>) -> io::Result<()> {
        let Some(address) = address else { return self.control.reply(501, "That is no address").await };
        if self.only_extended {
            return self.control.reply(503, "EPSV ALL was said").await;
        }
        if address.ip().to_canonical() != self.peer.ip().to_canonical() || address.port() < 1024 {
            return self.control.reply(504, "Only to a port of your own, from 1024 on").await;
        }
        self.plan = Plan::Active(address);
        self.control.reply(200, "Noted").await
    }
}
