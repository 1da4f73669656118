//! What an inspector says, page by page: the descriptions of `trust::describe` in the order a person asks for them.

use jiff::Timestamp;

use super::About;
use crate::app::facts::{level_sentence, trust_sentence};
use crate::engine::facts::{Hop, Peer};
use crate::engine::{Advice, SecurityLevel, SessionFacts, TrustBasis};
use crate::model::text::display_safe;
use crate::trust::certificate::CertificateFacts;
use crate::trust::describe::{self, Field, Section, Value};
use crate::trust::document::{Document, DocumentKind};
use crate::trust::ledger::{Confirmation, Row, Subject};
use crate::trust::{Certificate, ChainLink, Evidence, Fingerprint, HandshakeStep, LinkSignature, Origin, PeerIdentity, Problem, Revocation, Verified};

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
        Self { name, choices: Choices::None, parts: vec![sections], steps: Vec::new(), remark: String::new() }
    }

    fn remark(mut self, remark: impl Into<String>) -> Self {
        self.remark = remark.into();
        self
    }
}

/// The verdict and the pages about `about`.
pub(super) fn of(about: &About, now: Timestamp) -> (Headline, Vec<Page>) {
    match about {
        About::Connection { facts, lost } => connection(facts, lost.as_deref(), now),
        About::File { facts, documents, .. } => file(facts, documents.as_ref()),
        About::Row(row) => ledger_row(row, now),
    }
}

fn text(key: &'static str, label: impl Into<String>, text: impl Into<String>) -> Field {
    Field::text(key, label, text)
}

fn section(title: &'static str, fields: Vec<Field>) -> Option<Section> {
    Section::of(title, fields)
}

fn connection(facts: &SessionFacts, lost: Option<&str>, now: Timestamp) -> (Headline, Vec<Page>) {
    let Some(peer) = &facts.peer else { return (headline(facts, None), vec![overview(facts, None, lost, now)]) };
    let evidence = &peer.evidence;
    let mut pages = vec![overview(facts, Some(peer), lost, now)];
    match &evidence.identity {
        PeerIdentity::Certificates(sent) => {
            pages.push(certificates(evidence, sent, now));
            pages.push(Page::new("Connection", line(facts, peer)));
            pages.push(Page { steps: evidence.tls.timeline.clone(), ..Page::new("Handshake", Vec::new()) }.remark(
                if evidence.tls.timeline.is_empty() { "No step of this handshake was noted down." } else { "" },
            ));
            pages.push(Page::new("Trust", trust(facts, peer, now)));
            pages.push(revocation(evidence, now));
        }
        PeerIdentity::HostKey(key) => {
            pages.push(Page::new("Host key", describe::host_key(key, now)));
            pages.push(Page::new("Connection", line(facts, peer)));
            pages.push(Page::new("Trust", trust(facts, peer, now)));
        }
    }
    (headline(facts, Some(evidence)), pages)
}

fn headline(facts: &SessionFacts, evidence: Option<&Evidence>) -> Headline {
    let (mood, text) = match evidence.map(|evidence| &evidence.revocation) {
        None => (Mood::Danger, "Nobody is known here: plain FTP".to_owned()),
        Some(Revocation::Revoked { .. }) => (Mood::Danger, "Its issuer has taken this certificate back".to_owned()),
        Some(_) => match facts.trust {
            TrustBasis::Authority | TrustBasis::KnownHost | TrustBasis::Pinned { .. } => (Mood::Good, trust_sentence(facts.trust)),
            TrustBasis::Once => (Mood::Warning, trust_sentence(facts.trust)),
            TrustBasis::Plain => (Mood::Danger, trust_sentence(facts.trust)),
        },
    };
    let level = match facts.level {
        SecurityLevel::None => "Not secure",
        SecurityLevel::Secure => "Secure",
        SecurityLevel::MoreSecure => "More Secure",
        SecurityLevel::MostSecure => "Most Secure",
    };
    Headline { mood, text: sentence(&text), level: Some(level) }
}

