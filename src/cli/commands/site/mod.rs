//! `site`: the sites a person keeps, listed, shown, changed, taken over from other programs.

mod change;
mod import;

use std::path::Path;

use serde_json::json;

use crate::cli::exit::{ExitCode, Failure};
use crate::cli::output;
use crate::cli::site_args::SiteVerb;
use crate::config::sites::{SiteBookError, SiteEntry, Sites, sites_text};
use crate::model::text::{self, display_safe};
use crate::secrets::private_file;
use crate::setup::{Choices, Setup};

pub(in crate::cli) async fn site(command: &SiteVerb) -> Result<ExitCode, Failure> {
    let setup = Setup::read(&Choices::default())?;
    let sites = setup.sites.sites();
    for warning in &sites.warnings {
        output::say(&warning.to_string());
    }
    match command {
        SiteVerb::List { folder, search, json } => list(&sites, folder.as_deref(), search.as_deref(), *json),
        SiteVerb::Show { name, json } => show(found(&sites, name)?, *json),
        SiteVerb::Add { name, url, settings } => change::add(&setup, name, url, settings),
        SiteVerb::Edit { name, url, settings } => change::edit(&setup, found(&sites, name)?, url.as_deref(), settings),
        SiteVerb::Remove { name, yes } => change::remove(&setup, found(&sites, name)?, *yes).await,
        SiteVerb::Rename { name, new } => change::rename(&setup, name, new),
        SiteVerb::Import { from, file, folder, dry_run } => import::import(&setup, *from, file, folder.as_deref(), *dry_run),
        SiteVerb::Export { file } => export(&sites, file.as_deref()),
    }
}

fn list(sites: &Sites, folder: Option<&str>, search: Option<&str>, json: bool) -> Result<ExitCode, Failure> {
    let needle = search.unwrap_or_default().to_lowercase();
    let is_meant = |entry: &&SiteEntry| folder.is_none_or(|folder| entry.name.is_in(folder)) && entry.has(&needle);
    let entries: Vec<&SiteEntry> = sites.entries.iter().filter(is_meant).collect();
    let written = if json {
        let lines = entries.iter().try_for_each(|entry| output::json_line(&entry.to_json()));
        lines.and_then(|()| output::json_line(&json!({ "summary": { "sites": entries.len() } })))
    } else {
        let widest = entries.iter().map(|entry| text::width(entry.name.as_str())).max().unwrap_or(0);
        let line = |entry: &&SiteEntry| {
            let gap = " ".repeat(widest - text::width(entry.name.as_str()));
            let level = entry.options.level.map(|level| format!("  at least {}", level.name())).unwrap_or_default();
            format!("{}{gap}  {}{level}", entry.name, display_safe(entry.url.text().as_bytes()))
        };
        entries.iter().try_for_each(|entry| output::line(&line(entry)))
    };
    written.map_err(|error| Failure::output(&error))?;
    if entries.is_empty() && !json {
        output::say(if sites.entries.is_empty() {
            "no site is kept yet; sealift site add NAME URL keeps one"
        } else {
            "no site is like that"
        });
    }
    Ok(ExitCode::Ok)
}

fn show(entry: &SiteEntry, json: bool) -> Result<ExitCode, Failure> {
    let written = if json {
        output::json_line(&entry.to_json())
    } else {
        let connections = entry.options.connections.map(|most| ("connections", most.to_string()));
        let commands = entry.options.remote_commands.map(|may| ("remote_commands", if may { "yes" } else { "no" }.to_owned()));
        let name = ("name", entry.name.to_string());
        let texts = std::iter::once(name).chain(entry.texts()).chain(connections).chain(commands);
        let lines = texts.flat_map(|(key, text)| {
            let label = |at| if at == 0 { key } else { "" };
            text.lines().enumerate().map(|(at, line)| format!("{:15} {}", label(at), display_safe(line.as_bytes()))).collect::<Vec<_>>()
        });
        lines.into_iter().try_for_each(|line| output::line(&line))
    };
    written.map(|()| ExitCode::Ok).map_err(|error| Failure::output(&error))
}

fn export(sites: &Sites, file: Option<&Path>) -> Result<ExitCode, Failure> {
    let text = sites_text(&sites.entries);
    let written = match file {
        None => output::line(text.trim_end()).map_err(|error| Failure::output(&error)),
        Some(file) => private_file::write_new(file, text.as_bytes())
            .map_err(|error| Failure::unreadable(&display_safe(file.as_os_str().as_encoded_bytes()), error, "It was not written.")),
    };
    written.map(|()| ExitCode::Ok)
}

fn found<'a>(sites: &'a Sites, name: &str) -> Result<&'a SiteEntry, Failure> {
    sites.get(name).ok_or_else(|| SiteBookError::Missing(display_safe(name.as_bytes())).into())
}

impl From<SiteBookError> for Failure {
    fn from(error: SiteBookError) -> Self {
        let (code, next) = match &error {
            SiteBookError::File { .. } | SiteBookError::Syntax { .. } => {
                (ExitCode::Local, "Mend what is named there; nothing was changed.")
            }
            SiteBookError::Missing(_) => (ExitCode::Error, "sealift site list names those there are."),
            SiteBookError::Taken(_) => (ExitCode::Error, "Take another name, or change it: sealift site edit NAME."),
        };
        Self::because(code, error.to_string(), "", next)
    }
}
