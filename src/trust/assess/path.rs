//! What webpki thinks of the path as such: constraints of authorities, and whatever else it refuses for. It looks at an
//! instant inside all validities and at no host, so that dates and names hide nothing.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{CertificateError, Error, RootCertStore};

use super::{Link, Usage};
use crate::trust::anchors::Anchors;
use crate::trust::certificate::instant;
use crate::trust::evidence::{Certificate, ProblemKind};
use crate::trust::signature::provider_algorithms;

/// Asks webpki whether `chain` (leaf first) leads to one of `anchors` and may be used so at that instant; no host is looked at.
///
/// # Errors
/// Its first reason for a no.
pub fn verify_path(chain: &[Certificate], anchors: &Anchors, usage: Usage, at: Timestamp) -> Result<(), Error> {
    let chain: Vec<_> = chain.iter().map(|certificate| CertificateDer::from(&*certificate.der)).collect();
    let [leaf, intermediates @ ..] = chain.as_slice() else { return Err(CertificateError::BadEncoding.into()) };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(anchors.iter().map(|anchor| CertificateDer::from(&*anchor.certificate.der)));
    let at = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at.as_second()).unwrap_or(0)));
    match usage {
        Usage::Server => {
            let leaf = ParsedCertificate::try_from(leaf)?;
            verify_server_cert_signed_by_trust_anchor(&leaf, &roots, intermediates, at, provider_algorithms().all)
        }
        Usage::Client => {
            let provider = Arc::new(aws_lc_rs::default_provider());
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            let verifier = verifier.map_err(|_| Error::from(CertificateError::UnknownIssuer))?;
            verifier.verify_client_cert(leaf, intermediates, at).map(|_| ())
        }
    }
}

/// The instant nearest to `now` at which all of `path` is valid; `None` if there is none.
pub(super) fn clamped<'a>(path: impl Iterator<Item = &'a Link<'a>> + Clone, now: Timestamp) -> Option<Timestamp> {
    let from = path.clone().map(|link| instant(&link.x509.validity().not_before)).max()?;
    let to = path.map(|link| instant(&link.x509.validity().not_after)).min()?;
    (from <= to).then(|| now.clamp(from, to))
}

/// The problems of ours that are what webpki means, the kind of a new one, and its words.
pub(super) fn meaning(error: &Error) -> (&'static [ProblemKind], ProblemKind, String) {
    use ProblemKind as Kind;
    const ISSUER: &[ProblemKind] = &[Kind::UnknownIssuer, Kind::BadChainSignature, Kind::WeakSignature];
    let Error::InvalidCertificate(reason) = error else { return (&[], Kind::Other, format!("it is refused: {error}")) };
    let (covering, kind): (&[ProblemKind], ProblemKind) = match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (&[Kind::Expired], Kind::Other),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (&[Kind::NotYetValid], Kind::Other),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            return (
                &[Kind::WrongUsage],
                Kind::WrongUsage,
                "its extended key usage, or that of an authority above it, does not allow this use".to_owned(),
            );
        }
        CertificateError::UnknownIssuer
        | CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => (ISSUER, Kind::Other),
        CertificateError::UnhandledCriticalExtension => (&[Kind::UnknownCriticalExtension], Kind::UnknownCriticalExtension),
        // rustls does not show webpki's own type; these are its names.
        CertificateError::Other(other) => match other.to_string().as_str() {
            "CaUsedAsEndEntity" => (&[Kind::CaAsEndEntity], Kind::CaAsEndEntity),
            "UnsupportedCertVersion" => (&[Kind::OldVersion], Kind::OldVersion),
            "UnsupportedCriticalExtension" => (&[Kind::UnknownCriticalExtension], Kind::UnknownCriticalExtension),
            "NameConstraintViolation" => {
                return (&[], Kind::Other, "an authority above it may not sign for these names (name constraints)".to_owned());
            }
            "PathLenConstraintViolated" => {
                return (&[Kind::Other], Kind::Other, "an authority above it may not have so many authorities below it".to_owned());
            }
            "EndEntityUsedAsCa" => {
                return (ISSUER, Kind::Other, "a certificate above it is not one of an authority".to_owned());
            }
            _ => (&[], Kind::Other),
        },
        _ => (&[], Kind::Other),
    };
    (covering, kind, format!("it is refused: {error}"))
}
