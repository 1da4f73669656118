//! Who a peer is, or what a file says of identities, in pages. What the pages say is put together in `pages`.

mod export;
mod pages;

use jiff::Timestamp;

pub use export::{ExportDialog, ExportForm};
pub use pages::{Choices, Headline, Mood, PROBLEM, Page, confirmation_words, kind_words, subject_words, verified_words};

use super::{ClientRow, Command, MOST_LINES, Next, letter, moved};
use crate::app::effect::Effect;
use crate::app::input::Input;
use crate::app::key::{Key, KeyCode};
use crate::app::message::Generation;
use crate::engine::{Advice, Place, SessionFacts};
use crate::model::{Endpoint, FilePath};
use crate::trust::document::Document;
use crate::trust::fingerprint::{Compared, PastedFingerprint};
use crate::trust::ledger::{Row, Subject};
use crate::trust::{Certificate, Evidence, Fingerprint, PeerIdentity, Revocation};

/// Everything there is to know of one thing, in pages.
pub struct InspectorDialog {
    /// What it is about.
    pub about: About,
    /// The verdict, always seen.
    pub headline: Headline,
    /// At least one.
    pub pages: Vec<Page>,
    /// The page shown.
    pub page: usize,
    /// Which of the page's choices is shown (a certificate of the chain, a thing in a file).
    pub chosen: usize,
    /// The first line shown of what does not fit.
    pub scroll: usize,
    /// The keys are explained instead of the page.
    pub help: bool,
    /// A fingerprint is being typed or pasted, to compare with.
    pub comparing: Option<Input>,
    /// What the last key brought, and whether it is good.
    pub said: Option<(Mood, String)>,
    /// An answer is waited for.
    pub waiting: Option<Generation>,
    now: Timestamp,
}

/// What an inspector is about.
pub enum About {
    /// A connection: its facts, and why its line is broken, while it is.
    Connection {
        /// What the engine told.
        facts: Box<SessionFacts>,
        /// Why the line is broken.
        lost: Option<String>,
    },
    /// A file.
    File {
        /// On which side.
        place: Place,
        /// Which.
        path: FilePath,
        /// What its listing says of it, as label and value.
        facts: Vec<(String, String)>,
        /// What was found in it; `None` until it was read.
        documents: Option<Result<Vec<Document>, Advice>>,
    },
    /// A line of the ledger.
    Row(Box<Row>),
    /// A client of one's own server.
    Client(Box<ClientRow>),
}

/// The keys of an inspector and what they do.
pub const INSPECTOR_KEYS: [(&str, &str); 10] = [
    ("1 2 3", "go to that page"),
    ("Tab h l", "the next page, the one before"),
    ("j k", "the next certificate of the chain, or scroll"),
    ("PgDn PgUp", "scroll a page (J and K, too)"),
    ("y", "copy the fingerprint to the clipboard"),
    ("f", "compare with a fingerprint somebody gave you"),
    ("e", "write it to a file: PEM, DER, the chain, JSON"),
    ("c", "ask the issuer now whether it was taken back"),
    ("T", "on a file of a server: the connection"),
    ("Esc", "close"),
];

impl InspectorDialog {
    /// An inspector of `about`, as of `now`. `waiting`: its contents are on their way.
    pub(in crate::app) fn new(about: About, now: Timestamp, waiting: Option<Generation>) -> Self {
        let (headline, pages) = pages::of(&about, now);
        Self { about, headline, pages, page: 0, chosen: 0, scroll: 0, help: false, comparing: None, said: None, waiting, now }
    }

    /// The page shown.
    pub fn current(&self) -> Option<&Page> {
        self.pages.get(self.page)
    }

    /// Over everything, safe to draw.
    pub fn title(&self) -> String {
        match &self.about {
            About::Connection { facts, .. } => crate::model::text::display_safe(facts.site.url().as_bytes()),
            About::File { path, .. } => path.name().map_or_else(|| path.display(), |name| name.display()),
            About::Row(row) => row.whom.clone(),
            About::Client(row) => row.owner(),
        }
    }

    /// What was found in the file.
    pub(in crate::app) fn read(&mut self, documents: Result<Vec<Document>, Advice>) {
        if let About::File { documents: slot, .. } = &mut self.about {
            *slot = Some(documents);
        }
        self.chosen = 0;
        self.answered(None);
    }

