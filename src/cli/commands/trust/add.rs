//! `trust add`: a certificate at one server, an authority for all FTPS servers, or the host key of an SSH server.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use jiff::Timestamp;

use super::{HOW_TO_NAME, endpoint_of, read, shown, tell};
use crate::cli::args::TrustAdd;
use crate::cli::exit::{ExitCode, Failure};
use crate::cli::output;
use crate::cli::prompt::LinePrompter;
use crate::engine::advice::problem_words;
use crate::engine::{self, KnownHostKey, Ledger, NamedHostKey, Services, Sought};
use crate::model::site::ParsedUrl;
use crate::model::{Endpoint, Protocol, Site, text};
use crate::protocols::tls::verify_chain;
use crate::trust::assess::{Purpose, Usage};
use crate::trust::certificate::CertificateFacts;
use crate::trust::document;
use crate::trust::ledger::Subject;
use crate::trust::store::Authority;
use crate::trust::{Certificate, Evidence, Fingerprint, HostKey, Pin, ProblemKind, Remember, Verified};

/// How whoever is trusted was named.
enum Named {
    HostKey(HostKey),
    Fingerprint(Fingerprint),
    /// The certificates of a file, at least one.
    Certificates(Vec<Certificate>),
}

pub(super) async fn add(command: &TrustAdd, ledger: &Ledger, services: &Services) -> Result<ExitCode, Failure> {
    if let Some(file) = &command.authority {
        return add_authority(ledger, file, command.fingerprint.as_deref(), command.yes).await;
    }
    let (whom, identity) = (command.endpoint.as_deref().unwrap_or_default(), command.identity.as_deref().unwrap_or_default());
    let endpoint = endpoint_of(whom)?;
    let protocol = whom.contains("://").then(|| ParsedUrl::parse(whom).map(|url| url.site.protocol)).transpose();
    let protocol = protocol.map_err(|_| Failure::usage("this is no URL", HOW_TO_NAME))?;
    let shown_whom = text::display_safe(whom.as_bytes());
    match (named(identity)?, protocol) {
        (_, Some(Protocol::Ftp)) => {
            Err(Failure::usage("a server shows no identity over ftp://", format!("Name it as ftpes://{endpoint} if it speaks TLS.")))
        }
        (Named::HostKey(_), Some(Protocol::Ftpes | Protocol::Ftps)) => Err(Failure::usage(
            "an FTPS server has a certificate, and this is an SSH host key",
            format!("For an SSH server: sftp://{endpoint}."),
        )),
        (Named::Certificates(_), Some(Protocol::Sftp)) => Err(Failure::usage(
            "an SSH server has a host key, and this is a certificate of another kind (X.509)",
            "Name the fingerprint of its key (SHA256:base64), its .pub file, or a known_hosts line.",
        )),
        // What people compare of host keys is written so, and port 22 is SSH: a certificate would be trusted to no use.
        (Named::Fingerprint(_), None) if identity.trim().starts_with("SHA256:") || endpoint.port == 22 => Err(Failure::usage(
            format!("{shown_whom} does not say whether the fingerprint is of a host key or of a certificate; nothing was changed"),
            format!("Name it as sftp://{endpoint} (SSH) or ftpes://{endpoint} (FTPS)."),
        )),
        (Named::HostKey(key), _) => add_host_key(&endpoint, whom, NamedHostKey::Key(key), services).await,
        (Named::Fingerprint(named), Some(Protocol::Sftp)) => {
            add_host_key(&endpoint, whom, NamedHostKey::Fingerprint(named), services).await
        }
        (Named::Fingerprint(named), _) => {
            let pin = Pin::named(named, None, Timestamp::now());
            add_certificate(ledger, endpoint, pin, command.yes).await
        }
        (Named::Certificates(chain), _) => {
            let pin = assessed(&endpoint, chain, services).await?;
            add_certificate(ledger, endpoint, pin, command.yes).await
        }
    }
}

/// A host key or a line with one, a fingerprint, or a file with a key or certificate.
fn named(identity: &str) -> Result<Named, Failure> {
    if let Some(key) = HostKey::read_lines(identity).pop() {
        return Ok(Named::HostKey(key));
    }
    if let Ok(fingerprint) = Fingerprint::parse(identity) {
        return Ok(Named::Fingerprint(fingerprint));
    }
    let file = Path::new(identity);
    if !file.exists() && identity.to_ascii_lowercase().starts_with("sha") {
        return fingerprint_of(identity).map(Named::Fingerprint);
    }
    let bytes = read(file, "Check the name; a fingerprint has 64 hex digits, or 43 characters after SHA256:.")?;
    match <[HostKey; 1]>::try_from(HostKey::read_lines(&String::from_utf8_lossy(&bytes))) {
        Ok([key]) => Ok(Named::HostKey(key)),
        Err(none) if none.is_empty() => Ok(Named::Certificates(certificates(file, &bytes)?)),
        Err(several) => {
            let what = format!("there are {} host keys in {}", several.len(), shown(file));
            Err(Failure::usage(what, "Name one of them: its line in quotes, or its fingerprint."))
        }
    }
}

async fn add_host_key(endpoint: &Endpoint, whom: &str, named: NamedHostKey, services: &Services) -> Result<ExitCode, Failure> {
    let url = if whom.contains("://") { whom.to_owned() } else { format!("{}://{endpoint}", Protocol::Sftp.scheme()) };
    let site: Site = ParsedUrl::parse(&url).map_err(|_| Failure::usage("this names no server", HOW_TO_NAME))?.site;
    let known = engine::trust_host_key(&site, named, services).await.map_err(|failure| Failure::from(&failure))?;
    let KnownHostKey { known_as, key, written } = known;
    let done = match &written {
        Some(file) => format!("trusted: {} {} at {known_as}, in {}", key.algorithm, key.fingerprint().openssh(), shown(file)),
        None => format!("trusted already: {} {} at {known_as}", key.algorithm, key.fingerprint().openssh()),
    };
    output::say(&done);
    Ok(ExitCode::Ok)
}

