//! What the screen needs of the engine, and nothing more, so that both can be tested without each other.

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::engine::{Advice, JobId, JobSpec, Place, SessionFacts, SessionId, Snapshot};
use crate::model::site::ParsedUrl;
use crate::model::{Entry, EntryName, FilePath};
use crate::secrets::Secret;

/// The engine as the screen sees it. Dropping a call's future cancels it.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Connects and logs in; questions go to whoever holds the engine's prompter.
    async fn connect(&self, url: ParsedUrl, password: Option<Secret>) -> Result<SessionFacts, Advice>;

    /// Lists a folder into `batches` as entries arrive.
    async fn list(&self, place: Place, dir: &FilePath, batches: mpsc::Sender<Vec<Entry>>) -> Result<(), Advice>;

    /// Facts of names in one folder; names that are gone are left out.
    async fn stat(&self, place: Place, dir: &FilePath, names: &[EntryName]) -> Result<Vec<Entry>, Advice>;

    /// Makes one folder.
    async fn make_dir(&self, place: Place, path: &FilePath) -> Result<(), Advice>;

    /// Renames, replacing nothing.
    async fn rename(&self, place: Place, from: &FilePath, to: &FilePath) -> Result<(), Advice>;

    /// Queues a job. Its end comes as [`crate::app::Msg::JobEnded`] through the events of the run.
    fn submit(&self, job: JobSpec);

    /// Stops a job.
    fn cancel_job(&self, job: JobId);

    /// Forgets jobs that ended.
    fn clear_jobs(&self);

    /// All jobs as they stand. Cheap: asked four times a second while a job runs.
    fn snapshot(&self) -> Snapshot;

    /// Lets go of a session.
    async fn disconnect(&self, session: SessionId);

    /// Ends everything that is under way. What takes longer than a few seconds is dropped.
    async fn shut_down(&self);
}
