//! The verdict over evidence: trusted, to be asked, or refused. Pure.

use super::evidence::{Evidence, ProblemKind};
use super::pins::{Pin, Remember};

/// What to do with a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The platform's verifier or known_hosts accepts it, and nothing contradicts.
    Trusted,
    /// A person trusted exactly this identity with all its problems.
    Pinned,
    /// A person has to decide.
    Ask {
        /// Enter, or one letter, must not be enough: the last characters of the fingerprint are typed.
        dangerous: bool,
    },
    /// Nobody can trust it: it is unusable, or the key changed where only removing the old one by hand may help (SSH).
    Refuse,
}

/// Judges `evidence` against the pin of its endpoint.
///
/// A pin answers only for exactly its certificate, only while every problem is among the accepted ones, and not where the
/// keyring does not confirm it. A certificate other than the pinned one is always asked about, also when the platform would accept it.
pub fn judge(evidence: &Evidence, pin: Option<&Pin>) -> Verdict {
    if evidence.unusable {
        return Verdict::Refuse;
    }
    match pin {
        Some(pin) if pin.certificate == evidence.identity.fingerprint() => {
            if pin.remember != Remember::Unconfirmed && evidence.problems.iter().all(|problem| pin.accepted.contains(&problem.kind)) {
                Verdict::Pinned
            } else {
                Verdict::Ask { dangerous: is_dangerous(evidence) }
            }
        }
        Some(_) => Verdict::Ask { dangerous: true },
        None if evidence.problems.is_empty() => Verdict::Trusted,
        None => Verdict::Ask { dangerous: is_dangerous(evidence) },
    }
}

/// Red cases: what an honest administrator rarely causes and an attacker does.
fn is_dangerous(evidence: &Evidence) -> bool {
    use ProblemKind::{BadChainSignature, ChangedSincePinned, NameMismatch, Revoked, SelfSigned, UnknownHostKey, UnknownIssuer};
    // Another type of host key is known: who cannot show that one may be somebody else.
    let another_type = evidence.has(UnknownHostKey) && evidence.remembered.is_some();
    another_type
        || evidence.has(ChangedSincePinned)
        || evidence.has(Revoked)
        || evidence.has(BadChainSignature)
        || (evidence.has(NameMismatch) && !evidence.has(UnknownIssuer) && !evidence.has(SelfSigned))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::Endpoint;
    use crate::trust::assess::Assessment;
    use crate::trust::{Certificate, Fingerprint, PeerIdentity, Problem, Revocation, Verified};

    fn evidence(der: &[u8], problems: &[ProblemKind]) -> Evidence {
        let identity = PeerIdentity::Certificates(vec![Certificate { der: der.into() }]);
        let problems = problems.iter().map(|&kind| Problem { kind, at: 0, text: String::new() }).collect();
        Evidence { problems, ..Evidence::new(Endpoint::new("h", 21), identity) }
    }

    #[test]
    fn every_state_of_pin_and_problem() {
        use ProblemKind::{Expired, NameMismatch, SelfSigned, UnknownIssuer};
        let pin = |of: &Evidence| Pin::of(of, Remember::Always, Verified::Blind, Timestamp::UNIX_EPOCH);
        let good = evidence(b"a", &[]);
        let own = evidence(b"b", &[SelfSigned, UnknownIssuer]);
        assert_eq!(judge(&good, None), Verdict::Trusted);
        assert_eq!(judge(&own, None), Verdict::Ask { dangerous: false });
        assert_eq!(judge(&own, Some(&pin(&own))), Verdict::Pinned);
        assert_eq!(judge(&evidence(b"b", &[SelfSigned, UnknownIssuer, Expired]), Some(&pin(&own))), Verdict::Ask { dangerous: false });
        assert_eq!(judge(&evidence(b"b", &[SelfSigned]), Some(&pin(&own))), Verdict::Pinned);
        assert_eq!(judge(&good, Some(&pin(&own))), Verdict::Ask { dangerous: true }, "valid, but not the one that was trusted");
        assert_eq!(judge(&evidence(b"c", &[NameMismatch]), None), Verdict::Ask { dangerous: true }, "a stranger with a valid certificate");
        for (problems, dangerous) in [
            (&[Expired][..], false),
            (&[NameMismatch, SelfSigned, UnknownIssuer], false),
            (&[NameMismatch, UnknownIssuer], false),
            (&[NameMismatch, Expired], true),
            (&[ProblemKind::Revoked], true),
            (&[ProblemKind::Revoked, SelfSigned, UnknownIssuer], true),
            (&[ProblemKind::BadChainSignature, UnknownIssuer], true),
            (&[ProblemKind::ChangedSincePinned], true),
        ] {
            let evidence = evidence(b"d", problems);
            assert_eq!(judge(&evidence, None), Verdict::Ask { dangerous }, "{problems:?}");
            // Trusted with everything but the first of them: that one is new.
            let mut pin = pin(&evidence);
            pin.accepted.remove(&problems[0]);
            assert_eq!(judge(&evidence, Some(&pin)), Verdict::Ask { dangerous }, "{problems:?}");
        }
        let unconfirmed = Pin { remember: Remember::Unconfirmed, accepted: ProblemKind::ALL.into(), ..pin(&own) };
        assert_eq!(judge(&own, Some(&unconfirmed)), Verdict::Ask { dangerous: false }, "whatever the file says was accepted");
        assert_eq!(judge(&good, Some(&unconfirmed)), Verdict::Ask { dangerous: true });
        assert_eq!(judge(&Evidence { unusable: true, ..good }, None), Verdict::Refuse);
    }

    #[test]
    fn what_the_keyring_does_not_confirm_is_told_and_never_accepted() {
        let shown = vec![Certificate { der: b"a".as_slice().into() }];
        let assess = |pin: &Pin| {
            let nothing =
                Assessment { problems: Vec::new(), spki: None, unusable: false, chain: Vec::new(), revocation: Revocation::NotChecked };
            Evidence::of_certificates(Endpoint::new("h", 21), shown.clone(), nothing, Some(pin))
        };
        let kept = Pin::of(&evidence(b"a", &[]), Remember::Always, Verified::Blind, Timestamp::UNIX_EPOCH);
        assert_eq!(judge(&assess(&kept), Some(&kept)), Verdict::Pinned);
        let kept = Pin { remember: Remember::Unconfirmed, ..kept };
        let asked = assess(&kept);
        assert!(asked.has(ProblemKind::Unconfirmed) && asked.remembered.is_none(), "{asked:?}");
        assert_eq!(judge(&asked, Some(&kept)), Verdict::Ask { dangerous: false }, "valid, and asked about all the same");
        assert!(Pin::of(&asked, Remember::Always, Verified::Blind, Timestamp::UNIX_EPOCH).accepted.is_empty());
        let other = Pin { certificate: Fingerprint::of(b"other"), ..kept };
        assert!(assess(&other).remembered.is_some_and(|before| before.fingerprint == other.certificate));
    }
}
