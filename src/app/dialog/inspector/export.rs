//! Writing what is shown to a file: in which form, and under which name. Never replaces a file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::InspectorDialog;
use crate::app::dialog::{Command, Next, focus_step};
use crate::app::effect::{Effect, FileContent};
use crate::app::input::Input;
use crate::app::key::{Key, KeyCode};
use crate::app::message::Generation;
use crate::model::{EntryName, FilePath};
use crate::trust::describe::{Section, put_json};
use crate::trust::{Certificate, PeerIdentity};

/// One form a thing can be written in.
#[derive(Clone, PartialEq, Eq)]
pub struct ExportForm {
    /// What it is called: `PEM`.
    pub label: &'static str,
    /// The name proposed for the file.
    pub name: String,
    /// What is written.
    pub content: FileContent,
}

/// Which form, under which name, into which folder.
pub struct ExportDialog {
    /// The forms there are; at least one.
    pub forms: Vec<ExportForm>,
    /// The one chosen.
    pub form: usize,
    /// The folder of this machine it goes to.
    pub dir: FilePath,
    /// The file's name.
    pub input: Input,
    /// What is wrong, once Enter was pressed.
    pub error: Option<String>,
    /// It is being written.
    pub waiting: Option<Generation>,
}

impl ExportDialog {
    pub(in crate::app) fn new(forms: Vec<ExportForm>, dir: FilePath) -> Self {
        let input = Input::new(forms.first().map_or("", |form| &form.name));
        Self { forms, form: 0, dir, input, error: None, waiting: None }
    }

    pub(in crate::app::dialog) fn key(&mut self, key: Key) -> Next {
        match (key.code, self.waiting) {
            (KeyCode::Esc, Some(generation)) => return Next::Finish(Command::Effect(Effect::StopLooking(generation))),
            (KeyCode::Esc, None) => return Next::Close,
            (_, Some(_)) => {}
            (KeyCode::Enter, None) => match EntryName::try_from(self.input.text()) {
                Ok(name) => {
                    if let Some(form) = self.forms.get(self.form) {
                        return Next::Do(Command::WriteFile { path: self.dir.join(&name), content: form.content.clone() });
                    }
                }
                Err(why) => self.error = Some(why.to_string()),
            },
            (KeyCode::Tab | KeyCode::BackTab | KeyCode::Up | KeyCode::Down, None) => self.step(focus_step(key) == Some(true)),
            _ => {
                if self.input.key(key) {
                    self.error = None;
                }
            }
        }
        Next::Stay
    }

    /// The next form; a name that was not changed follows it.
    fn step(&mut self, forward: bool) {
        let untouched = self.forms.get(self.form).is_some_and(|form| form.name == self.input.text());
        let step = if forward { 1 } else { self.forms.len().saturating_sub(1) };
        self.form = (self.form + step) % self.forms.len().max(1);
        if let Some(form) = self.forms.get(self.form).filter(|_| untouched) {
            self.input.set(&form.name);
        }
        self.error = None;
    }
}

/// The forms what `dialog` shows can be written in.
pub(super) fn forms(dialog: &InspectorDialog) -> Vec<ExportForm> {
    let stem = stem(&dialog.title());
    let form =
        |label, ending: &str, bytes: Vec<u8>| ExportForm { label, name: format!("{stem}{ending}"), content: FileContent::Bytes(bytes) };
    let mut forms = Vec::new();
    if let Some(certificate) = dialog.certificate() {
        forms.push(form("PEM", ".pem", pem(certificate).into_bytes()));
        forms.push(form("DER", ".der", certificate.der.to_vec()));
    }
    match dialog.evidence().map(|evidence| &evidence.identity) {
        Some(PeerIdentity::Certificates(chain)) if chain.len() > 1 => {
            forms.push(form("chain", "-chain.pem", chain.iter().map(pem).collect::<String>().into_bytes()));
        }
        Some(PeerIdentity::HostKey(key)) => {
            let line = format!("{} {} {stem}\n", key.algorithm, STANDARD.encode(&key.blob));
            forms.push(form("public key", ".pub", line.into_bytes()));
        }
        _ => {}
    }
    let sections: Vec<&Section> = match dialog.document() {
        Some(document) => document.sections.iter().collect(),
        None => dialog.pages.iter().filter_map(|page| page.parts.first()).flatten().collect(),
    };
    if dialog.fingerprint().is_some() || dialog.document().is_some() {
        forms.push(form("JSON", ".json", json(&sections)));
    }
    forms
}

fn json(sections: &[&Section]) -> Vec<u8> {
    let mut object = serde_json::Map::new();
    let sections: Vec<Section> = sections.iter().map(|section| (*section).clone()).collect();
    put_json(&mut object, &sections);
    format!("{:#}\n", serde_json::Value::Object(object)).into_bytes()
}

/// Base64 in lines of 64 between the words of RFC 7468.
fn pem(certificate: &Certificate) -> String {
    let base64 = STANDARD.encode(&certificate.der);
    let lines = base64.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned() + "\n").collect::<String>();
    format!("-----BEGIN CERTIFICATE-----\n{lines}-----END CERTIFICATE-----\n")
}

/// A name for a file, of letters that no system minds.
fn stem(title: &str) -> String {
    let host = title.rsplit_once("://").map_or(title, |(_, rest)| rest);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let plain: String =
        host.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' }).take(64).collect();
    let plain = plain.trim_matches(['.', '-']);
    if plain.is_empty() { "identity".to_owned() } else { plain.to_owned() }
}
