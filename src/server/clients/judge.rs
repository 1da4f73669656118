//! The judge of one control connection and its data connections. It names no authorities it would accept: clients on
//! GnuTLS then send nothing at all where theirs is not among them, and the operator would never see them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::AskForCertificate;
use super::basis::{Basis, Standing};
use super::file::Effective;
use crate::protocols::tls::signature;
use crate::trust::certificate::CertificateFacts;
use crate::trust::{Certificate, Fingerprint};

/// The certificate a client showed first; on its data connections it has to be the same.
struct Shown {
    chain: Vec<CertificateDer<'static>>,
    standing: Standing,
    /// The client has its private key.
    is_proven: bool,
}

pub(in crate::server) struct Judge {
    is_required: bool,
    basis: Basis,
    provider: Arc<CryptoProvider>,
    shown: Mutex<Option<Shown>>,
}

impl Judge {
    /// `None` where nobody is asked.
    pub(in crate::server) fn new(ask: AskForCertificate, by: Effective, provider: Arc<CryptoProvider>) -> Option<Arc<Self>> {
        let is_required = match ask {
            AskForCertificate::Off => return None,
            AskForCertificate::Ask => false,
            AskForCertificate::Require => true,
        };
        Some(Arc::new(Self { is_required, basis: Basis::new(by, &provider), provider, shown: Mutex::default() }))
    }

    /// Whether the client would be let in by the lists as they stand now; one that showed nothing was not let in by them.
    pub(in crate::server) fn is_let_in_by(&self, by: Effective, now: UnixTime) -> bool {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((leaf, others)) = shown.as_ref().and_then(|shown| shown.chain.split_first()) else { return true };
        Basis::new(by, &self.provider).standing(leaf, others, now) == Ok(Standing::Trusted)
    }

    /// Whether the client showed a certificate.
    pub(in crate::server) fn has_seen_one(&self) -> bool {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The certificate by which this connection's client is known.
    pub(in crate::server) fn trusted(&self) -> Option<CertificateFacts> {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = shown.as_ref().filter(|shown| shown.is_proven && shown.standing == Standing::Trusted)?;
        CertificateFacts::read(shown.chain.first()?).ok()
    }

    /// The certificate of a client that waited, and was let in now because an authority is trusted that signed it.
    pub(in crate::server) fn waits_no_longer(&self) -> Option<Fingerprint> {
        let trusted = self.trusted()?.fingerprint;
        self.basis.waits(&trusted).then_some(trusted)
    }

    /// The certificate of a client nobody has decided upon. It proved that the key is its own.
    pub(in crate::server) fn unknown(&self) -> Option<Certificate> {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = shown.as_ref().filter(|shown| shown.is_proven && shown.standing == Standing::Unknown)?;
        Some(Certificate { der: shown.chain.first()?.as_ref().into() })
    }

    /// The second half of the verdict: the key was proven, and now it counts whose it is.
    fn proven(&self, signed: Result<HandshakeSignatureValid, Error>) -> Result<HandshakeSignatureValid, Error> {
        let signed = signed?;
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = shown.as_mut().ok_or(CertificateError::UnknownIssuer)?;
        shown.is_proven = true;
        if shown.standing == Standing::Trusted { Ok(signed) } else { Err(CertificateError::UnknownIssuer.into()) }
    }
}

impl ClientCertVerifier for Judge {
    fn client_auth_mandatory(&self) -> bool {
        self.is_required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = &*shown {
            let is_same = first.chain.first() == Some(leaf) && first.standing == Standing::Trusted;
            return if is_same { Ok(ClientCertVerified::assertion()) } else { Err(CertificateError::UnknownIssuer.into()) };
        }
        let standing = self.basis.standing(leaf, others, now)?;
        let chain = std::iter::once(leaf).chain(others).map(|certificate| certificate.clone().into_owned()).collect();
        *shown = Some(Shown { chain, standing, is_proven: false });
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.proven(signature::tls12(message, leaf, signed, &self.provider.signature_verification_algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.proven(signature::tls13(message, leaf, signed, &self.provider.signature_verification_algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge").field("is_required", &self.is_required).finish_non_exhaustive()
    }
}
