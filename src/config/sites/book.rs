//! The file of sites: what is in it, and how it is changed.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use toml_edit::{ArrayOfTables, Document, DocumentMut, Item, Table};

use super::lines::Lines;
use super::table::{self, Read};
use super::{SiteEntry, SiteName};
use crate::config::Warning;
use crate::model::text::display_safe;
use crate::model::{IdentityChoice, Site, SiteOptions, TransferType};
use crate::secrets::private_file;

/// No list of sites is larger (bytes).
const LARGEST: u64 = 4 * 1024 * 1024;
/// The name of the tables in the file.
const TABLE: &str = "site";
const INTRODUCTION: &str = "# The sites of sealift; `sealift site` changes them too. No secrets in here: they would not be used.\n\n";

/// What stands in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sites {
    /// The sites, in the order of the file.
    pub entries: Vec<SiteEntry>,
    /// What is odd, each with its line.
    pub warnings: Vec<Warning>,
    /// Those with a secret in them, or a name that is taken: only what is set for their servers counts.
    pub(crate) barred: Vec<SiteEntry>,
}

impl Sites {
    /// The site of this name.
    pub fn get(&self, name: &str) -> Option<&SiteEntry> {
        self.entries.iter().find(|entry| entry.name.is(name))
    }

    /// What is set for `site`, by whatever words a person reached it. Where several entries are about one server and user,
    /// the highest level, the fewest connections, the lowest limit and a *no* to remote commands hold, and of everything else what is
    /// said first; an entry that names the user comes before one for all.
    pub fn options_of(&self, site: &Site) -> SiteOptions {
        let all = || self.entries.iter().chain(&self.barred);
        let about = |with_user: bool| all().filter(move |entry| entry.is_about(site) && entry.url.site.user.is_some() == with_user);
        let mut found = SiteOptions::default();
        for SiteEntry { options, .. } in about(true).chain(about(false)) {
            if found.identity == IdentityChoice::Default {
                found.identity.clone_from(&options.identity);
            }
            found.level = found.level.max(options.level);
            found.data_mode = found.data_mode.or(options.data_mode);
            if found.transfer_type == TransferType::Binary {
                found.transfer_type = options.transfer_type;
            }
            found.charset = found.charset.or(options.charset);
            found.connections = found.connections.into_iter().chain(options.connections).min();
            found.key = found.key.or_else(|| options.key.clone());
            found.limit = found.limit.into_iter().chain(options.limit).min();
            found.remote_commands = found.remote_commands.into_iter().chain(options.remote_commands).min();
        }
        found
    }
}

/// The file, and what stood in it when it was last read or changed here. Shared by all of one program.
#[derive(Debug)]
pub struct SiteBook {
    file: PathBuf,
    sites: RwLock<Arc<Sites>>,
}

/// Why the file cannot be read or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SiteBookError {
    /// It cannot be read or written.
    #[error("the sites in {} cannot be {tried}: {why}", .file.display())]
    File {
        /// Which file.
        file: PathBuf,
        /// `read` or `written`.
        tried: &'static str,
        /// Why, safe to draw.
        why: String,
    },
    /// It is no TOML.
    #[error("{} line {line}: {why}", .file.display())]
    Syntax {
        /// Which file.
        file: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong there, safe to draw.
        why: String,
    },
    /// There is no site of that name.
    #[error("there is no site called {0}")]
    Missing(String),
    /// There is one already.
    #[error("there is a site called {0} already")]
    Taken(SiteName),
}

impl SiteBook {
    /// The book in `file`, which need not be there. Nothing is read yet.
    pub fn at(file: PathBuf) -> Self {
        Self { file, sites: RwLock::default() }
    }