    /// What the issuer says.
    pub(in crate::app) fn revocation(&mut self, answer: Result<Revocation, Advice>) {
        let said = match (answer, &mut self.about) {
            (Ok(revocation), About::Connection { facts, .. }) => {
                let said = pages::revocation_words(&revocation);
                if let Some(peer) = &mut facts.peer {
                    std::sync::Arc::make_mut(peer).evidence.revocation = revocation;
                }
                Some(said)
            }
            (Ok(_), _) => None,
            (Err(advice), _) => Some((Mood::Warning, advice.sentence())),
        };
        self.answered(said);
    }

    fn answered(&mut self, said: Option<(Mood, String)>) {
        self.waiting = None;
        self.said = said;
        (self.headline, self.pages) = pages::of(&self.about, self.now);
        self.page = self.page.min(self.pages.len().saturating_sub(1));
    }

    pub(super) fn key(&mut self, key: Key) -> Next {
        if self.comparing.is_some() {
            return self.compare(key);
        }
        if self.help {
            self.help = false;
            if key.code == KeyCode::Esc || letter(key) == Some('?') {
                return Next::Stay;
            }
        }
        self.said = None;
        let pages = self.pages.len();
        match (letter(key), key.code) {
            (Some('q'), _) | (_, KeyCode::Esc | KeyCode::Enter) => return self.close(),
            (Some('?'), _) => self.help = true,
            (Some(digit @ '1'..='9'), _) => self.turn(digit as usize - '1' as usize),
            (Some('l'), _) | (_, KeyCode::Tab | KeyCode::Right) => self.turn((self.page + 1) % pages.max(1)),
            (Some('h'), _) | (_, KeyCode::BackTab | KeyCode::Left) => self.turn((self.page + pages.saturating_sub(1)) % pages.max(1)),
            (Some('y'), _) => return self.copy(),
            (Some('f'), _) if self.fingerprint().is_some() => self.comparing = Some(Input::new("")),
            (Some('f'), _) => self.say(Mood::Warning, "there is nothing here to compare with"),
            (Some('e'), _) => return self.export(),
            (Some('c'), _) => return self.check(),
            (Some('T'), _) if self.has_connection() => {
                return Next::Finish(Command::InspectConnection);
            }
            _ => self.moved(key),
        }
        Next::Stay
    }

    fn close(&self) -> Next {
        match self.waiting {
            Some(generation) => Next::Finish(Command::Effect(Effect::StopLooking(generation))),
            None => Next::Close,
        }
    }

    fn turn(&mut self, page: usize) {
        if page < self.pages.len() && page != self.page {
            (self.page, self.chosen, self.scroll) = (page, 0, 0);
        }
    }

    fn moved(&mut self, key: Key) {
        let choices = self.current().map_or(0, |page| page.choices.len());
        let chooses = matches!(key.code, KeyCode::Up | KeyCode::Down) || matches!(letter(key), Some('j' | 'k'));
        if choices > 1 && chooses {
            // A chain stands upside down on the screen: the root, which is last, on top.
            let upside_down = self.current().is_some_and(|page| matches!(page.choices, Choices::Chain(_)));
            let row = |choice: usize| if upside_down { choices - 1 - choice.min(choices - 1) } else { choice };
            if let Some(to) = moved(key, row(self.chosen), choices, true) {
                (self.chosen, self.scroll) = (row(to), 0);
            }
            return;
        }
        let half_page = match letter(key) {
            Some('J' | ' ') => Some(Key::plain(KeyCode::PageDown)),
            Some('K') => Some(Key::plain(KeyCode::PageUp)),
            _ => None,
        };
        if let Some(to) = moved(half_page.unwrap_or(key), self.scroll, MOST_LINES, true) {
            self.scroll = to;
        }
    }

    fn say(&mut self, mood: Mood, what: impl Into<String>) {
        self.said = Some((mood, what.into()));
    }

    /// The certificate that is shown: the chosen one of a chain or file, else the peer's own.
    pub(super) fn certificate(&self) -> Option<&Certificate> {
        match &self.about {
            About::Connection { .. } => match self.current().map(|page| &page.choices) {
                Some(Choices::Chain(links)) => links.get(self.chosen)?.certificate.as_ref(),
                _ => self.evidence()?.identity.leaf(),
            },
            About::File { .. } => self.document()?.certificate.as_ref(),
            About::Row(row) => row.certificate.as_ref(),
            About::Client(row) => Some(&row.client.certificate),
        }
    }

    fn document(&self) -> Option<&Document> {
        match &self.about {
            About::File { documents: Some(Ok(documents)), .. } => documents.get(self.chosen),
            _ => None,
        }
    }

    fn evidence(&self) -> Option<&Evidence> {
        match &self.about {
            About::Connection { facts, .. } => facts.peer.as_ref().map(|peer| &peer.evidence),
            _ => None,
        }
    }

