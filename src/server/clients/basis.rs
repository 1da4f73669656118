//! What a client's certificate chain is worth by the operator's lists as they stand: pure, and asked again while it is connected.

use std::sync::Arc;

use jiff::Timestamp;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{CertificateError, Error, RootCertStore};

use super::file::Effective;
use crate::trust::certificate::CertificateFacts;
use crate::trust::{Anchors, Certificate, Fingerprint, Revocation, revocation};

/// What a client's certificate is worth here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Trusted,
    Unknown,
    Refused,
}

/// The lists, and the authorities in them ready to verify.
pub(super) struct Basis {
    by: Effective,
    /// `None`: there are no authorities.
    authorities: Option<Arc<dyn ClientCertVerifier>>,
}

impl Basis {
    pub(super) fn new(by: Effective, provider: &Arc<CryptoProvider>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(by.lists.authorities.iter().map(|client| CertificateDer::from(&*client.certificate.der)));
        let authorities = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build().ok();
        Self { by, authorities: authorities.map(|authorities| authorities as Arc<dyn ClientCertVerifier>) }
    }

    /// Whether a client of this certificate waits in the lists.
    pub(super) fn waits(&self, client: &Fingerprint) -> bool {
        self.by.lists.pending.iter().any(|waiting| waiting.fingerprint() == *client)
    }

    /// What is wrong with it in itself is told; whether it is known only once its key is proven.
    pub(super) fn standing(&self, leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>], now: UnixTime) -> Result<Standing, Error> {
        let certificate = Certificate { der: leaf.as_ref().into() };
        let facts = CertificateFacts::read(leaf).map_err(|_| CertificateError::BadEncoding)?;
        let instant = Timestamp::from_second(now.as_secs().cast_signed()).unwrap_or(Timestamp::MAX);
        if self.by.lists.refuses(&certificate) {
            return Ok(Standing::Refused);
        }
        if instant > facts.not_after {
            return Err(CertificateError::Expired.into());
        }
        if instant < facts.not_before {
            return Err(CertificateError::NotValidYet.into());
        }
        self.is_not_revoked(leaf, others, instant)?;
        if self.by.lists.trusts(&certificate) {
            return Ok(Standing::Trusted);
        }
        let vouched = self.authorities.as_ref().is_some_and(|authorities| authorities.verify_client_cert(leaf, others, now).is_ok());
        Ok(if vouched { Standing::Trusted } else { Standing::Unknown })
    }

    fn is_not_revoked(&self, leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>], now: Timestamp) -> Result<(), Error> {
        let chain: Vec<_> =
            std::iter::once(leaf).chain(others).map(|certificate| Certificate { der: certificate.as_ref().into() }).collect();
        let anchors = Anchors::of(self.by.lists.authorities.iter().map(|client| &*client.certificate.der));
        let checked = revocation::check(&chain, || &anchors, &[], &self.by.revocations, now);
        if !checked.problems.is_empty() {
            return Err(CertificateError::Revoked.into());
        }
        // Where lists were named, one of its issuer that does not count (out of date, of another's hand) is no good word.
        match checked.leaf {
            Revocation::Unusable { .. } if self.by.needs_lists => Err(CertificateError::UnknownRevocationStatus.into()),
            _ => Ok(()),
        }
    }
}
