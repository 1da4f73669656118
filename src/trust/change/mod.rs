//! What it means that a peer shows another identity than the one trusted before. Sorts and compares; decides nothing.

mod differences;
mod words;

pub use differences::{Difference, differences};
pub use words::ChangeWords;

use super::certificate::CertificateFacts;
use super::chain::{ChainLink, LinkSignature};
use super::fingerprint::Fingerprint;
use super::pins::Pin;

/// The kinds of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// Another certificate over the same public key: a renewal.
    RenewedSameKey,
    /// Another key, vouched for by the same authority.
    NewKeySameAuthority,
    /// Another authority vouches for the new one.
    AuthorityChanged,
    /// An authority vouched for the old one; for the new one nobody does, or nobody who can be checked.
    AuthorityLost,
    /// The old one vouched for itself; the new one, with another key, by whomever.
    SelfSignedReplaced,
    /// Another certificate, and of the old one too little was kept to say more.
    Unclassified,
    /// SSH: another key of the same type.
    HostKeyReplaced,
    /// SSH: a key of a type that was not known for this host, beside those that are.
    HostKeyTypeAdded,
}

impl Change {
    /// Sorts a certificate (its key and the chain above it) that came in place of the pinned one.
    ///
    /// Only signatures that were checked count: a name of an authority can be borrowed.
    pub fn of_certificates(pin: &Pin, spki: Option<Fingerprint>, chain: &[ChainLink]) -> Self {
        if spki.is_some() && pin.spki == spki {
            return Self::RenewedSameKey;
        }
        let Some(before) = pin.issuer else {
            // Who signed it was not checked. That it named itself is reason enough to expect no better.
            let named_itself = || CertificateFacts::read(&pin.leaf.as_ref()?.der).ok().map(|facts| facts.self_issued);
            return if named_itself() == Some(true) { Self::SelfSignedReplaced } else { Self::Unclassified };
        };
        if pin.spki == Some(before) {
            return Self::SelfSignedReplaced;
        }
        let mut signers = signers(chain).peekable();
        if signers.peek().is_none() {
            Self::AuthorityLost
        } else if signers.any(|signer| signer == before) {
            Self::NewKeySameAuthority
        } else {
            Self::AuthorityChanged
        }
    }
}

/// The keys above the leaf, each of which really signed what is below it.
fn signers(chain: &[ChainLink]) -> impl Iterator<Item = Fingerprint> {
    chain
        .iter()
        .zip(chain.iter().skip(1))
        .take_while(|(link, _)| link.signature == LinkSignature::Valid)
        .map_while(|(_, signer)| signer.spki)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;

    use super::*;
    use crate::trust::{Certificate, Origin, Remember, Verified};

    fn print(name: &str) -> Fingerprint {
        Fingerprint::of(name.as_bytes())
    }

    fn pin(key: &str, issuer: Option<&str>, leaf: Option<&[u8]>) -> Pin {
        Pin {
            certificate: print("old certificate"),
            spki: Some(print(key)),
            accepted: BTreeSet::new(),
            since: Timestamp::UNIX_EPOCH,
            remember: Remember::Always,
            verified: Verified::Blind,
            last_seen: None,
            leaf: leaf.map(|der| Certificate { der: der.into() }),
            issuer: issuer.map(print),
        }
    }

    /// Keys from the leaf up, and how the leaf's signature stands.
    fn chain(keys: &[&str], signature: LinkSignature) -> Vec<ChainLink> {
        let link = |(at, key): (usize, &&str)| ChainLink {
            origin: Origin::Sent { at },
            name: (*key).to_owned(),
            certificate: None,
            spki: Some(print(key)),
            signature: if at == 0 { signature } else { LinkSignature::Valid },
        };
        keys.iter().enumerate().map(link).collect()
    }

    #[test]
    fn every_class_is_told_apart() {
        use LinkSignature::{Forged, SelfSigned, Unchecked, Valid};
        let own: &[u8] = include_bytes!("../../../tests/fixtures/certificates/self-signed-expired.der");
        for (pin, key, chain, class) in [
            (pin("k", Some("ca"), None), "k", chain(&["k", "ca"], Valid), Change::RenewedSameKey),
            (pin("k", Some("ca"), None), "k", chain(&["k", "other"], Valid), Change::RenewedSameKey),
            (pin("k", Some("ca"), None), "n", chain(&["n", "ca"], Valid), Change::NewKeySameAuthority),
            (pin("k", Some("root"), None), "n", chain(&["n", "ca", "root"], Valid), Change::NewKeySameAuthority),
            (pin("k", Some("ca"), None), "n", chain(&["n", "other", "root"], Valid), Change::AuthorityChanged),
            (pin("k", Some("ca"), None), "n", chain(&["n", "ca"], Forged), Change::AuthorityLost),
            (pin("k", Some("ca"), None), "n", chain(&["n", "ca"], Unchecked), Change::AuthorityLost),
            (pin("k", Some("ca"), None), "n", chain(&["n"], SelfSigned), Change::AuthorityLost),
            (pin("k", Some("k"), None), "n", chain(&["n"], SelfSigned), Change::SelfSignedReplaced),
            (pin("k", Some("k"), None), "n", chain(&["n", "ca"], Valid), Change::SelfSignedReplaced),
            (pin("k", None, Some(own)), "n", chain(&["n", "ca"], Valid), Change::SelfSignedReplaced),
            (pin("k", None, Some(b"damaged")), "n", chain(&["n", "ca"], Valid), Change::Unclassified),
            (pin("k", None, None), "n", Vec::new(), Change::Unclassified),
        ] {
            assert_eq!(Change::of_certificates(&pin, Some(print(key)), &chain), class, "{pin:?} {chain:?}");
        }
        assert_eq!(
            Change::of_certificates(&Pin { spki: None, ..pin("k", None, None) }, None, &[]),
            Change::Unclassified,
            "two keys nobody can read are not one key"
        );
    }
}
