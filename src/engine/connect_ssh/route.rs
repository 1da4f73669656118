//! The way to a host: every host on it with what the SSH configuration says of it, and what known_hosts says. Connects nothing.

use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::connect::Target;
use crate::engine::failure::ConnectFailure;
use crate::engine::services::{KeySources, Services};
use crate::engine::ssh_options::{HostKeyChecking, SshOptions, SshResolver, SshRole, SshRoute};
use crate::model::{Endpoint, Site};
use crate::protocols::sftp::{Method, SshSettings, Transport};
use crate::trust::Fingerprint;
use crate::trust::known_hosts::KnownHosts;

/// Hosts of one way at the most: a configuration that sends in a circle is given up.
const MOST_HOSTS: usize = 8;

/// A way to a host.
pub(super) struct Route {
    /// How the first of the hosts is reached: TCP or a command.
    pub(super) start: Transport,
    /// The hosts on the way, nearest first.
    pub(super) hops: Vec<Arc<Leg>>,
    /// Where the person wants to be.
    pub(super) destination: Arc<Leg>,
}

/// One host of a way.
pub(super) struct Leg {
    /// Where it is, and who logs in.
    pub(super) site: Site,
    /// As a person named it.
    pub(super) named: Site,
    /// Whom a kept password is for: the HostKeyAlias, else the endpoint, or behind other hosts and commands the name asked for.
    pub(super) password_of: Site,
    /// Set if it is on the way only.
    pub(super) on_the_way_to: Option<Endpoint>,
    /// Under what name its key is known; a name that stands for every port has port 22.
    pub(super) known_as: Endpoint,
    /// What the known_hosts files said when the way was looked up.
    pub(super) known: KnownHosts,
    /// Keys that must not be trusted, besides those known_hosts names so.
    pub(super) revoked: KnownHosts,
    /// Those files.
    pub(super) files: Vec<PathBuf>,
    /// Where *always* writes.
    pub(super) write: Option<PathBuf>,
    /// What is done about a key that nobody knows.
    pub(super) checking: HostKeyChecking,
    /// Only this key will do.
    pub(super) fingerprint: Option<Fingerprint>,
    /// Which keys may be offered.
    pub(super) keys: Arc<KeySources>,
    /// The ways to log in that may be tried, the preferred first; `None`: all.
    pub(super) methods: Option<Vec<Method>>,
    /// How it is connected to.
    pub(super) settings: SshSettings,
}

/// Looks up the way to `target`. Files are read off the event loop.
pub(super) async fn look_up(target: &Target, services: &Services) -> Result<Route, ConnectFailure> {
    let (wanted, with) = (target.clone(), services.clone());
    let looking = tokio::task::spawn_blocking(move || {
        let way = way_to(&wanted.site, SshRole::Destination, &with.ssh, MOST_HOSTS)?;
        let to = &wanted.site.endpoint;
        // Only the first is reached from here.
        let mut is_direct = matches!(way.start, Transport::Tcp);
        let hops = way.hops.into_iter().map(|(hop, options)| {
            let is_direct = std::mem::replace(&mut is_direct, false);
            Leg::new(hop, options, is_direct, Some(to), None, &with).map(Arc::new)
        });
        let hops = hops.collect::<Result<_, _>>()?;
        let destination = Leg::new(wanted.site.clone(), way.options, is_direct, None, wanted.fingerprint, &with)?;
        Ok(Route { start: way.start, hops, destination: Arc::new(destination) })
    });
    let looked = match tokio::time::timeout(services.timeout, looking).await {
        Ok(Ok(route)) => route,
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("reading the SSH configuration or known_hosts takes too long".to_owned()),
    };
    looked.map_err(|why| ConnectFailure::NoWay { endpoint: target.site.endpoint.clone(), why })
}

/// What the configuration says of the way to a host.
struct Way {
    start: Transport,
    hops: Vec<(Site, SshOptions)>,
    /// Of the host itself.
    options: SshOptions,
}

/// The way to `site`, of `most` hosts at the most.
fn way_to(site: &Site, role: SshRole, ssh: &SshResolver, most: usize) -> Result<Way, String> {
    let mut options = ssh(site, role)?;
    let (start, hops) = match std::mem::take(&mut options.route) {
        SshRoute::Direct => (Transport::Tcp, Vec::new()),
        SshRoute::Command(command) => (Transport::Command(command), Vec::new()),
        SshRoute::Jump(jumps) => match jumps.split_first() {
            None => (Transport::Tcp, Vec::new()),
            Some((first, further)) => {
                let most = most.checked_sub(jumps.len()).filter(|&most| most > 0);
                let most = most.ok_or_else(|| format!("it leads over more than {MOST_HOSTS} hosts, or in a circle (ProxyJump)"))?;
                let Way { start, mut hops, options: of_first } = way_to(first, SshRole::Hop, ssh, most)?;
                hops.push((first.clone(), of_first));
                for hop in further {
                    hops.push((hop.clone(), ssh(hop, SshRole::Hop)?));
                }
                (start, hops)
            }
        },
    };
    Ok(Way { start, hops, options })
}

impl Leg {
    fn new(
        named: Site,
        options: SshOptions,
        is_direct: bool,
        on_the_way_to: Option<&Endpoint>,
        fingerprint: Option<Fingerprint>,
        services: &Services,
    ) -> Result<Self, String> {
        let revoked = options.revoked_host_keys.as_deref().map(KnownHosts::revoked_by).transpose()?.unwrap_or_default();
        let endpoint = options.endpoint.unwrap_or_else(|| named.endpoint.clone());
        let user = named.user.clone().or(options.user);
        let site = Site { endpoint: endpoint.clone(), user, ..named.clone() };
        // Behind another host or a command an address says little: two private networks use the same ones.
        let reached_as = if is_direct { &endpoint } else { &named.endpoint };
        let alias = options.host_key_alias.map(|alias| Endpoint::new(&alias, 22));
        let password_of = Site { endpoint: alias.as_ref().unwrap_or(reached_as).clone(), ..site.clone() };
        let known_as = alias.unwrap_or(endpoint);
        let (files, write) = services.host_keys.with(options.user_known_hosts, options.global_known_hosts);
        let known = KnownHosts::load(&files);
        // Whatever it was called, and whatever it is called behind its alias: of two words, *no* counts.
        let set = [&named, &site].into_iter().filter_map(|site| (services.options)(site).remote_commands);
        let may_run = set.reduce(|one, other| one && other).unwrap_or(services.remote_commands);
        let settings = SshSettings {
            remote_commands: may_run,
            preferred_host_keys: known.algorithms(&known_as.host, known_as.port),
            host_key_algorithms: options.host_key_algorithms,
            host_certificates: known.has_authority(&known_as.host, known_as.port),
            timeout: options.timeout.unwrap_or(services.timeout),
            ..SshSettings::new(site.clone())
        };
        let mut keys = options.keys.map_or_else(|| services.keys.clone(), Arc::new);
        if let Some(key) = (services.options)(&named).key {
            keys = Arc::new(KeySources { files: vec![key], only_files: true, named: true, ..(*keys).clone() });
        }
        Ok(Self {
            revoked,
            on_the_way_to: on_the_way_to.cloned(),
            named,
            site,
            password_of,
            known_as,
            known,
            files,
            write,
            checking: options.checking,
            fingerprint,
            methods: options.methods,
            keys,
            settings,
        })
    }
}
