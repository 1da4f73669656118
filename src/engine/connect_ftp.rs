//! FTP and FTPS: judge the certificate, ask, connect again pinned, log in.

use std::sync::Arc;

use super::connect::{Connected, Login, Target};
use super::decide::decide;
use super::facts::{Peer, SecurityLevel, TrustBasis};
use super::failure::ConnectFailure;
use super::ledger::in_the_store;
use super::services::Services;
use crate::ask::{SecretPurpose, SecretQuestion};
use crate::model::{Protocol, Site};
use crate::protocols::ftp::{FtpConnection, FtpSettings, Quirks};
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::secrets::Secret;
use crate::trust::store::TrustStore;
use crate::trust::{Fingerprint, Pin, Problem, ProblemKind, Remember, Verified};
use crate::vfs::FileSystem;

/// How often a wrong password may be typed.
const ATTEMPTS: u32 = 3;

/// An FTP login that worked.
#[derive(Clone)]
pub(super) struct FtpLogin {
    user: String,
    password: Secret,
    /// Exactly the identity that was accepted; `None` for plain FTP only.
    pin: Option<Pin>,
    /// What was learnt of the server, shared by all connections of the session.
    quirks: Arc<Quirks>,
}

pub(super) async fn connect(target: &Target, services: &Services) -> Result<Connected, ConnectFailure> {
    let quirks = Arc::new(Quirks::default());
    let settings = settings(&target.site, services, &quirks).await?;
    let (connection, mut remark) = reach(target, &settings, services).await?;
    let user = target.site.user.clone().unwrap_or_else(|| "anonymous".to_owned());
    let (connection, password) = log_in(connection, target, &user, &settings, services).await?;
    let file_system = connection.into_file_system().await?;
    let evidence = file_system.evidence().cloned();
    let pin = evidence.as_ref().map(|evidence| Pin::of(evidence, Remember::Once, Verified::Blind, (services.now)()));
    let mut remembered = None;
    if let Some(evidence) = &evidence {
        remembered = services.pin(&target.site.endpoint).await?.filter(|pin| pin.remember != Remember::Unconfirmed);
        if remark.is_none() && remembered.as_ref().is_some_and(|pin| pin.remember == Remember::Always) {
            remark = in_the_store(&services.trust, |store| Ok(store.unconfirmed())).await?;
        }
        services.seen(&target.site.endpoint, evidence.identity.fingerprint()).await;
    }
    let tls = file_system.tls_facts();
    let mut details = Vec::new();
    let trust = match &evidence {
        None => TrustBasis::Plain,
        Some(evidence) => {
            details.push(("Certificate".to_owned(), evidence.identity.fingerprint().colons()));
            trust_basis(target, remembered.as_ref(), services)
        }
    };
    if let Some(tls) = &tls {
        details.extend(tls.suite.clone().map(|suite| ("Cipher suite".to_owned(), suite)));
    }
    Ok(Connected {
        home: file_system.home().clone(),
        protection: tls.and_then(|tls| tls.version).unwrap_or_default(),
        level: if trust == TrustBasis::Plain { SecurityLevel::None } else { SecurityLevel::Secure },
        trust,
        server: file_system.banner().to_owned(),
        details,
        peer: evidence.map(|evidence| Peer { evidence, pin: remembered, hops: Vec::new() }),
        remark,
        login: Login::Ftp(FtpLogin { user: user.clone(), password, pin, quirks }),
        user,
        file_system: Arc::new(file_system),
    })
}

/// Another connection for the same login. The peer has to be exactly the one accepted before.
pub(super) async fn connect_again(site: &Site, login: &FtpLogin, services: &Services) -> Result<Arc<dyn FileSystem>, ConnectFailure> {
    let settings = settings(site, services, &login.quirks).await?;
    let mut connection = FtpConnection::connect(&settings, login.pin.clone()).await?;
    connection.login(&login.user, &login.password).await?;
    Ok(Arc::new(connection.into_file_system().await?))
}

async fn settings(site: &Site, services: &Services, quirks: &Arc<Quirks>) -> Result<FtpSettings, ConnectFailure> {
    let is_plain = site.protocol == Protocol::Ftp;
    Ok(FtpSettings {
        site: site.clone(),
        roots: if is_plain { services.roots.clone() } else { services.current_roots().await? },
        data_mode: services.data_mode,
        timeout: services.timeout,
        quirks: quirks.clone(),
    })
}

