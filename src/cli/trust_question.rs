//! The trust question at a terminal line: what is said, and what a typed line answers. Reads and writes nothing.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::ask::{TrustAnswer, TrustQuestion};
use crate::engine::advice::problem_words;
use crate::model::text;
use crate::trust::certificate::CertificateFacts;
use crate::trust::describe::Value;
use crate::trust::{Compared, PastedFingerprint, PeerIdentity, Revocation, differences};

/// How many characters of the fingerprint are typed to accept a dangerous identity.
const LAST: usize = 8;
/// From this length on, a line is an attempt at a fingerprint, not at an answer.
const SHORTEST_PASTE: usize = 12;

/// What a typed line means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typed {
    /// The decision.
    Answer(TrustAnswer),
    /// It was compared with the fingerprint; the question stands.
    Compared(Compared),
}

/// Reads a line. `compared` is what came of a comparison before: after a mismatch, a letter is not enough. Whatever is
/// not understood rejects.
pub(super) fn read(line: &str, question: &TrustQuestion, compared: Option<Compared>) -> Typed {
    let line = line.trim();
    if line.len() >= SHORTEST_PASTE {
        return Typed::Compared(PastedFingerprint::compare_text(line, &question.evidence));
    }
    Typed::Answer(match line.to_ascii_lowercase().as_str() {
        _ if is_dangerous(question, compared) => {
            if question.evidence.identity.is_end_of_fingerprint(line, LAST) {
                TrustAnswer::Once
            } else {
                TrustAnswer::Reject
            }
        }
        "o" | "once" => TrustAnswer::Once,
        "a" | "always" if question.can_remember => TrustAnswer::Always,
        _ => TrustAnswer::Reject,
    })
}

fn is_dangerous(question: &TrustQuestion, compared: Option<Compared>) -> bool {
    question.dangerous || matches!(compared, Some(Compared::Mismatch { .. }))
}

/// What can be typed.
pub(super) fn choices(question: &TrustQuestion, compared: Option<Compared>) -> String {
    let paste = "or paste the fingerprint its administrator sent, to compare";
    if is_dangerous(question, compared) {
        return format!(
            "To connect once all the same, type the last {LAST} characters of the fingerprint, {paste}; anything else rejects: "
        );
    }
    let always = if question.can_remember { ", [a]lways" } else { "" };
    format!("[r]eject, [o]nce{always}, {paste} (Enter rejects): ")
}

/// Who it is and what is wrong, in short.
pub(super) fn described(question: &TrustQuestion) -> String {
    let evidence = &question.evidence;
    let mut said = String::new();
    let mut say = |line: std::fmt::Arguments<'_>| {
        // Writing to a String cannot fail.
        let _ = writeln!(said, "{line}");
    };
    let way = question.on_the_way_to.as_ref().map(|aim| format!(" (jump host on the way to {aim})"));
    say(format_args!("\n{}{}: {}", evidence.endpoint, way.unwrap_or_default(), evidence.headline()));
    if let Some(before) = &evidence.remembered {
        let words = before.change.words();
        say(format_args!("    Honest: {}\n    Attack: {}\n    Do now: {}", words.honest, words.attacker, words.advice));
    }
    for (problem, words) in evidence.explained() {
        say(format_args!("  ! {}", problem_words(problem)));
        if let Some(words) = words {
            say(format_args!("    Honest: {}\n    Attack: {}", words.honest, words.attacker));
        }
    }
    if let Some(facts) = evidence.identity.leaf().and_then(|leaf| CertificateFacts::read(&leaf.der).ok()) {
        let issuer = if facts.self_issued { "itself".to_owned() } else { facts.issuer_name() };
        say(format_args!("  Issued to    {}, for {}", facts.owner(), facts.names.join(", ")));
        say(format_args!("  Issued by    {issuer}"));
        say(format_args!("  Validity     {} to {}", day(facts.not_before), day(facts.not_after)));
        say(format_args!("  Key          {}", facts.key));
        if evidence.revocation == Revocation::NotChecked {
            say(format_args!("  Revocation   not checked"));
        }
    } else if let PeerIdentity::HostKey(key) = &evidence.identity {
        say(format_args!("  Key type     {}", text::display_safe(key.algorithm.as_bytes())));
    }
    say(format_args!("  Fingerprint  {}", evidence.identity.shown_fingerprint()));
    for row in differences(evidence).iter().filter(|row| row.differs()) {
        say(format_args!("  {:12} was {}", row.label, row.before.as_ref().map(words).unwrap_or_default()));
    }
    if let Some(before) = &evidence.remembered {
        say(format_args!("  Trusted      {}", before.place));
    }
    said
}

