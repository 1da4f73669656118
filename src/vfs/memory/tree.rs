//! The folders and files themselves, as plain data. Not a file system: no faults, no waiting, errors are bare kinds.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::model::{Entry, EntryName, FilePath, Kind, folded};
use crate::vfs::{FsErrorKind, Replace};

/// A folder in memory.
#[derive(Debug)]
pub(super) struct Dir {
    pub(super) nodes: BTreeMap<EntryName, Node>,
    /// Lines that only a listing shows: hostile names, lines no parser understood.
    pub(super) planted: Vec<Entry>,
    pub(super) modified: Timestamp,
    pub(super) mode: u32,
    folds_case: bool,
}

/// A file in memory. Open readers and writers share it, so it outlives its name as on a disk.
#[derive(Debug)]
pub(super) struct File {
    pub(super) bytes: Vec<u8>,
    pub(super) modified: Timestamp,
    pub(super) mode: u32,
    used: Arc<AtomicU64>,
    capacity: u64,
}

/// A file many hold.
pub(super) type SharedFile = Arc<Mutex<File>>;

/// What a name stands for.
#[derive(Debug)]
pub(super) enum Node {
    Dir(Dir),
    File(SharedFile),
    Link {
        target: Box<[u8]>,
        modified: Timestamp,
    },
    /// A pipe or device: listed, never opened.
    Other,
}

/// The whole tree.
#[derive(Debug)]
pub(super) struct Tree {
    root: Node,
    used: Arc<AtomicU64>,
    capacity: u64,
    folds_case: bool,
}

/// Results without words; the file system adds path and attempt.
pub(super) type Bare<T> = Result<T, FsErrorKind>;

/// A chain of links longer than this is taken for a loop, as Linux does.
const MAX_LINKS: usize = 40;

impl Tree {
    /// An empty tree that holds at most `capacity` bytes of content.
    pub(super) fn new(capacity: u64, folds_case: bool) -> Self {
        Self { root: Node::Dir(Dir::new(folds_case)), used: Arc::default(), capacity, folds_case }
    }

    /// An empty folder for this tree.
    pub(super) fn new_dir(&self) -> Dir {
        Dir::new(self.folds_case)
    }

