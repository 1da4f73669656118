//! `cert verify`: whether a chain is to be trusted, and everything that is wrong with it.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Input, Source, bytes, choices, look, read, shown_path, source};
use crate::cli::args::{CertUsage, CertVerify};
use crate::cli::exit::{ExitCode, Failure};
use crate::cli::{output, sections};
use crate::model::Endpoint;
use crate::protocols::tls::{Roots, verify_chain};
use crate::trust::assess::{Assessment, Purpose, Usage};
use crate::trust::certificate::CertificateFacts;
use crate::trust::document::DocumentKind;
use crate::trust::revocation::{Checked, Revocation, RevocationList};
use crate::trust::{Certificate, ChainLink, Fingerprint, LinkSignature, Origin, PeerIdentity, ProblemKind, describe};

pub(super) async fn verify(command: &CertVerify) -> Result<ExitCode, Failure> {
    let now = match &command.at {
        Some(text) => {
            text.parse().map_err(|_| Failure::usage(format!("--at {text}: this is no instant"), "Write 2026-12-31T00:00:00Z."))?
        }
        None => Timestamp::now(),
    };
    let (chain, of_url, stapled) = match source(&command.chain)? {
        Source::Server(site) => {
            let evidence = look(&site, &choices(command.timeout, command.ssh_config.clone())).await?;
            let PeerIdentity::Certificates(chain) = evidence.identity else {
                return Err(Failure::usage("an SSH server has a host key, not a chain of certificates", "Use sealift cert show."));
            };
            (chain, Some(site.endpoint.host), evidence.revocation)
        }
        Source::Bytes(name) => {
            let shown = name.shown();
            let documents = read(name, now).await?;
            // Without it another one would pass for the first.
            if documents.iter().any(|document| document.kind == DocumentKind::Unreadable) {
                return Err(Failure::unreadable(&shown, "a part of it cannot be read", "Look at it with sealift cert show."));
            }
            let chain: Vec<_> = documents.into_iter().filter_map(|document| document.certificate).collect();
            if chain.is_empty() {
                return Err(Failure::unreadable(&shown, "there is no certificate in it that can be read", ""));
            }
            (chain, None, Revocation::NotChecked)
        }
    };
    // An endpoint keeps host names in the form they are compared in.
    let host = command.host.clone().or(of_url).map(|host| Endpoint::new(&host, 0).host);
    let lists = lists_of(&command.crl).await?;
    let roots = match &command.roots {
        None => Roots::system(),
        Some(file) => roots_of(file, now).await?,
    };
    let usage = match command.usage {
        CertUsage::Server => Usage::Server,
        CertUsage::Client => Usage::Client,
    };
    let judged = {
        let (chain, host) = (chain.clone(), host.clone());
        // The system's authorities are read from the disk.
        let judge = move || verify_chain(&chain, Purpose { host: host.as_deref(), usage }, &roots, &lists, now);
        tokio::task::spawn_blocking(judge).await.map_err(|error| Failure::unreadable("the chain", error, ""))?
    };
    let judged = with_staple(judged, stapled);
    let is_trusted = judged.problems.is_empty() && !judged.unusable;
    let printed = if command.json {
        output::json_line(&verdict_json(&judged, is_trusted, host.as_deref(), now))
    } else {
        print_verdict(&judged, is_trusted, host.is_some(), &chain, now)
    };
    printed.map_err(|error| Failure::output(&error))?;
    Ok(if is_trusted { ExitCode::Ok } else { ExitCode::Identity })
}

/// What the server brought along about its own revocation counts beside the lists.
fn with_staple(judged: Assessment, stapled: Revocation) -> Assessment {
    let is_told = judged.problems.iter().any(|problem| problem.kind == ProblemKind::Revoked && problem.at == 0);
    let problems = stapled.problem(0).into_iter().filter(|_| !is_told).collect();
    let leaf = judged.revocation.clone().or(stapled);
    judged.with_revocation(Checked { leaf, problems })
}