    /// The fingerprint of what is shown, in the notation people compare.
    pub fn fingerprint(&self) -> Option<String> {
        if let Some(certificate) = self.certificate() {
            return Some(Fingerprint::of(&certificate.der).colons());
        }
        match &self.about {
            // The place of a chain where a certificate is missing has none, least of all the peer's.
            About::Connection { facts, .. } => match self.current().map(|page| &page.choices) {
                Some(Choices::Chain(_)) => None,
                _ => of_peer(facts),
            },
            About::File { .. } => pages::fingerprint_in(&self.document()?.sections),
            About::Row(row) => Some(match row.subject {
                Subject::Certificate(_) | Subject::Authority(_) => row.fingerprint.colons(),
                _ => row.fingerprint.openssh(),
            }),
            About::Client(row) => Some(row.client.fingerprint().colons()),
        }
    }

    fn copy(&mut self) -> Next {
        match self.fingerprint() {
            Some(fingerprint) => {
                self.say(Mood::Good, format!("to the clipboard: {fingerprint}"));
                Next::Do(Command::Effect(Effect::Clipboard(fingerprint)))
            }
            None => {
                self.say(Mood::Warning, "there is no fingerprint here to copy");
                Next::Stay
            }
        }
    }

    fn compare(&mut self, key: Key) -> Next {
        let Some(input) = &mut self.comparing else { return Next::Stay };
        match key.code {
            KeyCode::Esc => self.comparing = None,
            KeyCode::Enter => {
                let text = input.text().to_owned();
                self.comparing = None;
                self.said = Some(self.compared(&text));
            }
            _ => {
                input.key(key);
            }
        }
        Next::Stay
    }

    fn compared(&self, text: &str) -> (Mood, String) {
        let one = |identity| Evidence::new(Endpoint::new("", 0), identity);
        let shown = match (self.certificate(), self.evidence()) {
            (Some(certificate), _) => Some(one(PeerIdentity::Certificates(vec![certificate.clone()]))),
            (None, evidence) => evidence.cloned(),
        };
        if let Some(evidence) = shown {
            let compared = PastedFingerprint::compare_text(text, &evidence);
            let mood = match compared {
                Compared::Match { .. } if compared.is_proof() => Mood::Good,
                Compared::Mismatch { .. } => Mood::Danger,
                _ => Mood::Warning,
            };
            return (mood, compared.words());
        }
        // Of keys in files and lines of known_hosts only the SHA-256 is at hand.
        let shown = self.fingerprint().and_then(|shown| Fingerprint::parse(&shown).ok());
        match Fingerprint::parse(text) {
            Err(error) => (Mood::Warning, error.to_string()),
            Ok(given) if Some(given) == shown => (Mood::Good, "It is the fingerprint you compared with.".to_owned()),
            Ok(_) => (Mood::Danger, "It is NOT the fingerprint you compared with.".to_owned()),
        }
    }

    fn export(&mut self) -> Next {
        let forms = export::forms(self);
        if forms.is_empty() {
            self.say(Mood::Warning, "there is nothing here to write to a file");
            return Next::Stay;
        }
        Next::Do(Command::Export(forms))
    }

    /// Whether there is an issuer to be asked about it.
    pub fn can_be_checked(&self) -> bool {
        self.evidence().is_some_and(|evidence| evidence.identity.leaf().is_some())
    }

    /// Whether it is a file of a server, whose connection can be looked at, too.
    pub fn has_connection(&self) -> bool {
        matches!(self.about, About::File { place: Place::Remote(_), .. })
    }

    fn check(&mut self) -> Next {
        match self.evidence() {
            Some(_) if self.waiting.is_some() => Next::Stay,
            Some(evidence) if matches!(evidence.identity, PeerIdentity::Certificates(_)) => {
                Next::Do(Command::CheckRevocation(Box::new(evidence.clone())))
            }
            _ => {
                self.say(Mood::Warning, "only the certificate of a connection can be asked about; host keys are taken back in known_hosts");
                Next::Stay
            }
        }
    }
}

/// The fingerprint of a connection's peer in the notation people compare: OpenSSH's for host keys, colons for certificates.
pub(in crate::app) fn of_peer(facts: &SessionFacts) -> Option<String> {
    let identity = &facts.peer.as_ref()?.evidence.identity;
    Some(match identity {
        PeerIdentity::Certificates(_) => identity.fingerprint().colons(),
        PeerIdentity::HostKey(_) => identity.fingerprint().openssh(),
    })
}
