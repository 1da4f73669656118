//! FTP and FTPS: judge the certificate, ask, connect again pinned, log in.

use std::sync::Arc;

use super::client_identity::{ClientIdentity, Proof, refusal};
use super::connect::{Connected, Login, Target};
use super::decide::decide;
use super::facts::{Peer, TrustBasis};
use super::failure::{ConnectFailure, at_least};
use super::ledger::in_the_store;
use super::services::Services;
use super::wanted_secret::{ATTEMPTS, WantedSecret};
use crate::ask::SecretPurpose;
use crate::model::{Protocol, SecurityLevel, Site, SiteOptions};
use crate::protocols::ftp::{FtpConnection, FtpSettings, Quirk, Quirks, UserStep};
use crate::protocols::tls::ClientProof;
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::secrets::{Label, Secret};
use crate::trust::store::TrustStore;
use crate::trust::{Evidence, Fingerprint, Pin, Problem, ProblemKind, Remember, Verdict, Verified, judge};
use crate::vfs::FileSystem;

/// An FTP login that worked.
#[derive(Clone)]
pub(super) struct FtpLogin {
    user: String,
    /// `None`: the server wanted none.
    password: Option<Secret>,
    /// Exactly the identity that was accepted; `None` for plain FTP only.
    pin: Option<Pin>,
    /// What the server was shown of us.
    proof: Option<ClientProof>,
    /// What was learnt of the server, shared by all connections of the session.
    quirks: Arc<Quirks>,
}

impl FtpLogin {
    /// How many connections at once the server takes, where it refused one more.
    pub(super) fn most_given(&self) -> Option<usize> {
        self.quirks.most()
    }
}

pub(super) async fn connect(target: &Target, services: &Services) -> Result<Connected, ConnectFailure> {
    let options = (services.options)(&target.site);
    let quirks = Arc::new(Quirks::default());
    let mut settings = settings(&target.site, &options, services, &quirks).await?;
    if settings.site.protocol == Protocol::Ftp {
        at_least(options.level, SecurityLevel::None, &target.site.endpoint)?;
    }
    let mut proof = None;
    let (connection, mut remark) = identified(target, &options, &mut settings, &mut proof, services).await?;
    let asked = connection.client_certificate();
    let level = match &proof {
        _ if settings.site.protocol == Protocol::Ftp => SecurityLevel::None,
        Some(proof) if asked.asked && asked.sent => Proof::level(proof),
        _ => SecurityLevel::Secure,
    };
    at_least(options.level, level, &target.site.endpoint)?;
    let user = target.site.user.clone().unwrap_or_else(|| "anonymous".to_owned());
    let named = |failure: ConnectFailure| named_refusal(failure, proof.as_ref());
    let (connection, password) = log_in(connection, target, &user, &settings, services).await.map_err(named)?;
    let file_system = match connection.into_file_system().await {
        // From now on it is asked one thing at a time.
        Err(ConnectError { kind: ConnectErrorKind::ConnectionLost, .. }) if quirks.has(Quirk::OneAtATime) => {
            let mut again = FtpConnection::connect(&settings, pin_for(target, services).await?).await?;
            again.login_as(&user, password.as_ref()).await?;
            again.into_file_system().await?
        }
        prepared => prepared?,
    };
    if let Some(proof) = &proof {
        let word = proof.worked(services).await;
        remark = remark.or(word);
    }
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
    if let Some(Proof { shown, .. }) = &proof {
        details.push(("Your certificate".to_owned(), format!("{} ({})", shown.name, shown.fingerprint.colons())));
    }
    if let Some(tls) = &tls {
        details.extend(tls.suite.clone().map(|suite| ("Cipher suite".to_owned(), suite)));
    }
    Ok(Connected {
        home: file_system.home().clone(),
        protection: tls.and_then(|tls| tls.version).unwrap_or_default(),
        level,
        trust,
        server: file_system.banner().to_owned(),
        details,
        peer: evidence.map(|evidence| Peer { evidence, pin: remembered, hops: Vec::new() }),
        remark,
        login: Login::Ftp(FtpLogin { user: user.clone(), password, pin, proof: settings.proof, quirks }),
        user,
        file_system: Arc::new(file_system),
    })
}

