//! The engine behind the screen's seam: failures become words here.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::runtime::{Backend, NotConnected};
use crate::app::effect::SecretWork;
use crate::app::effect::SitesOrder;
use crate::app::message::{KeptSecrets, SecretsDone};
use crate::config::sites::Sites;
use crate::engine::sync::{CompareOrder, CompareProgress, Plan, Staged};
use crate::engine::{
    Advice, ConnectFailure, Engine, GoneOn, IdentityFailure, IdentityOrder, IdentityRow, Interrupted, JobId, JobSpec, Place, QueueOrder,
    SessionFacts, SessionId, Snapshot, Target,
};
use crate::model::site::ParsedUrl;
use crate::model::{Endpoint, Entry, EntryName, FilePath};
use crate::secrets::{Secret, SecretStore, SecretStoreError, VaultError};
use crate::trust::ledger::Row;
use crate::trust::store::Imported;
use crate::trust::{Evidence, Fingerprint, Pin, Revocation};

/// No certificate, key or list of decisions is larger (bytes).
const MOST_READ: usize = 1 << 20;

#[async_trait]
impl Backend for Engine {
    async fn connect(&self, url: ParsedUrl, password: Option<Secret>) -> Result<SessionFacts, NotConnected> {
        let fingerprint = url.fingerprint.as_deref().map(Fingerprint::parse).transpose().map_err(|error| Advice {
            what: "The fingerprint in the URL cannot be read.".to_owned(),
            why: format!("{error}."),
            next: "Write ;fingerprint=sha256: and 64 hex digits.".to_owned(),
            intended: false,
        })?;
        let password = password.or_else(|| url.password.map(Secret::new));
        Self::connect(self, Target { site: url.site, password, fingerprint }).await.map_err(|failure| match failure {
            // On a screen there is always somebody to ask: it was their own decision.
            ConnectFailure::NoSecret { wanted } => {
                Advice { what: format!("Not connected: {wanted} was not given."), why: String::new(), next: String::new(), intended: true }
                    .into()
            }
            ConnectFailure::ClientCertificate(refusal) => {
                let advice = Advice::from(&ConnectFailure::ClientCertificate(refusal.clone()));
                NotConnected { advice, refusal: Some(refusal) }
            }
            failure => Advice::from(&failure).into(),
        })
    }

    async fn list(&self, place: Place, dir: &FilePath, batches: mpsc::Sender<Vec<Entry>>) -> Result<(), Advice> {
        Self::list(self, place, dir, batches).await.map_err(|error| Advice::from(&error))
    }

    async fn stat(&self, place: Place, dir: &FilePath, names: &[EntryName]) -> Result<Vec<Entry>, Advice> {
        self.stat_many(place, dir, names).await.map_err(|error| Advice::from(&error))
    }

    async fn make_dir(&self, place: Place, path: &FilePath) -> Result<(), Advice> {
        Self::make_dir(self, place, path).await.map_err(|error| Advice::from(&error))
    }

    async fn rename(&self, place: Place, from: &FilePath, to: &FilePath) -> Result<(), Advice> {
        Self::rename(self, place, from, to).await.map_err(|error| Advice::from(&error))
    }

    async fn read_small(&self, place: Place, path: &FilePath) -> Result<Vec<u8>, Advice> {
        let content = Self::read_small(self, place, path, MOST_READ).await.map_err(|error| Advice::from(&error))?;
        content.ok_or_else(|| Advice {
            what: format!("{} is too large to be inspected.", path.display()),
            why: "It has more than 1 MiB; certificates, keys and lists of decisions are smaller.".to_owned(),
            next: "If it holds many certificates, split it.".to_owned(),
            intended: false,
        })
    }

    async fn write_new(&self, path: &FilePath, content: Vec<u8>) -> Result<(), Advice> {
        Self::write_new(self, path, content).await.map_err(|error| Advice::from(&error))
    }

    async fn check_revocation(&self, evidence: &Evidence) -> Result<Revocation, Advice> {
        Ok(Self::check_revocation(self, evidence).await)
    }

    async fn ledger_rows(&self) -> Result<Vec<Row>, Advice> {
        self.ledger().rows().await.map_err(|error| in_a_sentence(&error))
    }

    async fn ledger_remove(&self, row: &Row) -> Result<Option<String>, Advice> {
        let kept = self.ledger().remove(row, true).await.map_err(|error| in_a_sentence(&error))?;
        Ok(kept.remark)
    }

    async fn ledger_accept(&self, endpoint: Endpoint, pin: Pin) -> Result<Option<String>, Advice> {
        self.ledger().accept(endpoint, pin).await.map(|kept| kept.remark).map_err(|error| in_a_sentence(&error))
    }

    async fn ledger_export(&self) -> Result<String, Advice> {
        self.ledger().export().await.map_err(|error| in_a_sentence(&error))
    }

    async fn ledger_import(&self, text: &str) -> Result<String, Advice> {
        self.ledger().import(text).await.map(|imported| imported_words(&imported)).map_err(|error| in_a_sentence(&error))
    }

