//! Removes what a plan says: into the trash of that side, or for good. Files first, then folders that are empty by then.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use tokio::sync::Mutex;

use super::TRASH;
use super::apply::Picked;
use super::copies::{by_name, changed};
use super::hands::Hands;
use super::options::SyncSide;
use super::plan::{Plan, below, joined};
use super::row::Row;
use crate::engine::job::Outcome;
use crate::engine::plan::make_dir;
use crate::engine::running::Job;
use crate::model::{EntryName, FilePath};
use crate::vfs::{FsError, FsErrorKind, FsResult, NewMetadata, Replace};

/// Removes what `picked` picks.
pub(in crate::engine) async fn remove(job: &Job, picked: &Picked) {
    job.found(picked.places().count() as u64, 0);
    job.counted();
    let removal = match job.in_turn(Removal::new(job, picked)).await {
        Ok(removal) => removal,
        Err(error) => {
            job.failed(&job.spec.from_dir, None, error).await;
            return;
        }
    };
    removal.run().await;
}

struct Removal<'a> {
    job: &'a Job,
    picked: &'a Picked,
    plan: &'a Plan,
    /// Where it is removed.
    own: Arc<Hands>,
    /// The side it was compared with.
    other: Arc<Hands>,
    /// Folders of the trash that are there, from the root of the comparison.
    trash: Mutex<HashSet<Vec<u8>>>,
}

impl<'a> Removal<'a> {
    /// Deletes nothing where the other side cannot be read now, or is as empty as a disk that is not there.
    async fn new(job: &'a Job, picked: &'a Picked) -> FsResult<Self> {
        let spec = &job.spec;
        let [own, other] = Hands::of_both(&job.places, [spec.from, spec.to]).await.map_err(|(_, error)| error)?;
        if other.list(&spec.to_dir).await?.is_empty() && !picked.plan.options.empty_source {
            let words = "there is nothing in it now, as in a disk that is not mounted, so nothing was deleted on the other side";
            return Err(FsError::new(FsErrorKind::Refused, "compare with", &spec.to_dir, words));
        }
        Ok(Self { job, picked, plan: &picked.plan, own, other, trash: Mutex::default() })
    }

    async fn run(&self) {
        let at_once = self.own.most().min(16);
        stream::iter(self.picked.files()).for_each_concurrent(at_once, |rows| self.remove_files(rows)).await;
        let mut folders: BTreeMap<usize, Vec<Row>> = BTreeMap::new();
        for row in self.picked.places().filter_map(|at| self.plan.row(at)).filter(Row::is_dir) {
            folders.entry(self.plan.depth(row.folder)).or_default().push(row);
        }
        // The innermost first: what is in them is gone.
        for rows in folders.into_values().rev() {
            stream::iter(rows).for_each_concurrent(at_once, |row| async move { self.remove_folder(&row).await }).await;
        }
    }

    fn path(&self, row: &Row) -> FilePath {
        self.plan.folder_on(self.picked.target, row.folder).join(&row.name)
    }

    async fn remove_files(&self, rows: Vec<Row>) {
        let Some(folder) = rows.first().map(|row| row.folder) else { return };
        let names: Vec<EntryName> = rows.iter().map(|row| row.name.clone()).collect();
        let dir = |side: SyncSide| self.plan.folder_on(side, folder);
        let (own_dir, other_dir) = (dir(self.picked.target), dir(self.picked.target.other()));
        let looked = async { tokio::try_join!(self.own.stat_many(&own_dir, &names), self.other.stat_many(&other_dir, &names)) };
        let looked = self.job.in_turn(looked).await;
        let (own, other) = match looked {
            Ok((own, other)) => (by_name(own), by_name(other)),
            Err(error) => {
                for row in rows {
                    self.end(&row, Err(error.clone())).await;
                }
                return;
            }
        };
        let (own, other) = (&own, &other);
        let remove = |row: Row| async move {
            let name = row.name.as_bytes();
            let (own, other) = (own.get(name), other.get(name));
            let target = self.picked.target;
            let result = match own {
                // Gone is what was wanted.
                None => Ok(()),
                own if !self.picked.is_as_compared(target, row.on(target), own) => Err(changed(&self.path(&row))),
                _ if !self.picked.is_as_compared(target.other(), row.on(target.other()), other) => Err(changed(&self.path(&row))),
                _ => self.job.in_turn(self.remove_file(&row)).await,
            };
            self.end(&row, result).await;
        };
        stream::iter(rows).for_each_concurrent(self.own.most().min(16), remove).await;
    }

