//! The way from the leaf up to a root, by issuer name *and* signature. Bounded: nobody else limits what a server sends.

use super::Link;
use crate::trust::algorithm::signature_algorithm;
use crate::trust::anchors::Anchors;
use crate::trust::signature::PublicKey;

/// How many issuers above the leaf are followed.
const DEEPEST: usize = 8;

/// What the way up looked like. All numbers are places in the list of links.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Walk {
    /// It ended at a root of this machine.
    pub anchored: bool,
    /// The certificates on it, the leaf first; where there is no root, all that were reached.
    pub path: Vec<usize>,
    /// Where it ended.
    pub last: usize,
    /// Those whose issuer is there by name but did not sign them.
    pub forged: Vec<usize>,
}

/// Follows the issuers of the first link, the shortest way first. Each certificate is visited once, so that many of
/// the same name cost no more than the square of their number.
pub(super) fn up(links: &[Link<'_>], anchors: &Anchors) -> Walk {
    // Each reached link with the one it vouches for and its distance from the leaf.
    let mut reached = vec![(0, None, 0)];
    let mut forged = Vec::new();
    let mut next = 0;
    while let Some(&(at, _, depth)) = reached.get(next) {
        let link = &links[at];
        if anchors.named(link.x509.issuer().as_raw()).any(|anchor| vouches(&anchor.spki, link)) {
            return Walk { anchored: true, path: path_to(next, &reached), last: at, forged: Vec::new() };
        }
        let mut named = at == 0 && link.x509.subject() == link.x509.issuer();
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
            let may_sign = candidate.x509.is_ca() || candidate.x509.extensions().is_empty();
            if may_sign && depth < DEEPEST && reached.iter().all(|&(known, ..)| known != issuer) {
                reached.push((issuer, Some(next), depth + 1));
            }
        }
        if named && !signed {
            forged.push(at);
        }
        next += 1;
    }
    let last = reached.iter().max_by_key(|(.., depth)| depth).map_or(0, |&(at, ..)| at);
    Walk { anchored: false, path: reached.iter().map(|&(at, ..)| at).collect(), last, forged }
}

/// Whether `link` is signed by its own key and says so.
pub(super) fn is_self_signed(link: &Link<'_>) -> bool {
    link.x509.subject().as_raw() == link.x509.issuer().as_raw() && vouches(link.x509.tbs_certificate.subject_pki.raw, link)
}

/// Whether the key signed `link`. A weak signature nobody here can check counts by name: it is reported as weak.
fn vouches(spki: &[u8], link: &Link<'_>) -> bool {
    if !link.signed.is_checkable() {
        return signature_algorithm(&link.x509.signature_algorithm).1;
    }
    PublicKey::read(spki).is_some_and(|key| link.signed.is_by(&key))
}

fn path_to(end: usize, reached: &[(usize, Option<usize>, usize)]) -> Vec<usize> {
    let mut path: Vec<_> = std::iter::successors(Some(end), |&step| reached[step].1).map(|step| reached[step].0).collect();
    path.reverse();
    path
}
