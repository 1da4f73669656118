//! Data connections: who opens them and where to (RFC 959 section 3.2, RFC 2428). Only ever with the server's own address.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::DataMode;
use super::attempt::Attempt;
use super::quirks::Quirk;
use super::reply::Reply;
use super::session::Session;
use crate::vfs::{FsError, FsErrorKind};

/// A data connection that is there, or that the server is to make.
pub(super) enum Rendezvous {
    Connected(TcpStream),
    Listening { listener: TcpListener, server: IpAddr },
}

impl Rendezvous {
    /// The connection. The caller limits the time; other hosts that connect are turned away.
    pub(super) async fn meet(self) -> io::Result<TcpStream> {
        match self {
            Self::Connected(tcp) => Ok(tcp),
            Self::Listening { listener, server } => loop {
                let (tcp, from) = listener.accept().await?;
                if from.ip().to_canonical() == server.to_canonical() {
                    return Ok(tcp);
                }
                tracing::debug!(target: "sealift::ftp", %from, "turned away a stranger on the data port");
            },
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Epsv,
    Pasv,
    Active,
}

impl Way {
    fn quirk(self) -> Option<Quirk> {
        match self {
            Self::Epsv => Some(Quirk::NoEpsv),
            Self::Pasv => Some(Quirk::NoPasv),
            Self::Active => None,
        }
    }
}

impl Session {
    /// Whether `EPSV` is how the next data connection is made, so that it may be sent ahead.
    pub(super) fn begins_with_epsv(&self) -> bool {
        self.settings.data_mode != DataMode::Active && !self.settings.quirks.has(Quirk::NoEpsv)
    }

    /// Agrees on a data connection in the first way that works; what does not is remembered for the session.
    pub(super) async fn rendezvous(&mut self, attempt: Attempt<'_>) -> Result<Rendezvous, FsError> {
        let mut failure = attempt.error(FsErrorKind::Refused, "the server offers no way to make a data connection");
        for way in [Way::Epsv, Way::Pasv, Way::Active] {
            let mode = self.settings.data_mode;
            let is_wanted = (way == Way::Active && mode != DataMode::Passive) || (way != Way::Active && mode != DataMode::Active);
            if !is_wanted || way.quirk().is_some_and(|quirk| self.settings.quirks.has(quirk)) {
                continue;
            }
            let outcome = match way {
                Way::Epsv => self.passive("EPSV", attempt).await?,
                Way::Pasv if self.control.peer_ip().to_canonical().is_ipv6() => continue,
                Way::Pasv => self.passive("PASV", attempt).await?,
                Way::Active => self.active(attempt).await?,
            };
            match outcome {
                Ok(rendezvous) => return Ok(rendezvous),
                Err(error) => failure = error,
            }
            if let Some(quirk) = way.quirk() {
                self.settings.quirks.learn(quirk);
            }
        }
        // Nothing worked, so nothing was learnt but that the network is down for now.
        for quirk in [Quirk::NoEpsv, Quirk::NoPasv] {
            self.settings.quirks.forget(quirk);
        }
        Err(failure)
    }

    /// Outer error: the control connection failed. Inner: this way leads nowhere.
    async fn passive(&mut self, verb: &'static str, attempt: Attempt<'_>) -> Result<Result<Rendezvous, FsError>, FsError> {
        let command = super::command::Command::new(verb);
        let ahead = match verb {
            "EPSV" => self.control.take_ahead().await.map_err(|error| attempt.control(error))?,
            _ => None,
        };
        let reply = match ahead {
            // Where it leads nowhere any more, it was too long ago.
            Some(reply) if reply.code == 229 => match self.reach(extended_port(&reply)).await {
                Some(tcp) => return Ok(Ok(Rendezvous::Connected(tcp))),
                None => self.control.exchange(&command).await,
            },
            Some(reply) if !self.knows_epsv => Ok(reply),
            Some(_) => {
                self.settings.quirks.learn(Quirk::OneAtATime);
                self.control.exchange(&command).await
            }
            None => self.control.exchange(&command).await,
        };
        let reply = reply.map_err(|error| attempt.control(error))?;
        let port = match reply.code {
            229 => extended_port(&reply),
            227 => classic_port(&reply),
            _ => return Ok(Err(attempt.refused(&reply))),
        };
        let Some(port) = port else {
            return Ok(Err(attempt.error(FsErrorKind::Protocol, format!("no port in {}", reply.quote()))));
        };
        self.knows_epsv |= reply.code == 229;
        let address = SocketAddr::new(self.control.peer_ip(), port);
        Ok(connect(address, self.control.limit()).await.map(Rendezvous::Connected).map_err(|error| attempt.data(&error)))
    }

    /// Connects to a port the server named before; whatever keeps it from that is no matter.
    async fn reach(&mut self, port: Option<u16>) -> Option<TcpStream> {
        self.knows_epsv = true;
        connect(SocketAddr::new(self.control.peer_ip(), port?), self.control.limit()).await.ok()
    }

    async fn active(&mut self, attempt: Attempt<'_>) -> Result<Result<Rendezvous, FsError>, FsError> {
        let local = self.control.local_ip().to_canonical();
        let bound = async {
            let listener = TcpListener::bind((local, 0)).await?;
            let port = listener.local_addr()?.port();
            Ok((listener, port))
        };
        let (listener, port) = match bound.await {
            Ok(bound) => bound,
            Err(error) => return Ok(Err(attempt.data(&error))),
        };
        let family = if local.is_ipv4() { 1 } else { 2 };
        let mut reply = self.exchange("EPRT", format!("|{family}|{local}|{port}|"), attempt).await?;
        if let (true, IpAddr::V4(ip)) = (reply.is_refusal(), local) {
            let [a, b, c, d] = ip.octets();
            let [high, low] = port.to_be_bytes();
            reply = self.exchange("PORT", format!("{a},{b},{c},{d},{high},{low}"), attempt).await?;
        }
        let server = self.control.peer_ip();
        Ok(attempt.success(reply).map(|_| Rendezvous::Listening { listener, server }))
    }
}

async fn connect(address: SocketAddr, limit: Duration) -> io::Result<TcpStream> {
    let tcp = timeout(limit, TcpStream::connect(address)).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    tcp.set_nodelay(true)?;
    Ok(tcp)
}

/// The port in `229 … (|||6446|)`; any delimiter (RFC 2428 section 3).
fn extended_port(reply: &Reply) -> Option<u16> {
    let line = reply.last_line();
    let open = line.iter().position(|&byte| byte == b'(')?;
    let (&delimiter, fields) = line.get(open + 1..)?.split_first()?;
    port(fields.split(|&byte| byte == delimiter).nth(2)?)
}

/// The port in `227 … (h1,h2,h3,h4,p1,p2)`. The address is not looked at: it may be a third party's or a private one.
fn classic_port(reply: &Reply) -> Option<u16> {
    let line = reply.last_line();
    line.split(|byte| !byte.is_ascii_digit() && *byte != b',').find_map(|numbers| {
        let numbers: Option<Vec<u8>> =
            numbers.split(|&byte| byte == b',').map(|number| std::str::from_utf8(number).ok()?.parse().ok()).collect();
        let [_, _, _, _, high, low] = *numbers?.as_slice() else { return None };
        Some(u16::from_be_bytes([high, low])).filter(|&port| port != 0)
    })
}

fn port(digits: &[u8]) -> Option<u16> {
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|&port| port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(line: &str) -> Reply {
        Reply::new(229, vec![line.into()])
    }

    #[test]
    fn ports_of_passive_replies() {
        assert_eq!(extended_port(&reply("Entering Extended Passive Mode (|||6446|)")), Some(6446));
        assert_eq!(extended_port(&reply("ok (!!!65535!).")), Some(65535));
        assert_eq!(classic_port(&reply("Entering Passive Mode (10,0,0,1,4,5).")), Some(1029));
        assert_eq!(classic_port(&reply("=127,0,0,1,200,1")), Some(51201));
        for broken in ["(|||0|)", "(|||99999|)", "(", "()", "(|||", "x"] {
            assert_eq!(extended_port(&reply(broken)), None, "{broken}");
        }
        for broken in ["(1,2,3,4,5)", "(1,2,3,4,0,0)", "(1,2,3,4,256,1)", ""] {
            assert_eq!(classic_port(&reply(broken)), None, "{broken}");
        }
    }
}
