//! From the person's SSH configuration to what connecting needs of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::services::{Choices, variable};
use crate::config::ssh_config::{HostOptions, IdentityAgent, SshConfig, StrictHostKeyChecking};
use crate::engine::{HostKeyChecking, KeySources, SshOptions, SshResolver, SshRole, SshRoute};
use crate::identity::ssh_key;
use crate::model::{Endpoint, Protocol, Site, text};
use crate::protocols::sftp::Method;

/// Told what a person should know about their SSH configuration, once each.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// The keys a person has without saying anything.
pub(super) fn usual_keys(home: &Path, agent: bool) -> KeySources {
    KeySources {
        files: ssh_key::default_keys(home),
        agent: variable("SSH_AUTH_SOCK").filter(|_| agent).map(PathBuf::from),
        ..KeySources::default()
    }
}

/// Answers for each site from `config`. `usual` are the keys where it names none.
pub(super) fn resolver(config: Arc<SshConfig>, choices: &Choices, usual: KeySources, agent: bool, tell: Tell) -> SshResolver {
    let choices = choices.clone();
    let told = Mutex::new(Vec::new());
    Arc::new(move |site: &Site, role| {
        let name = config.spelling(&site.endpoint.host);
        let port = site.endpoint.port;
        let port = (port != Protocol::Sftp.default_port() || site.default_port_named).then_some(port);
        let said = config.for_host(name, site.user.as_deref(), port);
        let said = said.map_err(|error| text::display_safe(error.to_string().as_bytes()))?;
        for remark in &said.remarks {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if !told.contains(remark) {
                tell(&text::display_safe(remark.as_bytes()));
                told.push(remark.clone());
            }
        }
        // Keys named on the command line are for the destination.
        let keys = (choices.keys.is_empty() || role == SshRole::Hop).then(|| keys(&said, &usual, agent));
        Ok(SshOptions { keys, timeout: said.connect_timeout.filter(|_| choices.timeout.is_none()), ..options(&said, name, site) })
    })
}

fn options(said: &HostOptions, name: &str, site: &Site) -> SshOptions {
    let endpoint = Endpoint::new(&said.host_name, said.port.unwrap_or(Protocol::Sftp.default_port()));
    // A host on its own way (`Host *` with a ProxyJump) is reached directly.
    let is_itself = said.proxy_jump.iter().any(|hop| hop.host.eq_ignore_ascii_case(name));
    let route = match &said.proxy_command {
        Some(command) => SshRoute::Command(command.clone()),
        None if said.proxy_jump.is_empty() || is_itself => SshRoute::Direct,
        None => {
            let site = |hop: &crate::config::ssh_config::Hop| Site {
                protocol: Protocol::Sftp,
                endpoint: Endpoint::new(&hop.host, hop.port.unwrap_or(Protocol::Sftp.default_port())),
                user: hop.user.clone(),
                default_port_named: hop.port == Some(Protocol::Sftp.default_port()),
            };
            SshRoute::Jump(said.proxy_jump.iter().map(site).collect())
        }
    };
    SshOptions {
        endpoint: (endpoint != site.endpoint).then_some(endpoint),
        user: said.user.clone().filter(|_| site.user.is_none()),
        route,
        host_key_alias: said.host_key_alias.clone(),
        user_known_hosts: said.user_known_hosts_files.clone(),
        global_known_hosts: said.global_known_hosts_files.clone(),
        revoked_host_keys: said.revoked_host_keys.clone(),
        checking: match said.strict_host_key_checking {
            None | Some(StrictHostKeyChecking::Ask) => HostKeyChecking::Ask,
            Some(StrictHostKeyChecking::Yes) => HostKeyChecking::Strict,
            Some(StrictHostKeyChecking::AcceptNew | StrictHostKeyChecking::No) => HostKeyChecking::Lax,
        },
        host_key_algorithms: said.host_key_algorithms.as_deref().and_then(algorithms),
        methods: methods(said),
        ..SshOptions::default()
    }
}

/// A plain list. One that adds to OpenSSH's own (`+`, `^`) or takes from it (`-`) leaves ours as it is.
fn algorithms(list: &str) -> Option<Vec<String>> {
    (!list.starts_with(['+', '-', '^'])).then(|| list.split(',').map(str::to_owned).collect())
}

/// The ways to log in, in the order the configuration wants; `None` where it says nothing of them.
fn methods(said: &HostOptions) -> Option<Vec<Method>> {
    let allowed = |method: Method| match method {
        Method::PublicKey => said.pubkey_authentication != Some(false),
        Method::Password => said.password_authentication != Some(false),
        Method::KeyboardInteractive => said.kbd_interactive_authentication != Some(false),
        Method::Other => false,
    };
    let usual = [Method::PublicKey, Method::Password, Method::KeyboardInteractive];
    let Some(wanted) = &said.preferred_authentications else {
        return usual.iter().any(|&method| !allowed(method)).then(|| usual.into_iter().filter(|&method| allowed(method)).collect());
    };
    let method = |name: &String| match name.as_str() {
        "publickey" => Some(Method::PublicKey),
        "password" => Some(Method::Password),
        "keyboard-interactive" => Some(Method::KeyboardInteractive),
        _ => None,
    };
    Some(wanted.iter().filter_map(method).filter(|&method| allowed(method)).collect())
}

fn keys(said: &HostOptions, usual: &KeySources, agent: bool) -> KeySources {
    KeySources {
        files: said.identity_files.clone().unwrap_or_else(|| usual.files.clone()),
        only_files: said.identities_only == Some(true),
        agent: match &said.identity_agent {
            _ if !agent => None,
            None => usual.agent.clone(),
            Some(IdentityAgent::None) => None,
            Some(IdentityAgent::Variable(name)) => variable(name).map(PathBuf::from),
            Some(IdentityAgent::Socket(socket)) => Some(socket.clone()),
        },
        certificates: said.certificate_files.clone(),
        named: false,
    }
}
