//! A certificate whose revocation is looked up, and the one who signed it. Who that is, a signature says, never a name
//! alone.

use std::cell::{Cell, LazyCell};
use std::collections::{HashMap, HashSet};

use sha1::Sha1;
use sha2::Digest;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};

use super::RevocationPlace;
use super::answer;
use crate::trust::anchors::Anchors;
use crate::trust::certificate;
use crate::trust::der::{Reader, context_plain};
use crate::trust::evidence::Certificate;
use crate::trust::signature::{PublicKey, Signed};

/// A certificate, its place in the chain and the key that signed it.
pub(super) struct Subject<'a> {
    pub(super) at: usize,
    pub(super) x509: X509Certificate<'a>,
    /// The issuer's SubjectPublicKeyInfo.
    pub(super) issuer: PublicKey<'a>,
    /// Some certificate of its issuer does not forbid signing lists.
    pub(super) issuer_may_sign_lists: bool,
}

/// More signatures than this are not checked: whoever sends a chain decides how many would have to be.
const MOST_CHECKS: usize = 500;

/// More certificates, each with one issuer's key, are not looked up: lists may be long.
const MOST_SUBJECTS: usize = 32;

/// More addresses than this are not asked.
const MOST_PLACES: usize = 4;

/// What [`up`] found.
#[derive(Default)]
pub(super) struct Ways<'a> {
    /// The leaf's first. A certificate is there once for each key that fits its signature: there are keys made to fit one.
    pub(super) subjects: Vec<Subject<'a>>,
    /// There was more to check than is checked.
    pub(super) is_cut: bool,
}

/// The `wanted` certificates (by place and issuer's name) on every way up from the leaf whose issuer is known, each with it.
/// Of several ways none is preferred, and no issuer is believed more than its key: a server sends what it likes. `anchors`
/// is called only for a wanted one.
pub(super) fn up<'a>(chain: &'a [Certificate], anchors: impl FnOnce() -> &'a Anchors, wanted: impl Fn(usize, &[u8]) -> bool) -> Ways<'a> {
    let mut different = HashSet::new();
    let each = chain.iter().enumerate().filter(|(_, shown)| different.insert(&shown.der));
    let links: Vec<_> = each.filter_map(|(at, shown)| Some((at, link(&shown.der)?))).collect();
    let anchors = LazyCell::new(anchors);
    let mut ways = Ways::default();
    let checks = Cell::new(0);
    let mut reached: Vec<usize> = links.first().filter(|(at, _)| *at == 0).map(|_| 0).into_iter().collect();
    let mut followed = 0;
    while let Some(&here) = reached.get(followed) {
        followed += 1;
        let (at, (x509, signed)) = &links[here];
        let name = x509.issuer().as_raw();
        let signs = |spki: &'a [u8]| {
            checks.set(checks.get() + 1);
            PublicKey::read(spki).filter(|key| signed.is_by(key))
        };
        let own = x509.tbs_certificate.subject_pki.raw;
        // Who vouches for itself can also take itself back only by its own word.
        if x509.subject().as_raw() == name && signs(own).is_some() {
            continue;
        }
        let is_wanted = wanted(*at, name);
        let known = is_wanted.then(|| anchors.named(name).map(|anchor| (&*anchor.spki, true, None)));
        let sent = links.iter().enumerate().filter(|(place, (_, (other, _)))| *place != here && other.subject().as_raw() == name);
        let sent = sent.map(|(place, (_, (other, _)))| (other.tbs_certificate.subject_pki.raw, may_sign_lists(other), Some(place)));
        let mut issuers: HashMap<&[u8], Option<usize>> = HashMap::new();
        for (spki, may_sign_lists, place) in known.into_iter().flatten().chain(sent) {
            if checks.get() > MOST_CHECKS || ways.subjects.len() > MOST_SUBJECTS {
                ways.is_cut = true;
                return ways;
            }
            let first = match issuers.get(spki) {
                Some(first) => *first,
                None => {
                    let key = signs(spki);
                    let first = key.map(|_| ways.subjects.len());
                    if let Some(issuer) = key.filter(|_| is_wanted) {
                        ways.subjects.push(Subject { at: *at, x509: x509.clone(), issuer, issuer_may_sign_lists: may_sign_lists });
                    }
                    issuers.insert(spki, first);
                    first
                }
            };
            let Some(first) = first else { continue };
            if let Some(subject) = ways.subjects.get_mut(first) {
                subject.issuer_may_sign_lists |= may_sign_lists;
            }
            reached.extend(place.filter(|place| !reached.contains(place)));
        }
    }
    ways
}

