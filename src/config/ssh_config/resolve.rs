//! From statements to what they say of one host: the first value wins, lists add up.

use std::path::PathBuf;

use super::criteria::{Asked, Criterion, Kind};
use super::file::{Statement, What};
use super::names;
use super::options::{Hop, HostOptions, IdentityAgent};
use super::pattern::fits_host;
use super::setting::Setting;
use super::surroundings::{Person, Surroundings};
use super::tokens::{self, Tokens};

/// Where SSH listens if nobody says otherwise.
const PORT: u16 = 22;
/// Keys or certificates of one host: OpenSSH's own limit.
const MOST_KEYS: usize = 100;

/// One question to the configuration.
pub(super) struct Resolver<'a> {
    pub(super) person: &'a Person,
    pub(super) surroundings: &'a dyn Surroundings,
    pub(super) original: &'a str,
    /// What `Host` lines are held against: the name asked for, and the second time the one it leads to.
    host: String,
    is_final: bool,
    wants_final: bool,
    has_canonical_domains: bool,
    canonicalizes: Option<bool>,
    host_name: Option<String>,
    identity_agent: Option<String>,
    jump: Option<(Vec<Hop>, String)>,
    tag: Option<String>,
    options: HostOptions,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(
        person: &'a Person,
        surroundings: &'a dyn Surroundings,
        original: &'a str,
        user: Option<&str>,
        port: Option<u16>,
    ) -> Self {
        let options = HostOptions { user: user.map(str::to_owned), port, ..HostOptions::default() };
        Self {
            person,
            surroundings,
            original,
            host: original.to_owned(),
            is_final: false,
            wants_final: false,
            has_canonical_domains: false,
            canonicalizes: None,
            host_name: None,
            identity_agent: None,
            jump: None,
            tag: None,
            options,
        }
    }

    /// Goes through the statements, twice where they ask for it.
    pub(super) fn resolve(mut self, files: &[Vec<Statement>]) -> Result<HostOptions, String> {
        self.pass(files)?;
        self.host = self.leads_to()?.to_lowercase();
        if self.wants_final || self.canonicalizes == Some(true) {
            self.is_final = true;
            self.host_name = Some(self.host.clone());
            self.pass(files)?;
        }
        self.finish()
    }

    fn pass(&mut self, files: &[Vec<Statement>]) -> Result<(), String> {
        files.iter().try_for_each(|file| self.walk(file, true))
    }

    /// Statements of a file, in a block that applies or does not: then only for what it asks of a second pass.
    fn walk(&mut self, statements: &[Statement], applies: bool) -> Result<(), String> {
        let mut active = applies;
        for statement in statements {
            match &statement.what {
                What::Host(patterns) => active = applies && fits_host(patterns, &self.host),
                What::Match(criteria) => active = self.holds(criteria, applies, statement)?,
                What::Include(files) => files.iter().try_for_each(|file| self.walk(file, active))?,
                What::Setting(setting) if active => self.take(setting),
                What::Wrong(wrong) if active => return Err(format!("{}: {wrong}", place(statement))),
                What::Setting(_) | What::Wrong(_) => {}
            }
        }
        Ok(())
    }

    fn holds(&mut self, criteria: &[Criterion], applies: bool, at: &Statement) -> Result<bool, String> {
        let host = if self.is_final { self.host.clone() } else { self.leads_to()? };
        let user = self.options.user.clone().unwrap_or_else(|| self.person.user.clone());
        let tag = self.tag.clone().unwrap_or_default();
        let asked =
            Asked { host: &host, original: self.original, user: &user, local_user: &self.person.user, tag: &tag, is_final: self.is_final };
        let mut holds = applies;
        for criterion in criteria {
            self.wants_final |= criterion.kind == Kind::Final;
            // A command is run only where all before it holds.
            if !holds {
                continue;
            }
            if let Kind::Wrong(wrong) = &criterion.kind {
                return Err(format!("{}: {wrong}", place(at)));
            }
            let run = |command: &str| {
                let key_alias = self.options.host_key_alias.as_deref().unwrap_or(&host);
                let command = self.tokens(&host, &user, key_alias).expand(command, tokens::ALL)?;
                self.surroundings.run(&command)
            };
            match criterion.kind.holds(&asked, run) {
                Ok(said) => holds = said != criterion.negated,
                Err(why) => {
                    self.options.remarks.push(format!("{}: the command of Match exec tells nothing: {why}", place(at)));
                    holds = false;
                }
            }
        }
        Ok(holds)
    }

    /// The name to connect to as far as it is known, `%h` replaced.
    fn leads_to(&self) -> Result<String, String> {
        match &self.host_name {
            Some(name) if !self.is_final => {
                self.tokens(self.original, "", "").expand(name, "h").map_err(|why| format!("HostName {name}: {why}"))
            }
            Some(name) => Ok(name.clone()),
            None => Ok(self.original.to_owned()),
        }
    }

    fn take(&mut self, setting: &Setting) {
        let options = &mut self.options;
        match setting {
            Setting::HostName(name) => first(&mut self.host_name, name),
            Setting::User(user) => first(&mut options.user, user),
            Setting::Port(port) => first(&mut options.port, port),
            Setting::IdentityFile(file) => add(options.identity_files.get_or_insert_default(), file),
            Setting::CertificateFile(file) => add(&mut options.certificate_files, file),
            Setting::IdentitiesOnly(only) => first(&mut options.identities_only, only),
            Setting::IdentityAgent(agent) => first(&mut self.identity_agent, agent),
            // Whichever of the two stands first; `ProxyJump none` leaves room for a command.
            Setting::ProxyJump(hops, text) if options.proxy_command.is_none() => first(&mut self.jump, &(hops.clone(), text.clone())),
            Setting::ProxyCommand(command) if self.jump.as_ref().is_none_or(|(hops, _)| hops.is_empty()) => {
                first(&mut options.proxy_command, command);
            }
            Setting::HostKeyAlias(alias) => first(&mut options.host_key_alias, &alias.to_lowercase()),
            Setting::RevokedHostKeys(file) => first(&mut options.revoked_host_keys, &PathBuf::from(file)),
            Setting::UserKnownHostsFiles(files) => first(&mut options.user_known_hosts_files, &paths(files)),
            Setting::GlobalKnownHostsFiles(files) => first(&mut options.global_known_hosts_files, &paths(files)),
            Setting::StrictHostKeyChecking(checking) => first(&mut options.strict_host_key_checking, checking),
            Setting::HashKnownHosts(hash) => first(&mut options.hash_known_hosts, hash),
            Setting::HostKeyAlgorithms(list) => first(&mut options.host_key_algorithms, list),
            Setting::ConnectTimeout(limit) => first(&mut options.connect_timeout, limit),
            Setting::AddressFamily(family) => first(&mut options.address_family, family),
            Setting::BindAddress(address) => first(&mut options.bind_address, address),
            Setting::PreferredAuthentications(list) => {
                first(&mut options.preferred_authentications, &list.split(',').map(str::to_ascii_lowercase).collect());
            }
            Setting::PubkeyAuthentication(allowed) => first(&mut options.pubkey_authentication, allowed),
            Setting::PasswordAuthentication(allowed) => first(&mut options.password_authentication, allowed),
            Setting::KbdInteractiveAuthentication(allowed) => first(&mut options.kbd_interactive_authentication, allowed),
            Setting::NumberOfPasswordPrompts(number) => first(&mut options.number_of_password_prompts, number),
            Setting::ServerAliveInterval(interval) => first(&mut options.server_alive_interval, interval),
            Setting::ServerAliveCountMax(number) => first(&mut options.server_alive_count_max, number),
            Setting::Compression(compress) => first(&mut options.compression, compress),
            Setting::CanonicalizeHostname(canonicalize) => first(&mut self.canonicalizes, canonicalize),
            Setting::Tag(tag) => first(&mut self.tag, tag),
            Setting::NotFollowed("CanonicalDomains") => self.has_canonical_domains = true,
            Setting::NotFollowed(keyword) => {
                let remark = format!("{keyword} of the SSH configuration is not followed");
                if !options.remarks.contains(&remark) {
                    options.remarks.push(remark);
                }
            }
            Setting::ProxyJump(..) | Setting::ProxyCommand(_) | Setting::Nothing | Setting::Unknown => {}
        }
    }

    fn tokens<'t>(&'t self, host: &'t str, user: &'t str, key_alias: &'t str) -> Tokens<'t> {
        Tokens {
            person: self.person,
            original: self.original,
            host,
            port: self.options.port.unwrap_or(PORT),
            user,
            key_alias,
            jump: self.jump.as_ref().filter(|(hops, _)| !hops.is_empty()).map_or("", |(_, text)| text),
        }
    }

    fn finish(mut self) -> Result<HostOptions, String> {
        let mut options = std::mem::take(&mut self.options);
        self.options.port = options.port;
        let user = options.user.clone().unwrap_or_else(|| self.person.user.clone());
        let key_alias = options.host_key_alias.clone().unwrap_or_else(|| self.original.to_owned());
        let host = self.host.clone();
        let tokens = self.tokens(&host, &user, &key_alias);
        let path = |keyword: &str, text: &str| -> Result<PathBuf, String> {
            let expanded = tokens::tilde(text, self.person)
                .and_then(|text| tokens::variables(&text, self.surroundings))
                .and_then(|text| tokens.expand(&text, tokens::ALL));
            expanded.map(PathBuf::from).map_err(|why| format!("{keyword} {text}: {why}"))
        };
        let all = |keyword: &str, files: Vec<PathBuf>| -> Result<Vec<PathBuf>, String> {
            files.iter().filter_map(|file| file.to_str()).filter(|file| !is_none(file)).map(|file| path(keyword, file)).collect()
        };
        options.identity_files = options.identity_files.map(|files| all("IdentityFile", files)).transpose()?;
        options.certificate_files = all("CertificateFile", options.certificate_files)?;
        options.revoked_host_keys = all("RevokedHostKeys", options.revoked_host_keys.into_iter().collect())?.pop();
        options.user_known_hosts_files = options.user_known_hosts_files.map(|files| all("UserKnownHostsFile", files)).transpose()?;
        if let Some(files) = &mut options.global_known_hosts_files {
            files.retain(|file| !file.to_str().is_some_and(is_none));
        }
        options.identity_agent = match self.identity_agent.as_deref() {
            None => None,
            Some(none) if is_none(none) => Some(IdentityAgent::None),
            Some("SSH_AUTH_SOCK") => Some(IdentityAgent::Variable("SSH_AUTH_SOCK".to_owned())),
            Some(agent) => Some(match agent.strip_prefix('$').filter(|name| !name.starts_with('{')) {
                Some(variable) => IdentityAgent::Variable(variable.to_owned()),
                None => IdentityAgent::Socket(path("IdentityAgent", agent)?),
            }),
        };
        let of_proxy = |keyword: &str, text: &str| tokens.expand(text, tokens::OF_PROXY).map_err(|why| format!("{keyword} {text}: {why}"));
        let command = options.proxy_command.filter(|command| !is_none(command.trim()));
        options.proxy_command = command.map(|command| of_proxy("ProxyCommand", &command)).transpose()?;
        for hop in self.jump.iter().flat_map(|(hops, _)| hops) {
            let user = hop.user.as_deref().map(|user| of_proxy("ProxyJump", user)).transpose()?;
            let host = of_proxy("ProxyJump", &hop.host)?;
            if !names::is_host(&host) || !user.as_deref().is_none_or(names::is_user) {
                return Err("ProxyJump names a host or user that could become part of a command".to_owned());
            }
            options.proxy_jump.push(Hop { user, host, port: hop.port });
        }
        if self.canonicalizes == Some(true) && self.has_canonical_domains {
            options.remarks.push("CanonicalDomains of the SSH configuration is not followed; write the whole name of the host".to_owned());
        }
        options.connect_timeout = options.connect_timeout.filter(|limit| !limit.is_zero());
        options.host_name = host;
        Ok(options)
    }
}

fn first<T: Clone>(slot: &mut Option<T>, value: &T) {
    if slot.is_none() {
        *slot = Some(value.clone());
    }
}

fn add(files: &mut Vec<PathBuf>, file: &str) {
    let file = PathBuf::from(file);
    if files.len() < MOST_KEYS && !files.contains(&file) {
        files.push(file);
    }
}

fn paths(files: &[String]) -> Vec<PathBuf> {
    files.iter().map(PathBuf::from).collect()
}

fn is_none(text: &str) -> bool {
    text.eq_ignore_ascii_case("none")
}

fn place(statement: &Statement) -> String {
    format!("{} line {}", statement.file.display(), statement.line)
}
