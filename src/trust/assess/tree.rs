//! The way up as a person sees it: each certificate, where it came from, how its signature stands.

use super::Link;
use super::walk::{Walk, above, is_self_signed};
use crate::trust::anchors::Anchor;
use crate::trust::certificate;
use crate::trust::chain::{ChainLink, LinkSignature, Origin};
use crate::trust::evidence::Certificate;
use crate::trust::fingerprint::Fingerprint;

/// The links of `walk`, and what is above them: a root, one that leads no further, or nobody.
pub(super) fn of(walk: &Walk<'_>, links: &[Link<'_>]) -> Vec<ChainLink> {
    let mut tree: Vec<_> = walk.path.iter().map(|&at| sent(&links[at], LinkSignature::Valid)).collect();
    let last = &links[walk.last()];
    let (signature, above) = match (walk.anchor, above(last, links)) {
        (Some(anchor), _) if *anchor.spki == *last.x509.tbs_certificate.subject_pki.raw => (LinkSignature::Root, None),
        (Some(anchor), _) => (LinkSignature::Valid, Some(root(anchor))),
        _ if is_self_signed(last) => (LinkSignature::SelfSigned, None),
        (None, Some((other, signature))) => {
            let own = if is_self_signed(other) { LinkSignature::SelfSigned } else { LinkSignature::Unchecked };
            (signature, Some(sent(other, own)))
        }
        (None, None) => (LinkSignature::Unchecked, Some(missing(certificate::short_name(last.x509.issuer())))),
    };
    if let Some(last) = tree.last_mut() {
        last.signature = signature;
    }
    tree.extend(above);
    tree
}

fn sent(link: &Link<'_>, signature: LinkSignature) -> ChainLink {
    ChainLink {
        origin: Origin::Sent { at: link.at },
        name: certificate::short_name(link.x509.subject()),
        certificate: Some(Certificate { der: link.der.into() }),
        spki: Some(Fingerprint::of(link.x509.tbs_certificate.subject_pki.raw)),
        signature,
    }
}

fn root(anchor: &Anchor) -> ChainLink {
    ChainLink {
        origin: Origin::Store,
        name: certificate::parse(&anchor.certificate.der).map(|x509| certificate::short_name(x509.subject())).unwrap_or_default(),
        certificate: Some(anchor.certificate.clone()),
        spki: Some(Fingerprint::of(&anchor.spki)),
        signature: LinkSignature::Root,
    }
}

fn missing(name: String) -> ChainLink {
    ChainLink { origin: Origin::Missing, name, certificate: None, spki: None, signature: LinkSignature::Unchecked }
}