/// With a capital letter.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn overview(facts: &SessionFacts, peer: Option<&Peer>, lost: Option<&str>, now: Timestamp) -> Page {
    let mut reached = vec![text("address", "Address", display_safe(facts.site.url().as_bytes()))];
    if let Some(lost) = lost {
        reached.push(Field { invalid: true, ..text("lost", "Line", format!("lost: {lost}")) });
    }
    reached.extend(facts.site.user.as_ref().map(|user| text("user", "You are", display_safe(user.as_bytes()))));
    if !facts.server.trim().is_empty() {
        reached.push(text("server", "It says", facts.server.trim()));
    }
    reached.push(text("home", "Home folder", facts.home.display()));
    let mut sections: Vec<Option<Section>> = vec![section("Whom you reached", reached)];
    let Some(peer) = peer else {
        let words = "Plain FTP has no certificate and no key: nothing proves who answers, and whoever sits on the way reads the \
                     password, the names and the files, and can change them.";
        let next = "Ask whoever runs the server for ftpes:// or sftp://.";
        sections.push(section("Who it is", vec![Field { invalid: true, ..text("identity", "Identity", words) }, text("next", "What to do", next)]));
        return Page::new("Overview", sections.into_iter().flatten().collect());
    };
    let evidence = &peer.evidence;
    sections.push(section("Who it is", identity(evidence, now)));
    sections.push(section(
        "What is wrong with it",
        evidence.problems.iter().map(|problem| Field { invalid: true, ..text("problem", "", problem_words(problem)) }).collect(),
    ));
    let protection = if facts.protection.is_empty() { "none" } else { facts.protection.as_str() };
    sections.push(section(
        "How safe it is",
        vec![
            text("trusted", "Trusted", trust_sentence(facts.trust)),
            text("protection", "Protection", protection),
            text("level", "Level", level_sentence(facts.level)),
        ],
    ));
    Page::new("Overview", sections.into_iter().flatten().collect())
}

fn problem_words(problem: &Problem) -> String {
    let place = if problem.at > 0 { format!(" (certificate {} of the chain)", problem.at + 1) } else { String::new() };
    format!("{}{place}", problem.text)
}

/// The few fields by which a person knows an identity again.
fn identity(evidence: &Evidence, now: Timestamp) -> Vec<Field> {
    let fingerprint = evidence.identity.fingerprint();
    match &evidence.identity {
        PeerIdentity::HostKey(key) => {
            vec![text("key_type", "Host key", display_safe(key.algorithm.as_bytes())), text("sha256", "Fingerprint", fingerprint.openssh())]
        }
        PeerIdentity::Certificates(sent) => match sent.first().map(|leaf| CertificateFacts::read(&leaf.der)) {
            Some(Ok(facts)) => vec![
                text("owner", "Owner", facts.owner()),
                text("issuer", "Issued by", if facts.self_issued { "itself".to_owned() } else { facts.issuer_name() }),
                Field::new("validity", "Valid", Value::Validity { from: facts.not_before, to: facts.not_after, now }),
                text("sha256", "Fingerprint", fingerprint.colons()),
            ],
            _ => vec![text("owner", "Certificate", "what it sent is no readable certificate")],
        },
    }
}

fn certificates(evidence: &Evidence, sent: &[Certificate], now: Timestamp) -> Page {
    let links = if evidence.chain.is_empty() { chain_as_sent(sent) } else { evidence.chain.clone() };
    let parts = links.iter().map(|one| link(one, evidence, now)).collect();
    Page { choices: Choices::Chain(links), parts, ..Page::new("Certificate", Vec::new()) }
}

/// Without an assessment: what was sent, in that order.
fn chain_as_sent(sent: &[Certificate]) -> Vec<ChainLink> {
    let link = |(at, certificate): (usize, &Certificate)| ChainLink {
        origin: Origin::Sent { at },
        name: CertificateFacts::read(&certificate.der).map_or_else(|_| "not readable".to_owned(), |facts| facts.owner()),
        certificate: Some(certificate.clone()),
        spki: None,
        signature: LinkSignature::Unchecked,
    };
    sent.iter().enumerate().map(link).collect()
}

fn link(link: &ChainLink, evidence: &Evidence, now: Timestamp) -> Vec<Section> {
    let place = match link.origin {
        Origin::Sent { at } => Some(at),
        Origin::Store | Origin::Missing => None,
    };
    let problems: Vec<Problem> = evidence.problems.iter().filter(|problem| Some(problem.at) == place).cloned().collect();
    match &link.certificate {
        Some(certificate) => certificate_sections(certificate, &problems, now),
        None => {
            let words = match link.origin {
                Origin::Missing => "the server did not send it, and it is not among the authorities of this machine",
                _ => "this machine trusts its name and key; the certificate itself is not at hand",
            };
            let fields = [Some(text("owner", "Owner", link.name.clone())), Some(text("origin", "Not at hand", words)), link.spki.map(|spki| text("spki_sha256", "Key SHA-256", spki.colons()))];
            section("Certificate", fields.into_iter().flatten().collect()).into_iter().collect()
        }
    }
}

