//! FTP and FTPS (RFC 959, 2228, 2389, 2428, 3659, 4217): our own control connection and a file system on it.
//!
//! Bottom up: `reply`, `command`, `features`, `list` are sans-I/O; `control` keeps one connection in step; `data` makes
//! data connections; `transfer` moves bytes over them; `connection` connects and logs in; `session` is a logged-in
//! connection that can replace itself; `file_system` is the place on it. TLS itself lives in [`super::tls`].

mod attempt;
pub mod command;
mod connection;
mod control;
mod data;
pub mod features;
mod file_system;
mod line;
pub mod list;
mod lookup;
mod quirks;
pub mod reply;
mod session;
mod transfer;

use std::sync::Arc;
use std::time::Duration;

pub use connection::FtpConnection;
pub use file_system::FtpFileSystem;
pub use quirks::{Quirk, Quirks};

use super::tls::Roots;
use crate::model::Site;

/// Who opens data connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DataMode {
    /// We do (`EPSV`, `PASV`); where the server cannot, it does.
    #[default]
    Auto,
    /// We do.
    Passive,
    /// The server does (`EPRT`, `PORT`).
    Active,
}

/// How to connect, and what is known of the server.
#[derive(Debug, Clone)]
pub struct FtpSettings {
    /// Where and over what.
    pub site: Site,
    /// Which authorities count.
    pub roots: Roots,
    /// Who opens data connections.
    pub data_mode: DataMode,
    /// The longest wait for one step: a connection, a reply, the next bytes.
    pub timeout: Duration,
    /// What was learnt of this server; shared by all connections of a session.
    pub quirks: Arc<Quirks>,
}

#[cfg(test)]
mod tests;
