//! What is at a path: `MLST`, or what can be concluded from `SIZE`, `MDTM`, `CWD` and the parent's listing. And listing itself.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use bytes::BytesMut;
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::attempt::Attempt;
use super::command::Command;
use super::list::{self, Format, ListParser};
use super::quirks::Quirk;
use super::reply::Reply;
use super::session::Session;
use super::transfer::Order;
use crate::model::{Entry, EntryName, FilePath, Kind, TimePrecision};
use crate::vfs::{FsError, FsErrorKind};

/// How many entries are sent at once at most.
const BATCH: usize = 512;

/// What one listing command brought.
enum Listed {
    /// This many lines.
    Lines(u64),
    /// The receiver is gone; the transfer was broken off.
    Cancelled,
}

impl Session {
    /// Lists `dir` into `batches`. The folder is entered first and no path follows the command, so that names with
    /// blanks, brackets and leading hyphens work on servers that hand the argument to `ls`.
    pub(super) async fn list(&mut self, dir: &FilePath, batches: &mpsc::Sender<Vec<Entry>>) -> Result<(), FsError> {
        let attempt = Attempt::new("list", dir);
        if self.features.mlst {
            return self.list_with(&Command::new("MLSD"), Format::Mlsd, dir, batches, attempt).await.map(drop).map_err(|(_, error)| error);
        }
        let plain = Command::new("LIST");
        if self.settings.quirks.has(Quirk::NoListAll) {
            return self.list_with(&plain, Format::List, dir, batches, attempt).await.map(drop).map_err(|(_, error)| error);
        }
        let all = Command::with("LIST", "-a").map_err(|error| attempt.argument(error))?;
        match self.list_with(&all, Format::List, dir, batches, attempt).await {
            // Every Unix folder has `.`; nothing at all may mean that `-a` was taken for a name.
            Ok(Listed::Lines(0)) => {}
            Ok(_) => return Ok(()),
            Err((0, error)) if !error.is_connection_lost() && error.kind != FsErrorKind::Security => {}
            Err((_, error)) => return Err(error),
        }
        match self.list_with(&plain, Format::List, dir, batches, attempt).await {
            Ok(Listed::Lines(1..)) => self.settings.quirks.learn(Quirk::NoListAll),
            Ok(_) => {}
            Err((_, error)) => return Err(error),
        }
        Ok(())
    }

    /// Runs one listing command. An error comes with the number of lines there were before it.
    async fn list_with(
        &mut self,
        command: &Command,
        format: Format,
        dir: &FilePath,
        batches: &mpsc::Sender<Vec<Entry>>,
        attempt: Attempt<'_>,
    ) -> Result<Listed, (u64, FsError)> {
        let order = Order { folder: Some(dir), from: 0, command, is_upload: false, is_text: false };
        let mut transfer = match self.begin(&order, attempt).await {
            Err(error) if is_empty_folder(&error) => return Ok(Listed::Lines(0)),
            begun => begun.map_err(|error| (0, error))?,
        };
        let mut parser = ListParser::new(format, Timestamp::now());
        let mut buffer = BytesMut::new();
        let mut entries = Vec::new();
        loop {
            let read = tokio::select! {
                read = transfer.read(self, &mut buffer, attempt) => read,
                () = batches.closed() => {
                    transfer.abort(self).await;
                    return Ok(Listed::Cancelled);
                }
            };
            let is_end = match read {
                Ok(count) => count == 0,
                Err(error) if parser.lines() == 0 && is_empty_folder(&error) => true,
                Err(error) => return Err((parser.lines(), error)),
            };
            parser.push(&buffer.split(), &mut entries);
            if is_end {
                parser.finish(&mut entries);
            }
            if let Some(charset) = self.settings.charset {
                entries = entries.into_iter().map(|entry| entry.renamed(|name| charset.decode_path(name))).collect();
            }
            while !entries.is_empty() {
                let rest = entries.split_off(entries.len().min(BATCH));
                if batches.send(std::mem::replace(&mut entries, rest)).await.is_err() {
                    transfer.abort(self).await;
                    return Ok(Listed::Cancelled);
                }
            }
            if is_end {
                return Ok(Listed::Lines(parser.lines()));
            }
        }
    }

