//! What an inspector says, page by page: the descriptions of `trust::describe` in the order a person asks for them.

mod connection;
mod kept;

use jiff::Timestamp;

pub(super) use connection::revocation_words;
pub(super) use kept::fingerprint_in;
pub use kept::{confirmation_words, kind_words, subject_words, verified_words};

use super::About;
use crate::trust::Certificate;
use crate::trust::certificate::CertificateFacts;
use crate::trust::change::Difference;
use crate::trust::describe::{self, Field, Section};
use crate::trust::document::DocumentKind;
use crate::trust::{ChainLink, HandshakeStep, Problem};

/// The verdict in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// Good, doubtful or bad.
    pub mood: Mood,
    /// In words.
    pub text: String,
    /// The security level, for connections.
    pub level: Option<&'static str>,
}

/// How a sentence is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// All is well.
    Good,
    /// Neither well nor bad.
    Plain,
    /// Something to think about.
    Warning,
    /// Something is wrong.
    Danger,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its name, one word.
    pub name: &'static str,
    /// What can be chosen on it.
    pub choices: Choices,
    /// What it says, one part for each choice; one part where there is nothing to choose.
    pub parts: Vec<Vec<Section>>,
    /// What was known before beside what is shown now.
    pub differences: Vec<Difference>,
    /// A handshake step by step, drawn as a line of time.
    pub steps: Vec<HandshakeStep>,
    /// A sentence under it all; may be empty.
    pub remark: String,
}

/// What can be chosen on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choices {
    /// Nothing.
    None,
    /// A certificate of the chain, the peer's own first.
    Chain(Vec<ChainLink>),
    /// One of the things in a file: what it is, and its name.
    Documents(Vec<(DocumentKind, String)>),
}

/// The key of fields that are a sentence about something wrong, and have no label.
pub const PROBLEM: &str = "problem";

impl Choices {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Chain(links) => links.len(),
            Self::Documents(documents) => documents.len(),
        }
    }

    /// Whether there is nothing to choose.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Page {
    fn new(name: &'static str, sections: Vec<Section>) -> Self {
        Self { name, choices: Choices::None, parts: vec![sections], differences: Vec::new(), steps: Vec::new(), remark: String::new() }
    }

    fn remark(mut self, remark: impl Into<String>) -> Self {
        self.remark = remark.into();
        self
    }
}

/// The verdict and the pages about `about`.
pub(super) fn of(about: &About, now: Timestamp) -> (Headline, Vec<Page>) {
    match about {
        About::Connection { facts, lost } => connection::connection(facts, lost.as_deref(), now),
        About::File { facts, documents, .. } => kept::file(facts, documents.as_ref()),
        About::Row(row) => kept::ledger_row(row, now),
        About::Client(row) => kept::client(row, now),
    }
}

fn text(key: &'static str, label: impl Into<String>, text: impl Into<String>) -> Field {
    Field::text(key, label, text)
}

fn section(title: &'static str, fields: Vec<Field>) -> Option<Section> {
    Section::of(title, fields)
}

/// With a capital letter.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn certificate_sections(certificate: &Certificate, problems: &[Problem], now: Timestamp) -> Vec<Section> {
    match CertificateFacts::read(&certificate.der) {
        Ok(facts) => describe::certificate(&facts, problems, now),
        Err(why) => section("Certificate", vec![Field { invalid: true, ..text("unreadable", "Not readable", why.to_string()) }])
            .into_iter()
            .collect(),
    }
}
