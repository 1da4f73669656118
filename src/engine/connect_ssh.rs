//! SFTP: judge the host key, ask, connect again, authenticate step by step with what the server goes on accepting.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::connect::{Connected, Login, Target};
use super::decide::{Decision, decide};
use super::facts::{Peer, SecurityLevel, TrustBasis};
use super::failure::ConnectFailure;
use super::services::Services;
use crate::ask::{InteractivePrompt, InteractiveQuestion, SecretPurpose, SecretQuestion};
use crate::identity::ssh_key::{SshKey, SshKeyError, SshKeyFile, SshPublicKey};
use crate::model::{Endpoint, text};
use crate::protocols::sftp::{AuthStep, HostKeyJudge, Method, SshConnection, SshSettings};
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::secrets::Secret;
use crate::trust::known_hosts::{self, KnownHosts, Standing};
use crate::trust::{Change, Evidence, Fingerprint, HostKey, PeerIdentity, ProblemKind, Remember, Remembered};
use crate::vfs::FileSystem;

/// How often a wrong password or passphrase may be typed.
const ATTEMPTS: u32 = 3;
/// Steps of one login at the most: a server that always wants one more is given up.
const MOST_STEPS: u32 = 16;
/// How often an idle line is asked whether it lives.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// What made the server say yes, in order: a server may want several in a row.
#[derive(Clone)]
pub(super) struct SshLogin {
    user: String,
    steps: Vec<Step>,
    host_key: Fingerprint,
}

#[derive(Clone)]
enum Step {
    Key(SshKey),
    Agent(PathBuf, SshPublicKey),
    Password(Secret),
    /// Answers given to the server's prompts, one list for each round. One-time codes among them will not work twice.
    Interactive(Vec<Vec<Secret>>),
}

pub(super) async fn connect(target: &Target, services: &Services) -> Result<Connected, ConnectFailure> {
    let (mut connection, host_key, trust) = reach(target, services).await?;
    let host_print = host_key.fingerprint();
    let user = target.site.user.clone().unwrap_or_else(|| services.local_user.clone());
    let steps =
        Authentication { target, user: &user, services, steps: Vec::new(), refusal: None, unusable_key: None }.run(&mut connection).await?;
    let file_system = connection.into_sftp().await?;
    let mut details = vec![("Host key".to_owned(), host_print.openssh())];
    details.extend(file_system.facts());
    Ok(Connected {
        home: file_system.home().clone(),
        protection: "SSH".to_owned(),
        trust,
        level: if steps.iter().any(|step| matches!(step, Step::Key(_) | Step::Agent(..))) {
            SecurityLevel::MoreSecure
        } else {
            SecurityLevel::Secure
        },
        server: file_system.banner().to_owned(),
        details,
        peer: Some(Peer {
            evidence: Evidence::new(target.site.endpoint.clone(), PeerIdentity::HostKey(host_key)),
            pin: None,
            hops: Vec::new(),
        }),
        login: Login::Ssh(SshLogin { user: user.clone(), steps, host_key: host_print }),
        user,
        file_system: Arc::new(file_system),
    })
}

/// Connects again with what worked before, to exactly the host key that was accepted. Asks nothing.
pub(super) async fn connect_again(target: &Target, login: &SshLogin, services: &Services) -> Result<Arc<dyn FileSystem>, ConnectFailure> {
    let expected = login.host_key;
    let endpoint = target.site.endpoint.clone();
    let judge: HostKeyJudge = Arc::new(move |key: &HostKey| exactly(expected, &endpoint, key, "trusted before the line broke"));
    let mut connection = SshConnection::connect(&settings(target, services), judge).await?;
    let mut last = connection.methods(&login.user).await?;
    for step in &login.steps {
        last = match step {
            Step::Key(key) => connection.public_key(&login.user, key).await?,
            Step::Agent(socket, key) => connection.agent(&login.user, socket, key).await?,
            Step::Password(password) => connection.password(&login.user, password).await?,
            Step::Interactive(rounds) => {
                let mut step = connection.interactive_start(&login.user).await?;
                for answers in rounds {
                    if !matches!(step, AuthStep::Prompts { .. }) {
                        break;
                    }
                    step = connection.interactive_answer(answers.clone()).await?;
                }
                step
            }
        };
    }
    match last {
        AuthStep::Success => Ok(Arc::new(connection.into_sftp().await?)),
        _ => Err(login_refused(&target.site.endpoint, "the login that worked before was refused now")),
    }
}