    /// The facts of `path`.
    pub(super) async fn stat(&mut self, path: &FilePath) -> Result<Entry, FsError> {
        let attempt = Attempt::new("look at", path);
        let Some((parent, name)) = path.parent().zip(path.name()) else {
            return Ok(Entry::new(&b"/"[..], Kind::Dir));
        };
        if self.features.mlst {
            let reply = self.exchange("MLST", path.as_bytes(), attempt).await?;
            let facts = reply.lines.get(1).filter(|_| reply.code == 250);
            if let Some(mut entry) = facts.and_then(|line| list::facts_of(line, name.as_bytes())) {
                let target = entry.details.as_mut().and_then(|details| details.target.as_mut());
                if let Some((target, charset)) = target.zip(self.settings.charset) {
                    *target = charset.decode_path(target).into();
                }
                return self.own_facts(path, &parent, name, entry).await;
            }
            let error = attempt.refused(&reply);
            if reply.is_refusal() && error.kind != FsErrorKind::Unsupported {
                return Err(if error.kind == FsErrorKind::Refused { attempt.error(FsErrorKind::NotFound, &error.detail) } else { error });
            }
        }
        let guess = self.guess(path, &name).await?;
        if guess.is_none() && self.features.size {
            return Err(attempt.error(FsErrorKind::NotFound, ""));
        }
        // These follow links, and a link to a folder must not pass for the folder: what is below it would be deleted
        // with it. Only a listing tells, and the permissions with it.
        let listed = self.stat_in(&parent, &[name]).await?.into_iter().next();
        let (mut entry, guess) = match (listed, guess) {
            (Some(entry), Some(guess)) => (entry, guess),
            (found, guess) => return found.or(guess).ok_or_else(|| attempt.error(FsErrorKind::NotFound, "")),
        };
        if entry.kind == Kind::Symlink {
            entry.details_mut().target_kind = Some(guess.kind);
        } else {
            entry.size = guess.size.or(entry.size);
            exactly(&mut entry, guess.modified);
        }
        Ok(entry)
    }

    /// The facts of those of `names` that are in `dir`, in the order asked: by one listing, and where that tells times
    /// only roughly, with those of the files.
    pub(super) async fn stat_many(&mut self, dir: &FilePath, names: &[EntryName]) -> Result<Vec<Entry>, FsError> {
        let mut entries = self.stat_in(dir, names).await?;
        if !self.features.mlst && self.features.mdtm {
            for (name, entry) in entries.iter_mut().filter_map(|entry| Some((entry.name().ok()?, entry))) {
                if entry.kind == Kind::File {
                    exactly(entry, self.modified(&dir.join(&name)).await?);
                }
            }
        }
        Ok(entries)
    }

    /// The facts of those of `names` that are in `dir`, by one listing, in the order asked.
    async fn stat_in(&mut self, dir: &FilePath, names: &[EntryName]) -> Result<Vec<Entry>, FsError> {
        let (sender, mut batches) = mpsc::channel::<Vec<Entry>>(4);
        let wanted: HashSet<&[u8]> = names.iter().map(EntryName::as_bytes).collect();
        let mut found: HashMap<Box<[u8]>, Entry> = HashMap::new();
        let collect = async {
            while let Some(batch) = batches.recv().await {
                found.extend(
                    batch.into_iter().filter(|entry| wanted.contains(entry.raw_name())).map(|entry| (entry.raw_name().into(), entry)),
                );
            }
        };
        let list = async {
            let sender = sender;
            Box::pin(self.list(dir, &sender)).await
        };
        let (listed, ()) = tokio::join!(list, collect);
        listed?;
        Ok(names.iter().filter_map(|name| found.get(name.as_bytes()).cloned()).collect())
    }

    /// Whether there is anything in `dir`; the listing is broken off at the first entry.
    pub(super) async fn has_entries(&mut self, dir: &FilePath) -> Result<bool, FsError> {
        let (sender, mut batches) = mpsc::channel::<Vec<Entry>>(1);
        let first = async {
            let any = batches.recv().await.is_some();
            batches.close();
            any
        };
        let list = async {
            let sender = sender;
            Box::pin(self.list(dir, &sender)).await
        };
        let (listed, any) = tokio::join!(list, first);
        listed.map(|()| any)
    }

    /// A file with size and time, a folder, or nothing, as far as three commands at once tell; they follow links.
    async fn guess(&mut self, path: &FilePath, name: &EntryName) -> Result<Option<Entry>, FsError> {
        let attempt = Attempt::new("look at", path);
        let verbs = ["SIZE", "CWD", "MDTM"];
        let asked = if self.features.mdtm { &verbs[..] } else { &verbs[..2] };
        let commands = asked.iter().map(|verb| self.command(verb, path.as_bytes(), attempt)).collect::<Result<Vec<_>, _>>()?;
        let replies = self.exchange_all(&commands, attempt).await?;
        let [size, folder, ..] = replies.as_slice() else { return Ok(None) };
        if let Some(size) = size_in(size) {
            let mut entry = Entry::new(name.as_bytes(), Kind::File);
            entry.size = Some(size);
            entry.modified = match replies.get(2) {
                Some(told) => time_in(told),
                None => self.modified(path).await?,
            };
            return Ok(Some(entry));
        }
        Ok(folder.is_success().then(|| Entry::new(name.as_bytes(), Kind::Dir)))
    }

