//! The program: parses the command line, chooses the face, answers with the exit code.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use sealift::app::{Options, StartPane};
use sealift::engine::{Advice, JobId, JobSpec, Place, SessionFacts, SessionId, Snapshot};
use sealift::model::entry::Kind;
use sealift::model::site::ParsedUrl;
use sealift::model::sort::Sort;
use sealift::model::{Entry, EntryName, FilePath};
use sealift::secrets::Secret;
use sealift::tui::theme::Theme;
use sealift::tui::{Backend, RunOptions, run};
use tokio::sync::mpsc;

/// This machine's folders, to look at.
struct LocalOnly;

fn advice(what: &str, why: String) -> Advice {
    Advice { what: what.into(), why, next: String::new(), intended: false }
}

fn path(path: &FilePath) -> std::path::PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    std::ffi::OsStr::from_bytes(path.as_bytes()).into()
}

fn read(dir: std::path::PathBuf) -> std::io::Result<Vec<Entry>> {
    use std::os::unix::ffi::OsStrExt as _;
    let entries = std::fs::read_dir(dir)?.map(|entry| {
        let entry = entry?;
        let kind = match entry.file_type()? {
            kind if kind.is_dir() => Kind::Dir,
            kind if kind.is_symlink() => Kind::Symlink,
            kind if kind.is_file() => Kind::File,
            _ => Kind::Other,
        };
        Ok(Entry::new(entry.file_name().as_bytes(), kind))
    });
    entries.collect()
}

#[async_trait]
impl Backend for LocalOnly {
    async fn connect(&self, _: ParsedUrl, _: Option<Secret>) -> Result<SessionFacts, Advice> {
        Err(advice("cannot connect", "this build shows this machine only".into()))
    }
    async fn list(&self, _: Place, dir: &FilePath, batches: mpsc::Sender<Vec<Entry>>) -> Result<(), Advice> {
        let dir = path(dir);
        let entries = tokio::task::spawn_blocking(move || read(dir)).await.map_err(|error| advice("cannot list", error.to_string()))?;
        drop(batches.send(entries.map_err(|error| advice("cannot list", error.to_string()))?).await);
        Ok(())
    }
    async fn stat(&self, _: Place, _: &FilePath, _: &[EntryName]) -> Result<Vec<Entry>, Advice> {
        Ok(Vec::new())
    }
    async fn make_dir(&self, _: Place, dir: &FilePath) -> Result<(), Advice> {
        tokio::fs::create_dir(path(dir)).await.map_err(|error| advice("cannot make the folder", error.to_string()))
    }
    async fn rename(&self, _: Place, _: &FilePath, _: &FilePath) -> Result<(), Advice> {
        Err(advice("cannot rename", String::new()))
    }
    fn submit(&self, _: JobSpec) {}
    fn cancel_job(&self, _: JobId) {}
    fn clear_jobs(&self) {}
    fn snapshot(&self) -> Snapshot {
        Snapshot::default()
    }
    async fn disconnect(&self, _: SessionId) {}
    async fn shut_down(&self) {}
}

fn main() -> ExitCode {
    let result = tokio::runtime::Runtime::new().and_then(|runtime| {
        let result = runtime.block_on(start());
        runtime.shutdown_background();
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(std::io::Write::write_all(&mut std::io::stderr(), format!("sealift: {error}\n").as_bytes()));
            ExitCode::FAILURE
        }
    }
}

async fn start() -> std::io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = |bytes: &[u8]| FilePath::parse(bytes).unwrap_or_else(|_| FilePath::root());
    let home = folder(std::env::current_dir()?.as_os_str().as_bytes());
    let mut arguments = std::env::args_os().skip(1);
    let mut pane = || StartPane::Local(arguments.next().map_or_else(|| home.clone(), |dir| folder(dir.as_bytes())));
    let start = [pane(), pane()];
    let (_questions, questions) = mpsc::channel(1);
    let (_events, events) = mpsc::channel(1);
    run(RunOptions {
        backend: Arc::new(LocalOnly),
        questions,
        events,
        start,
        options: Options { home: home.clone(), sort: Sort::default(), show_hidden: false, hint: true },
        sites: Vec::new(),
        theme: Theme::named("dark").map_err(std::io::Error::other)?,
    })
    .await
}
