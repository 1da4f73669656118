//! From the words on the command line to places the engine reaches: one connection for each site named.

use std::path::Path;

use super::exit::Failure;
use crate::app::StartPane;
use crate::engine::{Engine, Place, SessionFacts, Target};
use crate::model::site::{ParsedUrl, RemoteStart};
use crate::model::{FilePath, Protocol, text};
use crate::secrets::Secret;
use crate::trust::Fingerprint;

/// A place and a path there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) place: Place,
    pub(super) path: FilePath,
    /// The text ended in `/`: a folder is meant.
    pub(super) folder: bool,
    /// How a person would write it.
    pub(super) name: String,
}

/// The connections of one command.
pub(super) struct Connections<'a> {
    engine: &'a Engine,
    allow_plain: bool,
    sessions: Vec<(ParsedUrl, SessionFacts)>,
}

impl<'a> Connections<'a> {
    pub(super) fn new(engine: &'a Engine, allow_plain: bool) -> Self {
        Self { engine, allow_plain, sessions: Vec::new() }
    }

    /// Understands `text`, connecting where it has to.
    pub(super) async fn reach(&mut self, text: &str) -> Result<Spot, Failure> {
        let folder = text.ends_with('/');
        let local = text.strip_prefix("file://").or_else(|| text.strip_prefix("file:"));
        if local.is_some() || !text.contains("://") {
            let path = local_path(local.unwrap_or(text))?;
            return Ok(Spot { place: Place::Local, name: path.display(), path, folder });
        }
        let url = parse(text)?;
        if url.site.protocol == Protocol::Ftp && !self.allow_plain {
            return Err(Failure::usage(
                "ftp:// sends names, passwords and files for everybody to read",
                "use ftpes:// or sftp://, or add --allow-plain",
            ));
        }
        let facts = match self.sessions.iter().find(|(known, _)| known.site == url.site && known.fingerprint == url.fingerprint) {
            Some((_, facts)) => facts.clone(),
            None => {
                let facts = self.engine.connect(target(&url)?).await.map_err(|failure| Failure::from(&failure))?;
                self.sessions.push((url.clone(), facts.clone()));
                facts
            }
        };
        let path = match &url.path {
            RemoteStart::Absolute(path) => path.clone(),
            RemoteStart::Home(relative) => facts.home.resolve(relative).map_err(|error| Failure::usage(format!("{text}: {error}"), ""))?,
        };
        Ok(Spot { place: Place::Remote(facts.id), name: facts.site.url_of(&path), path, folder })
    }
}

/// What a pane named `text` shows.
pub fn start_pane(text: &str) -> Result<StartPane, Failure> {
    let local = text.strip_prefix("file://").or_else(|| text.strip_prefix("file:"));
    if local.is_some() || !text.contains("://") {
        local_path(local.unwrap_or(text)).map(StartPane::Local)
    } else {
        parse(text).map(StartPane::Url)
    }
}

/// Reads a URL; what it warns of goes to standard error.
pub(super) fn parse(text: &str) -> Result<ParsedUrl, Failure> {
    let shown = || text::display_safe(text.as_bytes());
    let url = ParsedUrl::parse(text)
        .map_err(|error| Failure::usage(format!("{} is no location: {error}", shown()), "write it like sftp://user@host/folder"))?;
    if url.password.is_some() {
        super::output::say("a password inside a URL is seen by everybody who may list processes; --password-command keeps it to you");
    }
    if url.taken_as_explicit {
        super::output::say("ftps:// with port 21 is taken as explicit TLS (ftpes://)");
    }
    Ok(url)
}

/// What the engine is to connect.
pub(super) fn target(url: &ParsedUrl) -> Result<Target, Failure> {
    let fingerprint = match &url.fingerprint {
        None => None,
        Some(text) => Some(Fingerprint::parse(text).map_err(|error| Failure::usage(format!(";fingerprint={text}: {error}"), ""))?),
    };
    Ok(Target { site: url.site.clone(), password: url.password.clone().map(Secret::new), fingerprint })
}

/// An absolute local path, from the working folder on.
pub(super) fn local_path(text: &str) -> Result<FilePath, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", text::display_safe(text.as_bytes())), "");
    let absolute = std::path::absolute(Path::new(text)).map_err(|error| wrong(&error))?;
    FilePath::parse(absolute.as_os_str().as_encoded_bytes()).map_err(|error| wrong(&error))
}
