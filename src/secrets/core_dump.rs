//! Core files hold what a program had in memory, passphrases and opened keys with it: none is written.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Keeps the system from writing a core file should this program, or one it starts, crash. The log tells where it cannot be kept.
pub fn write_no_core_files() {
    let limit = Rlimit { current: Some(0), maximum: getrlimit(Resource::Core).maximum };
    if let Err(error) = setrlimit(Resource::Core, limit) {
        tracing::warn!(%error, "a core file may be written should the program crash");
    }
}
