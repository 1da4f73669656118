//! Logging in over SSH in steps (RFC 4252, RFC 4256): the caller decides what is tried, and brings what it takes.

use std::path::Path;
use std::time::Duration;

use russh::client::{AuthResult, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::ssh_encoding::Encode;
use russh::keys::ssh_key::private::KeypairData;
use russh::keys::{HashAlg, PrivateKeyWithHashAlg, signature};
use russh::{AgentAuthError, MethodKind, MethodSet, SendError, Signer};

use tokio::net::UnixStream;

use super::connection::{SshConnection, within};
use crate::identity::ssh_certificate::SshCertificate;
use crate::identity::ssh_key::{SshKey, SshPublicKey};
use crate::model::text;
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::secrets::Secret;

/// How long a server, or an agent, may think about a step in which a person may be asked: on a telephone, on a screen. OpenSSH's
/// own limit for a login. Any other step has the limit for silence.
const LIMIT: Duration = Duration::from_secs(120);
/// How long an agent may take to list its keys.
const AGENT_LIMIT: Duration = Duration::from_secs(10);
/// Rounds of questions without a single prompt that are answered without asking anybody.
const MOST_EMPTY_ROUNDS: u32 = 16;
/// Prompts of one round; each is a field of a dialog.
const MOST_PROMPTS: usize = 16;

/// A way to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// A password.
    Password,
    /// A key.
    PublicKey,
    /// Answers to the server's own prompts.
    KeyboardInteractive,
    /// One that is not spoken here (host-based, GSSAPI).
    Other,
}

/// Where a login stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthStep {
    /// Logged in.
    Success,
    /// Not accepted, or not enough.
    Failure {
        /// What may be tried next.
        remaining: Vec<Method>,
        /// What was brought is right, and the server wants something more beside it.
        partial: bool,
    },
    /// The server asks; the answers go to [`SshConnection::interactive_answer`].
    Prompts {
        /// The server's title, safe to draw; may be empty.
        name: String,
        /// The server's instruction, safe to draw line by line; may be empty.
        instruction: String,
        /// Its prompts, safe to draw, and whether what is typed may be seen.
        prompts: Vec<(String, bool)>,
    },
}

impl SshConnection {
    /// Asks which methods there are (SSH "none"). A server that wants no proof logs in right here.
    pub async fn methods(&mut self, user: &str) -> Result<AuthStep, ConnectError> {
        let endpoint = self.endpoint.clone();
        let asking = async { self.handle.authenticate_none(user).await.map_err(|error| error.to_string()) };
        let result = within(self.timeout, &endpoint, async { Ok(asking.await) }).await?;
        let refusals = self.refusals;
        let step = self.step(result);
        // To be told what may be tried is no refusal.
        self.refusals = refusals;
        step
    }

    /// Tries a password.
    pub async fn password(&mut self, user: &str, password: &Secret) -> Result<AuthStep, ConnectError> {
        let endpoint = self.endpoint.clone();
        let asking = async { self.handle.authenticate_password(user, password.expose()).await.map_err(|error| error.to_string()) };
        let result = within(LIMIT, &endpoint, async { Ok(asking.await) }).await?;
        self.step(result)
    }

    /// Whether the server would accept a signature of this key. Nothing is signed, so no passphrase is needed.
    pub async fn public_key_accepted(&mut self, user: &str, key: &SshPublicKey) -> Result<bool, ConnectError> {
        let hash = self.hash_for(key).await?;
        let endpoint = self.endpoint.clone();
        let probing = async { Ok(self.handle.authenticate_publickey_with(user, key.inner().clone(), hash, &mut Probe).await) };
        match within(self.timeout, &endpoint, probing).await? {
            Err(Probed::Accepted) => Ok(true),
            Err(Probed::Gone) => Err(self.closed()),
            Ok(result) => self.step(Ok(result)).map(|step| step == AuthStep::Success),
        }
    }

