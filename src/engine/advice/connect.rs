//! Failed connections in words.

use super::Advice;
use super::client_certificate::refused_certificate;
use crate::engine::failure::ConnectFailure;
use crate::model::{SecurityLevel, text};
use crate::protocols::{AlertKind, ConnectError, ConnectErrorKind};
use crate::trust::{Evidence, Fingerprint, PeerIdentity, Problem, ProblemKind, forget_host_key};

impl From<&ConnectFailure> for Advice {
    fn from(failure: &ConnectFailure) -> Self {
        match failure {
            ConnectFailure::Connect(error) => Self::from(error),
            ConnectFailure::Rejected(evidence) => Self {
                what: format!("You rejected the identity of {}: not connected.", evidence.endpoint),
                why: String::new(),
                next: "Nothing was sent to it. Connect again to be asked again.".into(),
                intended: true,
            },
            ConnectFailure::NotAsNamed { named, evidence } => {
                let identity = &evidence.identity;
                let named: Vec<_> = named.iter().map(|named| identity.named(named)).collect();
                let shown = identity.named(&identity.fingerprint());
                Self {
                    what: format!("NOT the identity you named. Named: {}; shown: {shown}. Do not connect until you know why.", named.join(", ")),
                    why: format!("Nothing was sent to {}: either what you named is out of date, or somebody stands in between.", evidence.endpoint),
                    next: match identity {
                        PeerIdentity::Certificates(_) => "Ask its administrator for the fingerprint of its certificate.".into(),
                        PeerIdentity::HostKey(key) => {
                            format!("Ask its administrator for the fingerprint of its {} key; a server may have keys of other types, too.", text::display_safe(key.algorithm.as_bytes()))
                        }
                    },
                    intended: false,
                }
            }
            ConnectFailure::NoWay { endpoint, why } => Self {
                what: format!("How to get to {endpoint} is not known, so nothing was connected."),
                why: format!("{}.", why.trim_end_matches('.')),
                next: format!("Mend the SSH configuration (~/.ssh/config); `ssh -G {}` shows what ssh makes of it.", endpoint.host),
                intended: false,
            },
            ConnectFailure::NoSecret { wanted } => Self {
                what: format!("Not connected: {wanted} was not given."),
                why: String::new(),
                next: "Without questions, give it with --password-command, --password-stdin or SEALIFT_PASSWORD (keys: --passphrase-command or SEALIFT_PASSPHRASE).".into(),
                intended: false,
            },
            ConnectFailure::Key { file, why } => Self {
                what: format!("The key {file} cannot be used."),
                why: format!("{}.", why.trim_end_matches('.')),
                next: "Check that it is a private key and that the passphrase is its own (it is not the server's password).".into(),
                intended: false,
            },
            ConnectFailure::NotRemembered { place, why } => Self {
                what: "Your decision could not be written down, so nothing was connected.".into(),
                why: format!("{place}: {why}."),
                next: "Mend the file or folder, or choose Once.".into(),
                intended: false,
            },
            ConnectFailure::Ledger(error) => Self {
                what: "Whom you trust could not be looked up, so nothing was connected.".into(),
                why: format!("{error}."),
                next: "Mend the file or move it away (then every server is asked about again), or end the program that holds it.".into(),
                intended: false,
            },
            ConnectFailure::ClientCertificate(refusal) => refused_certificate(refusal),
            ConnectFailure::BelowLevel { endpoint, wanted, offered } => Self {
                what: format!("Not connected to {endpoint}: it would be {} there, and you want {} at least.", offered.name(), wanted.name()),
                why: match wanted {
                    SecurityLevel::None | SecurityLevel::Secure => "The line would not be protected.".into(),
                    SecurityLevel::MoreSecure => "The server was not shown a certificate or key of yours: none is chosen for it, or it did not ask.".into(),
                    SecurityLevel::MostSecure => "The server was not shown a certificate that an authority signed.".into(),
                },
                next: "No password was sent. Choose a certificate or key for this site, have it signed, or lower the level of the site.".into(),
                intended: false,
            },
            ConnectFailure::FileSystem(error) => Self::from(error),
        }
    }
}

