//! What the screen needs of the engine, and nothing more, so that both can be tested without each other.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::app::effect::SecretWork;
use crate::app::effect::SitesOrder;
use crate::app::message::{KeptSecrets, SecretsDone};
use crate::config::sites::Sites;
use crate::engine::sync::{CompareOrder, CompareProgress, Plan, Staged};
use crate::engine::{
    Advice, GoneOn, IdentityFailure, IdentityOrder, IdentityRow, Interrupted, JobId, JobSpec, Place, QueueOrder, Refusal, SessionFacts,
    SessionId, Snapshot,
};
use crate::model::site::ParsedUrl;
use crate::model::{Endpoint, Entry, EntryName, FilePath};
use crate::secrets::Secret;
use crate::trust::ledger::Row;
use crate::trust::{Evidence, Pin, Revocation};

/// Why a connection did not come about, for a person.
pub struct NotConnected {
    /// In words.
    pub advice: Advice,
    /// What the server says of our certificate, if that is why.
    pub refusal: Option<Box<Refusal>>,
}

impl From<Advice> for NotConnected {
    fn from(advice: Advice) -> Self {
        Self { advice, refusal: None }
    }
}

/// The engine as the screen sees it. Dropping a call's future cancels it.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Connects and logs in; questions go to whoever holds the engine's prompter.
    async fn connect(&self, url: ParsedUrl, password: Option<Secret>) -> Result<SessionFacts, NotConnected>;

    /// Lists a folder into `batches` as entries arrive.
    async fn list(&self, place: Place, dir: &FilePath, batches: mpsc::Sender<Vec<Entry>>) -> Result<(), Advice>;

    /// Facts of names in one folder; names that are gone are left out.
    async fn stat(&self, place: Place, dir: &FilePath, names: &[EntryName]) -> Result<Vec<Entry>, Advice>;

    /// Makes one folder.
    async fn make_dir(&self, place: Place, path: &FilePath) -> Result<(), Advice>;

    /// Renames, replacing nothing.
    async fn rename(&self, place: Place, from: &FilePath, to: &FilePath) -> Result<(), Advice>;

    /// A small file as a whole; one that is too large for a certificate or key is refused.
    async fn read_small(&self, place: Place, path: &FilePath) -> Result<Vec<u8>, Advice>;

    /// Writes a new file on this machine, replacing nothing.
    async fn write_new(&self, path: &FilePath, content: Vec<u8>) -> Result<(), Advice>;

    /// Asks the issuer of a peer's certificate whether it was taken back.
    async fn check_revocation(&self, evidence: &Evidence) -> Result<Revocation, Advice>;

    /// Everything the person trusts.
    async fn ledger_rows(&self) -> Result<Vec<Row>, Advice>;

    /// Trusts something no more; a line of known_hosts goes whole. Answers what did not work as it should, though it is removed.
    async fn ledger_remove(&self, row: &Row) -> Result<Option<String>, Advice>;

    /// Trusts `pin` at an endpoint, in place of what was trusted there. Answers as [`Backend::ledger_remove`].
    async fn ledger_accept(&self, endpoint: Endpoint, pin: Pin) -> Result<Option<String>, Advice>;

    /// Every decision, as JSON.
    async fn ledger_export(&self) -> Result<String, Advice>;

    /// Takes over what [`Backend::ledger_export`] wrote; says in words what came of it.
    async fn ledger_import(&self, text: &str) -> Result<String, Advice>;

    /// All identities and authorities.
    async fn identities(&self) -> Result<Vec<IdentityRow>, Advice>;

    /// Works on identities; says in words what came of it.
    async fn work_on_identities(&self, order: IdentityOrder) -> Result<String, IdentityFailure>;
    /// The secrets the person keeps, without the secrets.
    async fn secrets(&self) -> Result<KeptSecrets, Advice>;

    /// Works on them, the vault opened with `passphrase` before.
    async fn work_on_secrets(&self, work: SecretWork, passphrase: Option<Secret>) -> Result<SecretsDone, Advice>;
    /// Works on the sites the person keeps; answers all of them as they are then.
    async fn sites(&self, order: SitesOrder) -> Result<Arc<Sites>, Advice>;

    /// Compares two folders.
    async fn compare(&self, order: &CompareOrder, progress: &CompareProgress) -> Result<Plan, Advice>;

    /// Carries out a plan, its two sides being at `places`, through the queue.
    async fn synchronise(&self, plan: Arc<Plan>, places: [Place; 2]) -> Staged;

    /// Queues a job. Its end comes as [`crate::app::Msg::JobEnded`] through the events of the run.
    fn submit(&self, job: JobSpec);

    /// Goes on with what earlier runs left unfinished; may ask.
    async fn go_on(&self, interrupted: Vec<Interrupted>) -> GoneOn;

    /// Forgets it; answers what could not be removed, safe to draw.
    async fn forget(&self, interrupted: Vec<Interrupted>) -> Vec<String>;

    /// Stops all jobs.
    fn stop_jobs(&self);

    /// Stops a job.
    fn cancel_job(&self, job: JobId);

    /// Forgets jobs that ended.
    fn clear_jobs(&self);

    /// Steers the queue; what comes of it is in the next snapshot.
    fn steer_queue(&self, order: QueueOrder);

    /// All jobs as they stand. Cheap: asked four times a second while a job runs.
    fn snapshot(&self) -> Snapshot;

    /// Lets go of a session.
    async fn disconnect(&self, session: SessionId);

    /// Ends everything that is under way. What takes longer than a few seconds is dropped.
    async fn shut_down(&self);
}
