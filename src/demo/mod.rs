//! The demo's set-up: servers on loopback with throw-away identities, some of which have changed, and sample files here and there. Draws nothing.

mod changes;
mod identity;
mod local;
mod remote;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::FilePath;
use crate::model::site::ParsedUrl;
use crate::secrets::Secret;
use crate::server::ftp::{FtpOptions, FtpServer, Tell};
use crate::server::sftp::{SftpOptions, SftpServer};
use crate::server::{AskForCertificate, Clients, HostKey, IdentityError, Running, ServerIdentity, Throwaway, Users, random_text};
use crate::vfs::FsError;
use crate::vfs::memory::MemoryFileSystem;

use self::local::SampleFolder;

/// Who logs in.
const USER: &str = "demo";
/// Below the sample folder: what a person trusts, who they are, and the operator's lists.
const TRUST: &str = ".trust";
/// Where the SFTP servers look for keys; a login lands in `/`.
const AUTHORIZED_KEYS: &str = "/.ssh/authorized_keys";
/// Letters of the password of one run: 80 bits.
const PASSWORD_LETTERS: usize = 16;

/// A server of the demo, as a list of sites shows it.
#[derive(Clone)]
pub struct DemoSite {
    /// What it is called.
    pub label: String,
    /// What is to be seen there.
    pub note: String,
    /// Where it is; without the password.
    pub url: ParsedUrl,
    /// The password of this run.
    pub password: Secret,
}

/// The running demo. Dropping it ends the servers and removes the sample folder.
#[must_use = "the demo ends when it is dropped"]
pub struct Demo {
    /// The servers, in the order to show them.
    pub sites: Vec<DemoSite>,
    /// A server that lets in whom its operator trusts by [`Self::clients`].
    pub more_secure: DemoSite,
    /// A server of the same operator that lets in only whom an authority signed.
    pub most_secure: DemoSite,
    /// Servers that show another identity than the one [`Self::trust`] remembers for them.
    pub changed: Vec<DemoSite>,
    /// The lists of the operator of both servers that ask who comes.
    pub clients: Clients,
    /// What both SFTP servers serve.
    pub sftp_tree: MemoryFileSystem,
    /// A folder on this machine with files to upload; for this run only.
    pub local: PathBuf,
    servers: Vec<Server>,
    _folder: SampleFolder,
}

/// A server and what it shows.
struct Server {
    running: Running,
    /// `None`: a host key.
    identity: Option<ServerIdentity>,
}

/// How a server comes by another identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// A new certificate over the key it has: a renewal.
    SameKey,
    /// A new key.
    NewKey,
}

impl Demo {
    /// Starts the servers on ports the system chooses, on loopback only, each with a new identity. `tell` hears of clients
    /// that wait to be trusted.
    pub async fn start(tell: Option<Tell>) -> io::Result<Self> {
        let folder = SampleFolder::create()?;
        // The FTPS servers share a tree, the SFTP servers have another: so copies between servers go somewhere.
        let (ftps, sftp) = tokio::task::spawn_blocking(|| {
            let big = remote::big();
            Ok::<_, FsError>((remote::tree("FTPS", &big)?, remote::tree("SFTP", &big)?))
        })
        .await
        .map_err(io::Error::other)?
        .map_err(io::Error::other)?;
        let password = Secret::new(random_text(PASSWORD_LETTERS).map_err(io::Error::other)?);
        let clients = Clients::at(folder.path().join(TRUST).join("server"));
        let ftps = |identity: Result<ServerIdentity, IdentityError>| {
            let users = Users::one(USER, password.clone());
            let identity = identity.map_err(io::Error::other)?;
            Ok::<_, io::Error>(FtpOptions {
                require_tls: true,
                require_session_reuse: true,
                raw_names: true,
                ..FtpOptions::new(Arc::new(ftps.clone()), users, Some(identity), loopback())
            })
        };
        let signed = ServerIdentity::make(&Throwaway { by_authority: true, ..Throwaway::new(&HERE) });
        let mut servers = vec![
            start_ftps(ftps(ServerIdentity::for_this_machine())?).await?,
            start_ftps(FtpOptions { implicit: true, ..ftps(signed)? }).await?,
            start_sftp(&sftp, &password).await?,
            start_ftps(ftps(changes::old_identity())?).await?,
            start_ftps(ftps(changes::old_identity())?).await?,
            start_sftp(&sftp, &password).await?,
        ];
        for clients in [clients.clone(), clients.clone().only_authorities()] {
            let asking = FtpOptions {
                client_certificate: AskForCertificate::Require,
                clients: Some(clients),
                tell: tell.clone(),
                ..ftps(ServerIdentity::for_this_machine())?
            };
            servers.push(start_ftps(asking).await?);
        }
        let site = |place: usize| {
            let ((scheme, label, note), server) = (ABOUT[place], &servers[place]);
            let url = ParsedUrl::parse(&format!("{scheme}://{USER}@{}", server.running.addr)).map_err(io::Error::other)?;
            Ok::<_, io::Error>(DemoSite { label: label.to_owned(), note: note.to_owned(), url, password: password.clone() })
        };
        let mut demo = Self {
            sites: (0..FIRST_CHANGED).map(site).collect::<Result<_, _>>()?,
            changed: (FIRST_CHANGED..MORE_SECURE).map(site).collect::<Result<_, _>>()?,
            more_secure: site(MORE_SECURE)?,
            most_secure: site(MOST_SECURE)?,
            clients,
            sftp_tree: sftp,
            local: folder.path().to_owned(),
            servers,
            _folder: folder,
        };
        changes::happen(&mut demo)?;
        Ok(demo)
    }

