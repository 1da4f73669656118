#![doc = include_str!("ARCHITECTURE.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed"))]

pub mod app;
pub mod ask;
pub mod cli;
pub mod config;
pub mod demo;
pub mod engine;
pub mod identity;
pub mod model;
pub mod protocols;
pub mod secrets;
pub mod server;
pub mod setup;
pub mod trust;
pub mod tui;
pub mod vfs;
