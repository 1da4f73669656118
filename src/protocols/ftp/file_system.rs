//! A place on an FTP server. One transfer at a time: a reader or writer holds the connection until it ends.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, mpsc};

use super::attempt::Attempt;
use super::buffers::Buffers;
use super::command::Command;
use super::control::ControlError;
use super::quirks::{Quirk, Quirks};
use super::session::Session;
use super::text_lines::{FromNetwork, ToNetwork};
use super::transfer::{Order, Transfer};
use crate::model::{Entry, EntryName, FilePath, Kind, TransferType};
use crate::protocols::tls::TlsSession;
use crate::trust::{Evidence, TlsFacts};
use crate::vfs::{
    Capabilities, Create, Digest, DigestAlgorithm, FileSystem, FsError, FsErrorKind, FsResult, NewMetadata, Replace, Sink, Source,
};

/// A logged-in FTP connection as a file system.
///
/// What FTP cannot do is said here once. [`Create::New`] and [`Replace::No`] ask first and act then: no command makes a
/// file only where none is, so another client may make one in between, and it is overwritten. On a server without
/// `MLST` the question follows links, so that a link that leads nowhere counts as nothing there. [`Create::ResumeAt`]
/// goes on at the very end of a file only, because no command cuts one off. [`Create::At`] is for vsftpd alone.
pub struct FtpFileSystem {
    session: Arc<AsyncMutex<Session>>,
    home: FilePath,
    banner: String,
    evidence: Option<Evidence>,
    facts: Mutex<Option<TlsFacts>>,
    features: super::features::Features,
    quirks: Arc<Quirks>,
    transfer_type: TransferType,
}

/// Why nothing begins in the middle of a file.
const IN_TEXT: &str = "in an ASCII transfer a position here is another one there";

impl FtpFileSystem {
    pub(super) fn new(session: Session, home: FilePath) -> Self {
        Self {
            home,
            banner: session.banner.clone(),
            evidence: session.tls.as_ref().and_then(TlsSession::evidence),
            facts: Mutex::new(session.tls.as_ref().map(TlsSession::facts)),
            features: session.features,
            quirks: session.settings.quirks.clone(),
            transfer_type: session.settings.transfer_type,
            session: Arc::new(AsyncMutex::new(session)),
        }
    }

    /// The folder the login landed in.
    pub fn home(&self) -> &FilePath {
        &self.home
    }

    /// What TLS agreed on; `None` for plain FTP.
    pub fn tls_facts(&self) -> Option<TlsFacts> {
        // The connection may have been replaced by one over TLS 1.2; while it is in use, what was last known is told.
        let mut facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(session) = self.session.try_lock() {
            *facts = session.tls.as_ref().map(TlsSession::facts);
        }
        facts.clone()
    }

    /// What is known of the accepted peer; `None` for plain FTP.
    pub fn evidence(&self) -> Option<&Evidence> {
        self.evidence.as_ref()
    }

    /// The server's greeting, safe to draw.
    pub fn banner(&self) -> &str {
        &self.banner
    }

    /// Whether the ends of lines are changed on the way.
    fn is_text(&self, path: &FilePath) -> bool {
        self.transfer_type.is_text(path.name().as_ref().map_or(&[][..], EntryName::as_bytes))
    }

    /// The connection, once nobody else uses it; a fresh one where we broke the last off ourselves.
    async fn session(&self, attempt: Attempt<'_>) -> FsResult<OwnedMutexGuard<Session>> {
        let mut session = self.session.clone().lock_owned().await;
        if session.given_up {
            session.replace(attempt).await?;
        }
        match session.control.settle_ahead().await {
            Ok(()) => {}
            Err(ControlError::Disorder(_)) => session.replace(attempt).await?,
            Err(error) => return Err(attempt.control(error)),
        }
        if session.is_text {
            // In ASCII, servers tell no sizes, or others.
            session.done("TYPE", "I", attempt).await?;
            session.is_text = false;
        }
        Ok(session)
    }
}

#[async_trait]
impl FileSystem for FtpFileSystem {
    fn capabilities(&self) -> Capabilities {
        let sets_times = self.features.mfmt || self.features.is_vsftpd && self.features.mdtm || self.features.site_utime;
        Capabilities {
            read_from: self.features.rest && self.transfer_type != TransferType::Ascii,
            append: self.transfer_type != TransferType::Ascii,
            // Others empty the file, cut it off, or let nobody write behind its end.
            write_at: self.features.is_vsftpd && self.features.rest && self.transfer_type == TransferType::Binary,
            replaces_in_one_step: false,
            set_modified: sets_times && !self.quirks.has(Quirk::NoTimes),
            set_mode: !self.quirks.has(Quirk::NoModes),
            symlinks: false,
            listing_has_facts: true,
            copies_within: false,
            parallel: false,
            notices_damage: self.evidence.is_some(),
            copies_facts: false,
        }
    }

