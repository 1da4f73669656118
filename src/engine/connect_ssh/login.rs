//! One login: what is at hand is tried, the rest asked for, as long as the server goes on; and the same again without a question.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::route::Leg;
use crate::ask::{InteractivePrompt, InteractiveQuestion, SecretPurpose, SecretQuestion};
use crate::engine::failure::ConnectFailure;
use crate::engine::services::Services;
use crate::identity::ssh_key::{SshKey, SshKeyError, SshKeyFile, SshPublicKey};
use crate::model::{Endpoint, text};
use crate::protocols::sftp::{AuthStep, Method, SshConnection};
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::secrets::Secret;

/// How often a wrong password or passphrase may be typed.
const ATTEMPTS: u32 = 3;
/// Steps of one login at the most: a server that always wants one more is given up.
const MOST_STEPS: u32 = 16;

/// What made the server say yes, in order: a server may want several in a row.
#[derive(Clone)]
pub(super) struct Steps {
    user: String,
    steps: Vec<Step>,
}

#[derive(Clone)]
enum Step {
    Key(SshKey),
    Agent(PathBuf, SshPublicKey),
    Password(Secret),
    /// Answers given to the server's prompts, one list for each round. One-time codes among them will not work twice.
    Interactive(Vec<Vec<Secret>>),
}

impl Steps {
    /// As whom.
    pub(super) fn user(&self) -> &str {
        &self.user
    }

    /// Whether a key was among what was asked for.
    pub(super) fn have_a_key(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Key(_) | Step::Agent(..)))
    }

    /// Logs in with what worked before. Asks nothing.
    pub(super) async fn repeat(&self, connection: &mut SshConnection, endpoint: &Endpoint) -> Result<(), ConnectFailure> {
        let mut last = connection.methods(&self.user).await?;
        for step in &self.steps {
            last = match step {
                Step::Key(key) => connection.public_key(&self.user, key).await?,
                Step::Agent(socket, key) => connection.agent(&self.user, socket, key).await?,
                Step::Password(password) => connection.password(&self.user, password).await?,
                Step::Interactive(rounds) => {
                    let mut step = connection.interactive_start(&self.user).await?;
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
            AuthStep::Success => Ok(()),
            _ => Err(login_refused(endpoint, "the login that worked before was refused now")),
        }
    }
}

/// Logs in to the host of `leg`. `password` is tried before anybody is asked.
pub(super) async fn log_in(
    connection: &mut SshConnection,
    leg: &Leg,
    password: Option<Secret>,
    services: &Services,
) -> Result<Steps, ConnectFailure> {
    let user = leg.site.user.clone().unwrap_or_else(|| services.local_user.clone());
    let authentication = Authentication { leg, user: &user, services, steps: Vec::new(), refusal: None, unusable_key: None };
    let steps = authentication.run(connection, password).await?;
    Ok(Steps { user, steps })
}

struct Authentication<'a> {
    leg: &'a Leg,
    user: &'a str,
    services: &'a Services,
    steps: Vec<Step>,
    /// Why it failed so far: a key file that cannot be used, then the server's last no to something a person typed.
    refusal: Option<ConnectFailure>,
    /// The first key file that could not be used; told if nothing else works.
    unusable_key: Option<ConnectFailure>,
}

impl Authentication<'_> {
    async fn run(mut self, connection: &mut SshConnection, mut given: Option<Secret>) -> Result<Vec<Step>, ConnectFailure> {
        let mut step = connection.methods(self.user).await?;
        let mut keys_tried = false;
        let mut attempt = 1;
        for _ in 0..MOST_STEPS {
            let remaining = match step {
                AuthStep::Success => return Ok(self.steps),
                AuthStep::Failure { ref remaining, .. } => remaining.clone(),
                // Prompts are answered where they are asked for.
                AuthStep::Prompts { .. } => return Err(login_refused(&self.leg.site.endpoint, "the server asked out of turn")),
            };
            if remaining.contains(&Method::PublicKey) && !keys_tried {
                keys_tried = true;
                if let Some(next) = self.keys(connection).await? {
                    step = next;
                    continue;
                }
            }
            if attempt > ATTEMPTS {
                return Err(self.refusal.unwrap_or_else(|| login_refused(&self.leg.site.endpoint, "")));
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
                    .unwrap_or_else(|| login_refused(&self.leg.site.endpoint, &format!("the server accepts: {ways}"))));
            };
            if matches!(step, AuthStep::Failure { partial: false, .. }) {
                self.refusal = Some(login_refused(&self.leg.site.endpoint, ""));
                attempt += 1;
            }
        }
        Err(login_refused(&self.leg.site.endpoint, "the server goes on asking for more"))
    }

    /// Keeps a step that brought the login further.
    fn accepted(&mut self, next: &AuthStep, step: Step) {
        if matches!(next, AuthStep::Success | AuthStep::Failure { partial: true, .. }) {
            self.steps.push(step);
        }
    }

    /// Offers every key at hand; `None` when none was accepted. A passphrase is asked for only after the server took the public half.
    async fn keys(&mut self, connection: &mut SshConnection) -> Result<Option<AuthStep>, ConnectFailure> {
        let sources = &self.leg.keys;
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
        let question = SecretQuestion { site: self.leg.named.clone(), on_the_way_to: self.leg.on_the_way_to.clone(), purpose, attempt };
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
                    site: self.leg.named.clone(),
                    on_the_way_to: self.leg.on_the_way_to.clone(),
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

pub(super) fn shown(path: &Path) -> String {
    text::display_safe(path.as_os_str().as_encoded_bytes())
}
