//! Who the peer says it is: in short, beside what was trusted before, and in full.

use jiff::Timestamp;

use super::{Extent, LABEL};
use crate::model::text;
use crate::trust::certificate::CertificateFacts;
use crate::trust::describe::{self, Field, Section, Value};
use crate::trust::fingerprint::md5;
use crate::trust::{Evidence, PeerIdentity, Problem, Revocation, TlsFacts, differences};
use crate::tui::theme::Role;
use crate::tui::view::identity::{self, Pair};
use crate::tui::view::look::Look;
use crate::tui::view::sheet::Line;

/// More names than these are counted only.
const MOST_NAMES: usize = 4;

pub(super) fn of(evidence: &Evidence, extent: Extent, now: Timestamp, look: &Look, width: usize) -> Vec<Line> {
    let mut body = Vec::new();
    if evidence.remembered.is_some() {
        body.extend(changes(evidence, look, width));
        body.extend(extent.spacious.then(Line::empty));
    }
    match &evidence.identity {
        PeerIdentity::Certificates(_) => match certificate(evidence, now) {
            None => body.extend(Line::wrapped("What the server sent is no readable certificate.", width, Role::Problem)),
            Some(sections) if extent.whole => {
                body.extend(chain(evidence, look, width));
                body.extend(identity::sections(&sections, look, width));
                body.extend(identity::sections(&describe::revocation(&evidence.revocation, now), look, width));
                if evidence.tls != TlsFacts::default() {
                    body.extend(identity::sections(&describe::connection(&evidence.tls), look, width));
                }
            }
            // Side by side everything of this was said.
            Some(_) if evidence.remembered.is_some() => {}
            Some(sections) => body.extend(summary(&sections, &evidence.revocation, now, look, width)),
        },
        PeerIdentity::HostKey(key) if extent.whole => {
            body.extend(identity::sections(&describe::host_key(key, now), look, width));
            body.extend(labelled("  MD5 (old)", &md5(&key.blob), look, width));
        }
        PeerIdentity::HostKey(key) => {
            let certificate = key.certificate.as_ref().map(|certificate| format!(", with a certificate: {}", certificate.id));
            let kind = text::display_safe(key.algorithm.as_bytes());
            body.extend(labelled("Key type", &format!("{kind}{}", certificate.unwrap_or_default()), look, width));
        }
    }
    if !extent.whole {
        let label = match (evidence.identity.leaf(), &evidence.remembered) {
            (Some(_), _) => "SHA-256",
            (None, None) => "Fingerprint",
            (None, Some(_)) => "Shown now",
        };
        body.extend(labelled(label, &evidence.identity.shown_fingerprint(), look, width));
    }
    body
}

fn labelled(label: &str, value: &str, look: &Look, width: usize) -> Vec<Line> {
    identity::field(label, LABEL, &Field::text("", label, value), look, width)
}

/// The sections of the peer's own certificate, marked where its problems are.
fn certificate(evidence: &Evidence, now: Timestamp) -> Option<Vec<Section>> {
    let facts = CertificateFacts::read(&evidence.identity.leaf()?.der).ok()?;
    let own: Vec<Problem> = evidence.problems.iter().filter(|problem| problem.at == 0).cloned().collect();
    Some(describe::certificate_for(&facts, Some(&evidence.endpoint.host), &own, now))
}

/// The sections a decision needs, a field each.
fn summary(sections: &[Section], revocation: &Revocation, now: Timestamp, look: &Look, width: usize) -> Vec<Line> {
    let mut body = Vec::new();
    for section in sections {
        let Some(first) = section.fields.first() else { continue };
        let value = match section.title {
            "Issued to" | "Issued by" => Value::Text(in_one_line(&section.fields)),
            "Validity" => first.value.clone(),
            "Names" => match &first.value {
                Value::List(names) => Value::Text(listed(names)),
                other => other.clone(),
            },
            // In short only what is wrong.
            _ if first.invalid => first.value.clone(),
            _ => continue,
        };
        let field = Field { value, ..first.clone() };
        body.extend(identity::field(section.title, LABEL, &field, look, width));
    }
    for Section { fields, .. } in describe::revocation(revocation, now) {
        let said: Vec<String> = fields.iter().take(2).map(|field| identity::words(&field.value, look)).collect();
        let field = Field { invalid: fields.iter().any(|field| field.invalid), ..Field::text("", "", said.join(", says ")) };
        body.extend(identity::field("Revocation", LABEL, &field, look, width));
    }
    body
}

/// `CN=example.com, O=Example`; who issued it to themselves is not named twice.
fn in_one_line(fields: &[Field]) -> String {
    if fields.iter().any(|field| field.key == "self_issued") {
        return "itself".to_owned();
    }
    let said = |field: &Field| match &field.value {
        Value::Text(text) if field.label == "Name" => text.clone(),
        Value::Text(text) => format!("{}={text}", field.label),
        _ => field.label.clone(),
    };
    fields.iter().map(said).collect::<Vec<_>>().join(", ")
}

fn listed(names: &[String]) -> String {
    let shown = names.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > MOST_NAMES { format!("{shown} and {} more", names.len() - MOST_NAMES) } else { shown }
}

/// The way up, as far as it is known.
fn chain(evidence: &Evidence, look: &Look, width: usize) -> Vec<Line> {
    if evidence.chain.is_empty() {
        return Vec::new();
    }
    let tree = identity::tree(&evidence.chain, look, width.saturating_sub(2));
    let mut body = vec![Line::text("Who vouches for it", Role::DialogTitle)];
    body.extend(tree.into_iter().map(|line| Line::text("  ", Role::Text).and_all(line)));
    body
}

/// What was trusted beside what is shown; of host keys nothing but the keys can be compared.
fn changes(evidence: &Evidence, look: &Look, width: usize) -> Vec<Line> {
    let Some(remembered) = &evidence.remembered else { return Vec::new() };
    let place = text::display_safe(remembered.place.as_bytes());
    if evidence.identity.leaf().is_none() {
        let mut body = labelled("Known key", &remembered.fingerprint.openssh(), look, width);
        body.extend(labelled("", &place, look, width));
        return body;
    }
    let words = |value: &Option<Value>, none: &str| value.as_ref().map_or_else(|| none.to_owned(), |value| identity::words(value, look));
    let rows: Vec<Pair> = differences(evidence)
        .iter()
        .map(|row| Pair {
            label: row.label,
            before: words(&row.before, "not kept"),
            now: words(&row.now, "unreadable"),
            differs: row.differs(),
        })
        .collect();
    identity::side_by_side([&place, "shown now"], &rows, look, width)
}