    async fn sites(&self, order: SitesOrder) -> Result<Arc<Sites>, Advice> {
        let book = self.sites().clone();
        let working = tokio::task::spawn_blocking(move || match order {
            SitesOrder::Read => book.read(),
            SitesOrder::Add(entry) => book.add(&[*entry]),
            SitesOrder::Replace { name, entry } => book.replace(&[(name.as_str(), *entry)]),
            SitesOrder::Remove(name) => book.remove(&name),
        });
        let worked = working.await.map_err(|error| in_a_sentence(&error))?;
        worked.map_err(|error| in_a_sentence(&error))
    }

    async fn identities(&self) -> Result<Vec<IdentityRow>, Advice> {
        Self::identities(self).await
    }

    async fn work_on_identities(&self, order: IdentityOrder) -> Result<String, IdentityFailure> {
        Self::work_on_identities(self, order).await
    }

    async fn secrets(&self) -> Result<KeptSecrets, Advice> {
        in_the_secrets(self, |store| Ok(KeptSecrets { rows: store.list(Timestamp::now())?, standing: store.standing() })).await
    }

    async fn work_on_secrets(&self, work: SecretWork, passphrase: Option<Secret>) -> Result<SecretsDone, Advice> {
        if let Some(passphrase) = passphrase {
            self.open_vault(passphrase).await.map_err(|error| ledger_advice(&error))?;
        }
        in_the_secrets(self, move |store| {
            let now = Timestamp::now();
            let done = match &work {
                SecretWork::Read => Ok(String::new()),
                SecretWork::Forget(label) => store.forget(label, now).map(|was_kept| {
                    let said = if was_kept { "forgotten; you are asked the next time" } else { "nothing was kept under that any more" };
                    said.to_owned()
                }),
                SecretWork::Move(label, to) => {
                    store.move_to(label, *to, now).map(|()| format!("moved to {}", to.place().unwrap_or_default()))
                }
                SecretWork::LockVault => {
                    store.vault().lock();
                    Ok("the vault is locked".to_owned())
                }
            };
            match done {
                Err(SecretStoreError::Vault(VaultError::Locked)) => Ok(SecretsDone::VaultLocked(work)),
                done => done.map(SecretsDone::Said),
            }
        })
        .await
    }

    async fn compare(&self, order: &CompareOrder, progress: &CompareProgress) -> Result<Plan, Advice> {
        Self::compare(self, order, progress).await.map_err(|error| Advice::from(&error))
    }

    async fn synchronise(&self, plan: Arc<Plan>, places: [Place; 2]) -> Staged {
        self.queue().run_stages(plan.jobs(places, self.now())).await
    }

    fn submit(&self, job: JobSpec) {
        self.queue().submit(job);
    }

    async fn go_on(&self, interrupted: Vec<Interrupted>) -> GoneOn {
        Self::go_on(self, interrupted).await
    }

    async fn forget(&self, interrupted: Vec<Interrupted>) -> Vec<String> {
        Self::forget(self, interrupted).await
    }

    fn stop_jobs(&self) {
        self.queue().cancel_all();
    }

    fn cancel_job(&self, job: JobId) {
        self.queue().cancel(job);
    }

    fn clear_jobs(&self) {
        self.queue().clear_finished();
    }

    fn steer_queue(&self, order: QueueOrder) {
        self.queue().carry_out(order);
    }

    fn snapshot(&self) -> Snapshot {
        self.queue().snapshot()
    }

    async fn disconnect(&self, session: SessionId) {
        Self::disconnect(self, session).await;
    }

    async fn shut_down(&self) {
        self.shutdown().await;
    }
}

/// Keyrings, files and key derivations, off the runtime's threads.
async fn in_the_secrets<T: Send + 'static>(
    engine: &Engine,
    work: impl FnOnce(&SecretStore) -> Result<T, SecretStoreError> + Send + 'static,
) -> Result<T, Advice> {
    let store = engine.secrets();
    match tokio::task::spawn_blocking(move || work(&store)).await {
        Ok(done) => done.map_err(|error| ledger_advice(&error)),
        Err(error) => Err(ledger_advice(&error)),
    }
}

/// Errors of the ledger and of secrets are sentences already.
fn ledger_advice(error: &dyn std::error::Error) -> Advice {
    Advice { what: error.to_string(), why: String::new(), next: String::new(), intended: false }
}

/// Errors of the ledger and of the sites are sentences already.
fn in_a_sentence(error: &dyn std::error::Error) -> Advice {
    Advice { what: error.to_string(), why: String::new(), next: String::new(), intended: false }
}

/// What came of taking decisions over.
fn imported_words(imported: &Imported) -> String {
    let mut words = format!("{} taken over, {} were there already", imported.added.len(), imported.known);
    if !imported.added.is_empty() {
        let named: Vec<_> = imported.added.iter().take(10).map(Endpoint::to_string).collect();
        let more = imported.added.len() - named.len();
        let others = if more > 0 { format!(" and {more} more") } else { String::new() };
        words.push_str(&format!("; trusted now: {}{others}", named.join(", ")));
    }
    if let Some(first) = imported.conflicts.first() {
        let more = imported.conflicts.len() - 1;
        let others = if more > 0 { format!(" and {more} more") } else { String::new() };
        words.push_str(&format!("; at {}{others} another certificate is trusted, and stays", first.endpoint));
    }
    if imported.left_out > 0 {
        words.push_str(&format!("; {} left out, being no certificates of servers", imported.left_out));
    }
    if let Some(remark) = &imported.remark {
        words.push_str(&format!("; {remark}"));
    }
    words
}
