//! A connection to one host of a way whose key is trusted: judged by known_hosts, asked about, remembered.

use std::sync::{Arc, Mutex, PoisonError};

use super::login::shown;
use super::route::Leg;
use crate::engine::decide::{Decision, decide, show};
use crate::engine::facts::TrustBasis;
use crate::engine::failure::ConnectFailure;
use crate::engine::services::Services;
use crate::engine::ssh_options::HostKeyChecking;
use crate::model::Endpoint;
use crate::protocols::sftp::{HostKeyJudge, SshConnection, SshSettings, Transport};
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::trust::known_hosts::{self, KnownHosts, Standing};
use crate::trust::{Change, Evidence, Fingerprint, HostKey, PeerIdentity, ProblemKind, Remember, Remembered};

/// A connection to a host whose key is trusted; nobody is authenticated yet.
pub(super) struct Reached {
    pub(super) connection: SshConnection,
    pub(super) key: HostKey,
    pub(super) trust: TrustBasis,
}

/// Connects over `transport`, and asks about a key that nobody knows.
pub(super) async fn reach(leg: &Arc<Leg>, transport: &Transport, services: &Services) -> Result<Reached, ConnectFailure> {
    let (by, with) = (leg.clone(), services.clone());
    let untrusted = match connect(leg, transport, move |key| standing(key, &by, &by.known, &with)).await {
        Err(ConnectError { kind: ConnectErrorKind::Untrusted(evidence), .. }) => evidence,
        other => return Ok(other?),
    };
    let PeerIdentity::HostKey(key) = &untrusted.identity else {
        return Err(refused(leg, untrusted, "").into());
    };
    if let Some(named) = leg.fingerprint
        && !untrusted.has(ProblemKind::Revoked)
    {
        return Err(ConnectFailure::NotAsNamed { named: vec![named], evidence: untrusted });
    }
    if untrusted.unusable {
        show(&untrusted, &leg.named, leg.on_the_way_to.as_ref(), services).await;
        return Err(refused(leg, untrusted, "").into());
    }
    let turn = services.asking.lock().await;
    // Unless somebody was asked about this key meanwhile.
    let files = leg.files.clone();
    let known = tokio::task::spawn_blocking(move || KnownHosts::load(&files)).await.unwrap_or_else(|_| leg.known.clone());
    let trust = match standing(key, leg, &known, services) {
        Ok(trust) => trust,
        Err(evidence) if leg.checking == HostKeyChecking::Strict => {
            return Err(refused(leg, evidence, "StrictHostKeyChecking is on for this host, so nobody is asked about its key").into());
        }
        Err(evidence) => {
            let decision = decide(&evidence, None, &leg.named, leg.on_the_way_to.as_ref(), services, leg.write.is_some()).await?;
            remember(decision, leg, key, services).await?
        }
    };
    drop(turn);
    let (accepted, known_as) = (key.fingerprint(), leg.known_as.clone());
    let judge = move |key: &HostKey| exactly(accepted, &known_as, key, "shown a moment ago").map(|()| trust);
    Ok(connect(leg, transport, judge).await?)
}

/// What a host shows and what is wrong with it. Every key is refused, so that the connection ends there.
pub(super) async fn look(leg: &Arc<Leg>, transport: &Transport, services: &Services) -> Result<Evidence, ConnectFailure> {
    let (by, with) = (leg.clone(), services.clone());
    let judge: HostKeyJudge = Arc::new(move |key| {
        let nothing_wrong = || Box::new(Evidence::new(by.known_as.clone(), PeerIdentity::HostKey(key.clone())));
        Err(standing(key, &by, &by.known, &with).map_or_else(|evidence| evidence, |_| nothing_wrong()))
    });
    let settings = SshSettings { host_certificates: true, ..leg.settings.clone() };
    match SshConnection::connect_over(transport, &settings, judge).await {
        Err(ConnectError { kind: ConnectErrorKind::Untrusted(evidence), .. }) => Ok(*evidence),
        Err(error) => Err(error.into()),
        Ok(_) => Err(ConnectError::new(ConnectErrorKind::Handshake, &leg.site.endpoint, "the server showed no host key").into()),
    }
}

