//! `trust`: what a person trusts, listed, shown, added, removed, exported, imported.

mod add;
mod pending;

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use crate::ask::Refuse;
use crate::cli::args::Trust;
use crate::cli::exit::{ExitCode, Failure};
use crate::cli::output;
use crate::cli::prompt::LinePrompter;
use crate::engine::{Ledger, LedgerError, Sought};
use crate::model::site::ParsedUrl;
use crate::model::{Endpoint, Protocol, text};
use crate::setup::{Choices, Setup};
use crate::trust::ledger::{Confirmation, Row, Subject};
use crate::trust::store::{FOREIGN, Kept};
use crate::trust::{Fingerprint, private_file};

/// The answer to a fingerprint that is none, or to a place that says no port.
const HOW_TO_NAME: &str = "Name it as host:port, as a URL, or by its fingerprint (sha256:HEX, SHA256:base64).";

pub(in crate::cli) async fn trust(command: &Trust) -> Result<ExitCode, Failure> {
    let setup = Setup::read(&Choices::default())?;
    let services = setup.services(&Choices::default(), Arc::new(Refuse), Arc::new(output::say))?;
    let ledger = Ledger::new(&services);
    match command {
        Trust::List { json } => list(&ledger, *json).await,
        Trust::Show { whom, json } => show(&ledger, whom, *json).await,
        Trust::Pending(command) => pending::pending(command, &setup),
        Trust::Add(command) => add::add(command, &ledger, &services).await,
        Trust::Remove { whom, yes } => remove(&ledger, whom, *yes).await,
        Trust::Export { file } => export(&ledger, file.as_deref()).await,
        Trust::Import { file } => import(&ledger, file).await,
    }
}

async fn list(ledger: &Ledger, json: bool) -> Result<ExitCode, Failure> {
    let rows = ledger.rows().await?;
    print(&rows, json)?;
    let denied = rows.iter().filter(|row| row.confirmed == Confirmation::Denied).count();
    if json {
        let mut summary = json!({ "summary": { "rows": rows.len(), "denied": denied } });
        if let Err(error) = ledger.keyring().await {
            summary["summary"]["keyring"] = json!(error.to_string());
        }
        output::json_line(&summary).map_err(|error| Failure::output(&error))?;
    } else if rows.is_empty() {
        output::say("nobody is trusted yet");
    } else if denied > 0 {
        output::say(&format!("{denied} of these your keyring does not confirm; the next connection asks again"));
    }
    Ok(ExitCode::Ok)
}

async fn show(ledger: &Ledger, whom: &str, json: bool) -> Result<ExitCode, Failure> {
    print(&found(ledger, whom).await?, json)?;
    Ok(ExitCode::Ok)
}

fn print(rows: &[Row], json: bool) -> Result<(), Failure> {
    let written: io::Result<()> = rows.iter().try_for_each(|row| {
        if json { output::json_line(&row.to_json()) } else { words(row).iter().try_for_each(|words| output::line(words)) }
    });
    written.map_err(|error| Failure::output(&error))
}

