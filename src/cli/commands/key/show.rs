//! `key show`: what a key file holds, how it is locked, and who may read it. Opens nothing.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Map, json};
use zeroize::Zeroizing;

use super::KeySource;
use crate::cli::commands::cert::{own, shown_path};
use crate::cli::exit::{ExitCode, Failure};
use crate::cli::key_args::KeyShow;
use crate::cli::{output, sections};
use crate::identity::ssh_key::{SshPublicKey, loose_mode};
use crate::trust::describe::{self, Field, Section};
use crate::trust::document;

pub(super) fn show(command: &KeyShow) -> Result<ExitCode, Failure> {
    let (path, source) = KeySource::read(&command.file)?;
    let (kind, public) = match &source {
        KeySource::Public(public) => ("ssh-public-key", Some(public)),
        KeySource::Private(file, _) => ("private-key", file.public()),
    };
    let shown = shown_path(&path);
    let mut sections = match &source {
        KeySource::Public(_) => Vec::new(),
        KeySource::Private(..) => private(&path, &shown)?,
    };
    sections.extend(public.map(self::public));
    if let (KeySource::Private(_, None), Some(section)) = (&source, sections.last_mut().filter(|_| public.is_some())) {
        section.fields.push(Field::text("public_from", "Told by", format!("{shown}.pub, which only lies beside it")));
    }
    let title = public.map_or_else(|| shown.clone(), SshPublicKey::label);
    if command.json {
        let mut object =
            Map::from_iter([("kind".to_owned(), json!(kind)), ("title".to_owned(), json!(title)), ("path".to_owned(), json!(shown))]);
        object.extend(public.map(|public| ("public_line".to_owned(), json!(public.line()))));
        describe::put_json(&mut object, &sections);
        output::json_line(&object).map_err(|error| Failure::output(&error))?;
    } else {
        let lines = [format!("{kind}: {title}"), format!("  {shown}")].into_iter().chain(sections::lines(&sections));
        lines.into_iter().try_for_each(|line| output::line(&line)).map_err(|error| Failure::output(&error))?;
    }
    Ok(ExitCode::Ok)
}

/// The format of a file, how it is locked, and its mode where OpenSSH would not use the file for it.
fn private(path: &Path, shown: &str) -> Result<Vec<Section>, Failure> {
    let bytes = Zeroizing::new(own::read(path)?);
    let found = document::read(shown, &bytes, Timestamp::now()).into_iter().next();
    let mut sections = found.map(|document| document.sections).unwrap_or_default();
    sections.truncate(1);
    if let Some((first, mode)) = sections.first_mut().zip(loose_mode(path)) {
        first.fields.push(Field::text("mode", "Mode", format!("{mode:04o}")));
        let problem = format!("others may read it, so ssh does not use it: chmod 600 '{shown}'");
        first.fields.push(Field { invalid: true, ..Field::text("mode_problem", "Problem", problem) });
    }
    Ok(sections)
}

fn public(key: &SshPublicKey) -> Section {
    let mut fields = describe::ssh_key(&key.blob(), &key.algorithm());
    fields.push(Field::text("md5", "MD5", key.md5()));
    if !key.comment().is_empty() {
        fields.push(Field::text("comment", "Comment", key.comment()));
    }
    Section { title: "Public key", fields }
}
