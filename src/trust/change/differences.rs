//! The old identity and the new one, field by field.

use crate::trust::certificate::CertificateFacts;
use crate::trust::describe::Value;
use crate::trust::evidence::{Certificate, Evidence};
use crate::trust::fingerprint::Fingerprint;

/// A field of both identities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What it is.
    pub label: &'static str,
    /// As it was trusted; `None` if that was not kept.
    pub before: Option<Value>,
    /// As it is shown now; `None` if it cannot be read.
    pub now: Option<Value>,
}

impl Difference {
    /// Whether both are known and not the same.
    pub fn differs(&self) -> bool {
        self.before.is_some() && self.now.is_some() && self.before != self.now
    }
}

/// The identity `evidence` shows beside the one that was remembered, the most telling fields first; empty if none was.
pub fn differences(evidence: &Evidence) -> Vec<Difference> {
    let Some(remembered) = &evidence.remembered else { return Vec::new() };
    let read = |certificate: Option<&Certificate>| CertificateFacts::read(&certificate?.der).ok();
    let (before, now) = (read(remembered.certificate.as_ref()), read(evidence.identity.leaf()));
    let mut rows = Vec::new();
    let mut row = |label, of: &dyn Fn(&CertificateFacts) -> Value| {
        rows.push(Difference { label, before: before.as_ref().map(of), now: now.as_ref().map(of) });
    };
    if evidence.identity.leaf().is_some() {
        row("Owner", &|facts| Value::Text(facts.owner()));
        row("Issuer", &|facts| Value::Text(if facts.self_issued { "itself".to_owned() } else { facts.issuer_name() }));
        row("From", &|facts| Value::Time(facts.not_before));
        row("Until", &|facts| Value::Time(facts.not_after));
        row("Key", &|facts| Value::Text(facts.key.clone()));
        let same = || Some(Value::Text(evidence.spki.filter(|_| remembered.same_key)?.short()));
        let print = |facts: &CertificateFacts| Value::Text(facts.spki.short());
        rows.push(Difference { label: "Its print", before: before.as_ref().map(print).or_else(same), now: now.as_ref().map(print) });
    }
    let print = |print: Fingerprint| Some(Value::Text(print.short()));
    rows.push(Difference { label: "SHA-256", before: print(remembered.fingerprint), now: print(evidence.identity.fingerprint()) });
    rows
}
