//! From the words on the command line to places the engine reaches: one connection for each site named.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode;

use super::args::Common;
use super::exit::Failure;
use super::output;
use crate::app::StartPane;
use crate::config::sites::{SiteEntry, Sites};
use crate::config::ssh_config::SshConfig;
use crate::engine::{Engine, Place, SessionFacts, Target};
use crate::model::site::{ParsedUrl, RemoteStart, UrlError};
use crate::model::{FilePath, Protocol, text};
use crate::secrets::Secret;
use crate::setup::Setup;
use crate::trust::Fingerprint;

/// A place and a path there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) place: Place,
    pub(super) path: FilePath,
    /// The text ended in `/`: a folder is meant.
    pub(super) folder: bool,
}

impl Spot {
    pub(super) fn is_remote(&self) -> bool {
        self.place != Place::Local
    }
}

/// The connections of one command.
pub(super) struct Connections<'a> {
    engine: &'a Engine,
    common: &'a Common,
    sessions: Vec<(ParsedUrl, SessionFacts)>,
}

impl<'a> Connections<'a> {
    pub(super) fn new(engine: &'a Engine, common: &'a Common) -> Self {
        Self { engine, common, sessions: Vec::new() }
    }

    /// Understands `text`, connecting where it has to.
    pub(super) async fn reach(&mut self, text: &OsStr) -> Result<Spot, Failure> {
        let folder = text.as_encoded_bytes().ends_with(b"/");
        let url = match (self.known(text)?, local(text)) {
            (Some(url), _) => url,
            (None, Some(path)) => return Ok(Spot { place: Place::Local, path: path?, folder }),
            (None, None) => parse(text)?,
        };
        if url.site.protocol == Protocol::Ftp && !self.common.allow_plain {
            return Err(Failure::usage(
                "ftp:// sends names, passwords and files for everybody to read",
                "Use ftpes:// or sftp://, or add --allow-plain.",
            ));
        }
        let facts = match self.sessions.iter().find(|(known, _)| known.site == url.site && known.fingerprint == url.fingerprint) {
            Some((_, facts)) => facts.clone(),
            None => {
                remark(&url);
                let facts = self.engine.connect(target(&url)?).await.map_err(|failure| Failure::from(&failure))?;
                self.sessions.push((url.clone(), facts.clone()));
                facts
            }
        };
        let path = match &url.path {
            RemoteStart::Absolute(path) => path.clone(),
            RemoteStart::Home(relative) => {
                facts.home.resolve(relative).map_err(|error| Failure::usage(format!("{}: {error}", shown(text)), ""))?
            }
        };
        Ok(Spot { place: Place::Remote(facts.id), path, folder })
    }

    /// What is known of the server a spot is on.
    pub(super) fn facts(&self, place: Place) -> Option<&SessionFacts> {
        self.sessions.iter().map(|(_, facts)| facts).find(|facts| Place::Remote(facts.id) == place)
    }

    /// `text` as `NAME:PATH` on a site or a host of the SSH configuration, which are read only for a text that looks like it.
    fn known(&self, text: &OsStr) -> Result<Option<ParsedUrl>, Failure> {
        if !text.as_encoded_bytes().contains(&b':') || text.as_encoded_bytes().windows(3).any(|three| three == b"://") {
            return Ok(None);
        }
        known(text, &Setup::read(&self.common.connect.choices())?)
    }

    /// What a person would write for `path`: the path itself here, a URL elsewhere.
    pub(super) fn name(&self, place: Place, path: &FilePath) -> Vec<u8> {
        match self.facts(place) {
            Some(facts) => facts.site.url_of(path).into_bytes(),
            None => path.as_bytes().to_vec(),
        }
    }

    /// The same, safe to draw.
    pub(super) fn shown(&self, place: Place, path: &FilePath) -> String {
        text::display_safe(&self.name(place, path))
    }
}

