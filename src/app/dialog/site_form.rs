//! The form a site is made and changed with.

use super::form::{Faults, Field, Form, FormAnswer};
use super::{Command, Next};
use crate::app::effect::SitesOrder;
use crate::app::key::{Key, KeyCode};
use crate::app::message::Generation;
use crate::config::sites::{SiteEntry, SiteName, identity_of, identity_word};
use crate::model::bytes::{parse_rate, rate_setting};
use crate::model::site::ParsedUrl;
use crate::model::{Charset, DataMode, SecurityLevel, SiteOptions, TransferType};

/// A site being made or changed.
pub struct SiteFormDialog {
    /// What is filled in.
    pub form: Form,
    /// The site that is changed; `None`: a new one.
    replacing: Option<SiteEntry>,
    /// The names other sites have.
    taken: Vec<SiteName>,
    /// It is being written.
    pub waiting: Option<Generation>,
}

const LEVELS: [&str; 4] = ["whatever it offers", "Secure", "More Secure", "Most Secure"];
const COMMANDS: [&str; 3] = ["as the settings say", "yes", "no"];
const DATA_MODES: [&str; 4] = ["as the settings say", "auto", "passive", "active"];

impl SiteFormDialog {
    /// A new site in `folder`.
    pub(in crate::app) fn new(folder: &str, taken: Vec<SiteName>) -> Self {
        let name = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        Self::of("New site", &name, None, None, taken)
    }

    /// A change of `entry`.
    pub(in crate::app) fn edit(entry: &SiteEntry, mut taken: Vec<SiteName>) -> Self {
        taken.retain(|name| *name != entry.name);
        Self::of("Change a site", entry.name.as_str(), Some(entry), Some(entry.clone()), taken)
    }

    /// A new site that is like `entry`.
    pub(in crate::app) fn duplicate(entry: &SiteEntry, taken: Vec<SiteName>) -> Self {
        let name = entry.name.free(|name| taken.iter().any(|other| other.is(name.as_str())));
        Self::of("New site", name.as_str(), Some(entry), None, taken)
    }

    fn of(title: &str, name: &str, like: Option<&SiteEntry>, replacing: Option<SiteEntry>, taken: Vec<SiteName>) -> Self {
        let options = like.map(|entry| entry.options.clone()).unwrap_or_default();
        let path = |path: Option<&std::path::PathBuf>| path.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
        let level = options.level.map_or(0, |level| level as usize);
        let mode = options.data_mode.map_or(0, |mode| mode as usize + 1);
        let connections = options.connections.map(|most| most.to_string()).unwrap_or_default();
        let identity = identity_word(&options.identity);
        let fields = vec![
            Field::text("name", "Name", "What it is called, with folders if you like: bank/payroll.", name),
            Field::text("url", "URL", "ftpes://user@host/folder, ftps://, sftp:// or ftp://; never with a password.", &url_of(like)),
            Field::choice("level", "At least", "Below this security level nothing is sent to it.", LEVELS, level),
            Field::text(
                "identity",
                "Certificate",
                "What an FTPS server is shown that asks: default, none, or one of yours by name.",
                identity,
            ),
            Field::text(
                "key",
                "SSH key",
                "The only one offered: a file, or a name in ~/.ssh; empty: yours as usual.",
                &path(options.key.as_ref()),
            ),
            Field::choice(
                "data_mode",
                "FTP data",
                "Who opens data connections: passive, we do; active, the server does.",
                DATA_MODES,
                mode,
            ),
            Field::text(
                "charset",
                "FTP names",
                "The charset the server writes names in: windows-1252, shift_jis …; empty: UTF-8.",
                &options.charset.map(Charset::name).unwrap_or_default(),
            ),
            Field::choice(
                "transfer_type",
                "FTP files",
                "As they are; ascii: as text, with line ends of each side; auto: text by its name.",
                TransferType::ALL.map(TransferType::word),
                options.transfer_type as usize,
            ),
            Field::text(
                "connections",
                "Connections",
                "FTP connections at once at the most, 1 to 10; empty: as many as are of use.",
                &connections,
            ),
            Field::text(
                "limit",
                "Limit",
                "Bytes per second of all transfers with it: 500k, 2M, 1.5MiB/s; empty: none.",
                &options.limit.map(rate_setting).unwrap_or_default(),
            ),
            Field::choice(
                "remote_commands",
                "Hash there",
                "Files may be hashed by programs of the SSH server (sha256sum), to verify copies.",
                COMMANDS,
                options.remote_commands.map_or(0, |may| if may { 1 } else { 2 }),
            ),
            Field::text(
                "local",
                "Here",
                "The folder of this machine that is shown beside it.",
                &path(like.and_then(|entry| entry.local.as_ref())),
            ),
            Field::text(
                "notes",
                "Notes",
                "What you want to remember of it.",
                &like.map_or_else(String::new, |entry| in_a_line(&entry.notes)),
            ),
        ];
        Self { form: Form::new(title, "Save", fields), replacing, taken, waiting: None }
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        if self.waiting.is_some() {
            // What is being written is written; its answer closes the form.
            return if key.code == KeyCode::Esc { Next::Close } else { Next::Stay };
        }
        let Self { form, replacing, taken, .. } = self;
        match form.key(key, |form| entry(form, replacing.as_ref(), taken).err().unwrap_or_default()) {
            FormAnswer::Open => Next::Stay,
            FormAnswer::Cancelled => Next::Close,
            FormAnswer::Sent => match entry(form, replacing.as_ref(), taken) {
                Err(_) => Next::Stay,
                Ok(entry) => Next::Do(Command::Sites(match replacing {
                    Some(before) => SitesOrder::Replace { name: before.name.to_string(), entry: Box::new(entry) },
                    None => SitesOrder::Add(Box::new(entry)),
                })),
            },
        }
    }