    /// The time of a file; `None` where the server tells none.
    async fn modified(&mut self, path: &FilePath) -> Result<Option<Timestamp>, FsError> {
        Ok(time_in(&self.exchange("MDTM", path.as_bytes(), Attempt::new("look at", path)).await?))
    }

    /// The size of a file; `None` where the server tells none.
    pub(super) async fn size(&mut self, path: &FilePath) -> Result<Option<u64>, FsError> {
        Ok(size_in(&self.exchange("SIZE", path.as_bytes(), Attempt::new("look at", path)).await?))
    }

    /// Refuses to go on writing a file that does not end after exactly `at` bytes: `REST` before `STOR` would leave a
    /// hole in a shorter one, the old end of a longer one, and make a missing one.
    pub(super) async fn must_end_at(&mut self, path: &FilePath, at: u64) -> Result<(), FsError> {
        let attempt = Attempt::new("go on writing", path);
        let size = match self.size(path).await? {
            Some(size) => size,
            None => match self.stat(path).await? {
                Entry { kind: Kind::Dir, .. } => return Err(attempt.error(FsErrorKind::IsADirectory, "")),
                Entry { kind: Kind::File, size: Some(size), .. } => size,
                _ => return Err(attempt.error(FsErrorKind::Unsupported, "the server does not tell how much of it is there")),
            },
        };
        let (kind, detail) = match size.cmp(&at) {
            Ordering::Equal => return Ok(()),
            Ordering::Less => (FsErrorKind::ChangedMeanwhile, format!("only {size} of {at} bytes are there")),
            Ordering::Greater => {
                (FsErrorKind::Unsupported, format!("{size} bytes are there, more than {at}, and FTP cannot cut a file off"))
            }
        };
        Err(attempt.error(kind, detail))
    }

    /// Whether `path` can be entered.
    pub(super) async fn is_folder(&mut self, path: &FilePath) -> Result<bool, FsError> {
        Ok(self.exchange("CWD", path.as_bytes(), Attempt::new("look at", path)).await?.is_success())
    }

    /// The facts of a link itself where `MLST` described what is behind it, and of what is behind it where it is one.
    async fn own_facts(&mut self, path: &FilePath, parent: &FilePath, name: EntryName, entry: Entry) -> Result<Entry, FsError> {
        if entry.kind == Kind::Symlink {
            let kind = if self.is_folder(path).await? { Some(Kind::Dir) } else { self.size(path).await?.map(|_| Kind::File) };
            let mut link = entry;
            link.details_mut().target_kind = kind;
            return Ok(link);
        }
        // ProFTPD tells the kind of what is behind a link with the link's own mode, which is always this.
        if entry.mode() != Some(0o777) {
            return Ok(entry);
        }
        match self.stat_in(parent, &[name]).await?.into_iter().next() {
            Some(mut link) if link.kind == Kind::Symlink => {
                link.details_mut().target_kind = Some(entry.kind);
                Ok(link)
            }
            _ => Ok(entry),
        }
    }

    /// Whether anything is at `path`.
    pub(super) async fn exists(&mut self, path: &FilePath) -> Result<bool, FsError> {
        if !self.features.mlst {
            return Ok(self.size(path).await?.is_some() || self.is_folder(path).await?);
        }
        match self.stat(path).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind == FsErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What a reply to `SIZE` says.
pub(super) fn size_in(reply: &Reply) -> Option<u64> {
    let digits = std::str::from_utf8(reply.last_line().trim_ascii()).ok();
    digits.filter(|_| reply.code == 213).and_then(|digits| digits.parse().ok())
}

/// What a reply to `MDTM` says.
fn time_in(reply: &Reply) -> Option<Timestamp> {
    list::time(reply.last_line().trim_ascii()).filter(|_| reply.code == 213)
}

/// Takes the time that was told for `entry` alone in place of a listing's, where one was.
fn exactly(entry: &mut Entry, told: Option<Timestamp>) {
    if told.is_some() {
        entry.modified = told;
        entry.precision = TimePrecision::Second;
    }
}

/// Some servers refuse to list a folder with nothing in it.
fn is_empty_folder(error: &FsError) -> bool {
    let words = error.detail.to_ascii_lowercase();
    (words.starts_with("450") || words.starts_with("550")) && (words.contains("no files") || words.contains("directory is empty"))
}
