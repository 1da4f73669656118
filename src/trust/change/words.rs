//! What each kind of change means for a person, and what to do about it.

use super::Change;

/// A change in words: whole sentences, each a line of a small screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeWords {
    /// What happened, in one line.
    pub title: &'static str,
    /// What usually causes it.
    pub honest: &'static str,
    /// What an attack would look like.
    pub attacker: &'static str,
    /// What to do now.
    pub advice: &'static str,
}

impl Change {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::RenewedSameKey,
        Self::NewKeySameAuthority,
        Self::AuthorityChanged,
        Self::AuthorityLost,
        Self::SelfSignedReplaced,
        Self::Unclassified,
        Self::HostKeyReplaced,
        Self::HostKeyTypeAdded,
    ];

    /// What this kind of change means.
    pub fn words(self) -> ChangeWords {
        let (title, honest, attacker, advice) = match self {
            Self::RenewedSameKey => (
                "The certificate is new, its key is the one you trusted.",
                "It was renewed: this happens every few months or years.",
                "Only who has the server's own private key can show this.",
                "If dates and names look right below, this is a renewal.",
            ),
            Self::NewKeySameAuthority => (
                "ANOTHER key, signed by the same authority as before.",
                "It was renewed with a new key; most servers do so each time.",
                "Somebody deceived the authority, or runs a server of that name.",
                "Expect it near the end of the old one; otherwise ask its owner.",
            ),
            Self::AuthorityChanged => (
                "ANOTHER key, signed by ANOTHER authority than before.",
                "The server, or a large authority, moved to another signing key.",
                "A proxy that reads along looks just so, also within a company.",
                "Ask its administrator whether it moved; compare the fingerprint.",
            ),
            Self::AuthorityLost => (
                "An authority vouched for the old one. NOBODY vouches for this one.",
                "Set up anew, it still shows its first, home-made certificate.",
                "Somebody in between can show this at once, with any name.",
                "Do not connect before its administrator names this fingerprint.",
            ),
            Self::SelfSignedReplaced => (
                "ANOTHER certificate in place of the home-made one.",
                "The old one ended, or one from an authority took its place.",
                "Nobody vouched for the old one: anybody can make one like it.",
                "Ask its administrator for the new fingerprint, and compare it.",
            ),
            Self::Unclassified => (
                "ANOTHER certificate than the one you trusted.",
                "It was renewed, or the server was set up anew.",
                "Somebody in between shows a certificate of their own.",
                "Ask its administrator for the new fingerprint, and compare it.",
            ),
            Self::HostKeyReplaced => (
                "ANOTHER host key than the known one.",
                "The server was installed anew, or its name went to another one.",
                "Somebody in between shows a key of their own.",
                "Only if its administrator names this key, remove the old line.",
            ),
            Self::HostKeyTypeAdded => (
                "A host key of a type that was not known; the known one was not shown.",
                "It got a key of a newer type, and the old type is switched off.",
                "Who does not have the known key can only show another type.",
                "Ask its administrator for this key's fingerprint; compare it.",
            ),
        };
        ChangeWords { title, honest, attacker, advice }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_words() {
        for (at, change) in Change::ALL.into_iter().enumerate() {
            let ChangeWords { title, honest, attacker, advice } = change.words();
            for words in [title, honest, attacker, advice] {
                assert!(words.ends_with('.') && (20..=72).contains(&words.len()), "{change:?}: {words}");
            }
            assert!(Change::ALL[at + 1..].iter().all(|other| other.words().title != title), "{change:?}");
        }
    }
}
