//! Which keys a login offers, in OpenSSH's order: those named that an agent holds, the agent's others, then files; a
//! certificate before its key. A passphrase is asked for only after the server took the public half.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::login::{Authentication, Step, shown};
use crate::ask::SecretPurpose;
use crate::engine::failure::ConnectFailure;
use crate::engine::wanted_secret::{ATTEMPTS, WantedSecret};
use crate::identity::ssh_certificate::SshCertificate;
use crate::identity::ssh_key::{SshKey, SshKeyError, SshKeyFile, SshPublicKey, with_suffix};
use crate::model::SecurityLevel;
use crate::protocols::ConnectError;
use crate::protocols::sftp::{AuthStep, SshConnection, agent_keys};
use crate::secrets::{Label, Secret};

/// Refusals after which the other keys are kept back, unless a person named them just now: most servers end a login after
/// six failures (MaxAuthTries), and a password may be one of them.
const MOST_REFUSED: usize = 5;
/// Of an agent's other keys so many are always offered, whatever files there are.
const FEWEST_OF_AGENT: usize = 2;
/// Certificates for one login at the most.
const MOST_CERTIFICATES: usize = 100;

const ONLY_PUBLIC: &str = "only its public half is here, and no agent holds the other one";

/// A key that may be offered.
struct Offer {
    /// Not known for a locked PEM file without its public file: it is offered blind.
    public: Option<SshPublicKey>,
    private: Private,
}

enum Private {
    Agent(PathBuf),
    File(Arc<SshKeyFile>),
}

impl Private {
    /// Whether it signs without a passphrase asked for here.
    fn asks_nobody(&self) -> bool {
        match self {
            Self::Agent(_) => true,
            Self::File(file) => !file.is_locked(),
        }
    }
}