async fn lists_of(files: &[PathBuf]) -> Result<Vec<RevocationList>, Failure> {
    let mut lists = Vec::new();
    for file in files {
        let found = RevocationList::read(&shown_path(file), &bytes(Input::File(file.clone())).await?);
        if found.is_empty() {
            return Err(Failure::unreadable(&shown_path(file), "there is no revocation list in it that can be read", ""));
        }
        lists.extend(found);
    }
    Ok(lists)
}

/// Only these count.
async fn roots_of(file: &Path, now: Timestamp) -> Result<Roots, Failure> {
    let found = read(Input::File(file.to_owned()), now).await?.into_iter().filter_map(|document| document.certificate);
    let found: Vec<_> = found.map(|certificate| certificate.der.into_vec()).collect();
    if found.is_empty() {
        return Err(Failure::unreadable(&shown_path(file), "there is no certificate in it that can be a root", ""));
    }
    Ok(Roots::only(found))
}

fn verdict_json(judged: &Assessment, is_trusted: bool, host: Option<&str>, now: Timestamp) -> Map<String, Value> {
    let link = |link: &ChainLink| {
        let at = if let Origin::Sent { at } = link.origin { Some(at) } else { None };
        let sha256 = link.certificate.as_ref().map(|certificate| Fingerprint::of(&certificate.der).hex());
        json!({ "name": link.name, "origin": origin(link.origin), "at": at, "signature": signature(link.signature).0, "sha256": sha256 })
    };
    let chain: Vec<_> = judged.chain.iter().map(link).collect();
    let mut object = Map::from_iter([
        ("trusted".to_owned(), json!(is_trusted)),
        ("problems".to_owned(), json!(judged.problems)),
        ("host".to_owned(), json!(host)),
        ("name_checked".to_owned(), json!(host.is_some())),
        ("as_of".to_owned(), json!(now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())),
        ("chain".to_owned(), json!(chain)),
    ]);
    describe::put_json(&mut object, &describe::revocation(&judged.revocation, now));
    object.remove("invalid");
    object
}

fn print_verdict(judged: &Assessment, is_trusted: bool, name_checked: bool, chain: &[Certificate], now: Timestamp) -> io::Result<()> {
    output::line(match (is_trusted, name_checked) {
        (true, true) => "trusted",
        (true, false) => "trusted (no --host given, so no name was checked)",
        (false, _) => "not trusted",
    })?;
    for problem in &judged.problems {
        let owner = chain.get(problem.at).and_then(|certificate| CertificateFacts::read(&certificate.der).ok()).map(|facts| facts.owner());
        let whose =
            if problem.at == 0 { String::new() } else { format!(" ({})", owner.unwrap_or_else(|| format!("certificate {}", problem.at))) };
        output::line(&format!("  {}{whose}: {}", problem.kind.name(), problem.text))?;
    }
    for (depth, link) in judged.chain.iter().enumerate() {
        output::line(&format!("{}{} ({}, {})", "  ".repeat(depth), link.name, origin(link.origin), signature(link.signature).1))?;
    }
    let revocation = sections::lines(&describe::revocation(&judged.revocation, now));
    revocation.iter().try_for_each(|line| output::line(line))
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Sent { .. } => "sent",
        Origin::Store => "store",
        Origin::Missing => "missing",
    }
}

/// Its name for scripts, and in words.
fn signature(signature: LinkSignature) -> (&'static str, &'static str) {
    match signature {
        LinkSignature::Valid => ("valid", "signed by the next"),
        LinkSignature::SelfSigned => ("self-signed", "signed by itself"),
        LinkSignature::Forged => ("forged", "not signed by the next"),
        LinkSignature::Unchecked => ("unchecked", "signature not checked"),
        LinkSignature::Root => ("root", "root"),
    }
}
