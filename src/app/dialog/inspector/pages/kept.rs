//! The pages about what is kept: a file of certificates or keys, a line of the ledger.

use jiff::Timestamp;

use super::{Choices, Headline, Mood, Page, certificate_sections, section, sentence, text};
use crate::app::dialog::clients::{ClientRow, ClientState};
use crate::app::dialog::ledger::{Standing, standing};
use crate::engine::Advice;
use crate::trust::Verified;
use crate::trust::describe::{Field, Section, Value};
use crate::trust::document::{Document, DocumentKind};
use crate::trust::ledger::{Confirmation, Row, Subject};

pub(super) fn file(facts: &[(String, String)], documents: Option<&Result<Vec<Document>, Advice>>) -> (Headline, Vec<Page>) {
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

pub(super) fn ledger_row(row: &Row, now: Timestamp) -> (Headline, Vec<Page>) {
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
    let (mood, words) = match standing(row, now) {
        Standing::Revoked => (Mood::Danger, "Never to be trusted"),
        Standing::Denied => (Mood::Warning, "Your keyring does not confirm it: the next connection asks"),
        Standing::Expired => (Mood::Warning, "You trust it, and its time is over"),
        Standing::EndsSoon => (Mood::Warning, "You trust it; it ends within 30 days"),
        Standing::Well => (Mood::Good, "You trust it"),
    };
    (Headline { mood, text: words.to_owned(), level: None }, pages)
}

pub(super) fn client(row: &ClientRow, now: Timestamp) -> (Headline, Vec<Page>) {
    let client = &row.client;
    let time = |key, label: &str, time: Option<Timestamp>| time.map(|time| Field::new(key, label, Value::Time(time)));
    let fields = [
        Some(text("owner", "Whose", row.owner())),
        Some(text("state", "State", row.state.name())),
        time("since", if row.state == ClientState::Pending { "First seen" } else { "Since" }, Some(client.since)),
        time("last_seen", "Last seen", client.last_seen),
        client.from.map(|from| text("from", "From", from.to_string())),
        (client.times > 0).then(|| text("times", "Turned away", format!("{} times", client.times))),
    ];
    let sections = [
        section("Client of your server", fields.into_iter().flatten().collect()),
        section("Fingerprints", vec![text("sha256", "SHA-256", client.fingerprint().colons())]),
    ];
    let (mood, words) = match (row.state, &row.facts) {
        (ClientState::Refused, _) => (Mood::Danger, "It is turned away for good"),
        (_, Some(facts)) if facts.not_after < now => (Mood::Warning, "Its time is over: it is refused whatever you decide"),
        (ClientState::Pending, _) => (Mood::Warning, "It waits for you to decide, and is turned away until then"),
        (ClientState::Trusted, _) => (Mood::Good, "It is let in"),
        (ClientState::Authority, _) => (Mood::Good, "Whoever it signed is let in"),
    };
    let pages = vec![
        Page::new("Overview", sections.into_iter().flatten().collect()),
        Page::new("Certificate", certificate_sections(&client.certificate, &[], now)),
    ];
    (Headline { mood, text: words.to_owned(), level: None }, pages)
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
        Confirmation::NoKeyring => "no keyring confirms it: the file alone counts",
        Confirmation::Denied => "your keyring does NOT confirm it: the next connection asks",
        Confirmation::NotApplicable => "needs no keyring",
    }
}

/// The first SHA-256 fingerprint in a description.
pub(in crate::app::dialog::inspector) fn fingerprint_in(sections: &[Section]) -> Option<String> {
    let fields = sections.iter().flat_map(|section| &section.fields);
    fields.filter(|field| matches!(field.key, "sha256" | "fingerprint")).find_map(|field| match &field.value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    })
}