/// The DER of the name of who issued it; `None` if it vouches for itself or cannot be read.
pub(super) fn issuer_of(shown: &Certificate) -> Option<&[u8]> {
    let (x509, signed) = link(&shown.der)?;
    let is_own = PublicKey::read(x509.tbs_certificate.subject_pki.raw).is_some_and(|key| signed.is_by(&key));
    (!is_own).then_some(x509.tbs_certificate.issuer.as_raw())
}

fn link(der: &[u8]) -> Option<(X509Certificate<'_>, Signed<'_>)> {
    Some((certificate::parse(der)?, Signed::read(der)?))
}

fn may_sign_lists(issuer: &X509Certificate<'_>) -> bool {
    !matches!(issuer.key_usage(), Ok(Some(usage)) if !usage.value.crl_sign())
}

impl Subject<'_> {
    /// The DER of the issuer's name.
    pub(super) fn issuer_name(&self) -> &[u8] {
        self.x509.issuer().as_raw()
    }

    /// The serial number without the zeros in front.
    pub(super) fn serial(&self) -> &[u8] {
        let serial = self.x509.raw_serial();
        &serial[serial.iter().take_while(|&&byte| byte == 0).count()..]
    }

    /// The addresses of its lists (RFC 5280 section 4.2.1.13).
    pub(super) fn list_addresses(&self) -> Vec<&str> {
        let mut addresses = Vec::new();
        for extension in self.x509.extensions() {
            if let ParsedExtension::CRLDistributionPoints(points) = extension.parsed_extension() {
                // A point for some reasons only, or of another issuer, is not enough to say that it stands.
                let whole = points.iter().filter(|point| point.reasons.is_none() && point.crl_issuer.is_none());
                for name in whole.filter_map(|point| point.distribution_point.as_ref()) {
                    if let DistributionPointName::FullName(names) = name {
                        addresses.extend(names.iter().filter_map(address));
                    }
                }
            }
        }
        addresses
    }

    /// The responders to ask about it, each with the question.
    pub(super) fn responders(&self) -> Vec<RevocationPlace> {
        let mut places = Vec::new();
        for extension in self.x509.extensions() {
            if let ParsedExtension::AuthorityInfoAccess(access) = extension.parsed_extension() {
                let responders = access.accessdescs.iter().filter(|access| access.access_method.to_id_string() == "1.3.6.1.5.5.7.48.1");
                let addresses = responders.filter_map(|access| address(&access.access_location)).take(MOST_PLACES);
                places.extend(addresses.map(|address| RevocationPlace::Responder(address.to_owned(), answer::question(self))));
            }
        }
        places
    }

    /// The lists to fetch about it.
    pub(super) fn lists(&self) -> Vec<RevocationPlace> {
        self.list_addresses().into_iter().take(MOST_PLACES).map(|address| RevocationPlace::List(address.to_owned())).collect()
    }

    /// The hashes of its issuer's name and key by which OCSP names it (RFC 6960 section 4.1.1).
    pub(super) fn issuer_hashes<D: Digest>(&self) -> (Vec<u8>, Vec<u8>) {
        (D::digest(self.issuer_name()).to_vec(), D::digest(self.issuer.bits).to_vec())
    }

    /// The key bits' SHA-1, by which a responder names itself.
    pub(super) fn issuer_key_hash(&self) -> Vec<u8> {
        self.issuer_hashes::<Sha1>().1
    }

    /// The whole serial number as it stands in the certificate.
    pub(super) fn raw_serial(&self) -> &[u8] {
        self.x509.raw_serial()
    }

    /// Whether `list`, the DER of GeneralNames' contents, names one of the places its own lists are at.
    pub(super) fn has_list_at(&self, mut names: Reader<'_>) -> bool {
        const URI: u8 = context_plain(6);
        let own = self.list_addresses();
        std::iter::from_fn(|| names.any()).any(|name| name.tag == URI && own.iter().any(|own| own.as_bytes() == name.contents))
    }
}

fn address<'a>(name: &GeneralName<'a>) -> Option<&'a str> {
    match name {
        GeneralName::URI(uri) => Some(uri),
        _ => None,
    }
}
