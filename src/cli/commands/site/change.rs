//! `site add`, `edit`, `remove`, `rename`.

use crate::cli::exit::{ExitCode, Failure};
use crate::cli::site_args::SiteSettings;
use crate::cli::{output, passphrase};
use crate::config::sites::{SiteEntry, SiteName, identity_of};
use crate::identity::x509::store::IdentityStore;
use crate::model::site::ParsedUrl;
use crate::model::{Charset, DataMode, IdentityChoice, SecurityLevel, TransferType, text};
use crate::setup::Setup;

pub(super) fn add(setup: &Setup, name: &str, address: &str, settings: &SiteSettings) -> Result<ExitCode, Failure> {
    let name = self::name(name)?;
    if setup.ssh.aliases().iter().any(|alias| name.is(alias)) {
        output::say(&format!("{name} is also a host of your SSH configuration; from now on the site is meant"));
    }
    let mut entry = SiteEntry::new(name, url(address)?);
    set(&mut entry, settings)?;
    check(setup, &entry)?;
    setup.sites.add(&[entry])?;
    Ok(ExitCode::Ok)
}

pub(super) fn edit(setup: &Setup, entry: &SiteEntry, address: Option<&str>, settings: &SiteSettings) -> Result<ExitCode, Failure> {
    let mut changed = entry.clone();
    if let Some(address) = address {
        changed.url = url(address)?;
    }
    set(&mut changed, settings)?;
    if changed == *entry {
        return Err(Failure::usage("nothing is to be changed", "Say what: sealift site edit NAME --level more-secure, --notes TEXT …"));
    }
    check(setup, &changed)?;
    setup.sites.replace(&[(entry.name.as_str(), changed)])?;
    Ok(ExitCode::Ok)
}

pub(super) async fn remove(setup: &Setup, entry: &SiteEntry, yes: bool) -> Result<ExitCode, Failure> {
    let question = format!("Remove {} ({})?", entry.name, text::display_safe(entry.url.text().as_bytes()));
    if !yes && !passphrase::confirm(&question).await? {
        output::say("nothing was removed");
        return Ok(ExitCode::Error);
    }
    setup.sites.remove(entry.name.as_str())?;
    Ok(ExitCode::Ok)
}

/// Renames one site, or all in a folder.
pub(super) fn rename(setup: &Setup, old: &str, new: &str) -> Result<ExitCode, Failure> {
    let sites = setup.sites.sites();
    if let Some(entry) = sites.get(old) {
        let renamed = SiteEntry { name: name(new)?, ..entry.clone() };
        setup.sites.replace(&[(old, renamed)])?;
        return Ok(ExitCode::Ok);
    }
    let folder = old.trim_end_matches('/');
    let inside: Vec<_> = sites.entries.iter().filter(|entry| entry.name.is_in(folder)).collect();
    if inside.is_empty() {
        super::found(&sites, old)?;
    }
    let mut moved = Vec::new();
    for entry in inside {
        let rest = entry.name.as_str().chars().skip(folder.chars().count() + 1).collect::<String>();
        moved.push((entry.name.as_str(), SiteEntry { name: name(&format!("{}/{rest}", new.trim_end_matches('/')))?, ..entry.clone() }));
    }
    setup.sites.replace(&moved)?;
    Ok(ExitCode::Ok)
}

pub(super) fn name(text: &str) -> Result<SiteName, Failure> {
    SiteName::parse(text)
        .map_err(|why| Failure::usage(format!("\"{}\" is no name for a site: {why}", text::display_safe(text.as_bytes())), ""))
}

/// A URL that may be kept. What cannot is not repeated: it may hold a password.
fn url(text: &str) -> Result<ParsedUrl, Failure> {
    let url = ParsedUrl::parse(text)
        .map_err(|why| Failure::usage(format!("the URL of the site is none: {why}"), "Write it like ftpes://user@host/folder."))?;
    if url.password.is_some() {
        return Err(Failure::usage(
            "the URL holds a password, and none is kept in the list of sites",
            "Leave it out; it is asked for, or comes from --password-command.",
        ));
    }
    if url.taken_as_explicit {
        output::say("ftps:// with port 21 is taken as explicit TLS (ftpes://)");
    }
    Ok(url)
}

fn set(entry: &mut SiteEntry, settings: &SiteSettings) -> Result<(), Failure> {
    let path = |text: &String| Some(text).filter(|text| !text.is_empty()).map(Into::into);
    let options = &mut entry.options;
    if let Some(identity) = &settings.identity {
        options.identity = identity_of(identity);
    }
    if let Some(word) = &settings.level {
        // The lowest level is no condition.
        options.level = SecurityLevel::ALL.into_iter().find(|level| level.word() == word && *level != SecurityLevel::None);
    }
    if let Some(word) = &settings.data_mode {
        options.data_mode = DataMode::ALL.into_iter().find(|mode| mode.word() == word);
    }
    if let Some(word) = &settings.transfer_type {
        options.transfer_type = TransferType::ALL.into_iter().find(|kind| kind.word() == word).unwrap_or_default();
    }
    if let Some(label) = &settings.charset {
        let charset = Some(label).filter(|label| !label.is_empty()).map(|label| Charset::parse(label)).transpose();
        options.charset = charset.map_err(|unknown| Failure::usage(unknown.to_string(), "Leave it empty for UTF-8."))?;
    }
    if let Some(most) = settings.connections {
        options.connections = SiteEntry::connections(most);
    }
    if let Some(key) = &settings.key {
        options.key = path(key);
    }
    if let Some(rate) = settings.limit {
        options.limit = (rate > 0).then_some(rate);
    }
    if let Some(word) = &settings.remote_commands {
        options.remote_commands = (word != "default").then_some(word == "yes");
    }
    if let Some(local) = &settings.local {
        entry.local = path(local);
    }
    if let Some(notes) = &settings.notes {
        entry.notes.clone_from(notes);
    }
    Ok(())
}

/// Refuses what means nothing for the site; says what it needs and does not find.
fn check(setup: &Setup, entry: &SiteEntry) -> Result<(), Failure> {
    let (protocol, options) = (entry.url.site.protocol, &entry.options);
    let meaningless = [
        ("--key", protocol.is_ftp() && options.key.is_some()),
        ("--remote-commands", protocol.is_ftp() && options.remote_commands.is_some()),
        ("--data-mode", !protocol.is_ftp() && options.data_mode.is_some()),
        ("--charset", !protocol.is_ftp() && options.charset.is_some()),
        ("--transfer-type", !protocol.is_ftp() && options.transfer_type != TransferType::Binary),
        ("--connections", !protocol.is_ftp() && options.connections.is_some()),
    ];
    if let Some((flag, _)) = meaningless.iter().find(|(_, is_set)| *is_set) {
        return Err(Failure::usage(format!("{flag} means nothing over {}://", protocol.scheme()), "Leave it out, or choose another URL."));
    }
    if let IdentityChoice::Named(name) = &options.identity
        && IdentityStore::open(&setup.directories.data).get(name).is_err()
    {
        let name = text::display_safe(name.as_bytes());
        output::say(&format!("there is no identity called {name} yet; sealift cert new or import makes it"));
    }
    Ok(())
}