    /// `path` with every link on the way replaced by what it leads to; the last part only where `follow` says so.
    /// The last part need not be there.
    pub(super) fn canonical(&self, path: &FilePath, follow: bool) -> Bare<FilePath> {
        let mut links = 0;
        let mut done = FilePath::root();
        let mut left: Vec<EntryName> = path.names().collect();
        left.reverse();
        while let Some(name) = left.pop() {
            let next = done.join(&name);
            match self.node(&next) {
                Ok(Node::Link { target, .. }) if follow || !left.is_empty() => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(FsErrorKind::Refused);
                    }
                    let target = done.resolve(target).map_err(|_| FsErrorKind::NotFound)?;
                    left.extend(target.names().collect::<Vec<_>>().into_iter().rev());
                    done = FilePath::root();
                }
                Ok(Node::File(_) | Node::Other) if !left.is_empty() => return Err(FsErrorKind::NotADirectory),
                Err(kind) if !left.is_empty() => return Err(kind),
                _ => done = next,
            }
        }
        Ok(done)
    }

    /// The node at a canonical path.
    pub(super) fn node(&self, path: &FilePath) -> Bare<&Node> {
        path.names().try_fold(&self.root, |node, name| match node {
            Node::Dir(dir) => dir.nodes.get(&dir.kept(name)).ok_or(FsErrorKind::NotFound),
            _ => Err(FsErrorKind::NotADirectory),
        })
    }

    /// The same, to be changed.
    pub(super) fn node_mut(&mut self, path: &FilePath) -> Bare<&mut Node> {
        path.names().try_fold(&mut self.root, |node, name| match node {
            Node::Dir(dir) => {
                let name = dir.kept(name);
                dir.nodes.get_mut(&name).ok_or(FsErrorKind::NotFound)
            }
            _ => Err(FsErrorKind::NotADirectory),
        })
    }

    /// The folder at `path`, links followed.
    pub(super) fn dir(&self, path: &FilePath) -> Bare<&Dir> {
        match self.node(&self.canonical(path, true)?)? {
            Node::Dir(dir) => Ok(dir),
            _ => Err(FsErrorKind::NotADirectory),
        }
    }

    /// The folder `path` lies in and its name there.
    pub(super) fn slot(&mut self, path: &FilePath) -> Bare<(&mut Dir, EntryName)> {
        let (Some(parent), Some(name)) = (path.parent(), path.name()) else { return Err(FsErrorKind::Refused) };
        let parent = self.canonical(&parent, true)?;
        match self.node_mut(&parent)? {
            Node::Dir(dir) => {
                let name = dir.kept(name);
                Ok((dir, name))
            }
            _ => Err(FsErrorKind::NotADirectory),
        }
    }

    /// Puts `node` at `path`, where nothing may be.
    pub(super) fn insert(&mut self, path: &FilePath, node: Node) -> Bare<()> {
        if path.is_root() {
            return Err(FsErrorKind::AlreadyExists);
        }
        let (dir, name) = self.slot(path)?;
        if dir.nodes.contains_key(&name) {
            return Err(FsErrorKind::AlreadyExists);
        }
        dir.modified = Timestamp::now();
        dir.nodes.insert(name, node);
        Ok(())
    }

    /// Takes away what `path` names, if `allowed` says so.
    pub(super) fn remove(&mut self, path: &FilePath, allowed: impl FnOnce(&Node) -> Bare<()>) -> Bare<Node> {
        let (dir, name) = self.slot(path)?;
        allowed(dir.nodes.get(&name).ok_or(FsErrorKind::NotFound)?)?;
        dir.modified = Timestamp::now();
        dir.nodes.remove(&name).ok_or(FsErrorKind::NotFound)
    }

    /// Renames as POSIX does: a folder only over an empty folder, a file only over a file.
    pub(super) fn rename(&mut self, from: &FilePath, to: &FilePath, replace: Replace) -> Bare<()> {
        let (from, to) = (self.canonical(from, false)?, self.canonical(to, false)?);
        let moved_is_dir = matches!(self.node(&from)?, Node::Dir(_));
        match self.node(&to) {
            Ok(_) if replace == Replace::No => return Err(FsErrorKind::AlreadyExists),
            Ok(_) if from == to => return Ok(()),
            Ok(Node::Dir(_)) if !moved_is_dir => return Err(FsErrorKind::IsADirectory),
            Ok(Node::Dir(dir)) if !dir.nodes.is_empty() => return Err(FsErrorKind::NotEmpty),
            Ok(node) if moved_is_dir && !matches!(node, Node::Dir(_)) => return Err(FsErrorKind::NotADirectory),
            Err(FsErrorKind::NotADirectory) => return Err(FsErrorKind::NotADirectory),
            _ => {}
        }
        if to.is_within(&from) {
            return Err(FsErrorKind::Refused);
        }
        self.slot(&to)?;
        let node = self.remove(&from, |_| Ok(()))?;
        let (dir, name) = self.slot(&to)?;
        dir.modified = Timestamp::now();
        dir.nodes.insert(name, node);
        Ok(())
    }

    /// A new file that counts against this tree's capacity.
    pub(super) fn new_file(&self, mode: u32) -> SharedFile {
        Arc::new(Mutex::new(File {
            bytes: Vec::new(),
            modified: Timestamp::now(),
            mode,
            used: Arc::clone(&self.used),
            capacity: self.capacity,
        }))
    }

    /// What a listing shows of `node`; `at` is where it lies.
    pub(super) fn describe(&self, at: &FilePath, raw_name: &[u8], node: &Node) -> Entry {
        let mut entry = Entry::new(raw_name, kind(node));
        match node {
            Node::Dir(dir) => {
                entry.modified = Some(dir.modified);
                entry.details_mut().mode = Some(dir.mode);
            }
            Node::File(file) => {
                let file = lock(file);
                entry.size = Some(file.bytes.len() as u64);
                entry.modified = Some(file.modified);
                entry.details_mut().mode = Some(file.mode);
            }
            Node::Link { target, modified } => {
                entry.size = Some(target.len() as u64);
                entry.modified = Some(*modified);
                let target_kind = self.canonical(at, true).and_then(|path| self.node(&path).map(kind)).ok();
                let details = entry.details_mut();
                details.target = Some(target.clone());
                details.target_kind = target_kind;
            }
            Node::Other => {}
        }
        entry
    }
}

impl Dir {
    fn new(folds_case: bool) -> Self {
        Self { nodes: BTreeMap::new(), planted: Vec::new(), modified: Timestamp::now(), mode: 0o755, folds_case }
    }

    /// The name something is kept under that is asked for as `name`.
    fn kept(&self, name: EntryName) -> EntryName {
        if !self.folds_case || self.nodes.contains_key(&name) {
            return name;
        }
        let fold = folded(name.as_bytes());
        self.nodes.keys().find(|kept| folded(kept.as_bytes()) == fold).cloned().unwrap_or(name)
    }
}

impl File {
    /// Makes the file `length` bytes long, if there is room.
    pub(super) fn resize(&mut self, length: usize) -> Bare<()> {
        let (old, new) = (self.bytes.len() as u64, length as u64);
        if new > old {
            let room = |used: u64| used.checked_add(new - old).filter(|&sum| sum <= self.capacity);
            self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, room).map_err(|_| FsErrorKind::NoSpace)?;
        } else {
            self.used.fetch_sub(old - new, Ordering::AcqRel);
        }
        self.bytes.resize(length, 0);
        Ok(())
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes.len() as u64, Ordering::AcqRel);
    }
}

/// Locks a file or the tree; a panic elsewhere does not make it unusable.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kind(node: &Node) -> Kind {
    match node {
        Node::Dir(_) => Kind::Dir,
        Node::File(_) => Kind::File,
        Node::Link { .. } => Kind::Symlink,
        Node::Other => Kind::Other,
    }
}
