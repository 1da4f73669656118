//! TLS failures in the kinds callers match on.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use crate::model::Endpoint;
use crate::protocols::{AlertKind, ConnectError, ConnectErrorKind};

/// The alert by which the peer ended the connection, if that is what `error` tells.
///
/// With TLS 1.3 the handshake is over on our side before the server has looked at the client certificate: its
/// refusal comes with the first read (RFC 8446 section 4.4.2.4).
pub fn alert_of(error: &io::Error) -> Option<AlertKind> {
    match tls_error(error)? {
        Error::AlertReceived(alert) => Some(alert_kind(*alert)),
        _ => None,
    }
}

/// Why a handshake failed; not for refusals of our own verifier.
pub(super) fn handshake_error(error: &io::Error, endpoint: &Endpoint) -> ConnectError {
    let Some(tls) = tls_error(error) else { return ConnectError::from_io(error, endpoint) };
    let kind = match tls {
        Error::AlertReceived(alert) => ConnectErrorKind::Alert(alert_kind(*alert)),
        Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            ConnectErrorKind::WrongProtocol
        }
        _ => ConnectErrorKind::Handshake,
    };
    let detail = match tls {
        Error::InvalidCertificate(CertificateError::BadSignature) => {
            "the server showed a certificate but could not prove that it holds its key".to_owned()
        }
        other => other.to_string(),
    };
    ConnectError::new(kind, endpoint, detail)
}

/// Whether our own verifier ended the handshake.
pub(super) fn is_own_refusal(error: &io::Error) -> bool {
    matches!(tls_error(error), Some(Error::InvalidCertificate(CertificateError::UnknownIssuer)))
}

/// What TLS had to say, if it was not the line.
pub(super) fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

fn alert_kind(alert: AlertDescription) -> AlertKind {
    use AlertDescription as Alert;
    match alert {
        Alert::CertificateRequired | Alert::NoCertificate => AlertKind::CertificateRequired,
        Alert::UnknownCA | Alert::BadCertificate | Alert::CertificateUnknown | Alert::AccessDenied => AlertKind::CertificateNotTrusted,
        Alert::UnsupportedCertificate => AlertKind::CertificateUnsupported,
        Alert::CertificateExpired => AlertKind::CertificateExpired,
        Alert::CertificateRevoked => AlertKind::CertificateRevoked,
        Alert::HandshakeFailure | Alert::DecodeError => AlertKind::HandshakeFailure,
        _ => AlertKind::Other,
    }
}