    async fn list(&self, dir: &FilePath, batches: mpsc::Sender<Vec<Entry>>) -> FsResult<()> {
        let mut session = self.session(Attempt::new("list", dir)).await?;
        match session.list(dir, &batches).await {
            Ok(()) => Ok(()),
            Err(error) => Err(clarify(&mut session, error, dir, Kind::Dir).await),
        }
    }

    async fn stat(&self, path: &FilePath) -> FsResult<Entry> {
        self.session(Attempt::new("look at", path)).await?.stat(path).await
    }

    async fn stat_many(&self, dir: &FilePath, names: &[EntryName]) -> FsResult<Vec<Entry>> {
        self.session(Attempt::new("look into", dir)).await?.stat_many(dir, names).await
    }

    async fn open(&self, path: &FilePath, from: u64) -> FsResult<Box<dyn Source>> {
        let attempt = Attempt::new("read", path);
        let mut session = self.session(attempt).await?;
        let command = session.command("RETR", path.as_bytes(), attempt)?;
        let is_text = self.is_text(path);
        if is_text && from > 0 {
            return Err(attempt.error(FsErrorKind::Unsupported, IN_TEXT));
        }
        let order = Order { folder: None, from, command: &command, is_upload: false, is_text };
        match session.begin(&order, attempt).await {
            Ok(transfer) => Ok(Box::new(FtpSource {
                session,
                transfer: Some(transfer),
                path: path.clone(),
                buffers: Buffers::default(),
                text: is_text.then(FromNetwork::default),
            })),
            Err(error) => Err(clarify(&mut session, error, path, Kind::File).await),
        }
    }

    async fn create(&self, path: &FilePath, how: Create) -> FsResult<Box<dyn Sink>> {
        let attempt = Attempt::new("write", path);
        let mut session = self.session(attempt).await?;
        let (mut verb, mut from, mut begins_at) = ("STOR", 0, Some(0));
        let is_text = self.is_text(path);
        match how {
            Create::ResumeAt(1..) | Create::At(_) if is_text => return Err(attempt.error(FsErrorKind::Unsupported, IN_TEXT)),
            Create::New if session.is_file_there(path).await? => return Err(attempt.error(FsErrorKind::AlreadyExists, "")),
            Create::New | Create::Truncate => {}
            // Without a place to begin at, STOR empties the file.
            Create::At(at) if !self.capabilities().write_at || at == 0 && session.stat(path).await?.size != Some(0) => {
                return Err(FsError::unsupported("write into the middle of", path));
            }
            Create::At(at) => {
                drop(session.stat(path).await?);
                (from, begins_at) = (at, None);
            }
            Create::ResumeAt(0) => drop(session.stat(path).await?),
            Create::ResumeAt(at) => {
                session.must_end_at(path, at).await?;
                (verb, begins_at) = ("APPE", Some(at));
            }
        }
        let command = session.command(verb, path.as_bytes(), attempt)?;
        let order = Order { folder: None, from, command: &command, is_upload: true, is_text };
        match session.begin(&order, attempt).await {
            Ok(transfer) => {
                let text = is_text.then(ToNetwork::default);
                Ok(Box::new(FtpSink { session, transfer: Some(transfer), path: path.clone(), written: 0, begins_at, text }))
            }
            Err(error) => match clarify(&mut session, error, path, Kind::File).await {
                // Nothing is there, so the folder it should go into is missing, or may not be written to.
                error
                    if error.kind == FsErrorKind::NotFound && session.is_folder(&path.parent().unwrap_or_else(FilePath::root)).await? =>
                {
                    Err(FsError { kind: FsErrorKind::PermissionDenied, ..error })
                }
                error => Err(error),
            },
        }
    }

    async fn make_dir(&self, path: &FilePath) -> FsResult<()> {
        let attempt = Attempt::new("make the folder", path);
        let mut session = self.session(attempt).await?;
        match session.done("MKD", path.as_bytes(), attempt).await {
            Ok(_) => Ok(()),
            Err(error) if is_vague(&error) && session.exists(path).await? => Err(FsError { kind: FsErrorKind::AlreadyExists, ..error }),
            Err(error) => Err(error),
        }
    }

