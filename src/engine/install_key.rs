//! An SSH key into `authorized_keys` of a server, a second login with it alone, and out again where that is refused. The
//! work outlives whoever ordered it: a key that nobody tried does not stay because somebody pressed Ctrl-C.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::advice::Advice;
use super::authorize::{AuthorizeOutcome, Authorized, authorize, withdraw};
use super::connect_ssh::LoginKey;
use super::engine::Engine;
use super::failure::ConnectFailure;
use super::job::{Place, SessionId};
use crate::identity::ssh_key::SshPublicKey;
use crate::model::FilePath;
use crate::protocols::sftp::{AuthStep, Method};
use crate::vfs::{FileSystem, FsError, FsErrorKind, FsResult};

/// How long an installation may take to end once it is stopped.
const STOP_LIMIT: Duration = Duration::from_secs(4);

/// Which key is installed, and where. Without `Debug`: there may be a private key in it.
pub struct KeyInstallation {
    /// Over which login.
    pub session: SessionId,
    /// The home folder there.
    pub home: FilePath,
    /// Another file than the usual one, from the home folder on.
    pub file: Option<Vec<u8>>,
    /// The line that is added.
    pub public: SshPublicKey,
    /// What signs for it; `None`: a login with it is not tried.
    pub key: Option<LoginKey>,
    /// It stays, whatever the server says of it.
    pub keep: bool,
    /// Nothing is written, and nothing tried.
    pub dry_run: bool,
}

/// What came of an installation.
#[derive(Debug)]
pub struct KeyInstalled {
    /// What was done to the file; where the trial failed, it may have been undone since.
    pub authorized: Authorized,
    /// What a second login came to.
    pub trial: KeyTrial,
}

/// What a login with a key alone came to.
#[derive(Debug)]
pub enum KeyTrial {
    /// It was not wanted, or the private half is not at hand.
    NotTried,
    /// The server accepts the key, in words.
    Accepted(String),
    /// It does not, or was not waited for.
    Failed {
        /// There was no answer to the key at all.
        failure: Option<ConnectFailure>,
        /// In words, with what became of the file.
        advice: Advice,
    },
}

impl KeyInstalled {
    /// All of it in words: that it is done, or why not.
    pub fn told(self) -> Result<String, Advice> {
        let Authorized { file, outcome, backup, warnings, .. } = self.authorized;
        let file = file.display();
        let done = match outcome {
            AuthorizeOutcome::Present { line, .. } => format!("the key is in {file} already (line {line})"),
            AuthorizeOutcome::Added => format!("added to {file}"),
            AuthorizeOutcome::WouldAdd => format!("it would be added to {file}"),
        };
        let backup = backup.map(|backup| format!("the file as it was before: {}", backup.display()));
        let notes = backup.into_iter().chain(warnings.iter().map(|warning| format!("note: {warning}")));
        let noted = |words: String| Some(words).filter(|words| !words.is_empty()).into_iter().chain(notes).collect::<Vec<_>>().join("; ");
        match self.trial {
            KeyTrial::NotTried => Ok(noted(done)),
            KeyTrial::Accepted(words) => Ok(noted(format!("{done}; {words}"))),
            KeyTrial::Failed { advice, .. } => Err(Advice { why: noted(advice.why), ..advice }),
        }
    }
}

impl Engine {
    /// Adds the key and tries a second login with it alone before the first one ends. Where that is refused or stopped,
    /// the file becomes again what it was.
    ///
    /// Dropping the future stops nothing: the installation goes on, and what comes of it is told as
    /// [`super::Event::Notice`]. [`Engine::disconnect`] and [`Engine::shutdown`] stop it and wait for it.
    ///
    /// # Errors
    /// As the work on files there; where it is [`FsErrorKind::TimedOut`] after a stop, the key may still be in the file.
    pub async fn install_key(&self, order: KeyInstallation) -> FsResult<KeyInstalled> {
        let (answer, answered) = oneshot::channel();
        let engine = self.clone();
        self.installations().start(order.session, |stop| async move {
            let late = async {
                stop.cancelled().await;
                tokio::time::sleep(STOP_LIMIT).await;
            };
            let installed = tokio::select! {
                installed = Box::pin(install(&engine, &order, &stop)) => installed,
                () = late => {
                    let words = format!("the key {} may still be among those it accepts", order.public.label());
                    Err(FsError::connection(FsErrorKind::TimedOut, "take the key out again", words))
                }
            };
            // Whoever ordered it is gone.
            if let Err(installed) = answer.send(installed) {
                let told = installed.map_err(|error| Advice::from(&error)).and_then(KeyInstalled::told);
                let done = |what| Advice { what, why: String::new(), next: String::new(), intended: true };
                engine.tell(told.map_or_else(|advice| advice, done));
            }
        });
        answered.await.unwrap_or_else(|_| Err(FsError::connection(FsErrorKind::Cancelled, "install the key", "it was broken off")))
    }
}