    async fn end(&self, row: &Row, result: FsResult<()>) {
        if !matches!(&result, Err(error) if error.kind == FsErrorKind::Cancelled) {
            self.job.ended(&self.path(row), None, 0, result.map(|()| Outcome::Removed)).await;
        }
    }

    async fn remove_file(&self, row: &Row) -> FsResult<()> {
        let path = self.path(row);
        let to = match &self.picked.trash {
            Some(run) => {
                let dir = self.trash_folder(run, &self.plan.folder_path(row.folder)).await?;
                Some(dir.join(&row.name))
            }
            None => None,
        };
        let removed = self.own.ask(|place| {
            let (path, to) = (path.clone(), to.clone());
            Box::pin(async move {
                match to {
                    Some(to) => place.rename(&path, &to, Replace::No).await,
                    None => place.remove_file(&path).await,
                }
            })
        });
        match removed.await {
            // Perhaps the answer to an earlier try was lost, not the deed.
            Err(error) if error.kind == FsErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    async fn remove_folder(&self, row: &Row) {
        let path = self.path(row);
        let removal = async {
            if let Some(run) = &self.picked.trash {
                self.trash_folder(run, &joined(self.plan.folder_path(row.folder), row.name.as_bytes())).await?;
            }
            let removed = self.own.ask(|place| {
                let path = path.clone();
                Box::pin(async move { place.remove_dir(&path).await })
            });
            removed.await
        };
        match self.job.in_turn(removal).await {
            Err(error) if error.kind == FsErrorKind::NotFound => self.end(row, Ok(())).await,
            // What was left out of the comparison, or failed and was told, keeps its folder.
            Err(error) if error.kind == FsErrorKind::NotEmpty => self.job.ended(&path, None, 0, Ok(Outcome::Skipped)).await,
            result => self.end(row, result).await,
        }
    }

    /// The folder of the trash that `path`, from the root of the comparison, goes to; made with those above it. Only its owner may
    /// look into the trash, as far as the place can say so.
    async fn trash_folder(&self, run: &EntryName, path: &[u8]) -> FsResult<FilePath> {
        let mut made = self.trash.lock().await;
        let trash = below(&self.plan.end(self.picked.target).dir, TRASH.as_bytes());
        let root = trash.join(run);
        let wanted = below(&root, path);
        if made.contains(path) {
            return Ok(wanted);
        }
        if made.is_empty() {
            if self.make(&trash).await? && self.own.capabilities().set_mode {
                let private = NewMetadata { mode: Some(0o700), modified: None };
                let set = self.own.ask(|place| {
                    let trash = trash.clone();
                    Box::pin(async move { place.set_metadata(&trash, private).await })
                });
                set.await?;
            }
            self.make(&root).await?;
            made.insert(Vec::new());
        }
        let mut above = Vec::new();
        for part in path.split(|&byte| byte == b'/').filter(|part| !part.is_empty()) {
            above = joined(above, part);
            if !made.contains(&above) {
                self.make(&below(&root, &above)).await?;
                made.insert(above.clone());
            }
        }
        Ok(wanted)
    }

    /// Makes a folder; says whether it was not there.
    async fn make(&self, dir: &FilePath) -> FsResult<bool> {
        let there = self.own.ask(|place| {
            let dir = dir.clone();
            Box::pin(async move { make_dir(place, &dir).await })
        });
        Ok(there.await?.is_none())
    }
}