    async fn remove_file(&self, path: &FilePath) -> FsResult<()> {
        let attempt = Attempt::new("delete", path);
        let mut session = self.session(attempt).await?;
        match session.done("DELE", path.as_bytes(), attempt).await {
            Ok(_) => Ok(()),
            Err(error) => Err(clarify(&mut session, error, path, Kind::File).await),
        }
    }

    async fn remove_dir(&self, path: &FilePath) -> FsResult<()> {
        let attempt = Attempt::new("delete the folder", path);
        let mut session = self.session(attempt).await?;
        let error = match session.done("RMD", path.as_bytes(), attempt).await {
            Ok(_) => return Ok(()),
            Err(error) if is_vague(&error) => error,
            Err(error) => return Err(error),
        };
        let kind = match session.stat(path).await {
            Err(missing) if missing.kind == FsErrorKind::NotFound => FsErrorKind::NotFound,
            Ok(entry) if entry.kind != Kind::Dir => FsErrorKind::NotADirectory,
            Ok(_) if session.has_entries(path).await? => FsErrorKind::NotEmpty,
            _ => error.kind,
        };
        Err(FsError { kind, ..error })
    }

    async fn rename(&self, from: &FilePath, to: &FilePath, replace: Replace) -> FsResult<()> {
        let attempt = Attempt::new("rename", from);
        let mut session = self.session(attempt).await?;
        if replace == Replace::No && session.exists(to).await? {
            return Err(Attempt::new("rename to", to).error(FsErrorKind::AlreadyExists, ""));
        }
        match session.rename(from, to).await {
            Err(error) if error.kind == FsErrorKind::AlreadyExists && replace == Replace::Yes => session.replace_file(from, to).await,
            Err(error) => Err(clarify(&mut session, error, from, Kind::Other).await),
            Ok(()) => Ok(()),
        }
    }

