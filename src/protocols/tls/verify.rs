//! Judges a chain that no server just showed, e.g. one in a file.

use std::time::Duration;

use jiff::Timestamp;
use rustls::CertificateError;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use super::roots::Roots;
use super::verifier::kind_of;
use crate::trust::Certificate;
use crate::trust::assess::{Assessment, PlatformVerdict, Purpose, Usage, assess_for, verify_path};
use crate::trust::revocation::{self, RevocationList};

/// Looks at `chain` (leaf first) at the instant `now`; no problems means trusted.
///
/// The verdict is that of `roots`: the platform's verifier, or webpki over given authorities. Platforms judge servers by
/// name only, so webpki answers where there is no host and for clients. May block while the system's authorities are read.
pub fn verify_chain(chain: &[Certificate], purpose: Purpose<'_>, roots: &Roots, lists: &[RevocationList], now: Timestamp) -> Assessment {
    let anchors = roots.anchors();
    let verdict = match (purpose, roots.verifier(), chain) {
        (Purpose { host: Some(host), usage: Usage::Server }, Some(verifier), [leaf, rest @ ..]) => {
            let der = |certificate: &Certificate| CertificateDer::from(certificate.der.to_vec());
            let rest: Vec<_> = rest.iter().map(der).collect();
            let at = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.as_second()).unwrap_or(0)));
            let name =
                ServerName::try_from(host.split('%').next().unwrap_or_default()).map_err(|_| CertificateError::NotValidForName.into());
            name.and_then(|name| verifier.verify_server_cert(&der(leaf), &rest, &name, &[], at)).map(|_| ())
        }
        _ => verify_path(chain, anchors, purpose.usage, now),
    };
    let verdict = match verdict {
        Ok(()) => PlatformVerdict::Accepts,
        Err(error) => PlatformVerdict::Refuses { kind: kind_of(&error), words: error.to_string() },
    };
    let revocation = revocation::check(chain, || anchors, &[], lists, now);
    assess_for(chain, purpose, anchors, now).with_revocation(revocation).with_platform(verdict)
}
