//! The log: to a file, only when asked for, never to the terminal.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::WorkerGuard;

use crate::config::Directories;
use crate::setup::variable;

/// Writes the log as long as it lives.
pub struct Log(#[expect(dead_code, reason = "it flushes when it is dropped")] WorkerGuard);

/// Starts the log where `SEALIFT_LOG` names a level (`debug`, `info` …). Without a place to write there is none.
pub fn start_log() -> Option<Log> {
    let level: LevelFilter = variable("SEALIFT_LOG")?.parse().ok()?;
    let directories = Directories::new(variable);
    let (folder, name) = directories.log();
    fs::create_dir_all(folder).ok()?;
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(folder.join(name)).ok()?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    tracing_subscriber::fmt().with_writer(writer).with_ansi(false).with_max_level(level).try_init().ok()?;
    Some(Log(guard))
}