async fn install(engine: &Engine, order: &KeyInstallation, stop: &CancellationToken) -> FsResult<KeyInstalled> {
    let place = engine.lease(Place::Remote(order.session)).await?;
    let mut authorized = authorize(&*place, &order.home, order.file.as_deref(), &order.public, order.dry_run).await?;
    let trial = match &order.key {
        Some(key) if !order.dry_run => {
            let tried = stop.run_until_cancelled(engine.try_key(order.session, key)).await;
            judge(tried, order, &*place, &mut authorized).await
        }
        _ => KeyTrial::NotTried,
    };
    Ok(KeyInstalled { authorized, trial })
}

/// What the server said of the key alone (`None`: that was not waited for), and what follows from it for the file.
async fn judge(
    tried: Option<Result<AuthStep, ConnectFailure>>,
    order: &KeyInstallation,
    place: &dyn FileSystem,
    authorized: &mut Authorized,
) -> KeyTrial {
    let intended = tried.is_none();
    let (failure, why) = match tried {
        Some(Ok(AuthStep::Success)) => return KeyTrial::Accepted("a second login, with this key alone, works".to_owned()),
        Some(Ok(AuthStep::Failure { partial: true, remaining })) => {
            let more = names(&remaining);
            return KeyTrial::Accepted(format!("the server accepts the key in a second login, and wants something more after it: {more}"));
        }
        Some(Ok(AuthStep::Failure { remaining, .. })) => (None, format!("The server refused the key; it takes: {}.", names(&remaining))),
        Some(Ok(AuthStep::Prompts { .. })) => (None, "The server asked questions instead.".to_owned()),
        Some(Err(failure)) => {
            let Advice { what, why, .. } = Advice::from(&failure);
            (Some(failure), format!("{what} {why}"))
        }
        None => (None, String::new()),
    };
    let left = undo(order.keep, place, authorized).await;
    let label = order.public.label();
    let (what, next) = if intended {
        (format!("a second login, with the key {label} alone, was stopped before the server answered"), left)
    } else {
        (
            format!("a second login, with the key {label} alone, does not work"),
            format!("{left} sshd's log says why; look at the modes of the folders, and whether it reads another file."),
        )
    };
    KeyTrial::Failed { failure, advice: Advice { what, why, next, intended } }
}

/// Takes the key out again unless it is to stay; says how the file stands.
async fn undo(keep: bool, place: &dyn FileSystem, authorized: &mut Authorized) -> String {
    let file = authorized.file.display();
    match authorized.outcome {
        AuthorizeOutcome::Added if keep => format!("The key was left in {file}."),
        AuthorizeOutcome::Added => match withdraw(place, authorized).await {
            Ok(()) => format!("{file} is as it was before."),
            Err(error) => format!("The key is still in {file}: {error}."),
        },
        AuthorizeOutcome::Present { .. } | AuthorizeOutcome::WouldAdd => "Nothing was changed on the server.".to_owned(),
    }
}

fn names(methods: &[Method]) -> String {
    let name = |method: &Method| match method {
        Method::Password => "password",
        Method::PublicKey => "publickey",
        Method::KeyboardInteractive => "keyboard-interactive",
        Method::Other => "a way not spoken here",
    };
    methods.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// The installations under way.
#[derive(Default)]
pub(super) struct Installations(Mutex<Vec<Running>>);

struct Running {
    session: SessionId,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Installations {
    fn start<F: Future<Output = ()> + Send + 'static>(&self, session: SessionId, work: impl FnOnce(CancellationToken) -> F) {
        let stop = CancellationToken::new();
        let task = tokio::spawn(work(stop.clone()));
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|running| !running.task.is_finished());
        running.push(Running { session, stop, task });
    }

    /// Stops those over the sessions meant and waits for them, which takes [`STOP_LIMIT`] at most.
    pub(super) async fn stop(&self, is_meant: impl Fn(SessionId) -> bool) {
        let stopped: Vec<Running> =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extract_if(.., |running| is_meant(running.session)).collect();
        for Running { stop, .. } in &stopped {
            stop.cancel();
        }
        futures::future::join_all(stopped.into_iter().map(|running| running.task)).await;
    }
}
