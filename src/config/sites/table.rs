//! An entry as a table of the file, and back: what is wrong in it is told by its line, what is unknown stays as it is.

use std::num::NonZeroU8;
use std::ops::Range;
use std::path::PathBuf;

use toml_edit::{Item, Table, TableLike, Value};

use super::entry::identity_of;
use super::{SiteEntry, SiteName};
use crate::model::bytes::parse_rate;
use crate::model::site::ParsedUrl;
use crate::model::{Charset, DataMode, SecurityLevel, SiteOptions, TransferType};

/// The keys of an entry.
const KEYS: [&str; 13] = [
    "name",
    "url",
    "local",
    "level",
    "identity",
    "key",
    "data_mode",
    "charset",
    "transfer_type",
    "connections",
    "limit",
    "remote_commands",
    "notes",
];
/// Parts of keys under which people keep what does not belong here.
const SECRETIVE: [&str; 5] = ["pass", "secret", "pwd", "token", "credential"];

/// A remark, and which bytes of the file it is about.
pub(super) type Remark = (Option<Range<usize>>, String);

/// An entry as it was read.
pub(super) enum Read {
    /// It can be used. A setting that is wrong was told and does not count; of a wrong level the highest counts.
    Usable(SiteEntry),
    /// A secret stands in it: nobody gets there by its name, but what is set for the server counts.
    Barred(SiteEntry),
}

/// The entry in `table`; `None` where it has no name or no URL, and `tell` was told so.
pub(super) fn read(table: &dyn TableLike, at: Option<Range<usize>>, tell: &mut Vec<Remark>) -> Option<Read> {
    let mut is_barred = false;
    for (key, item) in table.iter() {
        if is_secretive(key) {
            let what = format!("\"{key}\" reads like a secret, which this file never holds: the site is left out until it is gone");
            tell.push((item.span(), what));
            is_barred = true;
        } else if !KEYS.contains(&key) {
            tell.push((item.span(), format!("there is nothing called \"{key}\" in a site")));
        }
    }
    let read = Reader { table, at };
    let mut entry = read.entry(tell).map_err(|remark| tell.push(remark)).ok()?;
    if entry.url.password.take().is_some() {
        let what = format!("the URL of {} holds a password, which this file never does: the site is left out until it is gone", entry.name);
        tell.push(read.wrong("url", what));
        is_barred = true;
    }
    Some(if is_barred { Read::Barred(entry) } else { Read::Usable(entry) })
}

/// Whether a key promises a secret.
pub(super) fn is_secretive(key: &str) -> bool {
    let key = key.to_lowercase();
    SECRETIVE.iter().any(|part| key.contains(part))
}

struct Reader<'a> {
    table: &'a dyn TableLike,
    at: Option<Range<usize>>,
}