impl From<&ConnectError> for Advice {
    fn from(error: &ConnectError) -> Self {
        let host = &error.endpoint.host;
        let at = &error.endpoint;
        let said = if error.detail.is_empty() { String::new() } else { format!("{}.", error.detail.trim_end_matches('.')) };
        let (what, why, next) = match &error.kind {
            ConnectErrorKind::UnknownHost => (format!("There is no host called {host}."), said, "Check the spelling, and whether this machine can look up names (DNS, VPN).".into()),
            ConnectErrorKind::Refused => (
                format!("{at} refused the connection."),
                "Nobody listens on that port, or a firewall says so.".into(),
                "Check the port: SFTP usually 22, FTP with explicit TLS 21, implicit TLS 990.".into(),
            ),
            ConnectErrorKind::Unreachable => (format!("{host} cannot be reached."), said, "Check the network, VPN and routes.".into()),
            ConnectErrorKind::TimedOut => (
                format!("{at} did not answer in time."),
                if said.is_empty() { "The host is down, a firewall drops the packets, or the server is silent.".into() } else { said },
                "Check host and port, or wait longer with --timeout SECONDS.".into(),
            ),
            ConnectErrorKind::ConnectionLost => (format!("The connection to {at} broke."), said, "Try again; if it breaks at the same place, the server's log tells why.".into()),
            ConnectErrorKind::WrongProtocol => (
                format!("What answers at {at} does not speak this protocol."),
                said,
                "Use sftp:// for SSH servers, ftpes:// for FTP with explicit TLS (21), ftps:// for implicit TLS (990).".into(),
            ),
            ConnectErrorKind::Untrusted(evidence) => return untrusted(evidence, &said),
            ConnectErrorKind::OtherPeer => (
                format!("A data connection of {at} led to another server, so nothing was sent over it."),
                said,
                "Somebody may stand in between, or several servers share this address; ask its administrator.".into(),
            ),
            ConnectErrorKind::ProtectionRefused => (
                format!("{at} refuses to protect the connection with TLS, so nothing was sent."),
                said,
                "Ask its administrator for FTPS or SFTP. Plain ftp:// would let everybody on the way read the password and the files.".into(),
            ),
            ConnectErrorKind::Alert(AlertKind::CertificateRequired) => (
                format!("{at} wants a certificate from you, and none was sent."),
                said,
                "Ask its administrator which client certificate it takes.".into(),
            ),
            ConnectErrorKind::Alert(AlertKind::CertificateNotTrusted) => (
                format!("{at} does not trust your certificate yet."),
                said,
                "Send your certificate to its administrator; after it is trusted there, connect again.".into(),
            ),
            ConnectErrorKind::Alert(AlertKind::CertificateExpired) => (format!("{at} says that your certificate has expired."), said, "Renew it.".into()),
            ConnectErrorKind::Alert(AlertKind::CertificateRevoked) => (format!("{at} says that your certificate was revoked."), said, "Ask for a new one.".into()),
            ConnectErrorKind::Alert(AlertKind::CertificateUnsupported) => (format!("{at} cannot use a certificate of this kind."), said, "Make one with another kind of key.".into()),
            ConnectErrorKind::ClientCertificate(refused) => (
                format!("{at} {}.", if refused.sent { "refused your certificate" } else { "wants a certificate from you, and none was sent" }),
                said,
                "Connect anew to be told what to do.".into(),
            ),
            ConnectErrorKind::Alert(AlertKind::HandshakeFailure | AlertKind::Other) | ConnectErrorKind::Handshake => (
                format!("The secure connection to {at} could not be agreed on."),
                said,
                "Server and client found no common version or cipher, or the line was disturbed; TLS 1.2 and SSH 2 are the least spoken here.".into(),
            ),
            ConnectErrorKind::LoginRefused => (
                format!("{at} refused the login."),
                said,
                "Check user name, password and key; a passphrase unlocks a key file and is not the password.".into(),
            ),
            ConnectErrorKind::Busy => (format!("{at} takes no more connections for now."), said, "Try again in a while, or close other connections to it.".into()),
            ConnectErrorKind::NoSftp => (
                format!("The login at {at} worked, but there is no SFTP."),
                said,
                "Ask its administrator to enable the sftp subsystem; start-up files of the shell there must print nothing.".into(),
            ),
            ConnectErrorKind::Protocol => (format!("{at} answered what its protocol does not allow."), said, "The connection was closed. If it happens again, tell its administrator.".into()),
            ConnectErrorKind::Cancelled => return Self { what: "Stopped.".into(), why: said, next: String::new(), intended: true },
        };
        Self { what, why, next, intended: false }
    }
}