    /// The site could not be written.
    pub(in crate::app) fn refuse(&mut self, why: String) {
        self.waiting = None;
        self.form.refuse("name", why);
    }
}

/// The site that is filled in, or everything that is wrong with it.
fn entry(form: &Form, before: Option<&SiteEntry>, taken: &[SiteName]) -> Result<SiteEntry, Faults> {
    let mut faults = Faults::new();
    let text = |name| form.text(name).trim();
    let name = SiteName::parse(text("name")).map_err(|why| faults.push(("name", why.to_string()))).ok();
    if let Some(other) = name.as_ref().and_then(|name| taken.iter().find(|other| other.is(name.as_str()))) {
        faults.push(("name", format!("there is a site called {other} already")));
    }
    let url = ParsedUrl::parse(text("url")).map_err(|why| faults.push(("url", why.to_string()))).ok();
    if url.as_ref().is_some_and(|url| url.password.is_some()) {
        faults.push(("url", "leave the password out: none is kept here, it is asked for".to_owned()));
    }
    let connections = match text("connections") {
        "" => None,
        number => {
            let number = number.parse().ok().and_then(SiteEntry::connections);
            if number.is_none() {
                faults.push(("connections", "a number from 1 to 10".to_owned()));
            }
            number
        }
    };
    let limit = match text("limit") {
        "" => None,
        rate => {
            let rate = parse_rate(rate);
            if rate.is_none() {
                faults.push(("limit", "a rate such as 500k, 2M or 1.5MiB/s".to_owned()));
            }
            rate
        }
    };
    let charset = match text("charset") {
        "" => None,
        label => Charset::parse(label).map_err(|unknown| faults.push(("charset", unknown.to_string()))).ok(),
    };
    let transfer_type = TransferType::ALL.get(form.chosen("transfer_type")).copied().unwrap_or_default();
    let data_mode = form.chosen("data_mode").checked_sub(1).and_then(|at| DataMode::ALL.get(at)).copied();
    let remote_commands = [None, Some(true), Some(false)].get(form.chosen("remote_commands")).copied().flatten();
    let key = Some(text("key")).filter(|key| !key.is_empty()).map(Into::into);
    match url.as_ref().map(|url| url.site.protocol.is_ftp()) {
        Some(true) if key.is_some() => faults.push(("key", "an SSH key is for sftp:// only".to_owned())),
        Some(true) if remote_commands.is_some() => faults.push(("remote_commands", "FTP runs no programs there".to_owned())),
        Some(false) if data_mode.is_some() => faults.push(("data_mode", "SFTP has no data connections".to_owned())),
        Some(false) if charset.is_some() => faults.push(("charset", "over SFTP names are bytes: a charset has no effect".to_owned())),
        Some(false) if transfer_type != TransferType::Binary => {
            faults.push(("transfer_type", "over SFTP files travel as they are".to_owned()));
        }
        Some(false) if connections.is_some() => faults.push(("connections", "SFTP uses one connection".to_owned())),
        _ => {}
    }
    let notes = match before {
        Some(before) if in_a_line(&before.notes) == text("notes") => before.notes.clone(),
        _ => text("notes").to_owned(),
    };
    let (Some(name), Some(url), true) = (name, url, faults.is_empty()) else { return Err(faults) };
    let level = SecurityLevel::ALL.get(form.chosen("level")).copied().filter(|level| *level != SecurityLevel::None);
    let identity = identity_of(text("identity"));
    let options = SiteOptions { identity, level, data_mode, connections, charset, transfer_type, key, limit, remote_commands };
    let local = Some(text("local")).filter(|local| !local.is_empty()).map(Into::into);
    Ok(SiteEntry { name, url, local, options, notes })
}

fn url_of(entry: Option<&SiteEntry>) -> String {
    entry.map_or_else(String::new, |entry| entry.url.text())
}

/// Notes as a form shows them: written elsewhere, they may have several lines.
fn in_a_line(notes: &str) -> String {
    notes.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" / ")
}