/// What a pane named `text` shows.
pub fn start_pane(text: &OsStr, setup: &Setup) -> Result<StartPane, Failure> {
    if let Some(url) = known(text, setup)? {
        return Ok(StartPane::Url(url));
    }
    match local(text) {
        Some(path) => path.map(StartPane::Local),
        None => {
            let url = parse(text)?;
            remark(&url);
            Ok(StartPane::Url(url))
        }
    }
}

/// The folder of this machine that goes with the site named `text`, for the other pane.
pub fn pane_beside(text: &OsStr, setup: &Setup) -> Option<StartPane> {
    let home = FilePath::parse(setup.directories.home.as_os_str().as_encoded_bytes()).ok()?;
    let sites = setup.sites.sites();
    site(text, &sites)?.0.local_folder(&home).map(StartPane::Local)
}

/// A site, else a host of the SSH configuration.
fn known(text: &OsStr, setup: &Setup) -> Result<Option<ParsedUrl>, Failure> {
    let sites = setup.sites.sites();
    let Some((entry, path)) = site(text, &sites) else { return ssh_host(text, &setup.ssh) };
    entry.at(path).map(Some).map_err(|error| no_location(text, &error))
}

/// `NAME` or `NAME:PATH`, where there is a site of that name and nothing here is called so.
fn site<'a>(text: &'a OsStr, sites: &'a Sites) -> Option<(&'a SiteEntry, &'a [u8])> {
    let bytes = text.as_encoded_bytes();
    let (name, path) = bytes.split_at(bytes.iter().position(|&byte| byte == b':').unwrap_or(bytes.len()));
    let entry = sites.get(std::str::from_utf8(name).ok()?)?;
    let is_file = Path::new(text).symlink_metadata().is_ok();
    (!is_file).then(|| (entry, path.strip_prefix(b":").unwrap_or_default()))
}

/// `HOST`, `HOST:PATH` or `user@HOST:PATH`, where the SSH configuration speaks of that host and nothing here has that name.
/// Without a colon only a name that stands there in full counts.
fn ssh_host(text: &OsStr, ssh: &SshConfig) -> Result<Option<ParsedUrl>, Failure> {
    let bytes = text.as_encoded_bytes();
    let colon = bytes.iter().position(|&byte| byte == b':');
    let (login, path) = bytes.split_at(colon.unwrap_or(bytes.len()));
    let path = path.strip_prefix(b":").unwrap_or_default();
    let Ok(login) = std::str::from_utf8(login) else { return Ok(None) };
    let (user, host) = login.rsplit_once('@').map_or((None, login), |(user, host)| (Some(user), host));
    let is_known = if colon.is_some() { ssh.speaks_of(host) } else { ssh.aliases().contains(&ssh.spelling(host)) };
    if !is_known || login.contains('/') || path.starts_with(b"//") || Path::new(text).symlink_metadata().is_ok() {
        return Ok(None);
    }
    ParsedUrl::of_ssh_host(host, user, path).map(Some).map_err(|error| no_location(text, &error))
}

fn no_location(text: &OsStr, error: &UrlError) -> Failure {
    Failure::usage(format!("{} is no location: {error}", shown(text)), "")
}

/// A file here, or a server.
pub(super) enum Named {
    File(PathBuf),
    Server(Box<ParsedUrl>),
}

/// What `text` names. A server must be one that shows an identity.
pub(super) fn named(text: &OsStr) -> Result<Named, Failure> {
    if let Some(path) = local(text) {
        return Ok(Named::File(OsStr::from_bytes(path?.as_bytes()).into()));
    }
    let url = parse(text)?;
    remark(&url);
    if url.site.protocol == Protocol::Ftp {
        return Err(Failure::usage("a server of plain ftp:// shows no identity", "Use ftpes://, ftps:// or sftp://."));
    }
    Ok(Named::Server(Box::new(url)))
}

