//! A refused client certificate in words: the first failure is expected, and what an administrator needs to end it.

use super::Advice;
use crate::engine::failure::{Refusal, Shown};
use crate::model::text;
use crate::protocols::CertificateRefusal;

pub(super) fn refused_certificate(refusal: &Refusal) -> Advice {
    let at = &refusal.endpoint;
    let file = |shown: &Shown| text::display_safe(shown.file.as_os_str().as_encoded_bytes());
    let takes = match refusal.authorities.as_slice() {
        [] => String::new(),
        names => format!(" It takes certificates signed by: {}.", names.join("; ")),
    };
    let shown = refusal.shown.as_ref().map(|shown| {
        let signed = shown.issuer.as_ref().map_or_else(|| "signed by itself".to_owned(), |issuer| format!("signed by {issuer}"));
        format!("It was shown {} ({}, {signed}), SHA-256 {}.", shown.name, shown.subject, shown.fingerprint.colons())
    });
    let said = match refusal.said.trim_end_matches('.') {
        "" => String::new(),
        said => format!(" It said: {said}."),
    };
    let (what, next) = match (refusal.why, &refusal.shown) {
        (CertificateRefusal::Wanted, _) | (_, None) => (
            format!("{at} wants a certificate from you, and none was sent."),
            "Make one (sealift cert new NAME …), send its certificate to the administrator, and connect with --identity NAME; a certificate \
             you have already: --client-cert FILE --client-key FILE."
                .to_owned(),
        ),
        (CertificateRefusal::NotTrusted, Some(shown)) if shown.is_new => (
            format!("{at} does not trust your new, signed certificate yet."),
            format!(
                "The old one stays until the new one got you in. Ask the administrator to trust the authority that signed it, or send {}; \
                 then connect again.",
                file(shown)
            ),
        ),
        (CertificateRefusal::NotTrusted | CertificateRefusal::AfterLogin, Some(shown)) => (
            format!("{at} does not trust your certificate yet. The first time, that is to be expected."),
            format!("Send {} to its administrator, who compares the fingerprint and trusts it; then connect again.", file(shown)),
        ),
        (CertificateRefusal::Expired, Some(_)) => {
            (format!("{at} says that your certificate has expired."), "Have a new one signed, or make one, and send it to the administrator.".to_owned())
        }
        (CertificateRefusal::Revoked, Some(_)) => {
            (format!("{at} says that your certificate was revoked."), "Ask who signed it why; a new key and a new certificate are needed.".to_owned())
        }
        (CertificateRefusal::Unsupported, Some(_)) => (
            format!("{at} cannot use a certificate of this kind."),
            "Make one over another kind of key: every server takes P-256, old ones RSA.".to_owned(),
        ),
    };
    let sent = if refusal.is_before_login() { " Nothing but the certificate was sent: no user name, no password." } else { "" };
    let why = format!("{}{takes}{said}{sent}", shown.unwrap_or_default());
    Advice { what, why: why.trim().to_owned(), next, intended: false }
}
