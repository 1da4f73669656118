//! An SFTP server as a [`FileSystem`]: what version 3 leaves open (why something failed, what replaces what) is found out here.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use tokio::sync::mpsc;

use super::channel::{Channel, Failure, Version};
use super::listing;
use super::packet::Attributes;
use super::reading::Reading;
use super::requests::{Limits, Links, flag};
use super::writing::Writing;
use crate::model::{Entry, EntryName, FilePath, Kind, text};
use crate::vfs::{Capabilities, Create, FileSystem, FsError, FsErrorKind, FsResult, NewMetadata, Replace, Sink, Source};

/// READ and WRITE with OpenSSH, and with a server that tells no limits.
const MOST_AT_ONCE: u64 = 255 * 1024;
const MOST_UNTOLD: u64 = 32 * 1024;
/// `stat_many`: names looked at at the same time.
const STATS_IN_FLIGHT: usize = 64;
/// How long a good-bye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// Files over one SFTP channel. Clones share it; the line ends with the last clone, source and sink.
#[derive(Clone)]
pub struct SftpFileSystem(Arc<Inner>);

struct Inner {
    channel: Channel,
    home: FilePath,
    read_chunk: u32,
    write_chunk: usize,
    has_posix_rename: bool,
    session: Session,
    facts: Vec<(String, String)>,
}

/// What is known of, and kept for, the connection below.
#[derive(Default)]
pub(super) struct Session {
    pub(super) banner: String,
    pub(super) facts: Vec<(String, String)>,
    pub(super) line: Option<Box<dyn Line>>,
}

/// The connection below a channel, as far as it is to be ended politely.
#[async_trait]
pub(super) trait Line: Send + Sync {
    async fn say_goodbye(&self);
}

impl SftpFileSystem {
    /// Learns limits, extensions and the home folder over an open channel.
    pub(super) async fn start(channel: Channel, version: Version, session: Session) -> FsResult<Self> {
        let offers = |name: &str| version.extensions.iter().any(|(offered, _)| offered == name.as_bytes());
        let asking = async { if offers("limits@openssh.com") { channel.limits().await.ok() } else { None } };
        let (home, limits) = tokio::join!(channel.real_path(b"."), asking);
        let home = match home {
            Ok(path) => FilePath::parse(&path).unwrap_or_else(|_| FilePath::root()),
            Err(Failure::Status { .. }) => FilePath::root(),
            Err(failure) => return Err(failure.at("find the home folder", &FilePath::root())),
        };
        let limits = limits.unwrap_or(Limits { read: 0, write: 0 });
        let at_most = |limit: u64| if limit == 0 { MOST_UNTOLD } else { limit.min(MOST_AT_ONCE) };
        let mut facts = session.facts.clone();
        let names: Vec<String> = version.extensions.iter().map(|(name, _)| text::display_safe(name)).collect();
        facts.push(("SFTP version".into(), version.version.to_string()));
        facts.push(("SFTP extensions".into(), names.join(" ")));
        facts.push(("SFTP block size".into(), format!("{} read, {} write", at_most(limits.read), at_most(limits.write))));
        let has_posix_rename = offers("posix-rename@openssh.com");
        let (read_chunk, write_chunk) = (at_most(limits.read) as u32, at_most(limits.write) as usize);
        Ok(Self(Arc::new(Inner { channel, home, read_chunk, write_chunk, has_posix_rename, session, facts })))
    }

    /// The folder the login lands in.
    pub fn home(&self) -> &FilePath {
        &self.0.home
    }

    /// What the server said before the login, made safe to draw; may be empty, may have several lines.
    pub fn banner(&self) -> &str {
        &self.0.session.banner
    }

    /// What was agreed on, as label and value for an inspector.
    pub fn facts(&self) -> Vec<(String, String)> {
        self.0.facts.clone()
    }

    fn channel(&self) -> &Channel {
        &self.0.channel
    }

    async fn kind(&self, path: &FilePath) -> Result<Kind, Failure> {
        self.channel().attributes(path, Links::Stay).await.map(|attributes| listing::kind_of(&attributes, b""))
    }

