//! Whom the person is asked to trust: who the peer says it is, what is wrong with that, and the three answers.

use std::time::Duration;

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::keys;
use crate::app::dialog::{Comparison, TrustDialog, TrustMode};
use crate::ask::TrustAnswer;
use crate::model::text;
use crate::trust::certificate::CertificateFacts;
use crate::trust::{Certificate, Evidence, HostKey, PeerIdentity, ProblemKind};
use crate::tui::theme::Role;
use crate::tui::view::look::Look;
use crate::tui::view::sheet::{Line, Sheet};

const WIDTH: usize = 74;
/// The column of labels.
const LABEL: usize = 13;

pub(super) fn sheet(dialog: &TrustDialog, now: Duration, look: &Look, screen: Rect) -> Sheet {
    let width = Sheet::inner_width(screen, WIDTH);
    let question = &dialog.ask.about;
    let evidence = &question.evidence;
    let title = match (&evidence.identity, &evidence.remembered) {
        (_, Some(_)) => "This server shows ANOTHER identity than before",
        (PeerIdentity::Certificates(_), None) => "Is this certificate the right one?",
        (PeerIdentity::HostKey(_), None) => "Is this host key the right one?",
    };
    let mut sheet = Sheet::new(title, width);
    if question.dangerous {
        sheet.role = Role::Danger;
    }
    sheet.scroll = dialog.scroll;
    sheet.body = Line::labelled("Server", LABEL, &text::display_safe(question.site.url().as_bytes()), width, Role::Text);
    for problem in &evidence.problems {
        let role = if question.dangerous { Role::Problem } else { Role::Warning };
        let place = if problem.at > 0 { format!(" (certificate {} of the chain)", problem.at + 1) } else { String::new() };
        let mut sign = "!";
        for line in Line::wrapped(&format!("{}{place}", problem.text), width.saturating_sub(2), role) {
            sheet.body.push(Line::text(format!("{sign:2}"), role).and_all(line));
            sign = "";
        }
    }
    sheet.body.push(Line::empty());
    match &evidence.identity {
        PeerIdentity::Certificates(chain) => certificates(chain, evidence, dialog.details, look, width, &mut sheet.body),
        PeerIdentity::HostKey(key) => host_key(key, width, &mut sheet.body),
    }
    fingerprints(dialog, width, &mut sheet.body);
    (sheet.foot, sheet.hints) = foot(dialog, now, width);
    sheet
}

fn certificates(chain: &[Certificate], evidence: &Evidence, details: bool, look: &Look, width: usize, body: &mut Vec<Line>) {
    let Some(facts) = chain.first().and_then(|leaf| CertificateFacts::read(&leaf.der).ok()) else {
        body.extend(Line::wrapped("What the server sent is no readable certificate.", width, Role::Danger));
        return;
    };
    let mut section = |label: &str, problems: &[ProblemKind], values: &[String]| {
        let invalid = evidence.problems.iter().any(|problem| problem.at == 0 && problems.contains(&problem.kind));
        for (at, value) in values.iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            let mark = if invalid && at == 0 { "  [Invalid]" } else { "" };
            body.extend(Line::labelled(
                label,
                LABEL,
                &format!("{value}{mark}"),
                width,
                if mark.is_empty() { Role::Text } else { Role::Problem },
            ));
        }
    };
    use ProblemKind as Kind;
    let owner = [Kind::NameMismatch, Kind::NameFromCnOnly, Kind::WrongUsage, Kind::CaAsEndEntity, Kind::WeakKey];
    let issuer = [Kind::UnknownIssuer, Kind::SelfSigned, Kind::BadChainSignature, Kind::WeakSignature, Kind::Revoked];
    let mut names = vec![attributes(&facts.subject)];
    if !facts.names.is_empty() {
        names.push(format!("for {}", listed(&facts.names, if details { usize::MAX } else { 4 })));
    }
    section("Issued to", &owner, &names);
    let by = if facts.self_issued { "itself".to_owned() } else { attributes(&facts.issuer) };
    section("Issued by", &issuer, &[by]);
    let date = |time: Timestamp| look.date_time(time);
    section("Validity", &[Kind::Expired, Kind::NotYetValid], &[format!("{} to {}", date(facts.not_before), date(facts.not_after))]);
    if details {
        let (usage, revocation) = (facts.usage(), facts.revocation());
        section("Key", &[], &[facts.key]);
        section("Key SHA-256", &[], &[spaced(&facts.spki.colons())]);
        section("Signature", &[], &[facts.signature]);
        section("Serial", &[], &[format!("{} (version {})", facts.serial, facts.version)]);
        section("Usage", &[], &usage);
        section("Revocation", &[], &revocation);
        for (at, other) in chain.iter().enumerate().skip(1) {
            let owner = CertificateFacts::read(&other.der).map_or_else(|_| "unreadable".into(), |facts| facts.owner());
            section(if at == 1 { "Sent with it" } else { "" }, &[], &[owner]);
        }
    }
}

