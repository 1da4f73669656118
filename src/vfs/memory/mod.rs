//! A file system in memory: the demo's servers stand on it, and tests make it fail where they want.

pub mod faults;
mod line;
mod streams;
mod tree;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::mpsc;

use self::faults::{Call, Faults};
use self::line::Line;
use self::streams::{MemorySink, MemorySource};
use self::tree::{Bare, Dir, Node, Tree, lock};
use super::{
    Capabilities, Create, Digest, DigestAlgorithm, FileSystem, FsError, FsErrorKind, FsResult, Hasher, NewMetadata, Replace, Sink, Source,
};
use crate::model::{Entry, FilePath};

/// A tree of folders and files in memory. Clones are the same tree over the same (pretended) connection.
#[derive(Debug, Clone)]
pub struct MemoryFileSystem {
    tree: Arc<Mutex<Tree>>,
    options: MemoryOptions,
    line: Line,
}

/// How a [`MemoryFileSystem`] is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryOptions {
    /// Bytes of content it holds in all; then [`FsErrorKind::NoSpace`].
    pub capacity: u64,
    /// What it says of itself. What is `false` is refused; listings leave facts out where they are not promised.
    pub capabilities: Capabilities,
    /// Bytes of one read at the most.
    pub chunk: usize,
    /// Entries of one batch of a listing at the most.
    pub batch: usize,
    /// Names that differ only in case or composition are one, as on macOS and Windows.
    pub folds_case: bool,
    /// The digests it tells by itself.
    pub digests: &'static [DigestAlgorithm],
}

impl Default for MemoryOptions {
    fn default() -> Self {
        let capabilities = Capabilities {
            read_from: true,
            append: true,
            write_at: true,
            replaces_in_one_step: true,
            set_modified: true,
            set_mode: true,
            symlinks: true,
            listing_has_facts: true,
            copies_within: false,
            parallel: true,
            notices_damage: true,
            copies_facts: false,
        };
        Self { capacity: 1 << 30, capabilities, chunk: 256 * 1024, batch: 4096, folds_case: false, digests: &[] }
    }
}

impl MemoryFileSystem {
    /// An empty tree of at most 1 GiB that can do everything.
    pub fn new() -> Self {
        Self::with_options(MemoryOptions::default())
    }

    /// An empty tree.
    pub fn with_options(options: MemoryOptions) -> Self {
        Self { tree: Arc::new(Mutex::new(Tree::new(options.capacity, options.folds_case))), options, line: Line::new(Faults::default()) }
    }

    /// The faults of this tree, to plant some.
    pub fn faults(&self) -> &Faults {
        &self.line.faults
    }

    /// The same tree over a new connection that holds.
    pub fn reconnect(&self) -> Self {
        Self { line: Line::new(self.line.faults.clone()), ..self.clone() }
    }

    /// Makes a file with `content`, and the folders on the way. Faults do not strike it.
    pub fn put(&self, path: &FilePath, content: &[u8]) -> FsResult<()> {
        if let Some(parent) = path.parent() {
            self.put_dir(&parent)?;
        }
        self.with_tree("write", path, |tree| {
            let file = tree.new_file(0o644);
            lock(&file).resize(content.len())?;
            lock(&file).bytes.copy_from_slice(content);
            // Absence is no failure here: an older file of that name is replaced.
            drop(tree.remove(path, |node| if matches!(node, Node::Dir(_)) { Err(FsErrorKind::IsADirectory) } else { Ok(()) }));
            tree.insert(path, Node::File(file))
        })
    }

    /// Makes a folder and those on the way. Faults do not strike it.
    pub fn put_dir(&self, path: &FilePath) -> FsResult<()> {
        self.with_tree("make the folder", path, |tree| {
            let mut at = FilePath::root();
            for name in path.names() {
                at = at.join(&name);
                let dir = tree.new_dir();
                match tree.insert(&at, Node::Dir(dir)) {
                    Err(FsErrorKind::AlreadyExists) | Ok(()) => {}
                    Err(kind) => return Err(kind),
                }
            }
            Ok(())
        })
    }

    /// Makes what is neither file, folder nor link (a pipe, a device): it is listed and cannot be opened.
    pub fn put_other(&self, path: &FilePath) -> FsResult<()> {
        self.with_tree("make", path, |tree| tree.insert(path, Node::Other))
    }

    /// Shows `line` in listings of `dir`, whatever its name: what a hostile or odd server might send.
    pub fn plant_line(&self, dir: &FilePath, line: Entry) -> FsResult<()> {
        self.with_tree("list", dir, |tree| {
            let at = tree.canonical(dir, true)?;
            match tree.node_mut(&at)? {
                Node::Dir(dir) => dir.planted.push(line),
                _ => return Err(FsErrorKind::NotADirectory),
            }
            Ok(())
        })
    }

    /// The content of a file, past faults and connection; `None` where there is no file.
    pub fn content(&self, path: &FilePath) -> Option<Vec<u8>> {
        let tree = lock(&self.tree);
        match tree.node(&tree.canonical(path, true).ok()?) {
            Ok(Node::File(file)) => Some(lock(file).bytes.clone()),
            _ => None,
        }
    }