    /// The folder where everything is kept that a person trusts in the demo: nothing of their own is touched.
    pub fn trust(&self) -> PathBuf {
        self.local.join(TRUST)
    }

    /// New connections to a server (by its place in [`Self::sites`] and then [`Self::changed`]) see another identity.
    pub fn replace_identity(&mut self, server: usize, replacement: Replacement) -> Result<(), IdentityError> {
        let Some(Server { running, identity }) = self.servers.get_mut(server) else { return Err(IdentityError::OtherKind) };
        let Some(old) = identity else { return running.replace_host_key(HostKey::throwaway()?) };
        let key_of = (replacement == Replacement::SameKey).then_some(&*old);
        let new = ServerIdentity::make(&Throwaway { key_of, ..Throwaway::new(&HERE) })?;
        running.replace_identity(&new)?;
        *old = new;
        Ok(())
    }

    /// Lets running transfers end, then stops the servers and removes the sample folder.
    pub async fn stop(self) {
        for server in self.servers {
            server.running.stop().await;
        }
    }
}

/// Scheme, label and note of each server.
const ABOUT: [(&str, &str, &str); 8] = [
    ("ftpes", "Demo FTPS (explicit TLS, self-signed)", "AUTH TLS; a certificate nobody vouches for"),
    ("ftps", "Demo FTPS (implicit TLS, own authority)", "TLS from the first byte; the same files, signed by an authority nobody knows"),
    ("sftp", "Demo SFTP (unknown host key)", "SSH; a host key this machine has never seen"),
    ("ftpes", "Demo FTPS (renewed)", "you trust its old certificate; the new one is over the same key"),
    ("ftpes", "Demo FTPS (another key)", "you trust its old certificate; this one is somebody's with another key"),
    ("sftp", "Demo SFTP (changed host key)", "known_hosts has another key for it"),
    ("ftpes", "Demo FTPS (More Secure: asks who you are)", "lets in whose certificate its operator trusts; you are the operator: gp"),
    (
        "ftpes",
        "Demo FTPS (Most Secure: only certificates an authority signed)",
        "of the same operator; a self-made certificate is not enough",
    ),
];
const FIRST_CHANGED: usize = 3;
const MORE_SECURE: usize = 6;
const MOST_SECURE: usize = 7;

/// The names of this machine as its own servers bear them.
const HERE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

async fn start_ftps(options: FtpOptions) -> io::Result<Server> {
    let identity = options.tls.clone();
    Ok(Server { running: FtpServer::start(options).await?, identity })
}

async fn start_sftp(tree: &MemoryFileSystem, password: &Secret) -> io::Result<Server> {
    let key = HostKey::throwaway().map_err(io::Error::other)?;
    let mut options = SftpOptions::new(Arc::new(tree.clone()), Users::one(USER, password.clone()), key, loopback());
    options.authorized_keys = Some(FilePath::try_from(AUTHORIZED_KEYS).map_err(io::Error::other)?);
    options.banner = Some("This is the sealift demo. Nothing here is real.\n".to_owned());
    Ok(Server { running: SftpServer::start(options).await?, identity: None })
}
