//! One site: where it is, and what is set for it.

use std::num::NonZeroU8;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::SiteName;
use crate::model::bytes::rate_setting;
use crate::model::site::{ParsedUrl, RemoteStart, UrlError};
use crate::model::{Charset, FilePath, IdentityChoice, Site, SiteOptions, TransferType};

/// A site as a person keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteEntry {
    /// What it is called.
    pub name: SiteName,
    /// Where it is, and the folder shown first.
    pub url: ParsedUrl,
    /// The folder of this machine that goes with it, as written: `~` may stand in front; see [`SiteEntry::local_folder`].
    pub local: Option<PathBuf>,
    /// What is set for it. A key is as written: a name without `/` is a file of `~/.ssh`, `~` may stand in front.
    pub options: SiteOptions,
    /// Whatever the person wants to remember.
    pub notes: String,
}

impl SiteEntry {
    /// A site of which only the URL is known.
    pub fn new(name: SiteName, url: ParsedUrl) -> Self {
        Self { name, url, local: None, options: SiteOptions::default(), notes: String::new() }
    }

    /// A limit of connections: 1 to 10.
    pub fn connections(number: u8) -> Option<NonZeroU8> {
        NonZeroU8::new(number).filter(|number| number.get() <= 10)
    }

    /// Where `path` behind its name leads; none: to its start folder. Errors as [`RemoteStart::of`].
    pub fn at(&self, path: &[u8]) -> Result<ParsedUrl, UrlError> {
        Ok(match path {
            [] => self.url.clone(),
            path => ParsedUrl { path: RemoteStart::of(path)?, ..self.url.clone() },
        })
    }

    /// The folder of this machine that goes with it; one that is not absolute is seen from `home`.
    pub fn local_folder(&self, home: &FilePath) -> Option<FilePath> {
        let local = self.local.as_ref()?;
        home.resolve(local.strip_prefix("~").unwrap_or(local).as_os_str().as_encoded_bytes()).ok()
    }

    /// Whether what is set for it holds for `site`: the same server, and the same user where it names one.
    pub fn is_about(&self, site: &Site) -> bool {
        let own = &self.url.site;
        own.protocol == site.protocol && own.endpoint == site.endpoint && (own.user.is_none() || own.user == site.user)
    }

    /// Whether one of its texts has `needle`, which is in lower case.
    pub fn has(&self, needle: &str) -> bool {
        let texts = [self.name.as_str(), &self.url.text(), &self.notes, identity_word(&self.options.identity)];
        texts.iter().any(|text| text.to_lowercase().contains(needle))
    }

    /// Its facts for other programs; what is not set is left out.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("name".into(), json!(self.name.as_str()));
        for (key, value) in self.texts() {
            object.insert(key.into(), json!(value));
        }
        if let Some(most) = self.options.connections {
            object.insert("connections".into(), json!(most));
        }
        if let Some(may) = self.options.remote_commands {
            object.insert("remote_commands".into(), json!(may));
        }
        Value::Object(object)
    }

    /// Every text that is set, by its key in the file, in the order of the file.
    pub fn texts(&self) -> Vec<(&'static str, String)> {
        let SiteOptions { identity, level, data_mode, connections: _, charset, transfer_type, key, limit, remote_commands: _ } =
            &self.options;
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        let texts = [
            ("url", Some(self.url.text())),
            ("local", self.local.as_ref().map(path)),
            ("level", level.map(|level| level.word().to_owned())),
            ("identity", (*identity != IdentityChoice::Default).then(|| identity_word(identity).to_owned())),
            ("key", key.as_ref().map(path)),
            ("data_mode", data_mode.map(|mode| mode.word().to_owned())),
            ("charset", charset.map(Charset::name)),
            ("transfer_type", Some(transfer_type.word().to_owned()).filter(|_| *transfer_type != TransferType::Binary)),
            ("limit", limit.map(rate_setting)),
            ("notes", Some(self.notes.clone()).filter(|notes| !notes.is_empty())),
        ];
        texts.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }
}

/// An identity as it is written in the file and on the command line.
pub fn identity_word(identity: &IdentityChoice) -> &str {
    match identity {
        // Files are chosen for one run and never kept.
        IdentityChoice::Default | IdentityChoice::Files { .. } => "default",
        IdentityChoice::None => "none",
        IdentityChoice::Named(name) => name,
    }
}

/// What [`identity_word`] wrote.
pub fn identity_of(word: &str) -> IdentityChoice {
    match word {
        "" | "default" => IdentityChoice::Default,
        "none" => IdentityChoice::None,
        name => IdentityChoice::Named(name.to_owned()),
    }
}