fn settings(target: &Target, services: &Services) -> SshSettings {
    let Endpoint { host, port } = &target.site.endpoint;
    SshSettings {
        site: target.site.clone(),
        preferred_host_keys: KnownHosts::load(&services.host_keys.read).algorithms(host, *port),
        timeout: services.timeout,
        keepalive: KEEPALIVE,
    }
}

/// A connection to a host whose key is trusted; nobody is authenticated yet.
async fn reach(target: &Target, services: &Services) -> Result<(SshConnection, HostKey, TrustBasis), ConnectFailure> {
    let endpoint = &target.site.endpoint;
    let seen: Arc<Mutex<Option<(HostKey, TrustBasis)>>> = Arc::default();
    let judge = || -> HostKeyJudge {
        let (target, services, seen) = (target.clone(), services.clone(), seen.clone());
        Arc::new(move |key: &HostKey| {
            let basis = standing(key, &target, &services)?;
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((key.clone(), basis));
            Ok(())
        })
    };
    let connection = match SshConnection::connect(&settings(target, services), judge()).await {
        Err(ConnectError { kind: ConnectErrorKind::Untrusted(evidence), .. }) => {
            let changed = evidence.has(ProblemKind::ChangedSincePinned) || evidence.has(ProblemKind::Revoked);
            if let Some(named) = target.fingerprint {
                return Err(ConnectFailure::NotAsNamed { named, evidence });
            }
            if changed {
                return Err(ConnectError::new(ConnectErrorKind::Untrusted(evidence), endpoint, "").into());
            }
            let turn = services.asking.lock().await;
            // Unless somebody was asked about this key meanwhile.
            if let PeerIdentity::HostKey(key) = &evidence.identity
                && standing(key, target, services).is_err()
            {
                let decision = decide(&evidence, None, &target.site, services, services.host_keys.write.is_some()).await?;
                remember(decision, endpoint, key, services)?;
            }
            drop(turn);
            SshConnection::connect(&settings(target, services), judge()).await?
        }
        other => other?,
    };
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (key, basis) = seen.ok_or_else(|| ConnectError::new(ConnectErrorKind::Handshake, endpoint, "the server showed no host key"))?;
    Ok((connection, key, basis))
}

/// How a host key stands: why it is trusted, or the evidence against it.
fn standing(key: &HostKey, target: &Target, services: &Services) -> Result<TrustBasis, Box<Evidence>> {
    let endpoint = &target.site.endpoint;
    let print = Fingerprint::of(&key.blob);
    if let Some(expected) = target.fingerprint {
        return exactly(expected, endpoint, key, "named in the URL").map(|()| TrustBasis::Once);
    }
    let standing = KnownHosts::load(&services.host_keys.read).lookup(&endpoint.host, endpoint.port, key, (services.now)());
    match known_hosts::evidence_for(endpoint, key, &standing) {
        None => Ok(TrustBasis::KnownHost),
        Some(_) if matches!(standing, Standing::Unknown { .. }) && services.host_keys.is_accepted_once(endpoint, &print) => {
            Ok(TrustBasis::Once)
        }
        Some(evidence) => Err(Box::new(evidence)),
    }
}

/// Only the key with this fingerprint will do.
fn exactly(expected: Fingerprint, endpoint: &Endpoint, key: &HostKey, place: &str) -> Result<(), Box<Evidence>> {
    if Fingerprint::of(&key.blob) == expected {
        return Ok(());
    }
    let remembered =
        Remembered { fingerprint: expected, place: place.to_owned(), same_key: false, change: Change::HostKeyReplaced, certificate: None };
    known_hosts::evidence_for(endpoint, key, &Standing::Changed { remembered }).map_or(Ok(()), |evidence| Err(Box::new(evidence)))
}

fn remember(decision: Decision, endpoint: &Endpoint, key: &HostKey, services: &Services) -> Result<(), ConnectFailure> {
    match (decision.remember, &services.host_keys.write) {
        (Remember::Always, Some(file)) => known_hosts::append(file, &endpoint.host, endpoint.port, key)
            .map_err(|error| ConnectFailure::NotRemembered { place: shown(file), why: error.to_string() }),
        _ => {
            services.host_keys.accept_once(endpoint, Fingerprint::of(&key.blob));
            Ok(())
        }
    }
}

