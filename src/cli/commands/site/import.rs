//! `site import`: what another program keeps, shown first or taken over.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::cli::exit::{ExitCode, Failure};
use crate::cli::output;
use crate::cli::site_args::ImportFrom;
use crate::config::sites::SiteBook;
use crate::config::sites::import::{Found, Remark, filezilla, ssh_config, winscp};
use crate::model::text::display_safe;
use crate::setup::Setup;

/// No list of sites is larger (bytes).
const LARGEST: u64 = 16 * 1024 * 1024;

pub(super) fn import(setup: &Setup, from: ImportFrom, file: &Path, folder: Option<&str>, dry_run: bool) -> Result<ExitCode, Failure> {
    let shown = display_safe(file.as_os_str().as_encoded_bytes());
    let unreadable = |why: &dyn std::fmt::Display| Failure::unreadable(&shown, why, "Check the file and --from.");
    let found = match from {
        ImportFrom::Filezilla => filezilla(&text(file)?).map_err(|why| unreadable(&why))?,
        ImportFrom::Winscp => winscp(&text(file)?).map_err(|why| unreadable(&why))?,
        ImportFrom::SshConfig => ssh_config(file, setup.person()).map_err(|why| unreadable(&why))?,
        ImportFrom::Sealift => own(file)?,
    };
    for Remark { line, text } in &found.remarks {
        let place = if *line > 0 { format!("{shown} line {line}") } else { shown.clone() };
        output::say(&format!("{place}: {text}"));
    }
    let sites = setup.sites.sites();
    let mut taken = Vec::new();
    for mut entry in found.entries {
        if let Some(folder) = folder {
            entry.name = super::change::name(&format!("{}/{}", folder.trim_end_matches('/'), entry.name))?;
        }
        match sites.get(entry.name.as_str()) {
            Some(there) if there.url == entry.url => output::say(&format!("{} is kept already", entry.name)),
            Some(_) => output::say(&format!("{} is another site here and stays; --folder keeps both", entry.name)),
            None => taken.push(entry),
        }
    }
    let listed = taken.iter().try_for_each(|entry| output::line(&format!("{}  {}", entry.name, display_safe(entry.url.text().as_bytes()))));
    listed.map_err(|error| Failure::output(&error))?;
    if !dry_run && !taken.is_empty() {
        setup.sites.add(&taken)?;
    }
    if found.passwords > 0 {
        let passwords = if found.passwords == 1 { "one password was".to_owned() } else { format!("{} passwords were", found.passwords) };
        output::say(&format!("{passwords} not taken over: they are asked for, and stay readable in {shown} until you remove them there"));
    }
    let (count, done) = (taken.len(), if dry_run { "would be taken over" } else { "taken over" });
    output::say(&format!("{count} {} {done}", if count == 1 { "site" } else { "sites" }));
    Ok(ExitCode::Ok)
}

/// What `site export` wrote.
fn own(file: &Path) -> Result<Found, Failure> {
    let book = SiteBook::at(file.to_owned());
    File::open(file).map_err(|error| Failure::unreadable(&display_safe(file.as_os_str().as_encoded_bytes()), error, "Check the name."))?;
    let sites = book.read()?;
    let remarks = sites.warnings.iter().map(|warning| Remark { line: warning.line, text: warning.text.clone() });
    Ok(Found::of(sites.entries.clone(), remarks.collect()))
}

fn text(file: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|opened| opened.take(LARGEST).read_to_end(&mut bytes));
    read.map_err(|error| {
        Failure::unreadable(&display_safe(file.as_os_str().as_encoded_bytes()), error, "Check the name and who may read it.")
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
