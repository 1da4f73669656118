//! OpenSSH's client configuration, ssh_config(5), read as `ssh` reads it: the person's file, then the machine's; the first
//! value wins. Connects nowhere.
//!
//! Written here because no library holds: ssh2-config knows neither `Match` nor tokens, russh-config applies the lines of
//! a `Match` block to the host above it (russh issue 699).

mod criteria;
mod file;
mod line;
mod names;
mod options;
mod pattern;
mod resolve;
mod setting;
mod surroundings;
#[cfg(test)]
mod tests;
mod tokens;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::file::{Reader, Statement, What};
pub use self::options::{AddressFamily, Hop, HostOptions, IdentityAgent, StrictHostKeyChecking};
use self::resolve::Resolver;
pub use self::surroundings::{Contents, Person, Surroundings, ThisMachine};
use super::Warning;

/// Which files are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SshConfigFiles {
    /// `~/.ssh/config`, then `/etc/ssh/ssh_config`.
    Usual,
    /// Only this one, whoever can write it.
    Only(PathBuf),
    /// None.
    None,
}

/// The configuration as it was read. Answers for one host at a time.
pub struct SshConfig {
    files: Vec<Vec<Statement>>,
    unusable: Option<String>,
    warnings: Vec<Warning>,
    person: Person,
    surroundings: Arc<dyn Surroundings>,
}

/// The configuration says of a host what cannot be followed. `ssh` gives up there, too.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the SSH configuration cannot be followed: {0}")]
pub struct SshConfigError(String);

impl SshConfig {
    /// Reads the files with all they include. Never fails: what is wrong is told by [`SshConfig::warnings`], and by
    /// [`SshConfig::for_host`] to those it concerns.
    pub fn read(files: &SshConfigFiles, person: Person, surroundings: Arc<dyn Surroundings>) -> Self {
        let mut config = Self { files: Vec::new(), unusable: None, warnings: Vec::new(), person, surroundings };
        if let Err(unusable) = config.read_files(files) {
            config.unusable = Some(unusable);
        }
        config
    }

    fn read_files(&mut self, files: &SshConfigFiles) -> Result<(), String> {
        let folder = self.person.home.join(".ssh");
        let machine = Path::new("/etc/ssh");
        let mut reader = Reader {
            surroundings: &*self.surroundings,
            person: &self.person,
            folder: folder.clone(),
            is_own: true,
            warnings: &mut self.warnings,
            ignored: Vec::new(),
            files: 0,
        };
        match files {
            SshConfigFiles::None => {}
            SshConfigFiles::Only(file) => {
                self.surroundings.read(file, 1).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
                self.files.push(reader.read(file, false)?);
            }
            SshConfigFiles::Usual => {
                self.files.push(reader.read(&folder.join("config"), true)?);
                reader.is_own = false;
                machine.clone_into(&mut reader.folder);
                self.files.push(reader.read(&machine.join("ssh_config"), false)?);
            }
        }
        Ok(())
    }

    /// What it says of a host: `original` as a person wrote it; `user` and `port` where they are named, which then win.
    ///
    /// Runs the commands of `Match exec`, as `ssh` does, each for ten seconds at the most: call it off the event loop.
    ///
    /// # Errors
    /// A line that concerns this host cannot be understood, or a file is not to be trusted.
    pub fn for_host(&self, original: &str, user: Option<&str>, port: Option<u16>) -> Result<HostOptions, SshConfigError> {
        if let Some(unusable) = &self.unusable {
            return Err(SshConfigError(unusable.clone()));
        }
        // Before `Match exec` makes commands of them.
        if !names::is_host(original) {
            return Err(SshConfigError("no host can have this name".to_owned()));
        }
        if !user.is_none_or(names::is_user) {
            return Err(SshConfigError("no user can have this name: it could become part of a command".to_owned()));
        }
        Resolver::new(&self.person, &*self.surroundings, original, user, port).resolve(&self.files).map_err(SshConfigError)
    }

    /// Names of hosts it speaks of, without wildcards, in its order.
    pub fn aliases(&self) -> Vec<&str> {
        let mut names = Vec::new();
        each_pattern(&self.files, &mut |pattern| {
            if !pattern.starts_with('!') && !pattern::has_wildcard(pattern) && !names.contains(&pattern) {
                names.push(pattern);
            }
        });
        names
    }

    /// Whether it speaks of `name`: as it stands, or by a pattern that is more than wildcards.
    pub fn speaks_of(&self, name: &str) -> bool {
        let mut found = false;
        each_pattern(&self.files, &mut |pattern| {
            let is_meant = pattern.contains(|c: char| c.is_ascii_alphanumeric()) && !pattern.starts_with('!');
            found |= is_meant && pattern::wildcard(pattern.to_ascii_lowercase().as_bytes(), name.to_ascii_lowercase().as_bytes());
        });
        found
    }

    /// The name as the configuration spells it: URLs keep no capitals, `Host` lines tell them apart.
    pub fn spelling<'a>(&'a self, name: &'a str) -> &'a str {
        let names = self.aliases();
        if names.contains(&name) { name } else { names.into_iter().find(|known| known.eq_ignore_ascii_case(name)).unwrap_or(name) }
    }

    /// What is odd in the files, each with its place; line 0 is the whole file.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

impl std::fmt::Debug for SshConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SshConfig").field("aliases", &self.aliases()).finish_non_exhaustive()
    }
}

fn each_pattern<'a>(files: &'a [Vec<Statement>], see: &mut impl FnMut(&'a str)) {
    for statement in files.iter().flatten() {
        match &statement.what {
            What::Host(patterns) => patterns.iter().for_each(|pattern| see(pattern)),
            What::Include(files) => each_pattern(files, see),
            _ => {}
        }
    }
}
