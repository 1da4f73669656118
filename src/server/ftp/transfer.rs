//! RETR, STOR, APPE and listings: a transfer runs while the control connection is still read, and ABOR ends it.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::Shared;
use super::data::{NotOpened, Opening};
use super::files::listing_path;
use super::listing;
use super::session::{Session, code_of};
use crate::model::{Entry, FilePath, Kind};
use crate::server::follow;
use crate::vfs::{Create, FsError, FsErrorKind, Sink, Source};

/// Bytes taken from an upload at once.
const CHUNK: usize = 256 * 1024;
/// Commands that may wait behind a transfer; further ones stay in the socket.
const MAX_WAITING: usize = 64;

/// How a transfer ended, other than well.
enum Broken {
    NotOpened(NotOpened),
    /// The data connection broke: 426.
    Line(io::Error),
    Files(FsError),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Line(error)
    }
}

impl From<FsError> for Broken {
    fn from(error: FsError) -> Self {
        Self::Files(error)
    }
}

impl Session {
    pub(super) async fn retrieve(&mut self, argument: &[u8]) -> io::Result<()> {
        let from = std::mem::take(&mut self.restart);
        let Some(path) = self.named_path(argument).await? else { return Ok(()) };
        let source = match self.shared.options.root.open(&path, from).await {
            Ok(source) => source,
            Err(error) => return self.refuse(&error).await,
        };
        let Some(opening) = self.opening().await? else { return Ok(()) };
        let step = self.shared.options.limits.step;
        self.transfer(send(opening, source, step)).await.map(drop)
    }

    pub(super) async fn store(&mut self, argument: &[u8], append: bool) -> io::Result<()> {
        let mut from = std::mem::take(&mut self.restart);
        let Some(path) = self.named_path(argument).await? else { return Ok(()) };
        let Some(opening) = self.opening().await? else { return Ok(()) };
        let root = Arc::clone(&self.shared.options.root);
        if append {
            from = match follow(&*root, &path).await {
                Ok((_, entry)) => entry.size.unwrap_or(0),
                Err(error) if error.kind == FsErrorKind::NotFound => 0,
                Err(error) => return self.refuse(&error).await,
            };
        }
        let sink = match root.create(&path, if from == 0 { Create::Truncate } else { Create::ResumeAt(from) }).await {
            Ok(sink) => sink,
            Err(error) => return self.refuse(&error).await,
        };
        let step = self.shared.options.limits.step;
        let whole = self.transfer(receive(opening, sink, step)).await;
        if !matches!(whole, Ok(true)) && from == 0 && !self.shared.options.keep_broken_uploads {
            // A part of a file under the name of the whole would be taken for it.
            drop(root.remove_file(&path).await);
        }
        whole.map(drop)
    }

    pub(super) async fn list(&mut self, verb: &str, argument: &[u8]) -> io::Result<()> {
        let name = if verb == "MLSD" { argument } else { listing_path(argument) };
        let Some(path) = self.path(name).await? else { return Ok(()) };
        let (at, entry) = match follow(&*self.shared.options.root, &path).await {
            Ok(found) => found,
            Err(error) => return self.refuse(&error).await,
        };
        if verb == "MLSD" && entry.kind != Kind::Dir {
            return self.control.reply(501, "It is no folder; MLST tells about files").await;
        }
        let raw = self.shared.options.raw_names;
        let now = Timestamp::now();
        let facts = self.facts();
        // NLST answers names that can be asked for as they are.
        let prefix = if name.is_empty() || name.ends_with(b"/") { name.to_vec() } else { [name, b"/"].concat() };
        let verb = verb.to_owned();
        let write = move |entry: &Entry| {
            let name = listing::line_name(entry.raw_name(), raw);
            let mut line = match verb.as_str() {
                "MLSD" => listing::machine(entry, facts, &name),
                "LIST" => listing::unix(entry, now, &name),
                _ => [prefix.as_slice(), &name].concat(),
            };
            line.extend_from_slice(b"\r\n");
            line
        };
        let Some(opening) = self.opening().await? else { return Ok(()) };
        let shared = Arc::clone(&self.shared);
        let single = (entry.kind != Kind::Dir).then_some(entry);
        self.transfer(list(shared, opening, at, single, write)).await.map(drop)
    }

