//! Tools of the system that tests call. `tests/run` installs them and then insists on them.

use std::process::{Command, Stdio};

/// Whether all of `names` can be started. Where they must be there, one that is missing is a failure.
pub fn are_here(names: &[&str]) -> bool {
    let is_missing = |name: &&&str| Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err();
    let Some(missing) = names.iter().find(is_missing) else { return true };
    let insists = std::env::var_os("SEALIFT_REAL_SERVERS").is_some_and(|value| value == "required");
    assert!(!insists, "there is no {missing} here");
    eprintln!("left out: there is no {missing} here; tests/run installs it");
    false
}
