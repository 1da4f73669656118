//! One login: what is at hand is tried, the rest asked for, as long as the server goes on; and the same again without a question.

use std::path::Path;

use super::keys::Key;
use super::route::Leg;
use crate::ask::{InteractivePrompt, InteractiveQuestion, SecretPurpose, SecretQuestion};
use crate::engine::failure::ConnectFailure;
use crate::engine::services::Services;
use crate::identity::ssh_certificate::SshCertificate;
use crate::model::{Endpoint, text};
use crate::protocols::sftp::{AuthStep, Method, SshConnection};
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::secrets::Secret;

/// How often a wrong password or passphrase may be typed.
pub(super) const ATTEMPTS: u32 = 3;
/// Steps of one login at the most: a server that always wants one more is given up.
const MOST_STEPS: u32 = 16;

/// What made the server say yes, in order: a server may want several in a row.
#[derive(Clone)]
pub(super) struct Steps {
    user: String,
    steps: Vec<Step>,
}

#[derive(Clone)]
pub(super) enum Step {
    Key(Key, Option<SshCertificate>),
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
        self.steps.iter().any(|step| matches!(step, Step::Key(..)))
    }

    /// Logs in with what worked before. Asks nothing.
    pub(super) async fn repeat(&self, connection: &mut SshConnection, endpoint: &Endpoint) -> Result<(), ConnectFailure> {
        let mut last = connection.methods(&self.user).await?;
        for step in &self.steps {
            last = match step {
                Step::Key(key, certificate) => key.sign(certificate.as_ref(), connection, &self.user).await?,
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

pub(super) struct Authentication<'a> {
    pub(super) leg: &'a Leg,
    pub(super) user: &'a str,
    services: &'a Services,
    pub(super) steps: Vec<Step>,
    /// Why it failed so far: a key file that cannot be used, then the server's last no to something a person typed.
    refusal: Option<ConnectFailure>,
    /// The first key file that could not be used; told if nothing else works.
    pub(super) unusable_key: Option<ConnectFailure>,
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
            let wanted = self.leg.methods.as_deref().unwrap_or(&[Method::PublicKey, Method::Password, Method::KeyboardInteractive]);
            let method = wanted.iter().find(|method| remaining.contains(method) && !(keys_tried && **method == Method::PublicKey));
            if method == Some(&Method::PublicKey) {
                keys_tried = true;
                if let Some(next) = self.keys(connection).await? {
                    step = next;
                }
                continue;
            }
            if attempt > ATTEMPTS {
                return Err(self.refusal.unwrap_or_else(|| login_refused(&self.leg.site.endpoint, "")));
            }
            step = if method == Some(&Method::Password) {
                let password = match given.take() {
                    Some(password) => password,
                    None => self.password(attempt).await?,
                };
                let next = connection.password(self.user, &password).await?;
                self.accepted(&next, Step::Password(password));
                next
            } else if method == Some(&Method::KeyboardInteractive) {
                let (next, rounds) = self.interactive(connection, &mut given).await?;
                self.accepted(&next, Step::Interactive(rounds));
                next
            } else {
                let names = |methods: &[Method]| methods.iter().map(|method| format!("{method:?}")).collect::<Vec<_>>().join(", ");
                let mut ways = names(&remaining);
                if let Some(allowed) = &self.leg.methods {
                    ways.push_str(&format!("; the SSH configuration allows: {}", names(allowed)));
                }
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

    async fn password(&mut self, attempt: u32) -> Result<Secret, ConnectFailure> {
        let purpose = SecretPurpose::Password { user: self.user.to_owned() };
        let asked = self.ask(purpose, attempt, format!("the password of {}", self.user)).await;
        asked.map_err(|nobody| self.refusal.take().unwrap_or(nobody))
    }

    pub(super) async fn ask(&self, purpose: SecretPurpose, attempt: u32, wanted: String) -> Result<Secret, ConnectFailure> {
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

pub(super) fn shown(path: &Path) -> String {
    text::display_safe(path.as_os_str().as_encoded_bytes())
}