    /// All paths below `/`, sorted, past faults and connection; folders end in `/`. For tests that compare trees.
    pub fn paths(&self) -> Vec<String> {
        fn walk(dir: &Dir, prefix: &str, paths: &mut Vec<String>) {
            for (name, node) in &dir.nodes {
                let path = format!("{prefix}/{}", name.display());
                if let Node::Dir(dir) = node {
                    paths.push(format!("{path}/"));
                    walk(dir, &path, paths);
                } else {
                    paths.push(path);
                }
            }
        }
        let mut paths = Vec::new();
        if let Ok(root) = lock(&self.tree).dir(&FilePath::root()) {
            walk(root, "", &mut paths);
        }
        paths
    }

    /// Whether `bytes`, one at least, are in any name, file or link, past faults and connection: to show what did not travel.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        fn within(dir: &Dir, bytes: &[u8]) -> bool {
            let is_in = |text: &[u8]| text.windows(bytes.len()).any(|window| window == bytes);
            dir.nodes.iter().any(|(name, node)| {
                let below = match node {
                    Node::Dir(dir) => within(dir, bytes),
                    Node::File(file) => is_in(&lock(file).bytes),
                    Node::Link { target, .. } => is_in(target),
                    Node::Other => false,
                };
                below || is_in(name.as_bytes())
            })
        }
        lock(&self.tree).dir(&FilePath::root()).is_ok_and(|root| within(root, bytes))
    }

    fn with_tree<T>(&self, attempted: &'static str, path: &FilePath, act: impl FnOnce(&mut Tree) -> Bare<T>) -> FsResult<T> {
        act(&mut lock(&self.tree)).map_err(|kind| FsError::new(kind, attempted, path, ""))
    }
}

impl Default for MemoryFileSystem {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl FileSystem for MemoryFileSystem {
    fn capabilities(&self) -> Capabilities {
        self.options.capabilities
    }

    async fn list(&self, dir: &FilePath, batches: mpsc::Sender<Vec<Entry>>) -> FsResult<()> {
        self.line.pass(Call::List, "list", dir).await?;
        let facts = self.options.capabilities.listing_has_facts;
        let mut entries = self.with_tree("list", dir, |tree| {
            let found = tree.dir(dir)?;
            let describe = |(name, node)| {
                let entry: Entry = tree.describe(&dir.join(name), name.as_bytes(), node);
                if facts { entry } else { Entry::new(entry.raw_name(), entry.kind) }
            };
            Ok(found.nodes.iter().map(describe).chain(found.planted.iter().cloned()).collect::<Vec<_>>())
        })?;
        while !entries.is_empty() {
            let rest = entries.split_off(entries.len().min(self.options.batch));
            if batches.send(entries).await.is_err() {
                break;
            }
            entries = rest;
        }
        Ok(())
    }

    async fn stat(&self, path: &FilePath) -> FsResult<Entry> {
        self.line.pass(Call::Stat, "look at", path).await?;
        self.with_tree("look at", path, |tree| {
            let node = tree.node(&tree.canonical(path, false)?)?;
            let name = path.name();
            Ok(tree.describe(path, name.as_ref().map_or(b"/", |name| name.as_bytes()), node))
        })
    }

    async fn open(&self, path: &FilePath, from: u64) -> FsResult<Box<dyn Source>> {
        self.line.pass(Call::Open, "read", path).await?;
        promised(from == 0 || self.options.capabilities.read_from, "read from the middle of", path)?;
        let file = self.with_tree("read", path, |tree| match tree.node(&tree.canonical(path, true)?)? {
            Node::File(file) => Ok(Arc::clone(file)),
            Node::Dir(_) => Err(FsErrorKind::IsADirectory),
            Node::Link { .. } | Node::Other => Err(FsErrorKind::Refused),
        })?;
        Ok(Box::new(MemorySource { file, path: path.clone(), position: from, chunk: self.options.chunk, line: self.line.clone() }))
    }

    async fn create(&self, path: &FilePath, how: Create) -> FsResult<Box<dyn Sink>> {
        self.line.pass(Call::Create, "write", path).await?;
        promised(!matches!(how, Create::ResumeAt(_)) || self.options.capabilities.append, "go on writing", path)?;
        promised(!matches!(how, Create::At(_)) || self.options.capabilities.write_at, "write into the middle of", path)?;
        let (file, start) = self.with_tree("write", path, |tree| {
            let at = tree.canonical(path, how != Create::New)?;
            match (tree.node(&at), how) {
                (Ok(_), Create::New) => Err(FsErrorKind::AlreadyExists),
                (Ok(Node::Dir(_)), _) => Err(FsErrorKind::IsADirectory),
                (Ok(Node::Link { .. } | Node::Other), _) => Err(FsErrorKind::Refused),
                (Ok(Node::File(file)), Create::Truncate) => {
                    lock(file).resize(0)?;
                    lock(file).modified = Timestamp::now();
                    Ok((Arc::clone(file), 0))
                }
                (Ok(Node::File(file)), Create::ResumeAt(start)) => {
                    if (lock(file).bytes.len() as u64) < start {
                        return Err(FsErrorKind::ChangedMeanwhile);
                    }
                    lock(file).resize(start as usize)?;
                    Ok((Arc::clone(file), start))
                }
                (Ok(Node::File(file)), Create::At(start)) => Ok((Arc::clone(file), start)),
                (Err(FsErrorKind::NotFound), Create::New | Create::Truncate) => {
                    let file = tree.new_file(if how == Create::New { 0o600 } else { 0o644 });
                    tree.insert(&at, Node::File(Arc::clone(&file))).map(|()| (file, 0))
                }
                (Err(kind), _) => Err(kind),
            }
        })?;
        Ok(Box::new(MemorySink { file, path: path.clone(), start, position: start, line: self.line.clone() }))
    }

