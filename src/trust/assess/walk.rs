//! The way from the leaf up to a root, by issuer name *and* signature. Bounded: nobody else limits what a server sends.

use x509_parser::x509::X509Version;

use super::Link;
use crate::trust::anchors::{Anchor, Anchors};
use crate::trust::chain::LinkSignature;
use crate::trust::signature::PublicKey;

/// How many issuers above the leaf are followed.
const DEEPEST: usize = 8;

/// What the way up looked like. All numbers are places in the list of links.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Walk<'a> {
    /// The root of this machine it ended at.
    pub anchor: Option<&'a Anchor>,
    /// The certificates on it, the leaf first; where there is no root, the longest way there is.
    pub path: Vec<usize>,
    /// Those whose issuer is there by name but did not sign them.
    pub forged: Vec<usize>,
}

impl Walk<'_> {
    /// Where it ended.
    pub(super) fn last(&self) -> usize {
        self.path.last().copied().unwrap_or_default()
    }
}

/// A link that was reached.
struct Step {
    at: usize,
    /// The step it vouches for.
    from: Option<usize>,
    depth: usize,
    faults: usize,
    followed: bool,
}

/// Follows the issuers of the first link, the way with the fewest `faults` first, then the shortest: of cross-signed
/// ways the best one counts. Each certificate is visited once, so that many of the same name cost no more than the
/// square of their number.
pub(super) fn up<'a>(links: &[Link<'_>], anchors: &'a Anchors, faults: impl Fn(&Link<'_>) -> usize) -> Walk<'a> {
    let mut steps = vec![Step { at: 0, from: None, depth: 0, faults: 0, followed: false }];
    let mut forged = Vec::new();
    while let Some(next) =
        (0..steps.len()).filter(|&step| !steps[step].followed).min_by_key(|&step| (steps[step].faults, steps[step].depth))
    {
        steps[next].followed = true;
        let Step { at, depth, faults: so_far, .. } = steps[next];
        let link = &links[at];
        if let Some(anchor) = anchors.named(link.x509.issuer().as_raw()).find(|anchor| vouches(&anchor.spki, link)) {
            return Walk { anchor: Some(anchor), path: path_to(next, &steps), forged: Vec::new() };
        }
        let mut named = false;
        let mut signed = is_self_signed(link);
        for (issuer, candidate) in links.iter().enumerate() {
            if issuer == at || candidate.x509.subject().as_raw() != link.x509.issuer().as_raw() {
                continue;
            }
            named = true;
            if !vouches(candidate.x509.tbs_certificate.subject_pki.raw, link) {
                continue;
            }
            signed = true;
            let may_sign = candidate.x509.is_ca() || candidate.x509.version() != X509Version::V3;
            if may_sign && depth < DEEPEST && steps.iter().all(|step| step.at != issuer) {
                let faults = so_far + faults(candidate);
                steps.push(Step { at: issuer, from: Some(next), depth: depth + 1, faults, followed: false });
            }
        }
        if named && !signed && link.signed.is_checkable() {
            forged.push(at);
        }
    }
    let end = (0..steps.len()).max_by_key(|&step| (steps[step].depth, usize::MAX - steps[step].faults)).unwrap_or_default();
    Walk { anchor: None, path: path_to(end, &steps), forged }
}

/// The certificate of the issuer's name that the way does not go on to, and how the signature of `link` stands to it.
pub(super) fn above<'l, 'a>(link: &Link<'_>, links: &'l [Link<'a>]) -> Option<(&'l Link<'a>, LinkSignature)> {
    let named = || links.iter().filter(|other| other.at != link.at && other.x509.subject().as_raw() == link.x509.issuer().as_raw());
    let signer =
        named().find(|other| vouches(other.x509.tbs_certificate.subject_pki.raw, link)).map(|signer| (signer, LinkSignature::Valid));
    let otherwise = if link.signed.is_checkable() { LinkSignature::Forged } else { LinkSignature::Unchecked };
    signer.or_else(|| Some((named().next()?, otherwise)))
}

/// Whether `link` is signed by its own key, or says so where nobody here can check it.
pub(super) fn is_self_signed(link: &Link<'_>) -> bool {
    link.x509.subject().as_raw() == link.x509.issuer().as_raw()
        && (!link.signed.is_checkable() || vouches(link.x509.tbs_certificate.subject_pki.raw, link))
}

/// Whether the key signed `link`. What cannot be checked vouches for nothing: a name alone proves nothing.
fn vouches(spki: &[u8], link: &Link<'_>) -> bool {
    PublicKey::read(spki).is_some_and(|key| link.signed.is_by(&key))
}

fn path_to(end: usize, steps: &[Step]) -> Vec<usize> {
    let mut path: Vec<_> = std::iter::successors(Some(end), |&step| steps[step].from).map(|step| steps[step].at).collect();
    path.reverse();
    path
}
