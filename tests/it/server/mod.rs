//! The embedded server, from outside: spoken to line by line, and by our own clients.

mod asking;
mod authorized_keys;
mod clients;
mod login;
mod protection;
mod raw;
mod transfers;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sealift::model::FilePath;
use sealift::secrets::Secret;
use sealift::server::ftp::{FtpOptions, FtpServer};
use sealift::server::{Running, ServerIdentity, Users};
use sealift::vfs::MemoryFileSystem;

/// A tree with `/a.txt` ("hello") and `/sub/b.txt`.
fn tree() -> MemoryFileSystem {
    let tree = MemoryFileSystem::new();
    tree.put(&path("/a.txt"), b"hello").unwrap();
    tree.put(&path("/sub/b.txt"), b"below").unwrap();
    tree
}

fn path(text: &str) -> FilePath {
    FilePath::try_from(text).unwrap()
}

fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn users() -> Users {
    Users::one("ann", Secret::new("secret".to_owned()))
}

/// Options of an FTP server over `tree` with a throw-away certificate, quick to say no.
fn options(tree: &MemoryFileSystem) -> FtpOptions {
    let identity = ServerIdentity::for_this_machine().unwrap();
    let mut options = FtpOptions::new(Arc::new(tree.clone()), users(), Some(identity), anywhere());
    options.limits.failed_login_delay = Duration::from_millis(1);
    options.limits.step = Duration::from_secs(10);
    options
}

async fn start(options: FtpOptions) -> Running {
    FtpServer::start(options).await.unwrap()
}