/// The pin for a certificate of a file, with exactly what is wrong with it now. Nobody can accept that it was taken back.
async fn assessed(endpoint: &Endpoint, chain: Vec<Certificate>, services: &Services) -> Result<Pin, Failure> {
    let (at, roots, now) = (endpoint.clone(), services.current_roots().await?, Timestamp::now());
    let assess = move || {
        let assessment = verify_chain(&chain, Purpose { host: Some(&at.host), usage: Usage::Server }, &roots, &[], now);
        Evidence::of_certificates(at, chain, assessment, None)
    };
    let evidence = tokio::task::spawn_blocking(assess).await.map_err(|error| Failure::unreadable("the certificate", error, ""))?;
    if evidence.unusable {
        let why = evidence.problems.iter().map(problem_words).collect::<Vec<_>>().join(" ");
        return Err(Failure::because(ExitCode::Identity, "no connection can be made with this certificate; nothing was changed", why, ""));
    }
    for problem in &evidence.problems {
        output::say(&format!("accepted with it: {} ({})", problem.kind.name(), problem.text));
    }
    let mut pin = Pin { last_seen: None, ..Pin::of(&evidence, Remember::Always, Verified::Named, now) };
    pin.accepted.remove(&ProblemKind::Revoked);
    Ok(pin)
}

async fn add_certificate(ledger: &Ledger, endpoint: Endpoint, pin: Pin, yes: bool) -> Result<ExitCode, Failure> {
    let known = ledger.find(Sought::Endpoint(endpoint.clone())).await?;
    let other = known.iter().find(|row| matches!(row.subject, Subject::Certificate(_)) && row.fingerprint != pin.certificate);
    if let Some(other) = other.filter(|_| !yes) {
        return Err(Failure::because(
            ExitCode::Identity,
            format!("another certificate is trusted at {endpoint}; nothing was changed"),
            format!("Trusted: {}; named: {}.", other.fingerprint, pin.certificate),
            "If the server has a new one, say --yes to trust that in its place.",
        ));
    }
    let whom = format!("{} at {endpoint}", pin.certificate);
    tell(&ledger.accept(endpoint, pin).await?, &format!("trusted: {whom}"));
    Ok(ExitCode::Ok)
}

async fn add_authority(ledger: &Ledger, file: &Path, fingerprint: Option<&str>, yes: bool) -> Result<ExitCode, Failure> {
    let certificate = match <[Certificate; 1]>::try_from(certificates(file, &read(file, "Check the name.")?)?) {
        Ok([certificate]) => certificate,
        Err(several) => {
            let what = format!("there are {} certificates in {}", several.len(), shown(file));
            return Err(Failure::usage(what, "Add one authority at a time, each from a file of its own."));
        }
    };
    let facts = CertificateFacts::read(&certificate.der).ok().filter(|facts| facts.is_authority).ok_or_else(|| {
        Failure::usage(
            format!("the certificate in {} is no authority's", shown(file)),
            "Trust it at its server: sealift trust add HOST:PORT FILE.",
        )
    })?;
    let mut verified = Verified::Blind;
    if let Some(named) = fingerprint {
        if fingerprint_of(named)? != facts.fingerprint {
            let why = format!("Named: {named}; in the file: {}.", facts.fingerprint);
            return Err(Failure::because(ExitCode::Identity, "this is not the authority you named; nothing was changed", why, ""));
        }
        verified = Verified::Fingerprint;
    } else if !yes {
        let Some(person) = io::stderr().is_terminal().then(LinePrompter::open).flatten() else {
            return Err(Failure::usage(
                "an authority vouches for every FTPS server, and nobody is here to be asked; nothing was changed",
                "Name it with --fingerprint, or say --yes.",
            ));
        };
        let days = [facts.not_before, facts.not_after].map(|time| time.strftime("%Y-%m-%d").to_string()).join(" to ");
        let question = format!(
            "{}\n  Validity     {days}\n  Fingerprint  {}\nTrust it to vouch for every FTPS server?",
            facts.owner(),
            facts.fingerprint.colons()
        );
        if !person.agrees(&question).await {
            return Err(Failure::because(ExitCode::Error, "nothing was changed", "", ""));
        }
    }
    let kept = ledger.accept_authority(Authority { certificate, since: Timestamp::now(), verified }).await?;
    tell(&kept, &format!("trusted to vouch for FTPS servers: {}, {}", facts.owner(), facts.fingerprint));
    Ok(ExitCode::Ok)
}

fn fingerprint_of(text: &str) -> Result<Fingerprint, Failure> {
    Fingerprint::parse(text).map_err(|error| Failure::usage(format!("{}: {error}", text::display_safe(text.as_bytes())), ""))
}

/// The certificates of a file, at least one.
fn certificates(file: &Path, bytes: &[u8]) -> Result<Vec<Certificate>, Failure> {
    let found = document::read(&shown(file), bytes, Timestamp::now());
    let all: Vec<_> = found.into_iter().filter_map(|document| document.certificate).collect();
    if all.is_empty() {
        return Err(Failure::usage(format!("there is no certificate in {} (PEM or DER)", shown(file)), ""));
    }
    Ok(all)
}
