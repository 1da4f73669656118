//! A host key that is trusted before the first login: given whole, or by its fingerprint and then compared with what the
//! server shows. Written to known_hosts as an answer to the question would be; asks nobody.

use std::path::PathBuf;

use super::host_key::{look, refused, remember, standing};
use super::{pass, route};
use crate::engine::connect::Target;
use crate::engine::decide::Decision;
use crate::engine::failure::ConnectFailure;
use crate::engine::services::Services;
use crate::model::{Endpoint, Protocol, Site};
use crate::trust::{Fingerprint, HostKey, PeerIdentity, Remember, Verified};

/// The host key a person names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedHostKey {
    /// The key itself.
    Key(HostKey),
    /// Whatever key of the server has this fingerprint.
    Fingerprint(Fingerprint),
}

/// A host key that known_hosts vouches for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownHostKey {
    /// Under what name and port it is known.
    pub known_as: Endpoint,
    /// The key.
    pub key: HostKey,
    /// Where it was written; `None` if it was known already.
    pub written: Option<PathBuf>,
}

/// Trusts the named key at `site` from now on, under the name and in the file the SSH configuration says.
///
/// # Errors
/// [`ConnectFailure::NotAsNamed`] where the server shows another key; an untrusted identity where known_hosts contradicts
/// or forbids the key. Nothing is written then.
pub async fn trust_host_key(site: &Site, named: NamedHostKey, services: &Services) -> Result<KnownHostKey, ConnectFailure> {
    let site = Site { protocol: Protocol::Sftp, ..site.clone() };
    Box::pin(trust(&Target { site, password: None, fingerprint: None }, named, services)).await
}

async fn trust(target: &Target, named: NamedHostKey, services: &Services) -> Result<KnownHostKey, ConnectFailure> {
    let route = route::look_up(target, services).await?;
    let leg = &route.destination;
    let key = match named {
        NamedHostKey::Key(key) => key,
        NamedHostKey::Fingerprint(named) => {
            let passed = pass(&route, target, services).await?;
            let evidence = look(leg, &passed.transport, services).await?;
            match &evidence.identity {
                PeerIdentity::HostKey(key) if key.fingerprint() == named => key.clone(),
                _ => return Err(ConnectFailure::NotAsNamed { named: vec![named], evidence: Box::new(evidence) }),
            }
        }
    };
    let known_as = leg.known_as.clone();
    let written = match standing(&key, leg, &leg.known, services) {
        Ok(_) => None,
        Err(evidence) if evidence.unusable => return Err(refused(leg, evidence, "").into()),
        Err(_) => {
            let Some(file) = leg.write.clone() else {
                let why = "the SSH configuration names no file that keeps it".to_owned();
                return Err(ConnectFailure::NotRemembered { place: "known_hosts".to_owned(), why });
            };
            remember(Decision { remember: Remember::Always, verified: Verified::Named }, leg, &key, services).await?;
            Some(file)
        }
    };
    Ok(KnownHostKey { known_as, key, written })
}
