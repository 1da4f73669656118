//! Opens the inspector and the ledger, and brings them what was waited for. An answer nobody waits for is dropped.

use std::time::Duration;

use jiff::Timestamp;

use super::dialog::{
    About, Dialog, ExportDialog, ExportForm, ForgetDialog, ForgetOrder, ImportDialog, ImportPurpose, InspectorDialog, LedgerDialog,
    MessageDialog, Mood, RefusalDialog, of_peer,
};
use super::effect::{Effect, FileContent, LedgerOrder};
use super::facts;
use super::input::Input;
use super::message::{Generation, Side};
use super::pane::Face;
use super::state::{App, Session};
use crate::engine::{Advice, Place, TrustBasis};
use crate::model::{Endpoint, Entry, EntryName, FilePath, Kind};
use crate::trust::document::Document;
use crate::trust::ledger::{Row, Subject};
use crate::trust::{Evidence, Pin, Remember, Revocation, Verified};

/// Endings of files that hold certificates, requests, lists and keys.
const ENDINGS: [&[u8]; 15] = [
    b".pem",
    b".crt",
    b".cer",
    b".cert",
    b".der",
    b".csr",
    b".req",
    b".crl",
    b".p7b",
    b".p7c",
    b".p8",
    b".pub",
    b".key",
    b".ppk",
    b".ca-bundle",
];
/// How names of files with SSH keys begin.
const BEGINNINGS: [&[u8]; 4] = [b"id_", b"ssh_host_", b"known_hosts", b"authorized_keys"];

/// Whether a file's name promises a certificate or key.
pub(super) fn is_identity(entry: &Entry) -> bool {
    let name = entry.raw_name().to_ascii_lowercase();
    let is_file = !matches!(entry.kind, Kind::Dir | Kind::Other | Kind::Unparsed) && !entry.is_enterable();
    is_file && (ENDINGS.iter().any(|ending| name.ends_with(ending)) || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning)))
}

