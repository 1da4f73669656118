//! Looks at a server's identity and goes away again: trusts nobody, names no user, remembers nothing.

use std::sync::Arc;

use super::failure::ConnectFailure;
use super::services::Services;
use crate::model::{Protocol, Site};
use crate::protocols::ftp::{FtpConnection, FtpSettings, Quirks};
use crate::protocols::sftp::{HostKeyJudge, SshConnection, SshSettings};
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::trust::known_hosts::{self, KnownHosts};
use crate::trust::{Evidence, HostKey, PeerIdentity};

/// What the server of `site` shows, and what is wrong with it, whatever was pinned before. It is reached directly.
///
/// # Errors
/// The line's own failures, and [`ConnectErrorKind::Handshake`] for a plain `ftp` site, which shows no identity.
pub async fn look(site: &Site, services: &Services) -> Result<Evidence, ConnectFailure> {
    let endpoint = &site.endpoint;
    let looked = match site.protocol {
        Protocol::Sftp => {
            let known = KnownHosts::load(&services.host_keys.read);
            let settings = SshSettings {
                preferred_host_keys: known.algorithms(&endpoint.host, endpoint.port),
                host_certificates: true,
                timeout: services.timeout,
                ..SshSettings::new(site.clone())
            };
            let (at, now) = (endpoint.clone(), services.now);
            // Every key is refused, so that the connection ends here.
            let judge: HostKeyJudge = Arc::new(move |key: &HostKey| {
                let standing = known.lookup(&at.host, at.port, key, now());
                let evidence = known_hosts::evidence_for(&at, key, &standing);
                Err(Box::new(evidence.unwrap_or_else(|| Evidence::new(at.clone(), PeerIdentity::HostKey(key.clone())))))
            });
            SshConnection::connect(&settings, judge).await.map(|_| None)
        }
        Protocol::Ftp | Protocol::Ftpes | Protocol::Ftps => {
            let settings = FtpSettings {
                site: site.clone(),
                roots: services.roots.clone(),
                data_mode: services.data_mode,
                timeout: services.timeout,
                quirks: Arc::new(Quirks::default()),
            };
            FtpConnection::connect(&settings, None).await.map(|connection| connection.evidence())
        }
    };
    match looked {
        Err(ConnectError { kind: ConnectErrorKind::Untrusted(evidence), .. }) => Ok(*evidence),
        Ok(Some(evidence)) => Ok(evidence),
        Ok(None) => Err(ConnectError::new(ConnectErrorKind::Handshake, endpoint, "it shows no identity").into()),
        Err(error) => Err(error.into()),
    }
}