impl Authentication<'_> {
    /// Offers every key at hand; `None` when none was accepted.
    pub(super) async fn keys(&mut self, connection: &mut SshConnection) -> Result<Option<AuthStep>, ConnectFailure> {
        let certificates = self.certificates().await?;
        let mut refused = 0;
        for offer in self.offers().await? {
            if refused >= MOST_REFUSED && !self.leg.keys.named {
                self.kept_back += 1;
                continue;
            }
            let mut accepted: Vec<Option<&SshCertificate>> = Vec::new();
            match &offer.public {
                // A key nobody knows yet has no certificate either.
                None if self.least == Some(SecurityLevel::MostSecure) => {}
                None => accepted.push(None),
                Some(public) => {
                    for certificate in certificates.iter().filter(|certificate| certificate.is_for(public)) {
                        if connection.certificate_accepted(self.user, certificate).await? {
                            accepted.push(Some(certificate));
                        } else {
                            refused += 1;
                        }
                    }
                    let is_enough = self.least != Some(SecurityLevel::MostSecure);
                    // Signing asks that itself first; where the key takes nobody's word, once is enough.
                    let asks_nobody = offer.private.asks_nobody();
                    if accepted.is_empty() && is_enough && (asks_nobody || connection.public_key_accepted(self.user, public).await?) {
                        accepted.push(None);
                    }
                }
            }
            if accepted.is_empty() {
                refused += 1;
                continue;
            }
            let key = match (offer.private, offer.public) {
                (Private::File(file), _) => match self.unlock(file).await {
                    Ok(key) => LoginKey::Open(key),
                    // Nobody named this key, and a password was brought along.
                    Err(failure) if self.has_password && !self.leg.keys.named => {
                        self.unusable_key = self.unusable_key.take().or(Some(failure));
                        continue;
                    }
                    Err(failure) => return Err(failure),
                },
                (Private::Agent(socket), Some(public)) => LoginKey::Agent(socket, public),
                (Private::Agent(_), None) => continue,
            };
            for certificate in accepted {
                let next = key.sign(certificate, connection, self.user).await?;
                if matches!(next, AuthStep::Success | AuthStep::Failure { partial: true, .. }) {
                    self.steps.push(Step::Key(key, certificate.cloned()));
                    return Ok(Some(next));
                }
                refused += 1;
            }
        }
        Ok(None)
    }

    async fn offers(&mut self) -> Result<Vec<Offer>, ConnectFailure> {
        let sources = self.leg.keys.clone();
        let held = match &sources.agent {
            Some(socket) => agent_keys(socket).await,
            None => Vec::new(),
        };
        let agent = |key: &SshPublicKey| {
            let socket = sources.agent.clone()?;
            Some(Offer { public: Some(key.clone()), private: Private::Agent(socket) })
        };
        let (mut by_agent, mut by_file, mut named) = (Vec::new(), Vec::new(), Vec::new());
        for path in &sources.files {
            let (public, file) = match self.read_key(path).await {
                Ok(file) => (file.public().cloned(), Ok(file)),
                Err(unusable) => match self.read_public(path).await {
                    Some(public) => (Some(public), Err(ConnectFailure::Key { file: shown(path), why: ONLY_PUBLIC.to_owned() })),
                    None => (None, Err(unusable)),
                },
            };
            let is_held = |held: &&SshPublicKey| public.as_ref().is_some_and(|public| public.is_same(held));
            if let Some(key) = held.iter().find(is_held) {
                named.push(key);
                by_agent.extend(agent(key));
                continue;
            }
            match file {
                Ok(file) => by_file.push(Offer { public, private: Private::File(Arc::new(file)) }),
                Err(unusable) if sources.named => return Err(unusable),
                // Another key or the password may do.
                Err(unusable) => drop(self.unusable_key.get_or_insert(unusable)),
            }
        }
        if !sources.only_files {
            let most = MOST_REFUSED.saturating_sub(by_agent.len() + by_file.len()).max(FEWEST_OF_AGENT);
            let others: Vec<_> = held.iter().filter(|key| !named.contains(key)).collect();
            self.kept_back += others.len().saturating_sub(most);
            by_agent.extend(others.into_iter().take(most).filter_map(agent));
        }
        by_agent.append(&mut by_file);
        Ok(by_agent)
    }

    /// Those that were named, and those beside the key files. What is no certificate is passed over: the key may do alone.
    async fn certificates(&self) -> Result<Vec<SshCertificate>, ConnectFailure> {
        let sources = self.leg.keys.clone();
        off_the_loop("a certificate", move || {
            let beside = sources.files.iter().map(|file| with_suffix(&public_stem(file), "-cert.pub"));
            let files = sources.certificates.iter().cloned().chain(beside).take(MOST_CERTIFICATES);
            let read = files.filter_map(|file| {
                let read = SshCertificate::read(&file);
                read.inspect_err(|error| tracing::debug!(file = %shown(&file), %error, "no certificate")).ok()
            });
            read.collect()
        })
        .await
    }

    async fn read_key(&self, path: &Path) -> Result<SshKeyFile, ConnectFailure> {
        let path = path.to_owned();
        let name = shown(&path);
        off_the_loop(&name, move || SshKeyFile::read(&path)).await?.map_err(|error| unusable(&name, &error))
    }

    /// The public half alone, whose private one an agent may hold: the file itself or the one beside it.
    async fn read_public(&self, path: &Path) -> Option<SshPublicKey> {
        let path = path.to_owned();
        let read = move || SshPublicKey::read(&path).or_else(|_| SshPublicKey::read(&with_suffix(&path, ".pub"))).ok();
        off_the_loop("a public key", read).await.ok()?
    }

    async fn unlock(&self, file: Arc<SshKeyFile>) -> Result<SshKey, ConnectFailure> {
        let name = shown(file.path());
        let mut wanted = file.is_locked().then(|| {
            let purpose = SecretPurpose::KeyPassphrase { file: name.clone(), label: file.label() };
            self.wanted(purpose, file.public().map(|key| Label::SshKey(key.fingerprint().openssh())))
        });
        let mut attempt = 1;
        loop {
            let nobody = || ConnectFailure::NoSecret { wanted: format!("the passphrase of {name}") };
            let passphrase = match &mut wanted {
                Some(wanted) => wanted.next().await.map_err(|_| nobody())?,
                None => Secret::new(String::new()),
            };
            let locked = file.clone();
            match off_the_loop(&name, move || locked.unlock(&passphrase)).await? {
                Ok(key) => {
                    if let Some(wanted) = wanted {
                        wanted.was_right().await;
                    }
                    return Ok(key);
                }
                Err(SshKeyError::WrongPassphrase) if attempt < ATTEMPTS => {
                    attempt += 1;
                    wanted.iter().for_each(WantedSecret::was_wrong);
                }
                Err(error) => return Err(unusable(&name, &error)),
            }
        }
    }
}

/// A private key that signs.
#[derive(Clone)]
pub enum LoginKey {
    /// It is open.
    Open(SshKey),
    /// In the agent at this socket.
    Agent(PathBuf, SshPublicKey),
}

impl LoginKey {
    /// Logs in with it, and with what an authority signed for it.
    pub(super) async fn sign(
        &self,
        certificate: Option<&SshCertificate>,
        connection: &mut SshConnection,
        user: &str,
    ) -> Result<AuthStep, ConnectError> {
        match (self, certificate) {
            (Self::Open(key), None) => connection.public_key(user, key).await,
            (Self::Open(key), Some(certificate)) => connection.certificate(user, certificate, key).await,
            (Self::Agent(socket, key), None) => connection.agent(user, socket, key).await,
            (Self::Agent(socket, _), Some(certificate)) => connection.agent_certificate(user, socket, certificate).await,
        }
    }
}

/// `FILE` of `FILE.pub`.
fn public_stem(file: &Path) -> PathBuf {
    if file.extension().is_some_and(|extension| extension == "pub") { file.with_extension("") } else { file.to_owned() }
}

/// Key derivation and files take long; the loop does not wait for them.
async fn off_the_loop<T: Send + 'static>(file: &str, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ConnectFailure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ConnectFailure::Key { file: file.to_owned(), why: error.to_string() })
}

fn unusable(file: &str, error: &SshKeyError) -> ConnectFailure {
    ConnectFailure::Key { file: file.to_owned(), why: error.to_string() }
}