/// `CN=example.com, O=Example`.
fn attributes(name: &[(String, String)]) -> String {
    match name {
        [] => "(no name)".into(),
        name => name.iter().map(|(label, value)| format!("{label}={value}")).collect::<Vec<_>>().join(", "),
    }
}

fn listed(names: &[String], most: usize) -> String {
    let shown = names.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > most { format!("{shown} and {} more", names.len() - most) } else { shown }
}

fn host_key(key: &HostKey, width: usize, body: &mut Vec<Line>) {
    body.extend(Line::labelled("Key type", LABEL, &text::display_safe(key.algorithm.as_bytes()), width, Role::Text));
}

/// The fingerprint, and beneath it the one that was trusted before, so that the eye can compare.
fn fingerprints(dialog: &TrustDialog, width: usize, body: &mut Vec<Line>) {
    let evidence = &dialog.ask.about.evidence;
    let certificate = matches!(evidence.identity, PeerIdentity::Certificates(_));
    let label = if certificate { "SHA-256" } else { "Fingerprint" };
    body.extend(Line::labelled(label, LABEL, &spaced(&dialog.fingerprint()), width, Role::Text));
    if let Some(remembered) = &evidence.remembered {
        let before = if certificate { remembered.fingerprint.colons() } else { remembered.fingerprint.openssh() };
        body.extend(Line::labelled("Before", LABEL, &spaced(&before), width, Role::Warning));
        let key = if remembered.same_key { "same key, so a renewal" } else { "another key" };
        let place = text::display_safe(remembered.place.as_bytes());
        body.extend(Line::labelled("", LABEL, &format!("{place}; {key}"), width, Role::Warning));
    }
    let (said, role) = match dialog.compared {
        None => return,
        Some(Comparison::Match) => ("It is the fingerprint you compared with.", Role::Good),
        Some(Comparison::Mismatch) => ("It is NOT the fingerprint you compared with. Reject it.", Role::Danger),
        Some(Comparison::NotAFingerprint) => ("What you typed is no SHA-256 fingerprint.", Role::Warning),
    };
    body.extend(Line::labelled("Compared", LABEL, said, width, role));
}

/// Colons stay for sixteen bytes, then a place to break the line.
fn spaced(fingerprint: &str) -> String {
    match fingerprint.char_indices().nth(47) {
        Some((middle, ':')) => format!("{} {}", &fingerprint[..middle], &fingerprint[middle + 1..]),
        _ => fingerprint.to_owned(),
    }
}

/// What can be done now, and what keys do.
fn foot(dialog: &TrustDialog, now: Duration, width: usize) -> (Vec<Line>, Vec<Line>) {
    match &dialog.mode {
        TrustMode::Compare(input) => {
            (vec![Line::field("From its owner: ", input, width, true)], keys("Paste its fingerprint; Enter compares, Esc goes back", width))
        }
        TrustMode::TypeLast { input, .. } => {
            let ask = format!("To trust it all the same, type the last {} characters of its fingerprint.", TrustDialog::LAST);
            let mut foot = Line::wrapped(&ask, width, Role::Danger);
            if dialog.mistyped {
                foot.extend(Line::wrapped("Not these.", width, Role::Danger));
            }
            foot.push(Line::field("Last characters: ", input, width, true));
            (foot, keys("Enter checks, Esc goes back", width))
        }
        TrustMode::Choose if now < dialog.deaf_until => {
            (vec![Line::text("One moment", Role::Faint)], keys("keys typed ahead do not count here", width))
        }
        TrustMode::Choose => {
            let name = |answer: TrustAnswer| match answer {
                TrustAnswer::Reject => "[R]eject",
                TrustAnswer::Once => "[O]nce",
                TrustAnswer::Always => "[A]lways",
            };
            let buttons = Line::buttons(dialog.buttons().iter().map(|&answer| (name(answer), answer == dialog.focus)));
            let facts = if dialog.details { "fewer facts" } else { "all facts" };
            (vec![buttons], keys(&format!("i {facts}   f compare with a fingerprint you have   Esc rejects"), width))
        }
    }
}