impl Reader<'_> {
    fn entry(&self, tell: &mut Vec<Remark>) -> Result<SiteEntry, Remark> {
        let name = self.needed("name")?;
        let name = SiteName::parse(name).map_err(|why| self.wrong("name", format!("\"{name}\" is no name for a site: {why}")))?;
        let url = ParsedUrl::parse(self.needed("url")?).map_err(|why| self.wrong("url", format!("the URL of {name} is none: {why}")))?;
        // Somebody wanted a level: none at all would be the worst answer to a slip of the pen.
        let level = self.one_of("level", SecurityLevel::ALL, SecurityLevel::word).unwrap_or_else(|(at, what)| {
            tell.push((at, format!("{what}; until then it is most-secure")));
            Some(SecurityLevel::MostSecure)
        });
        let mut text = |key| {
            self.text(key).unwrap_or_else(|remark| {
                tell.push(remark);
                None
            })
        };
        let (identity, key, local, notes) = (text("identity"), text("key"), text("local"), text("notes"));
        let data_mode = self.one_of("data_mode", DataMode::ALL, DataMode::word).map_err(|remark| tell.push(remark));
        let transfer_type = self.one_of("transfer_type", TransferType::ALL, TransferType::word).map_err(|remark| tell.push(remark));
        let charset = self.charset().map_err(|remark| tell.push(remark));
        let connections = self.connections().map_err(|remark| tell.push(remark));
        // Somebody wanted to say no: a slip of the pen does not turn it round.
        let remote_commands = self.remote_commands().unwrap_or_else(|(at, what)| {
            tell.push((at, format!("{what}; until then it is false")));
            Some(false)
        });
        let options = SiteOptions {
            identity: identity_of(identity.unwrap_or_default()),
            level,
            data_mode: data_mode.unwrap_or_default(),
            charset: charset.unwrap_or_default(),
            transfer_type: transfer_type.unwrap_or_default().unwrap_or_default(),
            connections: connections.unwrap_or_default(),
            key: key.map(PathBuf::from),
            limit: self.limit().unwrap_or_else(|remark| {
                tell.push(remark);
                None
            }),
            remote_commands,
        };
        let is_about_ftp = options.data_mode.is_some()
            || options.charset.is_some()
            || options.transfer_type != TransferType::Binary
            || options.connections.is_some();
        if !url.site.protocol.is_ftp() && is_about_ftp {
            tell.push((self.at.clone(), format!("data_mode, charset, transfer_type and connections mean nothing over SFTP ({name})")));
        }
        if url.site.protocol.is_ftp() && options.remote_commands.is_some() {
            tell.push((self.at.clone(), format!("remote_commands means nothing over FTP ({name})")));
        }
        Ok(SiteEntry { name, url, local: local.map(PathBuf::from), options, notes: notes.unwrap_or_default().to_owned() })
    }

    fn wrong(&self, key: &str, what: String) -> Remark {
        (self.table.get(key).and_then(Item::span).or_else(|| self.at.clone()), what)
    }

    fn needed(&self, key: &str) -> Result<&str, Remark> {
        self.text(key)?.ok_or_else(|| self.wrong(key, format!("a site without {key} is left out")))
    }

    fn text(&self, key: &str) -> Result<Option<&str>, Remark> {
        self.table.get(key).map(|item| item.as_str().ok_or_else(|| self.wrong(key, format!("{key} is no text in quotes")))).transpose()
    }

    fn one_of<T: Copy, const N: usize>(&self, key: &str, all: [T; N], word: impl Fn(T) -> &'static str) -> Result<Option<T>, Remark> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let found = all.into_iter().find(|one| word(*one) == text);
        let known = || all.map(&word).join(", ");
        found.map(Some).ok_or_else(|| self.wrong(key, format!("{key} is one of {}", known())))
    }

    fn charset(&self) -> Result<Option<Charset>, Remark> {
        let Some(label) = self.text("charset")? else { return Ok(None) };
        Charset::parse(label).map(Some).map_err(|unknown| self.wrong("charset", unknown.to_string()))
    }

    fn limit(&self) -> Result<Option<u64>, Remark> {
        let Some(text) = self.text("limit")? else { return Ok(None) };
        let wrong = || self.wrong("limit", "limit is a rate such as \"500k\", \"2M\" or \"1.5MiB/s\"".to_owned());
        parse_rate(text).map(Some).ok_or_else(wrong)
    }

    fn remote_commands(&self) -> Result<Option<bool>, Remark> {
        let Some(item) = self.table.get("remote_commands") else { return Ok(None) };
        item.as_bool().map(Some).ok_or_else(|| self.wrong("remote_commands", "remote_commands is true or false".to_owned()))
    }

    fn connections(&self) -> Result<Option<NonZeroU8>, Remark> {
        let Some(item) = self.table.get("connections") else { return Ok(None) };
        let number = item.as_integer().and_then(|number| u8::try_from(number).ok()).and_then(SiteEntry::connections);
        number.map(Some).ok_or_else(|| self.wrong("connections", "connections is a number from 1 to 10".to_owned()))
    }
}

/// Puts `entry` into `table`. What does not change keeps its place, comments and keys that are not ours.
pub(super) fn write(entry: &SiteEntry, table: &mut Table) {
    let mut values: Vec<(&str, Value)> = vec![("name", entry.name.as_str().into())];
    values.extend(entry.texts().into_iter().map(|(key, text)| (key, text.into())));
    values.extend(entry.options.connections.map(|most| ("connections", i64::from(most.get()).into())));
    values.extend(entry.options.remote_commands.map(|may| ("remote_commands", may.into())));
    for key in KEYS {
        match values.iter().position(|(known, _)| *known == key).map(|at| values.swap_remove(at).1) {
            None => drop(table.remove(key)),
            Some(mut value) => match table.get_mut(key).and_then(Item::as_value_mut) {
                Some(old) => {
                    *value.decor_mut() = old.decor().clone();
                    *old = value;
                }
                None => drop(table.insert(key, Item::Value(value))),
            },
        }
    }
}
