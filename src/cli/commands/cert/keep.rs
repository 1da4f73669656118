//! `cert list`, `cert rename`, `cert remove`: the identities and authorities kept here.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::own::{data, now};
use crate::cli::exit::{ExitCode, Failure};
use crate::cli::identity_args::{CertList, CertRemove, CertRename};
use crate::cli::{output, passphrase};
use crate::identity::x509::authority::AuthorityStore;
use crate::identity::x509::expiry::expiry;
use crate::identity::x509::store::IdentityStore;
use crate::model::text;
use crate::secrets::Label;
use crate::setup::{Choices, Setup};
use crate::trust::certificate::CertificateFacts;

pub(super) fn list(command: &CertList) -> Result<ExitCode, Failure> {
    let (data, now) = (data()?, now());
    let mut code = ExitCode::Ok;
    let mut put = |kind: &str, name: &str, found: Result<(CertificateFacts, bool), Failure>| {
        let (facts, pending) = match found {
            Ok(found) => found,
            Err(failure) => {
                code = failure.report();
                return Ok(());
            }
        };
        if command.json {
            output::json_line(&object(kind, name, &facts, pending, now))
        } else {
            output::line(&line(kind, name, &facts, pending, now))
        }
    };
    for (name, identity) in IdentityStore::open(&data).list()? {
        let found = identity.map(|identity| (identity.certificate, identity.pending.is_some())).map_err(Into::into);
        put("identity", &name, found).map_err(|error| Failure::output(&error))?;
    }
    for (name, authority) in AuthorityStore::open(&data).list()? {
        put("authority", &name, authority.map(|authority| (authority.facts, false)).map_err(Into::into))
            .map_err(|error| Failure::output(&error))?;
    }
    Ok(code)
}

fn line(kind: &str, name: &str, facts: &CertificateFacts, pending: bool, now: Timestamp) -> String {
    let ends =
        expiry(facts.not_after, now).map_or_else(|| format!("until {}", facts.not_after.strftime("%Y-%m-%d")), |soon| soon.to_string());
    let by = if facts.self_issued { "self-signed".to_owned() } else { format!("by {}", facts.issuer_name()) };
    let waits = if pending { "; a new certificate waits for its first login" } else { "" };
    let pad = " ".repeat(16_usize.saturating_sub(text::width(name)));
    format!("{name}{pad} {kind:<9} {}, {by}, {}, {ends}{waits}", facts.owner(), facts.key)
}

fn object(kind: &str, name: &str, facts: &CertificateFacts, pending: bool, now: Timestamp) -> Value {
    json!({
        "name": name,
        "kind": kind,
        "owner": facts.owner(),
        "issuer": facts.issuer_name(),
        "self_signed": facts.self_issued,
        "key": facts.key,
        "not_after": facts.not_after.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "expires_soon": expiry(facts.not_after, now).is_some(),
        "pending": pending,
        "sha256": facts.fingerprint.hex(),
    })
}

pub(super) fn default(name: Option<&str>) -> Result<ExitCode, Failure> {
    let store = IdentityStore::open(&data()?);
    match name {
        None => output::line(&store.default_name()?.unwrap_or_else(|| "none".to_owned())).map_err(|error| Failure::output(&error))?,
        Some(name) => store.set_default(Some(name).filter(|name| *name != "none"))?,
    }
    Ok(ExitCode::Ok)
}

pub(super) fn rename(command: &CertRename) -> Result<ExitCode, Failure> {
    IdentityStore::open(&data()?).rename(&command.name, &command.new)?;
    remark_on_passphrase(&command.name)?;
    Ok(ExitCode::Ok)
}

pub(super) async fn remove(command: &CertRemove) -> Result<ExitCode, Failure> {
    let store = IdentityStore::open(&data()?);
    let owner = store.get(&command.name).map_or_else(|_| "what cannot be read".to_owned(), |identity| identity.certificate.owner());
    let question = format!("Remove {} ({owner}) with its private key, for good?", command.name);
    if !command.yes && !passphrase::confirm(&question).await? {
        output::say("nothing was removed");
        return Ok(ExitCode::Error);
    }
    store.remove(&command.name)?;
    remark_on_passphrase(&command.name)?;
    Ok(ExitCode::Ok)
}

/// A passphrase that is kept under a name that is gone would be tried with the next identity of that name.
fn remark_on_passphrase(name: &str) -> Result<(), Failure> {
    let label = Label::Certificate(name.to_owned()).to_string();
    let kept = Setup::read(&Choices::default())?.secret_store().list(Timestamp::now())?;
    if kept.iter().any(|row| row.label == label) {
        output::say(&format!("its passphrase is still kept; sealift secret forget {label} removes that, too"));
    }
    Ok(())
}
