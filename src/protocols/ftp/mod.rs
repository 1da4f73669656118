//! FTP and FTPS (RFC 959, 2228, 2389, 2428, 3659, 4217): our own control connection and a file system on it.
//!
//! Bottom up: `reply`, `command`, `features`, `list` are sans-I/O; `control` keeps one connection in step, `pipeline` sends it several commands at once; `data` makes
//! data connections; `transfer` moves bytes over them; `connection` connects and logs in, `further` the same in few turns; `session` is a logged-in
//! connection that can replace itself; `file_system` is the place on it. TLS itself lives in [`super::tls`].

mod attempt;
mod buffers;
pub mod command;
mod connection;
mod control;
mod data;
mod digest;
pub mod features;
mod file_system;
mod further;
mod line;
pub mod list;
mod lookup;
mod pipeline;
mod placing;
mod quirks;
pub mod reply;
mod session;
mod text_lines;
mod transfer;

use std::sync::Arc;
use std::time::Duration;

pub use connection::{FtpConnection, UserStep};
pub use file_system::FtpFileSystem;
pub use quirks::{Quirk, Quirks};

use super::tls::{ClientProof, Roots};
pub use crate::model::DataMode;
use crate::model::{Charset, Site, TransferType};

/// How to connect, and what is known of the server.
#[derive(Debug, Clone)]
pub struct FtpSettings {
    /// Where and over what.
    pub site: Site,
    /// Which authorities count.
    pub roots: Roots,
    /// Who opens data connections.
    pub data_mode: DataMode,
    /// What the server writes names in; `None`: UTF-8, or whatever bytes they are.
    pub charset: Option<Charset>,
    /// What becomes of the ends of lines.
    pub transfer_type: TransferType,
    /// The longest wait for one step: a connection, a reply, the next bytes.
    pub timeout: Duration,
    /// What the server is shown if it asks who we are; `None`: nothing.
    pub proof: Option<ClientProof>,
    /// What was learnt of this server; shared by all connections of a session.
    pub quirks: Arc<Quirks>,
}

#[cfg(test)]
mod tests;
