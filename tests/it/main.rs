//! Rooms working together, without a network beyond loopback and without a terminal.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a test that cannot go on has failed"
)]

#[path = "../support/conformance.rs"]
mod conformance;

mod assess;
mod certificates;
mod chains;
mod conformance_memory_local;
mod connecting;
mod describe;
mod documents;
mod ftp_tls;
mod handshake;
mod hostile;
mod jobs;
mod server;
mod tls;
#[path = "../support/tools.rs"]
mod tools;
