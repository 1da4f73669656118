//! SFTP version 3 over SSH: our own pipelined client on russh's transport. Asks nobody; the caller judges host keys.
//!
//! - [`connection`]: reach the server, have its host key judged, hand over to authentication or SFTP
//! - `transport`, `proxy_command`: what carries it: TCP, a channel of another connection, a command
//! - `algorithms`: what is asked for; `peer`: russh's view of the other side, and what it told
//! - `authentication`: the steps of logging in (RFC 4252, 4256)
//! - `line`: the stream below, which notices other protocols and can be cut
//! - `packet`: the wire format; `channel`: many requests in flight, `handles` among them; `requests`, `extensions`: typed calls
//! - `sessions`: channels and commands over the connection; `more_channels`: for files that one channel holds up
//! - [`file_system`], `listing`, `reading`, `writing`, `server_copy`: files and folders on top of it; `pace`: how much at once
//! - `digest`, `shell`: what the server says a file's content comes to
//! - `offers`, `metadata`: what a server has, and how it takes times and modes

mod algorithms;
pub mod authentication;
mod channel;
pub mod connection;
mod digest;
mod extensions;
pub mod file_system;
mod handles;
mod line;
mod listing;
mod metadata;
mod more_channels;
mod offers;
mod pace;
mod packet;
mod peer;
mod proxy_command;
mod reading;
mod renaming;
mod requests;
mod server_copy;
mod sessions;
mod shell;
#[cfg(test)]
mod tests;
mod transport;
mod writing;

pub use authentication::{AuthStep, Method, agent_keys};
pub use connection::{HostKeyJudge, SshConnection, SshSettings};
pub use file_system::SftpFileSystem;
pub use transport::Transport;
