//! One login: what is at hand is tried, the rest asked for, as long as the server goes on; and the same again without a question.

use std::path::Path;

use super::keys::LoginKey;
use super::route::Leg;
use crate::ask::{InteractivePrompt, InteractiveQuestion, SecretPurpose};
use crate::engine::failure::{ConnectFailure, at_least};
use crate::engine::services::Services;
use crate::engine::wanted_secret::{ATTEMPTS, WantedSecret};
use crate::identity::ssh_certificate::SshCertificate;
use crate::model::{Endpoint, SecurityLevel, Site, text};
use crate::protocols::sftp::{AuthStep, Method, SshConnection};
use crate::protocols::{ConnectError, ConnectErrorKind};
use crate::secrets::{Label, Secret};

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
    Key(LoginKey, Option<SshCertificate>),
    Password(Secret),
    /// Answers given to the server's prompts, one list for each round. One-time codes among them will not work twice.
    Interactive(Vec<Vec<Secret>>),
}

impl Steps {
    /// As whom.
    pub(super) fn user(&self) -> &str {
        &self.user
    }

    /// How secure the login is.
    pub(super) fn level(&self) -> SecurityLevel {
        level(&self.steps)
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
    // A level holds whether the host was named by its address or by a name of the SSH configuration.
    let reached = Site { user: Some(user.clone()), ..leg.site.clone() };
    let least = (services.options)(&leg.named).level.max((services.options)(&reached).level);
    let authentication = Authentication {
        leg,
        user: &user,
        services,
        least,
        has_password: password.is_some() || services.prompter.has_password(),
        steps: Vec::new(),
        refusal: None,
        unusable_key: None,
        kept_back: 0,
    };
    let steps = authentication.run(connection, password).await?;
    Ok(Steps { user, steps })
}

pub(super) struct Authentication<'a> {
    pub(super) leg: &'a Leg,
    pub(super) user: &'a str,
    services: &'a Services,
    /// Below this level nothing but keys is offered.
    pub(super) least: Option<SecurityLevel>,
    /// A password was brought along.
    pub(super) has_password: bool,
    pub(super) steps: Vec<Step>,
    /// Why it failed so far: a key file that cannot be used, then the server's last no to something a person typed.
    refusal: Option<ConnectFailure>,
    /// The first key file that could not be used; told if nothing else works.
    pub(super) unusable_key: Option<ConnectFailure>,
    /// Keys that were not offered, because the server would have ended the login.
    pub(super) kept_back: usize,
}

impl<'a> Authentication<'a> {
    async fn run(mut self, connection: &mut SshConnection, given: Option<Secret>) -> Result<Vec<Step>, ConnectFailure> {
        let purpose = SecretPurpose::Password { user: self.user.to_owned() };
        let mut password = self.wanted(purpose, Some(Label::password(&self.leg.password_of, self.user))).at_hand(given);
        let mut step = connection.methods(self.user).await?;
        let mut keys_tried = false;
        let mut attempt = 1;
        for _ in 0..MOST_STEPS {
            let remaining = match step {
                AuthStep::Success => {
                    if self.steps.iter().any(|step| matches!(step, Step::Password(_))) {
                        password.was_right().await;
                    }
                    return self.at_least().map(|()| self.steps);
                }
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
            // No password goes to a server that would do without the key, as no bare key did.
            if method.is_some() || self.least == Some(SecurityLevel::MostSecure) {
                self.at_least().map_err(|below| self.unusable_key.take().unwrap_or(below))?;
            }
            step = if method == Some(&Method::Password) {
                let nobody = || ConnectFailure::NoSecret { wanted: format!("the password of {}", self.user) };
                let secret = password.next().await.map_err(|_| self.refusal.take().unwrap_or_else(nobody))?;
                let next = connection.password(self.user, &secret).await?;
                if matches!(next, AuthStep::Failure { partial: false, .. }) {
                    password.was_wrong();
                }
                self.accepted(&next, Step::Password(secret));
                next
            } else if method == Some(&Method::KeyboardInteractive) {
                let (next, rounds) = self.interactive(connection, &mut password).await?;
                self.accepted(&next, Step::Interactive(rounds));
                next
            } else {
                let names = |methods: &[Method]| methods.iter().map(|method| format!("{method:?}")).collect::<Vec<_>>().join(", ");
                let mut ways = names(&remaining);
                if let Some(allowed) = &self.leg.methods {
                    ways.push_str(&format!("; the SSH configuration allows: {}", names(allowed)));
                }
                if self.kept_back > 0 {
                    ways.push_str(&format!(
                        "; {} more keys were not offered, since it would end the login (name one with --key)",
                        self.kept_back
                    ));
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

    /// Whether what was done so far is as secure as the person wants it.
    fn at_least(&self) -> Result<(), ConnectFailure> {
        at_least(self.least, level(&self.steps), &self.leg.site.endpoint)
    }

    /// Keeps a step that brought the login further.
    fn accepted(&mut self, next: &AuthStep, step: Step) {
        if matches!(next, AuthStep::Success | AuthStep::Failure { partial: true, .. }) {
            self.steps.push(step);
        }
    }

    /// A secret for this host.
    pub(super) fn wanted(&self, purpose: SecretPurpose, label: Option<Label>) -> WantedSecret<'a> {
        WantedSecret::new(self.services, &self.leg.named, self.leg.on_the_way_to.as_ref(), purpose, label)
    }

    /// The server's own prompts, round after round (RFC 4256). A single hidden prompt takes the password at hand.
    async fn interactive(
        &mut self,
        connection: &mut SshConnection,
        password: &mut WantedSecret<'_>,
    ) -> Result<(AuthStep, Vec<Vec<Secret>>), ConnectFailure> {
        let mut step = connection.interactive_start(self.user).await?;
        let mut rounds = Vec::new();
        while let AuthStep::Prompts { name, instruction, prompts } = &step {
            let answers = if prompts.is_empty() {
                Vec::new()
            } else if let ([(_, false)], Some(password)) = (prompts.as_slice(), password.take_at_hand()) {
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

/// What the steps of a login prove of us, to a host whose key is known.
fn level(steps: &[Step]) -> SecurityLevel {
    let of = |step: &Step| match step {
        Step::Key(_, Some(_)) => SecurityLevel::MostSecure,
        Step::Key(_, None) => SecurityLevel::MoreSecure,
        Step::Password(_) | Step::Interactive(_) => SecurityLevel::Secure,
    };
    steps.iter().map(of).max().unwrap_or(SecurityLevel::Secure)
}

fn login_refused(endpoint: &Endpoint, detail: &str) -> ConnectFailure {
    ConnectError::new(ConnectErrorKind::LoginRefused, endpoint, detail).into()
}

pub(super) fn shown(path: &Path) -> String {
    text::display_safe(path.as_os_str().as_encoded_bytes())
}