/// Another connection for the same login. The peer has to be exactly the one accepted before.
pub(super) async fn connect_again(site: &Site, login: &FtpLogin, services: &Services) -> Result<Arc<dyn FileSystem>, ConnectFailure> {
    let settings = FtpSettings { proof: login.proof.clone(), ..settings(site, &(services.options)(site), services, &login.quirks).await? };
    let full = |most: usize| {
        let plural = if most == 1 { "connection" } else { "connections" };
        ConnectError::new(ConnectErrorKind::Busy, &site.endpoint, format!("it takes {most} {plural} of yours at once"))
    };
    if let Some(most) = login.quirks.is_full() {
        return Err(full(most).into());
    }
    match FtpConnection::further(&settings, login.pin.clone(), &login.user, login.password.as_ref()).await {
        Ok(file_system) => Ok(Arc::new(file_system)),
        Err(error) => {
            if error.kind == ConnectErrorKind::Busy
                && let Some(most) = login.quirks.learn_most()
            {
                tracing::info!(site = %site.endpoint, most, "the server takes no more connections at once");
            }
            Err(error.into())
        }
    }
}

async fn settings(site: &Site, options: &SiteOptions, services: &Services, quirks: &Arc<Quirks>) -> Result<FtpSettings, ConnectFailure> {
    let is_plain = site.protocol == Protocol::Ftp;
    Ok(FtpSettings {
        site: site.clone(),
        roots: if is_plain { services.roots.clone() } else { services.current_roots().await? },
        data_mode: options.data_mode.unwrap_or(services.data_mode),
        charset: options.charset.filter(|charset| !charset.is_utf8()),
        transfer_type: options.transfer_type,
        timeout: services.timeout,
        proof: None,
        quirks: quirks.clone(),
    })
}

/// A trusted peer that got to see who we are, if it asked. Our key is opened, and its passphrase asked for, only then: the
/// first connection is left before any login, and a second one made.
async fn identified(
    target: &Target,
    options: &SiteOptions,
    settings: &mut FtpSettings,
    proof: &mut Option<Proof>,
    services: &Services,
) -> Result<(FtpConnection, Option<String>), ConnectFailure> {
    let identity = match settings.site.protocol {
        Protocol::Ftp => None,
        _ => ClientIdentity::bound(&options.identity, services).await?,
    };
    let reached = reach(target, settings, services).await;
    let is_asked = match &reached {
        Ok((connection, _)) => connection.client_certificate().asked,
        Err(ConnectFailure::Connect(ConnectError { kind: ConnectErrorKind::ClientCertificate(_), .. })) => true,
        Err(_) => false,
    };
    let Some(identity) = identity.filter(|_| is_asked) else { return reached.map_err(|failure| named_refusal(failure, None)) };
    let mut remark = None;
    if let Ok((connection, said)) = reached {
        remark = said;
        connection.quit().await;
    }
    let opened = identity.unlock(&target.site, services).await?;
    settings.proof = Some(opened.tls.clone());
    let proof = proof.insert(opened);
    let (connection, said) = reach(target, settings, services).await.map_err(|failure| named_refusal(failure, Some(proof)))?;
    Ok((connection, remark.or(said)))
}

/// A refusal of our certificate, with what was shown.
fn named_refusal(failure: ConnectFailure, proof: Option<&Proof>) -> ConnectFailure {
    match &failure {
        ConnectFailure::Connect(error) => match &error.kind {
            ConnectErrorKind::ClientCertificate(refused) => refusal(refused, error, proof),
            _ => failure,
        },
        _ => failure,
    }
}

/// A connection to a peer that is trusted, and a remark on how that was kept; nobody is logged in yet.
async fn reach(target: &Target, settings: &FtpSettings, services: &Services) -> Result<(FtpConnection, Option<String>), ConnectFailure> {
    let endpoint = &target.site.endpoint;
    let pin = pin_for(target, services).await?;
    if pin.is_none()
        && let [named] = *services.prompter.named()
        && let Some(reached) = reach_named(target, settings, named, services).await?
    {
        return Ok(reached);
    }
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
    let (pin, remark) = decided(&evidence, pin.as_ref(), target, services).await?;
    drop(turn);
    // Strictly the peer that was looked at: another one now is refused, not asked about again.
    Ok((FtpConnection::connect(settings, Some(pin)).await?, remark))
}

