//! What a person's SSH configuration says of one host, as far as connecting needs it. Reads nothing itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::services::KeySources;
use crate::model::{Endpoint, Site};
use crate::protocols::sftp::Method;

/// How one SSH host is reached, known and logged in to. The default says nothing: straight to the site's endpoint.
#[derive(Debug, Clone, Default)]
pub struct SshOptions {
    /// Where to connect to in the site's place (HostName, Port); its key is known under this name, too.
    pub endpoint: Option<Endpoint>,
    /// As whom, where the site names nobody (User).
    pub user: Option<String>,
    /// The way there.
    pub route: SshRoute,
    /// The name its key is known under in known_hosts, whatever the port (HostKeyAlias).
    pub host_key_alias: Option<String>,
    /// In place of the person's own known_hosts files; *always* writes to the first (UserKnownHostsFile).
    pub user_known_hosts: Option<Vec<PathBuf>>,
    /// In place of the system's known_hosts files (GlobalKnownHostsFile).
    pub global_known_hosts: Option<Vec<PathBuf>>,
    /// A file of host keys that must not be trusted; without it nobody is connected to (RevokedHostKeys).
    pub revoked_host_keys: Option<PathBuf>,
    /// What is done about a key that nobody knows (StrictHostKeyChecking).
    pub checking: HostKeyChecking,
    /// Which keys may be offered to it (IdentityFile, IdentitiesOnly, IdentityAgent), in place of those of the services.
    pub keys: Option<KeySources>,
    /// The ways to log in that may be tried, the preferred first (PreferredAuthentications and what is switched off); `None`: all.
    pub methods: Option<Vec<Method>>,
    /// Key types to take from it, in this order (HostKeyAlgorithms); names not spoken here are passed over.
    pub host_key_algorithms: Option<Vec<String>>,
    /// How long it may be silent while connecting (ConnectTimeout).
    pub timeout: Option<Duration>,
}

/// The way to a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SshRoute {
    /// A TCP connection.
    #[default]
    Direct,
    /// Over these hosts, nearest first (ProxyJump). The way to the first is what its own options say; that of the others is
    /// the one before.
    Jump(Vec<Site>),
    /// Over the standard input and output of this shell command, all tokens filled in (ProxyCommand).
    Command(String),
}

/// What is done about a host key that nobody knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HostKeyChecking {
    /// A person is asked.
    #[default]
    Ask,
    /// The connection is refused, and nobody is asked (`yes`).
    Strict,
    /// OpenSSH would take it unseen (`accept-new`, `no`, `off`). Here a person is asked all the same, and told so.
    Lax,
}

/// What a host is to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SshRole {
    /// It is where the person wants to be.
    Destination,
    /// It is on the way. What was brought along for the destination (keys named on the command line) is not for it.
    Hop,
}

/// Says the options of a site. It may read files and run commands (`Match exec`), so it is called off the event loop.
/// `Err` is a sentence for a person, safe to draw: the configuration cannot be read, so nobody knows how to connect.
pub type SshResolver = Arc<dyn Fn(&Site, SshRole) -> Result<SshOptions, String> + Send + Sync>;
