//! SFTP: host by host to where the person wants to be. Each host's key is judged and asked about before anything is said to
//! it, each is logged in to with its own user and keys, and the next is reached over it.
//!
//! - `route`: which hosts, and what is known of each
//! - `host_key`: a connection to one of them whose key is trusted
//! - `keys`: which keys are offered
//! - `login`: logging in, and the same again
//! - `named`: a key that is trusted before the first login

mod host_key;
mod keys;
mod login;
mod named;
mod route;

use std::sync::Arc;

use super::connect::{Connected, Login, Target};
use super::facts::{Hop, Peer};
use super::failure::ConnectFailure;
use super::services::Services;
use crate::model::{Endpoint, text};
use crate::protocols::ConnectErrorKind;
use crate::protocols::sftp::{AuthStep, HostKeyJudge, SshConnection, SshSettings, Transport};
use crate::trust::{Evidence, Fingerprint, HostKey, PeerIdentity};
use crate::vfs::{FileSystem, FsError, FsErrorKind};
use host_key::Reached;
pub use keys::LoginKey;
use login::Steps;
pub use named::{KnownHostKey, NamedHostKey, trust_host_key};
use route::{Leg, Route};

/// A way that was gone, to be gone again without a question.
#[derive(Clone)]
pub(super) struct SshLogin {
    start: Transport,
    /// Nearest first.
    legs: Vec<PassedLeg>,
}

/// A host that was passed, or arrived at.
#[derive(Clone)]
struct PassedLeg {
    settings: SshSettings,
    known_as: Endpoint,
    host_key: Fingerprint,
    steps: Steps,
}

/// Connects and logs in; asks where it has to.
pub(super) async fn connect(target: &Target, services: &Services) -> Result<Connected, ConnectFailure> {
    let route = route::look_up(target, services).await?;
    let Passed { transport, mut legs, hops } = pass(&route, target, services).await?;
    let leg = &route.destination;
    let Reached { mut connection, key, trust } = host_key::reach(leg, &transport, services).await?;
    let steps = login::log_in(&mut connection, leg, target.password.clone(), services).await?;
    let file_system = connection.into_sftp().await?;
    let (user, fingerprint) = (steps.user().to_owned(), key.fingerprint());
    services.seen(&leg.known_as, fingerprint).await;
    let level = steps.level();
    legs.push(PassedLeg::new(leg, fingerprint, steps));
    Ok(Connected {
        home: file_system.home().clone(),
        protection: "SSH".to_owned(),
        trust,
        level,
        server: file_system.banner().to_owned(),
        details: details(&key, &route, file_system.facts()),
        peer: Some(Peer { evidence: Evidence::new(leg.known_as.clone(), PeerIdentity::HostKey(key)), pin: None, hops }),
        remark: None,
        login: Login::Ssh(SshLogin { start: route.start, legs }),
        user,
        file_system: Arc::new(file_system),
    })
}

/// What the host shows, reached by its way. Nobody is logged in to it, and nothing is remembered of it.
pub(super) async fn look(target: &Target, services: &Services) -> Result<Evidence, ConnectFailure> {
    let route = route::look_up(target, services).await?;
    let passed = pass(&route, target, services).await?;
    host_key::look(&route.destination, &passed.transport, services).await
}

/// The hosts on the way, behind us.
struct Passed {
    /// Over which the destination is reached.
    transport: Transport,
    legs: Vec<PassedLeg>,
    hops: Vec<Hop>,
}

/// Goes over every host on the way; asks where it has to.
async fn pass(route: &Route, target: &Target, services: &Services) -> Result<Passed, ConnectFailure> {
    let mut passed = Passed { transport: route.start.clone(), legs: Vec::new(), hops: Vec::new() };
    for hop in &route.hops {
        let passing = async {
            let mut reached = host_key::reach(hop, &passed.transport, services).await?;
            let steps = login::log_in(&mut reached.connection, hop, None, services).await?;
            Ok((reached, steps))
        };
        let (reached, steps) = passing.await.map_err(|failure| on_the_way(failure, &target.site.endpoint))?;
        let fingerprint = reached.key.fingerprint();
        services.seen(&hop.known_as, fingerprint).await;
        passed.hops.push(Hop { endpoint: hop.site.endpoint.clone(), fingerprint, trust: reached.trust });
        passed.legs.push(PassedLeg::new(hop, fingerprint, steps));
        passed.transport = Transport::Through(Arc::new(reached.connection));
    }
    Ok(passed)
}

