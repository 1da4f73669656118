//! Tests over the public interface, in one binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod assess;
mod certificates;
mod tls;
