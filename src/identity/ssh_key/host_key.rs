//! A server's key and certificate, as the trust room speaks of them.

use jiff::Timestamp;
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Certificate, PublicKey, PublicKeyOrCertificate};

use crate::model::text;
use crate::trust::{HostCertificate, HostKey};

/// What a server showed as the trust room speaks of it. The signature of a certificate is checked here.
pub(crate) fn host_key(shown: &PublicKeyOrCertificate) -> HostKey {
    let key = shown.public_key();
    let mut host_key = HostKey::plain(key.algorithm().to_string(), key.to_bytes().unwrap_or_default());
    host_key.certificate = shown.certificate().map(|certificate| Box::new(host_certificate(certificate)));
    host_key
}

fn host_certificate(certificate: &Certificate) -> HostCertificate {
    let time = |seconds: u64| i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    HostCertificate {
        algorithm: certificate.algorithm().to_certificate_type(),
        id: text::display_safe(certificate.key_id().as_bytes()),
        serial: certificate.serial(),
        principals: certificate.valid_principals().to_vec(),
        not_before: match certificate.valid_after() {
            0 => None,
            // A time no calendar has does not come.
            seconds => Some(time(seconds).unwrap_or(Timestamp::MAX)),
        },
        not_after: time(certificate.valid_before()),
        is_for_hosts: certificate.cert_type() == CertType::Host,
        critical: certificate.critical_options().keys().cloned().collect(),
        authority: PublicKey::from(certificate.signature_key().clone()).to_bytes().unwrap_or_default().into(),
        signature: certificate.signature().algorithm().to_string(),
        is_signed: certificate.verify_signature().is_ok(),
    }
}
