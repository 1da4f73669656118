//! What each problem means for a person: in plain words, with what an honest administrator could have done and what an
//! attacker could. Says; judges nothing.

use super::evidence::{Evidence, PeerIdentity, ProblemKind};

/// What a problem means. Whole sentences without jargon.
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
                "the company signs with an authority of its own, or the server sends only part of its chain",
                "can sign a certificate with any name under an invented authority",
            ),
            Self::SelfSigned => (
                "The certificate vouches for itself, as a home-made passport does.",
                "made it without an authority, as many servers do when they are set up",
                "can make one just like it, with any name; only the fingerprint differs",
            ),
            Self::Expired => (
                "Its time is over. Whoever issued it no longer stands by it.",
                "forgot to renew it, or this machine's clock is wrong",
                "may use an old key that was stolen or thrown away",
            ),
            Self::NotYetValid => (
                "Its time has not begun yet.",
                "put a new one in place too early, or a clock here or there is wrong",
                "gains little by it alone",
            ),
            Self::NameMismatch => (
                "The certificate belongs to another name than the one you connect to.",
                "uses one certificate for several names and forgot yours, or you took a short name or an address",
                "shows the certificate of a server of their own",
            ),
            Self::NameFromCnOnly => (
                "Your server's name stands only where programs stopped looking years ago.",
                "made it with old tools or old instructions",
                "gains little by it alone",
            ),
            Self::WrongUsage => (
                "It was issued for another purpose than to prove who a server is.",
                "took a certificate for users or for signing for the server",
                "passes off a certificate they got for something else",
            ),
            Self::CaAsEndEntity => (
                "It may sign other certificates, which a server's own should not.",
                "made it with a tool that marks every certificate so",
                "who steals it from the server can sign certificates for other servers too",
            ),
            Self::OldVersion => (
                "Its format is older than the one that can say what a certificate is for.",
                "made it with a very old tool or the shortest instructions",
                "gains room: such a certificate limits nothing",
            ),
            Self::WeakSignature => (
                "It was signed in a way that can be forged today.",
                "still uses a certificate or an authority from years ago",
                "with enough computers makes another certificate that this signature fits as well",
            ),
            Self::WeakKey => (
                "Its key is so short or old that it can be broken.",
                "still uses a key or a device from years ago",
                "can work out the private key and pass for the server",
            ),
            Self::UnknownCriticalExtension => (
                "It sets a condition that must not be passed over, and this program does not know it.",
                "uses a certificate made for a special system",
                "may use a certificate outside of what it was issued for",
            ),
            Self::Revoked => (
                "It was taken back: whoever issued it says not to trust it any more.",
                "replaced it and forgot to put the new one on the server",
                "uses a key that was stolen; that is what taking back is for",
            ),
            Self::BadChainSignature => (
                "It names an issuer that did not sign it: it is damaged or forged.",
                "put together certificates that do not belong to each other",
                "borrows the name of a real authority",
            ),
            Self::ChangedSincePinned => (
                "It is not the identity that was trusted here before.",
                "renewed or moved the server",
                "stands between you and the server and shows an identity of their own",
            ),
            Self::Unconfirmed => (
                "What was decided about it here before is not confirmed by your keyring.",
                "did nothing: the keyring was emptied or replaced, or the ledger file was copied from another machine",
                "who can write your files may have put a decision into the ledger",
            ),
            Self::UnknownHostKey => (
                "Nothing on this machine says yet which key is this server's.",
                "did nothing special: this is how a first connection looks",
                "looks exactly the same; only the fingerprint differs",
            ),
            Self::Other => (
                "Something else is wrong with it, in the words shown.",
                "may not know of it; show them these words",
                "could hide behind what cannot be read or checked",
            ),
        };
        Words { meaning, honest, attacker }
    }
}

impl Evidence {
    /// The one sentence to begin with: how things stand, all taken together.
    pub fn headline(&self) -> &'static str {
        use ProblemKind as Kind;
        let is_host_key = matches!(self.identity, PeerIdentity::HostKey(_));
        let of_own = |kind| self.problems.iter().any(|problem| problem.kind == kind && problem.at == 0);
        match &self.remembered {
            _ if self.has(Kind::Revoked) => "Its identity was taken back. Do not connect.",
            Some(before) => before.change.words().title,
            _ if self.has(Kind::BadChainSignature) => "Forged or damaged: the issuer it names did not sign it.",
            _ if self.unusable && is_host_key => "It cannot be told whether this is the right key.",
            _ if self.unusable => "Nobody can trust this certificate, even if they want to.",
            _ if is_host_key => "A key that is new here. Is it really the server's?",
            None if self.problems.is_empty() => "An authority this machine trusts vouches for it.",
            _ if of_own(Kind::SelfSigned) || self.has(Kind::UnknownIssuer) => "Nobody this machine trusts says who this is.",
            _ if of_own(Kind::NameMismatch) => "A genuine certificate, but of ANOTHER server.",
            _ if self.problems.iter().all(|problem| problem.kind == Kind::Other) => "Invalid certificate.",
            _ => "A known authority vouches for it, but it has a fault.",
        }
    }
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
                assert!(words.len() > 15 && words.starts_with(char::is_lowercase) && !words.ends_with('.'), "{kind:?}: {words}");
            }
            for jargon in ["X.509", "SAN", "CN", "EKU", "CRL", "OCSP", "CA ", "hash", "SHA", "critical"] {
                assert!(![meaning, honest, attacker].iter().any(|words| words.contains(jargon)), "{kind:?}: {jargon}");
            }
        }
    }
}
