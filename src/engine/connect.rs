//! From a site to a file system: reach the peer, judge it, ask, connect again with exactly what was trusted, log in.

use std::sync::Arc;

use super::facts::{Peer, TrustBasis};
use super::failure::ConnectFailure;
use super::services::Services;
use super::{connect_ftp, connect_ssh};
use crate::model::{FilePath, Protocol, SecurityLevel, Site};
use crate::secrets::Secret;
use crate::trust::Fingerprint;
use crate::vfs::FileSystem;

/// What is to be connected.
#[derive(Clone)]
pub struct Target {
    /// Where, how and as whom.
    pub site: Site,
    /// Tried before anybody is asked.
    pub password: Option<Secret>,
    /// Only this identity will do, whatever else is trusted.
    pub fingerprint: Option<Fingerprint>,
}

/// A login that worked, to be repeated without a question.
#[derive(Clone)]
pub(super) enum Login {
    Ftp(connect_ftp::FtpLogin),
    Ssh(connect_ssh::SshLogin),
}

/// A connection that stands.
pub(super) struct Connected {
    pub(super) file_system: Arc<dyn FileSystem>,
    pub(super) login: Login,
    pub(super) home: FilePath,
    /// The user that logged in.
    pub(super) user: String,
    pub(super) protection: String,
    pub(super) trust: TrustBasis,
    pub(super) level: SecurityLevel,
    pub(super) server: String,
    pub(super) details: Vec<(String, String)>,
    pub(super) peer: Option<Peer>,
    /// What the person has to know about how the decision was kept.
    pub(super) remark: Option<String>,
}

/// Connects and logs in, asking where it has to. Boxed, because much is held across the waits and callers hold it in turn.
pub(super) async fn connect(target: &Target, services: &Services) -> Result<Connected, ConnectFailure> {
    match target.site.protocol {
        Protocol::Sftp => Box::pin(connect_ssh::connect(target, services)).await,
        Protocol::Ftp | Protocol::Ftpes | Protocol::Ftps => Box::pin(connect_ftp::connect(target, services)).await,
    }
}

/// Connects again with what worked before; asks nothing, so it fails where the peer is another one now.
pub(super) async fn connect_again(target: &Target, login: &Login, services: &Services) -> Result<Arc<dyn FileSystem>, ConnectFailure> {
    match login {
        Login::Ftp(login) => Box::pin(connect_ftp::connect_again(&target.site, login, services)).await,
        Login::Ssh(login) => Box::pin(connect_ssh::connect_again(login)).await,
    }
}