    /// Logs in with a key that is open.
    pub async fn public_key(&mut self, user: &str, key: &SshKey) -> Result<AuthStep, ConnectError> {
        let hash = self.hash_for(&key.public()).await?;
        let endpoint = self.endpoint.clone();
        let key = PrivateKeyWithHashAlg::new(key.inner().clone(), hash);
        let asking = async { self.handle.authenticate_publickey(user, key).await.map_err(|error| error.to_string()) };
        let result = within(self.timeout, &endpoint, async { Ok(asking.await) }).await?;
        self.step(result)
    }

    /// Whether the server would accept a signature with this certificate. Nothing is signed.
    pub async fn certificate_accepted(&mut self, user: &str, certificate: &SshCertificate) -> Result<bool, ConnectError> {
        match self.with_certificate(user, certificate, &mut Probe, self.timeout).await? {
            Err(Probed::Accepted) => Ok(true),
            Err(Probed::Gone) => Err(self.closed()),
            Ok(result) => self.step(Ok(result)).map(|step| step == AuthStep::Success),
        }
    }

    /// Logs in with a certificate and its key, which is open.
    pub async fn certificate(&mut self, user: &str, certificate: &SshCertificate, key: &SshKey) -> Result<AuthStep, ConnectError> {
        let signed = self.with_certificate(user, certificate, &mut KeyOf(key), self.timeout).await?;
        self.step(signed.map_err(|error| error.to_string()))
    }

    /// Logs in with a certificate whose key the agent holds.
    pub async fn agent_certificate(&mut self, user: &str, socket: &Path, certificate: &SshCertificate) -> Result<AuthStep, ConnectError> {
        let agent = tokio::time::timeout(AGENT_LIMIT, AgentClient::connect_uds(socket)).await;
        let Ok(Ok(agent)) = agent else {
            return Err(ConnectError::new(ConnectErrorKind::LoginRefused, &self.endpoint, "the agent is not there"));
        };
        let signed = self.with_certificate(user, certificate, &mut AgentOf { agent, key: certificate.key() }, LIMIT).await?;
        self.step(signed.map_err(|error| error.to_string()))
    }

    async fn with_certificate<S: Signer>(
        &mut self,
        user: &str,
        certificate: &SshCertificate,
        signer: &mut S,
        limit: Duration,
    ) -> Result<Result<AuthResult, S::Error>, ConnectError> {
        let hash = self.hash_for(&certificate.key()).await?;
        let endpoint = self.endpoint.clone();
        let asking = async { Ok(self.handle.authenticate_certificate_with(user, certificate.inner().clone(), hash, signer).await) };
        within(limit, &endpoint, asking).await
    }

    /// Logs in with a key of the agent, which signs. An agent that does not sign counts as a refused key.
    pub async fn agent(&mut self, user: &str, socket: &Path, key: &SshPublicKey) -> Result<AuthStep, ConnectError> {
        let hash = self.hash_for(key).await?;
        let endpoint = self.endpoint.clone();
        let refused = |detail: String| ConnectError::new(ConnectErrorKind::LoginRefused, &endpoint, detail);
        let asking = async {
            let mut agent = AgentClient::connect_uds(socket).await.map_err(|error| refused(format!("the agent is not there: {error}")))?;
            match self.handle.authenticate_publickey_with(user, key.inner().clone(), hash, &mut agent).await {
                Ok(result) => Ok(Ok(result)),
                Err(AgentAuthError::Send(_)) => Ok(Err(String::new())),
                Err(AgentAuthError::Key(error)) => Err(refused(format!("the agent did not sign: {error}"))),
            }
        };
        let result = within(LIMIT, &endpoint, asking).await?;
        self.step(result)
    }

    /// Begins keyboard-interactive.
    pub async fn interactive_start(&mut self, user: &str) -> Result<AuthStep, ConnectError> {
        let endpoint = self.endpoint.clone();
        let asking = async { Ok(self.handle.authenticate_keyboard_interactive_start(user, None::<String>).await) };
        let response = within(LIMIT, &endpoint, asking).await?;
        self.interactive(response).await
    }

    /// Answers the prompts of the last step, one answer for each.
    pub async fn interactive_answer(&mut self, answers: Vec<Secret>) -> Result<AuthStep, ConnectError> {
        let response = self.respond(answers.iter().map(|answer| answer.expose().to_owned()).collect()).await?;
        self.interactive(response).await
    }