/// Where an identity was brought along and nothing is known of the server, the first connection may be the one: it accepts
/// exactly that identity, unless it was taken back, and nobody has to be asked. `None`: somebody else answers.
async fn reach_named(
    target: &Target,
    settings: &FtpSettings,
    named: Fingerprint,
    services: &Services,
) -> Result<Option<(FtpConnection, Option<String>)>, ConnectFailure> {
    if target.site.protocol == Protocol::Ftp {
        return Ok(None);
    }
    let connection = match FtpConnection::connect(settings, Some(exactly(named, services))).await {
        Ok(connection) => connection,
        Err(ConnectError { kind: ConnectErrorKind::Untrusted(_), .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let remark = match connection.evidence() {
        Some(evidence) if evidence.identity.fingerprint() == named && matches!(judge(&evidence, None), Verdict::Ask { .. }) => {
            decided(&evidence, None, target, services).await?.1
        }
        _ => None,
    };
    Ok(Some((connection, remark)))
}

/// What was decided about a peer, as a pin that is kept, and a remark on how.
async fn decided(
    evidence: &Evidence,
    pin: Option<&Pin>,
    target: &Target,
    services: &Services,
) -> Result<(Pin, Option<String>), ConnectFailure> {
    let decision = decide(evidence, pin, &target.site, None, services, true).await?;
    let pin = Pin::of(evidence, decision.remember, decision.verified, (services.now)());
    let (at, kept) = (target.site.endpoint.clone(), pin.clone());
    let kept = in_the_store(&services.trust, move |store| store.remember(at, kept)).await;
    let kept =
        kept.map_err(|error| ConnectFailure::NotRemembered { place: services.trust.file().display().to_string(), why: error.to_string() })?;
    Ok((pin, kept.remark))
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

/// Names the user, and where the server wants a password (a certificate may do), gives the one at hand, else one that is
/// kept, else asks for one; after a wrong one comes the next.
async fn log_in(
    mut connection: FtpConnection,
    target: &Target,
    user: &str,
    settings: &FtpSettings,
    services: &Services,
) -> Result<(FtpConnection, Option<Secret>), ConnectFailure> {
    let at_hand = target.password.clone().or_else(|| (user == "anonymous").then(|| Secret::new("anonymous@".to_owned())));
    let (purpose, label) = (SecretPurpose::Password { user: user.to_owned() }, Label::password(&target.site, user));
    let mut wanted = WantedSecret::new(services, &target.site, None, purpose, Some(label)).at_hand(at_hand);
    let mut attempt = 1;
    let mut refusal: Option<ConnectError> = None;
    let mut unsent: Option<Secret> = None;
    loop {
        if connection.user(user).await? == UserStep::LoggedIn {
            return Ok((connection, None));
        }
        let nobody = || ConnectFailure::NoSecret { wanted: format!("the password of {user}") };
        let is_repeated = unsent.is_some();
        let password = match unsent.take() {
            Some(password) => password,
            None => wanted.next().await.map_err(|_| refusal.take().map_or_else(nobody, ConnectFailure::Connect))?,
        };
        match connection.password(&password).await {
            Ok(()) => {
                wanted.was_right().await;
                return Ok((connection, Some(password)));
            }
            Err(error) if error.kind == ConnectErrorKind::LoginRefused => {
                wanted.was_wrong();
                if attempt == ATTEMPTS || user == "anonymous" {
                    return Err(error.into());
                }
                refusal = Some(error);
                attempt += 1;
            }
            // The server did not wait as long as the person typed.
            Err(ConnectError { kind: ConnectErrorKind::ConnectionLost | ConnectErrorKind::Busy, .. })
                if !connection.password_sent() && !is_repeated =>
            {
                unsent = Some(password);
            }
            Err(error) => {
                // A word on the certificate may hide that the password was wrong.
                if matches!(error.kind, ConnectErrorKind::ClientCertificate(_)) && connection.password_sent() {
                    wanted.was_wrong();
                }
                return Err(error.into());
            }
        }
        // Servers close after a wrong password, or count it: a fresh connection is the same everywhere.
        connection = FtpConnection::connect(settings, pin_for(target, services).await?).await?;
    }
}