/// A connection to a peer that is trusted, and a remark on how that was kept; nobody is logged in yet.
async fn reach(target: &Target, settings: &FtpSettings, services: &Services) -> Result<(FtpConnection, Option<String>), ConnectFailure> {
    let endpoint = &target.site.endpoint;
    let pin = pin_for(target, services).await?;
    let mut evidence = match FtpConnection::connect(settings, pin.clone()).await {
        Ok(connection) => return Ok((connection, None)),
        Err(ConnectError { kind: ConnectErrorKind::Untrusted(evidence), .. }) => evidence,
        Err(error) => return Err(error.into()),
    };
    if let Some(named) = target.fingerprint {
        return Err(ConnectFailure::NotAsNamed { named: vec![named], evidence });
    }
    let turn = services.asking.lock().await;
    let known = services.pin(endpoint).await?;
    if decision(known.as_ref()) != decision(pin.as_ref()) {
        // Somebody was asked about this server meanwhile, and that answer holds here too.
        drop(turn);
        return Ok((FtpConnection::connect(settings, known).await?, None));
    }
    if let Err(error) = in_the_store(&services.trust, TrustStore::list).await {
        let text = format!("{error}: what you trusted here before is not known");
        evidence.problems.push(Problem { kind: ProblemKind::Other, at: 0, text });
    }
    let decision = decide(&evidence, pin.as_ref(), &target.site, None, services, true).await?;
    let pin = Pin::of(&evidence, decision.remember, decision.verified, (services.now)());
    let (at, kept) = (endpoint.clone(), pin.clone());
    let kept = in_the_store(&services.trust, move |store| store.remember(at, kept)).await;
    let kept =
        kept.map_err(|error| ConnectFailure::NotRemembered { place: services.trust.file().display().to_string(), why: error.to_string() })?;
    drop(turn);
    // Strictly the peer that was looked at: another one now is refused, not asked about again.
    Ok((FtpConnection::connect(settings, Some(pin)).await?, kept.remark))
}

/// What was decided, without what changes by itself.
fn decision(pin: Option<&Pin>) -> Option<Pin> {
    pin.map(|pin| Pin { last_seen: None, ..pin.clone() })
}

/// The pin to connect with: the identity the URL names before what is remembered.
async fn pin_for(target: &Target, services: &Services) -> Result<Option<Pin>, ConnectFailure> {
    if target.site.protocol == Protocol::Ftp {
        return Ok(None);
    }
    match target.fingerprint {
        Some(fingerprint) => Ok(Some(exactly(fingerprint, services))),
        None => Ok(services.pin(&target.site.endpoint).await?),
    }
}

/// A pin for a fingerprint the person brought along: that identity, whatever is wrong with it, unless it was taken back.
fn exactly(certificate: Fingerprint, services: &Services) -> Pin {
    let is_accepted = |kind: &ProblemKind| !kind.is_about_memory() && *kind != ProblemKind::Revoked;
    let accepted = ProblemKind::ALL.iter().copied().filter(is_accepted).collect();
    Pin {
        certificate,
        spki: None,
        accepted,
        since: (services.now)(),
        remember: Remember::Once,
        verified: Verified::Named,
        last_seen: None,
        leaf: None,
        issuer: None,
    }
}

fn trust_basis(target: &Target, pin: Option<&Pin>, services: &Services) -> TrustBasis {
    if target.fingerprint.is_some() {
        return TrustBasis::Once;
    }
    match pin {
        None => TrustBasis::Authority,
        Some(Pin { remember: Remember::Once, .. }) => TrustBasis::Once,
        Some(pin) => {
            let hours = (services.now)().since(pin.since).map_or(0, |span| span.total(jiff::Unit::Hour).unwrap_or(0.0) as i64);
            TrustBasis::Pinned { days: u32::try_from(hours / 24).unwrap_or(0) }
        }
    }
}

/// Logs in with the password at hand, else asks for one; a wrong one is asked for again.
async fn log_in(
    mut connection: FtpConnection,
    target: &Target,
    user: &str,
    settings: &FtpSettings,
    services: &Services,
) -> Result<(FtpConnection, Secret), ConnectFailure> {
    let mut at_hand = target.password.clone().or_else(|| (user == "anonymous").then(|| Secret::new("anonymous@".to_owned())));
    let mut attempt = 1;
    let mut refusal: Option<ConnectError> = None;
    loop {
        let password = match at_hand.take() {
            Some(password) => password,
            None => {
                let purpose = SecretPurpose::Password { user: user.to_owned() };
                let question = SecretQuestion { site: target.site.clone(), on_the_way_to: None, purpose, attempt };
                let answer = services.prompter.secret(question).await;
                let nobody = || ConnectFailure::NoSecret { wanted: format!("the password of {user}") };
                answer.map_err(|_| refusal.take().map_or_else(nobody, ConnectFailure::Connect))?.secret
            }
        };
        match connection.login(user, &password).await {
            Ok(()) => return Ok((connection, password)),
            Err(error) if error.kind == ConnectErrorKind::LoginRefused && attempt < ATTEMPTS && user != "anonymous" => {
                refusal = Some(error);
                attempt += 1;
            }
            Err(error) => return Err(error.into()),
        }
        // Servers close after a wrong password, or count it: a fresh connection is the same everywhere.
        connection = FtpConnection::connect(settings, pin_for(target, services).await?).await?;
    }
}
