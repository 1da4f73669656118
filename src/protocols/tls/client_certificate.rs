//! What a server that asks for a certificate is answered. It listens to the question; there is none to send yet.

use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;

use super::recorder::Recorder;
use crate::trust::certificate::name_in_one_line;

/// More names than this are not kept: some servers send every authority they know.
const MOST_AUTHORITIES: usize = 64;

/// Writes down that the server asked, and whose certificates it would accept.
///
/// There is one of it to a session: rustls resumes only with the very same resolver.
#[derive(Debug)]
pub(super) struct ClientCertificateResolver {
    pub(super) recorder: Arc<Recorder>,
}

impl ResolvesClientCert for ClientCertificateResolver {
    fn resolve(&self, authorities: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.recorder.certificate_asked(authorities.iter().take(MOST_AUTHORITIES).map(|name| name_in_one_line(name)).collect());
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}