    /// Its file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What stood in it when it was last read or changed here.
    pub fn sites(&self) -> Arc<Sites> {
        self.sites.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads it anew.
    pub fn read(&self) -> Result<Arc<Sites>, SiteBookError> {
        let sites = self.sites_in(&self.text()?)?;
        Ok(self.keep(sites))
    }

    /// Adds sites; none of them where one has a name that is taken.
    pub fn add(&self, entries: &[SiteEntry]) -> Result<Arc<Sites>, SiteBookError> {
        self.change(|tables| {
            let mut taken: HashSet<_> = tables.iter().filter_map(name_in).map(str::to_lowercase).collect();
            for entry in entries {
                if !taken.insert(entry.name.folded()) {
                    return Err(SiteBookError::Taken(entry.name.clone()));
                }
                tables.push(made(entry));
            }
            Ok(())
        })
    }

    /// Puts each entry in the place of the site of that name, which may thereby get another one; all of them or none.
    pub fn replace(&self, changes: &[(&str, SiteEntry)]) -> Result<Arc<Sites>, SiteBookError> {
        self.change(|tables| {
            for (name, entry) in changes {
                if !entry.name.is(name) {
                    check_free(tables, &entry.name)?;
                }
                table::write(entry, find(tables, name)?);
            }
            Ok(())
        })
    }

    /// Removes the site called `name`.
    pub fn remove(&self, name: &str) -> Result<Arc<Sites>, SiteBookError> {
        self.change(|tables| {
            find(tables, name)?;
            tables.retain(|table| !is_called(table, name));
            Ok(())
        })
    }

    /// Reads, changes and replaces the file, one program at a time.
    fn change(&self, change: impl FnOnce(&mut ArrayOfTables) -> Result<(), SiteBookError>) -> Result<Arc<Sites>, SiteBookError> {
        let written = |error: io::Error| self.error("written", &error);
        // A link stays one: people keep such files elsewhere.
        let file = fs::canonicalize(&self.file).unwrap_or_else(|_| self.file.clone());
        let folder = file.parent().unwrap_or(Path::new("."));
        private_file::create_folder(folder).map_err(written)?;
        let _lock = lock(folder);
        let text = self.text()?;
        let mut document: DocumentMut = text.parse().map_err(|error| self.syntax(&text, &error))?;
        let tables = document.entry(TABLE).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        let not_ours = || SiteBookError::Syntax { file: self.file.clone(), line: 1, why: "sites are written as [[site]]".to_owned() };
        change(tables.as_array_of_tables_mut().ok_or_else(not_ours)?)?;
        let introduction = if text.is_empty() { INTRODUCTION } else { "" };
        let text = format!("{introduction}{document}");
        let sites = self.sites_in(&text)?;
        private_file::replace(&file, text.as_bytes()).map_err(written)?;
        Ok(self.keep(sites))
    }

    fn keep(&self, sites: Sites) -> Arc<Sites> {
        let sites = Arc::new(sites);
        *self.sites.write().unwrap_or_else(PoisonError::into_inner) = sites.clone();
        sites
    }

    fn text(&self) -> Result<String, SiteBookError> {
        let read = |error: io::Error| self.error("read", &error);
        match fs::metadata(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
            Ok(metadata) if metadata.len() > LARGEST => return Err(read(io::Error::other("it is larger than any list of sites"))),
            _ => {}
        }
        fs::read_to_string(&self.file).map_err(read)
    }

    fn sites_in(&self, text: &str) -> Result<Sites, SiteBookError> {
        let document = Document::parse(text).map_err(|error| self.syntax(text, &error))?;
        let mut sites = Sites::default();
        let (mut remarks, mut taken) = (Vec::new(), HashSet::new());
        for (key, item) in document.iter() {
            match item.as_array_of_tables() {
                Some(tables) if key == TABLE => {
                    for table in tables {
                        match table::read(table, table.span(), &mut remarks) {
                            Some(Read::Usable(entry)) if !taken.insert(entry.name.folded()) => {
                                remarks.push((table.span(), format!("a second site called {} is left out", entry.name)));
                                sites.barred.push(entry);
                            }
                            Some(Read::Usable(entry)) => sites.entries.push(entry),
                            Some(Read::Barred(entry)) => sites.barred.push(entry),
                            None => {}
                        }
                    }
                }
                _ => remarks.push((item.span(), format!("\"{key}\" is no list of sites: each begins with [[site]]"))),
            }
        }
        let lines = Lines::of(text);
        sites.warnings = remarks
            .into_iter()
            .map(|(at, what)| Warning {
                file: self.file.clone(),
                line: at.map_or(0, |at| lines.line(at.start)),
                text: display_safe(what.as_bytes()),
            })
            .collect();
        Ok(sites)
    }

    fn error(&self, tried: &'static str, error: &io::Error) -> SiteBookError {
        SiteBookError::File { file: self.file.clone(), tried, why: display_safe(error.to_string().as_bytes()) }
    }

    fn syntax(&self, text: &str, error: &toml_edit::TomlError) -> SiteBookError {
        let line = error.span().map_or(1, |at| Lines::of(text).line(at.start));
        // The text around it is not repeated: what stands there may be anything.
        SiteBookError::Syntax { file: self.file.clone(), line, why: display_safe(error.message().as_bytes()) }
    }
}

/// A file of these sites, as [`SiteBook`] reads it.
pub fn sites_text(entries: &[SiteEntry]) -> String {
    let mut document = DocumentMut::new();
    document.insert(TABLE, Item::ArrayOfTables(entries.iter().map(made).collect()));
    format!("{INTRODUCTION}{document}")
}

fn made(entry: &SiteEntry) -> Table {
    let mut table = Table::new();
    table::write(entry, &mut table);
    table
}

fn name_in(table: &Table) -> Option<&str> {
    table.get("name").and_then(Item::as_str)
}

fn is_called(table: &Table, name: &str) -> bool {
    name_in(table).is_some_and(|own| own.to_lowercase() == name.to_lowercase())
}

fn check_free(tables: &ArrayOfTables, name: &SiteName) -> Result<(), SiteBookError> {
    if tables.iter().any(|table| is_called(table, name.as_str())) { Err(SiteBookError::Taken(name.clone())) } else { Ok(()) }
}

fn find<'a>(tables: &'a mut ArrayOfTables, name: &str) -> Result<&'a mut Table, SiteBookError> {
    tables.iter_mut().find(|table| is_called(table, name)).ok_or_else(|| SiteBookError::Missing(display_safe(name.as_bytes())))
}

/// Held while the file is replaced. Some network file systems have no locks: there the last one wins.
fn lock(folder: &Path) -> Option<File> {
    let file = private_file::append_to(&folder.join("sites.lock")).ok()?;
    file.lock().ok()?;
    Some(file)
}
