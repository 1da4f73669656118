//! An SSH server that lets connections through (direct-tcpip) and has no files.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::keys::{Algorithm, Certificate, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session};
use russh::{Channel, ChannelOpenFailure};
use sealift::model::Site;
use sealift::model::site::ParsedUrl;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What it lets through.
#[derive(Clone, Copy)]
pub enum Lets {
    /// What is asked for.
    Through,
    /// Nothing.
    Nothing,
    /// Everything to here, whatever is asked for.
    To(SocketAddr),
}

/// Ends when dropped.
pub struct Hop {
    pub address: SocketAddr,
    /// Users and passwords that were tried.
    pub logins: Arc<Mutex<Vec<String>>>,
    /// Hosts and ports that were asked for.
    pub asked_for: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

pub fn key() -> PrivateKey {
    PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).unwrap()
}

impl Hop {
    pub async fn start(lets: Lets) -> Self {
        Self::with(key(), None, lets).await
    }

    pub async fn with(key: PrivateKey, certificate: Option<Certificate>, lets: Lets) -> Self {
        Self::with_keys(vec![key], certificate, lets).await
    }

    pub async fn with_keys(keys: Vec<PrivateKey>, certificate: Option<Certificate>, lets: Lets) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (logins, asked_for) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let config = Arc::new(Config {
            keys,
            certificates: certificate.into_iter().collect(),
            auth_rejection_time: Duration::from_millis(1),
            ..Config::default()
        });
        let guard = Guard { lets, logins: logins.clone(), asked_for: asked_for.clone() };
        let task = tokio::spawn(async move {
            let mut sessions = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (config, guard) = (config.clone(), guard.clone());
                sessions.spawn(async move {
                    if let Ok(session) = russh::server::run_stream(config, stream, guard).await {
                        drop(session.await);
                    }
                });
            }
        });
        Self { address, logins, asked_for, task }
    }

    /// As `user`, who has to give a password that begins with the user's name.
    pub fn site(&self, user: &str) -> Site {
        ParsedUrl::parse(&format!("sftp://{user}@{}", self.address)).unwrap().site
    }
}

impl Drop for Hop {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Guard {
    lets: Lets,
    logins: Arc<Mutex<Vec<String>>>,
    asked_for: Arc<Mutex<Vec<String>>>,
}

impl Handler for Guard {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        self.logins.lock().unwrap().push(format!("{user} {password}"));
        Ok(if password.starts_with(user) { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _from: &str,
        _from_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.asked_for.lock().unwrap().push(format!("{host}:{port}"));
        let to = match self.lets {
            Lets::Through => format!("{host}:{port}"),
            Lets::To(other) => other.to_string(),
            Lets::Nothing => {
                reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
                return Ok(());
            }
        };
        match TcpStream::connect(to).await {
            Ok(mut stream) => {
                reply.accept().await;
                tokio::spawn(async move { tokio::io::copy_bidirectional(&mut channel.into_stream(), &mut stream).await });
            }
            Err(_) => reply.reject(ChannelOpenFailure::ConnectFailed).await,
        }
        Ok(())
    }
}