    async fn respond(&mut self, answers: Vec<String>) -> Result<Result<KeyboardInteractiveAuthResponse, russh::Error>, ConnectError> {
        let endpoint = self.endpoint.clone();
        within(LIMIT, &endpoint, async { Ok(self.handle.authenticate_keyboard_interactive_respond(answers).await) }).await
    }

    async fn interactive(&mut self, mut response: Result<KeyboardInteractiveAuthResponse, russh::Error>) -> Result<AuthStep, ConnectError> {
        for _ in 0..MOST_EMPTY_ROUNDS {
            match response {
                Ok(KeyboardInteractiveAuthResponse::Success) => return Ok(AuthStep::Success),
                Ok(KeyboardInteractiveAuthResponse::Failure { remaining_methods, partial_success }) => {
                    return self.step(Ok(AuthResult::Failure { remaining_methods, partial_success }));
                }
                // PAM closes with a round of no prompts; a person has nothing to answer there.
                Ok(KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. }) if prompts.is_empty() => {
                    response = self.respond(Vec::new()).await?;
                }
                Ok(KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. }) if prompts.len() > MOST_PROMPTS => {
                    return Err(ConnectError::new(
                        ConnectErrorKind::Protocol,
                        &self.endpoint,
                        "the server asks more at once than anybody answers",
                    ));
                }
                Ok(KeyboardInteractiveAuthResponse::InfoRequest { name, instructions, prompts }) => {
                    let prompts = prompts.into_iter().map(|prompt| (text::display_safe(prompt.prompt.as_bytes()), prompt.echo));
                    return Ok(AuthStep::Prompts {
                        name: safe_lines(&name),
                        instruction: safe_lines(&instructions),
                        prompts: prompts.collect(),
                    });
                }
                Err(_) => return Err(self.closed()),
            }
        }
        Err(ConnectError::new(ConnectErrorKind::Protocol, &self.endpoint, "the server asks again and again without a question"))
    }

    fn step(&mut self, result: Result<AuthResult, String>) -> Result<AuthStep, ConnectError> {
        match result {
            Ok(AuthResult::Success) => Ok(AuthStep::Success),
            // Without a method to go on, russh has given up the connection, or the server has.
            Ok(AuthResult::Failure { remaining_methods, .. }) if remaining_methods.is_empty() => Err(self.closed()),
            Ok(AuthResult::Failure { remaining_methods, partial_success }) => {
                self.refusals += u32::from(!partial_success);
                Ok(AuthStep::Failure { remaining: methods(&remaining_methods), partial: partial_success })
            }
            Err(_) => Err(self.closed()),
        }
    }

    /// The connection ended during the login. Without a word, and with nothing refused before, it is the line that broke: to try
    /// again may help.
    fn closed(&self) -> ConnectError {
        let (kind, words) = match &self.told.state().farewell {
            Some(words) if !words.is_empty() => (ConnectErrorKind::LoginRefused, format!("the server closed the connection: {words}")),
            _ if self.refusals > 0 => {
                let words = "the server closed the connection; there were too many failed attempts, or this login is not allowed";
                (ConnectErrorKind::LoginRefused, words.to_owned())
            }
            _ => (ConnectErrorKind::ConnectionLost, "it ended during the login, and the server did not say why".to_owned()),
        };
        ConnectError::new(kind, &self.endpoint, words)
    }

    /// What an RSA key signs with: the server says (`server-sig-algs`); SHA-256 where it does not, never SHA-1.
    async fn hash_for(&mut self, key: &SshPublicKey) -> Result<Option<HashAlg>, ConnectError> {
        if !key.inner().algorithm().is_rsa() {
            return Ok(None);
        }
        if self.rsa_hash.is_some() {
            return Ok(self.rsa_hash);
        }
        let endpoint = self.endpoint.clone();
        let told = within(self.timeout, &endpoint, async { Ok(self.handle.best_supported_rsa_hash().await) }).await?;
        self.rsa_hash = told.map_err(|_| self.closed())?.flatten().or(Some(HashAlg::Sha256));
        Ok(self.rsa_hash)
    }
}

