//! SFTP version 3 over SSH: our own pipelined client on russh's transport. Asks nobody; the caller judges host keys.
//!
//! - [`connection`]: reach the server, have its host key judged, hand over to authentication or SFTP
//! - `transport`, `proxy_command`: what carries it: TCP, a channel of another connection, a command
//! - `algorithms`: what is asked for; `peer`: russh's view of the other side, and what it told
//! - `authentication`: the steps of logging in (RFC 4252, 4256)
//! - `line`: the stream below, which notices other protocols and can be cut
//! - `packet`: the wire format; `channel`: many requests in flight; `requests`: typed calls
//! - [`file_system`], `listing`, `reading`, `writing`: files and folders on top of it

mod algorithms;
pub mod authentication;
mod channel;
pub mod connection;
pub mod file_system;
mod line;
mod listing;
mod packet;
mod peer;
mod proxy_command;
mod reading;
mod requests;
#[cfg(test)]
mod tests;
mod transport;
mod writing;

pub use authentication::{AuthStep, Method};
pub use connection::{HostKeyJudge, SshConnection, SshSettings};
pub use file_system::SftpFileSystem;
pub use transport::Transport;
