//! Certificates, requests and keys, with openssl and certtool as the second opinion.

mod keys;
mod made;
mod random;
mod returned;
mod signing;
mod stored;
#[expect(clippy::print_stderr, unreachable_pub, reason = "shared with the tests outside; a test says what it leaves out")]
#[path = "../../../../tests/support/tools.rs"]
mod tools;

use std::path::Path;
use std::process::Command;

use jiff::Timestamp;

use super::draft::Draft;
use super::names::Subject;
use crate::secrets::Secret;

/// The passphrase of every key here; not in ASCII on purpose.
const PASSPHRASE: &str = "grün und 7 Bäume";

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn tools_are_here() -> bool {
    tools::are_here(&["openssl", "certtool", "ssh-keygen"])
}

/// Runs a shell line in `folder` with the passphrase in `$PASS`; it must succeed. Answers what it wrote.
#[track_caller]
fn sh(folder: &Path, line: &str) -> String {
    let ran = run(folder, line);
    assert!(ran.0, "{line}\n{}", ran.1);
    ran.1
}

/// Whether it succeeded, and what it wrote.
fn run(folder: &Path, line: &str) -> (bool, String) {
    let output = Command::new("/bin/sh").args(["-c", line]).current_dir(folder).env("PASS", PASSPHRASE).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn now() -> Timestamp {
    Timestamp::now()
}

/// Of a person whose name needs UTF-8, in two departments.
fn draft(name: &str) -> Draft {
    Draft {
        name: name.to_owned(),
        subject: Subject {
            country: "DE".to_owned(),
            state: "Bayern".to_owned(),
            locality: "München".to_owned(),
            organization: "Bäcker & Söhne".to_owned(),
            units: vec!["Finance".to_owned(), "Payroll".to_owned()],
            common_name: "Ann Müller".to_owned(),
            email: "ann@example.com".to_owned(),
        },
        names: ["ann@example.com", "host.example.com", "192.0.2.7", "2001:db8::1", "https://example.com/ann"]
            .iter()
            .map(|name| super::names::AlternativeName::parse(name).unwrap())
            .collect(),
        passphrase: secret(PASSPHRASE),
        confirmation: secret(PASSPHRASE),
        ..Draft::default()
    }
}
