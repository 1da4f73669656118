//! An SFTP server as a [`FileSystem`]: what version 3 leaves open (why something failed, what replaces what) is found out here.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use tokio::sync::mpsc;

use super::channel::{Channel, Failure, Version};
use super::digest::Digests;
use super::more_channels::MoreChannels;
use super::offers::Offers;
use super::reading::Reading;
use super::requests::{Links, flag};
use super::writing::{End, Lane, Writing};
use super::{listing, metadata, renaming, server_copy};
use crate::model::{Entry, EntryName, FilePath, Kind, text};
use crate::vfs::{
    Capabilities, Create, Digest, DigestAlgorithm, FileSystem, FsError, FsErrorKind, FsResult, NewMetadata, Replace, Sink, Source,
};

/// READ and WRITE with OpenSSH, and with a server that tells no limits.
const MOST_AT_ONCE: u64 = 255 * 1024;
const MOST_UNTOLD: u64 = 32 * 1024;
/// `stat_many`: names looked at at the same time.
const STATS_IN_FLIGHT: usize = 64;
/// A line whose answers take this long gives one connection less than both ends could carry: windows and losses hold it back.
const LONG: Duration = Duration::from_millis(20);
/// How long a good-bye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// Files over one SFTP channel. Clones share it; the line ends with the last clone, source and sink.
#[derive(Clone)]
pub struct SftpFileSystem(Arc<Inner>);

struct Inner {
    channel: Channel,
    more: Arc<MoreChannels>,
    home: FilePath,
    read_block: u32,
    write_block: usize,
    offers: Offers,
    digests: Digests,
    session: Session,
    facts: Vec<(String, String)>,
}

/// What is known of, and kept for, the connection below.
#[derive(Default)]
pub(super) struct Session {
    pub(super) banner: String,
    pub(super) facts: Vec<(String, String)>,
    pub(super) software: String,
    pub(super) below: Option<Arc<dyn Below>>,
    /// Whether commands may be run there.
    pub(super) remote_commands: bool,
}

/// The connection below a channel.
#[async_trait]
pub(super) trait Below: Send + Sync {
    /// Ends it politely.
    async fn say_goodbye(&self);

    /// One more SFTP channel over it; `None` where the server gives no more.
    async fn open_channel(&self) -> Option<Channel>;

    /// Runs a command; `None` where none is run, or where it says more than we want to hear. Dropping this ends it.
    async fn run(&self, command: &[u8]) -> Option<Ran>;
}

/// A command that has ended.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) status: Option<u32>,
    pub(super) output: Vec<u8>,
}

