//! What each problem means for a person: in plain words, with what an honest administrator could have done and what an
//! attacker could. Says; judges nothing.

use super::evidence::{Evidence, PeerIdentity, Problem, ProblemKind, Remembered};
use crate::model::Endpoint;

/// What a problem means. Whole sentences without jargon, each a line of a small screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// What it means for the person.
    pub meaning: &'static str,
    /// How it comes about without any bad intent.
    pub honest: &'static str,
    /// What somebody with a bad one gets out of it.
    pub attacker: &'static str,
}

impl ProblemKind {
    /// What a problem of this kind means. Of host keys, *revoked* and *changed* mean the same as of certificates.
    pub fn words(self) -> Words {
        let (meaning, honest, attacker) = match self {
            Self::UnknownIssuer => (
                "Nobody whom this machine trusts says whose certificate this is.",
                "The company signs its own, or the server sends half a chain.",
                "Anybody can invent an authority and sign any name with it.",
            ),
            Self::SelfSigned => (
                "The certificate vouches for itself, as a home-made passport does.",
                "Many servers make their own certificate when they are set up.",
                "Anybody can make one like it; only the fingerprint differs.",
            ),
            Self::Expired => (
                "Its time is over. Whoever issued it no longer stands by it.",
                "The administrator forgot to renew it, or a clock is wrong.",
                "An old key that was stolen or thrown away comes back to use.",
            ),
            Self::NotYetValid => (
                "Its time has not begun yet.",
                "It was put in place too early, or a clock is wrong.",
                "An attacker gains little by this alone.",
            ),
            Self::NameMismatch => (
                "The certificate belongs to another name than the one you connect to.",
                "One certificate serves several names, and yours was forgotten.",
                "Somebody shows you a genuine certificate of their own server.",
            ),
            Self::NameFromCnOnly => (
                "Your server's name stands only where programs stopped looking years ago.",
                "It was made with old tools or by old instructions.",
                "An attacker gains little by this alone.",
            ),
            Self::WrongUsage => (
                "It was issued for another purpose than to prove who a server is.",
                "A certificate for users or for signing was put on a server.",
                "Somebody passes off what they were given for something else.",
            ),
            Self::CaAsEndEntity => (
                "It may sign other certificates, which a server's own should not.",
                "The tool it was made with marks every certificate so.",
                "Who steals it can sign certificates for other servers, too.",
            ),
            Self::OldVersion => (
                "Its format is older than the one that can say what a certificate is for.",
                "A very old tool or the shortest instructions made it.",
                "Such a certificate limits nothing, so a stolen one does more.",
            ),
            Self::WeakSignature => (
                "It was signed in a way that can be forged today.",
                "The certificate or its authority is from years ago.",
                "With enough computers somebody makes another one that fits it.",
            ),
            Self::WeakKey => (
                "Its key is so short or old that it can be broken.",
                "The key or the device is from years ago.",
                "Somebody can work out the private key and pass for the server.",
            ),
            Self::UnknownCriticalExtension => (
                "It sets a condition that must not be passed over, and this program does not know it.",
                "It was made for a special system.",
                "It may be used outside of what it was issued for.",
            ),
            Self::Revoked => (
                "It was taken back: whoever issued it says not to trust it any more.",
                "It was replaced, and the server still has the old one.",
                "A stolen key is in use: that is what taking back is for.",
            ),
            Self::BadChainSignature => (
                "It names an issuer that did not sign it: it is damaged or forged.",
                "Certificates that do not belong together were put together.",
                "Somebody borrows the name of a real authority.",
            ),
            Self::ChangedSincePinned => (
                "It is not the identity that was trusted here before.",
                "The server was renewed or moved.",
                "Somebody in between shows an identity of their own.",
            ),
            Self::Unconfirmed => (
                "What was decided about it here before is not confirmed by your keyring.",
                "The keyring is new, or the file came from another machine.",
                "Who can write your files could have put it into the ledger.",
            ),
            Self::UnknownHostKey => (
                "Nothing on this machine says yet which key is this server's.",
                "This is how every first connection looks.",
                "It looks the same when somebody stands in between.",
            ),
            Self::Other => (
                "Something else is wrong with it, in the words shown.",
                "The administrator may not know of it: show them these words.",
                "Somebody could hide behind what cannot be read or checked.",
            ),
        };
        Words { meaning, honest, attacker }
    }
}

