//! `cert`: looking at identities without trusting them (`show`, `verify`), and one's own: made, signed, exchanged, kept.

mod exchange;
mod keep;
mod make;
pub(super) mod own;
mod show;
mod sign;
mod verify;

use std::ffi::OsStr;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::ask::Refuse;
use crate::cli::args::{Cert, ConnectOptions};
use crate::cli::exit::{ExitCode, Failure};
use crate::cli::output;
use crate::cli::places::{Named, named};
use crate::engine;
use crate::model::{Site, text};
use crate::setup::{Choices, Setup};
use crate::trust::Evidence;
use crate::trust::document::{self, Document};

pub(in crate::cli) async fn cert(command: &Cert) -> Result<ExitCode, Failure> {
    match command {
        Cert::Show(command) => show::show(command).await,
        Cert::Verify(command) => verify::verify(command).await,
        Cert::New(command) => make::new(command).await,
        Cert::Request(command) => make::request(command).await,
        Cert::Authority(command) => make::authority(command).await,
        Cert::Sign(command) => sign::sign(command).await,
        Cert::Revoke(command) => sign::revoke(command).await,
        Cert::Import(command) => exchange::import(command).await,
        Cert::Export(command) => exchange::export(command).await,
        Cert::List(command) => keep::list(command),
        Cert::Default { name } => keep::default(name.as_deref()),
        Cert::Rename(command) => keep::rename(command),
        Cert::Remove(command) => keep::remove(command).await,
    }
}

/// Where to look.
enum Source {
    Server(Box<Site>),
    Bytes(Input),
}

/// Bytes on this machine.
enum Input {
    Stdin,
    File(PathBuf),
}

impl Input {
    fn shown(&self) -> String {
        match self {
            Self::Stdin => "standard input".to_owned(),
            Self::File(path) => shown_path(path),
        }
    }
}

pub(super) fn shown_path(path: &Path) -> String {
    text::display_safe(path.as_os_str().as_encoded_bytes())
}

fn source(what: &OsStr) -> Result<Source, Failure> {
    if what == "-" {
        return Ok(Source::Bytes(Input::Stdin));
    }
    Ok(match named(what)? {
        Named::File(path) => Source::Bytes(Input::File(path)),
        Named::Server(url) => Source::Server(Box::new(url.site)),
    })
}

fn choices(timeout: Option<u64>, ssh_config: Option<PathBuf>) -> Choices {
    ConnectOptions { ssh_config, timeout, ..ConnectOptions::default() }.choices()
}

async fn look(site: &Site, choices: &Choices) -> Result<Evidence, Failure> {
    let services = Setup::read(choices)?.services(choices, Arc::new(Refuse), Arc::new(output::say))?;
    Box::pin(engine::look(site, &services)).await.map_err(|failure| Failure::from(&failure))
}

/// What is in a file; an error if nothing of the kind is.
async fn read(input: Input, now: Timestamp) -> Result<Vec<Document>, Failure> {
    let name = input.shown();
    let bytes = bytes(input).await?;
    let documents = document::read(&name, &bytes, now);
    if documents.is_empty() {
        return Err(Failure::unreadable(&name, "there is no certificate, request, revocation list or key in it", ""));
    }
    Ok(documents)
}

/// One byte more than will be looked at tells that a file is too large.
async fn bytes(input: Input) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let name = input.shown();
    let read = move || -> io::Result<_> {
        let mut bytes = Zeroizing::new(Vec::new());
        let most = document::LARGEST as u64 + 1;
        match input {
            Input::Stdin => io::stdin().lock().take(most).read_to_end(&mut bytes)?,
            Input::File(path) => std::fs::File::open(path)?.take(most).read_to_end(&mut bytes)?,
        };
        Ok(bytes)
    };
    let read = tokio::task::spawn_blocking(read).await.map_err(io::Error::other).flatten();
    read.map_err(|error| Failure::unreadable(&name, error, "Check the name and who may read it."))
}
