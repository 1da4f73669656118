//! The one verifier of a session. It says yes to what the platform accepts or a person pinned, remembers what it saw,
//! and checks the handshake's signature always.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use super::recorder::Recorder;
use super::roots::Roots;
use super::signature;
use crate::model::Endpoint;
use crate::trust::assess::{PlatformVerdict, assess};
use crate::trust::revocation::{self, RevocationList};
use crate::trust::{Certificate, Evidence, Pin, ProblemKind, Verdict, judge};

/// What the verifier saw on the control connection.
#[derive(Debug, Clone, Default)]
pub(super) enum Seen {
    /// No certificate yet.
    #[default]
    Nothing,
    /// Not trusted: the handshake ended there.
    Refused(Box<Evidence>),
    /// Trusted or pinned; data connections must show the same leaf.
    Accepted(Box<Evidence>),
}

#[derive(Debug)]
pub(super) struct SessionVerifier {
    endpoint: Endpoint,
    pin: Option<Pin>,
    roots: Roots,
    recorder: Arc<Recorder>,
    /// The revocation lists at hand.
    lists: Mutex<Arc<[RevocationList]>>,
    seen: Mutex<Seen>,
}

impl SessionVerifier {
    pub(super) fn new(endpoint: Endpoint, pin: Option<Pin>, roots: Roots, recorder: Arc<Recorder>) -> Self {
        Self { endpoint, pin, roots, recorder, lists: Mutex::default(), seen: Mutex::default() }
    }

    /// Reads the revocation lists, if they changed, before a handshake needs them: the disk is not waited for there.
    pub(super) async fn look_for_lists(&self) {
        let folder = self.roots.revocation_lists().clone();
        if folder.is_named() {
            let read = tokio::task::spawn_blocking(move || folder.current()).await;
            *self.lists.lock().unwrap_or_else(PoisonError::into_inner) = read.unwrap_or_default();
        }
    }

    fn lists(&self) -> Arc<[RevocationList]> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was seen so far.
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn platform(&self, chain: &[CertificateDer<'_>], name: &ServerName<'_>, ocsp: &[u8], now: UnixTime) -> PlatformVerdict {
        let (Some(verifier), [leaf, rest @ ..]) = (self.roots.verifier(), chain) else {
            return PlatformVerdict::Refuses { kind: None, words: "this machine knows no certificate authorities".to_owned() };
        };
        match verifier.verify_server_cert(leaf, rest, name, ocsp, now) {
            Ok(_) => PlatformVerdict::Accepts,
            Err(error) => PlatformVerdict::Refuses { kind: kind_of(&error), words: error.to_string() },
        }
    }

    fn algorithms(&self) -> WebPkiSupportedAlgorithms {
        self.roots.provider().signature_verification_algorithms
    }
}

impl ServerCertVerifier for SessionVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // One plain answer for every refusal: rustls turns it into the alert, and the reasons are the recorder's.
        let refused = Err(CertificateError::UnknownIssuer.into());
        if let Seen::Accepted(evidence) = &*self.seen() {
            let same = evidence.identity.leaf().is_some_and(|accepted| &*accepted.der == leaf.as_ref());
            return if same { Ok(ServerCertVerified::assertion()) } else { refused };
        }
        let chain: Vec<_> = std::iter::once(leaf).chain(intermediates).cloned().collect();
        let shown: Vec<_> = chain.iter().map(|certificate| Certificate { der: certificate.as_ref().into() }).collect();
        self.recorder.certificates(chain.len(), chain.iter().map(|certificate| certificate.len()).sum(), !ocsp.is_empty());
        let instant = Timestamp::from_second(now.as_secs().cast_signed()).unwrap_or(Timestamp::MAX);
        let platform = self.platform(&chain, name, ocsp, now);
        // The verifier tells nobody which root it was; they are read a second time, once, for the explanation.
        let anchors = self.roots.anchors();
        let revocation = revocation::check(&shown, || anchors, ocsp, &self.lists(), instant);
        let assessment = assess(&shown, &self.endpoint, anchors, instant).with_revocation(revocation).with_platform(platform);
        let evidence = Box::new(Evidence::of_certificates(self.endpoint.clone(), shown, assessment, self.pin.as_ref()));
        let verdict = judge(&evidence, self.pin.as_ref());
        let accepted = matches!(verdict, Verdict::Trusted | Verdict::Pinned);
        match verdict {
            Verdict::Trusted => self.recorder.accepted("an authority this machine trusts vouches for it"),
            Verdict::Pinned => self.recorder.accepted("it is the one that was trusted here before"),
            Verdict::Ask { .. } | Verdict::Refuse => {}
        }
        tracing::debug!(endpoint = %self.endpoint, accepted, problems = ?evidence.problems, "certificate judged");
        *self.seen() = if accepted { Seen::Accepted(evidence) } else { Seen::Refused(evidence) };
        if accepted { Ok(ServerCertVerified::assertion()) } else { refused }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let result = signature::tls12(message, leaf, signed, &self.algorithms());
        self.recorder.signature(signed.scheme, result.is_ok(), false);
        result
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let result = signature::tls13(message, leaf, signed, &self.algorithms());
        self.recorder.signature(signed.scheme, result.is_ok(), true);
        result
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms().supported_schemes()
    }
}

/// The platform's reason, where it is one of our kinds. A bad signature is none: with a root of the same name and
/// another key, webpki says that of any stranger.
pub(super) fn kind_of(error: &Error) -> Option<ProblemKind> {
    let Error::InvalidCertificate(reason) = error else { return None };
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Some(ProblemKind::Expired),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Some(ProblemKind::NotYetValid),
        CertificateError::Revoked => Some(ProblemKind::Revoked),
        CertificateError::UnknownIssuer => Some(ProblemKind::UnknownIssuer),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Some(ProblemKind::NameMismatch),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => Some(ProblemKind::WrongUsage),
        _ => None,
    }
}