impl App {
    pub(super) fn timestamp(&self) -> Timestamp {
        Timestamp::try_from(self.now.wall).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The file under the cursor if its name promises a certificate or key; else the connection; on this machine, any file.
    pub(super) fn open_inspector(&mut self, effects: &mut Vec<Effect>) {
        let folder = self.pane(self.focus).shown_folder();
        let current = folder.and_then(|folder| folder.current());
        let is_local = folder.is_some_and(|folder| folder.place == Place::Local);
        if current.is_some_and(|entry| is_identity(entry) || is_local && entry.kind == Kind::File) {
            self.inspect_file(effects);
        } else {
            self.inspect_connection();
        }
    }

    pub(super) fn inspect_connection(&mut self) {
        let pane = self.pane(self.focus);
        let dialog = match &pane.face {
            Face::Failed { advice, refusal: Some(refusal), .. } => {
                Some(Dialog::Refusal(Box::new(RefusalDialog::new(self.focus, refusal.clone(), advice))))
            }
            Face::Failed { advice, .. } => Some(Dialog::Message(MessageDialog { advice: advice.clone(), failures: Vec::new(), scroll: 0 })),
            Face::Folder => pane.folder.as_ref().and_then(|folder| self.session(folder.place)).map(|session| {
                let lost = session.lost.as_ref().map(|advice| advice.what.clone());
                let about = About::Connection { facts: Box::new(session.facts.clone()), lost };
                Dialog::Inspector(Box::new(InspectorDialog::new(about, self.timestamp(), None)))
            }),
            Face::Sites { .. } | Face::Connecting { .. } => None,
        };
        match dialog {
            Some(dialog) => self.dialogs.push(dialog),
            None => self.say("this pane is not connected to a server; T also inspects the file under the cursor"),
        }
    }

    /// Reads the file under the cursor and shows what it says of identities.
    pub(super) fn inspect_file(&mut self, effects: &mut Vec<Effect>) {
        let Some(folder) = self.folder() else { return };
        let (place, dir) = (folder.place, folder.dir.clone());
        let Some(entry) = folder.current().cloned() else { return };
        let path = match entry.name() {
            Ok(name) => dir.join(&name),
            Err(why) => {
                self.refuse(format!("{} cannot be read: {why}", entry.display_name()));
                return;
            }
        };
        let generation = self.generations.next();
        let facts = facts::of_entry(&entry, &self.place_name(place), &dir);
        let about = About::File { place, path: path.clone(), facts, documents: None };
        self.dialogs.push(Dialog::Inspector(Box::new(InspectorDialog::new(about, self.timestamp(), Some(generation)))));
        effects.push(Effect::Inspect { generation, place, path, now: self.timestamp() });
    }

    pub(super) fn inspect_row(&mut self, row: Box<Row>) {
        let dialog = InspectorDialog::new(About::Row(row), self.timestamp(), None);
        self.dialogs.push(Dialog::Inspector(Box::new(dialog)));
    }

    pub(super) fn copy_fingerprint(&mut self, effects: &mut Vec<Effect>) {
        let Some(session) = self.pane(self.focus).folder.as_ref().and_then(|folder| self.session(folder.place)) else {
            self.refuse("this pane is not connected to a server, so there is no fingerprint".to_owned());
            return;
        };
        match of_peer(&session.facts) {
            Some(fingerprint) => {
                self.say(format!("to the clipboard: {fingerprint}"));
                effects.push(Effect::Clipboard(fingerprint));
            }
            None => self.refuse("plain FTP: nobody is known here, so there is no fingerprint".to_owned()),
        }
    }

    fn inspector(&mut self, waiting: Generation) -> Option<&mut InspectorDialog> {
        self.dialogs.iter_mut().find_map(|dialog| match dialog {
            Dialog::Inspector(dialog) if dialog.waiting == Some(waiting) => Some(&mut **dialog),
            _ => None,
        })
    }

    pub(super) fn inspected(&mut self, generation: Generation, result: Result<Vec<Document>, Advice>) -> bool {
        self.inspector(generation).map(|dialog| dialog.read(result)).is_some()
    }

    pub(super) fn check_revocation(&mut self, evidence: Box<Evidence>, effects: &mut Vec<Effect>) {
        let generation = self.generations.next();
        if let Some(Dialog::Inspector(dialog)) = self.dialogs.last_mut() {
            dialog.waiting = Some(generation);
            effects.push(Effect::CheckRevocation { generation, evidence });
        }
    }

    /// What an issuer said is known of the session from then on, not only of the dialog.
    pub(super) fn revocation_checked(&mut self, generation: Generation, result: Result<Revocation, Advice>) -> bool {
        let Some(dialog) = self.inspector(generation) else { return false };
        dialog.revocation(result);
        if let About::Connection { facts, .. } = &dialog.about {
            let (id, peer) = (facts.id, facts.peer.clone());
            if let Some(session) = self.sessions.get_mut(&id) {
                session.facts.peer = peer;
            }
        }
        true
    }

    /// The folder of this machine new files go to: a pane's, else the home folder.
    pub(super) fn local_dir(&self) -> FilePath {
        let shown =
            |side: Side| self.pane(side).shown_folder().filter(|folder| folder.place == Place::Local).map(|folder| folder.dir.clone());
        let before = |side: Side| self.pane(side).last_local();
        let (here, there) = (self.focus, self.focus.other());
        shown(here).or_else(|| shown(there)).or_else(|| before(here)).or_else(|| before(there)).unwrap_or_else(|| self.options.home.clone())
    }

    pub(super) fn open_export(&mut self, forms: Vec<ExportForm>) {
        let dialog = ExportDialog::new(forms, self.local_dir());
        self.dialogs.push(Dialog::Export(dialog));
    }

    pub(super) fn export_ledger(&mut self) {
        let day = self.timestamp().strftime("%Y-%m-%d");
        self.open_export(vec![ExportForm { label: "JSON", name: format!("sealift-trust-{day}.json"), content: FileContent::Ledger }]);
    }

    pub(super) fn write_file(&mut self, path: FilePath, content: FileContent, effects: &mut Vec<Effect>) {
        let generation = self.generations.next();
        if let Some(Dialog::Export(dialog)) = self.dialogs.last_mut() {
            dialog.waiting = Some(generation);
            effects.push(Effect::WriteFile { generation, path, content });
        }
    }

    pub(super) fn file_written(
        &mut self,
        generation: Generation,
        path: &FilePath,
        result: Result<(), Advice>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let of = |dialog: &Dialog| matches!(dialog, Dialog::Export(dialog) if dialog.waiting == Some(generation));
        let at = self.dialogs.iter().position(of);
        match (result, at) {
            (Ok(()), _) => {
                let said = format!("written: {}", path.display());
                if let Some(at) = at {
                    self.dialogs.remove(at);
                }
                match self.dialogs.last_mut() {
                    Some(Dialog::Inspector(dialog)) => dialog.said = Some((Mood::Good, said)),
                    Some(Dialog::Ledger(dialog)) => dialog.said = Some((Mood::Good, said)),
                    _ => self.say(said),
                }
                let folder = path.parent().unwrap_or_else(FilePath::root);
                self.refresh_changed(&[(Place::Local, folder)], effects);
                true
            }
            (Err(advice), Some(at)) => {
                if let Some(Dialog::Export(dialog)) = self.dialogs.get_mut(at) {
                    dialog.waiting = None;
                    dialog.error = Some(advice.sentence());
                }
                true
            }
            (Err(_), None) => false,
        }
    }

    pub(super) fn open_ledger(&mut self, effects: &mut Vec<Effect>) {
        let generation = self.generations.next();
        self.dialogs.push(Dialog::Ledger(Box::new(LedgerDialog::new(generation))));
        effects.push(Effect::Ledger { generation, order: LedgerOrder::Read });
    }

    pub(super) fn order_ledger(&mut self, order: LedgerOrder, effects: &mut Vec<Effect>) {
        let generation = self.generations.next();
        let ledger = self.dialogs.iter_mut().rev().find_map(|dialog| match dialog {
            Dialog::Ledger(dialog) => Some(dialog),
            _ => None,
        });
        if let Some(dialog) = ledger {
            dialog.waiting = Some(generation);
            effects.push(Effect::Ledger { generation, order });
        }
    }

    pub(super) fn ledger_read(&mut self, generation: Generation, done: Result<String, Advice>, rows: Result<Vec<Row>, Advice>) -> bool {
        let ledger = self.dialogs.iter_mut().find_map(|dialog| match dialog {
            Dialog::Ledger(dialog) if dialog.waiting == Some(generation) => Some(dialog),
            _ => None,
        });
        let Some(dialog) = ledger else { return false };
        dialog.waiting = None;
        dialog.said = match done {
            Ok(done) if done.is_empty() => None,
            Ok(done) => Some((Mood::Good, done)),
            Err(advice) => Some((Mood::Danger, advice.sentence())),
        };
        match rows {
            Ok(rows) => {
                // A connection that stands outlives the decision it was made by, for this run.
                let is_listed = |session: &Session| {
                    let subject = Subject::Certificate(session.facts.site.endpoint.clone());
                    rows.iter().any(|row| row.subject == subject)
                };
                for session in self.sessions.values_mut().filter(|session| !is_listed(session)) {
                    if let TrustBasis::Pinned { .. } = session.facts.trust {
                        session.facts.trust = TrustBasis::Once;
                    }
                }
                dialog.take(rows);
            }
            Err(advice) => dialog.said = Some((Mood::Danger, advice.sentence())),
        }
        true
    }

    pub(super) fn open_import(&mut self, purpose: ImportPurpose) {
        let folder = self.pane(self.focus).shown_folder();
        let (place, dir) = folder.map_or_else(|| (Place::Local, self.local_dir()), |folder| (folder.place, folder.dir.clone()));
        let name = folder.and_then(|folder| folder.current()).filter(|entry| entry.kind == Kind::File).and_then(|entry| entry.name().ok());
        let input = Input::new(&name.as_ref().map(EntryName::display).unwrap_or_default());
        self.dialogs.push(Dialog::Import(ImportDialog { purpose, place, dir, input, error: None }));
    }

    /// Trust it no more? Says what happens at the next connection.
    pub(super) fn open_forget(&mut self, row: &Row) {
        let mut words = vec![format!("{} ({})", row.whom, super::dialog::subject_words(&row.subject))];
        words.push(
            match row.subject {
                Subject::Certificate(_) => {
                    "The next connection judges its certificate anew: unless an authority this machine trusts vouches for it, you are asked."
                }
                Subject::Authority(_) => "Servers it vouched for are asked about one by one from then on.",
                Subject::HostKey(..) => "The line leaves known_hosts, for ssh and every other program too. The next connection asks.",
                Subject::HostAuthority(..) => "The line leaves known_hosts, for ssh too. Hosts it vouched for are asked about from then on.",
                Subject::RevokedHostKey(..) => {
                    "This key is marked as never to be trusted. Without the line, a server that shows it is only asked about, like any other. \
                     Remove it only if you know why it was there."
                }
            }
            .to_owned(),
        );
        if row.whom.contains(',') {
            words.push("The line is for several hosts, and all of them are forgotten.".to_owned());
        }
        words.push(format!("Kept in {}.", row.kept));
        let dialog = ForgetDialog {
            order: ForgetOrder::Ledger(LedgerOrder::Remove(Box::new(row.clone()))),
            title: "Trust it no more?".to_owned(),
            words,
            yes: "[Y]es, remove",
            yes_focused: false,
            deaf_until: Duration::ZERO,
        };
        self.dialogs.push(Dialog::Forget(dialog));
    }

    /// Takes what a present connection shows in place of the row's, else removes the row so that the next connection asks.
    pub(super) fn open_repin(&mut self, row: &Row) {
        let shown = match &row.subject {
            Subject::Certificate(endpoint) => self.shown_at(endpoint).filter(|evidence| evidence.identity.fingerprint() != row.fingerprint),
            _ => None,
        };
        let dialog = match (&row.subject, shown) {
            (Subject::Certificate(endpoint), Some(evidence)) => {
                let pin = Pin::of(evidence, Remember::Always, Verified::Blind, self.timestamp());
                ForgetDialog {
                    title: "Trust what is shown there now?".to_owned(),
                    words: vec![
                        format!("{}: you are connected to it, and it shows another certificate than this one.", row.whom),
                        format!("Until now: {}", row.fingerprint.colons()),
                        format!("From now on: {}", pin.certificate.colons()),
                    ],
                    order: ForgetOrder::Ledger(LedgerOrder::Accept(endpoint.clone(), Box::new(pin))),
                    yes: "[Y]es, trust the new one",
                    yes_focused: false,
                    deaf_until: Duration::ZERO,
                }
            }
            _ => ForgetDialog {
                order: ForgetOrder::Ledger(LedgerOrder::Remove(Box::new(row.clone()))),
                title: "Ask about it again?".to_owned(),
                words: vec![
                    format!("{} ({})", row.whom, super::dialog::subject_words(&row.subject)),
                    "What you decided is removed. The next connection shows what the server has then, and you decide anew.".to_owned(),
                    format!("Kept in {}.", row.kept),
                ],
                yes: "[Y]es, ask again",
                yes_focused: false,
                deaf_until: Duration::ZERO,
            },
        };
        self.dialogs.push(Dialog::Forget(dialog));
    }

    /// What a connected server at `endpoint` shows.
    fn shown_at(&self, endpoint: &Endpoint) -> Option<&Evidence> {
        let peers = self.sessions.values().filter_map(|session| session.facts.peer.as_deref());
        peers.map(|peer| &peer.evidence).find(|evidence| evidence.endpoint == *endpoint)
    }
}