/// One login: tries what is at hand, asks for the rest, as long as the server goes on.
struct Authentication<'a> {
    target: &'a Target,
    user: &'a str,
    services: &'a Services,
    steps: Vec<Step>,
    /// Why it failed so far: a key file that cannot be used, then the server's last no to something a person typed.
    refusal: Option<ConnectFailure>,
    /// The first key file that could not be used; told if nothing else works.
    unusable_key: Option<ConnectFailure>,
}

impl Authentication<'_> {
    async fn run(mut self, connection: &mut SshConnection) -> Result<Vec<Step>, ConnectFailure> {
        let mut step = connection.methods(self.user).await?;
        let mut keys_tried = false;
        let mut given = self.target.password.clone();
        let mut attempt = 1;
        for _ in 0..MOST_STEPS {
            let remaining = match step {
                AuthStep::Success => return Ok(self.steps),
                AuthStep::Failure { ref remaining, .. } => remaining.clone(),
                // Prompts are answered where they are asked for.
                AuthStep::Prompts { .. } => return Err(login_refused(&self.target.site.endpoint, "the server asked out of turn")),
            };
            if remaining.contains(&Method::PublicKey) && !keys_tried {
                keys_tried = true;
                if let Some(next) = self.keys(connection).await? {
                    step = next;
                    continue;
                }
            }
            if attempt > ATTEMPTS {
                return Err(self.refusal.unwrap_or_else(|| login_refused(&self.target.site.endpoint, "")));
            }
            step = if remaining.contains(&Method::Password) {
                let password = match given.take() {
                    Some(password) => password,
                    None => self.password(attempt).await?,
                };
                let next = connection.password(self.user, &password).await?;
                self.accepted(&next, Step::Password(password));
                next
            } else if remaining.contains(&Method::KeyboardInteractive) {
                let (next, rounds) = self.interactive(connection, &mut given).await?;
                self.accepted(&next, Step::Interactive(rounds));
                next
            } else {
                let ways = remaining.iter().map(|method| format!("{method:?}")).collect::<Vec<_>>().join(", ");
                return Err(self
                    .refusal
                    .or(self.unusable_key)
                    .unwrap_or_else(|| login_refused(&self.target.site.endpoint, &format!("the server accepts: {ways}"))));
            };
            if matches!(step, AuthStep::Failure { partial: false, .. }) {
                self.refusal = Some(login_refused(&self.target.site.endpoint, ""));
                attempt += 1;
            }
        }
        Err(login_refused(&self.target.site.endpoint, "the server goes on asking for more"))
    }

    /// Keeps a step that brought the login further.
    fn accepted(&mut self, next: &AuthStep, step: Step) {
        if matches!(next, AuthStep::Success | AuthStep::Failure { partial: true, .. }) {
            self.steps.push(step);
        }
    }

    /// Offers every key at hand; `None` when none was accepted. A passphrase is asked for only after the server took the public half.
    async fn keys(&mut self, connection: &mut SshConnection) -> Result<Option<AuthStep>, ConnectFailure> {
        let sources = &self.services.keys;
        if let (Some(socket), false) = (&sources.agent, sources.only_files) {
            for key in connection.agent_keys(socket).await {
                if !connection.public_key_accepted(self.user, &key).await? {
                    continue;
                }
                let next = connection.agent(self.user, socket, &key).await?;
                if matches!(next, AuthStep::Success | AuthStep::Failure { partial: true, .. }) {
                    self.steps.push(Step::Agent(socket.clone(), key));
                    return Ok(Some(next));
                }
            }
        }
        for path in &sources.files {
            let file = match self.read_key(path).await {
                Ok(file) => file,
                Err(unusable) if sources.only_files => return Err(unusable),
                // A file nobody named: another key or the password may do.
                Err(unusable) => {
                    self.unusable_key.get_or_insert(unusable);
                    continue;
                }
            };
            // A file whose public half cannot be read before it is unlocked is offered blind.
            if let Some(public) = file.public()
                && !connection.public_key_accepted(self.user, public).await?
            {
                continue;
            }
            let key = self.unlock(file).await?;
            let next = connection.public_key(self.user, &key).await?;
            if matches!(next, AuthStep::Success | AuthStep::Failure { partial: true, .. }) {
                self.steps.push(Step::Key(key));
                return Ok(Some(next));
            }
        }
        Ok(None)
    }

    async fn read_key(&self, path: &Path) -> Result<SshKeyFile, ConnectFailure> {
        let path = path.to_owned();
        let name = shown(&path);
        off_the_loop(&name, move || SshKeyFile::read(&path)).await?.map_err(|error| unusable(&name, &error))
    }

    async fn unlock(&self, file: SshKeyFile) -> Result<SshKey, ConnectFailure> {
        let name = shown(file.path());
        let file = Arc::new(file);
        let mut attempt = 1;
        loop {
            let passphrase = if file.is_locked() { self.passphrase(&file, attempt).await? } else { Secret::new(String::new()) };
            let locked = file.clone();
            match off_the_loop(&name, move || locked.unlock(&passphrase)).await? {
                Ok(key) => return Ok(key),
                Err(SshKeyError::WrongPassphrase) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(unusable(&name, &error)),
            }
        }
    }

    async fn passphrase(&self, file: &SshKeyFile, attempt: u32) -> Result<Secret, ConnectFailure> {
        let name = shown(file.path());
        let wanted = format!("the passphrase of {name}");
        self.ask(SecretPurpose::KeyPassphrase { file: name, label: file.label() }, attempt, wanted).await
    }

    async fn password(&mut self, attempt: u32) -> Result<Secret, ConnectFailure> {
        let purpose = SecretPurpose::Password { user: self.user.to_owned() };
        let asked = self.ask(purpose, attempt, format!("the password of {}", self.user)).await;
        asked.map_err(|nobody| self.refusal.take().unwrap_or(nobody))
    }

    async fn ask(&self, purpose: SecretPurpose, attempt: u32, wanted: String) -> Result<Secret, ConnectFailure> {
        let question = SecretQuestion { site: self.target.site.clone(), on_the_way_to: None, purpose, attempt };
        Ok(self.services.prompter.secret(question).await.map_err(|_| ConnectFailure::NoSecret { wanted })?.secret)
    }

    /// The server's own prompts, round after round (RFC 4256). A single hidden prompt takes the password at hand.
    async fn interactive(
        &mut self,
        connection: &mut SshConnection,
        given: &mut Option<Secret>,
    ) -> Result<(AuthStep, Vec<Vec<Secret>>), ConnectFailure> {
        let mut step = connection.interactive_start(self.user).await?;
        let mut rounds = Vec::new();
        while let AuthStep::Prompts { name, instruction, prompts } = &step {
            let answers = if prompts.is_empty() {
                Vec::new()
            } else if let ([(_, false)], Some(password)) = (prompts.as_slice(), given.take()) {
                vec![password]
            } else {
                let question = InteractiveQuestion {
                    site: self.target.site.clone(),
                    on_the_way_to: None,
                    name: name.clone(),
                    instruction: instruction.clone(),
                    prompts: prompts.iter().map(|(text, echo)| InteractivePrompt { text: text.clone(), echo: *echo }).collect(),
                };
                let answered = self.services.prompter.interactive(question).await;
                answered.map_err(|_| {
                    let nobody = || ConnectFailure::NoSecret { wanted: format!("an answer to the server's \"{}\"", prompts[0].0.trim()) };
                    self.refusal.take().unwrap_or_else(nobody)
                })?
            };
            step = connection.interactive_answer(answers.clone()).await?;
            rounds.push(answers);
        }
        Ok((step, rounds))
    }
}

fn login_refused(endpoint: &Endpoint, detail: &str) -> ConnectFailure {
    ConnectError::new(ConnectErrorKind::LoginRefused, endpoint, detail).into()
}

/// Key derivation and files take long; the loop does not wait for them.
async fn off_the_loop<T: Send + 'static>(file: &str, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ConnectFailure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ConnectFailure::Key { file: file.to_owned(), why: error.to_string() })
}

fn unusable(file: &str, error: &SshKeyError) -> ConnectFailure {
    ConnectFailure::Key { file: file.to_owned(), why: error.to_string() }
}

fn shown(path: &Path) -> String {
    text::display_safe(path.as_os_str().as_encoded_bytes())
}