/// A row as lines for a person.
fn words(row: &Row) -> Vec<String> {
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    let kind = match &row.subject {
        Subject::Certificate(_) => "certificate".to_owned(),
        Subject::Authority(_) => "authority for FTPS".to_owned(),
        Subject::HostKey(_, algorithm) => format!("host key {algorithm}"),
        Subject::HostAuthority(_, algorithm) => format!("authority for host keys {algorithm}"),
        Subject::RevokedHostKey(_, algorithm) => format!("revoked host key {algorithm}, never trusted"),
    };
    let mut lines = vec![format!("{}  {kind}", row.whom), format!("    {}", row.fingerprint)];
    let mut facts = Vec::new();
    facts.extend(row.since.map(|since| format!("trusted {}", day(since))));
    facts.extend(row.verified.map(|verified| verified.words().to_owned()));
    facts.extend(row.expires.map(|expires| format!("until {}", day(expires))));
    facts.extend(row.last_seen.map(|seen| format!("last seen {}", day(seen))));
    if !facts.is_empty() {
        lines.push(format!("    {}", facts.join(", ")));
    }
    if !row.accepted.is_empty() {
        lines.push(format!("    accepted: {}", row.accepted.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")));
    }
    lines.push(format!("    kept in {}", row.kept));
    lines
}

async fn remove(ledger: &Ledger, whom: &str, yes: bool) -> Result<ExitCode, Failure> {
    let mut rows = found(ledger, whom).await?;
    // An authority's line and a revocation are meant only where they are named themselves.
    if Fingerprint::parse(whom).is_err() {
        rows.retain(|row| matches!(row.subject, Subject::Certificate(_) | Subject::HostKey(..)));
    }
    if rows.is_empty() {
        let next = "Name its fingerprint: sealift trust show tells it.";
        return Err(Failure::because(ExitCode::Error, "what covers this server was not decided for it alone", "", next));
    }
    let person = if io::stderr().is_terminal() { LinePrompter::open() } else { None };
    if !yes {
        let Some(person) = &person else {
            return Err(Failure::usage("nobody is here to confirm it; nothing was removed", "Say --yes to remove it without a question."));
        };
        let listed: Vec<_> = rows.iter().flat_map(words).collect();
        if !person.agrees(&format!("{}\nTrust this no longer?", listed.join("\n"))).await {
            return Err(Failure::because(ExitCode::Error, "nothing was removed", "", ""));
        }
    }
    // From the end, so that the lines above keep their numbers.
    for row in rows.iter().rev() {
        let kept = match ledger.remove(row, yes).await {
            Err(LedgerError::SeveralHosts { place, hosts }) => {
                let question = format!("{place} is for several hosts: {hosts}\nForget all of them?");
                let agreed = match &person {
                    Some(person) => person.agrees(&question).await,
                    None => false,
                };
                if agreed { ledger.remove(row, true).await } else { Err(LedgerError::SeveralHosts { place, hosts }) }
            }
            done => done,
        };
        tell(&kept.map_err(refused)?, &format!("no longer trusted: {}, {}", row.whom, row.fingerprint));
    }
    Ok(ExitCode::Ok)
}

fn refused(error: LedgerError) -> Failure {
    match error {
        LedgerError::Store(error) => error.into(),
        LedgerError::Gone { .. } => Failure::because(ExitCode::Error, error.to_string(), "", ""),
        LedgerError::SeveralHosts { .. } => Failure::because(
            ExitCode::Error,
            error.to_string(),
            "",
            "Say --yes to remove the whole line, or take the one host out of it by hand.",
        ),
        LedgerError::File { .. } => Failure::because(ExitCode::Local, error.to_string(), "", "The file is as it was."),
    }
}

async fn export(ledger: &Ledger, file: Option<&Path>) -> Result<ExitCode, Failure> {
    let exported = ledger.export().await?;
    let Some(file) = file else {
        output::line(&exported).map_err(|error| Failure::output(&error))?;
        return Ok(ExitCode::Ok);
    };
    let written = private_file::write_new(file, format!("{exported}\n").as_bytes());
    written.map_err(|error| Failure::because(ExitCode::Local, format!("cannot write {}: {error}", shown(file)), "", ""))?;
    Ok(ExitCode::Ok)
}

async fn import(ledger: &Ledger, file: &Path) -> Result<ExitCode, Failure> {
    let text = String::from_utf8_lossy(&read(file, "Check the name and who may read it.")?).into_owned();
    let imported = ledger.import(&text).await.map_err(|error| match error.reason.strip_prefix(FOREIGN) {
        Some(why) => Failure::because(
            ExitCode::Local,
            format!("{}{}", shown(file), why.split(';').next().unwrap_or_default()),
            "",
            "Your own ledger is untouched. Export the file again where it came from: sealift trust export.",
        ),
        None => error.into(),
    })?;
    for endpoint in &imported.added {
        output::say(&format!("trusted: {endpoint}"));
    }
    for conflict in &imported.conflicts {
        output::say(&format!("left as it is: {} (trusted: {}; in the file: {})", conflict.endpoint, conflict.trusted, conflict.imported));
    }
    if let Some(remark) = &imported.remark {
        output::say(remark);
    }
    output::say(&format!(
        "{} taken over, {} known already, {} contradict what you trust, {} of another kind left out",
        imported.added.len(),
        imported.known,
        imported.conflicts.len(),
        imported.left_out
    ));
    Ok(if imported.conflicts.is_empty() { ExitCode::Ok } else { ExitCode::Partial })
}

/// The rows a person means; none is a failure.
async fn found(ledger: &Ledger, whom: &str) -> Result<Vec<Row>, Failure> {
    let sought = match Fingerprint::parse(whom) {
        Ok(fingerprint) => Sought::Fingerprint(fingerprint),
        Err(_) => Sought::Endpoint(endpoint_of(whom)?),
    };
    let rows = ledger.find(sought).await?;
    if rows.is_empty() {
        let what = format!("nothing is trusted under {}", text::display_safe(whom.as_bytes()));
        return Err(Failure::because(ExitCode::Error, what, "", "See what there is: sealift trust list."));
    }
    Ok(rows)
}

fn tell(kept: &Kept, done: &str) {
    output::say(done);
    if let Some(remark) = &kept.remark {
        output::say(remark);
    }
}

/// `host:port`, `[address]:port`, or a URL.
fn endpoint_of(text: &str) -> Result<Endpoint, Failure> {
    let wrong = || Failure::usage(format!("{} names no server and port", text::display_safe(text.as_bytes())), HOW_TO_NAME);
    if text.contains("://") {
        return ParsedUrl::parse(text).map(|url| url.site.endpoint).map_err(|_| wrong());
    }
    // A URL says what a host and a port may look like.
    if !text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
        return Err(wrong());
    }
    let url = ParsedUrl::parse(&format!("{}://{text}", Protocol::Ftpes.scheme())).map_err(|_| wrong())?;
    Ok(url.site.endpoint)
}

fn read(file: &Path, next: &str) -> Result<Vec<u8>, Failure> {
    fs::read(file).map_err(|error| Failure::because(ExitCode::Local, format!("cannot read {}: {error}", shown(file)), "", next))
}

fn shown(file: &Path) -> String {
    text::display_safe(file.as_os_str().as_encoded_bytes())
}
