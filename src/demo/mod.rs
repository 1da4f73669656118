//! The demo's set-up: servers on loopback with throw-away identities, some of which have changed, and sample files here and there. Draws nothing.

mod changes;
mod local;
mod remote;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::site::ParsedUrl;
use crate::secrets::Secret;
use crate::server::ftp::{FtpOptions, FtpServer};
use crate::server::sftp::{SftpOptions, SftpServer};
use crate::server::{HostKey, IdentityError, Running, ServerIdentity, Throwaway, Users, random_text};
use crate::vfs::FsError;
use crate::vfs::memory::MemoryFileSystem;

use self::local::SampleFolder;

/// Who logs in.
const USER: &str = "demo";
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
    /// Servers that show another identity than the one [`Self::trust`] remembers for them.
    pub changed: Vec<DemoSite>,
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
    /// Starts the servers on ports the system chooses, on loopback only, each with a new identity.
    pub async fn start() -> io::Result<Self> {
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
        let own = ServerIdentity::for_this_machine().map_err(io::Error::other)?;
        let signed = ServerIdentity::make(&Throwaway { by_authority: true, ..Throwaway::new(&HERE) }).map_err(io::Error::other)?;
        let mut servers = vec![
            start_ftps(&ftps, &password, own, false).await?,
            start_ftps(&ftps, &password, signed, true).await?,
            start_sftp(&sftp, &password).await?,
        ];
        for _ in 0..2 {
            let old = changes::old_identity().map_err(io::Error::other)?;
            servers.push(start_ftps(&ftps, &password, old, false).await?);
        }
        servers.push(start_sftp(&sftp, &password).await?);
        let mut demo = Self { sites: Vec::new(), changed: Vec::new(), local: folder.path().to_owned(), servers, _folder: folder };
        changes::happen(&mut demo)?;
        for (server, (scheme, label, note)) in demo.servers.iter().zip(ABOUT) {
            let url = ParsedUrl::parse(&format!("{scheme}://{USER}@{}", server.running.addr)).map_err(io::Error::other)?;
            demo.sites.push(DemoSite { label: label.to_owned(), note: note.to_owned(), url, password: password.clone() });
        }
        demo.changed = demo.sites.split_off(FIRST_CHANGED);
        Ok(demo)
    }

    /// The folder where everything is kept that a person trusts in the demo: nothing of their own is touched.
    pub fn trust(&self) -> PathBuf {
        self.local.join(".trust")
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
const ABOUT: [(&str, &str, &str); 6] = [
    ("ftpes", "Demo FTPS (explicit TLS, self-signed)", "AUTH TLS; a certificate nobody vouches for"),
    ("ftps", "Demo FTPS (implicit TLS, own authority)", "TLS from the first byte; the same files, signed by an authority nobody knows"),
    ("sftp", "Demo SFTP (unknown host key)", "SSH; a host key this machine has never seen"),
    ("ftpes", "Demo FTPS (renewed)", "you trust its old certificate; the new one is over the same key"),
    ("ftpes", "Demo FTPS (another key)", "you trust its old certificate; this one is somebody's with another key"),
    ("sftp", "Demo SFTP (changed host key)", "known_hosts has another key for it"),
];
const FIRST_CHANGED: usize = 3;

/// The names of this machine as its own servers bear them.
const HERE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

async fn start_ftps(tree: &MemoryFileSystem, password: &Secret, identity: ServerIdentity, implicit: bool) -> io::Result<Server> {
    let mut options = FtpOptions::new(Arc::new(tree.clone()), Users::one(USER, password.clone()), Some(identity.clone()), loopback());
    options.implicit = implicit;
    options.require_tls = true;
    options.require_session_reuse = true;
    options.raw_names = true;
    Ok(Server { running: FtpServer::start(options).await?, identity: Some(identity) })
}

async fn start_sftp(tree: &MemoryFileSystem, password: &Secret) -> io::Result<Server> {
    let key = HostKey::throwaway().map_err(io::Error::other)?;
    let mut options = SftpOptions::new(Arc::new(tree.clone()), Users::one(USER, password.clone()), key, loopback());
    options.banner = Some("This is the sealift demo. Nothing here is real.\n".to_owned());
    Ok(Server { running: SftpServer::start(options).await?, identity: None })
}
