//! Starts what the core orders, as tasks somebody owns. Never waits, and draws nothing.

mod clients;
mod look;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::runtime::{Backend, NotConnected};
use crate::app::message::start_folder;
use crate::app::{Effect, Generation, Msg, Side};
use crate::engine::{Advice, Place, Snapshot};
use crate::model::{Entry, FilePath, sort};
use crate::server::Clients;

/// Owns every task the screen started; dropping it ends them.
pub struct Executor {
    backend: Arc<dyn Backend>,
    /// The lists of the person's own server.
    clients: Clients,
    messages: mpsc::Sender<Msg>,
    tasks: JoinSet<()>,
    /// What each pane waits for: a connection or a listing, at most one.
    waiting: [Option<AbortHandle>; 2],
    /// The sorting and the looking up of each pane: an older one is of no use.
    sorting: [Option<AbortHandle>; 2],
    looking_up: [Option<AbortHandle>; 2],
    /// What inspectors, exports and the lists wait for, by their numbers.
    looking: Vec<(Generation, AbortHandle)>,
}

/// How long the end of the program waits for the backend.
const SHUT_DOWN_LIMIT: Duration = Duration::from_secs(5);

/// Messages that wait for the loop; more make their senders wait.
const QUEUE: usize = 256;

impl Executor {
    /// An executor, and the queue the answers arrive in.
    pub fn new(backend: Arc<dyn Backend>, clients: Clients) -> (Self, mpsc::Receiver<Msg>) {
        let (messages, queue) = mpsc::channel(QUEUE);
        let none = || [None, None];
        (
            Self {
                backend,
                clients,
                messages,
                tasks: JoinSet::new(),
                waiting: none(),
                sorting: none(),
                looking_up: none(),
                looking: Vec::new(),
            },
            queue,
        )
    }

    /// Starts `effect`. Orders to the terminal (clipboard, suspend, redraw, quit) are given back.
    pub fn start(&mut self, effect: Effect) -> Option<Effect> {
        self.reap();
        let backend = Arc::clone(&self.backend);
        match effect {
            Effect::Connect { pane, generation, url, password } => {
                let task = self.spawn(async move {
                    let start = url.path.clone();
                    match backend.connect(url, password).await {
                        Ok(session) => {
                            let start = start_folder(&session.home, &start);
                            Some(Msg::Connected { pane, generation, session, start })
                        }
                        Err(NotConnected { advice, refusal }) => Some(Msg::ConnectFailed { pane, generation, advice, refusal }),
                    }
                });
                replace(&mut self.waiting[pane as usize], task);
            }
            Effect::List { pane, generation, place, dir } => {
                let messages = self.messages.clone();
                let task = self.spawn(async move {
                    let result = list(&*backend, &messages, pane, generation, place, &dir).await;
                    Some(Msg::ListingEnded { pane, generation, result })
                });
                replace(&mut self.waiting[pane as usize], task);
            }
            Effect::CancelPane(pane) => cancel(&mut self.waiting[pane as usize]),
            Effect::Sort { pane, generation, entries, sort, show_hidden, filter } => {
                let task = self.spawn(async move {
                    let sorted = tokio::task::spawn_blocking(move || sort::order(&entries, sort, show_hidden, &filter));
                    sorted.await.ok().map(|order| Msg::Sorted { pane, generation, order })
                });
                replace(&mut self.sorting[pane as usize], task);
            }
            Effect::Stat { pane, generation, place, dir, names } => {
                let task = self.spawn(async move {
                    // Facts that cannot be had stay blank; the listing itself told if the place is in trouble.
                    let entries = backend.stat(place, &dir, &names).await.ok()?;
                    Some(Msg::Statted { pane, generation, entries })
                });
                replace(&mut self.looking_up[pane as usize], task);
            }
            Effect::MakeDir { place, path } => {
                self.spawn(async move {
                    let result = backend.make_dir(place, &path).await;
                    Some(ended(format!("made the folder {}", path.display()), result, place, &[&path]))
                });
            }
            Effect::Rename { place, from, to } => {
                self.spawn(async move {
                    let result = backend.rename(place, &from, &to).await;
                    Some(ended(format!("renamed {} to {}", from.display(), to.display()), result, place, &[&from, &to]))
                });
            }
            Effect::Disconnect(session) => {
                self.spawn(async move {
                    backend.disconnect(session).await;
                    None
                });
            }
            Effect::Inspect { generation, place, path, now } => {
                let task = self.spawn(async move {
                    let result = look::inspect(&*backend, place, &path, now).await;
                    Some(Msg::Inspected { generation, result })
                });
                self.look(generation, task);
            }
            Effect::CheckRevocation { generation, evidence } => {
                let task = self.spawn(async move {
                    let result = backend.check_revocation(&evidence).await;
                    Some(Msg::RevocationChecked { generation, result })
                });
                self.look(generation, task);
            }
            Effect::WriteFile { generation, path, content } => {
                let task = self.spawn(async move {
                    let result = look::write(&*backend, &path, content).await;
                    Some(Msg::FileWritten { generation, path, result })
                });
                self.look(generation, task);
            }
            Effect::Ledger { generation, order } => {
                let task = self.spawn(async move {
                    let done = look::work_on_ledger(&*backend, order).await;
                    let rows = backend.ledger_rows().await;
                    Some(Msg::LedgerRead { generation, done, rows })
                });
                self.look(generation, task);
            }
            Effect::Identities { generation, order } => {
                let task = self.spawn(async move {
                    let done = backend.work_on_identities(order).await;
                    let rows = backend.identities().await;
                    Some(Msg::IdentitiesRead { generation, done, rows })
                });
                self.look(generation, task);
            }
            Effect::Secrets { generation, work, passphrase } => {
                let task = self.spawn(async move {
                    let done = backend.work_on_secrets(work, passphrase).await;
                    let kept = backend.secrets().await;
                    Some(Msg::SecretsRead { generation, done, kept })
                });
                self.look(generation, task);
            }
            Effect::Sites { generation, order } => {
                let task = self.spawn(async move {
                    let result = look::work_on_sites(&*backend, order).await;
                    Some(Msg::SitesRead { generation, result })
                });
                self.look(generation, task);
            }
            Effect::Clients { generation, order } => {
                let clients = self.clients.clone();
                let task = self.spawn(async move {
                    let (done, lists) = clients::work(&*backend, clients, order).await;
                    Some(Msg::ClientsRead { generation, done, lists })
                });
                self.look(generation, task);
            }
            Effect::Compare { generation, order, progress } => {
                let task = self.spawn(async move {
                    let result = backend.compare(&order, &progress).await.map(Box::new);
                    Some(Msg::Compared { generation, result })
                });
                self.look(generation, task);
            }
            Effect::Synchronise { plan, places } => {
                self.spawn(async move { Some(Msg::Synchronised(Box::new(backend.synchronise(plan, places).await))) });
            }
            Effect::StopLooking(generation) => {
                for (_, task) in self.looking.extract_if(.., |(of, _)| *of == generation) {
                    task.abort();
                }
            }
            Effect::Submit(job) => backend.submit(job),
            Effect::GoOn(interrupted) => {
                self.spawn(async move { Some(Msg::GoneOn(backend.go_on(interrupted).await)) });
            }
            Effect::ForgetInterrupted(interrupted) => {
                self.spawn(async move { Some(Msg::Notice(look::forgotten(&backend.forget(interrupted).await))) });
            }
            Effect::StopJobs => backend.stop_jobs(),
            Effect::CancelJob(job) => backend.cancel_job(job),
            Effect::ClearJobs => backend.clear_jobs(),
            Effect::Queue(order) => backend.steer_queue(order),
            terminal @ (Effect::Clipboard(_) | Effect::Suspend | Effect::Redraw | Effect::Quit) => return Some(terminal),
        }
        None
    }

