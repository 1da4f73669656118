//! `key list`: the keys made here, those ssh uses by itself, and those of the agent.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::KeySource;
use crate::cli::commands::cert::shown_path;
use crate::cli::exit::{ExitCode, Failure};
use crate::cli::output;
use crate::identity::ssh_key::{SshKeyFolder, SshPublicKey, loose_mode};
use crate::model::text;
use crate::protocols::sftp::agent_keys;
use crate::setup::{Choices, Setup};

pub(super) async fn list(json: bool) -> Result<ExitCode, Failure> {
    let setup = Setup::read(&Choices::default())?;
    let usual = setup.usual_ssh_keys();
    let own = SshKeyFolder::open(&setup.directories.data).list();
    let own = own.map_err(|error| Failure::unreadable(&shown_path(&setup.directories.data), error, ""))?;
    let of_ssh = usual.files.into_iter().map(|file| (shown_path(&file), file));
    let mut code = ExitCode::Ok;
    let files = own.into_iter().map(|key| ("sealift", key)).chain(of_ssh.map(|key| ("ssh", key)));
    let mut keys = Vec::new();
    for (place, (name, file)) in files {
        match Listed::of_file(place, &name, file) {
            Ok(key) => keys.push(key),
            Err(failure) => code = failure.report(),
        }
    }
    if let Some(socket) = &usual.agent {
        keys.extend(agent_keys(socket).await.into_iter().map(|key| Listed {
            place: "agent",
            name: key.label(),
            file: None,
            public: Some(key),
            is_locked: false,
        }));
    }
    let print = |key: &Listed| if json { output::json_line(&key.object()) } else { output::line(&key.line()) };
    keys.iter().try_for_each(print).map_err(|error| Failure::output(&error))?;
    Ok(code)
}

struct Listed {
    /// Where it comes from: `sealift`, `ssh` or `agent`.
    place: &'static str,
    name: String,
    file: Option<PathBuf>,
    public: Option<SshPublicKey>,
    is_locked: bool,
}

impl Listed {
    fn of_file(place: &'static str, name: &str, file: PathBuf) -> Result<Self, Failure> {
        let (public, is_locked) = match KeySource::at(&file)? {
            KeySource::Private(key, _) => (key.public().cloned(), key.is_locked()),
            KeySource::Public(public) => (Some(public), false),
        };
        Ok(Self { place, name: name.to_owned(), file: Some(file), public, is_locked })
    }

    fn loose_mode(&self) -> Option<u32> {
        self.file.as_deref().and_then(loose_mode)
    }

    fn line(&self) -> String {
        let public = match &self.public {
            Some(key) => format!("{:<19} {} {}", key.algorithm(), key.fingerprint().openssh(), key.comment()),
            None => "its public half is locked, too".to_owned(),
        };
        let locked = match (self.place, self.is_locked) {
            ("agent", _) => "in the agent",
            (_, true) => "locked",
            (_, false) => "NOT locked",
        };
        let pad = " ".repeat(24_usize.saturating_sub(text::width(&self.name)));
        let problem = self.loose_mode().map(|mode| format!("; others may read it (mode {mode:04o}): chmod 600")).unwrap_or_default();
        format!("{}{pad} {} ({locked}{problem})", self.name, public.trim_end())
    }

    fn object(&self) -> Value {
        json!({
            "name": self.name,
            "place": self.place,
            "path": self.file.as_deref().map(Path::to_string_lossy),
            "key_algorithm": self.public.as_ref().map(SshPublicKey::algorithm),
            "sha256": self.public.as_ref().map(|key| key.fingerprint().hex()),
            "comment": self.public.as_ref().map(SshPublicKey::comment),
            "locked": self.is_locked,
            "mode_problem": self.loose_mode().map(|mode| format!("{mode:04o}")),
        })
    }
}