pub(super) fn refused(leg: &Leg, evidence: Box<Evidence>, why: &str) -> ConnectError {
    ConnectError::new(ConnectErrorKind::Untrusted(evidence), &leg.known_as, why)
}

async fn connect(
    leg: &Leg,
    transport: &Transport,
    judge: impl Fn(&HostKey) -> Result<TrustBasis, Box<Evidence>> + Send + Sync + 'static,
) -> Result<Reached, ConnectError> {
    let seen: Arc<Mutex<Option<(HostKey, TrustBasis)>>> = Arc::default();
    let noted = seen.clone();
    let noting: HostKeyJudge = Arc::new(move |key| {
        let trust = judge(key)?;
        *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some((key.clone(), trust));
        Ok(())
    });
    let connection = SshConnection::connect_over(transport, &leg.settings, noting).await?;
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (key, trust) =
        seen.ok_or_else(|| ConnectError::new(ConnectErrorKind::Handshake, &leg.site.endpoint, "the server showed no host key"))?;
    Ok(Reached { connection, key, trust })
}

/// How a host key stands: why it is trusted, or the evidence against it.
pub(super) fn standing(key: &HostKey, leg: &Leg, known: &KnownHosts, services: &Services) -> Result<TrustBasis, Box<Evidence>> {
    let at = &leg.known_as;
    let now = (services.now)();
    let revoked = leg.revoked.revoked(&at.host, at.port, key);
    let standing = revoked.unwrap_or_else(|| known.lookup(&at.host, at.port, key, now));
    // Whoever named the fingerprint may not know yet that the key was revoked.
    if let Some(expected) = leg.fingerprint
        && !matches!(standing, Standing::Revoked { .. })
    {
        return exactly(expected, at, key, "named in the URL").map(|()| TrustBasis::Once);
    }
    let Some(mut evidence) = known_hosts::evidence_for(at, key, &standing) else {
        return Ok(if matches!(standing, Standing::Certified { .. }) { TrustBasis::Authority } else { TrustBasis::KnownHost });
    };
    if matches!(standing, Standing::Unknown { .. }) {
        if services.host_keys.is_accepted_once(at, &key.fingerprint()) {
            return Ok(TrustBasis::Once);
        }
        if leg.checking == HostKeyChecking::Lax
            && let Some(unknown) = evidence.problems.iter_mut().find(|problem| problem.kind == ProblemKind::UnknownHostKey)
        {
            unknown.text.push_str("; the SSH configuration would take it unseen (StrictHostKeyChecking), but you are asked all the same");
        }
    }
    evidence.problems.extend(known.remarks(&at.host, at.port, key, now));
    Err(Box::new(evidence))
}

/// Only the key with this fingerprint will do.
pub(super) fn exactly(expected: Fingerprint, endpoint: &Endpoint, key: &HostKey, place: &str) -> Result<(), Box<Evidence>> {
    if key.fingerprint() == expected {
        return Ok(());
    }
    let remembered =
        Remembered { fingerprint: expected, place: place.to_owned(), same_key: false, change: Change::HostKeyReplaced, certificate: None };
    known_hosts::evidence_for(endpoint, key, &Standing::Changed { remembered }).map_or(Ok(()), |evidence| Err(Box::new(evidence)))
}

pub(super) async fn remember(decision: Decision, leg: &Leg, key: &HostKey, services: &Services) -> Result<TrustBasis, ConnectFailure> {
    let (Remember::Always, Some(file)) = (decision.remember, &leg.write) else {
        services.host_keys.accept_once(&leg.known_as, key.fingerprint());
        return Ok(TrustBasis::Once);
    };
    let (at, to, written) = (leg.known_as.clone(), file.clone(), key.clone());
    let written = tokio::task::spawn_blocking(move || known_hosts::append(&to, &at.host, at.port, &written)).await;
    let why = match written {
        Ok(Ok(())) => {
            services.note_host_key(&leg.known_as, key.fingerprint(), decision.verified).await;
            return Ok(TrustBasis::KnownHost);
        }
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    Err(ConnectFailure::NotRemembered { place: shown(file), why })
}