fn certificate_sections(certificate: &Certificate, problems: &[Problem], now: Timestamp) -> Vec<Section> {
    match CertificateFacts::read(&certificate.der) {
        Ok(facts) => describe::certificate(&facts, problems, now),
        Err(why) => section("Certificate", vec![Field { invalid: true, ..text("unreadable", "Not readable", why.to_string()) }]).into_iter().collect(),
    }
}

/// The protected line: TLS or SSH, and the hosts on the way.
fn line(facts: &SessionFacts, peer: &Peer) -> Vec<Section> {
    let mut sections = match peer.evidence.identity {
        PeerIdentity::Certificates(_) => describe::connection(&peer.evidence.tls),
        PeerIdentity::HostKey(_) => {
            let details = facts.details.iter().map(|(label, value)| text("detail", label.clone(), value.clone()));
            section("SSH", details.collect()).into_iter().collect()
        }
    };
    let hop = |hop: &Hop| text("hop", hop.endpoint.to_string(), format!("{}; {}", trust_sentence(hop.trust), hop.fingerprint.openssh()));
    sections.extend(section("The hosts on the way, nearest first", peer.hops.iter().map(hop).collect()));
    sections
}

/// Why this one is trusted, and what was trusted here before.
fn trust(facts: &SessionFacts, peer: &Peer, now: Timestamp) -> Vec<Section> {
    let evidence = &peer.evidence;
    let shown = evidence.identity.fingerprint();
    let mut sections: Vec<Section> = section("Why it is trusted", vec![text("trusted", "Trusted", sentence(&trust_sentence(facts.trust)))]).into_iter().collect();
    if let Some(pin) = &peer.pin {
        sections.extend(describe::pin(pin, now));
        let same = pin.certificate == shown;
        let words = if same { "what was shown is exactly what you trusted" } else { "what was shown is NOT what you trusted" };
        let mut fields = vec![Field { invalid: !same, ..text("compared", "Compared", words) }];
        if !same {
            fields.push(text("pinned_sha256", "Trusted", pin.certificate.colons()));
            fields.push(text("shown_sha256", "Shown", shown.colons()));
        }
        sections.extend(section("Shown and trusted", fields));
    }
    if let Some(before) = &evidence.remembered {
        let print = |print: &Fingerprint| match evidence.identity {
            PeerIdentity::Certificates(_) => print.colons(),
            PeerIdentity::HostKey(_) => print.openssh(),
        };
        let key = if before.same_key { "the same as today's: a renewal" } else { "another one than today's" };
        let fields = vec![
            text("before_sha256", "Before", print(&before.fingerprint)),
            text("shown_sha256", "Now", print(&shown)),
            text("before_key", "Its key", key),
            text("before_place", "Written", before.place.clone()),
        ];
        sections.extend(section("What was here before", fields));
        if let Some(certificate) = &before.certificate {
            sections.extend(certificate_sections(certificate, &[], now));
        }
    }
    sections
}

fn revocation(evidence: &Evidence, now: Timestamp) -> Page {
    let remark = match evidence.revocation {
        Revocation::NotChecked => "Nothing is fetched without being asked for: c asks the issuer now.",
        _ => "c asks the issuer again.",
    };
    Page::new("Revocation", describe::revocation(&evidence.revocation, now)).remark(remark)
}

/// What an answer about a revocation says in a line.
pub(super) fn revocation_words(revocation: &Revocation) -> (Mood, String) {
    match revocation {
        Revocation::NotChecked => (Mood::Warning, "nobody answered: it is still not checked".to_owned()),
        Revocation::Good { .. } => (Mood::Good, "its issuer says that it stands".to_owned()),
        Revocation::Revoked { .. } => (Mood::Danger, "its issuer has taken it back".to_owned()),
        Revocation::Unusable { why, .. } => (Mood::Warning, format!("there was an answer, and it does not count: {why}")),
    }
}

fn file(facts: &[(String, String)], documents: Option<&Result<Vec<Document>, Advice>>) -> (Headline, Vec<Page>) {
    let plain = |mood, text: String| Headline { mood, text, level: None };
    let fields = facts.iter().map(|(label, value)| text("file", label.clone(), value.clone())).collect();
    let about = Page::new("File", section("The file", fields).into_iter().collect());
    match documents {
        None => (plain(Mood::Plain, "reading…".to_owned()), vec![about]),
        Some(Err(advice)) => (plain(Mood::Danger, advice.what.clone()), vec![about.remark(advice.sentence())]),
        Some(Ok(documents)) if documents.is_empty() => {
            (plain(Mood::Plain, "No certificate, request, list or key is in it".to_owned()), vec![about])
        }
        Some(Ok(documents)) => {
            let headline = match documents.as_slice() {
                [one] => sentence(kind_words(one.kind)),
                many => format!("{} things are in it; j and k choose", many.len()),
            };
            let mood = if documents.iter().all(|one| one.kind == DocumentKind::Unreadable) { Mood::Danger } else { Mood::Plain };
            let choices = documents.iter().map(|one| (one.kind, one.title.clone())).collect();
            let parts = documents.iter().map(|one| one.sections.clone()).collect();
            let contents = Page { choices: Choices::Documents(choices), parts, ..Page::new("Contents", Vec::new()) };
            (plain(mood, headline), vec![contents, about])
        }
    }
}

