//! What each kind of change means for a person, and what to do about it.

use super::Change;

/// A change in words: a title and three whole sentences.
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
                "The certificate was renewed; this happens every few months or years.",
                "Only who has the server's own private key could show this.",
                "If the dates and names below look right, this is a renewal.",
            ),
            Self::NewKeySameAuthority => (
                "ANOTHER key, signed by the same authority as before.",
                "The certificate was renewed with a new key; most servers do so each time.",
                "Somebody would have to deceive the authority, or run another server with the same name.",
                "Expect this near the end of the old one's time. Otherwise ask the administrator.",
            ),
            Self::AuthorityChanged => (
                "ANOTHER key, signed by ANOTHER authority than before.",
                "The server moved to another authority, or a large one signs with another of its keys.",
                "This is what a proxy that reads along looks like, also within a company.",
                "Ask the administrator whether the authority changed, and compare the fingerprint.",
            ),
            Self::AuthorityLost => (
                "An authority vouched for the old one. NOBODY vouches for this one.",
                "The server was set up anew and still shows its first, home-made certificate.",
                "This is what somebody who stands between you and the server can show at once.",
                "Do not connect before the administrator has named this fingerprint.",
            ),
            Self::SelfSignedReplaced => (
                "ANOTHER certificate in place of the home-made one.",
                "The home-made one ended, the server was set up anew, or it got one from an authority.",
                "Nobody vouched for the old one, so anybody in between could show a new one like it.",
                "Ask the administrator for the new fingerprint, and compare it.",
            ),
            Self::Unclassified => (
                "ANOTHER certificate than the one you trusted.",
                "The certificate was renewed or the server was set up anew.",
                "Somebody who stands between you and the server shows a certificate of their own.",
                "Ask the administrator for the new fingerprint, and compare it.",
            ),
            Self::HostKeyReplaced => (
                "ANOTHER host key than the known one.",
                "The server was installed anew or moved, or its name or address passed to another one.",
                "Somebody who stands between you and the server shows a key of their own.",
                "Ask the administrator for the new fingerprint. If it is this one, remove the old line yourself.",
            ),
            Self::HostKeyTypeAdded => (
                "A host key of a type that was not known; the known one was not shown.",
                "The server got a key of a newer type, and the old type was switched off.",
                "Who does not have the known key can only show one of another type.",
                "Ask the administrator for the fingerprint of this key, and compare it.",
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
            assert!(title.len() <= 72, "{change:?}: one line of a small screen");
            for words in [title, honest, attacker, advice] {
                assert!(words.ends_with('.') && words.len() > 20, "{change:?}: {words}");
            }
            assert!(Change::ALL[at + 1..].iter().all(|other| other.words().title != title), "{change:?}");
        }
    }
}
