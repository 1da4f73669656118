//! The pages about a connection: who answered, over what line, and why that one is trusted.

use jiff::Timestamp;

use super::{Choices, Headline, Mood, PROBLEM, Page, certificate_sections, section, sentence, text};
use crate::app::facts::{level_sentence, trust_sentence};
use crate::engine::facts::{Hop, Peer};
use crate::engine::{SessionFacts, TrustBasis};
use crate::model::text::display_safe;
use crate::trust::certificate::CertificateFacts;
use crate::trust::change::differences;
use crate::trust::describe::{self, Field, Section, Value};
use crate::trust::{Certificate, ChainLink, Evidence, LinkSignature, Origin, PeerIdentity, Problem, Revocation};

pub(super) fn connection(facts: &SessionFacts, lost: Option<&str>, now: Timestamp) -> (Headline, Vec<Page>) {
    let Some(peer) = &facts.peer else { return (headline(facts, None), vec![overview(facts, None, lost, now)]) };
    let evidence = &peer.evidence;
    let mut pages = vec![overview(facts, Some(peer), lost, now)];
    match &evidence.identity {
        PeerIdentity::Certificates(sent) => {
            pages.push(certificates(evidence, sent, now));
            pages.push(Page::new("Connection", line(facts, peer)));
            pages.push(
                Page { steps: evidence.tls.timeline.clone(), ..Page::new("Handshake", Vec::new()) }
                    .remark(if evidence.tls.timeline.is_empty() { "No step of this handshake was noted down." } else { "" }),
            );
            pages.push(Page { differences: differences(evidence), ..Page::new("Trust", trust(facts, peer, now)) });
            pages.push(revocation(evidence, now));
        }
        PeerIdentity::HostKey(key) => {
            pages.push(Page::new("Host key", describe::host_key(key, now)));
            pages.push(Page::new("Connection", line(facts, peer)));
            pages.push(Page { differences: differences(evidence), ..Page::new("Trust", trust(facts, peer, now)) });
        }
    }
    (headline(facts, Some(evidence)), pages)
}

fn headline(facts: &SessionFacts, evidence: Option<&Evidence>) -> Headline {
    let (mood, text) = match evidence.map(|evidence| &evidence.revocation) {
        None => (Mood::Danger, "Nobody is known here: plain FTP".to_owned()),
        Some(Revocation::Revoked { .. }) => (Mood::Danger, "Its issuer has taken it back".to_owned()),
        Some(_) => match facts.trust {
            TrustBasis::Pinned { .. } if facts.is_blind() => (Mood::Warning, "You trusted it as it was shown, unchecked".to_owned()),
            TrustBasis::Authority => (Mood::Good, "A trusted authority vouches for it".to_owned()),
            TrustBasis::Pinned { days: 0 } => (Mood::Good, "You trusted it today".to_owned()),
            TrustBasis::Pinned { days: 1 } => (Mood::Good, "You trusted it yesterday".to_owned()),
            TrustBasis::Pinned { days } => (Mood::Good, format!("You trusted it {days} days ago")),
            TrustBasis::KnownHost => (Mood::Good, "Its host key is in known_hosts".to_owned()),
            TrustBasis::Once => (Mood::Warning, "You accepted it for this run".to_owned()),
            TrustBasis::Plain => (Mood::Danger, sentence(&trust_sentence(facts.trust))),
        },
    };
    let level = facts.level.name();
    Headline { mood, text, level: (mood != Mood::Danger || evidence.is_none()).then_some(level) }
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
    let reached = section("Whom you reached", reached);
    let Some(peer) = peer else {
        let words = "Plain FTP has no certificate and no key: nothing proves who answers, and whoever sits on the way reads the \
                     password, the names and the files, and can change them.";
        let next = text("next", "What to do", "Ask whoever runs the server for ftpes:// or sftp://.");
        let nobody = section("Who it is", vec![Field { invalid: true, ..text("identity", "Nobody", words) }, next]);
        return Page::new("Overview", [nobody, reached].into_iter().flatten().collect());
    };
    let problems = peer.evidence.problems.iter().map(|problem| text(PROBLEM, "!", problem_words(problem))).collect();
    let safe = vec![text("protection", "Protection", facts.protection.as_str()), text("level", "Level", level_sentence(facts))];
    let sections = [
        section("Who it is", identity(&peer.evidence, now)),
        section("What is wrong with it", problems),
        section("How safe it is", safe),
        reached,
    ];
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
            let fields = [
                Some(text("owner", "Owner", link.name.clone())),
                Some(text("origin", "Not at hand", words)),
                link.spki.map(|spki| text("spki_sha256", "Key SHA-256", spki.colons())),
            ];
            section("Certificate", fields.into_iter().flatten().collect()).into_iter().collect()
        }
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
    let mut sections: Vec<Section> =
        section("Why it is trusted", vec![text("trusted", "Trusted", sentence(&trust_sentence(facts.trust)))]).into_iter().collect();
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
        let words = before.change.words();
        let fields = vec![
            text("change", "Change", words.title),
            text("honest", "Usually", words.honest),
            text("attacker", "An attack", words.attacker),
            text("advice", "What to do", words.advice),
        ];
        sections.extend(section("What was here before", fields));
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
pub(in crate::app::dialog::inspector) fn revocation_words(revocation: &Revocation) -> (Mood, String) {
    match revocation {
        Revocation::NotChecked => (Mood::Warning, "there is nobody to ask: it names no place, or its issuer is not known here".to_owned()),
        Revocation::Good { .. } => (Mood::Good, "its issuer says that it stands".to_owned()),
        Revocation::Revoked { .. } => (Mood::Danger, "its issuer has taken it back".to_owned()),
        Revocation::Unusable { why, .. } => (Mood::Warning, format!("there was an answer, and it does not count: {why}")),
    }
}