/// The path on this machine, if `text` is no URL of a server: from the working folder on, or `file:` (RFC 8089, percent-encoded).
fn local(text: &OsStr) -> Option<Result<FilePath, Failure>> {
    let bytes = text.as_encoded_bytes();
    let Some(rest) = bytes.strip_prefix(b"file:") else {
        return (!bytes.windows(3).any(|three| three == b"://")).then(|| local_path(text));
    };
    let path = match rest.strip_prefix(b"//") {
        None => rest,
        Some(rest) => {
            let (host, path) = rest.split_at(rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len()));
            if !host.is_empty() && host != b"localhost" {
                return Some(Err(Failure::usage(format!("{} is on another machine", shown(text)), "Write file:///folder/file.")));
            }
            path
        }
    };
    let path: Vec<u8> = percent_decode(path).collect();
    Some(local_path(OsStr::from_bytes(&path)))
}

/// An absolute local path, from the working folder on.
fn local_path(text: &OsStr) -> Result<FilePath, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::usage(format!("\"{}\" is no path: {error}", shown(text)), "");
    let absolute = std::path::absolute(Path::new(text)).map_err(|error| wrong(&error))?;
    FilePath::parse(absolute.as_os_str().as_encoded_bytes()).map_err(|error| wrong(&error))
}

/// Reads the URL of a server.
fn parse(text: &OsStr) -> Result<ParsedUrl, Failure> {
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::usage(format!("{} is no location: {why}", shown(text)), "Write it like sftp://user@host/folder.")
    };
    let utf8 = text.to_str().ok_or_else(|| wrong(&"bytes that are not UTF-8 are written as %XX in a URL"))?;
    ParsedUrl::parse(utf8).map_err(|error| wrong(&error))
}

/// What a person should know about the URL they wrote.
fn remark(url: &ParsedUrl) {
    if url.password.is_some() {
        output::say(
            "a password inside a URL can be read in the list of processes and in the shell's history, \
             and cannot be taken out of there; --password-command keeps it to you",
        );
    }
    if url.taken_as_explicit {
        output::say("ftps:// with port 21 is taken as explicit TLS (ftpes://)");
    }
}

/// What the engine is to connect.
fn target(url: &ParsedUrl) -> Result<Target, Failure> {
    // What stands there is not repeated: in a URL written wrongly it may be a part of the password.
    let wrong = |error| Failure::usage(format!("the fingerprint in the URL cannot be read: {error}"), "Write ;fingerprint=sha256:HEX.");
    let fingerprint = url.fingerprint.as_deref().map(Fingerprint::parse).transpose().map_err(wrong)?;
    Ok(Target { site: url.site.clone(), password: url.password.clone().map(Secret::new), fingerprint })
}

/// What was written, safe to draw and without what may be a password: all between the first `:` and the last `@`.
fn shown(text: &OsStr) -> String {
    let text = text::display_safe(text.as_encoded_bytes());
    let Some((scheme, rest)) = text.split_once("://") else { return text };
    match (rest.find(':'), rest.rfind('@')) {
        (Some(from), Some(to)) if from < to => format!("{scheme}://{}:***{}", &rest[..from], &rest[to..]),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Option<String> {
        local(OsStr::new(text)).map(|path| path.map_or_else(|_| "wrong".to_owned(), |path| path.display()))
    }

    #[test]
    fn what_is_here_and_what_is_not() {
        assert_eq!(path("/a b/../c%20d").as_deref(), Some("/c%20d"));
        for same in ["file:/a%20b", "file:///a%20b", "file://localhost/a%20b"] {
            assert_eq!(path(same).as_deref(), Some("/a b"), "{same}");
        }
        assert_eq!(path("file://elsewhere/x").as_deref(), Some("wrong"));
        assert_eq!(path("").as_deref(), Some("wrong"));
        assert_eq!(path("sftp://h/x"), None);
        assert!(path("here").is_some_and(|path| path.ends_with("/here")));
    }

    #[test]
    fn a_wrong_url_is_told_without_its_password() {
        for url in ["sftp://u:s3cret@h:x/", "sftp://u:s3/cret@h/", "sftp://u:s3c@ret@h:x", "sftp://u:s3cret%zz@h"] {
            let Err(failure) = parse(OsStr::new(url)) else { panic!("{url} is no URL") };
            let said = failure.advice.what;
            assert!(said.contains(":***@") && !said.contains("s3c"), "{said}");
        }
    }
}
