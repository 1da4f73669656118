//! A certificate whose revocation is looked up, and the one who signed it. Who that is, a signature says, never a name
//! alone.

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
    /// Its issuer's certificate does not forbid signing lists.
    pub(super) issuer_may_sign_lists: bool,
}

/// More certificates than this are not looked at.
const LONGEST_CHAIN: usize = 10;

/// More addresses than this are not asked.
const MOST_PLACES: usize = 4;

/// The certificates from the leaf upwards whose issuer is known, each with it. `anchors` is called only where the
/// issuer of a `wanted` certificate (by its place and its issuer's name) is not in the chain.
pub(super) fn path<'a>(
    chain: &'a [Certificate],
    anchors: impl FnOnce() -> &'a Anchors,
    wanted: impl Fn(usize, &[u8]) -> bool,
) -> Vec<Subject<'a>> {
    let mut unused: Vec<_> = chain.iter().enumerate().take(LONGEST_CHAIN).filter_map(|(at, shown)| Some((at, link(&shown.der)?))).collect();
    let mut path = Vec::new();
    let mut next = unused.iter().position(|(at, _)| *at == 0);
    while let Some(place) = next {
        let (at, (x509, signed)) = unused.remove(place);
        let signer = |spki: &'a [u8]| PublicKey::read(spki).filter(|key| signed.is_by(key));
        // Who vouches for itself can also take itself back only by its own word.
        if x509.subject().as_raw() == x509.issuer().as_raw() && signer(x509.tbs_certificate.subject_pki.raw).is_some() {
            break;
        }
        let sent = unused.iter().enumerate().find_map(|(place, (_, (candidate, _)))| {
            let named = candidate.subject().as_raw() == x509.issuer().as_raw();
            let key = named.then(|| signer(candidate.tbs_certificate.subject_pki.raw)).flatten()?;
            Some((place, key, may_sign_lists(candidate)))
        });
        next = sent.map(|(place, ..)| place);
        let issuer = sent.map(|(_, key, may)| (key, may));
        if let Some((issuer, issuer_may_sign_lists)) = issuer {
            path.push(Subject { at, x509, issuer, issuer_may_sign_lists });
        } else if wanted(at, x509.issuer().as_raw()) {
            let issuer = anchors().named(x509.issuer().as_raw()).find_map(|anchor| signer(&anchor.spki));
            path.extend(issuer.map(|issuer| Subject { at, x509, issuer, issuer_may_sign_lists: true }));
            break;
        }
    }
    path
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

    /// Where to ask about it, responders first.
    pub(super) fn places(&self) -> Vec<RevocationPlace> {
        let mut places = Vec::new();
        for extension in self.x509.extensions() {
            if let ParsedExtension::AuthorityInfoAccess(access) = extension.parsed_extension() {
                let responders = access.accessdescs.iter().filter(|access| access.access_method.to_id_string() == "1.3.6.1.5.5.7.48.1");
                let addresses = responders.filter_map(|access| address(&access.access_location)).take(MOST_PLACES);
                places.extend(addresses.map(|address| RevocationPlace::Responder(address.to_owned(), answer::question(self))));
            }
        }
        let lists = self.list_addresses().into_iter().take(MOST_PLACES);
        places.extend(lists.map(|address| RevocationPlace::List(address.to_owned())));
        places
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
