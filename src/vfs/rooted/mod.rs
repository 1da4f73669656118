//! One folder of this machine as a whole place: `/` is the folder, and nothing outside is reached, by links neither.

mod beneath;

use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use tokio::sync::mpsc;

use self::beneath::Root;
use super::local::{self, Failure, LocalSink, LocalSource};
use super::{
    Capabilities, Create, Digest, DigestAlgorithm, FileSystem, FsError, FsErrorKind, FsResult, LocalFileSystem, NewMetadata, Replace, Sink,
    Source,
};
use crate::model::{Entry, EntryName, FilePath, Kind};

/// A folder of this machine as `/`.
#[derive(Debug, Clone)]
pub struct RootedFileSystem {
    root: Arc<Root>,
    is_read_only: bool,
}

impl RootedFileSystem {
    /// The folder `root`, links in its own path resolved. It stays this folder when it is moved.
    pub fn new(root: &Path) -> std::io::Result<Self> {
        Ok(Self { root: Arc::new(Root::open(root)?), is_read_only: false })
    }

    /// Nothing in it can be changed.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { is_read_only: true, ..self }
    }

    async fn reach<T: Send + 'static>(
        &self,
        attempted: &'static str,
        path: &FilePath,
        act: impl FnOnce(&Root, &FilePath) -> Result<T, Failure> + Send + 'static,
    ) -> FsResult<T> {
        let root = self.root.clone();
        local::off_runtime(attempted, path, move |path| act(&root, path)).await
    }

    /// [`Self::reach`], to change something.
    async fn change<T: Send + 'static>(
        &self,
        attempted: &'static str,
        path: &FilePath,
        act: impl FnOnce(&Root, &FilePath) -> Result<T, Failure> + Send + 'static,
    ) -> FsResult<T> {
        if self.is_read_only {
            return Err(FsError::new(FsErrorKind::PermissionDenied, attempted, path, "this is served to be read only"));
        }
        self.reach(attempted, path, act).await
    }
}

#[async_trait]
impl FileSystem for RootedFileSystem {
    fn capabilities(&self) -> Capabilities {
        let can = LocalFileSystem::new().capabilities();
        let writes = !self.is_read_only;
        Capabilities {
            append: can.append && writes,
            write_at: can.write_at && writes,
            set_modified: can.set_modified && writes,
            set_mode: can.set_mode && writes,
            symlinks: false,
            copies_within: false,
            copies_facts: false,
            ..can
        }
    }

    async fn list(&self, dir: &FilePath, batches: mpsc::Sender<Vec<Entry>>) -> FsResult<()> {
        let root = self.root.clone();
        local::list(dir, move |dir| root.descriptor(dir, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()), batches).await
    }

    async fn stat(&self, path: &FilePath) -> FsResult<Entry> {
        let look = |root: &Root, path: &FilePath| {
            if path.is_root() {
                return Ok(local::look(root.folder(path)?, b".", b"/", || None)?);
            }
            let (folder, name) = root.entry(path)?;
            Ok(local::look(folder, name.as_bytes(), name.as_bytes(), || target_kind(root, path))?)
        };
        self.reach("look at", path, look).await
    }

    async fn stat_many(&self, dir: &FilePath, names: &[EntryName]) -> FsResult<Vec<Entry>> {
        let names = names.to_vec();
        let look = move |root: &Root, dir: &FilePath| local::look_at(root.folder(dir)?, &names, |name| target_kind(root, &dir.join(name)));
        self.reach("look at", dir, look).await
    }

    async fn open(&self, path: &FilePath, from: u64) -> FsResult<Box<dyn Source>> {
        let open = move |root: &Root, path: &FilePath| {
            let file = root.file(path, OFlags::RDONLY, Mode::empty())?;
            LocalSource::over(file, path, from)
        };
        Ok(Box::new(self.reach("read", path, open).await?))
    }

    async fn create(&self, path: &FilePath, how: Create) -> FsResult<Box<dyn Sink>> {
        // Links lead nowhere but inside: who served the folder with them in it wants them to be followed.
        let create = move |root: &Root, path: &FilePath| {
            LocalSink::create(path, how, |flags, mode| root.file(path, flags.difference(OFlags::NOFOLLOW), mode))
        };
        Ok(Box::new(self.change("write", path, create).await?))
    }

    async fn make_dir(&self, path: &FilePath) -> FsResult<()> {
        let make = |root: &Root, path: &FilePath| {
            let (folder, name) = root.entry(path)?;
            Ok(rustix::fs::mkdirat(folder, name.as_bytes(), Mode::from_raw_mode(0o777))?)
        };
        self.change("make the folder", path, make).await
    }

    async fn remove_file(&self, path: &FilePath) -> FsResult<()> {
        self.change("remove", path, |root, path| remove(root, path, AtFlags::empty())).await
    }

    async fn remove_dir(&self, path: &FilePath) -> FsResult<()> {
        self.change("remove the folder", path, |root, path| remove(root, path, AtFlags::REMOVEDIR)).await
    }

    async fn rename(&self, from: &FilePath, to: &FilePath, replace: Replace) -> FsResult<()> {
        let to = to.clone();
        let rename = move |root: &Root, from: &FilePath| {
            let ((folder, name), (target, new_name)) = (root.entry(from)?, root.entry(&to)?);
            local::rename((folder.as_fd(), name.as_bytes()), (target.as_fd(), new_name.as_bytes()), replace)
        };
        self.change("rename", from, rename).await
    }

    async fn set_metadata(&self, path: &FilePath, metadata: NewMetadata) -> FsResult<()> {
        let set = move |root: &Root, path: &FilePath| {
            let kind = FileType::from_raw_mode(root.stat(path)?.st_mode);
            if kind != FileType::Directory {
                local::require_regular(kind)?;
            }
            let open = |access| root.descriptor(path, access | OFlags::NONBLOCK, Mode::empty());
            // What may not be read may yet be written; what may be neither has no descriptor that it could be changed by.
            let file = open(OFlags::RDONLY).or_else(|failure| open(OFlags::WRONLY).map_err(|_| failure))?;
            local::set_open(file, metadata)
        };
        self.change("set times and mode of", path, set).await
    }

    async fn digest(&self, path: &FilePath, wanted: &[DigestAlgorithm]) -> FsResult<Option<Digest>> {
        let root = self.root.clone();
        local::digest(path, wanted, move |path| root.file(path, OFlags::RDONLY, Mode::empty())).await
    }
}

fn remove(root: &Root, path: &FilePath, flags: AtFlags) -> Result<(), Failure> {
    let (folder, name) = root.entry(path)?;
    Ok(rustix::fs::unlinkat(folder, name.as_bytes(), flags)?)
}

/// What the link `path` leads to, inside.
fn target_kind(root: &Root, path: &FilePath) -> Option<Kind> {
    root.stat(path).ok().map(|stat| local::kind(FileType::from_raw_mode(stat.st_mode)))
}

#[cfg(test)]
mod tests;