    /// Puts a reason to a status that says nothing, where the path itself tells it. OpenSSH also says "no such file" for
    /// a file that is no folder.
    async fn why(&self, failure: Failure, attempted: &'static str, path: &FilePath, reason: fn(Kind) -> Option<FsErrorKind>) -> FsError {
        let is_vague = failure.says_nothing() || failure.is_not_found();
        if is_vague && let Some(kind) = self.kind(path).await.ok().and_then(reason) {
            return FsError::new(kind, attempted, path, failure.explain().1);
        }
        failure.at(attempted, path)
    }

    async fn is_empty(&self, dir: &FilePath) -> Result<bool, Failure> {
        let (sender, mut batches) = mpsc::channel(1);
        let listed = async move { listing::list(self.channel(), dir, &sender).await };
        let first = async move { batches.recv().await };
        let (listed, first) = tokio::join!(listed, first);
        listed.map(|()| first.is_none())
    }
}

#[async_trait]
impl FileSystem for SftpFileSystem {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            read_from: true,
            append: true,
            set_modified: true,
            set_mode: true,
            symlinks: true,
            listing_has_facts: true,
            parallel: true,
        }
    }

    async fn list(&self, dir: &FilePath, batches: mpsc::Sender<Vec<Entry>>) -> FsResult<()> {
        match listing::list(self.channel(), dir, &batches).await {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.why(failure, "list", dir, |kind| (kind == Kind::File).then_some(FsErrorKind::NotADirectory)).await),
        }
    }

    async fn stat(&self, path: &FilePath) -> FsResult<Entry> {
        let failed = |failure: Failure| failure.at("look at", path);
        let attributes = self.channel().attributes(path, Links::Stay).await.map_err(failed)?;
        let name = path.name();
        let mut entry = listing::entry(name.as_ref().map_or(b"/", EntryName::as_bytes), &attributes, b"");
        if entry.kind == Kind::Symlink {
            listing::resolve(self.channel(), path, &mut entry).await.map_err(failed)?;
        }
        Ok(entry)
    }

    async fn stat_many(&self, dir: &FilePath, names: &[EntryName]) -> FsResult<Vec<Entry>> {
        let paths: Vec<FilePath> = names.iter().map(|name| dir.join(name)).collect();
        let looks = paths.iter().map(|path| self.stat(path)).collect::<Vec<_>>();
        let mut looks = futures::stream::iter(looks).buffered(STATS_IN_FLIGHT);
        let mut entries = Vec::with_capacity(names.len());
        while let Some(look) = looks.next().await {
            match look {
                Ok(entry) => entries.push(entry),
                Err(error) if error.kind == FsErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(entries)
    }

    async fn open(&self, path: &FilePath, from: u64) -> FsResult<Box<dyn Source>> {
        match self.channel().open_file(path, flag::READ, None).await {
            Ok(handle) => Ok(Box::new(Reading::open(self.channel().clone(), path.clone(), handle, from, self.0.read_chunk).await?)),
            Err(failure) => Err(self.why(failure, "read", path, |kind| (kind == Kind::Dir).then_some(FsErrorKind::IsADirectory)).await),
        }
    }

    async fn create(&self, path: &FilePath, how: Create) -> FsResult<Box<dyn Sink>> {
        let (flags, mode, offset) = match how {
            Create::New => (flag::WRITE | flag::CREATE | flag::EXCLUSIVE, Some(0o600), 0),
            Create::Truncate => (flag::WRITE | flag::CREATE | flag::TRUNCATE, None, 0),
            Create::ResumeAt(offset) => (flag::WRITE, None, offset),
        };
        let handle = match self.channel().open_file(path, flags, mode).await {
            Ok(handle) => handle,
            Err(failure) if how == Create::New => {
                return Err(self.why(failure, "create", path, |_| Some(FsErrorKind::AlreadyExists)).await);
            }
            Err(failure) => {
                return Err(self.why(failure, "write", path, |kind| (kind == Kind::Dir).then_some(FsErrorKind::IsADirectory)).await);
            }
        };
        if let Create::ResumeAt(offset) = how {
            let failed = |failure: Failure| failure.at("write", path);
            let size = self.channel().handle_attributes(&handle).await.map_err(failed)?.size.unwrap_or_default();
            if size < offset {
                let words = format!("it has {size} bytes, fewer than the {offset} it had");
                return Err(FsError::new(FsErrorKind::ChangedMeanwhile, "write", path, words));
            }
            if size > offset {
                self.channel().set_handle_size(&handle, offset).await.map_err(failed)?;
            }
        }
        Ok(Box::new(Writing::new(self.channel().clone(), path.clone(), handle, offset, self.0.write_chunk)))
    }

    async fn make_dir(&self, path: &FilePath) -> FsResult<()> {
        match self.channel().make_directory(path).await {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.why(failure, "make the folder", path, |_| Some(FsErrorKind::AlreadyExists)).await),
        }
    }

    async fn remove_file(&self, path: &FilePath) -> FsResult<()> {
        match self.channel().remove(path).await {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.why(failure, "remove", path, |kind| (kind == Kind::Dir).then_some(FsErrorKind::IsADirectory)).await),
        }
    }

    async fn remove_dir(&self, path: &FilePath) -> FsResult<()> {
        let Err(failure) = self.channel().remove_directory(path).await else { return Ok(()) };
        if failure.says_nothing() && self.is_empty(path).await == Ok(false) {
            return Err(FsError::new(FsErrorKind::NotEmpty, "remove", path, ""));
        }
        Err(self.why(failure, "remove", path, |kind| (kind != Kind::Dir).then_some(FsErrorKind::NotADirectory)).await)
    }

    async fn rename(&self, from: &FilePath, to: &FilePath, replace: Replace) -> FsResult<()> {
        let channel = self.channel();
        let failed = |failure: Failure| failure.at("rename", from);
        if replace == Replace::Yes && self.0.has_posix_rename {
            return channel.posix_rename(from, to).await.map_err(failed);
        }
        // Looked at first, because there are servers whose RENAME replaces.
        match self.kind(to).await {
            Ok(_) if replace == Replace::No => return Err(FsError::new(FsErrorKind::AlreadyExists, "rename", to, "")),
            Ok(Kind::Dir) => return Err(FsError::new(FsErrorKind::IsADirectory, "rename", to, "")),
            Ok(_) => {
                // The source is looked at before anything is removed for it.
                self.kind(from).await.map_err(failed)?;
                channel.remove(to).await.map_err(|failure| failure.at("replace", to))?;
            }
            Err(failure) if failure.is_not_found() => {}
            Err(failure) => return Err(failure.at("rename", to)),
        }
        channel.plain_rename(from, to).await.map_err(failed)
    }

    async fn set_metadata(&self, path: &FilePath, metadata: NewMetadata) -> FsResult<()> {
        let times = match metadata.modified.map(|time| u32::try_from(time.as_second())) {
            None => None,
            Some(Ok(seconds)) => Some((seconds, seconds)),
            Some(Err(_)) => {
                return Err(FsError::new(FsErrorKind::Unsupported, "set the time of", path, "SFTP 3 knows times from 1970 to 2106"));
            }
        };
        let new = Attributes { permissions: metadata.mode.map(|mode| mode & 0o7777), times, ..Attributes::default() };
        self.channel().set_attributes(path, &new).await.map_err(|failure| failure.at("set times and permissions of", path))
    }

    async fn make_symlink(&self, path: &FilePath, target: &[u8]) -> FsResult<()> {
        match self.channel().symlink(target, path).await {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.why(failure, "make the link", path, |_| Some(FsErrorKind::AlreadyExists)).await),
        }
    }

    async fn keep_alive(&self) -> FsResult<()> {
        match self.channel().real_path(b".").await {
            Ok(_) | Err(Failure::Status { .. }) => Ok(()),
            Err(failure) => {
                let (kind, detail) = failure.explain();
                Err(FsError::connection(kind, "keep the connection alive", detail))
            }
        }
    }

    async fn close(&self) {
        if let Some(line) = &self.0.session.line {
            let goodbye = async {
                line.say_goodbye().await;
                self.channel().ended().await;
            };
            if tokio::time::timeout(GOODBYE, goodbye).await.is_err() {
                tracing::debug!("the good-bye was not taken in time");
            }
        }
        self.channel().shut();
    }
}