impl Evidence {
    /// Why this can only be rejected, and what helps; `None` if a person may decide.
    pub fn why_unusable(&self) -> Option<String> {
        let is_host_key = matches!(self.identity, PeerIdentity::HostKey(_));
        Some(match (is_host_key, self.unusable) {
            (_, false) => return None,
            (false, _) => "No connection can be made with it, whatever you answer: the server needs another one.".to_owned(),
            (true, _) if self.has(ProblemKind::Revoked) => {
                "A line of known_hosts forbids this key: the server needs another one.".to_owned()
            }
            (true, _) if self.has(ProblemKind::ChangedSincePinned) => {
                format!(
                    "It cannot be trusted from here. What removes the old line: {}",
                    forget_host_key(&self.endpoint, self.remembered.as_ref())
                )
            }
            (true, _) => "Nobody can tell before that file can be read: mend it first.".to_owned(),
        })
    }

    /// Every problem in the order a person reads them, with its words where they say something new. Left out is what the
    /// words of [`Evidence::remembered`]'s change say.
    pub fn explained(&self) -> Vec<(&Problem, Option<Words>)> {
        use ProblemKind as Kind;
        let is_change =
            |problem: &&Problem| self.remembered.is_some() && matches!(problem.kind, Kind::ChangedSincePinned | Kind::UnknownHostKey);
        // What makes it useless comes first; who vouches for itself is unknown for no other reason.
        let decides = |problem: &Problem| self.unusable && matches!(problem.kind, Kind::WeakKey | Kind::Other);
        let follows = |problem: &Problem| problem.kind == Kind::UnknownIssuer && self.has(Kind::SelfSigned);
        let mut problems: Vec<&Problem> = self.problems.iter().filter(|problem| !is_change(problem)).collect();
        problems.sort_by_key(|problem| (!decides(problem), follows(problem)));
        problems.into_iter().map(|problem| (problem, (!follows(problem)).then(|| problem.kind.words()))).collect()
    }

    /// The one sentence to begin with: how things stand, all taken together.
    pub fn headline(&self) -> &'static str {
        use ProblemKind as Kind;
        let is_host_key = matches!(self.identity, PeerIdentity::HostKey(_));
        let of_own = |kind| self.problems.iter().any(|problem| problem.kind == kind && problem.at == 0);
        // What is wrong belongs to no section of the certificate, so no field can be marked.
        let no_section = self.problems.iter().all(|problem| matches!(problem.kind, Kind::Other | Kind::UnknownCriticalExtension));
        match &self.remembered {
            _ if self.has(Kind::Revoked) => "Its identity was taken back. Do not connect.",
            Some(before) => before.change.words().title,
            _ if self.has(Kind::BadChainSignature) => "Forged or damaged: the issuer it names did not sign it.",
            _ if self.unusable && is_host_key => "It cannot be told whether this is the right key.",
            _ if self.unusable && no_section => "Invalid certificate: nobody can trust it, even if they want to.",
            _ if self.unusable => "Nobody can trust this certificate, even if they want to.",
            _ if is_host_key => "A key that is new here. Is it really this host's?",
            None if self.problems.is_empty() => "An authority this machine trusts vouches for it.",
            _ if of_own(Kind::SelfSigned) || self.has(Kind::UnknownIssuer) => "Nobody this machine trusts says who this is.",
            _ if of_own(Kind::NameMismatch) => "A genuine certificate, but of ANOTHER server.",
            _ if no_section => "Invalid certificate.",
            _ => "A known authority vouches for it, but it has a fault.",
        }
    }
}