impl SftpFileSystem {
    /// Learns limits, extensions and the home folder over an open channel.
    pub(super) async fn start(channel: Channel, version: Version, session: Session) -> FsResult<Self> {
        let offers = Offers::of(&version, &session.software);
        let asking = async { if offers.limits { channel.limits().await.ok() } else { None } };
        let (home, limits) = tokio::join!(channel.real_path(b"."), asking);
        let home = match home {
            Ok(path) => FilePath::parse(&path).unwrap_or_else(|_| FilePath::root()),
            Err(Failure::Status { .. }) => FilePath::root(),
            Err(failure) => return Err(failure.at("find the home folder", &FilePath::root())),
        };
        let limits = limits.unwrap_or_default();
        let at_most = |limit: u64| if limit == 0 { MOST_UNTOLD } else { limit.min(MOST_AT_ONCE) };
        if limits.handles > 0 {
            channel.allow_handles(usize::try_from(limits.handles).unwrap_or(usize::MAX));
        }
        let mut facts = session.facts.clone();
        let names: Vec<String> = version.extensions.iter().map(|(name, _)| text::display_safe(name)).collect();
        facts.push(("SFTP version".into(), version.version.to_string()));
        facts.push(("SFTP extensions".into(), names.join(" ")));
        facts.push(("SFTP block size".into(), format!("{} read, {} write", at_most(limits.read), at_most(limits.write))));
        let digests = Digests::new(offers, session.below.clone().filter(|_| session.remote_commands));
        Ok(Self(Arc::new(Inner {
            channel,
            // Elsewhere a second writer may be refused, or worse: taken for one that begins anew.
            more: Arc::new(MoreChannels::new(session.below.clone().filter(|_| offers.is_openssh))),
            home,
            read_block: at_most(limits.read) as u32,
            write_block: at_most(limits.write) as usize,
            offers,
            digests,
            session,
            facts,
        })))
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

    /// Puts a reason to a status that says nothing, where the path itself tells it. OpenSSH also says "no such file" for
    /// a file that is no folder.
    async fn why(&self, failure: Failure, attempted: &'static str, path: &FilePath, reason: fn(Kind) -> Option<FsErrorKind>) -> FsError {
        let is_vague = failure.says_nothing() || failure.is_not_found();
        if is_vague && let Some(kind) = kind_at(self.channel(), path).await.ok().and_then(reason) {
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

/// What lies at `path` itself.
pub(super) async fn kind_at(channel: &Channel, path: &FilePath) -> Result<Kind, Failure> {
    channel.attributes(path, Links::Stay).await.map(|attributes| listing::kind_of(&attributes, b""))
}

#[async_trait]
impl FileSystem for SftpFileSystem {
    fn gains_by_more(&self) -> bool {
        // Others may take a second writer for one that begins anew.
        self.0.offers.is_openssh && self.0.channel.turn().is_some_and(|turn| turn >= LONG)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            read_from: true,
            append: true,
            write_at: true,
            replaces_in_one_step: self.0.offers.posix_rename,
            set_modified: true,
            set_mode: true,
            symlinks: true,
            listing_has_facts: true,
            copies_within: self.0.offers.copy_data,
            parallel: true,
            notices_damage: true,
            copies_facts: false,
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
            Ok(handle) => Ok(Box::new(Reading::open(self.channel().clone(), path.clone(), handle, from, self.0.read_block).await?)),
            Err(failure) => Err(self.why(failure, "read", path, |kind| (kind == Kind::Dir).then_some(FsErrorKind::IsADirectory)).await),
        }
    }

    async fn create(&self, path: &FilePath, how: Create) -> FsResult<Box<dyn Sink>> {
        let (flags, mode, offset) = match how {
            Create::New => (flag::WRITE | flag::CREATE | flag::EXCLUSIVE, Some(0o600), 0),
            Create::Truncate => (flag::WRITE | flag::CREATE | flag::TRUNCATE, None, 0),
            Create::ResumeAt(offset) | Create::At(offset) => (flag::WRITE, None, offset),
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
        let inner = &self.0;
        let end = match how {
            Create::New | Create::Truncate => End::Ours,
            Create::ResumeAt(_) => End::Told,
            Create::At(_) => End::Shared,
        };
        let first = Lane::new(inner.channel.clone(), handle);
        let space = inner.offers.statvfs.then(|| inner.channel.clone());
        let writing = Writing::new(Arc::clone(&inner.more), first, path.clone(), offset, inner.write_block, end);
        Ok(Box::new(writing.which_may_sync(inner.offers.fsync).with_space(space)))
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
        renaming::rename(self.channel(), &self.0.offers, from, to, replace).await
    }

    async fn set_metadata(&self, path: &FilePath, new: NewMetadata) -> FsResult<()> {
        let Some(new) = metadata::exactly(&new) else {
            return Err(FsError::new(FsErrorKind::Unsupported, "set the time of", path, "SFTP 3 knows times from 1970 to 2106"));
        };
        self.channel().set_attributes(path, &new).await.map_err(|failure| failure.at("set times and permissions of", path))
    }

    async fn make_symlink(&self, path: &FilePath, target: &[u8]) -> FsResult<()> {
        match self.channel().symlink(target, path).await {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.why(failure, "make the link", path, |_| Some(FsErrorKind::AlreadyExists)).await),
        }
    }

    async fn copy_within(&self, from: &FilePath, to: &FilePath, told: &(dyn Fn(u64) + Sync)) -> FsResult<u64> {
        server_copy::copy(self.channel(), from, to, told).await
    }

    async fn digest(&self, path: &FilePath, wanted: &[DigestAlgorithm]) -> FsResult<Option<Digest>> {
        let digest = self.0.digests.of(self.channel(), path, wanted).await?;
        // A program that finds no file says so in words of its own.
        if digest.is_none() {
            kind_at(self.channel(), path).await.map_err(|failure| failure.at("have hashed", path))?;
        }
        Ok(digest)
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
        if let Some(below) = &self.0.session.below {
            let goodbye = async {
                below.say_goodbye().await;
                self.channel().ended().await;
            };
            if tokio::time::timeout(GOODBYE, goodbye).await.is_err() {
                tracing::debug!("the good-bye was not taken in time");
            }
        }
        self.channel().shut();
    }
}
