//! Sites of other programs. What is not understood is told with its line; passwords are counted and left where they are.

mod filezilla;
mod openssh;
mod winscp;

use std::collections::HashMap;
use std::path::PathBuf;

pub use filezilla::filezilla;
pub use openssh::ssh_config;
pub use winscp::winscp;

use super::{SiteEntry, SiteName};
use crate::model::site::{ParsedUrl, RemoteStart};
use crate::model::text::display_safe;
use crate::model::{Endpoint, Protocol, Site, SiteOptions};

/// Sites that are looked at in one file at the most: no person keeps so many.
const MOST: usize = 2_000;

/// What was found in a file of another program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The sites, their names told apart.
    pub entries: Vec<SiteEntry>,
    /// What a person should know, in the order of the file.
    pub remarks: Vec<Remark>,
    /// Passwords that were left behind.
    pub passwords: usize,
    /// How many sites there are in the file.
    seen: usize,
    /// The names that are taken, folded, each with the number its next namesake is tried with.
    taken: HashMap<String, u32>,
}

/// A remark on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// From 1; 0: the whole file.
    pub line: usize,
    /// What is to be said of it, safe to draw.
    pub text: String,
}

/// The file is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no {what}: {why}")]
pub struct NotImported {
    what: &'static str,
    why: String,
}

/// A site as another program describes it, before it is looked at closely.
#[derive(Default)]
struct Draft {
    /// Where the site begins in the file.
    line: usize,
    folders: Vec<String>,
    name: String,
    protocol: Option<Protocol>,
    host: String,
    port: Option<u16>,
    user: String,
    start: Option<RemoteStart>,
    local: Option<PathBuf>,
    options: SiteOptions,
    notes: String,
}

impl Found {
    /// Sites of another file of ours, with names that are told apart already.
    pub fn of(mut entries: Vec<SiteEntry>, remarks: Vec<Remark>) -> Self {
        let seen = entries.len();
        entries.truncate(MOST);
        Self { entries, remarks, seen, ..Self::default() }.told()
    }

    /// Whether one more site is looked at.
    fn has_room(&mut self) -> bool {
        self.seen += 1;
        self.seen <= MOST
    }

    /// The same, with a word on what was not looked at.
    fn told(mut self) -> Self {
        if let Some(left_out @ 1..) = self.seen.checked_sub(MOST) {
            self.tell(0, format!("{left_out} sites are left out: only the first {MOST} of a file are taken over"));
        }
        self
    }

    /// `nearest`, or the first of `nearest 2`, `nearest 3` … that is not taken; none if that would be too long.
    fn free(&mut self, nearest: SiteName) -> Option<SiteName> {
        let Some(mut number) = self.taken.get(&nearest.folded()).copied() else {
            self.taken.insert(nearest.folded(), 2);
            return Some(nearest);
        };
        loop {
            let name = SiteName::parse(&format!("{nearest} {number}")).ok()?;
            number += 1;
            if !self.taken.contains_key(&name.folded()) {
                self.taken.insert(name.folded(), 2);
                self.taken.insert(nearest.folded(), number);
                return Some(name);
            }
        }
    }

    fn tell(&mut self, line: usize, text: impl AsRef<str>) {
        self.remarks.push(Remark { line, text: display_safe(text.as_ref().as_bytes()) });
    }

    /// Takes a draft that makes a site, else tells why it makes none.
    fn take(&mut self, draft: Draft) {
        let Draft { line, folders, name, protocol, host, port, user, start, local, options, notes } = draft;
        let shown = if name.is_empty() { host.clone() } else { name };
        let Some(protocol) = protocol else { return self.tell(line, format!("{shown} is left out: its protocol is not spoken here")) };
        let endpoint = Endpoint::new(&host, port.unwrap_or_else(|| protocol.default_port()));
        let site = Site { protocol, endpoint, user: Some(user).filter(|user| !user.is_empty()), default_port_named: false };
        let path = start.unwrap_or(RemoteStart::Home(Vec::new()));
        let url = ParsedUrl { site, path, password: None, fingerprint: None, taken_as_explicit: false };
        // What reads back as itself is a URL, whatever was in the file.
        if host.is_empty() || ParsedUrl::parse(&url.text()).as_ref() != Ok(&url) {
            return self.tell(line, format!("{shown} is left out: its host or user cannot stand in a URL"));
        }
        let folders = folders.iter().map(String::as_str);
        let Some(nearest) = SiteName::nearest(folders, &shown) else {
            return self.tell(line, format!("{shown} is left out: nothing in its name can be one here"));
        };
        let Some(name) = self.free(nearest) else {
            return self.tell(line, format!("{shown} is left out: another one has its name, and a longer one is none"));
        };
        if name.split().1 != shown {
            self.tell(line, format!("{shown} is called {name} here"));
        }
        if protocol == Protocol::Ftp {
            self.tell(line, format!("{name} is plain FTP: names, passwords and files travel for everybody to read"));
        }
        self.entries.push(SiteEntry { name, url, local, options, notes });
    }
}
