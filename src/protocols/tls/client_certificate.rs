//! What a server that asks for a certificate is answered, and what its refusal means.

use std::fmt;
use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use super::recorder::Recorder;
use super::roots::Roots;
use crate::protocols::{AlertKind, CertificateRefusal, ConnectError, ConnectErrorKind, RefusedCertificate};
use crate::trust::ClientCertificate;
use crate::trust::certificate::name_in_one_line;

/// More names than this are not kept: some servers send every authority they know.
const MOST_AUTHORITIES: usize = 64;

/// A certificate of ours with its private key, open: what a server is shown that asks who we are.
#[derive(Clone)]
pub struct ClientProof(Arc<CertifiedKey>);

impl ClientProof {
    /// From a chain (DER, our own certificate first) and its key (PKCS#8). They are taken to belong together.
    ///
    /// # Errors
    /// Why TLS cannot use this key, in words.
    pub fn new(chain: &[Vec<u8>], pkcs8: &[u8], roots: &Roots) -> Result<Self, String> {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pkcs8.to_vec()));
        let key = roots.provider().key_provider.load_private_key(key).map_err(|error| error.to_string())?;
        let chain = chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
        Ok(Self(Arc::new(CertifiedKey::new(chain, key))))
    }
}

impl fmt::Debug for ClientProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientProof").finish_non_exhaustive()
    }
}

/// Writes down that the server asked, and whose certificates it would accept; answers with the proof at hand.
///
/// There is one of it to a session: rustls resumes only with the very same resolver. What it answers is sent only after
/// our verifier accepted the server.
#[derive(Debug)]
pub(super) struct ClientCertificateResolver {
    pub(super) recorder: Arc<Recorder>,
    pub(super) proof: Option<ClientProof>,
}

impl ResolvesClientCert for ClientCertificateResolver {
    fn resolve(&self, authorities: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let fitting = self.proof.as_ref().filter(|proof| proof.0.key.choose_scheme(schemes).is_some());
        let names = authorities.iter().take(MOST_AUTHORITIES).map(|name| name_in_one_line(name)).collect();
        self.recorder.certificate_asked(names, fitting.is_some());
        fitting.map(|proof| Arc::clone(&proof.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// `error` of a connection whose server asked for a certificate, as what it says of that certificate.
///
/// TLS 1.3 servers judge it after the handshake is over on our side, so their refusal is an alert at the first read, or
/// only an end of the line where that alert was lost (RFC 8446 section 4.4.2.4). TLS 1.2 servers have no alert for a
/// missing certificate.
pub(super) fn explain(error: ConnectError, certificate: &ClientCertificate) -> ConnectError {
    use CertificateRefusal as Why;
    if !certificate.asked {
        return error;
    }
    let why = match (&error.kind, certificate.sent) {
        (
            ConnectErrorKind::Alert(AlertKind::CertificateRequired | AlertKind::HandshakeFailure) | ConnectErrorKind::ConnectionLost,
            false,
        ) => Why::Wanted,
        (ConnectErrorKind::Alert(AlertKind::CertificateExpired), true) => Why::Expired,
        (ConnectErrorKind::Alert(AlertKind::CertificateRevoked), true) => Why::Revoked,
        (ConnectErrorKind::Alert(AlertKind::CertificateUnsupported), true) => Why::Unsupported,
        (
            ConnectErrorKind::Alert(AlertKind::CertificateNotTrusted | AlertKind::CertificateRequired | AlertKind::HandshakeFailure)
            | ConnectErrorKind::ConnectionLost,
            true,
        ) => Why::NotTrusted,
        _ => return error,
    };
    refused(error, why, certificate)
}

/// `error` as a refusal of the certificate.
pub(super) fn refused(error: ConnectError, why: CertificateRefusal, certificate: &ClientCertificate) -> ConnectError {
    let refused = RefusedCertificate { why, sent: certificate.sent, authorities: certificate.authorities.clone() };
    ConnectError { kind: ConnectErrorKind::ClientCertificate(Box::new(refused)), ..error }
}
