//! What is known beside the certificate: the TLS connection, its handshake, the revocation, the pin.

use jiff::Timestamp;

use super::{Field, Section, Value};
use crate::trust::{Pin, Remember, Revocation, RevocationSource, TlsFacts, Verified};

/// What a TLS connection agreed on.
pub fn connection(facts: &TlsFacts) -> Vec<Section> {
    let agreed = [
        ("tls_version", "Version", &facts.version),
        ("cipher_suite", "Cipher suite", &facts.suite),
        ("key_exchange", "Key exchange", &facts.key_exchange),
    ];
    let mut fields: Vec<_> = agreed.into_iter().filter_map(|(key, label, value)| Some(Field::text(key, label, value.clone()?))).collect();
    fields.push(Field::new("resumed", "Resumed", Value::Flag(facts.resumed)));
    let client = &facts.client_certificate;
    let words = match (client.asked, client.sent) {
        (false, false) => "not asked for",
        (true, false) => "asked for, none sent",
        (_, true) => "asked for and sent",
    };
    fields.push(Field::text("client_certificate", "Your certificate", words));
    if !client.authorities.is_empty() {
        fields.push(Field::new("accepted_authorities", "Accepted authorities", Value::List(client.authorities.clone())));
    }
    vec![Section { title: "Connection", fields }]
}

/// The handshake step by step; empty if nothing of it was recorded.
pub fn handshake(facts: &TlsFacts) -> Vec<Section> {
    let step = |step: &crate::trust::HandshakeStep| {
        let detail = if step.detail.is_empty() { String::new() } else { format!(": {}", step.detail) };
        let after = format!("{:.1} ms", step.after.as_secs_f64() * 1000.0);
        Field::text("handshake", after, format!("{}{detail}", step.what))
    };
    Section::of("Handshake", facts.timeline.iter().map(step).collect()).into_iter().collect()
}

/// Whether the certificate was taken back, and who says so, as of `now`.
pub fn revocation(state: &Revocation, now: Timestamp) -> Vec<Section> {
    let from = |source: &RevocationSource| Field::text("revocation_source", "According to", source.words());
    let state_is = |words: &str| Field::text("revocation", "State", words);
    let time = |key, label: &str, time: &Option<Timestamp>| time.map(|time| Field::new(key, label, Value::Time(time)));
    let mut fields = Vec::new();
    match state {
        Revocation::NotChecked => fields.push(state_is("not checked")),
        Revocation::Good { source, until } => {
            let is_old = until.is_some_and(|until| until < now);
            fields.extend([state_is(if is_old { "was good; the answer is out of date" } else { "good" }), from(source)]);
            fields.extend(time("revocation_until", "Holds until", until));
        }
        Revocation::Revoked { source, since, reason } => {
            fields.extend([state_is("revoked"), from(source)]);
            fields.extend(time("revoked_since", "Since", since));
            fields.extend(reason.clone().map(|reason| Field::text("revocation_reason", "Reason", reason)));
        }
        Revocation::Unusable { source, why } => {
            fields.extend([state_is("not known: the answer does not count"), from(source)]);
            fields.push(Field::text("revocation_reason", "Why not", why.clone()));
        }
    }
    vec![Section { title: "Revocation", fields }.marked(matches!(state, Revocation::Revoked { .. }))]
}

/// What a person decided about a certificate, and how they knew.
pub fn pin(pin: &Pin, now: Timestamp) -> Vec<Section> {
    let days = now.as_second().saturating_sub(pin.since.as_second()) / 86_400;
    let remember = match pin.remember {
        Remember::Once => "until this program ends",
        Remember::Always => "until you remove it",
        Remember::Unconfirmed => "not: your keyring does not confirm it",
    };
    let mut fields = vec![
        Field::new("pinned_since", "Since", Value::Time(pin.since)),
        Field::new("pinned_days", "Days", Value::Number(u64::try_from(days).unwrap_or(0))),
        Field::text("pinned_for", "Holds", remember),
        Field::text("verified", "Verified", verified(pin.verified)),
        Field::text("pinned_sha256", "SHA-256", pin.certificate.colons()),
    ];
    fields.extend(pin.spki.map(|spki| Field::text("pinned_spki_sha256", "Key SHA-256", spki.colons())));
    if !pin.accepted.is_empty() {
        let accepted = pin.accepted.iter().map(|kind| kind.name().to_owned()).collect();
        fields.push(Field::new("accepted_problems", "Accepted with it", Value::List(accepted)));
    }
    fields.extend(pin.last_seen.map(|seen| Field::new("last_seen", "Last seen", Value::Time(seen))));
    vec![Section { title: "Pinned", fields }]
}

fn verified(how: Verified) -> &'static str {
    match how {
        Verified::Blind => "not: accepted as it was shown",
        Verified::Fingerprint => "compared with a fingerprint from elsewhere",
        Verified::Named => "its fingerprint was named for the connection",
        Verified::Authority => "an authority this machine trusts vouches for it",
        Verified::Imported => "imported from a file of decisions",
    }
}
