//! A person with a home folder of their own who runs the built program, and whose files can be searched afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

/// Nothing else in any test contains these.
pub(super) const PASSPHRASE: &str = "numbat-Gässchen-6617";
pub(super) const AUTHORITY_PASSPHRASE: &str = "dugong-Anhöhe-9052";

/// Their home folder goes with them.
pub(super) struct Person {
    home: TempDir,
    password: String,
}

/// What came of a run.
pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) said: String,
}

impl Ran {
    /// Holds it to its exit code.
    #[track_caller]
    pub(super) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.said);
        self
    }

    /// Holds what it said to these words.
    #[track_caller]
    pub(super) fn says(self, words: &[&str]) -> Self {
        // Words at a terminal's edge are broken.
        let said = self.said.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(said.contains(word), "{word:?} is not in\n{}", self.said);
        }
        self
    }
}

impl Person {
    /// Somebody who knows this password.
    pub(super) fn new(password: &str) -> Self {
        Self { home: tempfile::tempdir().unwrap(), password: password.to_owned() }
    }

    /// A file of theirs.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Runs the program, everything logged; words are parted by blanks.
    pub(super) fn sealift(&self, line: &str) -> Ran {
        self.run(line, PASSPHRASE)
    }

    /// The same with the passphrase of the authority at hand.
    pub(super) fn as_authority(&self, line: &str) -> Ran {
        self.run(line, AUTHORITY_PASSPHRASE)
    }

    fn run(&self, line: &str, passphrase: &str) -> Ran {
        let output = self.command(line, passphrase).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran { code: output.status.code(), out: text(&output.stdout), said: text(&output.stderr) }
    }

    /// The program, ready to run.
    pub(super) fn command(&self, line: &str, passphrase: &str) -> Command {
        let at = |name: &str| self.home.path().join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_sealift"));
        command
            .args(line.split_whitespace())
            .env_clear()
            .envs([
                ("HOME", at("")),
                ("SEALIFT_CONFIG_DIR", at("config")),
                ("SEALIFT_DATA_DIR", at("data")),
                ("SEALIFT_STATE_DIR", at("state")),
            ])
            .envs([("PATH", "/usr/bin:/bin"), ("TZ", "UTC"), ("SEALIFT_KEYRING", "false"), ("SEALIFT_LOG", "trace")])
            .envs([("SEALIFT_PASSWORD", self.password.as_str()), ("SEALIFT_PASSPHRASE", passphrase)])
            .current_dir(self.home.path())
            .stdin(Stdio::null());
        command
    }

    /// openssl in their home folder; the two passphrases are in `$PASS` and `$AUTHORITY`.
    #[track_caller]
    pub(super) fn openssl(&self, line: &str) -> Vec<u8> {
        let output = Command::new("openssl")
            .args(line.split(' '))
            .env("PASS", PASSPHRASE)
            .env("AUTHORITY", AUTHORITY_PASSPHRASE)
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "openssl {line}\n{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Searches every file of theirs, and what was `heard` on the line, for the private key of `identity` and for secrets.
    #[track_caller]
    pub(super) fn has_leaked_nothing(&self, identity: &str, heard: &[u8]) {
        let key = format!("pkey -in data/identities/{identity}/key.pem -passin env:PASS -traditional -outform DER");
        // RFC 5915: SEQUENCE, version 1, OCTET STRING of 32 bytes.
        let private = self.openssl(&key)[7..39].to_vec();
        let hex = private.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        let mut needles = vec![("the private key", private), ("the private key in hex", hex.into_bytes())];
        for secret in [PASSPHRASE, AUTHORITY_PASSPHRASE, &self.password] {
            needles.push(("a secret", secret.as_bytes().to_vec()));
            needles.push(("a secret in base64", STANDARD.encode(secret).trim_end_matches('=').as_bytes().to_vec()));
        }
        let mut files = Vec::new();
        collect(self.home.path(), &mut files);
        assert!(files.iter().any(|(path, bytes)| path.ends_with("sealift.log") && !bytes.is_empty()), "there is a log to be searched");
        for (what, needle) in needles {
            assert!(!contains(heard, &needle), "{what} went over the line");
            for (path, bytes) in &files {
                assert!(!contains(bytes, &needle), "{what} is in {}", path.display());
            }
        }
    }
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
}