    async fn make_dir(&self, path: &FilePath) -> FsResult<()> {
        self.line.pass(Call::MakeDir, "make the folder", path).await?;
        self.with_tree("make the folder", path, |tree| {
            let dir = tree.new_dir();
            tree.insert(path, Node::Dir(dir))
        })
    }

    async fn remove_file(&self, path: &FilePath) -> FsResult<()> {
        self.line.pass(Call::Remove, "remove", path).await?;
        let is_file = |node: &Node| if matches!(node, Node::Dir(_)) { Err(FsErrorKind::IsADirectory) } else { Ok(()) };
        self.with_tree("remove", path, |tree| tree.remove(path, is_file).map(drop))
    }

    async fn remove_dir(&self, path: &FilePath) -> FsResult<()> {
        self.line.pass(Call::Remove, "remove the folder", path).await?;
        let is_empty = |node: &Node| match node {
            Node::Dir(dir) if dir.nodes.is_empty() => Ok(()),
            Node::Dir(_) => Err(FsErrorKind::NotEmpty),
            _ => Err(FsErrorKind::NotADirectory),
        };
        self.with_tree("remove the folder", path, |tree| tree.remove(path, is_empty).map(drop))
    }

    async fn rename(&self, from: &FilePath, to: &FilePath, replace: Replace) -> FsResult<()> {
        self.line.pass(Call::Rename, "rename", from).await?;
        self.with_tree("rename", from, |tree| tree.rename(from, to, replace))?;
        self.line.answer("rename", from)
    }

    async fn set_metadata(&self, path: &FilePath, metadata: NewMetadata) -> FsResult<()> {
        self.line.pass(Call::SetMetadata, "set times and mode of", path).await?;
        let can = self.options.capabilities;
        promised(metadata.modified.is_none() || can.set_modified, "set the time of", path)?;
        promised(metadata.mode.is_none() || can.set_mode, "set the mode of", path)?;
        self.with_tree("set times and mode of", path, |tree| {
            let at = tree.canonical(path, true)?;
            let set = |modified: &mut Timestamp, mode: &mut u32| {
                *modified = metadata.modified.unwrap_or(*modified);
                *mode = metadata.mode.map_or(*mode, |mode| mode & 0o7777);
            };
            match tree.node_mut(&at)? {
                Node::Dir(dir) => set(&mut dir.modified, &mut dir.mode),
                Node::File(file) => {
                    let mut file = lock(file);
                    let file = &mut *file;
                    set(&mut file.modified, &mut file.mode);
                }
                Node::Link { .. } | Node::Other => return Err(FsErrorKind::Refused),
            }
            Ok(())
        })
    }

    async fn make_symlink(&self, path: &FilePath, target: &[u8]) -> FsResult<()> {
        self.line.pass(Call::MakeSymlink, "make a symbolic link", path).await?;
        promised(self.options.capabilities.symlinks, "make a symbolic link", path)?;
        self.with_tree("make a symbolic link", path, |tree| {
            tree.insert(path, Node::Link { target: target.into(), modified: Timestamp::now() })
        })
    }

    async fn digest(&self, path: &FilePath, wanted: &[DigestAlgorithm]) -> FsResult<Option<Digest>> {
        self.line.pass(Call::Digest, "make the digest of", path).await?;
        let Some(algorithm) = wanted.iter().find(|algorithm| self.options.digests.contains(algorithm)) else { return Ok(None) };
        self.with_tree("make the digest of", path, |tree| match tree.node(&tree.canonical(path, true)?)? {
            Node::File(file) => {
                let mut hasher = Hasher::new(*algorithm);
                hasher.update(&lock(file).bytes);
                Ok(Some(hasher.finish()))
            }
            _ => Err(FsErrorKind::Refused),
        })
    }

    async fn keep_alive(&self) -> FsResult<()> {
        self.line.pass(Call::Stat, "keep alive", &FilePath::root()).await.map(drop)
    }
}

fn promised(promised: bool, attempted: &'static str, path: &FilePath) -> FsResult<()> {
    if promised { Ok(()) } else { Err(FsError::unsupported(attempted, path)) }
}
