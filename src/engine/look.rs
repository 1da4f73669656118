//! Looks at a server's identity and goes away again: trusts it not, names no user to it, remembers nothing of it.

use std::sync::Arc;

use super::connect::Target;
use super::connect_ssh;
use super::failure::ConnectFailure;
use super::services::Services;
use crate::model::{Protocol, Site, TransferType};
use crate::protocols::ftp::{FtpConnection, FtpSettings, Quirks};
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::trust::Evidence;

/// What the server of `site` shows, and what is wrong with it, whatever was pinned before. An SSH server is reached by the
/// way its configuration names; hosts on that way are logged in to as ever.
///
/// # Errors
/// The line's own failures, and [`ConnectErrorKind::Handshake`] for a plain `ftp` site, which shows no identity.
pub async fn look(site: &Site, services: &Services) -> Result<Evidence, ConnectFailure> {
    if site.protocol == Protocol::Sftp {
        let target = Target { site: site.clone(), password: None, fingerprint: None };
        return Box::pin(connect_ssh::look(&target, services)).await;
    }
    let settings = FtpSettings {
        site: site.clone(),
        roots: services.current_roots().await?,
        data_mode: services.data_mode,
        charset: None,
        transfer_type: TransferType::Binary,
        timeout: services.timeout,
        proof: None,
        quirks: Arc::new(Quirks::default()),
    };
    match FtpConnection::connect(&settings, None).await.map(|connection| connection.evidence()) {
        Err(ConnectError { kind: ConnectErrorKind::Untrusted(evidence), .. }) => Ok(*evidence),
        Ok(Some(evidence)) => Ok(evidence),
        Ok(None) => Err(ConnectError::new(ConnectErrorKind::Handshake, &site.endpoint, "it shows no identity").into()),
        Err(error) => Err(error.into()),
    }
}