/// The keys an agent holds, in its order. `socket` is the caller's `SSH_AUTH_SOCK`. An agent that is not there has none.
pub async fn agent_keys(socket: &Path) -> Vec<SshPublicKey> {
    let listing = async { AgentClient::connect_uds(socket).await?.request_identities().await };
    let identities = match tokio::time::timeout(AGENT_LIMIT, listing).await {
        Ok(Ok(identities)) => identities,
        Ok(Err(error)) => {
            tracing::debug!(%error, "the agent listed no keys");
            return Vec::new();
        }
        Err(_) => {
            tracing::debug!("the agent did not answer");
            return Vec::new();
        }
    };
    let keys = identities.into_iter().filter_map(|identity| match identity {
        AgentIdentity::PublicKey { mut key, comment } => {
            key.set_comment(comment);
            Some(SshPublicKey::new(key))
        }
        AgentIdentity::Certificate { .. } => None,
    });
    keys.collect()
}

fn methods(set: &MethodSet) -> Vec<Method> {
    let mut methods: Vec<Method> = Vec::new();
    for kind in set.iter() {
        let method = match kind {
            MethodKind::Password => Method::Password,
            MethodKind::PublicKey => Method::PublicKey,
            MethodKind::KeyboardInteractive => Method::KeyboardInteractive,
            _ => Method::Other,
        };
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    methods
}

fn safe_lines(words: &str) -> String {
    words.lines().map(|line| text::display_safe(line.as_bytes())).collect::<Vec<_>>().join("\n")
}

/// Signs for a certificate with the key it was signed for.
struct KeyOf<'a>(&'a SshKey);

/// Lets the agent do so; it may know the key without the certificate.
struct AgentOf {
    agent: AgentClient<UnixStream>,
    key: SshPublicKey,
}

#[derive(Debug, thiserror::Error)]
enum NotSigned {
    #[error("the connection is gone")]
    Gone(SendError),
    #[error("the key does not sign: {0}")]
    Key(#[from] russh::keys::ssh_key::Error),
    #[error("the agent does not sign: {0}")]
    Agent(#[from] russh::keys::Error),
}

impl From<SendError> for NotSigned {
    fn from(gone: SendError) -> Self {
        Self::Gone(gone)
    }
}

impl Signer for KeyOf<'_> {
    type Error = NotSigned;

    async fn auth_sign(&mut self, _: &AgentIdentity, hash: Option<HashAlg>, mut data: Vec<u8>) -> Result<Vec<u8>, NotSigned> {
        let signature = match self.0.inner().key_data() {
            KeypairData::Rsa(key) => signature::Signer::try_sign(&(key, hash), &data),
            _ => signature::Signer::try_sign(&**self.0.inner(), &data),
        };
        let mut encoded = Vec::new();
        let made = signature.map_err(russh::keys::ssh_key::Error::from)?.encode(&mut encoded).and_then(|()| encoded.encode(&mut data));
        made.map_err(russh::keys::ssh_key::Error::from)?;
        Ok(data)
    }
}

impl Signer for AgentOf {
    type Error = NotSigned;

    async fn auth_sign(&mut self, _: &AgentIdentity, hash: Option<HashAlg>, data: Vec<u8>) -> Result<Vec<u8>, NotSigned> {
        Ok(self.agent.sign_request(&AgentIdentity::from(self.key.inner().clone()), hash, data).await?)
    }
}

/// A signer that never signs: being asked is all that is to be learnt.
struct Probe;

enum Probed {
    Accepted,
    Gone,
}

impl From<SendError> for Probed {
    fn from(_: SendError) -> Self {
        Self::Gone
    }
}

impl Signer for Probe {
    type Error = Probed;

    async fn auth_sign(&mut self, _: &AgentIdentity, _: Option<HashAlg>, _: Vec<u8>) -> Result<Vec<u8>, Probed> {
        Err(Probed::Accepted)
    }
}