    async fn set_metadata(&self, path: &FilePath, metadata: NewMetadata) -> FsResult<()> {
        let mut session = self.session(Attempt::new("set the time of", path)).await?;
        for (command, what, quirk) in session.fact_commands(path, metadata)? {
            let attempt = Attempt::new(what, path);
            let reply = session.control.exchange(&command).await.map_err(|error| attempt.control(error))?;
            if let Err(error) = attempt.success(reply) {
                let error = clarify(&mut session, error, path, Kind::Other).await;
                if error.kind == FsErrorKind::Unsupported {
                    session.settings.quirks.learn(quirk);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    async fn put_in_place(&self, part: &FilePath, to: &FilePath, facts: NewMetadata, replace: Replace) -> FsResult<()> {
        let mut session = self.session(Attempt::new("rename", part)).await?;
        match session.put_in_place(part, to, facts, replace).await {
            Err(error) if error.kind != FsErrorKind::AlreadyExists => Err(clarify(&mut session, error, part, Kind::Other).await),
            outcome => outcome,
        }
    }

    fn with_transfer_type(&self, transfer_type: TransferType) -> Option<Arc<dyn FileSystem>> {
        Some(Arc::new(Self {
            session: Arc::clone(&self.session),
            home: self.home.clone(),
            banner: self.banner.clone(),
            evidence: self.evidence.clone(),
            facts: Mutex::new(self.tls_facts()),
            features: self.features,
            quirks: Arc::clone(&self.quirks),
            transfer_type,
        }))
    }

    async fn digest(&self, path: &FilePath, wanted: &[DigestAlgorithm]) -> FsResult<Option<Digest>> {
        // The server's lines end otherwise.
        if self.features.digests == 0 || self.is_text(path) {
            return Ok(None);
        }
        self.session(Attempt::new("take the checksum of", path)).await?.digest(path, wanted).await
    }

    async fn keep_alive(&self) -> FsResult<()> {
        // A line in use needs nothing to keep it alive.
        let Ok(mut session) = self.session.try_lock() else { return Ok(()) };
        let attempt = Attempt::new("keep the connection to", &self.home);
        if session.given_up {
            return session.replace(attempt).await;
        }
        session.control.exchange(&Command::new("NOOP")).await.map(drop).map_err(|error| attempt.control(error))
    }

    async fn close(&self) {
        let mut session = self.session.lock().await;
        session.given_up = false;
        session.control.quit().await;
    }
}

/// Whether the server's words leave open what is wrong.
fn is_vague(error: &FsError) -> bool {
    matches!(error.kind, FsErrorKind::Refused | FsErrorKind::PermissionDenied)
}

/// Looks what is at `path` where the server's words leave open what is wrong with it. `wanted`: what it should be;
/// [`Kind::Other`] for anything.
async fn clarify(session: &mut Session, error: FsError, path: &FilePath, wanted: Kind) -> FsError {
    if error.kind != FsErrorKind::Refused {
        return error;
    }
    let kind = match session.stat(path).await {
        Err(missing) if missing.kind == FsErrorKind::NotFound => FsErrorKind::NotFound,
        Ok(entry) if wanted == Kind::File && entry.kind == Kind::Dir => FsErrorKind::IsADirectory,
        Ok(entry) if wanted == Kind::Dir && entry.kind == Kind::File => FsErrorKind::NotADirectory,
        Ok(_) => FsErrorKind::PermissionDenied,
        Err(_) => error.kind,
    };
    FsError { kind, ..error }
}

/// A file being read. Dropped before its end, it leaves the connection out of step: lost.
struct FtpSource {
    session: OwnedMutexGuard<Session>,
    transfer: Option<Transfer>,
    path: FilePath,
    buffers: Buffers,
    /// In an ASCII transfer.
    text: Option<FromNetwork>,
}

#[async_trait]
impl Source for FtpSource {
    async fn read(&mut self) -> FsResult<Option<Bytes>> {
        let Some(transfer) = &mut self.transfer else { return Ok(None) };
        match transfer.read(&mut self.session, self.buffers.now(), Attempt::new("read", &self.path)).await {
            Ok(0) => {
                self.transfer = None;
                let mut rest = BytesMut::new();
                if let Some(text) = &mut self.text {
                    text.finish(&mut rest);
                }
                Ok(Some(rest.freeze()).filter(|rest| !rest.is_empty()))
            }
            Ok(_) => {
                let bytes = self.buffers.hand_on();
                let Some(text) = &mut self.text else { return Ok(Some(bytes.freeze())) };
                let mut lines = BytesMut::new();
                text.take(&bytes, &mut lines);
                Ok(Some(lines.freeze()))
            }
            Err(error) => Err(error),
        }
    }

    fn is_converted(&self) -> bool {
        self.text.is_some()
    }

    async fn abort(mut self: Box<Self>) {
        if let Some(transfer) = self.transfer.take() {
            transfer.abort(&mut self.session).await;
        }
    }
}

/// A file being written. Dropped before its end, it leaves the connection out of step: lost.
struct FtpSink {
    session: OwnedMutexGuard<Session>,
    transfer: Option<Transfer>,
    path: FilePath,
    written: u64,
    /// Written behind so many bytes: the file must end where the writing ended. `None`: it may be longer.
    begins_at: Option<u64>,
    /// In an ASCII transfer.
    text: Option<ToNetwork>,
}

#[async_trait]
impl Sink for FtpSink {
    async fn write(&mut self, chunk: Bytes) -> FsResult<()> {
        let attempt = Attempt::new("write", &self.path);
        let Some(transfer) = &mut self.transfer else { return Err(attempt.error(FsErrorKind::ConnectionLost, "")) };
        self.written += chunk.len() as u64;
        let chunk = self.text.as_mut().map_or_else(|| chunk.clone(), |text| text.take(&chunk));
        transfer.write(&mut self.session, &chunk, attempt).await?;
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> FsResult<u64> {
        let attempt = Attempt::new("write", &self.path);
        let Some(transfer) = self.transfer.take() else { return Err(attempt.error(FsErrorKind::ConnectionLost, "")) };
        transfer.finish_upload(&mut self.session, attempt).await?;
        match self.begins_at {
            // Whether all of it is there is asked together with what it is given.
            Some(0) if self.text.is_none() => self.session.unconfirmed = Some((self.path.clone(), self.written)),
            Some(at @ 1..) => {
                if let Some(size) = self.session.size(&self.path).await?
                    && size != at + self.written
                {
                    let detail = format!("it has {size} bytes where {} were expected", at + self.written);
                    // Fewer are gone on with; more are somebody else's.
                    let is_cut = size < at + self.written;
                    return Err(attempt.error(if is_cut { FsErrorKind::ConnectionLost } else { FsErrorKind::ChangedMeanwhile }, detail));
                }
            }
            _ => {}
        }
        Ok(self.written)
    }

    async fn abort(mut self: Box<Self>) {
        if let Some(transfer) = self.transfer.take() {
            transfer.abort(&mut self.session).await;
        }
    }
}
