//! The built program as scripts and people at a prompt use it: against embedded servers, with folders of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, reason = "a test that cannot go on has failed")]

mod identity;
mod login;
mod network;
mod reading;
mod scene;
mod secrets;
mod terminal;
mod transfers;
mod trust;
mod words;
mod writing;