/// Connects again over the same hosts with what worked before, to exactly the host keys that were accepted. Asks nothing.
pub(super) async fn connect_again(login: &SshLogin) -> Result<Arc<dyn FileSystem>, ConnectFailure> {
    let (mut connection, leg) = reach_again(login).await?;
    leg.steps.repeat(&mut connection, &leg.settings.site.endpoint).await?;
    Ok(Arc::new(connection.into_sftp().await?))
}

/// What the server says of `key` alone, on a connection of its own over the same hosts. Asks nothing.
pub(super) async fn try_key(login: &SshLogin, key: &LoginKey) -> Result<AuthStep, ConnectFailure> {
    let (mut connection, leg) = reach_again(login).await?;
    let user = leg.steps.user();
    match connection.methods(user).await? {
        // A server that wants no proof is entered already, and says nothing of a key.
        AuthStep::Success => Ok(AuthStep::Success),
        _ => Ok(key.sign(None, &mut connection, user).await?),
    }
}

/// A connection to the last host, to which nobody is logged in yet; the hosts on the way are logged in to as before.
async fn reach_again(login: &SshLogin) -> Result<(SshConnection, &PassedLeg), ConnectFailure> {
    let gone = || FsError::connection(FsErrorKind::ConnectionLost, "connect again", "no host was connected before");
    let (last, hops) = login.legs.split_last().ok_or_else(gone)?;
    let mut transport = login.start.clone();
    for hop in hops {
        let mut connection = hop.reach_again(&transport).await?;
        hop.steps.repeat(&mut connection, &hop.settings.site.endpoint).await?;
        transport = Transport::Through(Arc::new(connection));
    }
    Ok((last.reach_again(&transport).await?, last))
}

impl PassedLeg {
    async fn reach_again(&self, transport: &Transport) -> Result<SshConnection, ConnectFailure> {
        let (expected, known_as) = (self.host_key, self.known_as.clone());
        let judge: HostKeyJudge = Arc::new(move |key| host_key::exactly(expected, &known_as, key, "trusted before the line broke"));
        Ok(SshConnection::connect_over(transport, &self.settings, judge).await?)
    }

    fn new(leg: &Leg, host_key: Fingerprint, steps: Steps) -> Self {
        Self { settings: leg.settings.clone(), known_as: leg.known_as.clone(), host_key, steps }
    }
}

/// A failure at a host that is not the one the person wants to reach.
fn on_the_way(mut failure: ConnectFailure, to: &Endpoint) -> ConnectFailure {
    if let ConnectFailure::Connect(error) = &mut failure
        && !matches!(error.kind, ConnectErrorKind::Untrusted(_))
    {
        let joint = if error.detail.is_empty() { "" } else { "; " };
        error.detail.push_str(&format!("{joint}this host is on the way to {to}"));
    }
    failure
}

fn details(key: &HostKey, route: &Route, facts: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut details = vec![("Host key".to_owned(), key.fingerprint().openssh())];
    if let Some(certificate) = &key.certificate {
        let authority = Fingerprint::of(&certificate.authority).openssh();
        details.push(("Host certificate".to_owned(), format!("{} by {authority}", certificate.id)));
    }
    if let Transport::Command(command) = &route.start {
        details.push(("ProxyCommand".to_owned(), text::display_safe(command.as_bytes())));
    }
    details.extend(route.hops.iter().map(|hop| ("By way of".to_owned(), hop.site.endpoint.to_string())));
    details.extend(facts);
    details
}