fn words(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Time(time) => day(*time),
        _ => String::new(),
    }
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Endpoint;
    use crate::model::site::ParsedUrl;
    use crate::trust::{Certificate, Evidence, Fingerprint, HostKey, Problem, ProblemKind};

    fn question(identity: PeerIdentity, dangerous: bool) -> TrustQuestion {
        let kind = ProblemKind::SelfSigned;
        let problems = vec![Problem { kind, at: 0, text: "it vouches for itself".into() }];
        let evidence = Box::new(Evidence { problems, ..Evidence::new(Endpoint::new("h", 21), identity) });
        let site = ParsedUrl::parse("ftpes://me@h").unwrap().site;
        TrustQuestion { site, on_the_way_to: None, evidence, dangerous, can_remember: true }
    }

    fn certificate(dangerous: bool) -> TrustQuestion {
        let der = include_bytes!("../../tests/fixtures/certificates/self-signed-expired.der");
        question(PeerIdentity::Certificates(vec![Certificate { der: der[..].into() }]), dangerous)
    }

    #[test]
    fn a_letter_answers_and_everything_else_rejects() {
        use TrustAnswer::{Always, Once, Reject};
        for (line, answer) in [("o", Once), ("Once ", Once), ("a", Always), ("", Reject), ("r", Reject), ("yes", Reject), ("oo", Reject)] {
            assert_eq!(read(line, &certificate(false), None), Typed::Answer(answer), "{line}");
            assert_eq!(read(line, &certificate(true), None), Typed::Answer(Reject), "{line}: not enough where it is dangerous");
        }
        let forgetful = TrustQuestion { can_remember: false, ..certificate(false) };
        assert_eq!(read("a", &forgetful, None), Typed::Answer(Reject));
        assert!(!choices(&forgetful, None).contains("lways"));
    }

    #[test]
    fn a_pasted_fingerprint_is_compared_and_a_mismatch_is_dangerous() {
        let question = certificate(false);
        let print = question.evidence.identity.fingerprint();
        let Typed::Compared(compared) = read(&format!("sha256 Fingerprint={}", print.colons()), &question, None) else { panic!() };
        assert!(compared.is_proof());
        assert_eq!(read("o", &question, Some(compared)), Typed::Answer(TrustAnswer::Once));
        let Typed::Compared(compared) = read(&Fingerprint::of(b"other").openssh(), &question, None) else { panic!() };
        assert_eq!(read("a", &question, Some(compared)), Typed::Answer(TrustAnswer::Reject));
        assert!(choices(&question, Some(compared)).contains("last 8"));
        let hex = print.hex();
        assert_eq!(read(&hex[56..].to_uppercase(), &question, Some(compared)), Typed::Answer(TrustAnswer::Once));
        assert_eq!(read("no fingerprint at all", &question, None), Typed::Compared(Compared::NotAFingerprint));
    }

    #[test]
    fn the_characters_to_type_are_those_that_are_shown() {
        for dangerous in [certificate(true), question(PeerIdentity::HostKey(HostKey::plain("ssh-ed25519", &b"key"[..])), true)] {
            let shown = dangerous.evidence.identity.shown_fingerprint().replace(':', "");
            assert!(described(&dangerous).contains(&dangerous.evidence.identity.shown_fingerprint()));
            assert_eq!(read(&shown[shown.len() - 8..], &dangerous, None), Typed::Answer(TrustAnswer::Once));
        }
    }

    #[test]
    fn everything_a_decision_needs_is_said() {
        let text = described(&certificate(false));
        for words in ["Nobody this machine trusts", "It vouches for itself.", "Honest:", "Attack:", "Issued by    itself", "26:24:0A:71"] {
            assert!(text.contains(words), "{words}\n{text}");
        }
    }
}
