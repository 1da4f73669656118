//! What is wrong with a host certificate (OpenSSH's PROTOCOL.certkeys), for one host at one time. Pure; the authority is not
//! looked up here.

use jiff::Timestamp;

use super::line::matches;
use super::problem;
use crate::trust::evidence::{Problem, ProblemKind};
use crate::trust::host_key::HostCertificate;

/// Everything wrong with it, worst first; empty if it may be believed as far as its authority is.
pub(super) fn faults(certificate: &HostCertificate, host: &str, now: Timestamp) -> Vec<Problem> {
    let mut faults = Vec::new();
    let mut fault = |kind, words: &str| faults.push(problem(kind, words));
    if !certificate.is_signed {
        fault(ProblemKind::BadChainSignature, "the signature on its certificate is not by the authority it names, or cannot be checked");
    }
    if !certificate.is_for_hosts {
        fault(ProblemKind::WrongUsage, "its certificate is for a user, not for a host");
    }
    if !certificate.principals.is_empty() && !certificate.principals.iter().any(|principal| covers(principal, host)) {
        let names = certificate.principals.join(", ");
        fault(ProblemKind::NameMismatch, &format!("its certificate is for {names}, not for {host}"));
    }
    if let Some(from) = certificate.not_before.filter(|&from| now < from) {
        fault(ProblemKind::NotYetValid, &format!("its certificate is valid from {from} on only"));
    }
    if let Some(until) = certificate.not_after.filter(|&until| now >= until) {
        fault(ProblemKind::Expired, &format!("its certificate expired at {until}"));
    }
    if !certificate.critical.is_empty() {
        let options = certificate.critical.join(", ");
        fault(ProblemKind::UnknownCriticalExtension, &format!("its certificate has conditions that nobody here understands ({options})"));
    }
    if matches!(certificate.signature.as_str(), "ssh-rsa" | "ssh-dss") {
        fault(ProblemKind::WeakSignature, "its certificate is signed with SHA-1, which can be forged");
    }
    faults
}

/// Host names know no case; `*` and `?` stand for what they stand for in known_hosts.
fn covers(principal: &str, host: &str) -> bool {
    matches(principal.to_ascii_lowercase().as_bytes(), host.to_ascii_lowercase().as_bytes())
}