    /// Says 150, runs `work`, says how it ended; reads commands meanwhile. Answers whether all went well.
    async fn transfer(&mut self, work: impl Future<Output = Result<(), Broken>>) -> io::Result<bool> {
        self.control.reply(150, "Here it comes").await?;
        let mut work = pin!(work);
        let ended = loop {
            tokio::select! {
                biased;
                ended = &mut work => break Some(ended),
                line = self.control.line(), if self.waiting.len() < MAX_WAITING => {
                    let Some(line) = line? else { return Err(io::ErrorKind::UnexpectedEof.into()) };
                    let abort = line.verb == "ABOR";
                    self.waiting.push_back(line);
                    if abort {
                        break None;
                    }
                }
            }
        };
        let reply = match ended {
            Some(Ok(())) => return self.control.reply(226, "Done").await.map(|()| true),
            None => (426, "Stopped".to_owned()),
            Some(Err(Broken::NotOpened(NotOpened::Failed(why)))) => (425, why),
            Some(Err(Broken::NotOpened(NotOpened::NotReused))) => {
                (522, "The TLS session of the control connection must be reused".to_owned())
            }
            Some(Err(Broken::Line(error))) => (426, format!("The data connection broke: {error}")),
            Some(Err(Broken::Files(error))) => (code_of(error.kind), error.to_string()),
        };
        self.control.reply(reply.0, reply.1).await.map(|()| false)
    }
}

async fn within<T>(step: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(step, work).await?
}

async fn send(opening: Opening, mut source: Box<dyn Source>, step: Duration) -> Result<(), Broken> {
    let mut wire = opening.open().await.map_err(Broken::NotOpened)?;
    while let Some(chunk) = source.read().await? {
        within(step, wire.write_all(&chunk)).await?;
    }
    within(step, wire.shutdown()).await?;
    Ok(())
}

/// The end of an upload under TLS is its `close_notify`; without one, rustls answers `UnexpectedEof`, and it broke off.
async fn receive(opening: Opening, mut sink: Box<dyn Sink>, step: Duration) -> Result<(), Broken> {
    let mut wire = opening.open().await.map_err(Broken::NotOpened)?;
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        let mut read = 1;
        while read > 0 && chunk.len() < CHUNK / 2 {
            read = within(step, wire.read_buf(&mut chunk)).await?;
        }
        if !chunk.is_empty() {
            sink.write(Bytes::from(chunk)).await?;
        }
        if read == 0 {
            break;
        }
    }
    // The client waits for our end before it looks for the 226; a client that is gone already does not.
    drop(within(step, wire.shutdown()).await);
    sink.commit().await?;
    Ok(())
}

async fn list(
    shared: Arc<Shared>,
    opening: Opening,
    path: FilePath,
    single: Option<Entry>,
    write: impl Fn(&Entry) -> Vec<u8>,
) -> Result<(), Broken> {
    let step = shared.options.limits.step;
    let mut wire = opening.open().await.map_err(Broken::NotOpened)?;
    let (sender, batches) = mpsc::channel(4);
    let list = async {
        match single {
            Some(entry) => drop(sender.send(vec![entry]).await),
            None => shared.options.root.list(&path, sender).await?,
        }
        Ok::<(), Broken>(())
    };
    let print = async {
        let mut batches = batches;
        while let Some(batch) = batches.recv().await {
            let lines: Vec<u8> = batch.iter().flat_map(&write).collect();
            within(step, wire.write_all(&lines)).await?;
        }
        Ok::<(), Broken>(())
    };
    tokio::try_join!(list, print)?;
    within(step, wire.shutdown()).await?;
    Ok(())
}
