//! What the configuration says of one host.

use std::path::PathBuf;
use std::time::Duration;

/// Everything a connection can be told; what nobody said is `None`. Names are those of ssh_config(5).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostOptions {
    /// The name or address to connect to (`HostName`, else the name that was asked for).
    pub host_name: String,
    /// Whom to be there.
    pub user: Option<String>,
    /// TCP port.
    pub port: Option<u16>,
    /// Key files in the order they are tried; empty: `none`.
    pub identity_files: Option<Vec<PathBuf>>,
    /// Certificates for those keys.
    pub certificate_files: Vec<PathBuf>,
    /// Only the keys named, also where an agent holds more.
    pub identities_only: Option<bool>,
    /// Where the agent is.
    pub identity_agent: Option<IdentityAgent>,
    /// Servers to pass on the way, the nearest first; empty: none.
    pub proxy_jump: Vec<Hop>,
    /// A command whose input and output are the line.
    pub proxy_command: Option<String>,
    /// The name host keys are remembered under.
    pub host_key_alias: Option<String>,
    /// Files of host keys, the first is written to; empty: none.
    pub user_known_hosts_files: Option<Vec<PathBuf>>,
    /// Files of host keys for everybody on this machine; empty: none.
    pub global_known_hosts_files: Option<Vec<PathBuf>>,
    /// A file of host keys that must not be trusted.
    pub revoked_host_keys: Option<PathBuf>,
    /// What to do about a host key nobody knows.
    pub strict_host_key_checking: Option<StrictHostKeyChecking>,
    /// Names in known_hosts are written as hashes.
    pub hash_known_hosts: Option<bool>,
    /// Host key algorithms as written: a list, or one with `+`, `-` or `^` in front.
    pub host_key_algorithms: Option<String>,
    /// How long connecting may take.
    pub connect_timeout: Option<Duration>,
    /// Which addresses count.
    pub address_family: Option<AddressFamily>,
    /// The address to connect from.
    pub bind_address: Option<String>,
    /// Login methods in the order they are tried, as SSH names them.
    pub preferred_authentications: Option<Vec<String>>,
    /// Whether keys may be tried.
    pub pubkey_authentication: Option<bool>,
    /// Whether passwords may be tried.
    pub password_authentication: Option<bool>,
    /// Whether the server may ask questions.
    pub kbd_interactive_authentication: Option<bool>,
    /// How often a password may be typed.
    pub number_of_password_prompts: Option<u32>,
    /// Silence after which a sign of life is asked for; zero: never.
    pub server_alive_interval: Option<Duration>,
    /// Unanswered signs of life that end a connection.
    pub server_alive_count_max: Option<u32>,
    /// Whether to compress.
    pub compression: Option<bool>,
    /// What it says of this host that is not followed here, for the person to know.
    pub remarks: Vec<String>,
}

/// A server on the way, as `ProxyJump` names it: itself a name the configuration may speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Whom to be there.
    pub user: Option<String>,
    /// A name or address.
    pub host: String,
    /// TCP port.
    pub port: Option<u16>,
}

/// Where the agent is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityAgent {
    /// None is to be used.
    None,
    /// At the socket this variable of the environment names.
    Variable(String),
    /// At this socket.
    Socket(PathBuf),
}

/// What to do about a host key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrictHostKeyChecking {
    /// Refuse what is not known.
    Yes,
    /// Ask.
    Ask,
    /// Remember new ones unasked, refuse changed ones.
    AcceptNew,
    /// Take anything.
    No,
}

/// Which addresses count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressFamily {
    /// All.
    Any,
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
}