    /// All jobs as they stand.
    pub fn snapshot(&self) -> Snapshot {
        self.backend.snapshot()
    }

    /// Ends every task, and the backend within a few seconds.
    pub async fn shut_down(mut self) {
        self.tasks.abort_all();
        let backend = Arc::clone(&self.backend);
        let ending = tokio::time::timeout(SHUT_DOWN_LIMIT, async {
            backend.shut_down().await;
            while self.tasks.join_next().await.is_some() {}
        });
        // Whatever takes longer is dropped with the tasks.
        drop(ending.await);
    }

    fn spawn(&mut self, work: impl Future<Output = Option<Msg>> + Send + 'static) -> AbortHandle {
        let messages = self.messages.clone();
        self.tasks.spawn(async move {
            if let Some(message) = work.await {
                // Without a loop there is nobody to tell.
                drop(messages.send(message).await);
            }
        })
    }

    fn look(&mut self, generation: Generation, task: AbortHandle) {
        self.looking.retain(|(_, task)| !task.is_finished());
        self.looking.push((generation, task));
    }

    /// Forgets tasks that ended; one that panicked is told.
    fn reap(&mut self) {
        while let Some(ended) = self.tasks.try_join_next() {
            if ended.is_err_and(|error| error.is_panic()) {
                let advice = Advice {
                    what: "an operation failed inside sealift".into(),
                    why: "this is a bug; the log has the details".into(),
                    next: "try again".into(),
                    intended: false,
                };
                drop(self.messages.try_send(Msg::Notice(advice)));
            }
        }
    }
}

fn replace(slot: &mut Option<AbortHandle>, task: AbortHandle) {
    cancel(slot);
    *slot = Some(task);
}

fn cancel(slot: &mut Option<AbortHandle>) {
    if let Some(task) = slot.take() {
        task.abort();
    }
}

async fn list(
    backend: &dyn Backend,
    messages: &mpsc::Sender<Msg>,
    pane: Side,
    generation: Generation,
    place: Place,
    dir: &FilePath,
) -> Result<(), Advice> {
    let (batches, mut arriving) = mpsc::channel::<Vec<Entry>>(4);
    let pass_on = async {
        while let Some(batch) = arriving.recv().await {
            if messages.send(Msg::Listed { pane, generation, batch }).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(backend.list(place, dir, batches), pass_on).0
}

fn ended(what: String, result: Result<(), Advice>, place: Place, paths: &[&FilePath]) -> Msg {
    let mut folders: Vec<FilePath> = paths.iter().map(|path| path.parent().unwrap_or_else(FilePath::root)).collect();
    folders.dedup();
    Msg::OperationEnded { what, result, changed: folders.into_iter().map(|folder| (place, folder)).collect() }
}
