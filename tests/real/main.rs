//! The clients against real servers: vsftpd, ProFTPD, Pure-FTPd, OpenSSH; decisions and a real gnome-keyring. What is not on this machine is left out by
//! name; with `SEALIFT_REAL_SERVERS=required` (as `tests/run` sets it) that is a failure.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed, and says what it left out"
)]

#[path = "../support/conformance.rs"]
mod conformance;
mod course;
mod faults;
mod ftp;
mod ftp_engine;
mod kept;
mod keyring;
mod keys;
mod killed;
mod levels;
mod revocation;
mod ssh;
mod ssh_config;
mod ssh_files;
mod ssh_hosts;
mod ssh_ways;
#[path = "../support/mod.rs"]
mod support;
mod synchronising;
mod verified;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Trial};

use support::Unavailable;
use support::daemon::Daemon;

/// No trial takes longer, whatever hangs.
const LIMIT: Duration = Duration::from_secs(150);

/// A server that was asked to start, under the name its trials begin with.
pub(crate) struct Started<S> {
    name: &'static str,
    server: Arc<Result<S, Unavailable>>,
}

/// Starts servers, makes trials on them, and keeps what was left out.
pub(crate) struct Harness {
    arguments: Arguments,
    required: bool,
    left_out: BTreeSet<String>,
}

impl Harness {
    /// Starts a server. It is started on the main thread, because it ends with the thread that started it.
    pub(crate) fn start<S>(&mut self, name: &'static str, start: impl FnOnce() -> Result<S, Unavailable>) -> Started<S> {
        let server = if self.arguments.list { Err(Unavailable::Absent("only listed".into())) } else { start() };
        if let Err(why @ Unavailable::Absent(_)) = &server {
            self.leave_out(name, why);
        }
        Started { name, server: Arc::new(server) }
    }

    /// Notes what is not here.
    pub(crate) fn leave_out(&mut self, name: &str, why: &Unavailable) {
        self.left_out.insert(format!("{name} ({why})"));
    }

    /// A trial named `server: what` on a running server. `daemon` gives the logs that are shown when it fails.
    pub(crate) fn trial<S: Send + Sync + 'static>(
        &self,
        started: &Started<S>,
        what: &str,
        daemon: fn(&S) -> &Daemon,
        body: impl AsyncFnOnce(&S) + Send + 'static,
    ) -> Trial {
        let (server, required) = (started.server.clone(), self.required);
        Trial::ignorable_test(format!("{}: {what}", started.name), move || {
            let server = match &*server {
                Ok(server) => server,
                Err(why @ Unavailable::Absent(_)) if !required => return Ok(Completion::ignored_with(why)),
                Err(why) => return Err(why.to_string().into()),
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let tried = catch_unwind(AssertUnwindSafe(|| {
                runtime.block_on(async { tokio::time::timeout(LIMIT, body(server)).await.expect("the trial ends in time") });
            }));
            match tried {
                Ok(()) => Ok(Completion::Completed),
                Err(panic) => {
                    eprintln!("{}", daemon(server).log());
                    resume_unwind(panic)
                }
            }
        })
    }
}

impl Harness {
    /// A trial that needs this program of the system.
    pub(crate) fn with_tool(&mut self, name: &str, tool: &str, body: fn()) -> Option<Trial> {
        let is_here = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
        if !is_here && !self.required {
            self.leave_out(name, &Unavailable::Absent(format!("there is no {tool}")));
            return None;
        }
        Some(Self::alone(name, body))
    }

    /// A trial that needs no server of others.
    pub(crate) fn alone(name: &str, body: fn()) -> Trial {
        Trial::test(name, move || {
            body();
            Ok(())
        })
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let required = std::env::var_os("SEALIFT_REAL_SERVERS").is_some_and(|value| value == "required");
    let mut harness = Harness { arguments, required, left_out: BTreeSet::new() };
    let mut trials = ftp::trials(&mut harness);
    trials.extend(ftp_engine::trials(&mut harness));
    trials.extend(levels::trials(&mut harness));
    trials.extend(ssh::trials(&mut harness));
    trials.extend(ssh_files::trials(&mut harness));
    trials.extend(ssh_config::trials(&mut harness));
    trials.extend(ssh_hosts::trials(&mut harness));
    trials.extend(ssh_ways::trials(&mut harness));
    trials.extend(keys::trials(&mut harness));
    trials.extend(killed::trials(&mut harness));
    trials.extend(faults::trials(&mut harness));
    trials.extend(revocation::trials(&mut harness));
    trials.extend(keyring::trials(&mut harness));
    trials.extend(kept::trials(&mut harness));
    trials.extend(verified::trials(&mut harness));
    trials.extend(synchronising::trials(&mut harness));
    let conclusion = libtest_mimic::run(&harness.arguments, trials);
    if !harness.arguments.list {
        for name in &harness.left_out {
            eprintln!("left out: {name}");
        }
    }
    conclusion.exit_code()
}
