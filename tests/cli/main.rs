//! The built program as scripts and people at a prompt use it: against embedded servers, with folders of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a test that cannot go on has failed"
)]

mod cert;
mod identity;
mod kept;
mod key;
mod limits;
mod login;
mod network;
mod own;
mod reading;
mod scene;
mod secrets;
mod serving;
mod site;
mod ssh_hosts;
mod synchronising;
mod terminal;
#[path = "../support/tools.rs"]
mod tools;
mod tour;
mod transfers;
mod trust;
mod words;
mod writing;