/// The command that takes every key of a host out of the file of known_hosts that remembers one for it.
pub fn forget_host_key(endpoint: &Endpoint, remembered: Option<&Remembered>) -> String {
    let name = if endpoint.port == 22 { endpoint.host.clone() } else { format!("[{}]:{}", endpoint.host, endpoint.port) };
    // ssh-keygen looks into the person's first file if none is named.
    let file = remembered.and_then(|before| before.place.rsplit_once(" line "));
    let file = file.map(|(file, _)| format!(" -f '{file}'")).unwrap_or_default();
    format!("ssh-keygen -R '{name}'{file}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_words() {
        let mut meanings = std::collections::HashSet::new();
        for kind in ProblemKind::ALL {
            let Words { meaning, honest, attacker } = kind.words();
            assert!(meaning.ends_with('.') && meaning.starts_with(char::is_uppercase), "{kind:?}");
            assert!(meanings.insert(meaning), "{kind:?} has words of its own");
            for words in [honest, attacker] {
                assert!((20..=66).contains(&words.len()) && words.ends_with('.'), "{kind:?}: {words}");
            }
            for jargon in ["X.509", "SAN", "CN", "EKU", "CRL", "OCSP", "CA ", "hash", "SHA", "critical"] {
                assert!(![meaning, honest, attacker].iter().any(|words| words.contains(jargon)), "{kind:?}: {jargon}");
            }
        }
    }
    #[test]
    fn problems_are_told_in_the_order_they_matter_and_once() {
        use ProblemKind as Kind;
        let identity = PeerIdentity::Certificates(Vec::new());
        let problem = |kind| Problem { kind, at: 0, text: String::new() };
        let evidence = |kinds: &[Kind], unusable| Evidence {
            problems: kinds.iter().copied().map(problem).collect(),
            unusable,
            ..Evidence::new(Endpoint::new("h", 21), identity.clone())
        };
        let told = |evidence: &Evidence| evidence.explained().iter().map(|(one, words)| (one.kind, words.is_some())).collect::<Vec<_>>();
        let own = evidence(&[Kind::UnknownIssuer, Kind::SelfSigned], false);
        assert_eq!(told(&own), [(Kind::SelfSigned, true), (Kind::UnknownIssuer, false)]);
        let weak = evidence(&[Kind::UnknownIssuer, Kind::WeakKey], true);
        assert_eq!(told(&weak), [(Kind::WeakKey, true), (Kind::UnknownIssuer, true)]);
        assert!(weak.why_unusable().is_some() && own.why_unusable().is_none());
        assert_eq!(forget_host_key(&Endpoint::new("h", 2222), None), "ssh-keygen -R '[h]:2222'");
    }

    #[test]
    fn the_headline_names_the_worst() {
        use ProblemKind as Kind;
        let identity = PeerIdentity::Certificates(Vec::new());
        for (kinds, word) in [
            (&[Kind::Expired, Kind::Revoked][..], "taken back"),
            (&[Kind::Expired, Kind::BadChainSignature], "Forged"),
            (&[Kind::NameMismatch, Kind::SelfSigned, Kind::UnknownIssuer], "Nobody"),
            (&[Kind::NameMismatch, Kind::Expired], "ANOTHER server"),
            (&[Kind::Expired], "a fault"),
            (&[Kind::Other], "Invalid certificate"),
            (&[Kind::UnknownCriticalExtension], "Invalid certificate"),
            (&[Kind::Expired, Kind::Other], "a fault"),
        ] {
            let problems = kinds.iter().map(|&kind| Problem { kind, at: 0, text: String::new() }).collect();
            let evidence = Evidence { problems, ..Evidence::new(Endpoint::new("h", 21), identity.clone()) };
            assert!(evidence.headline().contains(word), "{kinds:?}: {}", evidence.headline());
        }
    }
}