fn untrusted(evidence: &Evidence, said: &str) -> Advice {
    let at = &evidence.endpoint;
    let host_key = matches!(evidence.identity, PeerIdentity::HostKey(_));
    // As everybody compares it: ssh-keygen's notation for host keys.
    let notation = |print: Fingerprint| if host_key { print.openssh() } else { print.to_string() };
    let print = notation(evidence.identity.fingerprint());
    let mut why = evidence.problems.iter().map(problem_words).collect::<Vec<_>>().join(" ");
    if !said.is_empty() {
        why = format!("{said} {why}");
    }
    if let Some(before) = &evidence.remembered {
        let change = before.change.words();
        why = format!("{} {why} Trusted before ({}): {}; shown now: {print}.", change.title, before.place, notation(before.fingerprint));
        why.push_str(&format!(" Honest: {} Attack: {}", change.honest, change.attacker));
    } else if let Some(worst) = evidence.problems.first() {
        let words = worst.kind.words();
        why.push_str(&format!(" Honest: {} Attack: {}", words.honest, words.attacker));
    }
    let changed = evidence.has(ProblemKind::ChangedSincePinned);
    let (what, next) = match (host_key, changed) {
        _ if evidence.has(ProblemKind::Revoked) => {
            (format!("The identity of {at} was revoked. Nothing was sent to it."), "Do not connect. Ask its administrator.".to_owned())
        }
        // No line of known_hosts is to be removed for a key the URL names or that was accepted for this run.
        (true, true) if said.is_empty() => (
            format!("The host key of {at} is not the one you trusted. Nothing was sent to it."),
            format!(
                "Either the server got a new key or somebody stands in between. Ask its administrator for the key's fingerprint; if it is {}, remove the old line with: {}",
                print,
                forget_host_key(at, evidence.remembered.as_ref())
            ),
        ),
        (true, true) => (
            format!("The host key of {at} is not the one that was expected. Nothing was sent to it."),
            "Ask its administrator for the key's fingerprint, and connect anew to be asked about it.".to_owned(),
        ),
        (true, false) if !said.is_empty() => (
            format!("The host key of {at} is not known. Nothing was sent to it."),
            format!("Ask its administrator for the key's fingerprint; if it is {print}, add the key to known_hosts."),
        ),
        (false, true) => (
            format!("The certificate of {at} is not the one you trusted. Nothing was sent to it."),
            format!(
                "Ask its administrator whether the certificate was changed and compare the fingerprint; then connect with --trust {print}, or at a terminal without --batch to be asked."
            ),
        ),
        _ => (
            format!("The identity of {at} is not trusted, so nothing was sent to it."),
            format!(
                "Compare the fingerprint with what its administrator tells; then connect with --trust {print}, or at a terminal without --batch to be asked."
            ),
        ),
    };
    Advice { what, why, next, intended: false }
}

/// A problem as a sentence.
pub fn problem_words(problem: &Problem) -> String {
    let text = problem.text.trim();
    match text.chars().next() {
        None => format!("There is a problem: {}.", problem.kind.name()),
        Some(first) => {
            let rest = &text[first.len_utf8()..];
            let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
            format!("{}{rest}{end}", first.to_uppercase())
        }
    }
}