/// What a thing in a file is.
pub fn kind_words(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Certificate => "certificate",
        DocumentKind::Request => "certificate request",
        DocumentKind::RevocationList => "revocation list",
        DocumentKind::SshPublicKey => "SSH public key",
        DocumentKind::SshCertificate => "SSH certificate",
        DocumentKind::PrivateKey => "private key; only its public half is shown",
        DocumentKind::Unreadable => "not readable",
    }
}

fn ledger_row(row: &Row, now: Timestamp) -> (Headline, Vec<Page>) {
    let time = |key, label: &str, time: Option<Timestamp>| time.map(|time| Field::new(key, label, Value::Time(time)));
    let accepted: Vec<String> = row.accepted.iter().map(|kind| kind.name().to_owned()).collect();
    let fields = [
        Some(text("whom", "For", row.whom.clone())),
        Some(text("kind", "Kind", subject_words(&row.subject))),
        time("since", "Since", row.since),
        row.verified.map(|verified| text("verified", "You knew it", verified_words(verified))),
        (!accepted.is_empty()).then(|| Field::new("accepted", "Accepted", Value::List(accepted))),
        time("expires", "Ends", row.expires),
        time("last_seen", "Last seen", row.last_seen),
        Some(text("kept", "Kept in", row.kept.clone())),
        Some(text("confirmed", "Confirmed", confirmation_words(row.confirmed))),
    ];
    let fingerprint = match row.subject {
        Subject::Certificate(_) | Subject::Authority(_) => row.fingerprint.colons(),
        _ => row.fingerprint.openssh(),
    };
    let sections = [
        section("What you trust", fields.into_iter().flatten().collect()),
        section("Fingerprints", vec![text("sha256", "SHA-256", fingerprint)]),
    ];
    let mut pages = vec![Page::new("Overview", sections.into_iter().flatten().collect())];
    if let Some(certificate) = &row.certificate {
        pages.push(Page::new("Certificate", certificate_sections(certificate, &[], now)));
    }
    let (mood, text) = match (&row.subject, row.confirmed, row.expires) {
        (Subject::RevokedHostKey(..), ..) => (Mood::Danger, "Never to be trusted".to_owned()),
        (_, Confirmation::Denied, _) => (Mood::Warning, "Your keyring does not confirm it: the next connection asks".to_owned()),
        (_, _, Some(end)) if end < now => (Mood::Warning, "It has expired; the next connection asks".to_owned()),
        _ => (Mood::Good, "You trust it".to_owned()),
    };
    (Headline { mood, text, level: None }, pages)
}

/// What a line of the ledger is about.
pub fn subject_words(subject: &Subject) -> &'static str {
    match subject {
        Subject::Certificate(_) => "certificate",
        Subject::Authority(_) => "authority",
        Subject::HostKey(..) => "host key",
        Subject::HostAuthority(..) => "host authority",
        Subject::RevokedHostKey(..) => "REVOKED key",
    }
}

/// How a person knew.
pub fn verified_words(verified: Verified) -> &'static str {
    match verified {
        Verified::Blind => "blind: you said yes to what was shown",
        Verified::Fingerprint => "you compared its fingerprint",
        Verified::Named => "you named its fingerprint",
        Verified::Authority => "an authority vouches for it",
        Verified::Imported => "it came out of an imported file",
    }
}

/// Whether the keyring agrees.
pub fn confirmation_words(confirmed: Confirmation) -> &'static str {
    match confirmed {
        Confirmation::Confirmed => "your keyring confirms it",
        Confirmation::NoKeyring => "there is no keyring here: the file alone counts",
        Confirmation::Denied => "your keyring does NOT confirm it: the next connection asks",
        Confirmation::NotApplicable => "needs no keyring",
    }
}

/// The first SHA-256 fingerprint in a description.
pub(super) fn fingerprint_in(sections: &[Section]) -> Option<String> {
    let fields = sections.iter().flat_map(|section| &section.fields);
    fields.filter(|field| matches!(field.key, "sha256" | "fingerprint")).find_map(|field| match &field.value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    })
}
