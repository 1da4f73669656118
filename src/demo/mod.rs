//! The demo's set-up: three servers on loopback with throw-away identities, sample files here and there. Draws nothing.

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
use crate::server::{HostKey, Running, ServerIdentity, Users, random_text};
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
    /// A folder on this machine with files to upload; for this run only.
    pub local: PathBuf,
    servers: Vec<Running>,
    _folder: SampleFolder,
}

impl Demo {
    /// Starts the servers on ports the system chooses, on loopback only, each with a new identity.
    pub async fn start() -> io::Result<Self> {
        let folder = SampleFolder::create()?;
        // The FTPS servers share a tree, the SFTP server has its own: so copies between servers go somewhere.
        let (ftps, sftp) = tokio::task::spawn_blocking(|| {
            let big = remote::big();
            Ok::<_, FsError>((remote::tree("FTPS", &big)?, remote::tree("SFTP", &big)?))
        })
        .await
        .map_err(io::Error::other)?
        .map_err(io::Error::other)?;
        let password = Secret::new(random_text(PASSWORD_LETTERS).map_err(io::Error::other)?);
        let explicit = start_ftps(&ftps, &password, false).await?;
        let implicit = start_ftps(&ftps, &password, true).await?;
        let ssh = start_sftp(sftp, &password).await?;
        let about = [
            ("ftpes", explicit.addr, "Demo FTPS (explicit TLS, self-signed)", "AUTH TLS; a certificate nobody vouches for"),
            (
                "ftps",
                implicit.addr,
                "Demo FTPS (implicit TLS, self-signed)",
                "TLS from the first byte; the same files, another certificate",
            ),
            ("sftp", ssh.addr, "Demo SFTP (unknown host key)", "SSH; a host key this machine has never seen"),
        ];
        let sites = about.map(|(scheme, addr, label, note)| {
            let url = ParsedUrl::parse(&format!("{scheme}://{USER}@{addr}")).map_err(io::Error::other)?;
            Ok::<_, io::Error>(DemoSite { label: label.to_owned(), note: note.to_owned(), url, password: password.clone() })
        });
        Ok(Self {
            sites: sites.into_iter().collect::<Result<_, _>>()?,
            local: folder.path().to_owned(),
            servers: vec![explicit, implicit, ssh],
            _folder: folder,
        })
    }

    /// Lets running transfers end, then stops the servers and removes the sample folder.
    pub async fn stop(self) {
        for server in self.servers {
            server.stop().await;
        }
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

async fn start_ftps(tree: &MemoryFileSystem, password: &Secret, implicit: bool) -> io::Result<Running> {
    let identity = ServerIdentity::for_this_machine().map_err(io::Error::other)?;
    let mut options = FtpOptions::new(Arc::new(tree.clone()), Users::one(USER, password.clone()), Some(identity), loopback());
    options.implicit = implicit;
    options.require_tls = true;
    options.require_session_reuse = true;
    options.raw_names = true;
    FtpServer::start(options).await
}

async fn start_sftp(tree: MemoryFileSystem, password: &Secret) -> io::Result<Running> {
    let key = HostKey::throwaway().map_err(io::Error::other)?;
    let mut options = SftpOptions::new(Arc::new(tree), Users::one(USER, password.clone()), key, loopback());
    options.banner = Some("This is the sealift demo. Nothing here is real.\n".to_owned());
    SftpServer::start(options).await
}
