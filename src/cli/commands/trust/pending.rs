//! `trust pending`: clients of `sealift serve` whose certificates wait to be trusted, and what was decided.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::commands::serve::certificates;
use crate::cli::exit::{ExitCode, Failure};
use crate::cli::output;
use crate::cli::serve_args::TrustPending;
use crate::model::text;
use crate::server::Clients;
use crate::server::clients::{Client, Lists};
use crate::setup::Setup;
use crate::trust::Fingerprint;

pub(super) fn pending(command: &TrustPending, setup: &Setup) -> Result<ExitCode, Failure> {
    let clients = Clients::at(setup.directories.server());
    let now = Timestamp::now();
    let (client, done) = match command {
        TrustPending { trust: Some(whom), .. } => match Fingerprint::parse(whom) {
            Ok(fingerprint) => (clients.trust(&fingerprint, now)?, "trusted from the next connection on"),
            Err(_) if Path::new(whom).exists() => {
                let chain = certificates(Path::new(whom))?;
                let leaf = chain.first().map(Vec::as_slice).unwrap_or_default();
                (clients.trust_certificate(leaf, now)?, "trusted from the next connection on")
            }
            Err(error) => return Err(no_fingerprint(whom, &error)),
        },
        TrustPending { refuse: Some(whom), .. } => (clients.refuse(&fingerprint(whom)?, now)?, "turned away from now on"),
        TrustPending { remove: Some(whom), .. } => (clients.forget(&fingerprint(whom)?)?, "forgotten"),
        TrustPending { authority: Some(file), .. } => {
            let chain = certificates(file)?;
            let own = chain.first().map(Vec::as_slice).unwrap_or_default();
            (clients.trust_authority(own, now)?, "trusted to vouch for clients from the next connection on")
        }
        _ => return list(&clients.lists()?, command.json),
    };
    output::say(&format!("{done}: {}, {}", owner(&client), client.fingerprint()));
    Ok(ExitCode::Ok)
}

fn list(lists: &Lists, json: bool) -> Result<ExitCode, Failure> {
    let all = [("pending", &lists.pending), ("trusted", &lists.trusted), ("authority", &lists.authorities), ("refused", &lists.refused)];
    for (state, client) in all.into_iter().flat_map(|(state, list)| list.iter().map(move |client| (state, client))) {
        let written = if json {
            output::json_line(&object(state, client))
        } else {
            words(state, client).iter().try_for_each(|line| output::line(line))
        };
        written.map_err(|error| Failure::output(&error))?;
    }
    if !json && lists.pending.is_empty() {
        output::say("no client waits to be trusted");
    } else if !json {
        output::say("to let one in: sealift trust pending --trust FINGERPRINT");
    }
    Ok(ExitCode::Ok)
}

fn words(state: &str, client: &Client) -> [String; 3] {
    let moment = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let since = match (client.last_seen, client.from) {
        (Some(seen), Some(from)) => format!("came from {from}, last {}, turned away {} times", moment(seen), client.times),
        _ => format!("since {}", moment(client.since)),
    };
    let facts = client.facts().map(|facts| format!("{}, until {}", issuer(&facts), facts.not_after.strftime("%Y-%m-%d")));
    [
        format!("{state:<9} {}", owner(client)),
        format!("          {}", client.fingerprint()),
        format!("          {}{since}", facts.map(|facts| facts + "; ").unwrap_or_default()),
    ]
}

fn issuer(facts: &crate::trust::certificate::CertificateFacts) -> String {
    if facts.self_issued { "self-signed".to_owned() } else { format!("by {}", facts.issuer_name()) }
}

fn object(state: &str, client: &Client) -> Value {
    let moment = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let facts = client.facts().ok();
    json!({
        "state": state,
        "owner": owner(client),
        "issuer": facts.as_ref().map(crate::trust::certificate::CertificateFacts::issuer_name),
        "not_after": facts.as_ref().map(|facts| moment(facts.not_after)),
        "sha256": client.fingerprint().hex(),
        "since": moment(client.since),
        "last_seen": client.last_seen.map(moment),
        "from": client.from,
        "times": client.times,
    })
}

fn owner(client: &Client) -> String {
    client.facts().map_or_else(|_| "a certificate that cannot be read".to_owned(), |facts| facts.owner())
}

fn fingerprint(text: &str) -> Result<Fingerprint, Failure> {
    Fingerprint::parse(text).map_err(|error| no_fingerprint(text, &error))
}

fn no_fingerprint(given: &str, error: &impl std::fmt::Display) -> Failure {
    let what = format!("{}: {error}", text::display_safe(given.as_bytes()));
    Failure::usage(what, "Name it by its fingerprint as the list shows it (sha256:HEX).")
}
